//! Generated policies and payments for the properties: few names, so that everything meets everything.

use std::collections::BTreeMap;

use payments::{Currency, Money, Timestamp};
use proptest::prelude::*;

use crate::{
    Allocation, Context, Directive, Effect, Exploration, Fee, Gateway, Learning, Overlay, Place,
    Policy, Row, Rule, Table, Terms, Unseen,
};

pub const GATEWAYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const METHODS: [&str; 3] = ["card", "upi", "wallet"];
const ISSUERS: [&str; 2] = ["HDFC", "SBI"];
/// When payments are routed; some overlays have expired by then.
pub const NOW_MS: i64 = 1_000_000;

/// A payment that owns what a context borrows.
#[derive(Clone, Debug)]
pub struct Payment {
    pub values: Vec<(&'static str, &'static str)>,
    pub candidates: Vec<&'static str>,
    pub amount: Option<Money>,
    pub sticky: Option<&'static str>,
}

impl Payment {
    pub fn context<'a>(&'a self, payment_id: &'a str) -> Context<'a> {
        Context {
            values: &self.values,
            amount: self.amount,
            candidates: &self.candidates,
            sticky: self.sticky,
            ..Context::at(Timestamp::from_millis(NOW_MS), payment_id)
        }
    }
}

pub fn payment() -> impl Strategy<Value = Payment> {
    let value = |name, among: &'static [&'static str]| {
        proptest::option::weighted(0.8, prop::sample::select(among).prop_map(move |v| (name, v)))
    };
    let candidates =
        prop_oneof![Just(vec![]), prop::collection::vec(prop::sample::select(&GATEWAYS[..]), 1..6)];
    let amount = proptest::option::of((0i64..500_000, prop::sample::select(&["INR", "EUR"][..])));
    let sticky = proptest::option::weighted(0.2, prop::sample::select(&GATEWAYS[..]));
    (value("method", &METHODS), value("issuer", &ISSUERS), candidates, amount, sticky).prop_map(
        |(method, issuer, candidates, amount, sticky)| Payment {
            sticky,
            values: method.into_iter().chain(issuer).collect(),
            candidates,
            amount: amount
                .map(|(minor, code)| Money { minor, currency: Currency::parse(code).unwrap() }),
        },
    )
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&GATEWAYS[..]).prop_map(Into::into)
}

fn directive() -> impl Strategy<Value = Directive> {
    prop_oneof![
        3 => prop::collection::vec((name(), 0.0..1.0_f64), 0..4).prop_map(|to| Directive::Reroute { to }),
        2 => Just(Directive::Suppress),
        1 => (1u32..5, 0u32..600).prop_map(|(attempts_max, delay_s_min)| Directive::Retry { attempts_max, delay_s_min }),
    ]
}

fn overlay() -> impl Strategy<Value = Overlay> {
    let when = (
        proptest::option::of(prop::sample::select(&METHODS[..2])),
        proptest::option::of(prop::sample::select(&["HDFC", "SBI", "__none__"][..])),
    )
        .prop_map(|(method, issuer)| {
            let pairs = [("method", method), ("issuer", issuer)];
            pairs.into_iter().filter_map(|(d, v)| Some((d.into(), v?.into()))).collect()
        });
    let share = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64];
    let lives_ms = prop::sample::select(&[0, 1, 60_000][..]);
    (
        when,
        proptest::option::weighted(0.9, name()),
        directive(),
        (share, prop_oneof![2 => Just(0.0), 1 => 0.0..1.0_f64]),
        0u64..4,
        lives_ms,
        0..100u32,
        any::<bool>(),
    )
        .prop_map(|(when, from, directive, (share, holds), salt, lives_ms, id, tested)| {
            Overlay {
                intervention_id: format!("i_{id}"),
                experiment_id: tested.then(|| format!("x_{id}")),
                when,
                from,
                directive,
                share,
                holds,
                salt,
                expires_at: Timestamp::from_millis(NOW_MS + lives_ms),
            }
        })
}

