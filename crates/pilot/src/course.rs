//! The course of one intervention: its plan, where it stands, its trial. What happens to it is decided in `conduct`.

use std::collections::{BTreeMap, VecDeque};

use analyst::Slice;
use payments::{Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::decide::targets::{Reserved, loads};
use crate::experiment::{Evidence, Expected, Trial};
use crate::guardrails::{Held, Moved, money_of};
use crate::intervention::{Authority, Direction, Intervention, State};
use crate::memory::Outcome;
use crate::{ArmReport, Experiment, Gain, Limits, Plan, Situation, Target, Verdict};

/// Load is measured over this window.
const LOAD_WINDOW_MS: i64 = 60_000;

/// The slice's size as last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// Share of all traffic.
    pub share: f64,
    /// Attempts per second.
    pub attempts_per_s: f64,
    /// Money per minute.
    pub money_per_minute: Vec<Money>,
    /// Share of the moved payments that each target gets.
    pub loads: Vec<f64>,
}

/// An intervention from proposal to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// What is to be done.
    pub plan: Plan,
    /// Its hash.
    pub plan_hash: String,
    /// The pattern of its incident, for the lesson.
    pub pattern: String,
    /// Who let it act.
    pub authority: Authority,
    /// Who approved the plan, until it begins.
    pub approved_by: Option<String>,
    /// Where it stands.
    pub state: State,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When it came into force.
    pub started_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Probability that it helps, when it was decided.
    pub confidence: f64,
    /// What was expected of it.
    pub gain: Gain,
    /// What its arms should show.
    pub expected: Expected,
    /// Share in force.
    pub share: f64,
    /// What its gateway keeps of its context's payments, whatever routing learns.
    pub holds: f64,
    /// The largest share that a test has proven.
    pub proven: f64,
    /// Which way it goes.
    pub direction: Direction,
    /// Targets in force, some of the plan's.
    pub to: Vec<Target>,
    /// Shares and since when, back to a minute ago.
    pub shares: VecDeque<(Timestamp, f64)>,
    /// Its slice's size.
    pub size: Size,
    /// Its experiment's id.
    pub experiment_id: Option<String>,
    /// Its experiment.
    pub trial: Option<Trial>,
    /// What that says.
    pub evidence: Option<Evidence>,
    /// The largest evidence of benefit so far.
    pub benefit_max: f64,
    /// What holds it.
    pub held: Vec<Held>,
    /// Why it stands where it stands.
    pub reason: String,
    /// Its incident was over when last looked at.
    pub is_over: bool,
    /// It takes the cause itself away (a cap on a storm of retries): that all is quiet doesn't say that it can go.
    pub mends_cause: bool,
    /// Telemetry was lost and it has been taken back.
    pub is_blind: bool,
    /// When its experiment was last told.
    pub told_at: Timestamp,
}

