//! Plans that nobody is let follow are judged by what came of leaving them.

use engine::{Config, Effect, Engine, Hindsight, Input, Verdict, snapshot};
use payments::Timestamp;
use pilot::{Decision, Mode};
use routing::Gateway;
use sim::{FailureKind, Incident, Kind, World};

const START_MS: i64 = 1_790_000_000_000;
const GATEWAYS: [&str; 3] = ["RAZORPAY", "PAYU", "STRIPE"];
/// Part of the approvals that are lost.
const SEVERITY: f64 = 0.8;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + minute * 60_000)
}

fn engine() -> Engine {
    let mut config = Config::default();
    let gateway = |name: &&str| Gateway {
        name: (*name).into(),
        capacity_per_s: Some(1_000.0),
        ..Gateway::default()
    };
    config.routing.gateways = GATEWAYS.iter().map(gateway).collect();
    config.pilot.modes.reroute = Mode::Shadow;
    config.pilot.modes.suppress_path = Mode::Shadow;
    Engine::new(config)
}

/// An hour of quiet, then an outage of so many minutes.
fn world(lasts: i64) -> World {
    let mut world = World::at_rate(30.0, 5).expect("a world");
    let kind = Kind::Outage { severity: SEVERITY, blame: FailureKind::Gateway };
    let outage = Incident::on([("gateway", "PAYU")], at(60), at(60 + lasts), kind);
    world.add(outage).expect("an incident");
    world
}

fn play(engine: &mut Engine, world: &World, from: i64, to: i64) -> Vec<Effect> {
    let attempts = world.attempts(at(from), at(to)).map(|sample| sample.attempt).collect();
    let mut effects = engine.handle(&Input::Attempts(attempts));
    effects.extend(engine.handle(&Input::Advance(at(to))));
    effects
}

fn judged(effects: &[Effect]) -> Vec<(&Decision, &Hindsight)> {
    let mut all = Vec::new();
    for effect in effects {
        if let Effect::Hindsight { decision, hindsight, .. } = effect {
            all.push((decision.as_ref(), hindsight));
        }
    }
    all
}

#[test]
fn a_plan_that_would_have_helped_is_said_to() {
    let mut engine = engine();
    let effects = play(&mut engine, &world(30), 0, 75);
    let judged = judged(&effects);
    let (decision, hindsight) = judged.first().expect("a plan that was judged");
    assert_eq!(decision.from.as_deref(), Some("PAYU"));
    assert_eq!(hindsight.at.millis_since(decision.at), 600_000, "ten minutes later");
    assert_eq!(hindsight.verdict, Verdict::Helped);
    // Approvals fall to a fifth of their rate: about 0.7 points of each payment moved.
    assert!(hindsight.gain > 0.5 && hindsight.gain < 0.9, "{hindsight:?}");
    assert!(hindsight.gain_high - hindsight.gain_low < 0.3, "{hindsight:?}");
    assert!(effects.iter().any(|effect| match effect {
        Effect::Decision(said) => &**said == *decision,
        _ => false,
    }));
    assert!(
        !effects.iter().any(|effect| matches!(effect, Effect::Intervention(_))),
        "nothing is obeyed"
    );
}

#[test]
fn it_is_judged_when_the_incident_is_over_and_once() {
    let mut engine = engine();
    let mut effects = play(&mut engine, &world(6), 0, 64);
    assert!(judged(&effects).is_empty(), "it is still watched");
    // What is watched goes on from a snapshot.
    let bytes = snapshot::save(&engine).expect("bytes");
    let mut engine = snapshot::load(&bytes).expect("an engine");
    effects.extend(play(&mut engine, &world(6), 64, 120));
    let judged = judged(&effects);
    let plans: std::collections::BTreeSet<&str> =
        judged.iter().map(|(decision, _)| decision.id.as_str()).collect();
    assert!(!judged.is_empty());
    assert_eq!(plans.len(), judged.len(), "each plan once");
}
