//! One transaction of the writer: what is in it, and what it came to.

use std::time::Duration;

use engine::Input;
use payments::{Attempt, Timestamp};
use store::{Event, Result, Verdict, Work};

use super::clock::wall;
use super::code;
use super::core::Told;
use super::driver::Answer;
use super::writer::{Ask, Fate, Round, Writer};
use crate::alerts::Notice;
use crate::config::ClockSource;

/// Event time within which the engine remembers an attempt, and so can move its count.
const REMEMBERED_MS: i64 = 3_600_000;
/// Choices that are written out at once.
const ROWS: usize = 256;
/// How long until a store that lost a commit's answer is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// What a round came to; all of it durable.
pub(super) struct Done {
    /// What the engine is to be told, in order.
    pub steps: Vec<(i64, Input)>,
    /// Per ask: its step, if it has one, and its attempts' fates.
    pub fates: Vec<(Option<i64>, Vec<Fate>)>,
    /// Events of the stream.
    pub events: Vec<Event>,
    /// What was told of for the first time.
    pub notices: Vec<Notice>,
    /// The largest time accepted.
    pub latest: Option<Timestamp>,
    /// Attempts in it.
    pub attempts: u64,
}

/// Writes a round and makes it durable.
pub(super) async fn write(
    writer: &Writer,
    round: &Round,
    advance: Option<Timestamp>,
) -> Result<Done> {
    let mut work = writer.store.begin().await?;
    let (events, notices) = store_answers(writer, work.as_mut()).await?;
    let mut writing = Writing {
        writer,
        step: writer.step,
        done: Done {
            steps: Vec::new(),
            fates: Vec::new(),
            events,
            notices,
            latest: writer.clock.latest(),
            attempts: 0,
        },
    };
    if let Some(to) = writer.slept_until() {
        writing.pass(work.as_mut(), Input::Rest(to), to).await?;
    }
    if !round.records.is_empty() {
        // Each handful is stored before the next is written out, so that it is still in the cache.
        for records in round.records.chunks(ROWS) {
            work.choices(records.iter().map(|record| record.row()).collect()).await?;
        }
        let routed: Vec<_> = round.records.iter().filter_map(|record| record.routed()).collect();
        if !routed.is_empty() {
            writing.step(work.as_mut(), Input::Routed(routed)).await?;
        }
        let tried: Vec<_> = round.records.iter().filter_map(|record| record.tried()).collect();
        if !tried.is_empty() {
            writing.step(work.as_mut(), Input::Tried(tried)).await?;
        }
    }
    let mut at = 0;
    while at < round.asks.len() {
        let alike =
            round.asks[at..].iter().take_while(|a| matches!(a, Ask::Attempts { .. })).count();
        if alike > 0 {
            writing.attempts(work.as_mut(), &round.asks[at..at + alike]).await?;
            at += alike;
        } else {
            writing.tell(work.as_mut(), &round.asks[at]).await?;
            at += 1;
        }
    }
    if let Some(to) = advance {
        writing.pass(work.as_mut(), Input::Advance(to), to).await?;
    }
    let (step, done) = (writing.step, writing.done);
    commit(writer, work, step).await?;
    Ok(done)
}

/// Commits; where the answer is lost, the store says whether it has.
async fn commit(writer: &Writer, work: Box<dyn Work>, step: i64) -> Result<()> {
    let Err(error) = work.commit().await else { return Ok(()) };
    if error.is_fatal() {
        return Err(error);
    }
    let effects = last_applied(&writer.unstored);
    loop {
        match writer.store.progress().await {
            Ok(is)
                if is.step >= step
                    && is.effects >= effects
                    && (step > writer.step || effects > 0) =>
            {
                return Ok(());
            }
            Ok(_) => return Err(error),
            Err(other) if other.is_passing() => tokio::time::sleep(AGAIN).await,
            Err(other) => return Err(other),
        }
    }
}

fn last_applied(answers: &[Answer]) -> i64 {
    let steps = answers.iter().map(|answer| match answer {
        Answer::Applied(applied) => applied.step,
        Answer::Snapshot(_) => 0,
    });
    steps.max().unwrap_or(0)
}

/// Stores what the engine has answered; the events that this makes, and what is told of.
async fn store_answers(writer: &Writer, work: &mut dyn Work) -> Result<(Vec<Event>, Vec<Notice>)> {
    let mut events = Vec::new();
    let mut notices = Vec::new();
    for answer in &writer.unstored {
        match answer {
            Answer::Applied(applied) => {
                for told in &applied.told {
                    let (kind, body) = match told {
                        Told::Object(kind, object) => {
                            let acknowledged = work.object(*kind, object).await?;
                            let body =
                                with_acknowledgement(&object.body, *kind, acknowledged.as_ref());
                            (kind.as_str(), body)
                        }
                        Told::Policy(body) => ("policy", body.clone()),
                        Told::Rollout { rollout, turn } => {
                            if let Some(detail) = turn {
                                let (actor, action) = ("pointsman", "turn_rollout");
                                work.append_audit(wall(), actor, action, &rollout.id, detail)
                                    .await?;
                            }
                            ("rollout", super::core::json(rollout))
                        }
                        Told::Notice(notice) => {
                            if writer.outbox.put(work, notice).await? {
                                notices.push((**notice).clone());
                            }
                            continue;
                        }
                    };
                    let id = writer.event + 1 + events.len() as i64;
                    let event = Event { id, at: wall(), kind: kind.into(), body };
                    work.event(&event).await?;
                    events.push(event);
                }
                work.effects_of(applied.step, &applied.digest).await?;
            }
            Answer::Snapshot(snapshot) => work.snapshot(snapshot).await?,
        }
    }
    Ok((events, notices))
}

