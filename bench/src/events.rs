//! How fast events are read: strict parsing with every rule, beside what one would write without
//! them, serde's derived reader of the same struct. One core, events of all fields, no I/O.

use std::fmt::Write;
use std::time::Instant;

use payments::{Attempt, parse_event};

use crate::report::{Options, Report};

const EVENTS: usize = 20_000;
const CHUNK: usize = 500;
const ROUNDS: usize = 7;
const EVENTS_PER_S_MIN: f64 = 300_000.0;

pub fn run(_: &Options) -> anyhow::Result<Report> {
    let events: Vec<String> = (0..EVENTS).map(event).collect();
    let bytes = events.iter().map(String::len).sum::<usize>() / EVENTS;
    let strict = rate(&events, |event| parse_event(event.as_bytes()).is_ok());
    let derived = rate(&events, |event| serde_json::from_str::<Attempt>(event).is_ok());
    let mut text = String::new();
    writeln!(
        text,
        "{EVENTS} events of {bytes} bytes in chunks of {CHUNK}, {ROUNDS} rounds, the best chunk, one core"
    )?;
    writeln!(text, "strict, all rules      {strict:>9.0} events/s")?;
    writeln!(text, "derived, no rules      {derived:>9.0} events/s")?;
    let figures = [("events_per_s", strict), ("derived_events_per_s", derived)];
    Ok(Report { text, figures: figures.into(), pass: strict >= EVENTS_PER_S_MIN })
}

/// The best chunk counts: on a shared machine the others measure its neighbours. A chunk takes a few
/// milliseconds, about what a scheduler grants at once.
fn rate(events: &[String], read: impl Fn(&str) -> bool) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        for chunk in events.chunks_exact(CHUNK) {
            let start = Instant::now();
            let accepted = chunk.iter().filter(|event| read(event)).count();
            assert_eq!(accepted, chunk.len());
            best = best.min(start.elapsed().as_secs_f64());
        }
    }
    CHUNK as f64 / best
}

fn event(n: usize) -> String {
    let issuer = ["HDFC", "ICICI", "SBI", "AXIS"][n % 4];
    let ms = 1_771_007_400_000_u64 + n as u64 * 37;
    format!(
        r#"{{"attempt_id":"att_01HQ8Z{n:012}","payment_id":"pay_01HQ8Z{n:012}","attempt_number":1,
"occurred_at":{ms},"merchant_id":"mer_{}","amount":{{"minor":{},"currency":"INR"}},
"gateway":"razorpay","method":"card","network":"VISA","issuer":"{issuer}","country":"IN",
"bin":"411111","status":"declined","code":{{"source":"iso8583","value":"91"}},"latency_ms":{},
"decision_id":"dec_01HQ8Z{n:012}","propensity":0.25,"initiator":"cit","mcc":"5411",
"customer_ref":"cus_{n:016x}","device_ref":"dev_{n:016x}","attributes":{{"sub_type":"CREDIT","region":"south"}}}}"#,
        n % 97,
        n * 7 + 100,
        n % 2_000,
    )
}
