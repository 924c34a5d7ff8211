//! What the ordinary choice learns from the attempts that the engine is told of.

use engine::{Config, Engine, Input, snapshot};
use payments::{Currency, Money, Timestamp, parse_event};
use routing::{Context, Gateway, Learning, Policy};
use sim::{FailureKind, Incident, Kind, World};
use stats::stream::Stream;

const START_MS: i64 = 1_790_000_000_000;
const GATEWAYS: [&str; 3] = ["RAZORPAY", "PAYU", "STRIPE"];

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + minute * 60_000)
}

fn engine(learning: Learning, gateways: &[&str]) -> Engine {
    let mut config = Config::default();
    config.routing.learning = learning;
    config.routing.gateways = gateways
        .iter()
        .map(|name| Gateway { name: (*name).into(), ..Gateway::default() })
        .collect();
    Engine::new(config)
}

/// Thirty quiet minutes, then ten in which nine of ten approvals at one gateway fail.
fn world(hit: &str) -> World {
    let mut world = World::at_rate(30.0, 5).expect("a world");
    let kind = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
    world.add(Incident::on([("gateway", hit)], at(30), at(40), kind)).expect("an incident");
    world
}

fn play(engine: &mut Engine, world: &World, from: i64, to: i64) {
    let attempts = world.attempts(at(from), at(to)).map(|sample| sample.attempt).collect();
    engine.handle(&Input::Attempts(attempts));
    engine.handle(&Input::Advance(at(to)));
}

fn choices(policy: &Policy, candidates: &[&str]) -> Vec<String> {
    (0..200)
        .map(|payment| {
            let payment_id = format!("pay_{payment}");
            let values = [("method", "card"), ("network", "VISA"), ("issuer", "HDFC")];
            let context =
                Context { values: &values, candidates, ..Context::at(at(41), &payment_id) };
            policy.choose(&context).expect("a gateway").gateway
        })
        .collect()
}

fn share(policy: &Policy, gateway: &str) -> usize {
    choices(policy, &[]).iter().filter(|name| *name == gateway).count()
}

#[test]
fn an_outage_of_the_favourite_is_learnt_and_left() {
    let mut first = engine(Learning::Explore, &GATEWAYS);
    play(&mut first, &world(GATEWAYS[0]), 0, 30);
    let before = first.policy();
    let favourite = GATEWAYS.into_iter().max_by_key(|gateway| share(&before, gateway)).unwrap();
    assert!(share(&before, favourite) > 100);

    play(&mut first, &world(favourite), 30, 40);
    let after = first.policy();
    assert!(after.terms().version > before.terms().version);
    assert!(share(&after, favourite) < 10, "{} of 200 still go there", share(&after, favourite));
    let again = snapshot::load(&snapshot::save(&first).expect("saved")).expect("loaded");
    assert_eq!(choices(&again.policy(), &[]), choices(&after, &[]));
}

#[test]
fn without_learning_the_first_gateway_is_the_choice_and_nothing_is_learnt() {
    let mut engine = engine(Learning::Off, &GATEWAYS);
    let world = world(GATEWAYS[0]);
    play(&mut engine, &world, 28, 40);
    let policy = engine.policy();
    assert!(choices(&policy, &[]).iter().all(|name| name == GATEWAYS[0]));
    assert_eq!(policy.terms().table, routing::Table::default());
}

#[test]
fn what_has_arrived_counts_before_its_tick_is_judged_in_any_order() {
    let world = world(GATEWAYS[0]);
    let mut attempts: Vec<_> = world
        .attempts(at(30), Timestamp::from_millis(START_MS + 30 * 60_000 + 4_000))
        .map(|sample| sample.attempt)
        .collect();
    let mut engine = engine(Learning::Explore, &GATEWAYS);
    play(&mut engine, &world, 25, 30);
    let before = engine.policy();
    let (mut turned, mut judged) = (engine.clone(), engine.clone());
    engine.handle(&Input::Attempts(attempts.clone()));
    attempts.reverse();
    turned.handle(&Input::Attempts(attempts.clone()));
    assert_eq!(engine.policy_version(), before.terms().version, "no tick is closed yet");
    let arrived = engine.policy().terms().table.clone();
    assert_ne!(arrived, before.terms().table);
    assert_eq!(turned.policy().terms().table, arrived);

    // Judged, the same is learnt for good.
    judged.handle(&Input::Attempts(attempts));
    for engine in [&mut judged, &mut turned] {
        engine.handle(&Input::Advance(Timestamp::from_millis(START_MS + 30 * 60_000 + 4_000)));
    }
    assert_eq!(judged.policy().terms().table, arrived);
    assert_eq!(turned.policy().terms().table, arrived);
}

/// What is true of large amounts alone is learnt of them alone, and a single amount tells nothing apart.
#[test]
fn a_gateway_that_refuses_large_amounts_is_left_by_them_alone() {
    let currency = Currency::parse("INR");
    let money = |minor| currency.map(|currency| Money { minor, currency });
    let mut engine = engine(Learning::Explore, &["PAYU", "STRIPE"]);
    let mut stream = Stream::named(7, "amounts");
    let amounts = [30_000, 90_000, 400_000, 3_000_000];
    let attempt = |number: i64, stream: &mut Stream| {
        let minor = amounts[stream.below(4) as usize];
        let gateway = ["PAYU", "STRIPE"][stream.below(2) as usize];
        let rate = match (gateway, minor > 100_000) {
            ("PAYU", true) => 0.3,
            ("PAYU", false) => 0.95,
            _ => 0.85,
        };
        let status = if stream.bernoulli(rate) { "approved" } else { "declined" };
        let json = format!(
            r#"{{"attempt_id": "att_{number}", "payment_id": "pay_{number}", "merchant_id": "m_1", "method": "card",
                "occurred_at": {}, "amount": {{"minor": {minor}, "currency": "INR"}}, "gateway": "{gateway}", "status": "{status}"}}"#,
            START_MS + number * 100
        );
        parse_event(json.as_bytes()).expect("an attempt").attempt
    };
    let attempts = (0..6_000).map(|number| attempt(number, &mut stream)).collect();
    engine.handle(&Input::Attempts(attempts));
    let policy = engine.policy();
    let best = |minor| {
        let values = [("method", "card"), ("merchant_id", "m_1")];
        let context = Context { values: &values, amount: money(minor), ..Context::at(at(10), "p") };
        policy.explain(&context).expect("gateways").remove(0).gateway
    };
    assert_eq!(amounts.map(best), ["PAYU", "PAYU", "STRIPE", "STRIPE"]);
    // Bands, so amounts near those seen go where they go.
    assert_eq!([80_000, 350_000].map(best), ["PAYU", "STRIPE"]);
}
