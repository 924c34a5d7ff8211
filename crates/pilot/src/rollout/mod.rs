//! A gated roll-out: one routing policy beside another, with a share that grows only on evidence and falls by itself.
//!
//! **Problem.** A policy that a log or a simulation likes may still be wrong about today. It is to get payments step by step, lose them at once where it does harm, and leave behind a figure for
//! what it was worth.
//!
//! **Method.**
//!
//! ```text
//! same (A/A) --> step 1 --> ... --> step k --> whole, less the hold-out
//!     |             |                  |          |
//!     '-------------'------------------'----------'--> stopped: the incumbent has everything again
//! ```
//!
//! Payments fall into groups by a hash (`split`). In the A/A stage both are routed by the incumbent: if its halves differ, then split or measurement is broken, and nothing after it would mean anything.
//! Then the candidate gets its steps. Success and each guard are compared payment by payment (`comparison`), sizes of groups by a multinomial test (`ratio`). A step is followed by the next one
//! when the candidate is *shown* to be better; it is taken back when it is shown to be worse, in success or by a guard, when sizes are off, when the step has had its payments and shown nothing, or
//! when nobody hears what becomes of payments. At the end a hold-out stays with the incumbent, for good: harm that comes late is found against it, and the uplift ([`Report`]) is measured.
//!
//! **What counts.** First attempts. A payment is judged `maturity_ms` after its decision, in the order of decisions, and what is pending then has failed, for all groups alike: else slow failures
//! would flatter whoever has more of them. It doesn't bring a step further, though: progress is counted in outcomes that were heard. Outcomes that go missing more often in one group than in the others are a broken
//! measurement, and would promote whoever they are heard of; so that is tested as well, and ends it. Evidence carries over from step to step, but a step needs payments of its own; that of the A/A stage doesn't, for both were the same then.
//!
//! **Guarantee.** With `alpha` shared out equally among the tests that may act: a candidate that isn't worse in anything is stopped with probability alpha at most over the whole of its steps, one
//! that is never better is promoted with probability alpha at most, and an A/A stage without a difference stops with probability alpha at most (Ville 1939; a union over the tests). It rests on the hash's
//! being a fair coin, which the ratio test watches.
//!
//! **Cost.** Some 4 us per payment and comparison; memory for the payments of one maturity time, at most `WAITING_MAX`.

mod comparison;
mod plan;
mod ratio;
mod report;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use libm::log;
use payments::Timestamp;
use serde::{Deserialize, Serialize};
use stats::window::fingerprint;

use comparison::Comparison;
use ratio::Ratio;

pub use plan::{Guard, Plan, PlanError};
pub use report::{GroupReport, GuardReport, Report};
pub use split::{GROUPS, Group, Split};

/// Payments that may wait for their outcome; what is decided beyond isn't judged.
const WAITING_MAX: usize = 1_000_000;
/// Payments over which it is averaged whether outcomes are heard at all.
const HEARING: f64 = 1_000.0;
/// Share without an outcome at which nobody seems to listen: nothing is promoted then.
const UNHEARD_MAX: f64 = 0.5;
/// ... and at which, lasting so long, nobody does: a roll-out that isn't watched ends.
const DEAF_MS: i64 = 5 * 60_000;

/// Where a roll-out is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A/A: the incumbent routes everything, in two halves.
    Same,
    /// The candidate has this step's share, counted from 0.
    Step(usize),
    /// It has all but the hold-out.
    Whole,
    /// The incumbent has everything again.
    Stopped(Stop),
}

/// Why it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Groups don't have their sizes.
    SampleRatio,
    /// The halves of the A/A stage differ.
    NotTheSame,
    /// The candidate has fewer successes.
    Harm,
    /// It has more of what a guard watches.
    Guard(Guard),
    /// A step had its payments and showed nothing.
    Inconclusive,
    /// Outcomes aren't heard, or not of all groups alike.
    Unheard,
    /// Somebody said so.
    Person(String),
    /// The kill switch was engaged.
    KillSwitch,
    /// The candidate sends payments to this gateway, which is configured no more.
    Gateway(String),
    /// The configuration has become the candidate: there is no other policy any more.
    Adopted,
}

/// What came of a payment's first attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Whether it was approved.
    pub approved: bool,
    /// From request to outcome, where known.
    pub latency_ms: Option<u32>,
    /// What the gateway charged, in hundredths of a percent of the amount, where known.
    pub fee_bps: Option<u32>,
    /// Declined on suspicion of fraud.
    pub fraud_declined: bool,
}

/// A change of stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// From which stage.
    pub from: Stage,
    /// To which.
    pub to: Stage,
}

/// A payment that isn't judged yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Waiting {
    payment: u64,
    at: Timestamp,
    group: Group,
    share: f64,
    of_steps: bool,
    seen: Option<Seen>,
}

