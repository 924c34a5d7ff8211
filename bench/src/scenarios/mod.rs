//! The whole loop in scenarios that it was not built on: what it recovers, what it harms, and whether it knows how sure it may be.
//!
//! Every scenario is played four times over the same random numbers: untouched, by the pilot (mode auto, nobody approving), by a
//! clairvoyant that obeys the same eligibility, capacity and shift cap but needs no detection, ramp or control, and by rules as people write
//! them by hand. *Recovered* is the gain in payments, by true chances, over the clairvoyant's, as a ratio of sums; where that gains nothing
//! a scenario is left out of it. The quiet history is learnt once per network and seed and shared by all scenarios on it.

mod calibration;
mod hand;
mod judge;
mod plans;
mod run;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, bail};
use sim::Scenario;

use crate::kept::Kept;
use crate::report::{Options, Report};
use run::Run;

/// Seeds that every scenario is played with, and how many times as many decoys are: what must never happen needs more looks.
const SEEDS: std::ops::Range<u64> = 0..20;
const DECOY_TIMES: u64 = 5;

/// Plays all.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let scenarios = match &options.dir {
        Some(dir) => read(dir)?,
        None => sim::library()
            .iter()
            .map(|(name, text)| Ok(((*name).to_owned(), parse(name, text)?)))
            .collect::<anyhow::Result<_>>()?,
    };
    let mut grounds: BTreeMap<String, Vec<(String, Scenario)>> = BTreeMap::new();
    for (name, scenario) in scenarios {
        if options.only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            grounds.entry(scenario.ground()).or_default().push((name, scenario));
        }
    }
    let seeds = options.seeds_or(SEEDS);
    let extra = seeds.end..seeds.end + (DECOY_TIMES - 1) * (seeds.end - seeds.start);
    let mut jobs: Vec<run::Job<'_>> = Vec::new();
    for seed in seeds.clone() {
        jobs.extend(grounds.values().map(|group| (seed, group.as_slice(), false)));
    }
    for seed in extra {
        jobs.extend(grounds.values().map(|group| (seed, group.as_slice(), true)));
    }
    let library = match &options.dir {
        Some(dir) => format!("scenarios of {}", dir.display()),
        None => "scenarios".to_owned(),
    };
    let kept = Kept::open(&library, options.keep.as_deref())?;
    let (mut runs, mut left_out) = (Vec::new(), Vec::new());
    for group in run::all(&jobs, &kept)? {
        runs.extend(group.runs);
        left_out.extend(group.left_out);
    }
    if runs.is_empty() && left_out.is_empty() {
        bail!("no scenario to play; `--dir` names a folder of *.scenario files");
    }
    let played: BTreeSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let names = grounds.values().flatten().map(|(name, _)| name.as_str());
    let never: Vec<&str> = names.filter(|name| !played.contains(name)).collect();
    if !never.is_empty() {
        bail!("no seed can stage {}:\n{}", never.join(", "), left_out.join("\n"));
    }
    if let Some(path) = &options.plans {
        plans::append(path, &runs)?;
    }
    let mut report = report(&runs, seeds.end - seeds.start);
    for why in left_out {
        let _ = write!(report.text, "\nnot played: {why}");
    }
    Ok(report)
}

/// The knots of a map that would calibrate the plans of a file, which were said through the map in place: fitted on seeds that nothing is judged on.
pub fn calibrate(options: &Options) -> anyhow::Result<Report> {
    let path = options.plans.as_deref().context("`--plans FILE` says which plans")?;
    let cases: Vec<(f64, bool)> = plans::read(path)?
        .into_iter()
        .map(|(said, helped)| (pilot::calibration::raw(said), helped))
        .collect();
    let knots = pilot::calibration::fit(&cases, 400, 1);
    let text = format!("{} plans\n{knots:.2?}\n", cases.len());
    Ok(Report { text, figures: [("plans", cases.len() as f64)].into(), pass: true })
}

