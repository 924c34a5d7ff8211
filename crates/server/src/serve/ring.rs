//! The latest events of the stream, shared by all who listen.
//!
//! A listener is a place in one sequence and nothing more: no queue of its own grows when it is slow, so memory is bounded
//! whatever a thousand of them do. One that falls more than [`LAG_BYTES_MAX`] behind what is said while it listens is dropped; it comes back
//! with `Last-Event-ID` and is served from the store.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use store::Event;
use tokio::sync::watch;

/// Events kept here; older ones are in the store.
const KEPT: usize = 10_000;
/// How far a listener may fall behind, bytes.
pub const LAG_BYTES_MAX: u64 = 1 << 20;

struct Kept {
    events: VecDeque<Arc<Event>>,
    /// Bytes said so far.
    bytes: u64,
}

/// The end of the stream.
pub struct Ring {
    kept: Mutex<Kept>,
    last: watch::Sender<i64>,
}

impl Ring {
    /// After this event.
    pub fn new(last: i64) -> Self {
        let kept = Kept { events: VecDeque::new(), bytes: 0 };
        Self { kept: Mutex::new(kept), last: watch::Sender::new(last) }
    }

    /// Appends; ids follow each other.
    pub fn push(&self, events: Vec<Event>) {
        let Some(last) = events.last().map(|event| event.id) else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            kept.bytes += event.body.len() as u64;
            kept.events.push_back(Arc::new(event));
        }
        let over = kept.events.len().saturating_sub(KEPT);
        kept.events.drain(..over);
        drop(kept);
        self.last.send_replace(last);
    }

    /// Tells whenever something was appended.
    pub fn listen(&self) -> watch::Receiver<i64> {
        self.last.subscribe()
    }

    /// The last id.
    pub fn last(&self) -> i64 {
        *self.last.borrow()
    }

    /// Bytes said so far.
    pub fn bytes(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).bytes
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