/// A roll-out under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    plan: Plan,
    stage: Stage,
    waiting: VecDeque<Waiting>,
    /// Their places, counted from the first payment ever, and how many have left.
    places: BTreeMap<u64, u64>,
    left: u64,
    of_stage: [Tally; GROUPS],
    success: Comparison,
    heard: Comparison,
    guards: Vec<Comparison>,
    ratio: Ratio,
    /// Share of payments without an outcome, of late.
    unheard: f64,
    /// The first payment since when that has been too many, and whether it has lasted.
    deaf_since: Option<Timestamp>,
    is_deaf: bool,
}

/// Payments of a group that were judged since the stage began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tally {
    payments: u64,
    approved: u64,
    unheard: u64,
}

impl Tally {
    fn heard(&self) -> u64 {
        self.payments - self.unheard
    }

    fn and(self, other: Self) -> Self {
        Self {
            payments: self.payments + other.payments,
            approved: self.approved + other.approved,
            unheard: self.unheard + other.unheard,
        }
    }
}

impl Rollout {
    /// Begins with the A/A stage.
    pub fn new(plan: Plan) -> Result<Self, PlanError> {
        plan.check()?;
        let guards = vec![Comparison::default(); plan.guards.len()];
        let mut rollout = Self {
            stage: Stage::Same,
            waiting: VecDeque::new(),
            places: BTreeMap::new(),
            left: 0,
            of_stage: [Tally::default(); GROUPS],
            success: Comparison::default(),
            heard: Comparison::default(),
            guards,
            ratio: Ratio::new([0.0; GROUPS]),
            unheard: 0.0,
            deaf_since: None,
            is_deaf: false,
            plan,
        };
        rollout.ratio = Ratio::new(rollout.split().shares());
        Ok(rollout)
    }

    /// What it was told.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it is.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Who is in which group now. In the A/A stage the candidate's half is routed by the incumbent: ask [`Rollout::is_candidate_live`].
    pub fn split(&self) -> Split {
        let Plan { salt, hold_out, .. } = self.plan;
        let candidate = match &self.stage {
            Stage::Same => 0.5 * (1.0 - hold_out),
            Stage::Step(at) => self.plan.steps[*at],
            Stage::Whole => 1.0 - hold_out,
            Stage::Stopped(_) => 0.0,
        };
        Split { salt, candidate, hold_out }
    }

    /// Whether it goes on.
    pub fn is_under_way(&self) -> bool {
        !matches!(self.stage, Stage::Stopped(_))
    }

    /// Whether the candidate routes what falls into its group.
    pub fn is_candidate_live(&self) -> bool {
        matches!(self.stage, Stage::Step(_) | Stage::Whole)
    }

    /// A payment's first attempt was routed at `at`, in order of time, under [`Rollout::split`] as the data plane has it: what group it fell into is told and not computed, so that a data plane that
    /// splits otherwise is found out. A payment that waits already isn't counted again.
    pub fn decided(&mut self, payment_id: &str, group: Group, at: Timestamp) {
        let payment = self.named(payment_id);
        let is_full = self.waiting.len() >= WAITING_MAX;
        if !self.is_under_way() || is_full || self.places.contains_key(&payment) {
            return;
        }
        self.ratio.count(group);
        self.places.insert(payment, self.left + self.waiting.len() as u64);
        self.waiting.push_back(Waiting {
            payment,
            at,
            group,
            share: self.split().candidate,
            of_steps: self.stage != Stage::Same,
            seen: None,
        });
    }

    /// The outcome of a payment's first attempt; of a payment that doesn't wait, or not any more, it changes nothing.
    pub fn outcome(&mut self, payment_id: &str, seen: impl FnOnce() -> Seen) {
        if self.waiting.is_empty() {
            return;
        }
        let place = self.places.get(&self.named(payment_id));
        let place = place.map(|place| (place - self.left) as usize);
        if let Some(waiting) = place.and_then(|place| self.waiting.get_mut(place)) {
            waiting.seen = Some(seen());
        }
    }

    /// Time has reached `now`: what is due is judged, and the stage may change, once.
    pub fn advance(&mut self, now: Timestamp) -> Option<Turn> {
        let due = now.plus_millis(-self.plan.maturity_ms);
        while self.waiting.front().is_some_and(|payment| payment.at <= due) {
            let payment = self.waiting.pop_front().expect("it is there");
            self.places.remove(&payment.payment);
            self.left += 1;
            self.judge(&payment);
        }
        let to = self.next()?;
        Some(self.turn(to, now))
    }

    /// It ends for a reason that isn't in its payments.
    pub fn stop(&mut self, why: Stop, now: Timestamp) -> Option<Turn> {
        self.is_under_way().then(|| self.turn(Stage::Stopped(why), now))
    }

    /// Nobody listened: of what waits nothing is known, for no group, and it isn't judged.
    pub fn pass_over(&mut self) {
        self.left += self.waiting.len() as u64;
        self.waiting.clear();
        self.places.clear();
    }

    fn named(&self, payment_id: &str) -> u64 {
        fingerprint(self.plan.salt, payment_id)
    }

