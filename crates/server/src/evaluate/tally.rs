//! What a log says of one policy, or of two beside each other: sums over its decisions.
//!
//! **Predictions** are counted by context cell and gateway ([`Means`]), the same for every policy, so that the intervals rest on no policy's opinion of itself. A cell is
//! method, network and issuer; beyond [`CELLS_MAX`] of them the rest count as one. Overlap is counted by merchant and method instead, for contracts say where a payment may go.
//!
//! **Against the log itself.** The log's law is known where it went and nowhere else, so that a prediction per gateway has no known mean over it. One per cell has: itself. That is the control variate
//! of the uplift, and is less calm than that of two policies against each other, whose laws are both known.
//!
//! **The greatest weight.** Intervals need what any gateway could have weighed in a context. Of the others' propensities only a floor is known: the least one of the file.

use std::collections::{BTreeMap, BTreeSet};

use payments::Attempt;
use stats::off_policy::{Contrast, Estimate, Estimator, Logged, Means, OffPolicy};

use super::follower::Law;
use super::is_approved;
use super::keys::{cell, contract};

/// Weights beyond it aren't corrected by Switch-DR.
pub const SWITCH: f64 = 20.0;
/// Level of every interval: 95 %, that of the fixed-n ones.
const ALPHA: f64 = 0.05;
/// Contexts told apart.
const CELLS_MAX: usize = 5_000;
/// Gateways told apart.
const GATEWAYS_MAX: usize = 256;
/// Two probabilities are the same.
const SAME: f64 = 1e-12;

/// Numbers for names, the last one being everything beyond.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, u32>);

impl Names {
    fn number(&mut self, name: String, most: usize) -> u32 {
        let next = self.0.len();
        if next >= most && !self.0.contains_key(&name) {
            return most as u32;
        }
        *self.0.entry(name).or_insert(next as u32)
    }
}

/// Where one policy would have gone: by contract and gateway, probability in all.
type Wanted = BTreeMap<(u32, u32), f64>;

struct Of {
    sums: OffPolicy,
    uplift: Contrast,
    wanted: Wanted,
    beyond_switch: u64,
}

impl Of {
    fn new() -> Self {
        Self {
            sums: OffPolicy::new(SWITCH),
            uplift: Contrast::default(),
            wanted: Wanted::new(),
            beyond_switch: 0,
        }
    }
}

/// Sums over a log.
pub struct Tally {
    propensity_min: f64,
    cells: Names,
    contracts: Names,
    gateways: Names,
    means: Means,
    /// Of the cell, wherever payments went.
    levels: Means,
    went: BTreeSet<(u32, u32)>,
    log: OffPolicy,
    of: Vec<Of>,
    between: Contrast,
}

/// What a log says of a policy.
#[derive(Clone, Debug)]
pub struct Judged {
    /// One per estimator, in their order.
    pub estimates: [Estimate; 4],
    /// Against the log itself.
    pub uplift: Estimate,
    /// Decisions of the policy itself that the log is worth.
    pub effective_size: f64,
    /// The weights' mean and its standard error.
    pub mean_weight: (f64, f64),
    /// The greatest weight.
    pub weight_max: f64,
    /// Share of where the policy would have gone that the log went to as well, for the same merchant and method.
    pub overlap: f64,
    /// Decisions whose weight is beyond that of Switch-DR.
    pub beyond_switch: u64,
}

impl Tally {
    /// For so many policies on a log whose least propensity this is.
    pub fn new(policies: usize, propensity_min: f64) -> Self {
        Self {
            propensity_min,
            cells: Names::default(),
            contracts: Names::default(),
            gateways: Names::default(),
            means: Means::default(),
            levels: Means::default(),
            went: BTreeSet::new(),
            log: OffPolicy::new(SWITCH),
            of: (0..policies).map(|_| Of::new()).collect(),
            between: Contrast::default(),
        }
    }

