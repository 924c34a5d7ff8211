//! A candidate beside the policy in force: what the engine is told of it, and what it makes the data plane do.

use engine::{Config, Effect, Engine, Input, LEASE_MS, RolloutOrder, Routing, Tried, snapshot};
use payments::{Attempt, Timestamp};
use pilot::Command;
use pilot::rollout::{Plan, Stage, Stop};
use routing::{Exploration, Gateway, Learning};
use stats::stream::Stream;

const START_MS: i64 = 1_790_000_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + second * 1_000)
}

fn named(names: &[&str]) -> Vec<Gateway> {
    names.iter().map(|name| Gateway { name: (*name).into(), ..Gateway::default() }).collect()
}

fn routing(learning: Learning, gateways: &[&str]) -> Routing {
    Routing { learning, gateways: named(gateways), ..Routing::default() }
}

fn engine(incumbent: Routing) -> Engine {
    Engine::new(Config { routing: Routing { seed: 99, ..incumbent }, ..Config::default() })
}

fn plan() -> Plan {
    Plan {
        same_payments: 400,
        steps: vec![0.2, 0.5],
        step_payments_min: 20,
        alpha: 0.01,
        maturity_ms: 10_000,
        ..Plan::default()
    }
}

fn tell(engine: &mut Engine, second: i64, order: RolloutOrder) -> Vec<Effect> {
    engine.handle(&Input::Rollout { at: at(second), order: Box::new(order) })
}

fn begin(engine: &mut Engine, second: i64, candidate: Routing) -> Vec<Effect> {
    let routing = Box::new(candidate);
    tell(engine, second, RolloutOrder::Begin { routing, plan: plan(), by: "ana".into() })
}

fn stage(engine: &Engine) -> Stage {
    engine.rollout().expect("a roll-out").rollout.stage().clone()
}

fn attempt(id: &str, second: i64, gateway: &str, is_approved: bool) -> Attempt {
    let status = if is_approved { "approved" } else { "declined" };
    let event = format!(
        r#"{{"attempt_id": "a_{id}", "payment_id": "{id}", "merchant_id": "m", "method": "card", "occurred_at": {},
        "amount": {{"minor": 100, "currency": "INR"}}, "gateway": "{gateway}", "status": "{status}"}}"#,
        at(second).as_millis()
    );
    payments::parse_event(event.as_bytes()).expect("an event").attempt
}

/// Forty payments a second, routed as the engine says, their outcomes three seconds later: `a` approves 60 %, `b` 95 %.
fn play(engine: &mut Engine, from: i64, to: i64) -> Vec<Effect> {
    let mut effects = Vec::new();
    for second in from..to {
        let mut stream = Stream::named(second as u64, "roll-out");
        let (mut tried, mut attempts) = (Vec::new(), Vec::new());
        for n in 0..40 {
            let id = format!("p_{second}_{n}");
            let (mut gateway, trial) = (engine.routing().gateways[0].name.clone(), engine.trial());
            if let Some((trial, terms)) = trial.filter(|(trial, _)| at(second) < trial.until) {
                let group = trial.split.group(&id);
                if trial.is_live && group == pilot::rollout::Group::Candidate {
                    gateway.clone_from(&terms.gateways[0].name);
                }
                let (rollout, stage) = (trial.rollout, trial.stage);
                tried.push(Tried { rollout, stage, payment_id: id.clone(), group, at: at(second) });
            }
            let is_approved = stream.bernoulli(if gateway == "a" { 0.6 } else { 0.95 });
            attempts.push(attempt(&id, second + 3, &gateway, is_approved));
        }
        effects.extend(engine.handle(&Input::Tried(tried)));
        effects.extend(engine.handle(&Input::Attempts(attempts)));
    }
    effects
}

#[test]
fn a_better_candidate_gets_everything_but_the_hold_out_and_a_snapshot_keeps_it() {
    let mut engine = engine(routing(Learning::Off, &["a", "b"]));
    begin(&mut engine, 0, routing(Learning::Off, &["b", "a"]));
    let (trial, terms) = engine.trial().expect("it runs");
    assert!(!trial.is_live);
    assert_eq!((terms.gateways[0].name.as_str(), terms.seed), ("b", 99));
    let mut effects = play(&mut engine, 0, 60);
    let mut again = snapshot::load(&snapshot::save(&engine).expect("saved")).expect("loaded");
    assert_eq!(again.trial(), engine.trial());
    effects.extend(play(&mut engine, 60, 400));
    play(&mut again, 60, 400);
    assert_eq!(again.rollout(), engine.rollout());
    assert_eq!(stage(&engine), Stage::Whole);
    let stages: Vec<Stage> = effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Rollout(news) => Some(news.turn?.to),
            _ => None,
        })
        .collect();
    assert_eq!(stages, [Stage::Step(0), Stage::Step(1), Stage::Whole]);
    assert_eq!(engine.trial().expect("it runs").0.split.candidate, 0.98);
}

#[test]
fn a_worse_candidate_is_taken_back() {
    let mut engine = engine(routing(Learning::Off, &["b", "a"]));
    begin(&mut engine, 0, routing(Learning::Off, &["a", "b"]));
    play(&mut engine, 0, 400);
    assert_eq!(stage(&engine), Stage::Stopped(Stop::Harm));
    assert_eq!(engine.trial(), None);
}

