//! What the engine promises, on streams as bad as they come: late, duplicate, out of order, from the
//! future, unknown first and final later.

use engine::{
    Config, Effect, Engine, Input, RolloutNews, RolloutOrder, Routed, Routing, Tried, journal,
    snapshot,
};
use payments::{Attempt, Status, Timestamp};
use pilot::rollout::{Group, Plan};
use pilot::{Command, Limits};
use proptest::prelude::*;
use routing::{Arm, Gateway, Learning};
use sim::{FailureKind, Incident, Kind, World};
use stats::stream::Stream;

const START_MS: i64 = 1_790_000_000_000;
const MINUTES: i64 = 45;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + minute * 60_000)
}

/// A stream with an outage, and how many of its attempts are dated in the future.
fn disturbed(seed: u64) -> Vec<Attempt> {
    let mut world = World::at_rate(15.0, seed).expect("a world");
    let kind = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
    let slice = [("gateway", "RAZORPAY")];
    world.add(Incident::on(slice, at(34), at(42), kind)).expect("an incident");
    let mut stream = Stream::named(seed, "disturbances");
    let mut arrivals: Vec<(i64, Attempt)> = Vec::new();
    for sample in world.attempts(at(0), at(MINUTES)) {
        let attempt = sample.attempt;
        let now = attempt.occurred_at.as_millis();
        let later = |stream: &mut Stream| now + stream.below(20_000) as i64;
        match stream.below(50) {
            0 => arrivals.push((later(&mut stream), attempt.clone())),
            1 => {
                arrivals.push((later(&mut stream), attempt));
                continue;
            }
            2 => {
                let unknown = Attempt { status: Status::Unknown, ..attempt.clone() };
                arrivals.push((now, unknown));
                arrivals.push((later(&mut stream), attempt));
                continue;
            }
            3 if stream.bernoulli(0.1) => {
                let occurred_at = attempt.occurred_at.plus_millis(3 * 86_400_000);
                let attempt_id = format!("{}_future", attempt.attempt_id);
                arrivals.push((now, Attempt { occurred_at, attempt_id, ..attempt.clone() }));
            }
            _ => {}
        }
        arrivals.push((now, attempt));
    }
    arrivals.sort_by_key(|(arrives, _)| *arrives);
    arrivals.into_iter().map(|(_, attempt)| attempt).collect()
}

/// Cut into batches of random size, with an advance of the clock at the end.
fn cut(attempts: &[Attempt], seed: u64, size_max: u64) -> Vec<Input> {
    let mut stream = Stream::named(seed, "cuts");
    let (mut inputs, mut from) = (Vec::new(), 0);
    while from < attempts.len() {
        let to = (from + 1 + stream.below(size_max) as usize).min(attempts.len());
        inputs.push(Input::Attempts(attempts[from..to].to_vec()));
        from = to;
    }
    inputs.push(Input::Advance(at(MINUTES + 1)));
    inputs
}

/// The same inputs with what else an engine is told in between: arms of payments, gateways, people's commands, sound ones and others.
fn meddled(inputs: Vec<Input>, seed: u64) -> Vec<Input> {
    let mut stream = Stream::named(seed, "meddling");
    let mut now = at(0);
    let mut all = Vec::new();
    for mut input in inputs {
        if let Input::Attempts(attempts) = &mut input {
            let mut routed = Vec::new();
            for attempt in attempts.iter_mut() {
                if !attempt.attempt_id.ends_with("_future") {
                    now = now.max(attempt.occurred_at);
                }
                if attempt.gateway == "RAZORPAY" && stream.bernoulli(0.3) {
                    let decision_id = format!("d~{}", attempt.payment_id);
                    attempt.decision_id = Some(decision_id.clone());
                    routed.push(Routed {
                        decision_id,
                        attempt_number: attempt.attempt_number,
                        at: attempt.occurred_at,
                        intervention_id: format!("itv_{}", 1 + stream.below(2)),
                        arm: if stream.bernoulli(0.5) { Arm::Treatment } else { Arm::Control },
                    });
                }
            }
            if !routed.is_empty() {
                all.push(Input::Routed(routed));
            }
            all.push(Input::Tried(tried(attempts, &mut stream)));
        }
        all.push(input);
        if let Some(command) = command(&mut stream) {
            all.push(Input::Command { at: now, command: Box::new(command) });
        }
        if let Some(order) = order(&mut stream) {
            all.push(Input::Rollout { at: now, order: Box::new(order) });
        }
        if stream.bernoulli(0.01) {
            all.push(Input::Rest(now.plus_millis(1_000 * stream.below(90) as i64)));
        }
        if stream.bernoulli(0.05) {
            let capacity_per_s = Some(5.0 + stream.below(50) as f64);
            let gateway =
                |name: &str| Gateway { name: name.into(), capacity_per_s, ..Gateway::default() };
            all.push(Input::Gateways(vec![gateway("PAYU"), gateway("STRIPE")]));
        }
    }
    all
}

