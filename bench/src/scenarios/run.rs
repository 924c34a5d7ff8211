//! One scenario with one seed, played by everyone.

use std::sync::Mutex;

use engine::{Engine, Input};
use pilot::Action;
use serde::{Deserialize, Serialize};
use server::piloted::{self, Piloted, gateways};
use sim::{Clairvoyant, Scenario, Stage, play, play_clairvoyant, play_untouched};

use super::hand::ByHand;
use super::judge::{self, Effect, Effects, Named};
use crate::kept::Kept;

/// Traffic that the rules by hand have seen before.
const HAND_WARM_MS: i64 = 3_600_000;
/// A clairvoyant that gains less than this gains nothing.
const GAIN_MIN: f64 = 1.0;

/// A plan that was said, and whether it would have helped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// In words.
    pub text: String,
    /// Its confidence.
    pub confidence: f64,
    /// Whether its true expected gain was above 0.
    pub helps: bool,
}

/// What came of a scenario with a seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Which.
    pub name: String,
    /// Which.
    pub seed: u64,
    /// Whether no traffic might move.
    pub is_decoy: bool,
    /// Payments gained over the untouched run: by the pilot,
    pub pilot: f64,
    /// by hand,
    pub hand: f64,
    /// and by the one who knows.
    pub best: f64,
    /// Per intervention that moved or limited anything.
    pub effects: Vec<Effect>,
    /// Interventions that came into force.
    pub acted: usize,
    /// Per culprit.
    pub named: Vec<Named>,
    /// Plans.
    pub plans: Vec<Plan>,
    /// What happened, for a reader.
    pub log: Vec<String>,
}

impl Run {
    /// Whether there was anything to recover.
    pub fn counts(&self) -> bool {
        self.best >= GAIN_MIN
    }
}

/// What came of a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Group {
    /// Those that were played.
    pub runs: Vec<Run>,
    /// Those that the network of this seed can't stage, and why.
    pub left_out: Vec<String>,
}

/// A seed, the scenarios on one network, and whether only the decoys among them are asked for.
pub type Job<'a> = (u64, &'a [(String, Scenario)], bool);

/// All jobs, on all cores, in order.
pub fn all(jobs: &[Job<'_>], kept: &Kept) -> anyhow::Result<Vec<Group>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, results) = (Mutex::new(0..jobs.len()), Mutex::new(Vec::new()));
    let take = || next.lock().ok().and_then(|mut numbers| numbers.next());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(number) = take() {
                    let result = kept.part(&key(&jobs[number]), || group(&jobs[number]));
                    if result.is_err()
                        && let Ok(mut numbers) = next.lock()
                    {
                        // What can't be kept is said at once.
                        *numbers = 0..0;
                    }
                    eprint!("\rscenarios: {} of {} networks played", number + 1, jobs.len());
                    if let Ok(mut results) = results.lock() {
                        results.push((number, result));
                    }
                }
            });
        }
    });
    eprintln!();
    let mut results = results.into_inner().map_err(|_| anyhow::anyhow!("a run panicked"))?;
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A job by name: what a kept part is found by.
fn key((seed, scenarios, decoys_only): &Job<'_>) -> String {
    let names: Vec<&str> = scenarios.iter().map(|(name, _)| name.as_str()).collect();
    format!("seed {seed}{}: {}", if *decoys_only { ", decoys" } else { "" }, names.join(" "))
}

fn group((seed, scenarios, decoys_only): &Job<'_>) -> anyhow::Result<Group> {
    let mut learnt: Option<Engine> = None;
    let mut group = Group::default();
    for (name, scenario) in scenarios.iter() {
        if *decoys_only && !scenario.is_decoy() {
            continue;
        }
        let stage = match scenario.stage(*seed) {
            Ok(stage) => stage,
            Err(problem) => {
                group.left_out.push(format!("{} (seed {seed})", problem.in_file(name)));
                continue;
            }
        };
        let engine = learnt.get_or_insert_with(|| piloted::learnt(&stage, *seed));
        group.runs.push(one(name, *seed, &stage, engine.clone()));
    }
    Ok(group)
}

fn one(name: &str, seed: u64, stage: &Stage, mut engine: Engine) -> Run {
    let (world, setup) = (&stage.world, &stage.setup);
    let mut effects = Effects::default();
    let is_limited = !setup.capacities.is_empty();
    let untouched = play_untouched(world, setup, &mut |attempted| {
        if is_limited {
            let key = (attempted.payment_id.to_owned(), attempted.attempt_number);
            effects.untouched.insert(key, attempted.p_chosen);
        }
    })
    .paid_expected;
    let best = play_clairvoyant(world, setup, &mut Clairvoyant::default(), &mut |_| {});
    let warm = stage.from.plus_millis(-HAND_WARM_MS);
    let mut rules = ByHand::warm(world.attempts(warm, stage.from).map(|sample| sample.attempt));
    let hand = play(world, setup, &mut rules, &mut |_| {});
    engine.handle(&Input::Gateways(gateways(stage)));
    let mut piloted = Piloted::new(engine, stage.from);
    let played = play(world, setup, &mut piloted, &mut |attempted| effects.see(attempted));
    let traffic =
        |action| matches!(action, Action::Reroute | Action::SuppressPath | Action::AdjustRetry);
    let acted = piloted
        .interventions
        .values()
        .filter(|intervention| intervention.started_at.is_some() && traffic(intervention.action))
        .count();
    let named = stage
        .truth
        .iter()
        .filter(|culprit| !culprit.is_decoy)
        .map(|culprit| judge::named(culprit, &piloted))
        .collect();
    let plans = judge::plans(&piloted.decisions)
        .iter()
        .map(|plan| Plan {
            text: format!(
                "{name} seed {seed}, {} s: {} to {}",
                plan.at.millis_since(stage.from) / 1_000,
                plan.slice,
                plan.targets()
            ),
            confidence: plan.confidence,
            helps: judge::true_gain(stage, plan, untouched) > 0.0,
        })
        .collect();
    Run {
        name: name.to_owned(),
        seed,
        is_decoy: stage.is_decoy,
        pilot: played.paid_expected - untouched,
        hand: hand.paid_expected - untouched,
        best: best.paid_expected - untouched,
        effects: effects.by_id.into_values().filter(|effect| effect.moved > 0.0).collect(),
        acted,
        named,
        plans,
        log: piloted.log(stage),
    }
}
