//! Drift and outages: six gateways whose rates wander; now and then one fails for some minutes, everywhere or at one issuer.
//!
//! The log odds are a sum over gateway, gateway x network and gateway x issuer, so this is the model's own family but for the outages.

use stats::stream::Stream;

use super::{PAYMENTS, amount, delay_ms, logistic};
use crate::bandit::world::{Payment, World};

const GATEWAYS: usize = 6;
const NETWORKS: usize = 4;
const ISSUERS: usize = 8;
const PER_S: f64 = 3.0;
/// A rate's wander: standard deviation in log odds, and time to half.
const WANDER: f64 = 0.35;
const HALF_LIFE_S: f64 = 3_600.0;
/// Between the outages of a gateway, and of one at one issuer.
const OUTAGE_EVERY_S: f64 = 3_600.0;
const OUTAGE_AT_ISSUER_EVERY_S: f64 = 4.0 * 3_600.0;
const OUTAGE_LASTS_S: f64 = 480.0;

struct Outage {
    from_s: f64,
    to_s: f64,
    issuer: Option<usize>,
    left: f64,
}

fn outages(stream: &mut Stream, every_s: f64, issuer: Option<usize>, until_s: f64) -> Vec<Outage> {
    let mut from_s = every_s * stream.exponential();
    let mut outages = Vec::new();
    while from_s < until_s {
        let to_s = from_s + OUTAGE_LASTS_S * stream.exponential();
        outages.push(Outage { from_s, to_s, issuer, left: stream.range(0.05, 0.5) });
        from_s = to_s + every_s * stream.exponential();
    }
    outages
}

pub fn world(seed: u64) -> World {
    let root = Stream::named(seed, "bandit drift");
    let mut fixed = root.fork("fixed");
    let until_s = PAYMENTS as f64 / PER_S;
    let mut effects = |count: usize, deviation: f64| -> Vec<Vec<f64>> {
        (0..GATEWAYS).map(|_| (0..count).map(|_| deviation * fixed.normal()).collect()).collect()
    };
    let own = effects(1, 0.4);
    let at_network = effects(NETWORKS, 0.3);
    let at_issuer = effects(ISSUERS, 0.3);
    let issuer_level: Vec<f64> = (0..ISSUERS).map(|_| 0.4 * fixed.normal()).collect();
    let mut of_outages = root.fork("outages");
    let failing: Vec<Vec<Outage>> = (0..GATEWAYS)
        .map(|_| {
            let mut all = outages(&mut of_outages, OUTAGE_EVERY_S, None, until_s);
            for issuer in 0..ISSUERS {
                let every = OUTAGE_AT_ISSUER_EVERY_S;
                all.extend(outages(&mut of_outages, every, Some(issuer), until_s));
            }
            all
        })
        .collect();
    let mut traffic = root.fork("traffic");
    let mut wander = root.fork("wander");
    let mut level = [0.0; GATEWAYS];
    level.iter_mut().for_each(|level| *level = WANDER * wander.normal());
    let mut now_s = 0.0;
    let payments = (0..PAYMENTS).map(|_| {
        let step_s = traffic.exponential() / PER_S;
        now_s += step_s;
        let kept = libm::exp2(-step_s / HALF_LIFE_S);
        for level in &mut level {
            *level = *level * kept + WANDER * (1.0 - kept * kept).sqrt() * wander.normal();
        }
        let network = traffic.weighted(&[0.45, 0.35, 0.15, 0.05]);
        let issuer = traffic.weighted(&[0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.04]);
        let rates = (0..GATEWAYS).map(|g| {
            let odds = 1.9 + issuer_level[issuer] + own[g][0] + at_network[g][network];
            let rate = logistic(odds + at_issuer[g][issuer] + level[g]);
            let hit = |o: &&Outage| {
                now_s >= o.from_s && now_s < o.to_s && o.issuer.is_none_or(|own| own == issuer)
            };
            failing[g].iter().filter(hit).fold(rate, |rate, outage| rate * outage.left)
        });
        Payment {
            at_ms: (now_s * 1_000.0) as i64,
            values: vec![network as u16, issuer as u16],
            amount_minor: amount(&mut traffic, 1.0),
            eligible: (0..GATEWAYS as u16).collect(),
            rates: rates.collect(),
            kept: vec![1.0; GATEWAYS],
            luck: traffic.uniform(),
            delay_ms: delay_ms(&mut traffic),
        }
    });
    let payments = payments.collect();
    World {
        dimensions: vec!["network".into(), "issuer".into()],
        values: vec![World::named("n", NETWORKS), World::named("i", ISSUERS)],
        gateways: World::free_gateways(GATEWAYS),
        payments,
    }
}