fn gateway() -> impl Strategy<Value = Gateway> {
    let methods = prop::sample::subsequence(&METHODS[..2], 0..2);
    let fee = (0u32..800, 0i64..2_000, 0i64..100_000).prop_map(|(bps, fixed_minor, from_minor)| {
        Fee { method: None, from_minor, fixed_minor, currency: Currency::parse("INR"), bps }
    });
    let issuers = prop::sample::subsequence(&ISSUERS[..], 1..3)
        .prop_map(|issuers| issuers.into_iter().map(Into::into).collect::<Vec<String>>());
    let rule = (issuers, proptest::option::of(0..400_000_i64))
        .prop_map(|(issuer, amount_max)| Rule { issuer, amount_max, ..Rule::default() });
    let accepts = prop::collection::vec(rule.clone(), 0..2);
    let refuses = prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(rule, 0..2)];
    let share_min = prop_oneof![3 => Just(0.0), 1 => 0.0..0.3_f64];
    let fee = prop::collection::vec(fee, 0..3);
    (name(), methods, fee, accepts, refuses, share_min).prop_map(
        |(name, methods, fee, accepts, refuses, share_min)| Gateway {
            name,
            methods: methods.into_iter().map(Into::into).collect(),
            fee,
            accepts,
            refuses,
            share_min,
            ..Gateway::default()
        },
    )
}

fn table() -> impl Strategy<Value = Table> {
    let effect =
        || (-1.5..1.5_f64, 0.001..1.0_f64).prop_map(|(mean, variance)| Effect { mean, variance });
    let own = move || {
        let gateways = prop::sample::subsequence((0..6).collect::<Vec<u16>>(), 0..6);
        gateways.prop_flat_map(move |at| {
            let effects = prop::collection::vec(effect(), at.len());
            effects.prop_map(move |effects| at.iter().copied().zip(effects).collect::<Vec<_>>())
        })
    };
    let places = || {
        let value = |dimension, value: &str| Place::Value(dimension, value.into());
        let cell = |method: &str| Place::Cell(vec![method.into(), "HDFC".into()]);
        let methods = METHODS.iter().map(move |method| value(0, method));
        let issuers = ISSUERS.iter().map(move |issuer| value(1, issuer));
        std::iter::once(Place::Everywhere)
            .chain(methods)
            .chain(issuers)
            .chain(METHODS.iter().map(move |method| cell(method)))
            .collect::<Vec<_>>()
    };
    let count = places().len();
    let rows = prop::collection::vec((0.0..1.0_f64, own()), count);
    let attempts = prop::collection::vec(0.0..100.0_f64, 6);
    (rows, attempts).prop_map(move |(rows, attempts)| Table {
        dimensions: vec!["method".into(), "issuer".into()],
        gateways: GATEWAYS.map(Into::into).into(),
        attempts,
        in_cell: 2,
        back: vec![0.0, 0.3, 0.0, 0.001, 0.9, 0.0],
        rows: places()
            .into_iter()
            .zip(rows)
            .map(|(place, (shared, own))| Row { place, shared, own })
            .collect(),
        unseen: Unseen { everywhere: 0.5, value: 0.1, cell: 0.05 },
    })
}

fn exploration() -> impl Strategy<Value = Exploration> {
    (prop_oneof![Just(0.0), 0.0..0.1_f64], 0.05..1.0_f64, 0.1..2.0_f64, 0.0..0.2_f64).prop_map(
        |(floor, newcomers_max, boldness, sticky_loss_max)| Exploration {
            floor,
            newcomers_max,
            boldness,
            sticky_loss_max,
            ..Exploration::default()
        },
    )
}

fn admitted() -> impl Strategy<Value = BTreeMap<String, f64>> {
    prop::collection::btree_map(name(), 0.0..1.0_f64, 0..3)
}

pub fn terms() -> impl Strategy<Value = Terms> {
    let learning = prop::sample::select(&[Learning::Off, Learning::Exploit, Learning::Explore][..]);
    let seen = prop::collection::vec(name(), 0..4)
        .prop_map(|names| BTreeMap::from([("wallet".to_owned(), names)]));
    let overlays = prop::collection::vec(overlay(), 0..6);
    let gateways = prop::collection::vec(gateway(), 0..5);
    let kill_switch = prop::bool::weighted(0.1);
    let bounds = (exploration(), admitted());
    (any::<u64>(), learning, gateways, seen, overlays, kill_switch, table(), bounds).prop_map(
        |(seed, learning, gateways, seen, overlays, kill_switch, table, bounds)| Terms {
            exploration: bounds.0,
            admitted: bounds.1,
            version: 3,
            seed,
            learning,
            gateways,
            seen,
            allocation: Allocation { version: 1, overlays },
            kill_switch,
            table,
        },
    )
}

pub fn policy() -> impl Strategy<Value = Policy> {
    terms().prop_map(Policy::new)
}
