//! Learnt expectation: false alarms per attempt, and delay against CUSUM told everything.
//!
//! Every baseline is learnt afresh from its own history, then judges quiet traffic. The reference is CUSUM on the true
//! likelihood: it is told the season, the dispersion and the drop, and its threshold is set on the same quiet traffic to as many
//! alarms as the learner gave. Drops begin at several moments of that traffic, where both stand as they are,
//! and both see the same payments. A delay counts attempts, to the end of the block that alarms.

use std::fmt::Write;

use stats::stream::Stream;

use super::traffic::{BLOCK_S, Block, Traffic, Wander};

/// What is measured: something that learns what is usual and says when it no longer is.
pub trait Learner: Clone {
    /// Takes in a block of history.
    fn learn(&mut self, block: &Block);
    /// Judges a live block, and may go on learning from it; true is an alarm, after which it starts again.
    fn judge(&mut self, block: &Block) -> bool;
}

/// What traffic the learner meets.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// For the reader.
    pub name: &'static str,
    /// Attempts per second.
    pub per_second: f64,
    /// Days of history.
    pub days: i64,
    /// Wander around the season.
    pub wander: Option<Wander>,
    /// Freshly learnt baselines.
    pub baselines: u64,
}

/// Drops in points; the first is reported only.
pub const POINTS: [u32; 5] = [2, 5, 10, 20, 35];
/// Quiet traffic judged by each.
const QUIET_DAYS: i64 = 2;
/// Moments of it at which every drop is tried.
const TRIALS: u64 = 2;
/// A drop not found after as many attempts counts as found then.
const ATTEMPTS_MAX: f64 = 50_000.0;
/// Excursions of CUSUM below this never decide a threshold.
const EXCURSION_MIN: f64 = 4.0;

/// What one condition showed.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// False alarms per million attempts.
    pub alarms_per_1e6: f64,
    /// Mean delay over the reference's, per drop of `POINTS`.
    pub ratios: [f64; 5],
}

/// Both delays of one trial: the learner's, and CUSUM's new maxima with the attempts until then.
struct Trial {
    delay: f64,
    records: Vec<(f64, f64)>,
}

/// CUSUM on the beta-binomial likelihood.
#[derive(Clone, Copy, Default)]
struct Reference {
    w: f64,
    excursion: f64,
}

impl Reference {
    /// Takes in a block; the maximum of an excursion that ended with it.
    fn step(&mut self, block: &Block, drop: f64, rho: f64) -> Option<f64> {
        self.w += ln_ratio(block, drop, rho);
        if self.w > 0.0 {
            self.excursion = self.excursion.max(self.w);
            return None;
        }
        self.w = 0.0;
        Some(std::mem::take(&mut self.excursion))
    }
}

/// ln of the beta-binomial mass after the drop over that before it.
fn ln_ratio(block: &Block, drop: f64, rho: f64) -> f64 {
    let size = 1.0 / rho - 1.0;
    let (before, after) = (block.rate, (block.rate - drop).max(0.001));
    let product = |a: f64, b: f64, m: u64| {
        (0..m).fold(1.0, |product, i| product * (a + i as f64) / (b + i as f64))
    };
    libm::log(product(size * after, size * before, block.k))
        + libm::log(product(size * (1.0 - after), size * (1.0 - before), block.n - block.k))
}

/// What one baseline showed.
#[derive(Default)]
struct Shown {
    attempts: f64,
    alarms: u32,
    /// Baselines that alarmed at all.
    alarmed: u32,
    excursions: [Vec<f64>; 5],
    trials: [Vec<Trial>; 5],
}

/// Runs one condition.
pub fn run<L: Learner>(
    condition: &Condition,
    seeds: &[u64],
    text: &mut String,
    fresh: impl Fn(&Traffic) -> L + Sync,
) -> Learnt {
    let mut all = Shown::default();
    for shown in on_all_cores(condition.baselines, |baseline| {
        let seed = seeds[baseline as usize % seeds.len()];
        let stream = Stream::named(seed, "detect/learnt").fork(condition.name).fork_index(baseline);
        one_baseline(condition, baseline, stream, &fresh)
    }) {
        all.attempts += shown.attempts;
        all.alarms += shown.alarms;
        all.alarmed += u32::from(shown.alarms > 0);
        for i in 0..POINTS.len() {
            all.excursions[i].extend(&shown.excursions[i]);
        }
        for (all, shown) in all.trials.iter_mut().zip(shown.trials) {
            all.extend(shown);
        }
    }
    let alarms_per_1e6 = f64::from(all.alarms) / all.attempts * 1e6;
    let _ = writeln!(
        text,
        "\n{}: {} baselines, {} false alarms (by {} of them) in {:.1} million attempts, {alarms_per_1e6:.3} per million\n\
         drop   CUSUM h   CUSUM delay      delay   ratio   not found",
        condition.name,
        condition.baselines,
        all.alarms,
        all.alarmed,
        all.attempts / 1e6,
    );
    let ratios = std::array::from_fn(|i| {
        let h = threshold(&mut all.excursions[i], all.alarms);
        let trials = &all.trials[i];
        let n = trials.len() as f64;
        let optimum = trials.iter().map(|trial| first_at(&trial.records, h)).sum::<f64>() / n;
        let delay = trials.iter().map(|trial| trial.delay).sum::<f64>() / n;
        let missed = trials.iter().filter(|trial| trial.delay >= ATTEMPTS_MAX).count();
        let _ = writeln!(
            text,
            "{:4} {h:9.3} {optimum:13.1} {delay:10.1} {:7.3} {missed:7} of {n}",
            POINTS[i],
            delay / optimum,
        );
        delay / optimum
    });
    eprintln!(
        "detect: {}: {alarms_per_1e6:.3} per million (by {} of {}), ratios {ratios:.3?}",
        condition.name, all.alarmed, condition.baselines
    );
    Learnt { alarms_per_1e6, ratios }
}

