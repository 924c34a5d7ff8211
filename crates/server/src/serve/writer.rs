//! The one writer: gathers what has come meanwhile, commits it at once, and only then answers.
//!
//! **Problem.** An answer 202 promises durability, and a sync of the medium takes milliseconds: one per request would be a few
//! hundred requests a second. **Method.** Group commit: while one transaction is synced, requests queue up, and all of them go into the
//! next. **Order.** What the engine is told is written down first (the journal's step), in the transaction of the attempts it came from; the engine takes it
//! after the commit, and what follows is stored, with the step's number, in a later transaction. After a crash the journal is told again
//! from the last snapshot, and what has been stored of it is not told twice.
//!
//! **When the store doesn't take it**, nothing of the round has happened, and everybody in it is told so. If a commit's answer is
//! lost, the store is asked how far it is before anything else is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Input;
use payments::{Attempt, Timestamp};
use store::{KillSwitch, Progress, Store};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tracing::Instrument;

use super::clock::{Clock, wall};
use super::core::Told;
use super::driver::{Answer, Engine, Order};
use super::health::{Health, StoreState};
use super::metrics::Metrics;
use super::record::Record;
use super::ring::Ring;
use super::round::{Done, write};
use crate::alerts::{Kind, Outbox};
use crate::config::ClockSource;
use crate::telemetry::TARGET;

/// Attempts per transaction, about; what waits longer goes into the next.
const ATTEMPTS_MAX: usize = 50_000;
/// Choices per transaction.
const RECORDS_MAX: usize = 20_000;
/// The grid of timers.
const TICK: Duration = Duration::from_secs(1);
/// The engine was told nothing for longer than this: nobody watched (a restart, a suspended machine, a store that was down), and
/// that nothing came is not for want of payments.
const SLEPT_MS: i64 = 60_000;
/// A snapshot is taken after so many attempts, or so long: what a start has to replay.
const SNAPSHOT_ATTEMPTS: u64 = 500_000;
const SNAPSHOT_EVERY: Duration = Duration::from_secs(300);
/// How often what is old goes.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// How long until a store that doesn't answer is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Stored.
    Accepted,
    /// Its unknown outcome is final now.
    Updated,
    /// Its id is known.
    Duplicate,
    /// Too far ahead of the clock: refused.
    Future,
}

/// Why an ask came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store didn't take it; whether it may by itself.
    Store {
        /// In words.
        why: String,
        /// Whether waiting may help.
        is_passing: bool,
    },
    /// The engine refused the command.
    Refused(String),
    /// The server is stopping.
    Stopping,
}

/// An entry for the audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Who.
    pub actor: String,
    /// Does what.
    pub action: &'static str,
    /// To what.
    pub object: String,
    /// JSON.
    pub detail: String,
}

/// What is asked of the writer.
pub enum Ask {
    /// Store attempts; answered when they are durable, by the event clock when the engine has taken them too.
    Attempts {
        /// In order.
        attempts: Vec<Attempt>,
        /// A fact that is stored in the same transaction: how far a feed has come.
        mark: Option<(String, String)>,
        /// A fate for each.
        reply: oneshot::Sender<Result<Vec<Fate>, Fault>>,
        /// The room they take while they wait.
        room: OwnedSemaphorePermit,
    },
    /// Tell the engine something; answered when it has done it and that is stored.
    Tell {
        /// What.
        input: Box<Input>,
        /// What the log says of it.
        audit: Option<Audit>,
        /// The kill switch as it is from then on.
        switch: Option<KillSwitch>,
        /// The answer.
        reply: oneshot::Sender<Result<(), Fault>>,
    },
    /// Finish: everything stored, and a snapshot.
    Close(oneshot::Sender<()>),
}

/// A reply that waits for a step's effects to be stored.
pub(super) enum Waiting {
    Attempts(oneshot::Sender<Result<Vec<Fate>, Fault>>, Vec<Fate>),
    Tell(oneshot::Sender<Result<(), Fault>>),
}

