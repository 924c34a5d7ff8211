//! Routing against the bandits that people use today, in four simulators.
//!
//! Each seed is a world ([`worlds`]): every contestant gets the same payments, the same luck at each gateway and the same delays, so that
//! differences are paired. **Regret** is the expected share of the amount, net of fees, that the best gateway would have brought more, averaged over payments, in
//! points; **revenue** the same averaged over money. Simulators with fees tell them to everybody: rivals that keep rates choose by rate times what is left, Vowpal
//! Wabbit learns from what is left and sees the fee.
//!
//! With `--keep FILE` what a rival scored in a world stays valid while its sources and that world do, whatever becomes of ours; who is made of the product, the
//! decision tree too, always plays anew.
//!
//! Tuning ([`contestants`]) is on seeds 1000 and up, the comparison on 0 to 39. An interval is the mean of the paired differences with 1.96 standard errors (2.02 at 40 seeds).

mod contestants;
mod ours;
mod play;
mod rivals;
mod vw;
mod world;
mod worlds;

use std::sync::Mutex;

use contestants::{Contestant, Policy};
use play::Score;
use worlds::{NAMES, Simulators};

use crate::kept::{Kept, digest};
use crate::report::{Options, Report};

/// What a rival may be better by, at the upper end of the interval, in points.
const UPPER_MAX: f64 = 0.3;
/// Standard errors of a 95 % interval over 40 pairs.
const ERRORS: f64 = 2.02;
const TUNING_SEEDS: std::ops::Range<u64> = 1_000..1_004;

/// By contestant, simulator and seed.
type Scores = Vec<Vec<Vec<Score>>>;

/// What rivals' scores depend on beside their settings and the world.
const SOURCES: [&str; 7] = [
    include_str!("play.rs"),
    include_str!("rivals/counted.rs"),
    include_str!("rivals/linear.rs"),
    include_str!("rivals/mod.rs"),
    include_str!("rivals/window.rs"),
    include_str!("vw.py"),
    include_str!("vw.rs"),
];

fn kept(options: &Options) -> anyhow::Result<Kept> {
    Kept::open_for("bandit", options.keep.as_deref(), || Ok(digest(SOURCES)))
}

