//! Off-policy estimates where the truth is known, and on the Open Bandit logs.
//!
//! **Worlds.** 3 to 8 contexts and 3 to 6 actions; rewards of 0 or 1 whose chances are drawn per context and action, in half of the worlds rare, in a third drifting
//! (the truth is then the running mean of the target's value). The logging policy is drawn with propensities of 0.01 and more; in half of the worlds it
//! adapts as it goes, as a bandit does. Targets: the best action of each context, uniform, the log's own shares pushed towards the better actions, one action for all.
//!
//! **Figures.** `ever_miss`: the fraction of logs whose 95 % interval leaves the truth out at *any* of its decisions, of the worst estimator; every decision is checked.
//! `width_ratio`: the mean width at 100,000 decisions over that of the fixed-n normal interval, of the worst of IPS, SNIPS and doubly robust (Switch-DR, which drops
//! weights, is printed). `dr_error_ratio`: root mean squared error of the doubly robust estimate over the lesser of IPS' and SNIPS', each error relative to the world's standard error.
//!
//! **Open Bandit** (Saito et al. 2020): the log of Bernoulli Thompson sampling, evaluated for the uniform policy, beside the mean of the log in which the
//! uniform policy ran. Clicks are rare and the 10,000 rows given are few, so the intervals are wide.

mod open_bandit;
mod world;

use std::fmt::Write;

use stats::off_policy::{Contrast, Estimator, OffPolicy};
use stats::stream::Stream;

use crate::report::{Options, Report};
use world::World;

const DECISIONS: usize = 100_000;
const ALPHA: f64 = 0.05;
/// Weights beyond it aren't corrected by Switch-DR.
const SWITCH: f64 = 20.0;
const WIDTH_MAX: f64 = 3.0;

/// What one log came to.
struct Outcome {
    /// By estimator, then the contrast.
    missed: [bool; 5],
    ratio: [f64; 5],
    /// Error over the fixed-n standard error of IPS.
    error: [f64; 4],
}

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seeds = options.seeds_or(0..1_000);
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|worker| {
                let own = seeds.clone().filter(move |seed| seed % workers == worker);
                scope.spawn(move || own.map(of_seed).collect::<Vec<_>>())
            })
            .collect();
        running.into_iter().flat_map(|worker| worker.join().expect("a worker ends")).collect()
    });
    let logs = outcomes.len() as f64;
    let mean = |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(of).sum::<f64>() / logs;
    let missed: [f64; 5] = std::array::from_fn(|e| mean(&|o| f64::from(u8::from(o.missed[e]))));
    let ratio: [f64; 5] = std::array::from_fn(|e| mean(&|o| o.ratio[e]));
    let error: [f64; 4] = std::array::from_fn(|e| libm::sqrt(mean(&|o| o.error[e] * o.error[e])));

    let mut text = format!(
        "{logs} logs of {DECISIONS} decisions, level {:.0} %, Switch-DR at {SWITCH}\n\
         {:<14} {:>9} {:>12} {:>10}\n",
        100.0 * (1.0 - ALPHA),
        "",
        "ever miss",
        "width ratio",
        "error"
    );
    for (e, estimator) in Estimator::ALL.iter().enumerate() {
        writeln!(
            text,
            "{:<14} {:>9.4} {:>12.2} {:>10.3}",
            estimator.as_str(),
            missed[e],
            ratio[e],
            error[e]
        )?;
    }
    writeln!(text, "{:<14} {:>9.4} {:>12.2}", "contrast", missed[4], ratio[4])?;
    match open_bandit::table(options) {
        Ok(table) => text.push_str(&table),
        Err(missing) => writeln!(text, "SKIP open bandit: {missing:#}")?,
    }

    let ever_miss = missed.into_iter().fold(0.0, f64::max);
    let width_ratio = [ratio[0], ratio[1], ratio[2]].into_iter().fold(0.0, f64::max);
    let dr_error_ratio = error[2] / error[0].min(error[1]);
    // Three standard errors of a fraction of 5 %.
    let miss_max = ALPHA + 3.0 * libm::sqrt(ALPHA * (1.0 - ALPHA) / logs);
    let pass = ever_miss <= miss_max && width_ratio <= WIDTH_MAX && dr_error_ratio <= 1.0;
    let figures = [
        ("ever_miss", ever_miss),
        ("width_ratio", width_ratio),
        ("dr_error_ratio", dr_error_ratio),
        ("switch_width_ratio", ratio[3]),
        ("contrast_width_ratio", ratio[4]),
        ("logs", logs),
    ];
    Ok(Report { text, figures: figures.into_iter().collect(), pass })
}

fn of_seed(seed: u64) -> Outcome {
    let mut stream = Stream::named(seed, "bench ope");
    let mut world = World::draw(&mut stream);
    let (mut sums, mut contrast) = (OffPolicy::new(SWITCH), Contrast::default());
    let (mut truth, mut difference, mut n) = (0.0, 0.0, 0.0);
    let mut missed = [false; 5];
    for _ in 0..DECISIONS {
        let step = world.step(&mut stream);
        sums.push(&step.target);
        contrast.push(&step.target, &step.other, false);
        n += 1.0;
        truth += step.value;
        difference += step.value - step.other_value;
        for (missed, estimator) in missed.iter_mut().zip(Estimator::ALL) {
            *missed = *missed || sums.misses(estimator, truth / n, ALPHA);
        }
        missed[4] = missed[4] || contrast.misses(difference / n, ALPHA);
    }
    let estimates = Estimator::ALL.map(|estimator| sums.estimate(estimator, ALPHA));
    let width = |(low, high): (f64, f64)| high - low;
    let one = width(estimates[0].fixed_n) / 3.92;
    let compared = contrast.estimate(ALPHA);
    let ratio = |e: &stats::off_policy::Estimate| width(e.interval) / width(e.fixed_n);
    Outcome {
        missed,
        ratio: std::array::from_fn(|e| ratio(estimates.get(e).unwrap_or(&compared))),
        error: estimates.map(|estimate| (estimate.value - truth / n) / one),
    }
}
