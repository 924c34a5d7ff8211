//! The engine: one deterministic `handle(input) -> effects` around analyst and pilot.
//!
//! Same inputs, same effects, bit for bit, on any machine. The engine owns no clock: event time
//! alone drives it, and results don't depend on how batches were cut. Its whole state is a value
//! ([`snapshot`]), and what it was told can be written down and told again ([`journal`]).

mod conduct;
mod config;
mod cycle_text;
mod effect;
mod hindsight;
pub mod journal;
mod learning;
mod ledger;
mod load;
mod rollout;
pub mod snapshot;
mod standing;

use std::collections::BTreeMap;

use analyst::{Analyst, Incident, News, SliceStats};
use payments::{Attempt, Bucket, Status, Timestamp};
use pilot::rollout::Stop;
use pilot::{Act, Command, Decision, Pilot};
use routing::{Policy, Terms};
use serde::{Deserialize, Serialize};
use stats::window::{Arrival, Duplicates, Outcome, Seen, Ticks, fingerprint};

pub use analyst::Coverage;
pub use config::{Clock, Config, Routing};
pub use cycle_text::cycle_text;

use conduct::Conduct;
pub use effect::{Effect, Input, Intake};
use hindsight::Hindsights;
pub use hindsight::{Hindsight, Verdict};
use learning::Learning as Learnt;
pub use ledger::Routed;
pub use rollout::{LEASE_MS, RolledOut, RolloutNews, RolloutOrder, Trial, Tried};
use rollout::{Rollouts, effective};

/// Event time for which attempt ids are remembered.
const DUPLICATES_HORIZON_MS: i64 = 3_600_000;
/// Ids remembered at most: 2 M, 70 MB.
const DUPLICATES_MAX: usize = 1 << 21;

/// Attempts whose ids are looked up together.
const CHUNK: usize = 64;

/// The deterministic core.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine {
    config: Config,
    intake: Intake,
    ticks: Ticks,
    duplicates: Duplicates,
    analyst: Analyst,
    conduct: Conduct,
    learnt: Learnt,
    told: BTreeMap<String, Incident>,
    hindsights: Hindsights,
    rollouts: Rollouts,
}

impl Engine {
    /// A new engine that knows nothing.
    pub fn new(config: Config) -> Self {
        let clock = &config.clock;
        Self {
            ticks: Ticks::new(config.analysis.tick_ms, clock.lateness_ms, clock.step_max_ms),
            duplicates: Duplicates::new(DUPLICATES_HORIZON_MS, DUPLICATES_MAX),
            analyst: Analyst::new(config.analysis.clone(), config.seed),
            intake: Intake::default(),
            conduct: Conduct::new(config.pilot.clone()),
            learnt: Learnt::new(&config.analysis.dimensions),
            told: BTreeMap::new(),
            hindsights: Hindsights::default(),
            rollouts: Rollouts::default(),
            config,
        }
    }

    /// Takes one input and says what follows from it.
    pub fn handle(&mut self, input: &Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        match input {
            Input::Attempts(attempts) => {
                for chunk in attempts.chunks(CHUNK) {
                    let (mut ids, mut met) = ([0; CHUNK], [0; CHUNK]);
                    for ((id, met), attempt) in ids.iter_mut().zip(&mut met).zip(chunk) {
                        *id = fingerprint(self.config.seed, &attempt.attempt_id);
                        *met = self.analyst.meet(attempt);
                    }
                    self.duplicates.touch(&ids[..chunk.len()]);
                    self.analyst.expect(&met[..chunk.len()]);
                    for ((&id, &met), attempt) in ids.iter().zip(&met).zip(chunk) {
                        self.attempt(attempt, id, met, &mut effects);
                    }
                }
            }
            Input::Buckets(buckets) => {
                for bucket in buckets {
                    self.bucket(bucket, &mut effects);
                }
            }
            Input::Advance(to) => {
                self.ticks.advance_to(to.as_millis());
                self.close(&mut effects);
            }
            Input::Rest(to) => self.rest(*to, &mut effects),
            Input::Routed(routed) => self.conduct.routed(routed),
            Input::Gateways(gateways) => {
                self.config.routing.gateways.clone_from(gateways);
                self.rollouts.configured(gateways, self.analyst.judged_until());
            }
            Input::Command { at, command } => match self.conduct.command(command, *at) {
                Ok(acts) => {
                    if matches!(**command, Command::KillSwitch { engaged: true, .. }) {
                        self.rollouts.stop(Stop::KillSwitch, *at);
                    }
                    self.act(acts, *at, &mut effects);
                }
                Err(refusal) => effects.push(Effect::Refused(refusal.to_string())),
            },
            Input::Tried(tried) => self.rollouts.tried(tried),
            Input::Rollout { at, order } => {
                let is_killed = self.conduct.pilot().killed().is_some();
                let routing = &mut self.config.routing;
                if let Err(why) = self.rollouts.order(order, routing, is_killed, *at) {
                    effects.push(Effect::Refused(why));
                }
            }
        }
        effects.extend(self.rollouts.news().into_iter().map(Effect::Rollout));
        effects
    }

