//! What the learner keeps, forgets and finds, alone and in a closed loop with the policy.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stats::stream::Stream;

use super::*;
use crate::{Context, Exploration, Gateway, Learning, Policy, Terms};

fn ms(at: i64) -> Timestamp {
    Timestamp::from_millis(at)
}

/// Expected success rate, and its error.
fn expected(table: &Table, gateway: &str, values: &[(&str, &str)]) -> (f64, f64) {
    let terms = Terms { learning: Learning::Exploit, table: table.clone(), ..Terms::default() };
    let candidates = [gateway];
    let context = Context { values, candidates: &candidates, ..Context::at(ms(0), "p") };
    let term = Policy::new(terms).explain(&context).unwrap().remove(0);
    (term.success_rate, term.success_error)
}

fn counted<'a>(
    gateway: &'a str,
    values: &'a [(&'a str, &'a str)],
    attempts: u64,
    successes: u64,
) -> Outcomes<'a> {
    Outcomes { gateway, values, amount: None, attempts, successes }
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
        let mut settings = LearnerSettings { cells_max: 2, values_max: 2, ..LearnerSettings::default() };
        settings.dimensions.truncate(dimensions);
        let mut learner = Learner::new(settings);
        for (number, tick) in (0..).zip(ticks) {
            learner.learn(ms(number * step), outcomes(&tick));
            prop_assert!(learner.cells.len() <= 2);
            prop_assert!(learner.values.iter().all(|values| values.len() <= 3));
            prop_assert!((learner.beliefs().iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for row in learner.table().rows {
                prop_assert!(row.shared.is_finite());
                for (_, effect) in row.own {
                    prop_assert!(effect.mean.is_finite() && effect.variance >= 0.0);
                }
            }
        }
    }
}

#[test]
fn a_cell_follows_its_evidence_and_leans_where_it_has_none() {
    let mut learner = Learner::default();
    for second in 0..200 {
        let good = counted("a", HDFC, 25, 22 + second % 2);
        let bad = counted("a", UPI, 25, 10);
        learner.learn(ms(second as i64 * 1_000), [good, bad, counted("b", UPI, 5, 3)]);
    }
    let table = learner.table();
    let rate = |gateway, values| expected(&table, gateway, values).0;
    let error = |gateway, values| expected(&table, gateway, values).1;
    assert!((rate("a", HDFC) - 0.9).abs() < 0.02 && error("a", HDFC) < 0.05);
    assert!((rate("a", UPI) - 0.4).abs() < 0.05);
    // A new cell is likely as the method's others, and less certain.
    assert!(rate("a", SBI) > 0.8 && error("a", SBI) > error("a", HDFC));
    // What nothing is known of is least certain.
    assert!(error("z", HDFC) > error("b", HDFC));
}

#[test]
fn what_strikes_all_moves_no_gateway_ahead() {
    let mut learner = Learner::default();
    let tick = |learner: &mut Learner, second: i64, rate: [u64; 2]| {
        let of = |(gateway, successes)| counted(gateway, HDFC, 10, successes);
        learner.learn(ms(second * 1_000), [("a", rate[0]), ("b", rate[1])].map(of));
    };
    (0..300).for_each(|second| tick(&mut learner, second, [9, 8]));
    let before = learner.table();
    (300..330).for_each(|second| tick(&mut learner, second, [3, 3]));
    let after = learner.table();
    let idle = |table| expected(table, "c", HDFC).0;
    assert!(idle(&after) < idle(&before) - 0.2, "{} {}", idle(&after), idle(&before));
}

#[test]
fn the_pace_is_learnt() {
    let run = |swaps: bool| {
        let mut learner = Learner::default();
        let mut stream = Stream::named(3, "pace");
        for second in 0..20_000_i64 {
            let is_up = !swaps || (second / 600) % 2 == 0;
            let success = u64::from(stream.bernoulli(if is_up { 0.9 } else { 0.4 }));
            learner.learn(ms(second * 1_000), [counted("a", HDFC, 1, success)]);
        }
        learner.beliefs()
    };
    let (calm, wild) = (run(false), run(true));
    assert!(calm[0] > 0.5, "{calm:?}");
    assert!(wild[0] < 0.05, "{wild:?}");
}

