//! Requests full of attempts, encoded beforehand: one after the other, or at even times whatever is answered.

pub mod bodies;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use bodies::{Body, Counter, RECORDS};

/// Attempts of one request.
pub const BATCH: u64 = RECORDS as u64;
/// Whom to send to.
pub struct Load {
    address: String,
    bearer: String,
    counter: Counter,
    pattern: Body,
    /// Bodies that were sent: fresh memory costs more than writing new ids into the old.
    spare: Mutex<Vec<Body>>,
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
        let address = url.trim_start_matches("http://").to_owned();
        let (pattern, spare) = (Body::new(), Mutex::default());
        Self { address, bearer: format!("Bearer {key}"), counter, pattern, spare }
    }

    /// So many at once, each the next as soon as the last is answered.
    pub fn closed(&self, at_once: usize, lasts: Duration) -> anyhow::Result<Span> {
        let end = Instant::now() + lasts;
        self.all(at_once, lasts, || {
            let now = Instant::now();
            (now < end).then_some(now)
        })
    }

    /// So many requests, on so many connections, each the next as soon as the last is answered.
    pub fn count(&self, requests: u64, connections: usize) -> anyhow::Result<Span> {
        let next = AtomicU64::new(0);
        let due = || (next.fetch_add(1, Ordering::Relaxed) < requests).then(Instant::now);
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
        self.all(connections, lasts, || {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let after = Duration::from_secs_f64(n as f64 * gap_s);
            // Whoever comes too late to be sent within the span isn't: it would be offered to another one.
            (after < lasts && begin.elapsed() < lasts).then(|| begin + after)
        })
    }

    /// All connections are driven by one thread: what the generator takes is taken from the server.
    fn all(
        &self,
        connections: usize,
        lasts: Duration,
        due: impl Fn() -> Option<Instant>,
    ) -> anyhow::Result<Span> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let sent = runtime
            .block_on(async { try_join_all((0..connections).map(|_| self.one(&due))).await })?;
        let mut sum = Span::default();
        for span in sent {
            sum.add(span);
        }
        sum.seconds = lasts.as_secs_f64();
        sum.latencies_ms.sort_by(f64::total_cmp);
        Ok(sum)
    }

    async fn one(&self, due: &impl Fn() -> Option<Instant>) -> anyhow::Result<Span> {
        const BROKEN: &str = "the server broke a connection off";
        let mut span = Span::default();
        let mut connection = None;
        while let Some(due) = due() {
            tokio::time::sleep_until(due.into()).await;
            let mut sender = match connection.take() {
                Some(sender) => sender,
                None => self.connect().await?,
            };
            let (bytes, places) = self.body().into_bytes();
            let request = hyper::Request::post("/v1/events")
                .header("host", &self.address)
                .header("authorization", &self.bearer)
                .header("content-type", "application/x-ndjson")
                .body(Full::new(bytes.clone()))?;
            span.requests += 1;
            let answer = sender.send_request(request).await.context(BROKEN)?;
            let status = answer.status().as_u16();
            let text = answer.into_body().collect().await.context(BROKEN)?.to_bytes();
            match status {
                202 => {
                    let told: serde_json::Value = serde_json::from_slice(&text)?;
                    span.accepted += told["accepted"].as_u64().context("nothing accepted")?;
                    span.latencies_ms.push(due.elapsed().as_secs_f64() * 1e3);
                }
                429 | 503 => span.refused += 1,
                other => bail!("{other}: {}", String::from_utf8_lossy(&text)),
            }
            if let Some(body) = places.body(bytes) {
                self.spare.lock().expect("not poisoned").push(body);
            }
            // Whoever was refused may find the connection closed.
            connection = sender.ready().await.is_ok().then_some(sender);
        }
        Ok(span)
    }

    /// A body for new attempts: one that was sent before, if there is one.
    fn body(&self) -> Body {
        let spare = self.spare.lock().expect("not poisoned").pop();
        let mut body = spare.unwrap_or_else(|| self.pattern.clone());
        body.renew(&self.counter);
        body
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.address).await.context("the server isn't there")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
