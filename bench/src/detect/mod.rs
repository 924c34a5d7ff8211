//! `bench detect`: how soon, against the optimum, and how often for nothing.
//!
//! `known`: both rates known, one payment per tick, the detector at zero when the change comes. `learnt`: the
//! expectation learnt from a week of seasonal, bursty history. The bars are those of `docs/measurements.md`.

mod cusum;
mod known;
mod learnt;
mod told;
mod traffic;
mod whole_analyst;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::report::{Options, Report};
use learnt::Condition;
use told::Told;
use traffic::{BLOCK_S, DISPERSION, Wander};
use whole_analyst::WholeAnalyst;

/// Nominal average run length, and so the threshold on R.
const ARL: f64 = 1e6;

/// The wander of the last condition: 0.7 points over ten minutes.
const WANDER: Wander = Wander { sd: 0.007, seconds: 600.0 };

/// Whether a condition's delays count for the bar, or only its alarms.
const CONDITIONS: [(Condition, bool); 4] = [
    (
        Condition { name: "a week at 1/s", per_second: 1.0, days: 7, wander: None, baselines: 200 },
        true,
    ),
    (
        Condition { name: "a week at 5/s", per_second: 5.0, days: 7, wander: None, baselines: 40 },
        true,
    ),
    (
        Condition { name: "one day at 1/s", per_second: 1.0, days: 1, wander: None, baselines: 40 },
        false,
    ),
    (
        Condition {
            name: "wander, at 1/s",
            per_second: 1.0,
            days: 7,
            wander: Some(WANDER),
            baselines: 40,
        },
        false,
    ),
];

/// Runs both halves.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seeds: Vec<u64> = options.seeds_or(0..1).collect();
    let mut text = String::new();
    let known = known::run(&seeds, &mut text);
    writeln!(
        text,
        "beyond 60 points at most {:.2} payments more than CUSUM (bar 2)",
        known.excess_max
    )?;

    writeln!(
        text,
        "\nLearnt: bursts of {BLOCK_S} s, variance x {DISPERSION}; the reference is told all\n\
         for comparison, the bare detector told season and dispersion, threshold {ARL:e}"
    )?;
    let told = Condition { name: "told, at 1/s", days: 0, ..CONDITIONS[0].0 };
    learnt::run(&told, &seeds, &mut text, Told::of);
    let (mut ratio_max, mut alarms_max) = (0.0_f64, 0.0_f64);
    for (condition, delays_count) in CONDITIONS {
        let fresh = |_: &_| WholeAnalyst::new(condition.per_second);
        let shown = learnt::run(&condition, &seeds, &mut text, fresh);
        alarms_max = alarms_max.max(shown.alarms_per_1e6);
        if delays_count {
            ratio_max = shown.ratios[1..].iter().fold(ratio_max, |max, ratio| max.max(*ratio));
        }
    }
    let pass = known.ratio_max <= 1.25
        && known.excess_max <= 2.0
        && known.arl_ratio_min >= 1.0
        && ratio_max <= 1.5
        && alarms_max <= 1.0;
    let figures = BTreeMap::from([
        ("known_ratio_max", known.ratio_max),
        ("arl_ratio_min", known.arl_ratio_min),
        ("learnt_ratio_max", ratio_max),
        ("learnt_alarms_per_1e6", alarms_max),
    ]);
    Ok(Report { text, figures, pass })
}