#[test]
fn what_passes_is_forgotten() {
    let mut learner = Learner::default();
    let tick = |learner: &mut Learner, second: i64, successes| {
        learner.learn(
            ms(second * 1_000),
            [counted("a", HDFC, 10, successes), counted("b", HDFC, 10, 9)],
        );
    };
    (0..600).for_each(|second| tick(&mut learner, second, 9));
    let before = expected(&learner.table(), "a", HDFC);
    (600..660).for_each(|second| tick(&mut learner, second, 1));
    let during = expected(&learner.table(), "a", HDFC);
    learner.learn(ms(3 * 3_600_000), []);
    let after = expected(&learner.table(), "a", HDFC);
    assert!(
        during.0 < 0.4 && after.0 > 0.6 && after.1 > before.1,
        "{before:?} {during:?} {after:?}"
    );
    let still = learner.table();
    learner.learn(ms(0), []);
    assert_eq!(learner.table(), still, "time doesn't run backwards");
}

#[test]
fn reopening_keeps_the_mean_and_drops_the_certainty_of_its_slice_only() {
    let conditions = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    let mut learner = Learner::default();
    let everywhere = |gateway| [HDFC, SBI, UPI].map(|values| counted(gateway, values, 10, 9));
    for second in 0..100 {
        let outcomes = everywhere("a").into_iter().chain(everywhere("b"));
        learner.learn(ms(second * 1_000), outcomes);
    }
    let before = learner.table();
    learner.reopen(&conditions(&[]));
    learner.reopen(&conditions(&[("merchant_id", "m_1")]));
    learner.reopen(&conditions(&[("gateway", "z")]));
    assert_eq!(learner.table(), before);
    learner.reopen(&conditions(&[("gateway", "a"), ("issuer", "HDFC"), ("sub_type", "X")]));
    let after = learner.table();
    assert!(expected(&after, "a", HDFC).1 > 2.0 * expected(&before, "a", HDFC).1);
    for (gateway, values) in [("a", SBI), ("a", UPI), ("b", HDFC)] {
        assert_eq!(expected(&after, gateway, values), expected(&before, gateway, values));
    }
}

#[test]
fn reopening_a_slice_beyond_cells_opens_its_values_and_passes_over_what_tells_nothing_apart() {
    let conditions = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    let dimensions = ["method", "issuer", "merchant_id", "country"];
    let mut learner = Learner::new(LearnerSettings::of(dimensions));
    let values = |merchant, issuer| {
        [("method", "card"), ("issuer", issuer), ("merchant_id", merchant), ("country", "IN")]
    };
    let payments = [("m_1", "HDFC"), ("m_2", "SBI")].map(|(m, i)| values(m, i));
    for second in 0..100 {
        let outcomes = payments
            .iter()
            .flat_map(|values| ["a", "b"].map(|gateway| counted(gateway, values, 10, 9)));
        learner.learn(ms(second * 1_000), outcomes);
    }
    let before = learner.table();
    let error = |table: &Table, gateway, at: usize| expected(table, gateway, &payments[at]).1;
    let opened = |pairs: &[(&str, &str)]| {
        let mut learner = learner.clone();
        learner.reopen(&conditions(pairs));
        let after = learner.table();
        [("a", 0), ("a", 1), ("b", 0)]
            .map(|(gateway, at)| error(&after, gateway, at) > 2.0 * error(&before, gateway, at))
    };
    assert_eq!(opened(&[("gateway", "a"), ("merchant_id", "m_1")]), [true, false, false]);
    assert_eq!(opened(&[("gateway", "a"), ("country", "IN")]), [true, true, false]);
    assert_eq!(
        opened(&[("gateway", "a"), ("country", "IN"), ("issuer", "HDFC"), ("merchant_id", "m_1")]),
        [true, false, false]
    );
    assert_eq!(opened(&[("country", "IN")]), [false; 3]);
}

