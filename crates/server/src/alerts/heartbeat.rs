//! The operator's own eyes: no attempts where there were some, a feed that stands still, a store that is down.
//!
//! Each of them lasts for a while before it is told, and is told to be over when it is. What isn't over when the server stops is a fact in the store, and
//! ends after the next start. While the store is down nothing can be put into the outbox: that alert goes out at once, and is written down afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use payments::Timestamp;
use store::{Delivery, DeliveryState};

use super::notice::Notice;
use super::sender::Sender;
use super::{alertmanager, backoff};
use crate::config::ClockSource;
use crate::serve::App;
use crate::serve::clock::wall;
use crate::serve::core::json;
use crate::serve::health::StoreState;

/// A store that takes longer to answer is down.
const PING_MAX: Duration = Duration::from_secs(5);
/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// The fact that says in what the operator is blind, and since when.
const BLIND: &str = "blind";
const STORE: &str = "store";
const ATTEMPTS: &str = "attempts";
const FEED: &str = "feed_";

/// How long after the start a feed may have said nothing yet.
const FEEDS_BEGIN_MS: i64 = 60_000;

/// Something is wrong.
#[derive(Clone)]
struct Wrong {
    since: Timestamp,
    why: String,
}

/// What a channel was told while the store was down.
#[derive(Clone, Default)]
struct Told {
    is_taken: bool,
    tries: i64,
    next: Option<Timestamp>,
}

/// The store has been down for so long that it is told.
#[derive(Clone)]
struct Down {
    notice: Notice,
    since: Timestamp,
    /// By channel.
    told: BTreeMap<String, Told>,
}

struct Heartbeat {
    app: Arc<App>,
    senders: Vec<Arc<Sender>>,
    started: Timestamp,
    /// Wrong now, told or not.
    wrong: BTreeMap<String, Wrong>,
    /// Told and not over, as the fact has it: since when.
    told: BTreeMap<String, i64>,
    /// What was told before the start is known: the store may be down by now.
    is_read: bool,
    down: Option<Down>,
}

/// Looks for ever.
pub async fn run(app: Arc<App>, senders: Vec<Arc<Sender>>) {
    let (wrong, told) = (BTreeMap::new(), BTreeMap::new());
    let (started, is_read) = (wall(), false);
    let mut heartbeat = Heartbeat { app, senders, started, wrong, told, is_read, down: None };
    loop {
        heartbeat.look().await;
        tokio::time::sleep(EVERY).await;
    }
}

impl Heartbeat {
    async fn look(&mut self) {
        let now = wall();
        let seen = self.seen(now).await;
        self.wrong.retain(|matter, _| seen.contains_key(matter));
        for (matter, new) in seen {
            match self.wrong.get_mut(&matter) {
                // Attempts say themselves since when; of the rest it is known since it was first seen.
                Some(known) if matter != ATTEMPTS => known.why = new.why,
                _ => drop(self.wrong.insert(matter, new)),
            }
        }
        let lasting = self.lasting(now);
        let matters: BTreeSet<&str> = [ATTEMPTS, STORE]
            .into_iter()
            .chain(self.told.keys().chain(lasting.keys()).map(String::as_str))
            .collect();
        for matter in matters {
            self.app.metrics.alerts.blind(matter, lasting.contains_key(matter));
        }
        if let Some(down) = lasting.get(STORE) {
            return self.tell_directly(down, now).await;
        }
        if !self.wrong.contains_key(STORE)
            && let Err(error) = self.write(&lasting, now).await
        {
            tracing::debug!(%error, "the heartbeat can't be written down");
        }
    }

    /// What is wrong at this moment, since when and why.
    async fn seen(&self, now: Timestamp) -> BTreeMap<String, Wrong> {
        let mut seen = BTreeMap::new();
        let health = &self.app.health;
        let store = match health.store() {
            StoreState::Up => match tokio::time::timeout(PING_MAX, self.app.store.ping()).await {
                Ok(answer) => answer.err().map(|error| error.to_string()),
                Err(_) => Some(format!("no answer in {} s", PING_MAX.as_secs())),
            },
            StoreState::Down(why) | StoreState::Failed(why) => Some(why),
        };
        if let Some(why) = store {
            seen.insert(
                STORE.into(),
                Wrong { since: now, why: format!("the store is down ({why})") },
            );
        }
        for (feed, why) in health.feeds() {
            if let Some(why) = why {
                let why = format!("the feed {feed} stands still ({why})");
                seen.insert(format!("{FEED}{feed}"), Wrong { since: now, why });
            }
        }
        // By the events' clock a recording that ends is no silence.
        let is_live = self.app.clock.source() == ClockSource::Wall;
        if is_live && self.app.clock.latest().is_some() {
            let since = health.heard().unwrap_or(self.started);
            seen.insert(ATTEMPTS.into(), Wrong { since, why: "no attempts come any more".into() });
        }
        seen
    }