    /// The next decision, with what each policy would have done.
    pub fn push(&mut self, attempt: &Attempt, propensity: f64, laws: &[Law]) {
        let reward = f64::from(u8::from(is_approved(attempt)));
        let cell = self.cells.number(cell(attempt), CELLS_MAX);
        let gateway = self.gateways.number(attempt.gateway.clone(), GATEWAYS_MAX);
        let contract = self.contracts.number(contract(attempt), CELLS_MAX);
        self.went.insert((contract, gateway));
        let level = self.levels.mean(cell, 0);
        let itself = whatever_was_done(reward, 1.0, 1.0, level);
        self.log.push(&itself);

        let predicted = self.means.mean(cell, gateway);
        let mut range = (predicted, predicted);
        let numbered: Vec<Vec<(u32, f64, f64)>> = laws
            .iter()
            .map(|law| {
                let of = |(name, p): &(String, f64)| {
                    let number = self.gateways.number(name.clone(), GATEWAYS_MAX);
                    (number, *p, self.means.mean(cell, number))
                };
                law.iter().map(of).collect()
            })
            .collect();
        for (_, _, q) in numbered.iter().flatten() {
            range = (range.0.min(*q), range.1.max(*q));
        }
        let seen: Vec<Logged> = numbered
            .iter()
            .zip(laws)
            .zip(&mut self.of)
            .map(|((law, named), of)| {
                let own = named.iter().find(|(name, _)| *name == attempt.gateway);
                let weight = own.map_or(0.0, |(_, p)| p / propensity);
                let most = law.iter().map(|(_, p, _)| *p).fold(0.0, f64::max);
                let weight_max = most / self.propensity_min;
                for (number, p, _) in law {
                    *of.wanted.entry((contract, *number)).or_default() += p;
                }
                of.beyond_switch += u64::from(weight > SWITCH);
                let logged = Logged {
                    reward,
                    weight,
                    weight_max,
                    predicted,
                    expected: law.iter().map(|(_, p, q)| p * q).sum(),
                    predicted_range: range,
                };
                of.sums.push(&logged);
                of.uplift.push(
                    &whatever_was_done(reward, weight, weight_max, level),
                    &itself,
                    false,
                );
                logged
            })
            .collect();
        if let [a, b] = &seen[..] {
            self.between.push(a, b, agree(&laws[0], &laws[1]));
        }
        self.means.add(cell, gateway, reward);
        self.levels.add(cell, 0, reward);
    }

    /// What the log itself came to.
    pub fn log(&self) -> Estimate {
        self.log.estimate(Estimator::Ips, ALPHA)
    }

    /// What it says of each policy.
    pub fn judged(&self) -> Vec<Judged> {
        let judged = |of: &Of| {
            let whole: f64 = of.wanted.values().sum();
            let met = of.wanted.iter().filter(|(place, _)| self.went.contains(place));
            let met: f64 = met.map(|(_, p)| p).sum();
            Judged {
                estimates: Estimator::ALL.map(|estimator| of.sums.estimate(estimator, ALPHA)),
                uplift: of.uplift.estimate(ALPHA),
                effective_size: of.sums.effective_size(),
                mean_weight: of.sums.mean_weight(),
                weight_max: of.sums.weight_max(),
                overlap: if whole > 0.0 { met / whole } else { 0.0 },
                beyond_switch: of.beyond_switch,
            }
        };
        self.of.iter().map(judged).collect()
    }

    /// The first policy less the second, where there are two.
    pub fn between(&self) -> Option<Estimate> {
        (self.of.len() == 2).then(|| self.between.estimate(ALPHA))
    }
}

/// A decision whose prediction doesn't depend on the gateway.
fn whatever_was_done(reward: f64, weight: f64, weight_max: f64, level: f64) -> Logged {
    Logged {
        reward,
        weight,
        weight_max,
        predicted: level,
        expected: level,
        predicted_range: (level, level),
    }
}

fn agree(a: &Law, b: &Law) -> bool {
    let of = |law: &Law, name: &str| -> f64 {
        law.iter().filter(|(own, _)| own == name).map(|(_, p)| p).sum()
    };
    a.iter().chain(b).all(|(name, _)| (of(a, name) - of(b, name)).abs() < SAME)
}
