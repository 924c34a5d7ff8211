//! What the learner keeps, forgets and finds, alone and in a closed loop with the policy.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stats::stream::Stream;

use super::*;
use crate::table::Lookup;
use crate::{Context, Gateway, Learning, Policy, Terms};

fn ms(at: i64) -> Timestamp {
    Timestamp::from_millis(at)
}

fn posterior(table: &Table, gateway: &str, values: &[(&str, &str)]) -> Beta {
    let context = Context {
        payment_id: "p",
        attempt_number: 1,
        at: ms(0),
        values,
        amount: None,
        candidates: &[],
    };
    let lookup = Lookup::new(table);
    lookup.posteriors[lookup.posterior(lookup.row(&context), gateway)]
}

fn counted<'a>(
    gateway: &'a str,
    values: &'a [(&'a str, &'a str)],
    attempts: u64,
    successes: u64,
) -> Outcomes<'a> {
    Outcomes { gateway, values, attempts, successes }
}

const HDFC: &[(&str, &str)] = &[("method", "card"), ("network", "VISA"), ("issuer", "HDFC")];
const SBI: &[(&str, &str)] = &[("method", "card"), ("network", "VISA"), ("issuer", "SBI")];
const UPI: &[(&str, &str)] = &[("method", "upi")];

type Counted = (usize, usize, u64, u64);

fn ticks() -> impl Strategy<Value = Vec<Vec<Counted>>> {
    let counted = (0usize..4, 0usize..4, 0u64..50, 0u64..60);
    prop::collection::vec(prop::collection::vec(counted, 0..8), 1..6)
}

fn outcomes(tick: &[Counted]) -> Vec<Outcomes<'static>> {
    const PLACES: [&[(&str, &str)]; 4] = [HDFC, SBI, UPI, &[]];
    let of = |(gateway, place, n, k): &Counted| {
        counted(["a", "b", "c", "d"][*gateway], PLACES[*place], *n, *k)
    };
    tick.iter().map(of).collect()
}

proptest! {
    #[test]
    fn the_order_within_a_tick_is_nothing(ticks in ticks(), seed: u64, at in 0i64..10_000_000) {
        let (mut one, mut other) = (Learner::default(), Learner::default());
        for (number, tick) in (0..).zip(ticks) {
            one.learn(ms(number * at), outcomes(&tick));
            let mut shuffled = tick;
            Stream::named(seed, "order").shuffle(&mut shuffled);
            other.learn(ms(number * at), outcomes(&shuffled));
        }
        prop_assert_eq!(one.table(), other.table());
        let bytes = postcard::to_stdvec(&one).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Learner>(&bytes).unwrap(), one);
    }

    #[test]
    fn a_table_always_holds_laws(ticks in ticks(), dimensions in 0usize..4, step in 0i64..100_000_000) {
        let mut settings = LearnerSettings { cells_max: 2, ..LearnerSettings::default() };
        settings.dimensions.truncate(dimensions);
        let mut learner = Learner::new(settings);
        for (number, tick) in (0..).zip(ticks) {
            learner.learn(ms(number * step), outcomes(&tick));
            prop_assert!(learner.cells.len() <= 2 + METHODS_MAX + 1);
            for posterior in learner.table().rows.values().flat_map(BTreeMap::values) {
                prop_assert!(posterior.mean() > 0.0 && posterior.mean() < 1.0);
                prop_assert!(posterior.size() >= 20.0 - 1e-9);
            }
        }
    }
}

#[test]
fn a_cell_follows_its_evidence_and_leans_where_it_has_none() {
    let mut learner = Learner::default();
    let good = counted("a", HDFC, 5_000, 4_500);
    let bad = counted("a", UPI, 5_000, 2_000);
    learner.learn(ms(0), [good, bad, counted("b", UPI, 1_000, 700)]);
    let table = learner.table();
    let mean = |gateway, values| posterior(&table, gateway, values).mean();
    let size = |gateway, values| posterior(&table, gateway, values).size();
    let near = |a: f64, b: f64| (a - b).abs() < 0.01;
    assert!(near(mean("a", HDFC), 0.9) && size("a", HDFC) > 5_000.0);
    // A new cell: the method's mean at this gateway, and little weight.
    assert!(near(mean("a", SBI), 0.9) && size("a", SBI) == 20.0);
    // A gateway that was never seen there: its own mean elsewhere.
    assert!(near(mean("b", SBI), 0.7) && size("b", SBI) == 20.0);
    // Nothing known of the method, or of the gateway.
    assert!(near(mean("a", &[("method", "wallet")]), 0.65));
    assert!(near(mean("z", HDFC), 7_200.0 / 11_000.0));
}

#[test]
fn an_attempt_is_evidence_once() {
    let mut learner = Learner::default();
    learner.learn(ms(0), [counted("a", HDFC, 40, 20)]);
    // Alone in the world, it leans on nothing but the weakest prior: half.
    let law = posterior(&learner.table(), "a", HDFC);
    assert!((law.mean() - 0.5).abs() < 1e-12 && (law.size() - 60.0).abs() < 1e-12);
    learner.learn(ms(0), [counted("a", HDFC, 40, 40)]);
    let law = posterior(&learner.table(), "a", HDFC);
    assert!((law.mean() - 70.0 / 100.0).abs() < 1e-12, "{law:?}");
}

