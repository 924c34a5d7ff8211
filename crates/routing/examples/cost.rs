//! What a choice costs: so many of one kind, to be timed from outside, since a pure crate has no clock.
//!
//!     cargo build --release -p routing --example cost
//!     time target/release/examples/cost explore 2000000
//!
//! Kinds: `off`, `exploit`, `explore` (six gateways, two of them close), `rivals` (six alike: the most work), `fees`
//! (rivals with price lists), each with three overlays; `id` (names of decisions); `build` (policies over 100 cells).

use std::collections::BTreeMap;
use std::hint::black_box;

use payments::{Currency, Money, Timestamp};
use routing::{
    Allocation, Context, Directive, Fee, Gateway, Learner, Learning, Outcomes, Overlay, Policy,
    Terms,
};

const GATEWAYS: [&str; 6] = ["razorpay", "payu", "paytm", "cashfree", "ccavenue", "billdesk"];

fn terms(kind: &str) -> Terms {
    let mut learner = Learner::default();
    let rates = match kind {
        "rivals" | "fees" => [900; 6],
        _ => [905, 903, 870, 850, 880, 800],
    };
    for issuer in 0..100 {
        let issuer = format!("bank_{issuer}");
        let values = [("method", "card"), ("network", "VISA"), ("issuer", issuer.as_str())];
        let counts = GATEWAYS.iter().zip(rates).map(|(gateway, successes)| Outcomes {
            gateway,
            values: &values,
            attempts: 1_000,
            successes,
        });
        learner.learn(Timestamp::from_millis(0), counts);
    }
    let gateways = GATEWAYS.iter().enumerate().map(|(at, name)| Gateway {
        name: (*name).into(),
        methods: vec!["card".into(), "upi".into()],
        capacity_per_s: None,
        fee: (0..usize::from(kind == "fees"))
            .map(|_| Fee {
                method: Some("card".into()),
                from_minor: 0,
                fixed_minor: 300,
                currency: Currency::parse("INR"),
                bps: 190 + at as u32,
            })
            .collect(),
    });
    let overlay = |from: &str, network: &str, directive| Overlay {
        intervention_id: "i_1".into(),
        experiment_id: Some("x_1".into()),
        when: BTreeMap::from([
            ("network".into(), network.into()),
            ("issuer".into(), "bank_7".into()),
        ]),
        from: Some(from.into()),
        directive,
        share: 0.2,
        salt: 5,
        expires_at: Timestamp::from_millis(1_000_000),
    };
    let to = vec![("payu".into(), 0.6), ("paytm".into(), 0.4)];
    let overlays = vec![
        overlay("razorpay", "RUPAY", Directive::Suppress),
        overlay("razorpay", "VISA", Directive::Reroute { to }),
        overlay("cashfree", "VISA", Directive::Suppress),
    ];
    Terms {
        learning: match kind {
            "off" => Learning::Off,
            "exploit" => Learning::Exploit,
            _ => Learning::Explore,
        },
        gateways: gateways.collect(),
        allocation: Allocation { version: 1, overlays },
        table: learner.table(),
        ..Terms::default()
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_else(|| "explore".into());
    let count: u32 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let terms = terms(&kind);
    let policy = Policy::new(terms.clone());
    let values = [
        ("merchant_id", "m_1"),
        ("method", "card"),
        ("network", "VISA"),
        ("issuer", "bank_7"),
        ("country", "IN"),
    ];
    for number in 0..count {
        let payment_id = ["pay_8c1f2a", "pay_91bd04", "pay_aa0e77"][number as usize % 3];
        let context = Context {
            payment_id,
            attempt_number: number,
            at: Timestamp::from_millis(0),
            values: &values,
            amount: Currency::parse("INR").map(|currency| Money { minor: 150_000, currency }),
            candidates: &[],
        };
        match kind.as_str() {
            "id" => drop(black_box(policy.decision_id(black_box(&context)))),
            "build" => drop(black_box(Policy::new(black_box(terms.clone())))),
            _ => drop(black_box(policy.choose(black_box(&context)))),
        }
    }
}
