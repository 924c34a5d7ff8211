//! One channel's task: takes what is due from the outbox, sends it, and notes what it came to.
//!
//! **At least once.** What was sent and not yet noted when the server died is sent again, under the same id. **In order.** Of what is about one thing,
//! only the oldest that is still to be sent is due. **Silences** are looked at when something is about to be sent, so one that was set a moment ago
//! counts; when it ends, what it covered is sent if it is still news.

use std::sync::Arc;
use std::time::Duration;

use analyst::Slice;
use futures_util::future::join_all;
use payments::Timestamp;
use store::{Delivery, DeliveryState, Due, Silence, Stage};

use super::backoff;
use super::notice::Notice;
use super::post::{Outcome, Parcel, Post};
use super::{alertmanager, pagerduty, slack, webhook};
use crate::config::{Channel, Target};
use crate::serve::App;
use crate::serve::clock::wall;

/// How often the outbox is looked into.
const EVERY: Duration = Duration::from_millis(500);
/// Deliveries at once.
const AT_ONCE: u32 = 8;
/// How often what waits is counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// A channel and what it needs.
pub struct Sender {
    app: Arc<App>,
    channel: Channel,
    post: Arc<Post>,
    instance: Arc<str>,
    give_up_after_ms: i64,
}

impl Sender {
    /// For one channel.
    pub fn new(app: Arc<App>, channel: Channel, post: Arc<Post>, instance: Arc<str>) -> Self {
        app.metrics.alerts.begin(&channel.name);
        let give_up_after_ms = app.settings.load().alerts().give_up_after_ms();
        Self { app, channel, post, instance, give_up_after_ms }
    }

    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Delivers for ever.
    pub async fn run(self: Arc<Self>) {
        let name = &self.channel.name;
        loop {
            match self.round().await {
                Ok(0) => tokio::time::sleep(EVERY).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(channel = name, %error, "the outbox can't be read or written");
                    tokio::time::sleep(EVERY).await;
                }
            }
        }
    }

    /// Sends what is due; how many there were.
    async fn round(&self) -> store::Result<usize> {
        let store = &self.app.store;
        let due = store.due(&self.channel.name, wall(), AT_ONCE).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let silences = store.active_silences(wall()).await?;
        let done = join_all(due.iter().map(|due| self.deliver(due, &silences))).await;
        let mut work = store.begin().await?;
        for delivery in &done {
            work.delivery(delivery).await?;
            if delivery.state == DeliveryState::GivenUp {
                let why = serde_json::json!({"channel": delivery.channel, "why": delivery.detail, "tries": delivery.tries});
                let detail = why.to_string();
                work.append_audit(wall(), "pointsman", "give_up", &delivery.alert_id, &detail)
                    .await?;
            }
        }
        work.commit().await?;
        for delivery in &done {
            self.say(delivery);
        }
        Ok(done.len())
    }

    fn say(&self, delivery: &Delivery) {
        let (alert, channel) = (&delivery.alert_id, &delivery.channel);
        let why = delivery.detail.as_deref().unwrap_or_default();
        self.app.metrics.alerts.tried(channel, delivery.state);
        match delivery.state {
            DeliveryState::GivenUp => {
                tracing::error!(
                    channel,
                    alert,
                    tries = delivery.tries,
                    why,
                    "an alert is given up"
                );
            }
            DeliveryState::Waiting => {
                tracing::warn!(channel, alert, tries = delivery.tries, why, "an alert isn't taken");
            }
            DeliveryState::Silenced => tracing::info!(channel, alert, "an alert is silenced"),
            DeliveryState::Delivered | DeliveryState::Repeating | DeliveryState::Needless => {
                tracing::debug!(channel, alert, "an alert is settled");
            }
        }
    }

    /// What becomes of a delivery now.
    async fn deliver(&self, due: &Due, silences: &[Silence]) -> Delivery {
        let now = wall();
        let ended = |state, detail: Option<String>| Delivery {
            state,
            next_at: None,
            detail,
            done_at: Some(now),
            ..due.delivery.clone()
        };
        let Ok(notice) = serde_json::from_str::<Notice>(&due.alert.body) else {
            return ended(DeliveryState::GivenUp, Some("it can't be read".into()));
        };
        if let Some(settled) = settled(due, &notice, silences, now) {
            return settled;
        }
        let Some(parcel) = self.parcel(&notice, due, now) else {
            return ended(DeliveryState::Needless, Some("nothing to say to this channel".into()));
        };
        let tries = due.delivery.tries + 1;
        let tried = Delivery { tries, ..due.delivery.clone() };
        match self.post.send(&self.channel.url, parcel).await {
            Outcome::Taken if self.repeats(due.alert.stage) => Delivery {
                state: DeliveryState::Repeating,
                next_at: Some(wall().plus_millis(alertmanager::REPEAT_MS)),
                detail: None,
                done_at: Some(wall()),
                ..tried
            },
            Outcome::Taken => Delivery {
                state: DeliveryState::Delivered,
                next_at: None,
                detail: None,
                done_at: Some(wall()),
                ..tried
            },
            Outcome::Never(why) => Delivery { tries, ..ended(DeliveryState::GivenUp, Some(why)) },
            Outcome::Again(why, after) => self.again(tried, why, after),
        }
    }

    /// Later, or not any more.
    fn again(&self, tried: Delivery, why: String, after_ms: Option<i64>) -> Delivery {
        let draw = crate::serve::random();
        let wait_ms = backoff::wait_ms(tried.tries, draw).max(after_ms.unwrap_or(0));
        let next = wall().plus_millis(wait_ms);
        // What is said again and again is never given up: it has been taken once.
        if tried.state == DeliveryState::Repeating {
            return Delivery { next_at: Some(next), detail: Some(why), ..tried };
        }
        if next.millis_since(tried.begun_at) > self.give_up_after_ms {
            let detail =
                format!("{why}; tried for {} s", wall().millis_since(tried.begun_at) / 1_000);
            return Delivery {
                state: DeliveryState::GivenUp,
                next_at: None,
                detail: Some(detail),
                done_at: Some(wall()),
                ..tried
            };
        }
        Delivery { state: DeliveryState::Waiting, next_at: Some(next), detail: Some(why), ..tried }
    }

    fn repeats(&self, stage: Stage) -> bool {
        self.channel.target == Target::Alertmanager && stage == Stage::Firing
    }

    fn parcel(&self, notice: &Notice, due: &Due, now: Timestamp) -> Option<Parcel> {
        let (alert, instance) = (&due.alert, &*self.instance);
        match &self.channel.target {
            Target::Slack => Some(slack::parcel(notice)),
            Target::PagerDuty { routing_key } => {
                Some(pagerduty::parcel(notice, alert, instance, routing_key))
            }
            Target::Alertmanager => alertmanager::parcel(notice, alert, instance, now),
            Target::Webhook { keys } => Some(webhook::parcel(notice, alert, instance, keys, now)),
        }
    }

    /// Sends a notice that the store can't take.
    pub async fn send_directly(&self, notice: &Notice, at: Timestamp) -> DeliveryState {
        let alert = super::outbox::alert(notice, at);
        let delivery = Delivery {
            alert_id: alert.id.clone(),
            channel: self.channel.name.clone(),
            state: DeliveryState::Waiting,
            escalates: false,
            begun_at: at,
            next_at: Some(at),
            tries: 0,
            silence_id: None,
            detail: None,
            done_at: None,
        };
        let due = Due { delivery, alert, is_known: false, is_superseded: false };
        let done = self.deliver(&due, &[]).await;
        self.say(&done);
        done.state
    }
}

