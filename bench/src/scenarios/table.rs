//! The tables for a reader.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Sums;
use super::calibration::Plans;
use super::run::Run;

/// Figures, a line per scenario, the calibration curve, and what needs a look.
pub fn text(
    runs: &[Run],
    seeds: u64,
    figures: &BTreeMap<&'static str, f64>,
    plans: &Plans,
) -> String {
    let mut text = String::new();
    let names: BTreeSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let _ = writeln!(
        text,
        "{} scenarios, {seeds} seeds (decoys five times as many), {} runs",
        names.len(),
        runs.len()
    );
    for (name, value) in figures {
        let _ = writeln!(text, "  {name:<22}{value:>9.3}");
    }
    let _ = writeln!(
        text,
        "\n{:<28}{:>5}{:>10}{:>9}{:>9}{:>7}{:>7}{:>9}{:>9}",
        "scenario", "runs", "clairv.", "recov.", "by hand", "slice", "cause", "actions", "negative"
    );
    for name in &names {
        let own: Vec<&Run> = runs.iter().filter(|run| run.name == *name).collect();
        let sums = Sums::of(own.iter().copied());
        let named: Vec<_> = own.iter().flat_map(|run| &run.named).collect();
        let part = |hits: usize| {
            if named.is_empty() {
                "-".into()
            } else {
                format!("{:.2}", hits as f64 / named.len() as f64)
            }
        };
        let ratio = |value: f64| if value.is_nan() { "-".into() } else { format!("{value:.3}") };
        let effects = || own.iter().flat_map(|run| &run.effects);
        let _ = writeln!(
            text,
            "{name:<28}{:>5}{:>10.1}{:>9}{:>9}{:>7}{:>7}{:>9}{:>9}",
            own.len(),
            sums.best / own.len() as f64,
            ratio(sums.recovered()),
            ratio(sums.by_hand()),
            part(named.iter().filter(|named| named.slice).count()),
            part(named.iter().filter(|named| named.cause).count()),
            own.iter().map(|run| run.acted).sum::<usize>(),
            effects().filter(|effect| effect.is_negative()).count(),
        );
    }
    let (low, high) = plans.ece_interval();
    let _ = writeln!(
        text,
        "\n{} plans, {:.0} % of them said below 0.9; calibration error {:.3} (95 % {low:.3} to {high:.3})",
        plans.len(),
        plans.below() * 100.0,
        plans.ece()
    );
    let _ = writeln!(text, "  plans    said  helped");
    for (n, said, helped) in plans.bins().into_iter().filter(|(n, ..)| *n > 0) {
        let _ = writeln!(text, "{n:>7}{said:>8.3}{helped:>8.3}");
    }
    for plan in plans.wrong() {
        let _ = writeln!(text, "sure ({:.3}) and wrong: {}", plan.confidence, plan.text);
    }
    let _ = writeln!(text, "knots that would calibrate them: {:.2?}", plans.fit());
    for run in runs.iter().filter(|run| needs_a_look(run)) {
        let _ = writeln!(
            text,
            "\n{} seed {}: pilot {:+.1}, clairvoyant {:+.1}",
            run.name, run.seed, run.pilot, run.best
        );
        for line in run.log.iter().take(40) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn needs_a_look(run: &Run) -> bool {
    (run.is_decoy && run.acted > 0)
        || run.effects.iter().any(|effect| effect.is_negative())
        || (run.counts() && run.pilot < 0.4 * run.best)
}