fn command(stream: &mut Stream) -> Option<Command> {
    let by = || "ana".to_owned();
    let reason = || "drill".to_owned();
    let intervention_id = "itv_1".to_owned();
    Some(match stream.below(60) {
        0 => Command::KillSwitch { engaged: true, reason: reason(), by: by() },
        1..=3 => Command::KillSwitch { engaged: false, reason: reason(), by: by() },
        4 => Command::RollBack { intervention_id, reason: reason(), by: by() },
        5 => Command::Reject { intervention_id, reason: reason(), by: by() },
        6 => Command::Approve { intervention_id, plan_hash: "other".into(), by: by() },
        7 => Command::SetLimits(Limits { confidence_min: 0.9, ..Limits::default() }),
        8 => Command::SetLimits(Limits { confidence_min: 2.0, ..Limits::default() }),
        _ => return None,
    })
}

/// First attempts of a roll-out in its first stages, and of others.
fn tried(attempts: &[Attempt], stream: &mut Stream) -> Vec<Tried> {
    let (rollout, stage) = (1 + stream.below(2), stream.below(3) as u32);
    let group = |stream: &mut Stream| match stream.weighted(&[0.49, 0.49, 0.02]) {
        0 => Group::Candidate,
        1 => Group::Incumbent,
        _ => Group::HoldOut,
    };
    let one = |attempt: &Attempt| Tried {
        rollout,
        stage,
        payment_id: attempt.payment_id.clone(),
        group: group(stream),
        at: attempt.occurred_at,
    };
    attempts.iter().map(one).collect()
}

fn order(stream: &mut Stream) -> Option<RolloutOrder> {
    Some(match stream.below(40) {
        0..=9 => RolloutOrder::Begin {
            routing: Box::new(Routing { learning: Learning::Exploit, ..Routing::default() }),
            plan: Plan { same_payments: 500, maturity_ms: 5_000, ..Plan::default() },
            by: "ana".into(),
        },
        10 | 11 => RolloutOrder::RollBack { reason: "drill".into(), by: "ana".into() },
        12 => RolloutOrder::Adopt,
        _ => return None,
    })
}

fn play(engine: &mut Engine, inputs: &[Input]) -> Vec<Effect> {
    inputs.iter().flat_map(|input| engine.handle(input)).collect()
}

/// One that also learns where payments go well.
fn learning() -> Engine {
    let mut config = Config::default();
    config.routing.learning = Learning::Explore;
    Engine::new(config)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn any_journal_from_any_snapshot_gives_the_same_effects(seed in 0_u64..1_000, part in 0.0..1.0_f64) {
        let inputs = meddled(cut(&disturbed(seed), seed, 600), seed);
        let saved_at = (part * inputs.len() as f64) as usize;
        let mut engine = learning();
        let (mut entries, mut said, mut turns, mut saved) = (Vec::new(), 0, 0, None);
        for (step, input) in inputs.into_iter().enumerate() {
            if step == saved_at {
                saved = Some(snapshot::save(&engine).expect("a snapshot"));
            }
            let (entry, effects) = journal::record(&mut engine, step as u64, input);
            said += effects.len();
            let is_turn = |effect: &&Effect| {
                matches!(effect, Effect::Rollout(RolloutNews { turn: Some(_), .. }))
            };
            turns += effects.iter().filter(is_turn).count();
            entries.push(entry);
        }
        prop_assert!(said > 0, "an outage of a gateway is worth a word");
        let is_command = |entry: &journal::Entry| matches!(entry.input, Input::Command { .. });
        prop_assert!(entries.iter().any(is_command), "people have a word");
        prop_assert!(turns > 0, "a candidate came further");
        let text: Vec<String> =
            entries.iter().map(|entry| serde_json::to_string(entry).expect("a line")).collect();
        let read = journal::parse(&text.join("\n")).expect("its own journal");
        let mut again = snapshot::load(&saved.expect("saved")).expect("its own snapshot");
        prop_assert_eq!(journal::replay(&mut again, &read[saved_at..]), vec![]);
        prop_assert_eq!(again.intake(), engine.intake());
        prop_assert_eq!(again.incidents(), engine.incidents());
        prop_assert_eq!(again.pilot().interventions(), engine.pilot().interventions());
        prop_assert_eq!(again.pilot().memory(), engine.pilot().memory());
        prop_assert_eq!(again.routes(&["gateway"]), engine.routes(&["gateway"]));
        prop_assert_eq!(again.policy().terms().clone(), engine.policy().terms().clone());
        prop_assert!(engine.rollout().is_some(), "a candidate was tried");
        prop_assert_eq!(again.rollout(), engine.rollout());
        prop_assert_eq!(again.trial(), engine.trial());
    }

    #[test]
    fn batches_cut_differently_give_the_same_effects(seed in 0_u64..1_000) {
        let attempts = disturbed(seed);
        let (mut one, mut other) = (learning(), learning());
        let coarse = play(&mut one, &cut(&attempts, seed, 5_000));
        let fine = play(&mut other, &cut(&attempts, seed + 1, 9));
        prop_assert!(!coarse.is_empty());
        prop_assert_eq!(journal::digest(&coarse), journal::digest(&fine));
        prop_assert_eq!(one.policy().terms().clone(), other.policy().terms().clone());
    }

    #[test]
    fn every_attempt_is_counted_once(seed in 0_u64..1_000) {
        let attempts = disturbed(seed);
        let mut engine = Engine::new(Config::default());
        engine.handle(&Input::Attempts(attempts.clone()));
        let intake = *engine.intake();
        let sent = attempts.len() as u64;
        prop_assert_eq!(
            intake.accepted + intake.duplicates + intake.updated + intake.future,
            sent
        );
        for (name, count) in [
            ("duplicates", intake.duplicates),
            ("updated", intake.updated),
            ("late", intake.late),
            ("out of order", intake.out_of_order),
            ("future", intake.future),
        ] {
            prop_assert!(count > 0, "{} were sent", name);
        }
    }
}

