//! A file of attempts that grows, one JSON object per line.
//!
//! **Order of things.** Whole lines are read and stored, and in the same transaction how far that was. After `kill -9` reading goes on
//! at exactly that place, in the file that it was in, whatever its name is by then; then come the files written after it.
//!
//! A line that can't be taken is said with its place and counted; there is nowhere to put it that isn't the file it is in. Looked at ten times
//! a second: that costs two calls of the operating system, works on every file system, and waits for no event that may be missed.

mod position;
mod tail;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use payments::Attempt;

use super::dead::Refusal;
use super::door::{Door, Stopping, stop};
use super::envelope::{Form, read};
use crate::config::TailedFile;
use crate::read::visible;
use position::Position;
use tail::{Chunk, LINE_BYTES_MAX, Tail};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_millis(100);
/// After an error.
const AGAIN: Duration = Duration::from_secs(1);

type Judged = Vec<Result<(Attempt, u32), Refusal>>;

/// The feed.
pub struct Feed {
    path: PathBuf,
    door: Door,
}

impl Feed {
    /// Ready to read; the file may come later.
    pub fn new(settings: TailedFile, door: Door) -> Self {
        Self { path: settings.path, door }
    }

    /// Reads until the server stops.
    pub async fn run(self) {
        let Err(Stopping) = self.follow().await;
        if !*self.door.stopping().borrow() {
            self.door.is(Some("reading broke off; restart the server".into()));
        }
    }

    async fn follow(&self) -> Result<std::convert::Infallible, Stopping> {
        let name = format!("feed.file {}", self.path.display());
        let shown = visible(&self.path.to_string_lossy());
        let mut tail = self.resume(&name).await?;
        tracing::info!(path = shown, "reading a file that grows");
        loop {
            let step = move || {
                let read = tail.next();
                let judged = read.map(|chunk| {
                    chunk.map(|chunk| {
                        let judged = judge(&chunk);
                        (chunk, judged)
                    })
                });
                (tail, judged)
            };
            let (next, judged) = tokio::task::spawn_blocking(step).await.map_err(|_| Stopping)?;
            tail = next;
            self.door.app.metrics.feeds.lag(self.door.feed, tail.lag() as i64);
            match judged {
                Ok(Some((chunk, (starts, judged)))) => {
                    self.door.is(None);
                    let place = serde_json::to_string(&chunk.position).map_err(|_| Stopping)?;
                    let outcomes = self.door.store(judged, Some((name.clone(), place))).await?;
                    let mut refused =
                        starts.iter().zip(outcomes).filter_map(|(at, o)| Some((at, o.err()?)));
                    if let Some((at, refusal)) = refused.next() {
                        let (byte, count) = (chunk.from + *at as u64, refused.count() + 1);
                        let reason = refusal.reason;
                        tracing::warn!(
                            path = shown,
                            byte,
                            count,
                            reason,
                            "refused; the first is told"
                        );
                    }
                    if *self.door.stopping().borrow() {
                        return Err(Stopping);
                    }
                }
                Ok(None) => {
                    let there = format!("{shown} isn't there yet");
                    self.door.is((!tail.is_open()).then_some(there));
                    self.rest(EVERY).await?;
                }
                Err(error) => {
                    self.door.is(Some(format!("{shown} can't be read: {error}")));
                    self.rest(AGAIN).await?;
                }
            }
        }
    }

    /// Where it was, as the store knows it; waits for both.
    async fn resume(&self, name: &str) -> Result<Tail, Stopping> {
        loop {
            let why = match self.door.app.store.fact(name).await {
                Ok(fact) => {
                    let known: Option<Position> =
                        fact.and_then(|fact| serde_json::from_str(&fact).ok());
                    match Tail::resume(&self.path, known) {
                        Ok(tail) => return Ok(tail),
                        Err(error) => error.to_string(),
                    }
                }
                Err(error) => error.to_string(),
            };
            self.door.is(Some(format!("where reading stopped can't be found: {why}")));
            self.rest(AGAIN).await?;
        }
    }

    async fn rest(&self, how_long: Duration) -> Result<(), Stopping> {
        let mut stopping = self.door.stopping();
        tokio::select! {
            () = tokio::time::sleep(how_long) => Ok(()),
            () = stop(&mut stopping) => Err(Stopping),
        }
    }
}

/// Each line that isn't blank: where it begins, and what it is.
fn judge(chunk: &Chunk) -> (Vec<usize>, Judged) {
    let too_long = || {
        let reason = format!("event: a line of more than {LINE_BYTES_MAX} bytes; left out");
        Err(Refusal::new("event", reason))
    };
    if chunk.left_out {
        return (vec![0], vec![too_long()]);
    }
    let mut starts = Vec::new();
    let mut judged = Vec::new();
    let mut at = 0;
    for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if !text.is_empty() {
            starts.push(at);
            let is_long = text.len() > LINE_BYTES_MAX;
            judged.push(if is_long { too_long() } else { read(&Form::Json, text) });
        }
        at += line.len();
    }
    (starts, judged)
}