/// An incident's body with who has acknowledged it; others have no such members.
pub fn with_acknowledgement(
    body: &str,
    kind: store::Kind,
    acknowledged: Option<&(String, Timestamp)>,
) -> String {
    let Some(open) = body.strip_suffix('}').filter(|_| kind == store::Kind::Incident) else {
        return body.to_owned();
    };
    let (by, at) = match acknowledged {
        Some((by, at)) => (super::core::json(by), format!("\"{at}\"")),
        None => ("null".into(), "null".into()),
    };
    format!("{open},\"acknowledged_by\":{by},\"acknowledged_at\":{at}}}")
}

struct Writing<'a> {
    writer: &'a Writer,
    step: i64,
    done: Done,
}

impl Writing<'_> {
    async fn step(&mut self, work: &mut dyn Work, input: Input) -> Result<i64> {
        self.step += 1;
        let bytes = code::encode(&input).map_err(|e| store::Error::Database(format!("{e:#}")))?;
        work.step(self.step, &bytes).await?;
        self.done.steps.push((self.step, input));
        Ok(self.step)
    }

    /// Time passes.
    async fn pass(&mut self, work: &mut dyn Work, input: Input, to: Timestamp) -> Result<()> {
        self.done.latest = self.done.latest.max(Some(to));
        self.step(work, input).await.map(drop)
    }

    /// Attempts of requests that follow one another: one step.
    async fn attempts(&mut self, work: &mut dyn Work, asks: &[Ask]) -> Result<()> {
        let clock = &self.writer.clock;
        let wall_bound = clock.future_from().filter(|_| clock.source() == ClockSource::Wall);
        let mut latest = self.done.latest;
        let mut all: Vec<Attempt> = Vec::new();
        let mut fates: Vec<Vec<Fate>> = Vec::new();
        for ask in asks {
            let Ask::Attempts { attempts, mark, .. } = ask else { continue };
            if let Some((name, value)) = mark {
                work.set_fact(name, value).await?;
            }
            let mut own = Vec::with_capacity(attempts.len());
            for attempt in attempts {
                let at = attempt.occurred_at;
                let bound = wall_bound.or_else(|| latest.map(|latest| clock.future_after(latest)));
                if bound.is_some_and(|bound| at > bound) {
                    own.push(Fate::Future);
                    continue;
                }
                latest = latest.max(Some(at));
                own.push(Fate::Accepted);
                all.push(attempt.clone());
            }
            fates.push(own);
        }
        let verdicts = work.attempts(&all).await?;
        let heard_from = clock.heard_from();
        let mut told = Vec::with_capacity(all.len());
        let places = fates.iter_mut().flatten().filter(|fate| **fate == Fate::Accepted);
        for ((fate, verdict), attempt) in places.zip(&verdicts).zip(all) {
            let when = match verdict {
                Verdict::New => attempt.occurred_at,
                Verdict::Updated { occurred_at, .. } => {
                    *fate = Fate::Updated;
                    // Older ones the engine has forgotten: it would count them once more.
                    let known_from = latest.map(|latest| latest.plus_millis(-REMEMBERED_MS));
                    if known_from.is_some_and(|from| *occurred_at < from) {
                        continue;
                    }
                    *occurred_at
                }
                Verdict::Duplicate => {
                    *fate = Fate::Duplicate;
                    continue;
                }
            };
            if heard_from.is_none_or(|from| when >= from) {
                told.push(attempt);
            } else {
                self.writer.metrics.attempts_too_old.inc();
            }
        }
        self.done.latest = latest;
        self.done.attempts += told.len() as u64;
        let step = if told.is_empty() {
            None
        } else {
            Some(self.step(work, Input::Attempts(told)).await?)
        };
        self.done.fates.extend(fates.into_iter().map(|own| (step, own)));
        Ok(())
    }

    async fn tell(&mut self, work: &mut dyn Work, ask: &Ask) -> Result<()> {
        let Ask::Tell { input, audit, switch, .. } = ask else {
            self.done.fates.push((None, Vec::new()));
            return Ok(());
        };
        if let Some(audit) = audit {
            let (actor, object, detail) = (&audit.actor, &audit.object, &audit.detail);
            work.append_audit(wall(), actor, audit.action, object, detail).await?;
        }
        if let Some(switch) = switch {
            // Engaging what is engaged is no news.
            let is_news = self.writer.store.kill_switch().await?.engaged != switch.engaged;
            let notice = Notice::kill_switch(switch);
            if is_news && self.writer.outbox.put(work, &notice).await? {
                self.done.notices.push(notice);
            }
            work.set_kill_switch(switch).await?;
            let id = self.writer.event + 1 + self.done.events.len() as i64;
            let body = super::kill::body(switch);
            let event = Event { id, at: wall(), kind: "kill_switch".into(), body };
            work.event(&event).await?;
            self.done.events.push(event);
        }
        if let Input::Advance(to) = **input {
            self.done.latest = self.done.latest.max(Some(to));
        }
        let step = self.step(work, (**input).clone()).await?;
        self.done.fates.push((Some(step), Vec::new()));
        Ok(())
    }
}