impl Course {
    /// Whether it is neither over nor rejected.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Pending | State::Active)
    }

    /// Whether it is in force.
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Comes into force.
    pub fn start(&mut self, share: f64, expires_at: Timestamp, maturity_ms: i64, now: Timestamp) {
        self.state = State::Active;
        self.started_at = Some(now);
        self.expires_at = expires_at;
        self.share = share;
        self.shares = VecDeque::from([(now, share)]);
        let trial = Trial::new(self.expected, share, maturity_ms, now);
        self.evidence = Some(trial.evidence());
        self.trial = Some(trial);
        self.held.clear();
        self.told_at = now;
    }

    /// Another share from now on.
    pub fn move_to(&mut self, share: f64, now: Timestamp) {
        self.share = share;
        if self.shares.back().is_some_and(|(since, _)| *since == now) {
            self.shares.pop_back();
        }
        self.shares.push_back((now, share));
        if let Some(trial) = &mut self.trial {
            trial.step(share, now);
            if self.direction == Direction::Home {
                trial.turn(now);
            }
        }
    }

    /// Which way from now on; benefit has to be shown anew.
    pub fn turn(&mut self, direction: Direction, now: Timestamp) {
        self.direction = direction;
        if let Some(trial) = &mut self.trial {
            trial.turn(now);
        }
    }

    /// Since when its share is in force.
    pub fn step_since(&self) -> Timestamp {
        self.shares.back().map_or(self.created_at, |(since, _)| *since)
    }

    /// The part of its share that the targets' measured load shows: its mean over the window that load is measured in, which reaches
    /// back beyond its start.
    pub fn settled(&mut self, now: Timestamp) -> f64 {
        while self.shares.len() > 1 && now.millis_since(self.shares[1].0) >= LOAD_WINDOW_MS {
            self.shares.pop_front();
        }
        let mut until_ms = 0;
        let mut sum = 0.0;
        for (since, share) in self.shares.iter().rev() {
            let since_ms = now.millis_since(*since).min(LOAD_WINDOW_MS);
            sum += share * (since_ms - until_ms).max(0) as f64;
            until_ms = since_ms;
        }
        sum / LOAD_WINDOW_MS as f64
    }

    /// What it sends to each target and their measured load doesn't show.
    pub fn unsettled_load(&mut self, now: Timestamp) -> Vec<(String, f64)> {
        let fresh = (self.share - self.settled(now)).max(0.0) * self.size.attempts_per_s;
        self.to
            .iter()
            .zip(&self.size.loads)
            .map(|(to, load)| (to.gateway.clone(), fresh * load))
            .collect()
    }

    /// The slice's size by this situation.
    pub fn measure(&mut self, situation: &Situation) {
        self.size = size_of(situation, &self.to);
    }

    /// The targets' loads by this situation; the slice's size stays.
    pub fn measure_targets(&mut self, situation: &Situation) {
        self.size.loads = size_of(situation, &self.to).loads;
    }

    /// What it has moved.
    pub fn moved(&self) -> Moved {
        Moved {
            intervention_id: self.plan.intervention_id.clone(),
            slice: self.plan.slice.clone(),
            from: self.plan.from.clone(),
            moves_payments: self.plan.action.moves_payments(),
            share_of_all: self.share * self.size.share,
            money_per_minute: self.money_moved(),
        }
    }

    fn money_moved(&self) -> BTreeMap<Currency, f64> {
        money_of(&self.size.money_per_minute, self.share)
    }

    /// What its test says.
    pub fn verdict(&self, limits: &Limits) -> Verdict {
        let Some(evidence) = &self.evidence else { return Verdict::Inconclusive };
        if evidence.mismatch >= limits.mismatch_e {
            Verdict::SampleRatioMismatch
        } else if evidence.harm >= limits.harm_e {
            Verdict::Harm
        } else if evidence.home >= limits.home_e {
            Verdict::Recovered
        } else if self.benefit_max >= limits.promote_e(usize::MAX) {
            Verdict::Benefit
        } else {
            Verdict::Inconclusive
        }
    }

    /// How it ended for the payments.
    pub fn outcome(&self, limits: &Limits) -> Outcome {
        if self.evidence.is_some_and(|evidence| evidence.harm >= limits.harm_e) {
            Outcome::Harmed
        } else if self.benefit_max >= limits.promote_e(usize::MAX) {
            Outcome::Helped
        } else {
            Outcome::NoEffect
        }
    }

    fn arms(&self) -> Vec<ArmReport> {
        let (Some(trial), Some(evidence)) = (&self.trial, &self.evidence) else {
            return Vec::new();
        };
        let single = match self.to.as_slice() {
            [only] => Some(only.gateway.clone()),
            _ => None,
        };
        let treated =
            if self.plan.action.moves_payments() { single } else { self.plan.from.clone() };
        trial.arms(evidence, [self.plan.from.clone(), treated])
    }

    /// As people see it.
    pub fn intervention(&self) -> Intervention {
        Intervention {
            id: self.plan.intervention_id.clone(),
            incident_id: self.plan.incident_id.clone(),
            action: self.plan.action,
            slice: self.plan.slice.clone(),
            from: self.plan.from.clone(),
            to: self.to.clone(),
            retry: self.plan.retry,
            stage: if self.is_active() { self.share } else { 0.0 },
            direction: self.direction,
            state: self.state,
            plan_hash: self.plan_hash.clone(),
            authority: self.authority.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            expires_at: self.expires_at,
            ended_at: self.ended_at,
            arms: self.arms(),
            held: self.held.clone(),
            experiment_id: self.experiment_id.clone(),
            reason: self.reason.clone(),
        }
    }

    /// Its experiment as people see it, once it has begun.
    pub fn experiment(&self, limits: &Limits) -> Option<Experiment> {
        Some(Experiment {
            id: self.experiment_id.clone()?,
            intervention_id: self.plan.intervention_id.clone(),
            incident_id: self.plan.incident_id.clone(),
            started_at: self.started_at?,
            ended_at: self.ended_at,
            share: if self.is_active() { self.share } else { 0.0 },
            arms: self.arms(),
            evidence: self.evidence?,
            verdict: self.verdict(limits),
            confidence: self.confidence,
            outcome: self.ended_at.map(|_| self.outcome(limits)),
        })
    }
}

/// The size of a situation's slice.
pub fn size_of(situation: &Situation, to: &[Target]) -> Size {
    let eligible: Vec<f64> = to
        .iter()
        .map(|target| situation.path(&target.gateway).map_or(1.0, |path| path.eligible_share))
        .collect();
    Size {
        share: situation.share.clamp(0.0, 1.0),
        attempts_per_s: situation.attempts_per_s.max(0.0),
        money_per_minute: situation.money_per_minute.clone(),
        loads: loads(to, &eligible).0,
    }
}

/// What all courses but one send to targets whose load doesn't show it.
pub fn reserved(courses: &mut [Course], except: Option<&str>, now: Timestamp) -> Reserved {
    let mut reserved = Reserved::new();
    for course in courses.iter_mut().filter(|course| course.is_active()) {
        if Some(course.plan.intervention_id.as_str()) == except {
            continue;
        }
        for (gateway, load) in course.unsettled_load(now) {
            *reserved.entry(gateway).or_default() += load;
        }
    }
    reserved
}

/// What all courses but one have moved.
pub fn moved(courses: &[Course], except: Option<&str>) -> Vec<Moved> {
    courses
        .iter()
        .filter(|course| course.is_active())
        .filter(|course| Some(course.plan.intervention_id.as_str()) != except)
        .map(Course::moved)
        .collect()
}

/// The slice without its gateway, as an overlay needs it.
pub fn context_of(slice: &Slice) -> BTreeMap<String, String> {
    let context = slice.without("gateway");
    context.pairs().map(|(dimension, value)| (dimension.into(), value.into())).collect()
}
