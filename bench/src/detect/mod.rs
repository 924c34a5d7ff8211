//! `bench detect`: how soon, against the optimum, and how often for nothing.
//!
//! `known`: both rates known, one payment per tick, the detector at zero when the change comes. `learnt`: the
//! expectation learnt from a week of seasonal, bursty history. The bars are those of `docs/measurements.md`.

mod cusum;
mod known;
mod learnt;
mod told;
mod traffic;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::report::{Options, Report};

/// Nominal average run length, and so the threshold on R.
const ARL: f64 = 1e6;

/// Runs both halves.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seeds: Vec<u64> = options.seeds_or(0..1).collect();
    let mut text = String::new();
    let known = known::run(&seeds, &mut text);
    let condition = learnt::Condition { name: "told", per_second: 1.0, days: 0, wander: None };
    learnt::run(&condition, &seeds, &mut text, told::Told::of);
    let figures = BTreeMap::from([
        ("known_ratio_max", known.ratio_max),
        ("arl_ratio_min", known.arl_ratio_min),
    ]);
    let pass = known.ratio_max <= 1.25 && known.excess_max <= 2.0 && known.arl_ratio_min >= 1.0;
    writeln!(
        text,
        "beyond 60 points at most {:.2} payments more than CUSUM (bar 2)",
        known.excess_max
    )?;
    Ok(Report { text, figures, pass })
}
