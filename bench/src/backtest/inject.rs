//! Outages planted into the file.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use analyst::Slice;
use payments::{Bucket, NONE};
use stats::stream::Stream;

use super::{HOUR_MS, names, play};

/// How far the rate falls.
const DROP: f64 = 0.30;
/// What an injection must be worth.
const NATS_MIN: f64 = 35.0;
/// First hour of an injection, counted from the file's first.
const FIRST_HOUR: i64 = 24;

/// Slices whose attempts overlap by this much (intersection over union) are aliases.
const ALIAS: f64 = 0.95;

struct Injection {
    slice: Slice,
    from_ms: i64,
    to_ms: i64,
    nats: f64,
}

fn contains(slice: &Slice, bucket: &Bucket) -> bool {
    slice.pairs().all(|(dimension, value)| {
        bucket.dimensions.get(dimension).map_or(NONE, String::as_str) == value
    })
}

/// Overlap of a slice's attempts with the injection's while that lasts: intersection over union.
fn overlap(buckets: &[Bucket], injection: &Injection, other: &Slice) -> f64 {
    let (mut both, mut either) = (0, 0);
    for bucket in buckets {
        let at = bucket.starts_at.as_millis();
        if at < injection.from_ms || at >= injection.to_ms {
            continue;
        }
        let (a, b) = (contains(&injection.slice, bucket), contains(other, bucket));
        both += if a && b { bucket.attempts } else { 0 };
        either += if a || b { bucket.attempts } else { 0 };
    }
    both as f64 / f64::max(either as f64, 1.0)
}

/// Draws a slice of one to three attributes from the traffic of a random bucket, a time, and thins
/// approvals; `None` where it would be worth too little or touch the known incident.
fn plant(
    buckets: &[Bucket],
    known: &Slice,
    stream: &mut Stream,
) -> Option<(Injection, Vec<Bucket>)> {
    let first = buckets.first()?.starts_at.as_millis();
    let last = buckets.last()?.starts_at.as_millis() + HOUR_MS;
    let hours = 3 + stream.below(6) as i64;
    let latest = (last - first) / HOUR_MS - hours;
    let from_ms =
        first + HOUR_MS * (FIRST_HOUR + stream.below((latest - FIRST_HOUR + 1) as u64) as i64);
    let to_ms = from_ms + hours * HOUR_MS;
    let example = &buckets[stream.below(buckets.len() as u64) as usize];
    let mut names: Vec<&String> = example.dimensions.keys().collect();
    stream.shuffle(&mut names);
    let order = 1 + stream.below(3.min(names.len() as u64)) as usize;
    let slice = Slice::new(
        names[..order].iter().map(|name| ((*name).clone(), example.dimensions[*name].clone())),
    );
    let inside = |bucket: &&Bucket| {
        let at = bucket.starts_at.as_millis();
        at >= from_ms && at < to_ms && contains(&slice, bucket)
    };
    if buckets.iter().filter(inside).any(|bucket| contains(known, bucket)) {
        return None;
    }
    let (attempts, successes) = buckets
        .iter()
        .filter(inside)
        .fold((0.0, 0.0), |(n, k), b| (n + b.attempts as f64, k + b.successes as f64));
    let before = (successes + 0.5) / (attempts + 1.0);
    let after = before - DROP;
    if !(after > 0.02 && attempts > 0.0) {
        return None;
    }
    let nats = attempts
        * (after * (after / before).ln() + (1.0 - after) * ((1.0 - after) / (1.0 - before)).ln());
    if nats < NATS_MIN {
        return None;
    }
    let keep = after / before;
    let thinned = buckets
        .iter()
        .map(|bucket| {
            let mut bucket = bucket.clone();
            if inside(&&bucket) {
                bucket.successes = stream.binomial(bucket.successes, keep);
            }
            bucket
        })
        .collect();
    Some((Injection { slice, from_ms, to_ms, nats }, thinned))
}

/// Share of the injections that are found exactly or as an alias.
pub fn run(buckets: &[Bucket], seeds: Range<u64>, known: &Slice, text: &mut String) -> f64 {
    let (mut found, mut count) = (0.0, 0.0);
    let mut by_order: BTreeMap<usize, (u32, u32)> = BTreeMap::new();
    for seed in seeds {
        let mut stream = Stream::named(seed, "injection");
        let Some((injection, thinned)) =
            (0..10_000).find_map(|_| plant(buckets, known, &mut stream))
        else {
            let _ = writeln!(text, "seed {seed}: no slice is large enough");
            continue;
        };
        count += 1.0;
        let during: Vec<_> = play(&thinned)
            .into_iter()
            .filter(|incident| {
                incident.detected_at.as_millis() > injection.from_ms
                    && incident.detected_at.as_millis() <= injection.to_ms + HOUR_MS
            })
            .collect();
        let hit = during.iter().any(|incident| {
            names(incident, &injection.slice)
                || overlap(buckets, &injection, &incident.slice) >= ALIAS
        });
        let sums = by_order.entry(injection.slice.order()).or_default();
        sums.1 += 1;
        if hit {
            found += 1.0;
            sums.0 += 1;
        } else {
            let said: Vec<String> = during
                .iter()
                .map(|i| (&i.slice, overlap(buckets, &injection, &i.slice)))
                .map(|(slice, overlap)| format!("{slice} (overlap {overlap:.2})"))
                .collect();
            let _ = writeln!(
                text,
                "seed {seed}: missed {} (from {}, {} h, {:.0} nats); said {}",
                injection.slice,
                payments::Timestamp::from_millis(injection.from_ms),
                (injection.to_ms - injection.from_ms) / HOUR_MS,
                injection.nats,
                if said.is_empty() { "nothing".to_owned() } else { said.join(", ") },
            );
        }
    }
    for (order, (hits, all)) in by_order {
        let _ = writeln!(text, "{order} attributes: {hits} of {all} found");
    }
    found / f64::max(count, 1.0)
}