    /// What it has been told was history: from here on it is asked to judge. Incidents found in it end without a word, and the next
    /// attempt may be of any later time; what lies between is passed over.
    pub fn taught(&mut self) {
        self.finish_ticks(&mut Vec::new());
        self.ticks.forget_latest();
        self.analyst.dismiss_incidents();
        self.conduct.forget_incidents();
        self.learnt.forget_incidents();
        self.told.clear();
        self.hindsights.forget_incidents();
        self.intake = Intake::default();
    }

    fn rest(&mut self, to: Timestamp, effects: &mut Vec<Effect>) {
        let to_ms = to.as_millis();
        if self.ticks.latest_ms().is_none_or(|latest| to_ms <= latest) {
            return;
        }
        self.finish_ticks(effects);
        self.ticks.skip_to(to_ms);
        let acts = self.conduct.tick(&self.analyst, &self.config.routing, to);
        self.act(acts, to, effects);
        self.rollouts.rest(to);
    }

    /// Judges every tick that anything was told of.
    fn finish_ticks(&mut self, effects: &mut Vec<Effect>) {
        let Some(latest) = self.ticks.latest_ms() else { return };
        self.ticks.advance_to(latest.saturating_add(self.config.analysis.tick_ms));
        self.close(effects);
    }

    fn attempt(&mut self, attempt: &Attempt, id: u64, met: u64, effects: &mut Vec<Effect>) {
        let at_ms = attempt.occurred_at.as_millis();
        let outcome = match attempt.status {
            Status::Unknown => Outcome::Unknown,
            Status::Timeout => Outcome::Timeout,
            Status::Approved | Status::Declined | Status::Error | Status::Abandoned => {
                Outcome::Final
            }
        };
        let arrival = self.ticks.observe(at_ms);
        if arrival == Arrival::Future {
            self.intake.future += 1;
            return;
        }
        self.close(effects);
        match self.duplicates.observe(id, at_ms, outcome) {
            Seen::Duplicate => self.intake.duplicates += 1,
            Seen::Updated { previous } => {
                self.intake.updated += 1;
                let status = match previous {
                    Outcome::Timeout => Status::Timeout,
                    Outcome::Unknown | Outcome::Final => Status::Unknown,
                };
                self.analyst.recount(attempt, status);
                self.rollouts.attempt(attempt, &self.config.routing);
            }
            Seen::New => {
                self.arrived(arrival);
                self.intake.accepted += 1;
                self.analyst.count(attempt, met, self.ticks.tick_of(at_ms));
                self.conduct.attempt(attempt);
                self.rollouts.attempt(attempt, &self.config.routing);
            }
        }
    }

