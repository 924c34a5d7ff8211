//! What is sent: a network's attempts with outages among them, out of order within what a tick waits for.

use payments::Timestamp;
use sim::{FailureKind, Incident, Kind, World};
use stats::stream::Stream;

use crate::support::event;

/// A Monday, 09:00 UTC.
const START_MS: i64 = 1_789_948_800_000 + 9 * 3_600_000;
const PER_S: f64 = 12.0;
/// How much of the network's time a round takes.
const ROUND_S: i64 = 60;
/// Less than what a tick waits, 5 s.
const APART_MS: u64 = 3_000;

/// Attempts of each round, in the order in which they are sent.
pub fn rounds(count: usize, seed: u64) -> Vec<Vec<String>> {
    let at = |s: i64| Timestamp::from_millis(START_MS + s * 1_000);
    let mut world = World::at_rate(PER_S, seed).expect("a world");
    // Learnt for a quarter of an hour, then a gateway fails for five minutes in every twenty.
    for (place, minute) in (15..count as i64).step_by(20).enumerate() {
        let gateway = ["PAYU", "RAZORPAY", "STRIPE"][place % 3];
        let outage = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
        let (from, to) = (at(minute * 60), at(minute * 60 + 300));
        let incident = Incident::on([("gateway", gateway)], from, to, outage);
        world.add(incident).expect("it hits traffic");
    }
    let mut stream = Stream::named(seed, "arrivals");
    let round = |number: i64| {
        let samples = world.attempts(at(number * ROUND_S), at((number + 1) * ROUND_S));
        let mut arrivals: Vec<(i64, String)> = samples
            .map(|sample| {
                let late = stream.below(APART_MS) as i64;
                (sample.attempt.occurred_at.as_millis() + late, event(&sample.attempt))
            })
            .collect();
        arrivals.sort();
        arrivals.into_iter().map(|(_, line)| line).collect()
    };
    (0..count as i64).map(round).collect()
}

/// The span of all rounds, as `/v1/series` is asked for it.
pub fn span(count: usize) -> String {
    let at = |s: i64| Timestamp::from_millis(START_MS + s * 1_000);
    let end = at(((count as i64 * ROUND_S) / 3_600 + 1) * 3_600);
    format!("step=1m&from={}&to={end}", at(0))
}
