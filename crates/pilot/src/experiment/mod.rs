//! The controlled phase of an intervention: two arms, sequential tests, one verdict at a time.
//!
//! **What is tested.** Four claims at once, each by its own e-value, over payments in the order of their decision:
//!
//! | test | the claim it attacks | starts | used for |
//! |---|---|---|---|
//! | benefit | the treatment is no better | at each change of direction; carries over from step to step | growing, and falling back up |
//! | harm | the treatment is no worse | with the intervention, from any cohort on; carries over | rolling back |
//! | home | the untouched path is worse by the margin or more | with each step | returning |
//! | fresh | the treatment is no better | at each renewal of the TTL | renewing |
//!
//! **What carries over.** Within a test everything: its value after a step is the first factor of the next (a product of e-values of consecutive
//! payments is an e-value, whatever the shares, which are fixed before the payments they bind). Benefit of the way up is no evidence about the way home, so it starts anew there.
//!
//! **The bets.** Predictable plug-in: each cohort opens with the arms' rates as known from cohorts before it, leaning on what the plan expected (the
//! plan is what makes the first promotion fast: some eleven treated payments at a drop of 20 points). Benefit mixes the expected effect with 0.6 and 0.3 of it;
//! harm mixes drops of 0.5 to 5 in log-odds, from a nuisance to a dead target.
//!
//! **Pending payments** are filled in against what is to be shown ([`Fill`]); any prefix of cohorts may be looked at, so the best one is.
//! For growing, the prefix has to hold known treated payments of the present step: evidence from 5 % says nothing about a target at 20 % of the load.
//!
//! **Cost.** At most some sixty open cohorts with seven bets each: about 0.1 ms per look.

mod bet;
mod cohorts;
mod mismatch;
mod process;
mod report;

use std::collections::VecDeque;

use libm::{exp, exp2, log};
use payments::Timestamp;
use routing::Arm;
use serde::{Deserialize, Serialize};
use stats::posterior::Beta;

pub(crate) use bet::Bet;
use cohorts::{Cohort, Fill, index};
use mismatch::Mismatch;
pub(crate) use process::{Process, Start};

pub use report::{ArmReport, Experiment, Verdict};

const COHORT_MS: i64 = 1_000;
/// Pending longer than this counts as failed where rates are *estimated* for bets: slow ones are mostly timeouts.
const SETTLE_MS: i64 = 5_000;
/// Half-life of what the plug-in rates remember.
const MEMORY_HALF_LIFE_MS: f64 = 120_000.0;
/// Payments that the plan's expectation of an arm counts for at most.
const PRIOR_PAYMENTS_MAX: f64 = 60.0;
const PRIOR_PAYMENTS_TREATMENT: f64 = 20.0;
/// Known treated payments of the present step that a promotion needs at the least.
pub(crate) const STEP_OUTCOMES_MIN: f64 = 5.0;
/// Effects smaller than this aren't bet on, log-odds.
const EFFECT_MIN: f64 = 0.25;

const BENEFIT_EFFECTS: [f64; 3] = [1.0, 0.6, 0.3];
pub(crate) const BENEFIT_WEIGHTS: [f64; 3] = [0.6, 0.3, 0.1];
const HARM_DROPS: [f64; 4] = [0.5, 1.2, 2.5, 5.0];
const HARM_WEIGHTS: [f64; 4] = [0.25; 4];
const HOME_SHORTFALLS: [f64; 2] = [0.0, 0.5];
const NOT_WORSE_SHORTFALLS: [f64; 3] = [0.0, 0.25, 0.5];
const HOME_WEIGHTS: [f64; 2] = [0.7, 0.3];
/// e-values are shown up to here.
const E_MAX: f64 = 1e12;

/// What has to be shown before an intervention grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The treatment is better: payments change their gateway.
    Better,
    /// It isn't worse by the margin: retries change, first attempts shouldn't.
    NotWorse,
}