/// `work` for each number below `count`, in order: the result does not depend on the cores.
fn on_all_cores<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let work = &work;
    let mut results: Vec<(u64, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn(move || {
                    let mine = (core..count).step_by(cores as usize);
                    mine.map(|number| (number, work(number))).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a run panicked")).collect()
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

fn one_baseline<L: Learner>(
    condition: &Condition,
    baseline: u64,
    stream: Stream,
    fresh: impl Fn(&Traffic) -> L,
) -> Shown {
    let blocks = |days: i64| (days * 86_400 / BLOCK_S) as u64;
    let mut traffic = Traffic::new(stream, condition.per_second, condition.wander);
    let mut learner = fresh(&traffic);
    for _ in 0..blocks(condition.days) {
        learner.learn(&traffic.next());
    }
    let mut shown = Shown::default();
    let mut references = [Reference::default(); 5];
    for block in 0..blocks(QUIET_DAYS) {
        // Other times of day for every baseline.
        let spacing = blocks(QUIET_DAYS) / TRIALS;
        if (block + baseline * 997) % spacing == spacing / 2 {
            for (i, points) in POINTS.into_iter().enumerate() {
                let mut branch = traffic.branch(block * 64 + u64::from(points));
                branch.drop = f64::from(points) / 100.0;
                shown.trials[i].push(trial(learner.clone(), references[i], branch));
            }
        }
        let block = traffic.next();
        shown.attempts += block.n as f64;
        shown.alarms += u32::from(learner.judge(&block));
        for ((reference, points), maxima) in
            references.iter_mut().zip(POINTS).zip(&mut shown.excursions)
        {
            let ended = reference.step(&block, f64::from(points) / 100.0, traffic.rho());
            maxima.extend(ended.filter(|maximum| *maximum > EXCURSION_MIN));
        }
    }
    shown
}

/// The threshold at which CUSUM gives as many alarms on this traffic.
///
/// A log likelihood ratio's maxima have the tail e^-h (Wald), so the level that 300 excursions pass fixes all higher ones, and
/// with less noise than the few at the very top would. No alarm counts as 0.7, the median of a rate that shows none.
fn threshold(maxima: &mut [f64], alarms: u32) -> f64 {
    maxima.sort_unstable_by(|a, b| b.total_cmp(a));
    let rank = maxima.len().min(300);
    match rank.checked_sub(1).map(|last| maxima[last]) {
        Some(level) => level + libm::log(rank as f64 / f64::from(alarms).max(0.7)),
        None => EXCURSION_MIN,
    }
}

fn first_at(records: &[(f64, f64)], h: f64) -> f64 {
    let passed = records.iter().find(|(w, _)| *w >= h);
    passed.map_or(ATTEMPTS_MAX, |(_, attempts)| *attempts)
}

fn trial<L: Learner>(mut learner: L, mut reference: Reference, mut traffic: Traffic) -> Trial {
    /// No threshold lies above this.
    const ENOUGH: f64 = 30.0;
    let (mut attempts, mut delay, mut records) = (0.0, None, Vec::new());
    let mut highest = 0.0;
    while attempts < ATTEMPTS_MAX && (delay.is_none() || highest < ENOUGH) {
        let block = traffic.next();
        attempts += block.n as f64;
        if delay.is_none() && learner.judge(&block) {
            delay = Some(attempts);
        }
        reference.step(&block, traffic.drop, traffic.rho());
        if reference.w > highest {
            highest = reference.w;
            records.push((highest, attempts));
        }
    }
    Trial { delay: delay.unwrap_or(ATTEMPTS_MAX), records }
}
