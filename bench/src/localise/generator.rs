//! Windows of a payment network with known causes: five attributes, Zipf traffic, a finite history.
//!
//! Leaves are conjunctions of values whose traffic is Zipf per attribute, a third of them never
//! used (no gateway serves every method). Failure rates differ by value and leaf; every leaf and
//! window wobbles (over-dispersion); the baseline is learnt from [`HISTORY_WINDOWS`] windows, never
//! told. One to three causes turn a share of the approvals of their slice into failures. In every
//! third case one value also sends four times its traffic: a decoy that must not be named.

use analyst::localise::{Conditions, LeafCell, LocaliseSettings};
use stats::stream::Stream;

use super::history::{Observed, learn};
use super::plain_scan::{ATTRIBUTE_PENALTY_NATS, Counts, scores};

/// Attributes of a leaf.
pub const DIMENSIONS: usize = 5;

/// Fewest and most values per attribute.
const VALUES: (u64, u64) = (3, 8);

/// Zipf exponent of an attribute's values.
const ZIPF: f64 = 1.0;

/// Share of leaves that are never used.
const UNUSED_SHARE: f64 = 1.0 / 3.0;

/// Attempts of the judged window, log-uniform.
const ATTEMPTS: (f64, f64) = (5_000.0, 50_000.0);

/// Windows of the same size that the baseline learns from.
pub const HISTORY_WINDOWS: usize = 20;

/// Standard deviation of a leaf's log-odds from window to window.
pub const WOBBLE_SD: f64 = 0.1;

/// Traffic of the decoy value, every third case.
const DECOY_FACTOR: f64 = 4.0;

/// A case: what is observed, the truth, and how hard it is.
pub struct Case {
    pub cells: Vec<LeafCell>,
    pub settings: LocaliseSettings,
    pub truth: Vec<Conditions>,
    /// Nats of the weakest true cause by true rates.
    pub nats_min: f64,
    /// By how many nats the best rival of any cause falls short of it.
    pub rival_gap: f64,
    /// Whether one value surges without failing.
    pub decoy: bool,
}

struct Leaf {
    values: Vec<u32>,
    weight: f64,
    rate: f64,
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let random = Stream::named(seed, "bench/localise/generator");
    let leaves = leaves(&random);
    let mut draw = random.fork("window");
    let total = draw.range(ATTEMPTS.0.ln(), ATTEMPTS.1.ln()).exp();

    let mut causes: Vec<(Conditions, f64)> = Vec::new();
    let mut pick = random.fork("causes");
    let wanted = 1 + pick.below(3) as usize;
    while causes.len() < wanted {
        let order = 1 + pick.below(3) as usize;
        // A cause strikes where there is traffic: its slice is that of one attempt.
        let leaf = &leaves[pick.weighted(&leaves.iter().map(|l| l.weight).collect::<Vec<_>>())];
        let mut dims: Vec<usize> = (0..DIMENSIONS).collect();
        pick.shuffle(&mut dims);
        dims.truncate(order);
        dims.sort_unstable();
        let conditions: Conditions = dims.into_iter().map(|d| (d, leaf.values[d])).collect();
        let severity = pick.range(0.05f64.ln(), 0.9f64.ln()).exp();
        let nested = causes.iter().any(|(other, _)| {
            other.iter().all(|pair| conditions.contains(pair))
                || conditions.iter().all(|pair| other.contains(pair))
        });
        if !nested {
            causes.push((conditions, severity));
        }
    }
    let decoy = seed.is_multiple_of(3).then(|| {
        let d = pick.below(DIMENSIONS as u64) as usize;
        (d, leaves[pick.below(leaves.len() as u64) as usize].values[d])
    });