fn parse(name: &str, text: &str) -> anyhow::Result<Scenario> {
    Scenario::parse(text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| problem.in_file(name)).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}

fn read(dir: &Path) -> anyhow::Result<Vec<(String, Scenario)>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?;
    let mut paths: Vec<_> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            Ok((stem.unwrap_or_else(|| name.clone()), parse(&name, &text)?))
        })
        .collect()
}

/// Sums over runs: gain of the pilot, of the rules by hand, of the clairvoyant.
#[derive(Clone, Copy, Default)]
struct Sums {
    pilot: f64,
    hand: f64,
    best: f64,
}

impl Sums {
    fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut sums = Self::default();
        for run in runs.into_iter().filter(|run| run.counts()) {
            sums.pilot += run.pilot;
            sums.hand += run.hand;
            sums.best += run.best;
        }
        sums
    }

    fn recovered(&self) -> f64 {
        if self.best > 0.0 { self.pilot / self.best } else { f64::NAN }
    }

    fn by_hand(&self) -> f64 {
        if self.best > 0.0 { self.hand / self.best } else { f64::NAN }
    }
}

fn share(hits: usize, of: usize) -> f64 {
    if of == 0 { f64::NAN } else { hits as f64 / of as f64 }
}

fn report(runs: &[Run], seeds: u64) -> Report {
    let grid: Vec<&Run> = runs.iter().filter(|run| run.name.starts_with("grid_")).collect();
    let cells: BTreeSet<&str> = grid.iter().map(|run| run.name.as_str()).collect();
    let worst = cells
        .iter()
        .map(|cell| Sums::of(grid.iter().copied().filter(|run| run.name == **cell)).recovered())
        .fold(f64::NAN, f64::min);
    let all = Sums::of(runs);
    let real = || runs.iter().filter(|run| !run.is_decoy);
    let interventions: usize = runs.iter().map(|run| run.effects.len()).sum();
    let effects = || runs.iter().flat_map(|run| &run.effects);
    let harmful = effects().filter(|effect| effect.is_harmful()).count();
    let negative = effects().filter(|effect| effect.is_negative()).count();
    let decoys: Vec<&Run> = runs.iter().filter(|run| run.is_decoy).collect();
    let decoy_moves = decoys.iter().filter(|run| run.acted > 0).count();
    let named = || real().flat_map(|run| &run.named);
    let culprits = named().count();
    let cause_exact = share(named().filter(|named| named.slice).count(), culprits);
    let class_exact = share(named().filter(|named| named.cause).count(), culprits);
    let plans = calibration::Plans::of(runs);
    let figures: BTreeMap<&'static str, f64> = [
        ("recovered_grid", Sums::of(grid.iter().copied()).recovered()),
        ("recovered_worst_cell", worst),
        ("recovered_library", all.recovered()),
        ("recovered_hand", all.by_hand()),
        ("harmful", harmful as f64),
        ("negative_share", share(negative, interventions)),
        ("decoy_moves", decoy_moves as f64),
        ("cause_exact", cause_exact),
        ("class_exact", class_exact),
        ("ece", plans.ece()),
        ("brier_skill", plans.brier_skill()),
    ]
    .into();
    let at_least = |name: &str, bar: f64| figures[name].is_nan() || figures[name] >= bar;
    let at_most = |name: &str, bar: f64| figures[name].is_nan() || figures[name] <= bar;
    let pass = at_least("recovered_grid", 0.80)
        && at_least("recovered_worst_cell", 0.70)
        && at_least("recovered_library", 0.65)
        && at_most("harmful", 0.0)
        && at_most("negative_share", 0.05)
        && at_most("decoy_moves", 0.0)
        && at_least("cause_exact", 0.9)
        && at_least("class_exact", 0.9)
        && at_most("ece", 0.05)
        && at_least("brier_skill", 0.0);
    let text = table::text(runs, seeds, &figures, &plans);
    Report { text, figures, pass }
}
