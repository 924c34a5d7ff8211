//! Requests full of attempts, encoded beforehand: one after the other, or at even times whatever is answered.

pub mod bodies;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use bodies::{Body, Counter, RECORDS};

/// Attempts of one request.
pub const BATCH: u64 = RECORDS as u64;
/// A connection's thread does little.
const STACK: usize = 128 << 10;

/// Whom to send to.
pub struct Load {
    url: String,
    bearer: String,
    counter: Counter,
    body: Body,
}

/// What a span of time came to.
#[derive(Default)]
pub struct Span {
    seconds: f64,
    requests: u64,
    /// Attempts that were stored.
    pub accepted: u64,
    /// Requests answered 429 or 503.
    pub refused: u64,
    /// Of accepted requests, from when they were due.
    latencies_ms: Vec<f64>,
}

impl Span {
    /// Attempts sent per second.
    pub fn offered_per_s(&self) -> f64 {
        (self.requests * BATCH) as f64 / self.seconds
    }

    /// Attempts stored per second.
    pub fn accepted_per_s(&self) -> f64 {
        self.accepted as f64 / self.seconds
    }

    /// Median of the accepted.
    pub fn p50_ms(&self) -> f64 {
        self.quantile(0.5)
    }

    /// 99 % of the accepted took at most this.
    pub fn p99_ms(&self) -> f64 {
        self.quantile(0.99)
    }

    fn quantile(&self, share: f64) -> f64 {
        let at = (share * self.latencies_ms.len() as f64).ceil() as usize;
        self.latencies_ms.get(at.saturating_sub(1)).copied().unwrap_or(f64::INFINITY)
    }

    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.latencies_ms.extend(other.latencies_ms);
    }
}

impl Load {
    /// To a server, with a key; each attempt has an id of the counter's.
    pub fn new(url: &str, key: &str, counter: Counter) -> Self {
        let (url, bearer) = (format!("{url}/v1/events"), format!("Bearer {key}"));
        Self { url, bearer, counter, body: Body::new() }
    }

    /// So many at once, each the next as soon as the last is answered.
    pub fn closed(&self, at_once: usize, lasts: Duration) -> anyhow::Result<Span> {
        let end = Instant::now() + lasts;
        self.all(at_once, lasts, |_| {
            let now = Instant::now();
            (now < end).then_some(now)
        })
    }

    /// So many requests, on so many connections, each the next as soon as the last is answered.
    pub fn count(&self, requests: u64, connections: usize) -> anyhow::Result<Span> {
        let next = AtomicU64::new(0);
        let due = |_| (next.fetch_add(1, Ordering::Relaxed) < requests).then(Instant::now);
        let since = Instant::now();
        let mut span = self.all(connections, Duration::ZERO, due)?;
        span.seconds = since.elapsed().as_secs_f64();
        Ok(span)
    }

    /// So many attempts a second, in requests at even times, on at most so many connections.
    pub fn open(&self, per_s: f64, connections: usize, lasts: Duration) -> anyhow::Result<Span> {
        let begin = Instant::now();
        let next = AtomicU64::new(0);
        let gap_s = BATCH as f64 / per_s;
        self.all(connections, lasts, |_| {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let after = Duration::from_secs_f64(n as f64 * gap_s);
            // Whoever comes too late to be sent within the span isn't: it would be offered to another one.
            (after < lasts && begin.elapsed() < lasts).then(|| begin + after)
        })
    }

    fn all(
        &self,
        threads: usize,
        lasts: Duration,
        due: impl Fn(usize) -> Option<Instant> + Sync,
    ) -> anyhow::Result<Span> {
        let due = &due;
        let mut sum = std::thread::scope(|scope| {
            let mut running = Vec::with_capacity(threads);
            for thread in 0..threads {
                let builder = std::thread::Builder::new().stack_size(STACK);
                running.push(builder.spawn_scoped(scope, move || self.one(|| due(thread)))?);
            }
            let mut sum = Span::default();
            for thread in running {
                sum.add(thread.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??);
            }
            anyhow::Ok(sum)
        })?;
        sum.seconds = lasts.as_secs_f64();
        sum.latencies_ms.sort_by(f64::total_cmp);
        Ok(sum)
    }

    fn one(&self, due: impl Fn() -> Option<Instant>) -> anyhow::Result<Span> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut span = Span::default();
        let mut body = self.body.clone();
        while let Some(due) = due() {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let bytes = body.renew(&self.counter);
            span.requests += 1;
            let mut answer = agent
                .post(&self.url)
                .header("authorization", &self.bearer)
                .header("content-type", "application/x-ndjson")
                .send(bytes)
                .context("the server broke a connection off")?;
            let text = answer.body_mut().read_to_string()?;
            match answer.status().as_u16() {
                202 => {
                    let told: serde_json::Value = serde_json::from_str(&text)?;
                    span.accepted += told["accepted"].as_u64().context("nothing accepted")?;
                    span.latencies_ms.push(due.elapsed().as_secs_f64() * 1e3);
                }
                429 | 503 => span.refused += 1,
                other => bail!("{other}: {text}"),
            }
        }
        Ok(span)
    }
}
