//! The simulated network at work: every payment asks the server's own data plane, every outcome goes through the server's own writer.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use payments::{Attempt, Timestamp};
use sim::{Answer, Ask, INCIDENTS_MAX, Incident, Mishaps, Operator, RetryRule, Setup, World, play};

use super::outages::{Outages, Wish};
use crate::feeds::Door;
use crate::http::route;
use crate::serve::App;

/// Time between a pause and what it is due for that isn't worth a sleep.
const MOMENT: Duration = Duration::from_millis(2);
/// What is over for so long makes room, where there is none.
const OVER_MS: i64 = 600_000;

/// What is played, and where.
pub struct Stage {
    /// The network.
    pub world: World,
    /// From here on.
    pub from: Timestamp,
    /// Until then, if it ends.
    pub until: Option<Timestamp>,
    /// Seconds that pass per second.
    pub speed: u32,
    /// What breaks by itself.
    pub mishaps: Option<Mishaps>,
}

/// What came of it.
pub struct Tally {
    /// The network, with what was broken in it.
    pub world: World,
    /// How far it came.
    pub until: Timestamp,
    /// Payments sent elsewhere than their merchant would have.
    pub moved: u64,
    /// What that gained, approvals by true chances.
    pub gained: f64,
}

/// Plays until the time is up, the server stops, or nobody holds the other end of `wishes`.
pub fn run(
    stage: Stage,
    app: &Arc<App>,
    outages: &Outages,
    wishes: &Receiver<Wish>,
    runtime: &tokio::runtime::Handle,
) -> Tally {
    let Stage { mut world, from, until, speed, mut mishaps } = stage;
    let door = Door::new(app.clone(), "simulation");
    door.is(None);
    let end = until.unwrap_or(Timestamp::from_millis(i64::MAX / 2));
    let pace = Pace { from, since: Instant::now(), speed };
    let (mut now, mut moved, mut gained) = (from, 0, 0.0);
    let mut next = mishaps.as_mut().and_then(Iterator::next);
    let mut stops = false;
    while now < end && !stops {
        // Outcomes are told as soon as they are known: what is under way when something breaks is not lost.
        let setup = Setup { feedback_delay_ms: 0, ..Setup::over(now, end) };
        let mut live = Live {
            app,
            door: &door,
            outages,
            wishes,
            runtime,
            pace: &pace,
            now,
            next_at: next.as_ref().map(|mishap: &Incident| mishap.starts_at),
            heard: Vec::new(),
            stops: false,
        };
        play(&world, &setup, &mut live, &mut |attempted| {
            if attempted.chosen != attempted.natural && !attempted.is_paid {
                gained += (attempted.p_chosen - attempted.p_natural) * attempted.stays;
                moved += 1;
            }
        });
        now = live.now;
        stops = live.stops;
        for wish in live.heard {
            match wish {
                Wish::Break(incident) => place(&mut world, *incident, now),
                Wish::Repair => world.repair(now),
            }
        }
        if let Some(due) = next.take_if(|due| due.starts_at <= now) {
            outages.note(&due);
            place(&mut world, due, now);
            next = mishaps.as_mut().and_then(Iterator::next);
        }
    }
    Tally { world, until: now, moved, gained }
}

/// It was checked before it came here.
fn place(world: &mut World, incident: Incident, now: Timestamp) {
    if world.incidents().count() == INCIDENTS_MAX {
        world.forget(now.plus_millis(-OVER_MS));
    }
    if let Err(error) = world.add(incident) {
        tracing::warn!(%error, "the network can't be broken so");
    }
}

/// Simulated time as it passes.
struct Pace {
    from: Timestamp,
    since: Instant,
    speed: u32,
}

impl Pace {
    /// How long until then.
    fn rest(&self, at: Timestamp) -> Duration {
        let ahead = u64::try_from(at.millis_since(self.from)).unwrap_or(0);
        (Duration::from_millis(ahead) / self.speed).saturating_sub(self.since.elapsed())
    }
}

/// The server as the network's operator.
struct Live<'a> {
    app: &'a Arc<App>,
    door: &'a Door,
    outages: &'a Outages,
    wishes: &'a Receiver<Wish>,
    runtime: &'a tokio::runtime::Handle,
    pace: &'a Pace,
    now: Timestamp,
    next_at: Option<Timestamp>,
    heard: Vec<Wish>,
    stops: bool,
}

impl Live<'_> {
    fn wait(&mut self, until: Timestamp) {
        let rest = self.pace.rest(until);
        if rest > MOMENT && !self.stops {
            std::thread::sleep(rest);
        }
    }

    fn listen(&mut self) {
        loop {
            match self.wishes.recv_timeout(Duration::ZERO) {
                Ok(wish) => self.heard.push(wish),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => {
                    self.stops = true;
                    return;
                }
            }
        }
    }
}

impl Operator for Live<'_> {
    fn route(&mut self, ask: &Ask<'_>) -> Answer {
        self.wait(ask.at);
        // Where the data plane has no answer, the merchant's own rules hold.
        let Ok(told) = route::answer_to(self.app, &question(ask)) else { return Answer::default() };
        let gateway = ask.candidates.iter().position(|name| *name == told.gateway);
        Answer {
            gateway: gateway.unwrap_or(0),
            propensity: Some(told.propensity),
            retry: told.retry.as_ref().map(|retry| RetryRule {
                attempts_max: retry.attempts_max,
                delay_s_min: retry.delay_s_min,
            }),
            decision_id: Some(told.decision_id),
        }
    }

    fn observe(&mut self, attempts: &mut Vec<Attempt>, until: Timestamp) {
        self.wait(until);
        let judged: Vec<_> = std::mem::take(attempts).into_iter().map(|a| Ok((a, 0))).collect();
        if !judged.is_empty() {
            self.stops |= self.runtime.block_on(self.door.store(judged, None)).is_err();
        }
        self.now = until;
        self.outages.is(until);
        self.stops |= *self.app.stopping.borrow();
        self.listen();
    }

    fn is_done(&self) -> bool {
        let is_due = self.next_at.is_some_and(|at| at <= self.now);
        self.stops || is_due || !self.heard.is_empty()
    }
}

/// What `POST /v1/route` would be asked.
fn question<'a>(ask: &Ask<'a>) -> route::Question<'a> {
    let value = |name: &str| {
        ask.values.iter().find(|(known, _)| *known == name).map(|(_, value)| Cow::Borrowed(*value))
    };
    let attributes = value("sub_type").map(|value| (Cow::Borrowed("sub_type"), value));
    route::Question {
        payment_id: Cow::Borrowed(ask.payment_id),
        merchant_id: value("merchant_id").unwrap_or_default(),
        amount: route::Amount { minor: ask.amount.minor, currency: ask.amount.currency },
        method: value("method").unwrap_or_default(),
        attempt_number: Some(ask.attempt_number),
        network: value("network"),
        issuer: value("issuer"),
        country: value("country"),
        bin: None,
        mcc: None,
        ip_country: None,
        attributes: attributes.into_iter().collect(),
        candidates: ask.candidates.iter().map(|name| Cow::Borrowed(*name)).collect(),
        risk: None,
        margin_bps: None,
        sticky: None,
    }
}
