//! Zipf traffic over many cells.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use engine::{Config, Engine, Input};
use payments::{Attempt, Code, Currency, Money, Status, Timestamp};
use rustix::time::{ClockId, clock_gettime};
use stats::stream::Stream;

use super::acting::Acting;
use super::{Half, rss_mb_max};

const CELLS: usize = 20_000;
const PER_S: usize = 10_000;
/// Attempts handed over together: a request of the usual size.
const BATCH: usize = 1_000;
const WARM_S: i64 = 3_600;
const TIMED_S: i64 = 300;
/// A gateway fails from here on, seconds into the timed part.
const FAILS_FROM_S: i64 = 60;
/// Values per dimension, in the order of the default settings.
const VALUES: [u64; 6] = [8, 4, 5, 60, 12, 200];
const START_MS: i64 = 1_790_000_400_000;
const CODES: [(&str, &str); 6] = [
    ("iso8583", "51"),
    ("iso8583", "05"),
    ("iso8583", "91"),
    ("iso8583", "54"),
    ("iso8583", "96"),
    ("iso8583", "59"),
];

/// One cell: names, and how its attempts go.
struct Cell {
    names: [String; 6],
    success: f64,
    latency_ms: f64,
}

/// Draws batches of attempts.
pub struct Source {
    stream: Stream,
    cells: Vec<Cell>,
    cumulative: Vec<f64>,
    /// Where in `cumulative` each of as many even parts begins.
    guide: Vec<u32>,
    drawn: u64,
}

impl Source {
    pub fn new(seed: u64) -> Self {
        let mut stream = Stream::named(seed, "engine benchmark");
        let mut known = BTreeSet::new();
        while known.len() < CELLS {
            // Small numbers are commoner: values have a Zipf law of their own, roughly.
            known.insert(VALUES.map(|n| {
                let u = stream.uniform();
                ((u * u * n as f64) as u64).min(n - 1)
            }));
        }
        let names = ["gw", "method", "net", "issuer", "C", "mer"];
        let mut cells: Vec<Cell> = known
            .into_iter()
            .map(|values| Cell {
                names: std::array::from_fn(|d| format!("{}_{:03}", names[d], values[d])),
                success: 0.75 + 0.2 * stream.uniform(),
                latency_ms: 300.0 + 900.0 * stream.uniform(),
            })
            .collect();
        stream.shuffle(&mut cells);
        let total: f64 = (1..=CELLS).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        let cumulative: Vec<f64> = (1..=CELLS)
            .map(|rank| {
                sum += 1.0 / rank as f64 / total;
                sum
            })
            .collect();
        let guide = (0..CELLS)
            .map(|i| cumulative.partition_point(|&c| c < i as f64 / CELLS as f64) as u32)
            .collect();
        Self { stream, cells, cumulative, guide, drawn: 0 }
    }

    fn cell(&mut self) -> usize {
        let u = self.stream.uniform();
        let mut place = self.guide[(u * CELLS as f64) as usize] as usize;
        while place + 1 < CELLS && self.cumulative[place] < u {
            place += 1;
        }
        place
    }

    /// Rewrites a batch with the next attempts, in order.
    pub fn rewrite(&mut self, batch: &mut [Attempt]) {
        for attempt in batch {
            let number = self.drawn;
            self.drawn += 1;
            attempt.attempt_id.clear();
            let _ = write!(attempt.attempt_id, "att_{number:016x}");
            let at_ms = number * 1_000 / PER_S as u64;
            attempt.occurred_at = Timestamp::from_millis(START_MS + at_ms as i64);
            let place = self.cell();
            let (u, v) = (self.stream.uniform(), self.stream.uniform());
            let cell = &self.cells[place];
            let [gateway, method, network, issuer, country, merchant] = &cell.names;
            attempt.gateway.clone_from(gateway);
            attempt.method.clone_from(method);
            set(&mut attempt.network, network);
            set(&mut attempt.issuer, issuer);
            set(&mut attempt.country, country);
            attempt.merchant_id.clone_from(merchant);
            let approved = u < cell.success;
            attempt.status = if approved { Status::Approved } else { Status::Declined };
            // Log-logistic: heavy-tailed, and its inverse is a division.
            let ratio = v / (1.0 - v);
            attempt.latency_ms = Some((cell.latency_ms * libm::sqrt(ratio)).min(30_000.0) as u32);
            let (source, value) =
                if approved { ("iso8583", "00") } else { CODES[number as usize % CODES.len()] };
            if let Some(code) = &mut attempt.code {
                code.source.replace_range(.., source);
                code.value.replace_range(.., value);
            }
        }
    }
}

