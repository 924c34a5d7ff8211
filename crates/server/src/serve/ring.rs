//! The latest events of the stream, shared by all who listen.
//!
//! A listener is a place in one sequence and nothing more: no queue of its own grows when it is slow, so memory is bounded
//! whatever a thousand of them do. One that is more than [`LAG_BYTES_MAX`] behind what was said while it listened, when more is said, is let go, also when it
//! reads nothing at all; it comes back with `Last-Event-ID` and is served from the store.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use store::Event;
use tokio::sync::watch;

use super::listen::HangUp;

/// Events kept here; older ones are in the store.
const KEPT: usize = 10_000;
/// How far a listener may fall behind, bytes.
pub const LAG_BYTES_MAX: u64 = 1 << 20;

struct Kept {
    events: VecDeque<Arc<Event>>,
    /// Bytes said so far.
    bytes: u64,
    listeners: Vec<Weak<Listening>>,
}

/// How much a listener was sent of what is said while it listens.
pub struct Listening {
    from_bytes: u64,
    sent_bytes: AtomicU64,
    hang_up: HangUp,
}

impl Listening {
    /// It was sent this.
    pub fn sent(&self, event: &Event) {
        self.sent_bytes.fetch_add(event.body.len() as u64, Ordering::Relaxed);
    }

    fn is_behind(&self, said_bytes: u64) -> bool {
        let behind = self.from_bytes + self.sent_bytes.load(Ordering::Relaxed);
        said_bytes.saturating_sub(behind) > LAG_BYTES_MAX
    }
}

impl Kept {
    /// Lets those go who are too far behind, before more is said: what is said at once makes nobody slow.
    fn let_go(&mut self) -> u64 {
        let mut count = 0;
        let said_bytes = self.bytes;
        self.listeners.retain(|listening| {
            let Some(listening) = listening.upgrade() else { return false };
            let is_behind = listening.is_behind(said_bytes);
            if is_behind {
                count += 1;
                listening.hang_up.now();
            }
            !is_behind
        });
        count
    }
}

/// The end of the stream.
pub struct Ring {
    kept: Mutex<Kept>,
    last: watch::Sender<i64>,
}

impl Ring {
    /// After this event.
    pub fn new(last: i64) -> Self {
        let kept = Kept { events: VecDeque::new(), bytes: 0, listeners: Vec::new() };
        Self { kept: Mutex::new(kept), last: watch::Sender::new(last) }
    }

    /// Appends; ids follow each other. How many listeners were too slow and are let go.
    pub fn push(&self, events: Vec<Event>) -> u64 {
        let Some(last) = events.last().map(|event| event.id) else { return 0 };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let let_go = kept.let_go();
        for event in events {
            kept.bytes += event.body.len() as u64;
            kept.events.push_back(Arc::new(event));
        }
        let over = kept.events.len().saturating_sub(KEPT);
        kept.events.drain(..over);
        drop(kept);
        self.last.send_replace(last);
        let_go
    }

    /// Somebody listens from here on, and can be let go.
    pub fn listening(&self, hang_up: HangUp) -> Arc<Listening> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (from_bytes, sent_bytes) = (kept.bytes, AtomicU64::new(0));
        let listening = Arc::new(Listening { from_bytes, sent_bytes, hang_up });
        kept.listeners.push(Arc::downgrade(&listening));
        listening
    }

    /// Tells whenever something was appended.
    pub fn listen(&self) -> watch::Receiver<i64> {
        self.last.subscribe()
    }

    /// The last id.
    pub fn last(&self) -> i64 {
        *self.last.borrow()
    }

    /// Events behind an id, at most so many; none if some of them are in the store alone.
    pub fn after(&self, id: i64, limit: usize) -> Option<Vec<Arc<Event>>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.events.front() {
            _ if id >= self.last() => Some(Vec::new()),
            Some(first) if first.id <= id + 1 => {
                let skip = usize::try_from(id + 1 - first.id).unwrap_or(0);
                Some(kept.events.iter().skip(skip).take(limit).cloned().collect())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::Timestamp;

    fn event(id: i64) -> Event {
        Event { id, at: Timestamp::from_millis(id), kind: "incident".into(), body: "{}".into() }
    }

    #[test]
    fn who_is_behind_when_more_is_said_is_let_go() {
        let said = |id: i64, bytes: u64| Event { body: "x".repeat(bytes as usize), ..event(id) };
        let ring = Ring::new(0);
        assert_eq!(ring.push(vec![said(1, 2 * LAG_BYTES_MAX)]), 0);
        let (quick, slow) = (HangUp::default(), HangUp::default());
        let [quick, slow] = [quick, slow].map(|hang_up| ring.listening(hang_up));
        assert_eq!(ring.push(vec![said(2, 2 * LAG_BYTES_MAX)]), 0, "nobody can have read that");
        quick.sent(&said(2, 2 * LAG_BYTES_MAX));
        assert_eq!(ring.push(vec![said(3, 1)]), 1);
        assert_eq!(ring.push(vec![said(4, 1)]), 0, "once");
        drop(slow);
        drop(quick);
        assert_eq!(ring.push(vec![said(5, 2 * LAG_BYTES_MAX), said(6, 1)]), 0);
        assert_eq!(ring.push(vec![said(7, 1)]), 0, "who has gone isn't let go");
    }

    #[test]
    fn what_is_not_here_is_in_the_store() {
        let ring = Ring::new(5);
        assert_eq!(ring.after(5, 9), Some(vec![]));
        assert_eq!(ring.after(3, 9), None);
        ring.push(vec![event(6), event(7), event(8)]);
        let ids =
            |id, limit| ring.after(id, limit).map(|e| e.iter().map(|e| e.id).collect::<Vec<_>>());
        assert_eq!(ids(5, 9), Some(vec![6, 7, 8]));
        assert_eq!(ids(6, 1), Some(vec![7]));
        assert_eq!(ids(8, 9), Some(vec![]));
        assert_eq!(ids(4, 9), None);
        ring.push((9..9 + KEPT as i64).map(event).collect());
        assert_eq!(ids(8, 2), Some(vec![9, 10]));
        assert_eq!(ids(7, 2), None);
    }
}