#[test]
fn one_at_a_time_and_only_with_gateways_that_are_configured() {
    let mut engine = engine(routing(Learning::Off, &["a", "b"]));
    let refused = |effects: Vec<Effect>| matches!(effects.as_slice(), [Effect::Refused(_)]);
    assert!(refused(begin(&mut engine, 0, routing(Learning::Off, &["c"]))));
    assert!(refused(tell(&mut engine, 0, RolloutOrder::Adopt)));
    assert!(!refused(begin(&mut engine, 0, routing(Learning::Explore, &[]))));
    assert!(refused(begin(&mut engine, 1, routing(Learning::Off, &["b"]))));
    let roll_back = || RolloutOrder::RollBack { reason: "drill".into(), by: "bo".into() };
    assert!(!refused(tell(&mut engine, 2, roll_back())));
    assert_eq!(stage(&engine), Stage::Stopped(Stop::Person("bo: drill".into())));
    assert!(refused(tell(&mut engine, 2, roll_back())));
    assert!(!refused(begin(&mut engine, 3, routing(Learning::Off, &["b"]))));
    assert_eq!(engine.rollout().expect("a roll-out").number, 2);
}

#[test]
fn the_kill_switch_and_a_gateway_that_goes_end_it() {
    let switch = |engaged| {
        let command = Command::KillSwitch { engaged, reason: "x".into(), by: "ana".into() };
        Input::Command { at: at(1), command: Box::new(command) }
    };
    let mut engine = engine(routing(Learning::Off, &["a", "b"]));
    begin(&mut engine, 0, routing(Learning::Off, &["b"]));
    engine.handle(&switch(true));
    assert_eq!(stage(&engine), Stage::Stopped(Stop::KillSwitch));
    assert!(matches!(begin(&mut engine, 1, Routing::default())[..], [Effect::Refused(_)]));
    engine.handle(&switch(false));
    begin(&mut engine, 2, routing(Learning::Off, &["b"]));
    engine.handle(&Input::Gateways(named(&["a", "b", "c"])));
    assert_eq!(stage(&engine), Stage::Same);
    engine.handle(&Input::Gateways(named(&["a", "c"])));
    assert_eq!(stage(&engine), Stage::Stopped(Stop::Gateway("b".into())));
}

#[test]
fn the_lease_is_renewed_while_the_engine_looks_and_not_by_anything_else() {
    let mut engine = engine(routing(Learning::Off, &["a", "b"]));
    begin(&mut engine, 0, routing(Learning::Off, &["b"]));
    play(&mut engine, 0, 10);
    let until = |engine: &Engine| engine.trial().expect("it runs").0.until;
    assert_eq!(until(&engine), at(0).plus_millis(LEASE_MS));
    play(&mut engine, 10, 900);
    assert!(until(&engine) > at(0).plus_millis(LEASE_MS));
    // Nobody watched for hours: what waited isn't judged, and the lease begins anew.
    let judged = |engine: &Engine| {
        let report = engine.rollout().expect("a roll-out").rollout.report();
        report.groups.iter().map(|group| group.payments).sum::<u64>()
    };
    let before = judged(&engine);
    engine.handle(&Input::Rest(at(20_000)));
    assert!(judged(&engine) - before < 40 * 10);
    assert_eq!(until(&engine), at(20_000).plus_millis(LEASE_MS));
}

#[test]
fn a_configuration_that_has_become_the_candidate_adopts_it() {
    let mut engine = engine(routing(Learning::Off, &["a", "b"]));
    let exploration = Exploration { floor: 0.02, ..Exploration::default() };
    let candidate = Routing { exploration, ..routing(Learning::Explore, &[]) };
    begin(&mut engine, 0, candidate.clone());
    let configured = Routing { gateways: named(&["a", "b"]), seed: 1, ..candidate };
    assert!(engine.adopts(&configured));
    assert!(!engine.adopts(&routing(Learning::Explore, &["a", "b"])), "another floor");
    assert!(!engine.adopts(engine.routing()), "it was that before");
    tell(&mut engine, 1, RolloutOrder::Adopt);
    assert_eq!(stage(&engine), Stage::Stopped(Stop::Adopted));
    assert_eq!(engine.routing(), &Routing { seed: 99, ..configured });
    assert_eq!(engine.trial(), None);
    assert_eq!(engine.terms().learning, Learning::Explore);
}

#[test]
fn a_candidate_that_learns_has_something_to_learn_from() {
    let mut engine = engine(routing(Learning::Off, &["a", "b"]));
    play(&mut engine, 0, 30);
    assert_eq!(engine.terms().table, routing::Table::default());
    begin(&mut engine, 30, routing(Learning::Explore, &[]));
    play(&mut engine, 30, 60);
    let (_, terms) = engine.trial().expect("it runs");
    assert_eq!(terms.table.gateways, ["a"]);
    assert_eq!(
        engine.terms().table,
        routing::Table::default(),
        "the incumbent's choice is as it was"
    );
    // It ends: nobody learns any more.
    tell(&mut engine, 60, RolloutOrder::RollBack { reason: String::new(), by: "ana".into() });
    let version = engine.policy_version();
    play(&mut engine, 60, 70);
    assert_eq!(engine.policy_version(), version);
}
