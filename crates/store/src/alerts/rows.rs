//! What the outbox holds.

use payments::Timestamp;

use crate::error::{Error, Result};

/// Where an alert stands in the life of what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Said once; nothing ends it.
    Notice,
    /// Goes on until it is resolved.
    Firing,
    /// A person is on it.
    Acknowledged,
    /// Over.
    Resolved,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Notice, Self::Firing, Self::Acknowledged, Self::Resolved];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }

    pub(super) fn read(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == word);
        found.ok_or_else(|| Error::damaged("an alert's stage", word))
    }
}

/// An alert: one thing that happened to what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Told once under this id.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// An incident's id, or another matter: alerts about one thing are kept in order.
    pub about: String,
    /// `incident.opened` and the like.
    pub kind: String,
    /// Where it stands.
    pub stage: Stage,
    /// JSON.
    pub body: String,
    /// Its place among all; the store sets it.
    pub place: i64,
}

/// A channel that an alert goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Its name.
    pub channel: String,
    /// Not before.
    pub from: Timestamp,
    /// Only if nobody acknowledges it, and it isn't resolved, before then.
    pub escalates: bool,
}

/// What became of an alert in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent, for the first time or again.
    Waiting,
    /// Taken, and said again while it fires.
    Repeating,
    /// Taken.
    Delivered,
    /// A silence covers it; sent when that ends, if it is still news then.
    Silenced,
    /// Refused, or tried for too long.
    GivenUp,
    /// Settled before it was due, or about something that the channel was never told of.
    Needless,
}

impl DeliveryState {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Repeating,
        Self::Delivered,
        Self::Silenced,
        Self::GivenUp,
        Self::Needless,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Repeating => "repeating",
            Self::Delivered => "delivered",
            Self::Silenced => "silenced",
            Self::GivenUp => "given_up",
            Self::Needless => "needless",
        }
    }

    pub(super) fn read(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| Error::damaged("a delivery's state", word))
    }
}

/// An alert on its way to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Of which alert.
    pub alert_id: String,
    /// To which channel.
    pub channel: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Whether it was to go out only if nobody acknowledged.
    pub escalates: bool,
    /// From when on it could be sent: what it is given up by.
    pub begun_at: Timestamp,
    /// When it is looked at again; none: nothing more happens.
    pub next_at: Option<Timestamp>,
    /// How often it was tried.
    pub tries: i64,
    /// The silence that covered it last.
    pub silence_id: Option<String>,
    /// What the last try came to, in words; no secret is in it.
    pub detail: Option<String>,
    /// When it was taken, or given up.
    pub done_at: Option<Timestamp>,
}

/// A delivery whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// It.
    pub delivery: Delivery,
    /// What is to be told.
    pub alert: Alert,
    /// Whether the channel was told of the matter before.
    pub is_known: bool,
    /// Whether something newer than this alert is known of the matter.
    pub is_superseded: bool,
}

/// Alerts of a slice aren't sent for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its id.
    pub id: String,
    /// JSON object: alerts whose slice has all of these values.
    pub slice: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who ended it early.
    pub ended_by: Option<String>,
    /// Its place among all; the store sets it.
    pub place: i64,
}