/// The writer's state.
pub struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
    pub(super) outbox: Arc<Outbox>,
    ring: Arc<Ring>,
    engine: Engine,
    asks: mpsc::Receiver<Ask>,
    answers: mpsc::UnboundedReceiver<Answer>,
    records: mpsc::Receiver<Box<Record>>,
    retention_ms: i64,
    /// The last step that is durable.
    pub(super) step: i64,
    /// The last event of the stream.
    pub(super) event: i64,
    /// What the engine has answered and the store doesn't have yet.
    pub(super) unstored: Vec<Answer>,
    /// Plans whose approval is on its way or in force: one wins.
    approved: BTreeSet<(String, String)>,
    waiting: BTreeMap<i64, Vec<Waiting>>,
    attempts_since: u64,
    snapshot_at: Instant,
    /// The step of the last snapshot that was asked for, and of the last that is stored.
    asked_step: i64,
    saved_step: i64,
    pruned_at: Instant,
    closing: Option<oneshot::Sender<()>>,
}

/// The ends of the channels that the writer listens to.
pub struct Inbox {
    /// Requests.
    pub asks: mpsc::Receiver<Ask>,
    /// The engine's.
    pub answers: mpsc::UnboundedReceiver<Answer>,
    /// Routing choices.
    pub records: mpsc::Receiver<Box<Record>>,
}

/// What the writer works with.
pub struct Parts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// How everything is.
    pub health: Arc<Health>,
    /// Alerts on their way out.
    pub outbox: Arc<Outbox>,
    /// The stream.
    pub ring: Arc<Ring>,
    /// The engine.
    pub engine: Engine,
    /// How long attempts are kept.
    pub retention_ms: i64,
}

/// What goes into one transaction.
#[derive(Default)]
pub(super) struct Round {
    pub asks: Vec<Ask>,
    #[expect(clippy::vec_box, reason = "they come boxed from their channel")]
    pub records: Vec<Box<Record>>,
    pub is_tick: bool,
}

impl Writer {
    /// Behind what the store has, its last snapshot being of `saved_step`.
    pub fn new(parts: Parts, inbox: Inbox, from: Progress, saved_step: i64) -> Self {
        let Parts { store, clock, metrics, health, ring, outbox, engine, retention_ms } = parts;
        let Inbox { asks, answers, records } = inbox;
        let now = Instant::now();
        Self {
            store,
            clock,
            metrics,
            health,
            outbox,
            ring,
            engine,
            asks,
            answers,
            records,
            retention_ms,
            step: from.step,
            event: from.event,
            unstored: Vec::new(),
            approved: BTreeSet::new(),
            waiting: BTreeMap::new(),
            attempts_since: 0,
            snapshot_at: now,
            asked_step: saved_step,
            saved_step,
            pruned_at: now,
            closing: None,
        }
    }