/// What needs no request.
fn settled(due: &Due, notice: &Notice, silences: &[Silence], now: Timestamp) -> Option<Delivery> {
    let ended = |state, detail: &str| Delivery {
        state,
        next_at: None,
        detail: Some(detail.into()),
        ..due.delivery.clone()
    };
    let stage = due.alert.stage;
    if matches!(stage, Stage::Acknowledged | Stage::Resolved) {
        let unheard = "this channel was never told of it";
        return (!due.is_known).then(|| ended(DeliveryState::Needless, unheard));
    }
    match due.delivery.state {
        DeliveryState::Repeating => {
            return due
                .is_superseded
                .then(|| ended(DeliveryState::Delivered, "said until it ended"));
        }
        DeliveryState::Silenced if due.is_superseded => {
            return Some(ended(DeliveryState::Silenced, "no news any more when its silence ended"));
        }
        _ => {}
    }
    let silence = silences.iter().find(|silence| covers(silence, &notice.slice))?;
    // What is said once is no news later; what fires is looked at again when the silence ends.
    let next_at = (stage == Stage::Firing).then_some(silence.until.max(now));
    Some(Delivery {
        state: DeliveryState::Silenced,
        next_at,
        silence_id: Some(silence.id.clone()),
        ..due.delivery.clone()
    })
}

