//! Misspecified on purpose: interactions that no sum of effects explains, thresholds in the amount, heavy tails, fees.
//!
//! Each gateway has a level of its own in every cell of method and issuer; some refuse amounts beyond a limit; shocks
//! of Student's law with two degrees of freedom strike for three minutes; the hour moves gateways against each other in steps. Amounts follow Pareto's law.
//! Fees are fixed and in proportion, different by method.

use payments::{Currency, Money};
use routing::{Fee, Gateway};
use stats::stream::Stream;

use super::{PAYMENTS, delay_ms, logistic};
use crate::bandit::world::{AMOUNT_BAND, Payment, World};

const GATEWAYS: usize = 8;
const METHODS: usize = 3;
const ISSUERS: usize = 5;
const BANDS: usize = 4;
const PER_S: f64 = 2.0;
const SHOCK_LASTS_S: f64 = 180.0;
/// Amounts of the bands begin here.
const BAND_FROM: [i64; BANDS] = [0, 50_000, 200_000, 1_000_000];

fn gateways(stream: &mut Stream) -> Vec<Gateway> {
    let currency = Currency::parse("INR");
    let mut fee = |method: usize| Fee {
        method: Some(format!("m{method}")),
        from_minor: 0,
        fixed_minor: stream.range(0.0, 600.0) as i64,
        currency,
        bps: stream.range(40.0, 300.0) as u32,
    };
    (0..GATEWAYS)
        .map(|number| Gateway {
            name: format!("g{number}"),
            fee: (0..METHODS).map(&mut fee).collect(),
            ..Gateway::default()
        })
        .collect()
}

pub fn world(seed: u64) -> World {
    let root = Stream::named(seed, "bandit misspecified");
    let mut fixed = root.fork("fixed");
    let gateways = gateways(&mut fixed);
    let mut table = |count: usize, deviation: f64| -> Vec<f64> {
        (0..count).map(|_| deviation * fixed.normal()).collect()
    };
    let cells = table(GATEWAYS * METHODS * ISSUERS, 0.7);
    let limits: Vec<f64> =
        table(GATEWAYS, 1.0).iter().map(|z| 200_000.0 * libm::exp(1.5 * z)).collect();
    let by_hour = table(GATEWAYS * 3, 0.3);
    let mut shocks = root.fork("shocks");
    let mut shock = [0.0; GATEWAYS];
    let mut shock_ends_s = 0.0;
    let mut traffic = root.fork("traffic");
    let mut now_s = 0.0;
    let currency = Currency::parse("INR").unwrap_or_else(|| unreachable!("INR is ISO 4217"));
    let payments = (0..PAYMENTS).map(|_| {
        now_s += traffic.exponential() / PER_S;
        while now_s >= shock_ends_s {
            for shock in &mut shock {
                // Student's t with two degrees of freedom.
                *shock = 0.25 * shocks.normal() / (shocks.exponential()).sqrt();
            }
            shock_ends_s += SHOCK_LASTS_S;
        }
        let method = traffic.weighted(&[0.5, 0.3, 0.2]);
        let issuer = traffic.weighted(&[0.35, 0.25, 0.2, 0.12, 0.08]);
        let amount_minor =
            (20_000.0 / libm::pow(traffic.uniform_open(), 1.0 / 1.3)).min(1e9) as i64;
        let band = BAND_FROM.iter().rposition(|from| amount_minor >= *from).unwrap_or(0);
        let part_of_day = (now_s / 3_600.0) as usize % 3;
        let rates = (0..GATEWAYS).map(|g| {
            let cell = cells[(g * METHODS + method) * ISSUERS + issuer];
            let rate = logistic(1.7 + cell + by_hour[g * 3 + part_of_day] + shock[g]);
            if amount_minor as f64 > limits[g] { 0.5 * rate } else { rate }
        });
        let amount = Money { minor: amount_minor, currency };
        let name = format!("m{method}");
        let kept = gateways.iter().map(|g| 1.0 - g.fee_share(Some(&name), Some(amount)));
        Payment {
            at_ms: (now_s * 1_000.0) as i64,
            values: vec![method as u16, issuer as u16, band as u16],
            amount_minor,
            eligible: (0..GATEWAYS as u16).collect(),
            rates: rates.collect(),
            kept: kept.collect(),
            luck: traffic.uniform(),
            delay_ms: delay_ms(&mut traffic),
        }
    });
    let payments = payments.collect();
    World {
        dimensions: vec!["method".into(), "issuer".into(), AMOUNT_BAND.into()],
        values: vec![
            World::named("m", METHODS),
            World::named("i", ISSUERS),
            World::named("b", BANDS),
        ],
        gateways,
        payments,
    }
}
