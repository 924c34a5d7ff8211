//! Golden cycles: what the operator says and does in every scenario of the library, as text.
//!
//! Each is played once, by the engine as it comes, nobody approving. A change of judgement anywhere shows here as a change of words; whether it is a better one is `bench scenarios`' to
//! say. The longest networks are left to that.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use engine::{Engine, Input};
use payments::Timestamp;
use server::piloted::{Piloted, gateways, learnt};
use sim::{Scenario, Stage, play};

const SEED: u64 = 1;
/// Networks of more attempts per second take minutes.
const PER_S_MAX: f64 = 100.0;
const SCENARIOS_MIN: usize = 30;

#[test]
fn every_scenario_reads_as_it_did() {
    let mut grounds: BTreeMap<String, Vec<(&str, Scenario)>> = BTreeMap::new();
    for (name, text) in sim::library() {
        let scenario = Scenario::parse(text).expect("the library is sound");
        if scenario.world.attempts_per_s <= PER_S_MAX {
            grounds.entry(scenario.ground()).or_default().push((*name, scenario));
        }
    }
    assert!(grounds.values().map(Vec::len).sum::<usize>() >= SCENARIOS_MIN);
    let jobs: Vec<(Engine, &str, Stage)> = grounds
        .values()
        .flat_map(|scenarios| {
            let stages = scenarios.iter().map(|(name, scenario)| {
                (*name, scenario.stage(SEED).expect("the library can be staged"))
            });
            let stages: Vec<(&str, Stage)> = stages.collect();
            let engine = learnt(&stages[0].1, SEED);
            stages.into_iter().map(move |(name, stage)| (engine.clone(), name, stage))
        })
        .collect();
    let (left, told) = (Mutex::new(jobs), Mutex::new(BTreeMap::new()));
    let take = || left.lock().expect("nobody panicked").pop();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((engine, name, stage)) = take() {
                    let text = cycles(engine, &stage);
                    told.lock().expect("nobody panicked").insert(name, text);
                }
            });
        }
    });
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, text) in told.into_inner().expect("nobody panicked") {
            insta::assert_snapshot!(name, text);
        }
    });
}

/// What is said, with seconds since the scenario's begin, and the end of each intervention.
fn cycles(mut engine: Engine, stage: &Stage) -> String {
    engine.handle(&Input::Gateways(gateways(stage)));
    let mut piloted = Piloted::new(engine, stage.from);
    let played = play(&stage.world, &stage.setup, &mut piloted, &mut |_| {});
    let seconds = |at: Timestamp| at.millis_since(stage.from) / 1_000;
    let mut text = String::new();
    for (at, cycle) in &piloted.cycles {
        let _ = writeln!(text, "[{} s]\n{cycle}", seconds(*at));
    }
    for intervention in piloted.interventions.values() {
        let (id, state) = (&intervention.id, intervention.state);
        let when =
            intervention.ended_at.map_or_else(String::new, |at| format!(" at {} s", seconds(at)));
        let _ = writeln!(text, "{id} {state:?}{when}: {}", intervention.reason);
    }
    let _ = write!(text, "{} of {} attempts moved", played.moved, played.attempts);
    text
}