    fn judge(&mut self, payment: &Waiting) {
        // The A/A stage's evidence is about the split, that of the steps about the candidate.
        if payment.of_steps != (self.stage != Stage::Same) {
            return;
        }
        // What is pending now has failed, and is slow.
        let pending = Seen { latency_ms: Some(u32::MAX), ..Seen::default() };
        let is_heard = payment.seen.is_some();
        let seen = &payment.seen.unwrap_or(pending);
        self.unheard += (f64::from(u8::from(!is_heard)) - self.unheard) / HEARING;
        self.deaf_since = match self.deaf_since {
            _ if self.unheard <= UNHEARD_MAX => None,
            since => since.or(Some(payment.at)),
        };
        let lasts = self.deaf_since.map_or(0, |since| payment.at.millis_since(since));
        self.is_deaf = lasts >= DEAF_MS;
        let is_candidate = payment.group == Group::Candidate;
        self.success.push(is_candidate, payment.share, seen.approved);
        self.heard.push(is_candidate, payment.share, is_heard);
        for (guard, comparison) in self.plan.guards.iter().zip(&mut self.guards) {
            if let Some(is_good) = is_good(guard, seen) {
                comparison.push(is_candidate, payment.share, is_good);
            }
        }
        if payment.share == self.split().candidate {
            let tally = &mut self.of_stage[payment.group as usize];
            tally.payments += 1;
            tally.approved += u64::from(seen.approved);
            tally.unheard += u64::from(!is_heard);
        }
    }

    /// The stage that follows now, if another does.
    fn next(&self) -> Option<Stage> {
        if matches!(self.stage, Stage::Stopped(_)) {
            return None;
        }
        let is_same = self.stage == Stage::Same;
        let stops = self.ln_stops();
        let is_unheard = self.heard.ln_worse().max(self.heard.ln_better()) >= stops;
        if is_unheard || self.is_deaf {
            return Some(Stage::Stopped(Stop::Unheard));
        }
        if self.ratio.ln_e() >= stops {
            return Some(Stage::Stopped(Stop::SampleRatio));
        }
        if self.success.ln_worse() >= stops {
            let why = if is_same { Stop::NotTheSame } else { Stop::Harm };
            return Some(Stage::Stopped(why));
        }
        for (guard, comparison) in self.plan.guards.iter().zip(&self.guards) {
            if comparison.ln_worse() >= stops {
                let why = if is_same { Stop::NotTheSame } else { Stop::Guard(guard.clone()) };
                return Some(Stage::Stopped(why));
            }
        }
        if self.deaf_since.is_some() {
            return None;
        }
        let candidate = self.of_stage[Group::Candidate as usize].heard();
        let all = self.of_stage.iter().map(Tally::heard).sum::<u64>();
        match self.stage {
            Stage::Same if self.success.ln_better() >= stops => {
                Some(Stage::Stopped(Stop::NotTheSame))
            }
            Stage::Same => (all >= self.plan.same_payments).then(|| self.step(0)),
            Stage::Step(at) => {
                let is_shown = self.success.ln_better() >= self.ln_promotes();
                if is_shown && candidate >= self.plan.step_payments_min {
                    Some(self.step(at + 1))
                } else if all >= self.plan.step_payments_max {
                    Some(Stage::Stopped(Stop::Inconclusive))
                } else {
                    None
                }
            }
            Stage::Whole | Stage::Stopped(_) => None,
        }
    }

    /// ln of the evidence that stops it: tests that may stop the stage share the level.
    fn ln_stops(&self) -> f64 {
        let tests = 4 + self.guards.len() + usize::from(self.stage == Stage::Same);
        log(tests as f64 / self.plan.alpha)
    }

    /// ln of the evidence that brings it further.
    fn ln_promotes(&self) -> f64 {
        log(1.0 / self.plan.alpha)
    }

    fn step(&self, at: usize) -> Stage {
        if at < self.plan.steps.len() { Stage::Step(at) } else { Stage::Whole }
    }

    fn turn(&mut self, to: Stage, at: Timestamp) -> Turn {
        let from = std::mem::replace(&mut self.stage, to.clone());
        if from == Stage::Same {
            self.success = Comparison::default();
            self.heard = Comparison::default();
            self.guards.fill(Comparison::default());
        }
        if matches!(to, Stage::Stopped(_)) {
            self.pass_over();
        } else {
            self.of_stage = [Tally::default(); GROUPS];
            self.ratio.step(self.split().shares());
        }
        Turn { at, from, to }
    }
}

/// What a guard says of a payment; nothing where what it needs isn't known.
fn is_good(guard: &Guard, seen: &Seen) -> Option<bool> {
    match guard {
        Guard::SlowerThanMs(limit) => seen.latency_ms.map(|ms| ms <= *limit),
        Guard::DearerThanBps(limit) => seen.fee_bps.map(|bps| bps <= *limit),
        Guard::FraudDeclined => Some(!seen.fraud_declined),
    }
}