/// What the plan expects of the arms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Success rate of the path as it is.
    pub control_rate: f64,
    /// Payments which that rests on.
    pub control_payments: f64,
    /// Success rate of those treated.
    pub treatment_rate: f64,
    /// The untouched path is well again when it isn't worse by this much.
    pub margin: f64,
    /// What has to be shown.
    pub goal: Goal,
}

/// e-values by now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// That the treatment is better, with known payments of this step; 1 without such.
    pub benefit: f64,
    /// That it is worse.
    pub harm: f64,
    /// That the untouched path is well again.
    pub home: f64,
    /// That the treatment is better, since the TTL was last renewed.
    pub fresh: f64,
    /// That the arms don't have their sizes.
    pub mismatch: f64,
}

/// A test: its product over the matured cohorts, and since when it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Test<const K: usize> {
    matured: Process<K>,
    since: Timestamp,
}

impl<const K: usize> Test<K> {
    fn new(start: Start, since: Timestamp) -> Self {
        Self { matured: Process::new(start), since }
    }
}

/// Two arms under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    expected: Expected,
    maturity_ms: i64,
    steps: Vec<(Timestamp, f64)>,
    open: VecDeque<Cohort>,
    totals: [[f64; 2]; 2],
    recent: [[f64; 2]; 2],
    recent_at: Timestamp,
    step_outcomes: f64,
    benefit: Test<3>,
    harm: Test<4>,
    home: Test<2>,
    fresh: Test<3>,
    mismatch: Mismatch,
    silent: u32,
}

impl Trial {
    /// Begins with this share of treatment.
    pub fn new(expected: Expected, share: f64, maturity_ms: i64, now: Timestamp) -> Self {
        Self {
            expected,
            maturity_ms,
            steps: vec![(now, share)],
            open: VecDeque::new(),
            totals: [[0.0; 2]; 2],
            recent: [[0.0; 2]; 2],
            recent_at: now,
            step_outcomes: 0.0,
            benefit: Test::new(Start::Once, now),
            harm: Test::new(Start::AnyTime, now),
            home: Test::new(Start::AnyTime, now),
            fresh: Test::new(Start::Once, now),
            mismatch: Mismatch::new(share),
            silent: 0,
        }
    }

    /// A payment went into an arm. Before the experiment, or too late to be judged, it doesn't count.
    pub fn decided(&mut self, arm: Arm, at: Timestamp) {
        if let Some(place) = self.place(at, true) {
            self.open[place].decided[index(arm)] += 1;
            let share = self.open[place].share;
            self.mismatch.count(arm == Arm::Treatment, share);
        }
    }

    /// The outcome of a payment decided then became known.
    pub fn outcome(&mut self, arm: Arm, decided_at: Timestamp, approved: bool) {
        if let Some(place) = self.place(decided_at, false) {
            let cohort = &mut self.open[place];
            if cohort.pending(arm) > 0 {
                cohort.known[index(arm)][usize::from(approved)] += 1;
            }
        }
    }

    /// The open cohort of that instant, made if asked for.
    fn place(&mut self, at: Timestamp, make: bool) -> Option<usize> {
        let (since, share) = *self.steps.iter().rev().find(|(since, _)| *since <= at)?;
        let second = at.as_millis().div_euclid(COHORT_MS) * COHORT_MS;
        let start = Timestamp::from_millis(second).max(since);
        if start < self.recent_at {
            return None;
        }
        match self.open.binary_search_by(|cohort| cohort.start.cmp(&start)) {
            Ok(place) => Some(place),
            Err(place) if make => {
                let [control_rate, treatment_rate] = self.rates_before(place, start);
                let cohort = Cohort {
                    start,
                    share,
                    control_rate,
                    treatment_rate,
                    decided: [0; 2],
                    known: [[0; 2]; 2],
                };
                self.open.insert(place, cohort);
                Some(place)
            }
            Err(_) => None,
        }
    }

