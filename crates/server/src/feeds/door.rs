//! From a feed's batch to the writer, in order, for as long as it takes.

use std::sync::Arc;
use std::time::Duration;

use payments::Attempt;
use tokio::sync::{oneshot, watch};

use super::dead::Refusal;
use crate::serve::App;
use crate::serve::writer::{Ask, Fate, Fault};

/// What depends on the time is refused only after so many tries.
pub const TRIES_MAX: u32 = 3;
/// Between those.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// Between tries of a store that doesn't take a batch; doubled each time.
const WAIT_MIN: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The server stops, and nothing more is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopping;

/// Waits until the server stops.
pub async fn stop(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stops| *stops).await;
}

/// What a feed needs of the server.
#[derive(Clone)]
pub struct Door {
    /// The server.
    pub app: Arc<App>,
    /// The feed's name in logs and metrics.
    pub feed: &'static str,
}

/// What became of each message of a batch.
pub type Outcome = Result<Fate, Refusal>;

impl Door {
    /// For this feed.
    pub fn new(app: Arc<App>, feed: &'static str) -> Self {
        app.metrics.feeds.begin(feed);
        let door = Self { app, feed };
        door.is(Some("not connected yet".into()));
        door
    }

    /// True once the server stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.app.stopping.clone()
    }

    /// Says in probes and metrics how the feed is; `None` is well.
    pub fn is(&self, wrong: Option<String>) {
        self.app.metrics.feeds.up(self.feed, wrong.is_none());
        self.app.health.feed(self.feed, wrong);
    }

    /// Stores a batch; a fate for each that could be read. Returns when all of it is durable, or the server stops. `mark` is a fact that is
    /// stored with it.
    pub async fn store(
        &self,
        judged: Vec<Result<(Attempt, u32), Refusal>>,
        mark: Option<(String, String)>,
    ) -> Result<Vec<Outcome>, Stopping> {
        let mut attempts = Vec::with_capacity(judged.len());
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(judged.len());
        let mut unknown = 0;
        for one in judged {
            match one {
                Ok((attempt, fields)) => {
                    unknown += u64::from(fields);
                    attempts.push(attempt);
                    outcomes.push(None);
                }
                Err(refusal) => outcomes.push(Some(Err(refusal))),
            }
        }
        let stored = if attempts.is_empty() && mark.is_none() {
            Vec::new()
        } else {
            self.judge(attempts, mark).await?
        };
        self.app.metrics.unknown_fields.inc_by(unknown);
        let mut stored = stored.into_iter();
        let outcomes: Vec<Outcome> = outcomes
            .into_iter()
            .map(|known| known.or_else(|| stored.next()).unwrap_or(Ok(Fate::Duplicate)))
            .collect();
        self.app.metrics.feeds.count(self.feed, &outcomes);
        let unread = outcomes.iter().filter(|o| matches!(o, Err(r) if r.tries == 1)).count();
        self.app.metrics.fate("rejected", unread as u64);
        Ok(outcomes)
    }

    /// Stores attempts; those too far ahead of the clock are tried again, for the clock may get there.
    async fn judge(
        &self,
        attempts: Vec<Attempt>,
        mark: Option<(String, String)>,
    ) -> Result<Vec<Outcome>, Stopping> {
        // What a mark stands for is done with it, and can't be tried again.
        let tries = if mark.is_some() { 1 } else { TRIES_MAX };
        let mut fates = self.insist(&attempts, mark).await?;
        for _ in 1..tries {
            let early: Vec<usize> =
                (0..fates.len()).filter(|at| fates[*at] == Fate::Future).collect();
            if early.is_empty() {
                break;
            }
            tokio::time::sleep(TRY_AGAIN).await;
            let again: Vec<Attempt> = early.iter().map(|at| attempts[*at].clone()).collect();
            for (at, fate) in early.into_iter().zip(self.insist(&again, None).await?) {
                fates[at] = fate;
            }
        }
        let outcome = |(fate, attempt): (Fate, Attempt)| match fate {
            Fate::Future => Err(Refusal {
                attempt_id: Some(attempt.attempt_id),
                field: "occurred_at".into(),
                reason: format!(
                    "occurred_at: lies too far in the future, got {}; allowed: {}",
                    attempt.occurred_at,
                    self.app.clock.future_allowed()
                ),
                tries,
            }),
            fate => Ok(fate),
        };
        Ok(fates.into_iter().zip(attempts).map(outcome).collect())
    }

    /// Asks the writer until it has taken them.
    async fn insist(
        &self,
        attempts: &[Attempt],
        mark: Option<(String, String)>,
    ) -> Result<Vec<Fate>, Stopping> {
        let mut wait = WAIT_MIN;
        loop {
            match self.ask(attempts, mark.clone()).await? {
                Ok(fates) => return Ok(fates),
                Err(Fault::Stopping) => return Err(Stopping),
                Err(fault) => {
                    let why = match fault {
                        Fault::Store { why, .. } | Fault::Refused(why) => why,
                        Fault::Stopping => String::new(),
                    };
                    if wait == WAIT_MIN {
                        let (feed, wait_s) = (self.feed, WAIT_MAX.as_secs());
                        tracing::warn!(feed, why, wait_s, "the feed waits for the store");
                    }
                    self.app.metrics.feeds.waited(self.feed);
                }
            }
            if *self.app.stopping.borrow() {
                return Err(Stopping);
            }
            let mut stopping = self.stopping();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop(&mut stopping) => return Err(Stopping),
            }
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    /// Asks once; waits for room, where a request would be sent away.
    async fn ask(
        &self,
        attempts: &[Attempt],
        mark: Option<(String, String)>,
    ) -> Result<Result<Vec<Fate>, Fault>, Stopping> {
        let wanted = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        let room = self.app.room.clone().acquire_many_owned(wanted).await.map_err(|_| Stopping)?;
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Attempts { attempts: attempts.to_vec(), mark, reply, room };
        self.app.asks.send(ask).await.map_err(|_| Stopping)?;
        answer.await.map_err(|_| Stopping)
    }
}
