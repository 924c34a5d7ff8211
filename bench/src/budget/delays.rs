//! How soon real outages are found at the budget's thresholds.

use std::fmt::Write;

use analyst::News;
use payments::Timestamp;
use sim::{FailureKind, Incident, Kind, World};
use stats::stream::Stream;

use super::feed::Feed;
use super::{ATTEMPTS_PER_S, BUDGET_PER_WEEK, DAY_MS, START_MS};

const SEEDS: u64 = 10;
const LEARNT_DAYS: i64 = 3;
const LASTS_MS: i64 = 2 * 3_600_000;
const SLICES: [&[(&str, &str)]; 3] =
    [&[("gateway", "PAYU")], &[("issuer", "SBI")], &[("gateway", "RAZORPAY"), ("network", "VISA")]];
/// Shares of the approvals that fail: 20, 35, 50 points where 80 % succeed.
const SEVERITIES: [f64; 3] = [0.25, 0.44, 0.62];

/// The table of delays.
pub fn table(first_seed: u64) -> anyhow::Result<String> {
    let mut text = String::from(
        "outage                                        severity  found  attempts  seconds (means)\n",
    );
    let learnt = super::each(first_seed + 10_000..first_seed + 10_000 + SEEDS, |seed| {
        let world = World::at_rate(ATTEMPTS_PER_S, seed)?;
        let mut feed = Feed::new(&world, BUDGET_PER_WEEK, seed);
        let mut stream = Stream::named(seed, "hour of the outage");
        let hour = stream.below(24) as i64;
        let from = Timestamp::from_millis(START_MS);
        let at = from.plus_millis(LEARNT_DAYS * DAY_MS + hour * 3_600_000);
        feed.play(&world, from, at, |_, _, _| true);
        let mut found = Vec::new();
        for slice in SLICES {
            for severity in SEVERITIES {
                found.push(delay(&world, &feed, at, slice, severity)?);
            }
        }
        Ok(found)
    })?;
    for (case, (slice, severity)) in
        SLICES.iter().flat_map(|slice| SEVERITIES.map(|severity| (slice, severity))).enumerate()
    {
        let found: Vec<(f64, f64)> = learnt.iter().filter_map(|seed| seed[case]).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| {
            found.iter().map(of).sum::<f64>() / (found.len() as f64).max(1.0)
        };
        let name: Vec<String> = slice.iter().map(|(d, v)| format!("{d}: {v}")).collect();
        writeln!(
            text,
            "{:<46}{severity:>8}{:>4}/{SEEDS}{:>10.0}{:>9.0}",
            name.join(", "),
            found.len(),
            mean(|found| found.0),
            mean(|found| found.1)
        )?;
    }
    Ok(text)
}

/// Attempts of the slice and seconds until an incident was opened.
fn delay(
    world: &World,
    learnt: &Feed,
    at: Timestamp,
    slice: &[(&str, &str)],
    severity: f64,
) -> anyhow::Result<Option<(f64, f64)>> {
    let mut world = world.clone();
    let to = at.plus_millis(LASTS_MS);
    let kind = Kind::Outage { severity, blame: FailureKind::Issuer };
    let place = world.add(Incident::on(slice.iter().copied(), at, to, kind))?;
    let share: f64 = (0..world.leaf_count())
        .filter(|&leaf| {
            let values = world.leaf_values(leaf);
            slice.iter().all(|(dimension, value)| {
                let d = sim::DIMENSIONS.iter().position(|name| name == dimension);
                d.is_some_and(|d| values[d] == Some(value))
            })
        })
        .map(|leaf| world.leaf_share(leaf))
        .sum();
    let _ = place;
    let mut feed = Feed { analyst: learnt.analyst.clone(), stream: learnt.stream.clone() };
    let (mut seen, mut found) = (0.0, None);
    feed.play(&world, at, to, |news, now, attempts| {
        seen += attempts as f64 * share;
        let opened = news
            .iter()
            .any(|news| matches!(news, News::Incident(incident) if incident.started_at >= at.plus_millis(-600_000)));
        if opened {
            found = Some((seen, (now.as_millis() - at.as_millis()) as f64 / 1e3));
        }
        !opened
    });
    Ok(found)
}
