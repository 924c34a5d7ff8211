//! Generated policies and payments for the properties: few names, so that everything meets everything.

use std::collections::BTreeMap;

use payments::{Currency, Money, Timestamp};
use proptest::prelude::*;
use stats::posterior::Beta;

use crate::{
    Allocation, Context, Directive, Fee, Gateway, Learning, Overlay, Policy, Table, Terms,
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
}

impl Payment {
    pub fn context<'a>(&'a self, payment_id: &'a str) -> Context<'a> {
        Context {
            payment_id,
            attempt_number: 1,
            at: Timestamp::from_millis(NOW_MS),
            values: &self.values,
            amount: self.amount,
            candidates: &self.candidates,
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
    (value("method", &METHODS), value("issuer", &ISSUERS), candidates, amount).prop_map(
        |(method, issuer, candidates, amount)| Payment {
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
        share,
        0u64..4,
        lives_ms,
        0..100u32,
        any::<bool>(),
    )
        .prop_map(|(when, from, directive, share, salt, lives_ms, id, tested)| Overlay {
            intervention_id: format!("i_{id}"),
            experiment_id: tested.then(|| format!("x_{id}")),
            when,
            from,
            directive,
            share,
            salt,
            expires_at: Timestamp::from_millis(NOW_MS + lives_ms),
        })
}

fn gateway() -> impl Strategy<Value = Gateway> {
    let methods = prop::sample::subsequence(&METHODS[..2], 0..2);
    let fee = (0u32..800, 0i64..2_000, 0i64..100_000).prop_map(|(bps, fixed_minor, from_minor)| {
        Fee { method: None, from_minor, fixed_minor, currency: Currency::parse("INR"), bps }
    });
    (name(), methods, prop::collection::vec(fee, 0..3)).prop_map(|(name, methods, fee)| Gateway {
        name,
        methods: methods.into_iter().map(Into::into).collect(),
        capacity_per_s: None,
        fee,
    })
}

fn table() -> impl Strategy<Value = Table> {
    let posterior = || (0.2..0.98_f64, 2.0..400.0_f64).prop_map(|(m, n)| Beta::with_mean(m, n));
    let row = || prop::collection::btree_map(name(), posterior(), 0..6);
    (row(), prop::collection::vec(row(), 3), prop::collection::vec(row(), 3)).prop_map(
        |(root, methods, cells)| {
            let mut rows = BTreeMap::from([(vec![], root)]);
            for (at, (method, cell)) in methods.into_iter().zip(cells).enumerate() {
                rows.insert(vec![METHODS[at].into()], method);
                rows.insert(vec![METHODS[at].into(), "HDFC".into()], cell);
            }
            Table {
                dimensions: vec!["method".into(), "issuer".into()],
                rows,
                unknown: Beta::new(1.0, 1.0),
            }
        },
    )
}

pub fn terms() -> impl Strategy<Value = Terms> {
    let learning = prop::sample::select(&[Learning::Off, Learning::Exploit, Learning::Explore][..]);
    let seen = prop::collection::vec(name(), 0..4)
        .prop_map(|names| BTreeMap::from([("wallet".to_owned(), names)]));
    let overlays = prop::collection::vec(overlay(), 0..6);
    let gateways = prop::collection::vec(gateway(), 0..5);
    (any::<u64>(), learning, gateways, seen, overlays, prop::bool::weighted(0.1), table()).prop_map(
        |(seed, learning, gateways, seen, overlays, kill_switch, table)| Terms {
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