/// Whether a slice has all the values that a silence names.
fn covers(silence: &Silence, slice: &Slice) -> bool {
    let Ok(named) = serde_json::from_str::<Slice>(&silence.slice) else { return false };
    named.order() > 0 && named.pairs().all(|(name, value)| slice.get(name) == Some(value))
}

/// Counts what waits, and gives up what is for channels that are no longer configured.
pub async fn watch(app: Arc<App>) {
    loop {
        if let Err(error) = count(&app).await {
            tracing::debug!(%error, "the outbox can't be counted");
        }
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

async fn count(app: &App) -> store::Result<()> {
    let open = app.store.open_deliveries().await?;
    for channel in app.outbox.channels() {
        let count = open.iter().find(|(name, _)| *name == channel.name).map_or(0, |(_, n)| *n);
        app.metrics.alerts.waiting(&channel.name, count);
    }
    let is_known = |name: &str| app.outbox.channels().iter().any(|channel| channel.name == name);
    for (name, _) in open.iter().filter(|(name, _)| !is_known(name)) {
        let due = app.store.due(name, Timestamp::from_millis(i64::MAX), 500).await?;
        let mut work = app.store.begin().await?;
        for Due { delivery, .. } in due {
            let why = "the channel is no longer configured";
            tracing::warn!(channel = name, alert = delivery.alert_id, why, "an alert is given up");
            let detail = serde_json::json!({"channel": name, "why": why}).to_string();
            work.append_audit(wall(), "pointsman", "give_up", &delivery.alert_id, &detail).await?;
            let given_up = Delivery {
                state: DeliveryState::GivenUp,
                next_at: None,
                detail: Some(why.into()),
                done_at: Some(wall()),
                ..delivery
            };
            work.delivery(&given_up).await?;
        }
        work.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(slice: &str) -> Silence {
        Silence {
            id: "sil_1".into(),
            slice: slice.into(),
            reason: "planned".into(),
            by: "ann".into(),
            from: Timestamp::from_millis(0),
            until: Timestamp::from_millis(9_000),
            ended_by: None,
            place: 1,
        }
    }

    #[test]
    fn a_silence_covers_what_lies_within_its_slice() {
        let slice = Slice::new([("gateway", "payu"), ("issuer", "HDFC")]);
        assert!(covers(&silence(r#"{"gateway":"payu"}"#), &slice));
        assert!(covers(&silence(r#"{"gateway":"payu","issuer":"HDFC"}"#), &slice));
        assert!(!covers(&silence(r#"{"gateway":"payu","method":"card"}"#), &slice));
        assert!(!covers(&silence(r#"{"gateway":"stripe"}"#), &slice));
        assert!(!covers(&silence("{}"), &slice), "an empty slice never means everything");
        assert!(!covers(&silence(r#"{"gateway":"payu"}"#), &Slice::default()));
    }

    #[test]
    fn what_ends_a_matter_is_told_to_those_who_heard_that_it_began() {
        let notice = Notice::sees("store", Timestamp::from_millis(0));
        let now = Timestamp::from_millis(1_000);
        let alert = super::super::outbox::alert(&notice, now);
        let delivery = Delivery {
            alert_id: alert.id.clone(),
            channel: "ops".into(),
            state: DeliveryState::Waiting,
            escalates: false,
            begun_at: now,
            next_at: Some(now),
            tries: 0,
            silence_id: None,
            detail: None,
            done_at: None,
        };
        let mut due = Due { delivery, alert, is_known: false, is_superseded: false };
        let needless = settled(&due, &notice, &[], now).expect("settled");
        assert_eq!((needless.state, needless.next_at), (DeliveryState::Needless, None));
        due.is_known = true;
        assert_eq!(settled(&due, &notice, &[silence(r#"{"gateway":"payu"}"#)], now), None);
    }
}