    fn bucket(&mut self, bucket: &Bucket, effects: &mut Vec<Effect>) {
        let at_ms = bucket.starts_at.as_millis();
        let arrival = self.ticks.observe(at_ms);
        if arrival == Arrival::Future {
            self.intake.future += bucket.attempts;
            return;
        }
        self.close(effects);
        self.arrived(arrival);
        self.intake.accepted += bucket.attempts;
        self.analyst.count_bucket(bucket, self.ticks.tick_of(at_ms));
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Late => self.intake.late += 1,
            Arrival::OutOfOrder => self.intake.out_of_order += 1,
            Arrival::OnTime | Arrival::Future => {}
        }
    }

    fn close(&mut self, effects: &mut Vec<Effect>) {
        for tick in self.ticks.close() {
            for news in self.analyst.close(tick) {
                match news {
                    News::Finding(finding) => effects.push(Effect::Finding(finding)),
                    News::Incident(incident) => {
                        self.conduct.tell(&incident);
                        self.hindsights.tell(&incident);
                        let learning = self.rollouts.learning(self.config.routing.learning);
                        self.learnt.tell(learning, &incident);
                        self.told.insert(incident.id.clone(), (*incident).clone());
                        effects.push(Effect::Incident(incident));
                    }
                }
            }
            let at = Timestamp::from_millis(self.ticks.start_ms(tick + 1));
            self.learnt.tick(&self.rollouts.learns(&self.config.routing), &self.analyst, at);
            let acts = self.conduct.tick(&self.analyst, &self.config.routing, at);
            self.act(acts, at, effects);
            for (decision, text, hindsight) in self.hindsights.judge(&self.analyst, at) {
                let decision = Box::new(decision);
                effects.push(Effect::Hindsight { decision, text, hindsight });
            }
            self.told.retain(|_, incident| incident.resolved_at.is_none());
            self.rollouts.tick(at);
        }
    }

    /// Says what the pilot did; a decision is what a cycle has to say.
    fn act(&mut self, acts: Vec<Act>, at: Timestamp, effects: &mut Vec<Effect>) {
        for act in acts {
            match act {
                Act::Decision(decision) => {
                    let cycle = self.cycle(&decision, at);
                    if let Some(Effect::Cycle { text, .. }) = &cycle {
                        self.hindsights.note(&decision, text);
                    }
                    effects.push(Effect::Decision(decision));
                    effects.extend(cycle);
                }
                Act::Intervention(intervention) => effects.push(Effect::Intervention(intervention)),
                Act::Experiment(experiment) => effects.push(Effect::Experiment(experiment)),
                Act::Allocation(allocation) => effects.push(Effect::Allocation(allocation)),
                Act::Page(page) => effects.push(Effect::Page(page)),
                Act::Lesson(lesson) => effects.push(Effect::Lesson(lesson)),
            }
        }
    }

    fn cycle(&self, decision: &Decision, at: Timestamp) -> Option<Effect> {
        let incident = self.told.get(&decision.incident_id)?;
        let text = cycle_text(incident, decision, self.config.pilot.limits.confidence_min);
        Some(Effect::Cycle { at, incident_id: incident.id.clone(), text })
    }

    /// The policy's version: another one, another policy.
    pub fn policy_version(&self) -> u64 {
        self.conduct.allocation().version + self.learnt.version() + self.rollouts.version()
    }

    /// The policy that the data plane obeys now. Where `routing.learning` is on it is another after every tick.
    pub fn policy(&self) -> Policy {
        Policy::new(self.terms())
    }

    /// What that policy is made of, for whoever adds to it before it is made ready.
    pub fn terms(&self) -> Terms {
        self.terms_of(&self.config.routing)
    }

    /// What the data plane is to try beside it, and what the candidate is made of.
    pub fn trial(&self) -> Option<(Trial, Terms)> {
        let candidate = &self.rollouts.current()?.routing;
        Some((self.rollouts.trial()?, self.terms_of(&effective(candidate, &self.config.routing))))
    }

    /// The roll-out under way, or the last one.
    pub fn rollout(&self) -> Option<&RolledOut> {
        self.rollouts.last()
    }

    /// The configured policy: the incumbent.
    pub fn routing(&self) -> &Routing {
        &self.config.routing
    }

    /// Whether a configuration is the candidate under way, and another than the incumbent; seeds don't count.
    pub fn adopts(&self, configured: &Routing) -> bool {
        let is = |other: &Routing| Routing { seed: other.seed, ..configured.clone() } == *other;
        let candidate = self.rollouts.current().map(|c| effective(&c.routing, configured));
        candidate.is_some_and(|candidate| is(&candidate)) && !is(&self.config.routing)
    }

    fn terms_of(&self, routing: &Routing) -> Terms {
        let allocation = self.conduct.allocation();
        Terms {
            version: self.policy_version(),
            seed: routing.seed,
            learning: routing.learning,
            gateways: routing.gateways.clone(),
            allocation: allocation.clone(),
            kill_switch: self.conduct.pilot().killed().is_some(),
            table: self.learnt.table(routing.learning, &self.analyst, &self.ticks),
            exploration: routing.exploration,
            admitted: self.learnt.admitted().clone(),
            ..Terms::default()
        }
    }

    /// The pilot: its interventions, experiments and memory.
    pub fn pilot(&self) -> &Pilot {
        self.conduct.pilot()
    }

    /// What came in so far.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Rolling statistics of all slices over these dimensions, most attempts first.
    pub fn routes(&self, by: &[&str]) -> Vec<SliceStats> {
        self.analyst.routes(by)
    }

    /// How much is counted and watched.
    pub fn coverage(&self) -> Coverage {
        self.analyst.coverage()
    }

    /// Every incident so far, in order of detection.
    pub fn incidents(&self) -> Vec<Incident> {
        self.analyst.incidents()
    }

    /// The end of the last judged tick.
    pub fn judged_until(&self) -> Option<Timestamp> {
        self.analyst.judged_until()
    }
}