    /// Works until it is closed.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let mut round = Round::default();
            tokio::select! {
                biased;
                Some(answer) = self.answers.recv() => self.unstored.push(answer),
                Some(ask) = self.asks.recv() => round.asks.push(ask),
                _ = ticks.tick() => round.is_tick = true,
            }
            self.gather(&mut round);
            self.round(round).await;
            if self.is_closed() {
                if let Some(done) = self.closing.take() {
                    let _ = done.send(());
                }
                return;
            }
            self.chores().await;
        }
    }

    fn gather(&mut self, round: &mut Round) {
        while let Ok(answer) = self.answers.try_recv() {
            self.unstored.push(answer);
        }
        let mut attempts = 0;
        while attempts < ATTEMPTS_MAX {
            let Ok(ask) = self.asks.try_recv() else { break };
            if let Ask::Attempts { attempts: more, .. } = &ask {
                attempts += more.len();
            }
            round.asks.push(ask);
        }
        while round.records.len() < RECORDS_MAX {
            let Ok(record) = self.records.try_recv() else { break };
            round.records.push(record);
        }
        self.take_close(round);
        self.refuse_second_approvals(round);
    }

    fn take_close(&mut self, round: &mut Round) {
        let asks = std::mem::take(&mut round.asks);
        for ask in asks {
            match ask {
                Ask::Close(done) => self.closing = Some(done),
                ask => round.asks.push(ask),
            }
        }
    }

    /// Of many who approve one plan at once, the first is told to the engine.
    fn refuse_second_approvals(&mut self, round: &mut Round) {
        let asks = std::mem::take(&mut round.asks);
        for ask in asks {
            let Some(plan) = approves(&ask) else {
                round.asks.push(ask);
                continue;
            };
            if self.approved.insert(plan) {
                round.asks.push(ask);
            } else if let Ask::Tell { reply, .. } = ask {
                let why = "this plan has been approved already; nothing is left to do".into();
                let _ = reply.send(Err(Fault::Refused(why)));
            }
        }
    }

    async fn round(&mut self, round: Round) {
        let is_idle = round.asks.is_empty() && round.records.is_empty() && self.unstored.is_empty();
        let ticks = round.is_tick
            && self.closing.is_none()
            && self.clock.source() == ClockSource::Wall
            && self.clock.latest().is_some();
        if is_idle && !ticks {
            return;
        }
        if let StoreState::Failed(why) = self.health.store() {
            refuse(round.asks, &Fault::Store { why, is_passing: false });
            self.unstored.clear();
            return;
        }
        let records = round.records.len() as u64;
        let advance = ticks.then(|| wall().plus_millis(-self.clock.lateness_ms()));
        let since = Instant::now();
        let span = tracing::debug_span!(target: TARGET, "commit", asks = round.asks.len(), choices = records);
        match write(self, &round, advance).instrument(span).await {
            Ok(done) => {
                self.health.up();
                self.metrics.commit_seconds.observe(since.elapsed().as_secs_f64());
                self.metrics.choices_recorded.inc_by(records);
                self.settle(round.asks, done).await;
            }
            Err(error) => {
                self.health.down(&error);
                self.metrics.commit_errors.inc();
                self.metrics.choices_dropped.inc_by(records);
                for plan in round.asks.iter().filter_map(approves) {
                    self.approved.remove(&plan);
                }
                let is_passing = !error.is_fatal();
                refuse(round.asks, &Fault::Store { why: error.to_string(), is_passing });
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    /// By this machine's clock, until when nobody watched, if that is so.
    pub(super) fn slept_until(&self) -> Option<Timestamp> {
        if self.clock.source() != ClockSource::Wall {
            return None;
        }
        let now = wall().plus_millis(-self.clock.lateness_ms());
        self.clock.latest().filter(|latest| now.millis_since(*latest) > SLEPT_MS).map(|_| now)
    }

    /// The round is durable.
    async fn settle(&mut self, asks: Vec<Ask>, done: Done) {
        for answer in std::mem::take(&mut self.unstored) {
            match answer {
                Answer::Applied(applied) => {
                    for told in &applied.told {
                        if let Told::Rollout { rollout, turn } = told {
                            self.metrics.rollout(rollout, turn.is_some());
                        }
                    }
                    let refused = applied.refused;
                    for waiting in self.waiting.remove(&applied.step).unwrap_or_default() {
                        answer_waiting(waiting, refused.clone());
                    }
                }
                Answer::Snapshot(snapshot) => self.saved_step = snapshot.step,
            }
        }
        for notice in &done.notices {
            self.metrics.alerts.told(notice.kind);
            if notice.kind == Kind::Page {
                tracing::warn!(why = notice.title, "a person has to look");
                self.metrics.pages.inc();
            }
        }
        self.event += done.events.len() as i64;
        self.metrics.events_sent.inc_by(done.events.len() as u64);
        self.metrics.stream_dropped.inc_by(self.ring.push(done.events));
        if let Some(latest) = done.latest {
            self.clock.see(latest);
        }
        let waits_for_engine = self.clock.source() == ClockSource::Event;
        for (ask, (step, fates)) in asks.into_iter().zip(done.fates) {
            match (ask, step) {
                (Ask::Attempts { reply, room, .. }, step) => {
                    drop(room);
                    self.metrics.count(&fates);
                    match step {
                        Some(step) if waits_for_engine => {
                            let waiting = Waiting::Attempts(reply, fates);
                            self.waiting.entry(step).or_default().push(waiting);
                        }
                        _ => drop(reply.send(Ok(fates))),
                    }
                }
                (Ask::Tell { reply, .. }, Some(step)) => {
                    self.waiting.entry(step).or_default().push(Waiting::Tell(reply));
                }
                (Ask::Tell { reply, .. }, None) => drop(reply.send(Ok(()))),
                (Ask::Close(_), _) => {}
            }
        }
        if done.attempts > 0 {
            self.health.hear(wall());
        }
        self.attempts_since += done.attempts;
        for (step, input) in done.steps {
            self.step = step;
            if !self.engine.tell(Order::Step(step, Box::new(input))).await {
                tracing::error!("the engine's thread is gone");
            }
        }
    }

    async fn chores(&mut self) {
        let is_due = self.attempts_since >= SNAPSHOT_ATTEMPTS
            || self.snapshot_at.elapsed() >= SNAPSHOT_EVERY
            || self.closing.is_some();
        if is_due && self.step > self.asked_step {
            self.attempts_since = 0;
            self.snapshot_at = Instant::now();
            self.asked_step = self.step;
            self.engine.tell(Order::Snapshot).await;
        }
        if self.pruned_at.elapsed() >= PRUNE_EVERY {
            self.pruned_at = Instant::now();
            if let Err(error) = self.prune().await {
                tracing::warn!(%error, "what is old could not be dropped");
            }
        }
    }

    async fn prune(&self) -> store::Result<()> {
        const DAY_MS: i64 = 86_400_000;
        let mut work = self.store.begin().await?;
        work.prune(wall().plus_millis(-DAY_MS), super::STREAM_EVENTS_MAX).await?;
        work.forget_attempts(self.clock.now().plus_millis(-self.retention_ms), 20_000).await?;
        work.forget_alerts(wall().plus_millis(-self.retention_ms)).await?;
        work.commit().await
    }

    /// Whether everything is stored and the last snapshot is of the last step, or can't be.
    fn is_closed(&self) -> bool {
        let is_down = matches!(self.health.store(), StoreState::Failed(_) | StoreState::Down(_));
        self.closing.is_some() && (is_down || self.saved_step >= self.step)
    }
}

fn approves(ask: &Ask) -> Option<(String, String)> {
    let Ask::Tell { input, .. } = ask else { return None };
    let Input::Command { command, .. } = &**input else { return None };
    match &**command {
        pilot::Command::Approve { intervention_id, plan_hash, .. } => {
            Some((intervention_id.clone(), plan_hash.clone()))
        }
        _ => None,
    }
}

fn answer_waiting(waiting: Waiting, refused: Option<String>) {
    match waiting {
        Waiting::Attempts(reply, fates) => drop(reply.send(Ok(fates))),
        Waiting::Tell(reply) => {
            drop(reply.send(refused.map_or(Ok(()), |why| Err(Fault::Refused(why)))))
        }
    }
}

fn refuse(asks: Vec<Ask>, fault: &Fault) {
    for ask in asks {
        match ask {
            Ask::Attempts { reply, .. } => drop(reply.send(Err(fault.clone()))),
            Ask::Tell { reply, .. } => drop(reply.send(Err(fault.clone()))),
            Ask::Close(_) => {}
        }
    }
}
