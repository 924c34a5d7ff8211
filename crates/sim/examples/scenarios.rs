//! What each scenario of the library is, and what one who knows could gain: `cargo run --release -p sim --example scenarios [SEED...]`.

use sim::{Clairvoyant, DIMENSIONS, Scenario, Stage, library, play_clairvoyant, play_untouched};

fn main() {
    let mut seeds: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    if seeds.is_empty() {
        seeds.push(1);
    }
    println!(
        "{:26} {:>4} {:>9} {:>7} {:>6} {:>6} {:>6} {:>8} {:>8} {:>6}  slice",
        "scenario", "seed", "attempts", "slice/s", "share", "from", "to", "unpaid", "gain", "moved"
    );
    for (name, text) in library() {
        for seed in &seeds {
            match Scenario::parse(text).map_err(|p| p[0].in_file(name)) {
                Ok(scenario) => match scenario.stage(*seed) {
                    Ok(stage) => line(name, *seed, &stage),
                    Err(problem) => println!("{}", problem.in_file(name)),
                },
                Err(problem) => println!("{problem}"),
            }
        }
    }
}

fn line(name: &str, seed: u64, stage: &Stage) {
    let first = &stage.truth[0];
    let hits: Vec<bool> = (0..stage.world.leaf_count())
        .map(|leaf| {
            let values = stage.world.leaf_values(leaf);
            first.slice.iter().all(|(name, value)| {
                let at = DIMENSIONS.iter().position(|d| d == name);
                at.is_some_and(|at| values[at] == Some(value.as_str()))
            })
        })
        .collect();
    let (mut count, mut p_null, mut p_true, mut unpaid) = (0.0, 0.0, 0.0, 0.0);
    let nobody = play_untouched(&stage.world, &stage.setup, &mut |a| {
        unpaid += a.p_null - a.p_natural;
        if hits[a.natural] && a.at >= first.from && a.at < first.to {
            count += 1.0;
            p_null += a.p_null;
            p_true += a.p_natural;
        }
    });
    let mut clairvoyant = Clairvoyant::default();
    let played = play_clairvoyant(&stage.world, &stage.setup, &mut clairvoyant, &mut |_| {});
    let seconds = (first.to.as_millis() - first.from.as_millis()) as f64 / 1_000.0;
    let slice: Vec<String> = first.slice.iter().map(|(d, v)| format!("{d}={v}")).collect();
    println!(
        "{name:26} {seed:4} {:9} {:7.2} {:6.3} {:6.3} {:6.3} {unpaid:8.0} {:8.1} {:6.3}  {}{}",
        nobody.attempts,
        count / seconds,
        first.attempts_per_s / stage.world.attempts_per_s_at(first.from),
        p_null / count,
        p_true / count,
        played.paid_expected - nobody.paid_expected,
        clairvoyant.gain().share_max,
        slice.join(" "),
        if stage.is_decoy { " (decoy)" } else { "" },
    );
}