/// A gateway that led, fell and is back has half of its payments again after a few successes, on a handful of tries.
#[test]
fn a_gateway_that_led_is_believed_to_be_back_after_a_few_successes() {
    let mut learner = Learner::default();
    let mut tick = |second: i64, a: (u64, u64), b: (u64, u64)| {
        learner.learn(
            ms(second * 1_000),
            [counted("a", HDFC, a.0, a.1), counted("b", HDFC, b.0, b.1)],
        );
        learner.table()
    };
    for second in 0..600 {
        tick(second, (10, 9 + (second % 5 == 0) as u64), (1, (second % 10 < 8) as u64));
    }
    for second in 600..900 {
        tick(
            second,
            if second < 630 { (10, 2) } else { (u64::from(second % 15 == 0), 0) },
            (10, 8),
        );
    }
    let fallen = tick(900, (1, 0), (10, 8));
    assert!(fallen.back[0] < 0.02, "{:?}", fallen.back);
    let mut tries = 0;
    loop {
        let table = tick(915 + tries * 15, (1, 1), (10, 8));
        tries += 1;
        if expected(&table, "a", HDFC).0 > 0.7 {
            break;
        }
    }
    assert!((2..10).contains(&tries), "{tries} successes");
    // One that never led has no such past.
    assert!(tick(7_200, (0, 0), (10, 8)).back[1] < 0.02);
}

/// At today's date as at the epoch: nobody is back who never fell.
#[test]
fn a_gateway_that_is_seen_for_the_first_time_or_alone_has_nothing_to_come_back_from() {
    let mut learner = Learner::default();
    for second in 0..100 {
        let at = ms(1_790_000_000_000 + second * 1_000);
        learner.learn(at, [counted("a", HDFC, 10, 9), counted("b", UPI, 10, 4)]);
        assert!(learner.table().back.iter().all(|back| *back < 1e-3), "{:?}", learner.table().back);
    }
}

#[test]
fn beyond_the_cap_values_are_the_others() {
    let settings = LearnerSettings { values_max: 3, cells_max: 4, ..LearnerSettings::default() };
    let mut learner = Learner::new(settings);
    for number in 0..500 {
        let issuer = format!("bank_{number}");
        let values = [("method", "card"), ("issuer", issuer.as_str())];
        learner.learn(ms(0), [counted("a", &values, 10, 8)]);
    }
    let kept: Vec<&str> = learner.values[2].keys().map(String::as_str).collect();
    assert_eq!(kept, ["__other__", "bank_0", "bank_1", "bank_2"]);
    assert_eq!(learner.cells.len(), 4);
    // A week later what wasn't touched makes room.
    learner.learn(ms(8 * 86_400_000), [counted("a", HDFC, 10, 8)]);
    assert!(learner.values[2].contains_key("HDFC"));
}

/// Shares of the best gateway's payments, quarter by quarter of a run in which the best and the worst swap half-way, with a
/// snapshot every 50 payments.
fn closed_loop(seed: u64, floor: f64, is_told: bool) -> [f64; 4] {
    const GATEWAYS: [&str; 4] = ["a", "b", "c", "d"];
    let n = 40_000;
    let gateways = GATEWAYS.map(|name| Gateway { name: name.into(), ..Gateway::default() });
    let mut learner = Learner::default();
    let mut world = Stream::named(seed, "outcomes");
    let exploration = Exploration { floor, ..Exploration::default() };
    let learning = Learning::Explore;
    let mut terms =
        Terms { learning, exploration, gateways: gateways.to_vec(), ..Terms::default() };
    let mut policy = Policy::new(terms.clone());
    let mut best = [0.0; 4];
    let mut tick = BTreeMap::<String, (u64, u64)>::new();
    for number in 0..n {
        let has_swapped = number >= n / 2;
        let rates = if has_swapped { [0.6, 0.84, 0.86, 0.9] } else { [0.92, 0.84, 0.86, 0.6] };
        let payment_id = format!("pay_{number}");
        let at = ms(number * 100);
        let context = Context { values: HDFC, ..Context::at(at, &payment_id) };
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
fn it_finds_the_best_and_follows_a_change() {
    let told = closed_loop(5, 0.0, true);
    assert!(told.iter().all(|share| *share > 0.85), "{told:?}");
}

/// Without being told it isn't sure to come back unless each gateway keeps a share: seed 5 doesn't with a floor of 0.
#[test]
fn with_a_floor_it_follows_a_change_untold_and_sooner_when_told() {
    for seed in 0..6 {
        let [told, untold] = [true, false].map(|is_told| closed_loop(seed, 0.01, is_told));
        assert!(told.iter().all(|share| *share > 0.8), "{seed}: {told:?}");
        assert!(untold.iter().all(|share| *share > 0.5), "{seed}: {untold:?}");
        assert!(told[2] > untold[2], "{seed}: {told:?} {untold:?}");
    }
}