/// Plays everybody through every simulator and seed, on as many threads as the machine has.
fn scores(
    policies: &[&Policy],
    simulators: &Simulators,
    seeds: &[u64],
    kept: &Kept,
) -> anyhow::Result<Scores> {
    let work: Vec<(usize, usize)> =
        (0..seeds.len()).flat_map(|at| (0..NAMES.len()).map(move |sim| (sim, at))).collect();
    let none = vec![vec![vec![Score::default(); seeds.len()]; NAMES.len()]; policies.len()];
    let (next, done) = (Mutex::new(work.into_iter()), Mutex::new(none));
    let failed = Mutex::new(None);
    let worker = || {
        while let Some((simulator, at)) = next.lock().ok().and_then(|mut next| next.next()) {
            let world = simulators.world(simulator, seeds[at]);
            let name = format!("{} {}", seeds[at], world.digest());
            for (number, policy) in policies.iter().enumerate() {
                let compute = || policy.score(&world, seeds[at]);
                let score = match policy {
                    // Both are made of the product.
                    Policy::Ours(..) | Policy::DecisionTree(..) => compute(),
                    rival => kept.part(&format!("{} {name} {rival:?}", NAMES[simulator]), compute),
                };
                match score {
                    Ok(score) => {
                        if let Ok(mut done) = done.lock() {
                            done[number][simulator][at] = score;
                        }
                    }
                    Err(error) => {
                        if let Ok(mut failed) = failed.lock() {
                            failed.get_or_insert(error);
                        }
                        return;
                    }
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    match failed.into_inner().unwrap_or_default() {
        Some(error) => Err(error),
        None => Ok(done.into_inner().unwrap_or_default()),
    }
}

fn mean(scores: &[Score], of: impl Fn(&Score) -> f64) -> f64 {
    scores.iter().map(of).sum::<f64>() / scores.len() as f64
}

/// Mean over the simulators.
fn overall(of_simulators: &[Vec<Score>], of: impl Fn(&Score) -> f64 + Copy) -> f64 {
    of_simulators.iter().map(|scores| mean(scores, of)).sum::<f64>() / of_simulators.len() as f64
}

/// Upper end of the 95 % interval of what ours loses against a rival, paired.
fn upper(ours: &[Score], rival: &[Score], of: impl Fn(&Score) -> f64) -> f64 {
    let differences: Vec<f64> = ours.iter().zip(rival).map(|(a, b)| of(a) - of(b)).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|d| (d - mean) * (d - mean)).sum();
    mean + ERRORS * (squares / (n - 1.0).max(1.0) / n).sqrt()
}

/// Who is measured against the others.
const OURS: &str = "pointsman";

/// Those whose name holds what was asked for.
fn asked(options: &Options, ours_too: bool) -> Vec<Contestant> {
    let mut all = contestants::all();
    let only = options.only.as_deref().unwrap_or("");
    all.retain(|asked| ours_too && asked.name == OURS || asked.name.contains(only));
    all
}

/// What of a score is compared.
type Measure = fn(&Score) -> f64;

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let simulators = Simulators::new(&options.data_or("payments_72h.csv"))?;
    let seeds: Vec<u64> = options.seeds_or(0..40).collect();
    let contestants = asked(options, true);
    let policies: Vec<&Policy> = contestants.iter().map(|c| &c.settings[c.best]).collect();
    let scores = scores(&policies, &simulators, &seeds, &kept(options)?)?;
    let measures: [(&str, Measure); 2] =
        [("regret", |score| score.regret), ("revenue", |score| score.revenue)];
    let mut text =
        format!("{} seeds; points lost, mean (upper end of ours less theirs)\n", seeds.len());
    let mut means = Vec::new();
    let mut worst = [f64::NEG_INFINITY; 2];
    for (at, (measure, of)) in measures.into_iter().enumerate() {
        text += &format!("{measure:22}{:>8}", "mean");
        NAMES.iter().for_each(|name| text += &format!("{name:>18}"));
        text.push('\n');
        for (contestant, own) in contestants.iter().zip(&scores) {
            means.push((at, contestant.name, overall(own, of)));
            text += &format!("{:22}{:8.2}", contestant.name, overall(own, of));
            for (simulator, own) in own.iter().enumerate() {
                let upper = upper(&scores[0][simulator], own, of);
                let is_rival = contestant.name != OURS;
                if is_rival {
                    worst[at] = worst[at].max(upper);
                }
                let told = if is_rival { format!("({upper:+.2})") } else { String::new() };
                text += &format!("{:8.2} {told:>9}", mean(own, of));
            }
            text.push('\n');
        }
    }
    let of = |measure: usize, is_ours: bool| {
        let of = means.iter().filter(|(at, name, _)| *at == measure && (*name == OURS) == is_ours);
        of.map(|(_, _, mean)| *mean).fold(f64::INFINITY, f64::min)
    };
    let pass =
        (0..2).all(|measure| of(measure, true) < of(measure, false) && worst[measure] <= UPPER_MAX);
    Ok(Report {
        text,
        figures: [
            ("regret_mean", of(0, true)),
            ("best_rival_mean", of(0, false)),
            ("worst_upper_bound", worst[0]),
            ("revenue_mean", of(1, true)),
            ("best_rival_revenue", of(1, false)),
            ("worst_upper_revenue", worst[1]),
        ]
        .into(),
        pass,
    })
}

/// Every setting of everybody on the tuning seeds; passes if those used are the best.
pub fn tune(options: &Options) -> anyhow::Result<Report> {
    let simulators = Simulators::new(&options.data_or("payments_72h.csv"))?;
    let seeds: Vec<u64> = options.seeds_or(TUNING_SEEDS).collect();
    let mut text = String::new();
    let kept = kept(options)?;
    let mut wrong = 0.0;
    for contestant in asked(options, false) {
        let policies: Vec<&Policy> = contestant.settings.iter().collect();
        let scores = scores(&policies, &simulators, &seeds, &kept)?;
        let regrets: Vec<f64> = scores.iter().map(|own| overall(own, |s| s.regret)).collect();
        let best = (0..regrets.len()).min_by(|a, b| regrets[*a].total_cmp(&regrets[*b]));
        wrong += f64::from(u8::from(best != Some(contestant.best)));
        for (number, (policy, regret)) in policies.iter().zip(&regrets).enumerate() {
            let mark = match (number == contestant.best, Some(number) == best) {
                (true, true) => "used, best",
                (true, false) => "used",
                (false, true) => "best",
                _ => "",
            };
            let of: Vec<String> = scores[number]
                .iter()
                .map(|of| format!("{:6.2}", mean(of, |score| score.regret)))
                .collect();
            text += &format!(
                "{:20} {regret:6.2} | {} {mark} {policy:?}\n",
                contestant.name,
                of.join(" ")
            );
        }
    }
    Ok(Report { text, figures: [("not_the_best", wrong)].into(), pass: wrong == 0.0 })
}
