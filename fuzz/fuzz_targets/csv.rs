//! The reader of files: it answers every input, tells nothing it must not, and keeps time in order.
#![no_main]

use engine::Input;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use payments::{Timestamp, holds_pan};
use server::read::{Options, Wish, read_stream};

/// The first byte chooses how columns are mapped, the rest is the file.
const MAPS: [&str; 4] = [
    "",
    "time=t,status=s,gateway=g,attempt_id=i,minor=m,currency=c,code=d",
    "time=t,attempts=a,successes=k,gateway=g,minor=m,currency=c",
    "time=t,successes=k,issuer=g,x=x",
];

fuzz_target!(|input: &[u8]| {
    let Some((first, file)) = input.split_first() else { return };
    let map = MAPS[usize::from(*first) % MAPS.len()];
    let wish = Wish::parse(Some(map).filter(|m| !m.is_empty())).expect("a sound map");
    let now = Timestamp::from_millis(1_800_000_000_000);
    let options = Options { memory_bytes: 1 << 12, ..Options::new(wish, TimeZone::UTC, now) };
    let mut loaded = match read_stream(Box::new(std::io::Cursor::new(file.to_vec())), &options) {
        Ok(loaded) => loaded,
        Err(problem) => return harmless(&problem.to_string()),
    };
    for problem in loaded.skipped.first.iter().chain(&loaded.incomplete) {
        harmless(&problem.to_string());
    }
    loaded.notes.iter().for_each(|note| harmless(note));
    assert_eq!(loaded.skipped.reasons.values().sum::<u64>(), loaded.skipped.total);
    let (mut last, mut attempts) = (i64::MIN, 0);
    let mut in_order = |at: Timestamp| {
        assert!(at.as_millis() >= last, "out of order");
        last = at.as_millis();
    };
    loaded
        .for_each(|input| match input {
            Input::Attempts(list) => {
                attempts += list.len() as u64;
                for attempt in list {
                    in_order(attempt.occurred_at);
                    assert!(!holds_pan(&attempt.gateway) && !attempt.gateway.contains('\0'));
                    assert!(attempt.amount.is_none_or(|a| a.minor >= 0));
                }
            }
            Input::Buckets(list) => {
                for bucket in list {
                    in_order(bucket.starts_at);
                    assert!(bucket.successes <= bucket.attempts);
                    assert!(bucket.dimensions.values().all(|v| !v.is_empty() && !holds_pan(v)));
                }
            }
            Input::Advance(_) | Input::Rest(_) => unreachable!("files don't advance the clock"),
        })
        .expect("temporary files can be read");
    assert!(loaded.counted || attempts == loaded.rows, "{attempts} of {}", loaded.rows);
});

fn harmless(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(!holds_pan(text), "{text:?}");
}