    let mut histories = Vec::with_capacity(leaves.len());
    let mut truths = Vec::with_capacity(leaves.len());
    for (at, leaf) in leaves.iter().enumerate() {
        let mut random = random.fork_index(at as u64);
        let mut window = |attempts: f64, theta: f64| {
            let n = random.poisson(attempts);
            let wobbled = wobble(leaf.rate, random.normal());
            (n, random.binomial(n, wobbled + (1.0 - wobbled) * theta))
        };
        let attempts = total * leaf.weight;
        let history: Vec<(u64, u64)> =
            (0..HISTORY_WINDOWS).map(|_| window(attempts, 0.0)).collect();
        let spared: f64 = causes
            .iter()
            .filter(|(conditions, _)| inside(conditions, &leaf.values))
            .map(|(_, severity)| 1.0 - severity)
            .product();
        let surge = decoy.is_some_and(|(d, v)| leaf.values[d] == v);
        let now = window(attempts * if surge { DECOY_FACTOR } else { 1.0 }, 1.0 - spared);
        truths.push(Truth {
            attempts: now.0 as f64,
            rate: leaf.rate,
            hit_rate: leaf.rate + (1.0 - leaf.rate) * (1.0 - spared),
        });
        histories.push((history, now));
    }
    let observed: Vec<Observed<'_>> = leaves
        .iter()
        .zip(&histories)
        .map(|(leaf, (history, now))| Observed { values: &leaf.values, history, now: *now })
        .collect();
    let (cells, noise_sd) = learn(&observed, DIMENSIONS);
    let truth: Vec<Conditions> = causes.into_iter().map(|(conditions, _)| conditions).collect();
    let (nats_min, rival_gap) = difficulty(&leaves, &truths, &truth);
    Case {
        cells,
        settings: LocaliseSettings { noise_sd, ..LocaliseSettings::default() },
        truth,
        nats_min,
        rival_gap,
        decoy: decoy.is_some(),
    }
}

fn leaves(random: &Stream) -> Vec<Leaf> {
    let mut shape = random.fork("shape");
    let sizes: Vec<u64> =
        (0..DIMENSIONS).map(|_| VALUES.0 + shape.below(VALUES.1 - VALUES.0 + 1)).collect();
    let effects: Vec<Vec<f64>> =
        sizes.iter().map(|&size| (0..size).map(|_| 0.4 * shape.normal()).collect()).collect();
    let base = shape.range(-3.5, -1.0);
    let mut leaves = Vec::new();
    let mut values = vec![0u32; DIMENSIONS];
    loop {
        let weight: f64 = values.iter().map(|&v| f64::from(v + 1).powf(-ZIPF)).product();
        let effect: f64 = values.iter().zip(&effects).map(|(&v, e)| e[v as usize]).sum();
        let log_odds = base + effect + 0.2 * shape.normal();
        if !shape.bernoulli(UNUSED_SHARE) {
            leaves.push(Leaf {
                values: values.clone(),
                weight,
                rate: 1.0 / (1.0 + (-log_odds).exp()),
            });
        }
        let Some(d) = (0..DIMENSIONS).rev().find(|&d| u64::from(values[d]) + 1 < sizes[d]) else {
            break;
        };
        values[d] += 1;
        values[d + 1..].fill(0);
    }
    let sum: f64 = leaves.iter().map(|leaf| leaf.weight).sum();
    leaves.iter_mut().for_each(|leaf| leaf.weight /= sum);
    leaves
}

fn wobble(rate: f64, normal: f64) -> f64 {
    let odds = rate / (1.0 - rate) * (WOBBLE_SD * normal).exp();
    odds / (1.0 + odds)
}

fn inside(conditions: &Conditions, values: &[u32]) -> bool {
    conditions.iter().all(|&(d, v)| values[d] == v)
}

struct Truth {
    attempts: f64,
    rate: f64,
    hit_rate: f64,
}

/// By true rates: the nats of the weakest cause, on cells that no other cause strikes, and by how
/// much the best other slice falls short of the cause it would stand in for (attributes priced).
fn difficulty(leaves: &[Leaf], truths: &[Truth], causes: &[Conditions]) -> (f64, f64) {
    let mut nats_min = f64::INFINITY;
    let mut rival_gap = f64::INFINITY;
    for (at, cause) in causes.iter().enumerate() {
        let struck_by_another = |leaf: &Leaf| {
            causes.iter().enumerate().any(|(i, other)| i != at && inside(other, &leaf.values))
        };
        let cells: Vec<Counts<'_>> = leaves
            .iter()
            .zip(truths)
            .filter(|(leaf, truth)| truth.attempts > 0.0 && !struck_by_another(leaf))
            .map(|(leaf, truth)| Counts {
                values: &leaf.values,
                attempts: truth.attempts,
                bad: truth.attempts * truth.hit_rate,
                expected_bad: truth.attempts * truth.rate,
            })
            .collect();
        let scores = scores(&cells, DIMENSIONS);
        let own = scores.iter().find(|(conditions, _)| conditions == cause).map_or(0.0, |s| s.1);
        let priced = |(conditions, nats): &(Conditions, f64)| {
            nats - ATTRIBUTE_PENALTY_NATS * conditions.len() as f64
        };
        let rival = scores.iter().filter(|(conditions, _)| conditions != cause).map(priced);
        let own_priced = priced(&(cause.clone(), own));
        nats_min = nats_min.min(own);
        rival_gap = rival_gap.min(own_priced - rival.fold(0.0, f64::max));
    }
    (nats_min, rival_gap)
}
