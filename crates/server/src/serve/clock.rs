//! The server's clock: this machine's, or the events'.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use payments::Timestamp;

use crate::config::ClockSource;

/// How far ahead of this machine's clock an event may be.
pub const AHEAD_MS_MAX: i64 = 5 * 60_000;
/// How far behind it may be and still reach the engine; older ones are stored and summed up.
pub const BEHIND_MS_MAX: i64 = 3_600_000;

/// Now, as everything but the engine sees it.
#[derive(Debug)]
pub struct Clock {
    source: ClockSource,
    lateness_ms: i64,
    step_max_ms: i64,
    /// The largest event time seen; `i64::MIN` before the first.
    latest_ms: AtomicI64,
}

/// This machine's time.
pub fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Clock {
    /// A clock that has seen no event.
    pub fn new(source: ClockSource, config: &engine::Clock) -> Self {
        let (lateness_ms, step_max_ms) = (config.lateness_ms, config.step_max_ms);
        Self { source, lateness_ms, step_max_ms, latest_ms: AtomicI64::new(i64::MIN) }
    }

    /// What drives it.
    pub fn source(&self) -> ClockSource {
        self.source
    }

    /// How long a tick waits for what is late.
    pub fn lateness_ms(&self) -> i64 {
        self.lateness_ms
    }

    /// The largest event time seen.
    pub fn latest(&self) -> Option<Timestamp> {
        let latest = self.latest_ms.load(Ordering::Acquire);
        (latest != i64::MIN).then(|| Timestamp::from_millis(latest))
    }

    /// An event of this time was accepted, or a timer says so.
    pub fn see(&self, at: Timestamp) {
        self.latest_ms.fetch_max(at.as_millis(), Ordering::AcqRel);
    }

    /// Now: by events, the largest time seen less the lateness, and before the first event the epoch.
    pub fn now(&self) -> Timestamp {
        match self.source {
            ClockSource::Wall => wall(),
            ClockSource::Event => self
                .latest()
                .map_or(Timestamp::from_millis(0), |latest| latest.plus_millis(-self.lateness_ms)),
        }
    }

    /// The latest time that an event may have; none: any.
    pub fn future_from(&self) -> Option<Timestamp> {
        match self.source {
            ClockSource::Wall => Some(wall().plus_millis(AHEAD_MS_MAX)),
            ClockSource::Event => self.latest().map(|latest| self.future_after(latest)),
        }
    }

    /// By the events' clock: the latest time that an event may have after one of this time.
    pub fn future_after(&self, latest: Timestamp) -> Timestamp {
        latest.plus_millis(self.step_max_ms)
    }

    /// What an event may at most be, in words.
    pub fn future_allowed(&self) -> String {
        match self.source {
            ClockSource::Wall => "at most 5 minutes ahead of this machine's clock".into(),
            ClockSource::Event => {
                format!(
                    "at most {} s (clock.step_max) ahead of the latest event",
                    self.step_max_ms / 1_000
                )
            }
        }
    }

    /// From when on an event reaches the engine; none: always.
    pub fn heard_from(&self) -> Option<Timestamp> {
        match self.source {
            ClockSource::Wall => Some(wall().plus_millis(-BEHIND_MS_MAX)),
            ClockSource::Event => None,
        }
    }
}
