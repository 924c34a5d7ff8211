//! `GET /v1/stream`: what is said, as server-sent events that can be resumed without gap or duplicate.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::response::sse::{Event as Sse, KeepAlive, Sse as Answer};
use futures_util::stream::{self, Stream};
use store::Event;
use tokio::sync::watch;

use super::problem::Problem;
use super::who::{Principal, Role};
use crate::people;
use crate::serve::App;
use crate::serve::listen::Peer;
use crate::serve::ring::Listening;

/// Events fetched at once.
const CHUNK: usize = 256;
/// Rows of `routes` that are told each second.
const ROUTES_MAX: usize = 50;

/// Follow what is said
///
/// `event` is `incident`, `intervention`, `experiment`, `decision`, `policy`, `rollout` or `kill_switch`, its data the object as GET gives it; `id` grows by 1.
/// `routes` comes each second without id, `: ping` every 15 s. With `Last-Event-ID` it goes on behind that event, or answers `reset` with `oldest_id` where that is too old.
#[utoipa::path(
    get, path = "/v1/stream", tag = "stream",
    params(("Last-Event-ID" = Option<i64>, Header, description = "the last id that was received")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn follow(
    State(app): State<Arc<App>>,
    who: Principal,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    who.needs(Role::Viewer)?;
    let asked = match headers.get("last-event-id") {
        None => None,
        Some(value) => {
            let id = value.to_str().ok().and_then(|text| text.parse::<i64>().ok());
            let id = id.filter(|id| *id >= 0);
            let wrong =
                || Problem::malformed("Last-Event-ID is no id of ours; want a whole number");
            Some(id.ok_or_else(wrong)?)
        }
    };
    let last = app.ring.last();
    let mut place = asked.unwrap_or(last);
    let mut reset = None;
    if place != last {
        let oldest = app.store.oldest_event().await?.unwrap_or(last + 1);
        // An id that was never given is as unknown as one that is gone.
        if place < oldest - 1 || place > last {
            reset = Some(oldest);
            place = last;
        }
    }
    app.metrics.stream_clients.inc();
    let mut checks = tokio::time::interval(people::READ_EVERY);
    checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let listener = Listener {
        who,
        checks,
        changes: app.ring.listen(),
        routes: app.routes.subscribe(),
        stopping: app.stopping.clone(),
        listening: app.ring.listening(peer.hang_up),
        backlog_until: last,
        place,
        reset,
        waiting: Vec::new(),
        app,
    };
    let pings = KeepAlive::new().interval(Duration::from_secs(15)).text("ping");
    Ok(Answer::new(listener.events()).keep_alive(pings))
}

struct Listener {
    app: Arc<App>,
    /// Who listens; once they would not be let in any more it ends.
    who: Principal,
    checks: tokio::time::Interval,
    changes: watch::Receiver<i64>,
    routes: watch::Receiver<Arc<str>>,
    stopping: watch::Receiver<bool>,
    /// What it was sent of what was said since it began: whoever is too slow is let go.
    listening: Arc<Listening>,
    /// What was said before it began: to be caught up with, at its own pace.
    backlog_until: i64,
    place: i64,
    reset: Option<i64>,
    /// Fetched, the next last.
    waiting: Vec<Arc<Event>>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.app.metrics.stream_clients.dec();
    }
}

impl Listener {
    fn events(self) -> impl Stream<Item = Result<Sse, Infallible>> {
        stream::unfold(self, |mut listener| async move {
            let event = listener.next().await?;
            Some((Ok(event), listener))
        })
    }

    /// The next event; none ends the stream.
    async fn next(&mut self) -> Option<Sse> {
        if let Some(oldest) = self.reset.take() {
            let data = format!("{{\"oldest_id\":{oldest}}}");
            return Some(Sse::default().event("reset").data(data));
        }
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(self.say(&event));
            }
            if *self.stopping.borrow() {
                return None;
            }
            self.changes.borrow_and_update();
            self.fetch().await?;
            if !self.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                _ = self.checks.tick() => {
                    if !self.app.people.is_still(&self.who) {
                        return None;
                    }
                }
                changed = self.changes.changed() => changed.ok()?,
                _ = self.stopping.changed() => return None,
                changed = self.routes.changed() => {
                    changed.ok()?;
                    let routes = self.routes.borrow_and_update().clone();
                    return Some(Sse::default().event("routes").data(&*routes));
                }
            }
        }
    }

    fn say(&mut self, event: &Event) -> Sse {
        // Exactly the next one, whatever happened in between.
        debug_assert_eq!(event.id, self.place + 1);
        self.place = event.id;
        if event.id > self.backlog_until {
            self.listening.sent(event);
        }
        Sse::default().id(event.id.to_string()).event(&event.kind).data(&event.body)
    }

    async fn fetch(&mut self) -> Option<()> {
        self.waiting = match self.app.ring.after(self.place, CHUNK) {
            Some(events) => events,
            None => {
                let events = self.app.store.events(self.place, CHUNK as u32).await.ok()?;
                // Pruned meanwhile: it has to begin anew.
                if events.first().is_none_or(|event| event.id != self.place + 1) {
                    return None;
                }
                events.into_iter().map(Arc::new).collect()
            }
        };
        self.waiting.reverse();
        Some(())
    }
}

/// Tells the rolling routes each second, while somebody listens.
pub async fn tell_routes(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if app.routes.receiver_count() == 0 {
            continue;
        }
        let Ok(routes) = super::routes::told(&app, &["gateway"], ROUTES_MAX).await else {
            continue;
        };
        let text = serde_json::to_string(&routes).unwrap_or_default();
        app.routes.send_replace(Arc::from(text));
    }
}