    /// The arms' rates by what earlier cohorts show.
    fn rates_before(&self, place: usize, start: Timestamp) -> [f64; 2] {
        let priors = [
            (self.expected.control_rate, self.expected.control_payments.min(PRIOR_PAYMENTS_MAX)),
            (self.expected.treatment_rate, PRIOR_PAYMENTS_TREATMENT),
        ];
        [Arm::Control, Arm::Treatment].map(|arm| {
            let i = index(arm);
            let [mut failed, mut approved] = self.recent[i];
            for cohort in self.open.iter().take(place) {
                if start.millis_since(cohort.start) >= SETTLE_MS {
                    let [f, a] = cohort.outcomes(arm, Fill::Matured);
                    failed += f;
                    approved += a;
                }
            }
            let (mean, payments) = priors[i];
            let prior = Beta::with_mean(mean.clamp(0.005, 0.995), payments.max(4.0));
            prior.updated(failed + approved, approved).mean()
        })
    }

    /// Cohorts older than the maturity horizon are judged for good.
    pub fn mature(&mut self, now: Timestamp) {
        let edge = now.plus_millis(-self.maturity_ms - COHORT_MS);
        while self.open.front().is_some_and(|cohort| cohort.start <= edge) {
            let cohort = self.open.pop_front().expect("it is there");
            self.close(&cohort);
        }
        // What is decided before this instant comes too late, whether or not there was a cohort.
        self.forget_until(edge.plus_millis(1));
    }

    fn close(&mut self, cohort: &Cohort) {
        let margin = self.expected.margin;
        let benefit = benefit_bets(cohort, &self.expected);
        advance(&mut self.benefit, cohort, &benefit, Fill::Matured);
        advance(&mut self.fresh, cohort, &benefit, Fill::Matured);
        advance(&mut self.harm, cohort, &harm_bets(cohort), Fill::Matured);
        advance(&mut self.home, cohort, &home_bets(cohort, margin), Fill::Matured);
        self.forget_until(cohort.start);
        for arm in [Arm::Control, Arm::Treatment] {
            let counts = cohort.outcomes(arm, Fill::Matured);
            for (outcome, count) in counts.into_iter().enumerate() {
                self.totals[index(arm)][outcome] += count;
                self.recent[index(arm)][outcome] += count;
            }
        }
        if cohort.start >= self.step_since() {
            self.step_outcomes += known(cohort, Arm::Treatment);
        }
        let decided = cohort.decided[0] + cohort.decided[1];
        self.silent = if cohort.is_silent() { self.silent.saturating_add(decided) } else { 0 };
    }

    fn forget_until(&mut self, at: Timestamp) {
        if at > self.recent_at {
            let age_ms = at.millis_since(self.recent_at) as f64;
            let keep = exp2(-age_ms / MEMORY_HALF_LIFE_MS);
            self.recent.iter_mut().flatten().for_each(|count| *count *= keep);
            self.recent_at = at;
        }
    }

    fn step_since(&self) -> Timestamp {
        self.steps.last().expect("a trial has a step").0
    }

    /// Another share from now on.
    pub fn step(&mut self, share: f64, now: Timestamp) {
        if self.step_since() == now {
            self.steps.pop();
        }
        self.steps.push((now, share));
        self.step_outcomes = 0.0;
        self.mismatch.step(share);
        self.home = Test::new(Start::AnyTime, now);
    }

    /// The direction changes: benefit has to be shown anew.
    pub fn turn(&mut self, now: Timestamp) {
        self.benefit = Test::new(Start::Once, now);
    }

    /// The TTL was renewed: the next renewal needs evidence of its own.
    pub fn renew(&mut self, now: Timestamp) {
        self.fresh = Test::new(Start::Once, now);
    }

    /// Payments decided since the last known outcome, in cohorts that are all silent.
    pub fn silent_payments(&self) -> u32 {
        self.silent
    }