    /// What has been wrong for long enough.
    fn lasting(&self, now: Timestamp) -> BTreeMap<String, Wrong> {
        let settings = self.app.settings.load();
        let alerts = settings.alerts();
        let (blind_after, down_after) = (alerts.blind_after_ms(), alerts.store_down_after_ms());
        let after = |matter: &str| if matter == STORE { down_after } else { blind_after };
        let wrong = self.wrong.iter();
        let lasting =
            wrong.filter(|(matter, wrong)| now.millis_since(wrong.since) >= after(matter));
        lasting.map(|(matter, wrong)| (matter.clone(), wrong.clone())).collect()
    }

    /// Whether what was told is over; after a start that takes a sign of life.
    fn is_over(&self, matter: &str, lasting: &BTreeMap<String, Wrong>, now: Timestamp) -> bool {
        if matter == ATTEMPTS {
            return self.app.health.heard().is_some() && !lasting.contains_key(matter);
        }
        let Some(feed) = matter.strip_prefix(FEED) else { return !self.wrong.contains_key(matter) };
        match self.app.health.feeds().get(feed) {
            Some(wrong) => wrong.is_none(),
            None => now.millis_since(self.started) >= FEEDS_BEGIN_MS,
        }
    }

    /// Stores what begins and what ends.
    async fn write(
        &mut self,
        lasting: &BTreeMap<String, Wrong>,
        now: Timestamp,
    ) -> store::Result<()> {
        if !self.is_read {
            let fact = self.app.store.fact(BLIND).await?;
            self.told = fact.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            self.is_read = true;
        }
        let mut told = self.told.clone();
        let mut notices = Vec::new();
        for (matter, wrong) in lasting {
            if !told.contains_key(matter) {
                told.insert(matter.clone(), wrong.since.as_millis());
                notices.push(Notice::blind(matter, wrong.since, &wrong.why));
            }
        }
        for (matter, since) in &self.told {
            if self.is_over(matter, lasting, now) {
                told.remove(matter);
                notices.push(Notice::sees(matter, Timestamp::from_millis(*since)));
            }
        }
        if notices.is_empty() && self.down.is_none() {
            return Ok(());
        }
        let app = &self.app;
        let mut work = app.store.begin().await?;
        if let Some(down) = &self.down {
            app.outbox.put(work.as_mut(), &down.notice).await?;
            for (channel, _) in down.told.iter().filter(|(_, told)| told.is_taken) {
                work.delivery(&taken(&down.notice, channel, down.since, now)).await?;
            }
            notices.push(Notice::sees(STORE, down.since));
        }
        for notice in &notices {
            app.outbox.put(work.as_mut(), notice).await?;
        }
        work.set_fact(BLIND, &json(&told)).await?;
        work.commit().await?;
        for notice in self.down.take().iter().map(|down| &down.notice).chain(&notices) {
            app.metrics.alerts.told(notice.kind);
            tracing::warn!(alert = notice.id, "{}", notice.title);
        }
        self.told = told;
        Ok(())
    }

    /// Tells that the store is down, without it.
    async fn tell_directly(&mut self, wrong: &Wrong, now: Timestamp) {
        let down = self.down.get_or_insert_with(|| {
            let notice = Notice::blind(STORE, wrong.since, &wrong.why);
            tracing::warn!(alert = notice.id, "{}", notice.title);
            Down { notice, since: wrong.since, told: BTreeMap::new() }
        });
        let sends = self.senders.iter().filter_map(|sender| {
            let channel = sender.channel();
            let waits_ms = channel.escalate_after_ms.unwrap_or(0);
            let is_due = match down.told.get(&channel.name) {
                None => now.millis_since(down.since) >= waits_ms,
                Some(told) => told.next.is_some_and(|next| next <= now),
            };
            let wants = down.notice.severity >= channel.severity_min;
            (wants && is_due).then_some(async {
                (channel.name.clone(), sender.send_directly(&down.notice, down.since).await)
            })
        });
        for (channel, state) in join_all(sends).await {
            let told = down.told.entry(channel).or_default();
            told.tries += 1;
            let wait_ms = match state {
                DeliveryState::Repeating => Some(alertmanager::REPEAT_MS),
                DeliveryState::Waiting => {
                    Some(backoff::wait_ms(told.tries, crate::serve::random()))
                }
                _ => None,
            };
            told.next = wait_ms.map(|ms| now.plus_millis(ms));
            told.is_taken |= matches!(state, DeliveryState::Repeating | DeliveryState::Delivered);
        }
    }
}

/// A delivery that was made before it could be written down.
fn taken(notice: &Notice, channel: &str, since: Timestamp, now: Timestamp) -> Delivery {
    Delivery {
        alert_id: notice.id.clone(),
        channel: channel.into(),
        state: DeliveryState::Delivered,
        escalates: false,
        begun_at: since,
        next_at: None,
        tries: 1,
        silence_id: None,
        detail: Some("sent while the store was down".into()),
        done_at: Some(now),
    }
}
