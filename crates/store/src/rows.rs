//! What goes into the store and comes out of it, beside attempts.
//!
//! The store knows payments alone: incidents and their like are bodies of JSON with the few columns that lists are made by.

use std::fmt;

use payments::{Status, Timestamp};

/// What became of an attempt that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Stored.
    New,
    /// A stored unknown or timeout now has its final status.
    Updated {
        /// What it was.
        previous: Status,
        /// When that had been.
        occurred_at: Timestamp,
    },
    /// The id is known: nothing was changed.
    Duplicate,
}

/// Kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Incidents.
    Incident,
    /// Interventions.
    Intervention,
    /// Experiments.
    Experiment,
    /// Decisions: the cycle log.
    Decision,
}

impl Kind {
    /// Its name, in tables and in the stream.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incident => "incident",
            Self::Intervention => "intervention",
            Self::Experiment => "experiment",
            Self::Decision => "decision",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object as it was last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its id within its kind.
    pub id: String,
    /// When it began.
    pub at: Timestamp,
    /// Where it stands.
    pub status: String,
    /// JSON.
    pub body: String,
    /// Who has acknowledged it, and when; set by [`crate::Work::acknowledge`] alone.
    pub acknowledged: Option<(String, Timestamp)>,
    /// Its place among its kind, in order of first telling; the store sets it.
    pub place: i64,
}

/// Which objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those told first before this place.
    pub before: Option<i64>,
    /// That began at or after.
    pub since: Option<Timestamp>,
    /// That began before.
    pub until: Option<Timestamp>,
    /// With this status.
    pub status: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// An event of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Grows by 1.
    pub id: i64,
    /// When it was said.
    pub at: Timestamp,
    /// `incident`, `policy`, ...
    pub kind: String,
    /// JSON.
    pub body: String,
}

/// What the engine was told in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// From 1, without gaps.
    pub step: i64,
    /// The input, as the caller encodes it.
    pub body: Vec<u8>,
    /// Digest of the effects, once they are stored.
    pub digest: Option<String>,
}

/// The engine's state after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last step that is in it.
    pub step: i64,
    /// When it was taken.
    pub at: Timestamp,
    /// The engine's bytes.
    pub body: Vec<u8>,
    /// What the shell keeps beside the engine, JSON.
    pub beside: String,
}

/// How far everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Last step of the journal; 0 is none.
    pub step: i64,
    /// Last step whose effects are stored.
    pub effects: i64,
    /// Last event of the stream; 0 is none.
    pub event: i64,
}

/// A routing choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its id.
    pub decision_id: String,
    /// When.
    pub at: Timestamp,
    /// JSON.
    pub body: String,
}

/// What of an attempt says what its payer did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Its payment.
    pub payment_id: String,
    /// When its outcome was known.
    pub at: Timestamp,
    /// Which of the payment's attempts, from 1.
    pub attempt_number: u32,
    /// How it was paid.
    pub method: String,
    /// Through whom.
    pub gateway: String,
    /// What came of it.
    pub status: Status,
    /// Whether it has the values that were asked for.
    pub is_chosen: bool,
}

/// Sums of roll-ups over one step of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Start of the step.
    pub at_ms: i64,
    /// Attempts by status, numbered as in the tables: approved, declined, error, timeout, unknown, abandoned.
    pub attempts: [i64; 6],
    /// Milliseconds over all attempts with a latency.
    pub latency_ms: i64,
    /// Attempts with a latency.
    pub latencies: i64,
}

/// The kill switch as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KillSwitch {
    /// Whether it is engaged.
    pub engaged: bool,
    /// Why.
    pub reason: String,
    /// Who engaged or cleared it.
    pub by: String,
    /// When, milliseconds.
    pub at_ms: i64,
    /// Who has asked to clear it, and until when another may agree.
    pub clear_requested: Option<(String, i64)>,
}

/// An API key; what is handed out is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it.
    pub id: String,
    /// SHA-256 of the secret, hexadecimal.
    pub hash: String,
    /// What it is for, for people to read; may be empty.
    pub name: String,
    /// Whose it is.
    pub tenant: String,
    /// A person's role, if it has one.
    pub role: Option<String>,
    /// A machine's scopes.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To what.
    pub object: String,
    /// JSON.
    pub detail: String,
    /// The hash of the entry before.
    pub previous: String,
    /// SHA-256 over all of the above, hexadecimal.
    pub hash: String,
}

/// What is known of a request that carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The first: go on, and store the answer.
    First,
    /// It is being answered.
    InFlight,
    /// It had another body.
    OtherBody,
    /// It was answered so.
    Answered {
        /// HTTP status.
        status: u16,
        /// JSON.
        body: String,
    },
}