    /// The e-values by now.
    pub fn evidence(&self) -> Evidence {
        let margin = self.expected.margin;
        let capped = |ln: f64| exp(ln.min(log(E_MAX)));
        let benefit = |cohort: &Cohort| benefit_bets(cohort, &self.expected);
        Evidence {
            benefit: capped(self.look(
                &self.benefit,
                &BENEFIT_WEIGHTS,
                benefit,
                Fill::AgainstTreatment,
                true,
            )),
            fresh: capped(self.look(
                &self.fresh,
                &BENEFIT_WEIGHTS,
                benefit,
                Fill::AgainstTreatment,
                false,
            )),
            harm: capped(self.look(
                &self.harm,
                &HARM_WEIGHTS,
                harm_bets,
                Fill::AgainstControl,
                false,
            )),
            home: capped(self.look(
                &self.home,
                &HOME_WEIGHTS,
                |cohort| home_bets(cohort, margin),
                Fill::AgainstControl,
                false,
            )),
            mismatch: capped(self.mismatch.ln_e()),
        }
    }

    /// The largest value over the beginnings that end within the open cohorts.
    fn look<const K: usize>(
        &self,
        test: &Test<K>,
        weights: &[f64; K],
        bets: impl Fn(&Cohort) -> [Bet; K],
        fill: Fill,
        of_this_step: bool,
    ) -> f64 {
        let enough = |outcomes: f64| !of_this_step || outcomes >= STEP_OUTCOMES_MIN;
        let mut outcomes = self.step_outcomes;
        let mut test = test.clone();
        let mut best = if enough(outcomes) { test.matured.ln_e(weights) } else { f64::MIN };
        for cohort in &self.open {
            advance(&mut test, cohort, &bets(cohort), fill);
            if cohort.start >= self.step_since() {
                outcomes += known(cohort, Arm::Treatment);
            }
            if enough(outcomes) {
                best = best.max(test.matured.ln_e(weights));
            }
        }
        if best == f64::MIN { 0.0 } else { best }
    }
}

fn known(cohort: &Cohort, arm: Arm) -> f64 {
    f64::from(cohort.decided[index(arm)] - cohort.pending(arm))
}

fn advance<const K: usize>(test: &mut Test<K>, cohort: &Cohort, bets: &[Bet; K], fill: Fill) {
    if cohort.start < test.since {
        return;
    }
    let control = cohort.outcomes(Arm::Control, fill);
    let treatment = cohort.outcomes(Arm::Treatment, fill);
    test.matured.advance(&bets.map(|bet| bet.ln_factor(control, treatment)));
}

fn benefit_bets(cohort: &Cohort, expected: &Expected) -> [Bet; 3] {
    if expected.goal == Goal::NotWorse {
        return NOT_WORSE_SHORTFALLS.map(|shortfall| {
            let rate = cohort.control_rate;
            let treated = rate - shortfall * expected.margin;
            Bet::new(Arm::Treatment, treated, rate, expected.margin, cohort.share)
        });
    }
    let control = logit(cohort.control_rate);
    let effect = (logit(cohort.treatment_rate) - control).max(EFFECT_MIN);
    BENEFIT_EFFECTS.map(|part| {
        let better = logistic(control + part * effect);
        Bet::new(Arm::Treatment, better, cohort.control_rate, 0.0, cohort.share)
    })
}

fn harm_bets(cohort: &Cohort) -> [Bet; 4] {
    HARM_DROPS.map(|drop| {
        let worse = logistic(logit(cohort.control_rate) - drop);
        Bet::new(Arm::Control, cohort.control_rate, worse, 0.0, cohort.share)
    })
}

fn home_bets(cohort: &Cohort, margin: f64) -> [Bet; 2] {
    HOME_SHORTFALLS.map(|shortfall| {
        let well = cohort.treatment_rate - shortfall * margin;
        Bet::new(Arm::Control, well, cohort.treatment_rate, margin, cohort.share)
    })
}

pub(crate) fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-4, 1.0 - 1e-4);
    log(p / (1.0 - p))
}

pub(crate) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests;