fn set(field: &mut Option<String>, name: &String) {
    match field {
        Some(text) => text.clone_from(name),
        None => *field = Some(name.clone()),
    }
}

/// Attempts to rewrite.
pub fn blank(count: usize) -> anyhow::Result<Vec<Attempt>> {
    let currency = Currency::parse("INR").ok_or_else(|| anyhow::anyhow!("INR is a currency"))?;
    let attempt = Attempt {
        attempt_id: String::new(),
        payment_id: "pay".into(),
        attempt_number: 1,
        occurred_at: Timestamp::from_millis(START_MS),
        merchant_id: String::new(),
        amount: Some(Money { minor: 49_900, currency }),
        gateway: String::new(),
        method: String::new(),
        network: None,
        issuer: None,
        country: None,
        bin: None,
        status: Status::Approved,
        code: Some(Code { source: String::new(), value: String::new() }),
        latency_ms: None,
        decision_id: None,
        propensity: None,
        initiator: None,
        mcc: None,
        customer_ref: None,
        device_ref: None,
        terminal_ref: None,
        ip_country: None,
        attributes: std::collections::BTreeMap::new(),
    };
    Ok(vec![attempt; count])
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

pub fn measure(seed: u64) -> anyhow::Result<Half> {
    let mut engine = Engine::new(Config { seed, ..Config::default() });
    let mut source = Source::new(seed);
    let mut input = Input::Attempts(blank(BATCH)?);
    let gateways = (0..VALUES[0]).map(|n| format!("gw_{n:03}")).collect();
    let mut acting = Acting::new(&engine, gateways, seed);
    let (mut wall, mut busy, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut quiet = Duration::ZERO;
    let mut effects = 0;
    for second in 0..WARM_S + TIMED_S {
        let (mut took_wall, mut took_cpu) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..PER_S / BATCH {
            let mut routed = Vec::new();
            if let Input::Attempts(batch) = &mut input {
                source.rewrite(batch);
                if second >= WARM_S + FAILS_FROM_S {
                    routed = acting.route(batch);
                }
            }
            let arms = Acting::report(routed);
            let (from_wall, from_cpu) = (Instant::now(), cpu());
            if let Some(arms) = &arms {
                engine.handle(arms);
            }
            let said = engine.handle(&input);
            took_wall += from_wall.elapsed();
            took_cpu += cpu() - from_cpu;
            effects += if second >= WARM_S { said.len() } else { 0 };
            acting.obey(&engine, &said);
        }
        if second >= WARM_S {
            wall += took_wall;
            busy += took_cpu;
            if second < WARM_S + FAILS_FROM_S {
                quiet += took_cpu;
            }
            slowest = slowest.max(took_cpu);
        }
    }
    let attempts = TIMED_S as f64 * PER_S as f64;
    let (coverage, rss_mb) = (engine.coverage(), rss_mb_max()?);
    let attempts_per_s = attempts / busy.as_secs_f64();
    let mut text = String::new();
    writeln!(
        text,
        "{PER_S} attempts/s of event time in batches of {BATCH}, {CELLS} cells by Zipf's law, {WARM_S} s of warm-up, {TIMED_S} s timed"
    )?;
    writeln!(
        text,
        "{} leaves, {} of {} slices watched; {effects} effects; largest resident set {rss_mb:.0} MB",
        coverage.leaves, coverage.watched, coverage.slices
    )?;
    let live = engine.routes(&["gateway", "network", "issuer"]);
    writeln!(
        text,
        "{} live routes (gateway x network x issuer); one gateway fails for the last {} s: {} payments in its experiment, {} moved",
        live.len(),
        TIMED_S - FAILS_FROM_S,
        acting.assigned,
        acting.moved
    )?;
    writeln!(text, "CPU time of the thread {attempts_per_s:>10.0} attempts/s")?;
    let before = FAILS_FROM_S as f64 * PER_S as f64 / quiet.as_secs_f64();
    writeln!(text, "of it before the outage {before:>9.0} attempts/s")?;
    writeln!(text, "wall                   {:>10.0} attempts/s", attempts / wall.as_secs_f64())?;
    write!(text, "slowest second of event time {:.0} ms of CPU", slowest.as_secs_f64() * 1e3)?;
    Ok(Half { text, attempts_per_s, rss_mb })
}
