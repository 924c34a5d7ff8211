//! History that teaches a new store's baseline: what is normal here, before the first live payment.
//!
//! **Method.** The file goes through the engine that will serve, tick by tick, as if it had been watched then; nothing that is found is
//! told, and incidents are left out of what is learnt as ever. Counts per bucket (an hour's attempts in one row) are spread evenly over
//! their bucket first, or each hour would begin with a burst and then fall silent. Time in which the file holds nothing, a day and more, is
//! passed over.

use std::io;

use engine::{Config, Coverage, Input};
use payments::{Bucket, Timestamp};

use crate::read::Loaded;
use crate::serve::teach::Teacher;

/// Pieces of a bucket lie this far apart, or further.
const PIECE_MS: i64 = 10_000;
/// Longer than this nothing came: nobody watched.
const PAUSE_MS: i64 = 24 * 3_600_000;

/// What a file taught.
pub struct Taught {
    /// The engine that knows it now.
    pub teacher: Teacher,
    /// Attempts in it.
    pub attempts: u64,
    /// First and last time; none if it held nothing.
    pub span: Option<(Timestamp, Timestamp)>,
    /// How much was learnt.
    pub coverage: Coverage,
}

/// Teaches an engine of this configuration; `tell` hears how many rows went in.
pub fn teach(file: &mut Loaded, config: Config, tell: &mut dyn FnMut(u64)) -> io::Result<Taught> {
    let lateness_ms = config.clock.lateness_ms;
    let mut class =
        Class { teacher: Teacher::new(config), lateness_ms, attempts: 0, first: None, last: None };
    let tick_ms = file.tick_ms;
    let mut rows = 0;
    let mut open: Vec<Bucket> = Vec::new();
    file.for_each(|input| {
        match input {
            Input::Buckets(buckets) => {
                for bucket in buckets {
                    rows += 1;
                    if open.first().is_some_and(|first| first.starts_at != bucket.starts_at) {
                        class.hear_buckets(&spread(&open, tick_ms));
                        open.clear();
                    }
                    open.push(bucket);
                }
            }
            Input::Attempts(attempts) => {
                rows += attempts.len() as u64;
                // A pause may lie inside what was read at once.
                for attempts in attempts.chunk_by(|a, b| !is_pause(a.occurred_at, b.occurred_at)) {
                    class.pause_before(attempts[0].occurred_at);
                    class.attempts += attempts.len() as u64;
                    class.last = attempts.last().map(|attempt| attempt.occurred_at);
                    class.teacher.tell(attempts.to_vec());
                }
            }
            other => class.teacher.hear(&other),
        }
        tell(rows);
    })?;
    class.hear_buckets(&spread(&open, tick_ms));
    class.teacher.is_history();
    let coverage = class.teacher.coverage();
    let span = class.first.zip(class.last);
    Ok(Taught { teacher: class.teacher, attempts: class.attempts, span, coverage })
}

fn is_pause(from: Timestamp, to: Timestamp) -> bool {
    to.millis_since(from) > PAUSE_MS
}

/// A teacher, and how far the lesson is.
struct Class {
    teacher: Teacher,
    lateness_ms: i64,
    attempts: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Class {
    fn pause_before(&mut self, at: Timestamp) {
        self.first.get_or_insert(at);
        if self.last.is_some_and(|last| is_pause(last, at)) {
            self.teacher.hear(&Input::Rest(at.plus_millis(-self.lateness_ms)));
        }
    }

    fn hear_buckets(&mut self, pieces: &[Bucket]) {
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return };
        self.pause_before(first.starts_at);
        self.attempts += pieces.iter().map(|piece| piece.attempts).sum::<u64>();
        self.last = Some(last.starts_at);
        self.teacher.hear(&Input::Buckets(pieces.to_vec()));
    }
}

/// Buckets of one start, evenly over their length and in order of time. Attempts and successes stay as many; money is left out, for it
/// teaches nothing.
fn spread(buckets: &[Bucket], length_ms: i64) -> Vec<Bucket> {
    let most = (length_ms / PIECE_MS).max(1) as u64;
    let mut pieces = Vec::new();
    for (place, bucket) in buckets.iter().enumerate() {
        let count = bucket.attempts.min(most).max(1);
        // Rows begin at different places of their first stretch, or they would all come at once.
        let phase = (place as f64 * GOLDEN).fract();
        // Cumulated, and successes by attempts: whatever is rounded, no piece has more successes than attempts.
        let part = |whole: u64, of: u64, from: u64, to: u64| {
            let up_to = |n: u64| (u128::from(whole) * u128::from(n) / u128::from(of.max(1))) as u64;
            up_to(to) - up_to(from)
        };
        let mut passed = 0;
        for i in 0..count {
            let offset = (i as f64 + phase) / count as f64 * length_ms as f64;
            let attempts = part(bucket.attempts, count, i, i + 1);
            let to = passed + attempts;
            let successes = part(bucket.successes, bucket.attempts, passed, to);
            passed = to;
            pieces.push(Bucket {
                starts_at: bucket.starts_at.plus_millis(offset as i64),
                dimensions: bucket.dimensions.clone(),
                attempts,
                successes,
                amount: None,
            });
        }
    }
    pieces.sort_by_key(|piece| piece.starts_at);
    pieces
}

/// The golden ratio's fraction: its multiples are spread evenly, however many there are.
const GOLDEN: f64 = 0.618_033_988_749_894_8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn bucket(gateway: usize, attempts: u64, successes: u64) -> Bucket {
        Bucket {
            starts_at: Timestamp::from_millis(7 * HOUR_MS),
            dimensions: BTreeMap::from([("gateway".into(), gateway.to_string())]),
            attempts,
            successes,
            amount: None,
        }
    }

    proptest! {
        #[test]
        fn spreading_conserves_counts_and_stays_inside(
            rows in prop::collection::vec((0_u64..100_000, 0.0_f64..=1.0), 0..8),
        ) {
            let rows: Vec<Bucket> = rows.iter().enumerate()
                .map(|(i, (n, rate))| bucket(i, *n, (*n as f64 * rate) as u64)).collect();
            let pieces = spread(&rows, HOUR_MS);
            prop_assert!(pieces.is_sorted_by_key(|piece| piece.starts_at));
            for row in &rows {
                let own = || pieces.iter().filter(|piece| piece.dimensions == row.dimensions);
                prop_assert_eq!(own().map(|piece| piece.attempts).sum::<u64>(), row.attempts);
                prop_assert_eq!(own().map(|piece| piece.successes).sum::<u64>(), row.successes);
                prop_assert!(own().all(|piece| piece.successes <= piece.attempts));
                let end_ms = row.starts_at.plus_millis(HOUR_MS);
                let inside = own().all(|p| p.starts_at >= row.starts_at && p.starts_at < end_ms);
                prop_assert!(inside);
            }
        }

        #[test]
        fn each_tenth_of_the_hour_holds_its_tenth(attempts in 1_000_u64..100_000) {
            let mut tenths = [0; 10];
            for piece in spread(&[bucket(0, attempts, 0)], HOUR_MS) {
                let into = piece.starts_at.millis_since(Timestamp::from_millis(7 * HOUR_MS));
                tenths[(into / (HOUR_MS / 10)) as usize] += piece.attempts;
            }
            let expected = attempts as f64 / 10.0;
            let is_even = tenths.iter().all(|n| (*n as f64 / expected - 1.0).abs() < 0.05);
            prop_assert!(is_even, "{:?}", tenths);
        }
    }
}
