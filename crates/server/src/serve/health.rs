//! Whether the server is well, part by part.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use payments::Timestamp;

use serde::Serialize;
use utoipa::ToSchema;

/// How the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StoreState {
    /// It takes what it is given.
    #[default]
    Up,
    /// It doesn't, for now; why.
    Down(String),
    /// It failed in a way after which nothing is acknowledged any more.
    Failed(String),
}

/// Where the server is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It reads what it knew.
    #[default]
    Starting,
    /// It answers.
    Running,
    /// It finishes what it has begun.
    Stopping,
}

/// The state of all parts.
#[derive(Debug, Default)]
pub struct Health {
    store: Mutex<StoreState>,
    phase: Mutex<Phase>,
    /// Feeds by name; what is wrong, if anything is.
    feeds: Mutex<BTreeMap<&'static str, Option<String>>>,
    /// When attempts were last taken, milliseconds; 0: not since the start.
    heard_ms: AtomicI64,
    /// What is to be said of the configuration since it was read again.
    config: Mutex<Option<String>>,
}

impl Health {
    /// How the store is.
    pub fn store(&self) -> StoreState {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The store did what it was asked; one that has failed stays so.
    pub fn up(&self) {
        let mut state = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let StoreState::Down(_) = *state {
            tracing::info!("the store is back");
            *state = StoreState::Up;
        }
    }

    /// The store didn't.
    pub fn down(&self, error: &store::Error) {
        let mut state = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, StoreState::Failed(_)) {
            return;
        }
        let why = error.to_string();
        if !error.is_fatal() {
            if *state == StoreState::Up {
                tracing::warn!(why, "the store is down; routing goes on, events are answered 503");
            }
            *state = StoreState::Down(why);
        } else {
            tracing::error!(why, "the store has failed: nothing is acknowledged until a restart");
            *state = StoreState::Failed(why);
        }
    }

    /// Attempts were taken.
    pub fn hear(&self, at: Timestamp) {
        self.heard_ms.store(at.as_millis(), Ordering::Relaxed);
    }

    /// When attempts were last taken, since the start.
    pub fn heard(&self) -> Option<Timestamp> {
        let ms = self.heard_ms.load(Ordering::Relaxed);
        (ms > 0).then(|| Timestamp::from_millis(ms))
    }

    /// Where the server is.
    pub fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It goes on.
    pub fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// What is to be said of the configuration, if anything is.
    pub fn configured(&self) -> Option<String> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration was read again.
    pub fn config(&self, said: Option<String>) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    /// How each feed is; `None` is well.
    pub fn feeds(&self) -> BTreeMap<&'static str, Option<String>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A feed is well again, or not.
    pub fn feed(&self, name: &'static str, wrong: Option<String>) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        match (feeds.insert(name, wrong.clone()), wrong) {
            (Some(None), Some(why)) => tracing::warn!(feed = name, why, "the feed can't be read"),
            (Some(Some(_)), None) => tracing::info!(feed = name, "the feed is read"),
            _ => {}
        }
    }
}