#[test]
fn after_a_half_life_half_is_left_and_in_the_end_nothing() {
    let mut learner = Learner::default();
    let size = |learner: &Learner| posterior(&learner.table(), "a", HDFC).size() - 20.0;
    learner.learn(ms(0), [counted("a", HDFC, 1_000, 900)]);
    learner.learn(ms(3_600_000), []);
    assert!((size(&learner) - 500.0).abs() < 1e-9);
    learner.learn(ms(0), []);
    assert!((size(&learner) - 500.0).abs() < 1e-9, "time doesn't run backwards");
    learner.learn(ms(20 * 3_600_000), []);
    assert!(learner.cells.is_empty());
    assert_eq!(learner.table().rows.len(), 1);
}

#[test]
fn reopening_keeps_the_mean_and_drops_the_weight_of_its_slice_only() {
    let conditions = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    let mut learner = Learner::default();
    let everywhere = |gateway| [HDFC, SBI, UPI].map(|values| counted(gateway, values, 1_000, 900));
    learner.learn(ms(0), everywhere("a").into_iter().chain(everywhere("b")));
    let before = learner.table();
    learner.reopen(&conditions(&[]));
    learner.reopen(&conditions(&[("merchant_id", "m_1")]));
    assert_eq!(learner.table(), before);
    learner.reopen(&conditions(&[("gateway", "a"), ("issuer", "HDFC"), ("sub_type", "X")]));
    let after = learner.table();
    let law = |table, gateway, values| posterior(table, gateway, values);
    assert!((law(&after, "a", HDFC).mean() - law(&before, "a", HDFC).mean()).abs() < 0.01);
    assert!((law(&after, "a", HDFC).size() - 40.0).abs() < 1e-9);
    for (gateway, values) in [("a", SBI), ("a", UPI), ("b", HDFC)] {
        assert_eq!(law(&after, gateway, values).size(), law(&before, gateway, values).size());
    }
}

#[test]
fn beyond_the_cap_cells_are_the_others_of_their_method() {
    let settings = LearnerSettings { cells_max: 3, ..LearnerSettings::default() };
    let mut learner = Learner::new(settings);
    for number in 0..500 {
        let issuer = format!("bank_{number}");
        let method = if number % 2 == 0 { "card" } else { "upi" };
        let values = [("method", method), ("issuer", issuer.as_str())];
        learner.learn(ms(0), [counted("a", &values, 10, 8)]);
    }
    let paths: Vec<String> = learner.cells.keys().map(|path| path.join(" ")).collect();
    insta::assert_snapshot!(paths.join("\n"), @r"
    card __none__ bank_0
    card __none__ bank_2
    card __other__ __other__
    upi __none__ bank_1
    upi __other__ __other__
    ");
    let attempts: f64 = learner.cells.values().map(|row| row["a"].attempts).sum();
    assert_eq!(attempts, 5_000.0);
}

/// Shares of the best gateway's payments, quarter by quarter of a run in which the best and the worst swap half-way, with a
/// snapshot every 50 payments.
fn closed_loop(learning: Learning, is_told: bool) -> [f64; 4] {
    const GATEWAYS: [&str; 4] = ["a", "b", "c", "d"];
    let n = 40_000;
    let gateways = GATEWAYS.map(|name| Gateway {
        name: name.into(),
        methods: Vec::new(),
        capacity_per_s: None,
        fee: Vec::new(),
    });
    let mut learner = Learner::default();
    let mut world = Stream::named(5, "outcomes");
    let mut terms = Terms { learning, gateways: gateways.to_vec(), ..Terms::default() };
    let mut policy = Policy::new(terms.clone());
    let mut best = [0.0; 4];
    let mut tick = BTreeMap::<String, (u64, u64)>::new();
    for number in 0..n {
        let has_swapped = number >= n / 2;
        let rates = if has_swapped { [0.6, 0.84, 0.86, 0.9] } else { [0.92, 0.84, 0.86, 0.6] };
        let payment_id = format!("pay_{number}");
        let context = Context {
            payment_id: &payment_id,
            attempt_number: 1,
            at: ms(number * 100),
            values: HDFC,
            amount: None,
            candidates: &[],
        };
        let choice = policy.choose(&context).unwrap();
        let chosen = GATEWAYS.iter().position(|name| *name == choice.gateway).unwrap();
        let is_best = chosen == if has_swapped { 3 } else { 0 };
        best[(number * 4 / n) as usize] += f64::from(u8::from(is_best)) * 4.0 / n as f64;
        let (attempts, successes) = tick.entry(choice.gateway).or_default();
        *attempts += 1;
        *successes += u64::from(world.bernoulli(rates[chosen]));
        if is_told && number == n / 2 + 100 {
            for name in ["a", "d"] {
                learner.reopen(&BTreeMap::from([("gateway".into(), name.into())]));
            }
        }
        if number % 50 == 49 {
            let tick = std::mem::take(&mut tick);
            let counts = tick.iter().map(|(name, (n, k))| counted(name, HDFC, *n, *k));
            learner.learn(ms(number * 100), counts);
            terms.table = learner.table();
            policy = Policy::new(terms.clone());
        }
    }
    best
}

#[test]
fn it_finds_the_best_and_follows_when_told_of_a_change() {
    let shares = |shares: [f64; 4]| shares.map(|share| (share * 100.0).round() as u32);
    let told = shares(closed_loop(Learning::Explore, true));
    let untold = shares(closed_loop(Learning::Explore, false));
    let greedy = shares(closed_loop(Learning::Exploit, true));
    insta::assert_snapshot!(format!("told {told:?}, untold {untold:?}, greedy {greedy:?}"), @"told [98, 100, 91, 100], untold [98, 100, 58, 100], greedy [99, 100, 0, 0]");
}