/// On time and in order, so that what lies in the window can be counted by hand.
#[test]
fn the_window_holds_what_came_in_it() {
    let world = World::at_rate(30.0, 5).expect("a world");
    let attempts: Vec<Attempt> =
        world.attempts(at(0), at(4)).map(|sample| sample.attempt).collect();
    let mut engine = Engine::new(Config::default());
    engine.handle(&Input::Attempts(attempts.clone()));
    engine.handle(&Input::Advance(at(4)));
    let judged = engine.judged_until().expect("ticks were judged").as_millis();
    let inside = attempts
        .iter()
        .filter(|attempt| (judged - 60_000..judged).contains(&attempt.occurred_at.as_millis()));
    let inside = inside.count() as u64;
    assert!(inside > 1_000);
    for by in [&[][..], &["gateway"], &["issuer", "network", "merchant_id"]] {
        let counted: u64 = engine.routes(by).iter().map(|slice| slice.attempts).sum();
        assert_eq!(counted, inside, "by {by:?}");
    }
}

#[test]
fn a_snapshot_of_another_version_is_refused() {
    let mut bytes = snapshot::save(&Engine::new(Config::default())).expect("a snapshot");
    bytes[8] ^= 1;
    let found = snapshot::VERSION ^ 1;
    match snapshot::load(&bytes) {
        Err(snapshot::SnapshotError::Version { found: said }) => assert_eq!(said, found),
        other => panic!("want the version refused, got {:?}", other.map(|_| ())),
    }
    assert!(matches!(snapshot::load(b"other"), Err(snapshot::SnapshotError::Foreign)));
    bytes[8] ^= 1;
    bytes.truncate(bytes.len() / 2);
    assert!(matches!(snapshot::load(&bytes), Err(snapshot::SnapshotError::Damaged(_))));
}

#[test]
fn dictionaries_are_bounded_and_names_past_the_cap_count_together() {
    let mut config = Config::default();
    config.analysis.values_per_dimension_max = 50;
    let mut engine = Engine::new(config);
    let world = World::at_rate(50.0, 6).expect("a world");
    let attempts: Vec<Attempt> = world
        .attempts(at(0), at(2))
        .enumerate()
        .map(|(i, sample)| Attempt { merchant_id: format!("m{i}"), ..sample.attempt })
        .collect();
    engine.handle(&Input::Attempts(attempts));
    engine.handle(&Input::Advance(at(2)));
    let by_merchant = engine.routes(&["merchant_id"]);
    assert!(by_merchant.len() <= 52, "{} merchants", by_merchant.len());
    let other =
        by_merchant.iter().find(|slice| slice.slice.get("merchant_id") == Some("__other__"));
    assert!(other.is_some_and(|other| other.attempts > 2_000));
}
