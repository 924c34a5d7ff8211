//! What must survive: attempts, the engine's journal and snapshots, and what was said.
//!
//! **Problem.** What was answered 202 has to be there after `kill -9` and power loss; after a restart the engine goes on as if
//! it had not stopped; and each thing that was said is said once.
//!
//! **Method.** One writer at a time ([`Store::begin`]). A unit of work stores attempts, their minute roll-ups and the journal's
//! step in one transaction, and is durable when [`Work::commit`] returns: SQLite in WAL mode with `synchronous = FULL`, PostgreSQL with
//! its own log. What follows from a step (objects, events of the stream) is stored together with the step's number, so that a
//! replay after a crash knows what has been said.
//!
//! **Both databases** are spoken to by the same statements, through sqlx's `Any`; one suite of contract tests runs on both. The only
//! texts of their own are the migrations.

mod alerts;
mod alone;
mod attempts;
mod audit;
mod blocks;
mod cells;
mod copy;
mod error;
mod inspect;
mod open;
mod people;
mod reads;
mod rollups;
mod rows;
mod sql;
mod status;
mod work;

use async_trait::async_trait;
use payments::{Attempt, Timestamp};

pub use alerts::{Alert, Delivery, DeliveryState, Due, Recipient, Silence, Stage};
pub use alone::Alone;
pub use audit::{AuditFault, hash as audit_hash, verify as audit_verify};
pub use copy::{check, copy_to};
pub use error::{Error, Result};
pub use inspect::{Inspection, inspect};
pub use open::{is_postgres, open, open_alone, shown, sqlite_path};
pub use people::{Change, Session, User};
pub use reads::Sql;
pub use rows::{
    ApiKey, AuditEntry, Choice, Claim, Event, KillSwitch, Kind, Object, Progress, Snapshot, Step,
    Sums, Try, Verdict, Wanted,
};
pub use status::STATUSES;

/// A store. Reads see what is committed.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a unit of work; waits until no other is open.
    async fn begin(&self) -> Result<Box<dyn Work>>;

    /// Whether it answers.
    async fn ping(&self) -> Result<()>;
    /// How far everything is.
    async fn progress(&self) -> Result<Progress>;
    /// A fact by its name.
    async fn fact(&self, name: &str) -> Result<Option<String>>;
    /// Snapshots, newest first, at most two.
    async fn snapshots(&self) -> Result<Vec<Snapshot>>;
    /// Steps of the journal behind `after`, in order, at most `limit`.
    async fn journal(&self, after: i64, limit: u32) -> Result<Vec<Step>>;

    /// Objects of a kind, the one told first last.
    async fn objects(&self, kind: Kind, wanted: &Wanted) -> Result<Vec<Object>>;
    /// One object.
    async fn object(&self, kind: Kind, id: &str) -> Result<Option<Object>>;
    /// Events behind `after`, in order, at most `limit`.
    async fn events(&self, after: i64, limit: u32) -> Result<Vec<Event>>;
    /// The oldest event that is kept.
    async fn oldest_event(&self) -> Result<Option<i64>>;
    /// A routing choice.
    async fn choice(&self, decision_id: &str) -> Result<Option<Choice>>;
    /// A payment's attempts, in order of business time.
    async fn payment(&self, payment_id: &str) -> Result<Vec<Attempt>>;
    /// Sums of roll-ups from `from` until before `to`, in steps of `step_ms` (whole minutes), over the attempts that have these values.
    /// Steps without attempts are left out.
    async fn series(
        &self,
        slice: &[(String, String)],
        from: Timestamp,
        to: Timestamp,
        step_ms: i64,
    ) -> Result<Vec<Sums>>;
    /// The attempts from `from` until before `to`, newest first, at most `limit`; each says whether it has these values.
    async fn tries(
        &self,
        slice: &[(String, String)],
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<Try>>;
    /// How many attempts are stored.
    async fn attempts_count(&self) -> Result<i64>;

    /// The kill switch.
    async fn kill_switch(&self) -> Result<KillSwitch>;
    /// API keys, newest first.
    async fn keys(&self) -> Result<Vec<ApiKey>>;
    /// The key of a secret's hash.
    async fn key_by_hash(&self, hash: &str) -> Result<Option<ApiKey>>;
    /// Users, newest first.
    async fn users(&self) -> Result<Vec<User>>;
    /// Sessions, those that have expired too.
    async fn sessions(&self) -> Result<Vec<Session>>;
    /// Changes that wait for a second person, newest first, those that have expired too.
    async fn changes(&self) -> Result<Vec<Change>>;
    /// Entries of the audit log behind `after`, in order, at most `limit`.
    async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditEntry>>;

    /// Alerts with their deliveries, newest first; the status wanted is a stage.
    async fn alerts(&self, wanted: &Wanted) -> Result<Vec<(Alert, Vec<Delivery>)>>;
    /// Deliveries to a channel whose time has come, oldest first, at most `limit`; of those about one thing, the first that is still to be sent.
    async fn due(&self, channel: &str, now: Timestamp, limit: u32) -> Result<Vec<Due>>;
    /// How many deliveries per channel are still to be made.
    async fn open_deliveries(&self) -> Result<Vec<(String, i64)>>;
    /// Silences, newest first.
    async fn silences(&self, before: Option<i64>, limit: u32) -> Result<Vec<Silence>>;
    /// Silences in force.
    async fn active_silences(&self, now: Timestamp) -> Result<Vec<Silence>>;
}

/// A unit of work: all of it or nothing. Dropped without [`Work::commit`], nothing has happened.
#[async_trait]
pub trait Work: Send {
    /// Stores attempts in order, with their roll-ups; a verdict for each.
    async fn attempts(&mut self, attempts: &[Attempt]) -> Result<Vec<Verdict>>;
    /// Writes down what the engine is told.
    async fn step(&mut self, step: i64, body: &[u8]) -> Result<()>;
    /// The effects of all steps up to this one are stored by this work; `digest` is the last one's.
    async fn effects_of(&mut self, step: i64, digest: &str) -> Result<()>;
    /// Stores an object as it is now; gives back who has acknowledged it, and when.
    async fn object(&mut self, kind: Kind, object: &Object) -> Result<Option<(String, Timestamp)>>;
    /// Somebody has seen an object; false if there is none.
    async fn acknowledge(&mut self, kind: Kind, id: &str, by: &str, at: Timestamp) -> Result<bool>;
    /// Appends an event.
    async fn event(&mut self, event: &Event) -> Result<()>;
    /// Stores routing choices; of one that is told again the first stands.
    async fn choices(&mut self, choices: Vec<Choice>) -> Result<()>;
    /// Keeps a snapshot, and drops older ones but one, with the steps that only they needed.
    async fn snapshot(&mut self, snapshot: &Snapshot) -> Result<()>;
    /// Keeps a fact.
    async fn set_fact(&mut self, name: &str, value: &str) -> Result<()>;
    /// Sets the kill switch.
    async fn set_kill_switch(&mut self, switch: &KillSwitch) -> Result<()>;
    /// Keeps a key.
    async fn add_key(&mut self, key: &ApiKey) -> Result<()>;
    /// Revokes a key; false if there is none that is not revoked.
    async fn revoke_key(&mut self, id: &str, at: Timestamp) -> Result<bool>;
    /// Keeps a user; one of the same id is replaced, but for subject and origin.
    async fn put_user(&mut self, user: &User) -> Result<()>;
    /// Removes a user; false if there is none.
    async fn remove_user(&mut self, id: &str) -> Result<bool>;
    /// Keeps a session; those that have expired go, and of this person's the oldest beyond `most`.
    async fn add_session(&mut self, session: &Session, most: u32) -> Result<()>;
    /// Ends a session; false if there is none.
    async fn end_session(&mut self, hash: &str) -> Result<bool>;
    /// Ends all sessions of a person; how many there were.
    async fn end_sessions_of(&mut self, subject: &str) -> Result<u64>;
    /// Keeps a change that waits for a second person; those that have expired go.
    async fn add_change(&mut self, change: &Change) -> Result<()>;
    /// Takes a change out; false if there is none any more: of many who take it at once, one gets it.
    async fn take_change(&mut self, id: &str) -> Result<bool>;
    /// Appends to the audit log.
    async fn append_audit(
        &mut self,
        at: Timestamp,
        actor: &str,
        action: &str,
        object: &str,
        detail: &str,
    ) -> Result<()>;
    /// Writes an alert and its deliveries; false: its id is known, and nothing was done.
    async fn alert(&mut self, alert: &Alert, to: &[Recipient]) -> Result<bool>;
    /// Notes how a delivery stands.
    async fn delivery(&mut self, delivery: &Delivery) -> Result<()>;
    /// Keeps a silence.
    async fn add_silence(&mut self, silence: &Silence) -> Result<()>;
    /// Ends a silence; what it covered is looked at again. False: none of that id is in force.
    async fn end_silence(&mut self, id: &str, by: &str, at: Timestamp) -> Result<bool>;
    /// Claims an idempotency key, or says what is known of it.
    async fn claim(
        &mut self,
        principal: &str,
        path: &str,
        key: &str,
        body_hash: &str,
        at: Timestamp,
    ) -> Result<Claim>;
    /// Keeps the answer under a claimed key; `None` gives the key free.
    async fn answer(
        &mut self,
        principal: &str,
        path: &str,
        key: &str,
        answer: Option<(u16, &str)>,
    ) -> Result<()>;
    /// Gives every claim free that has no answer: for the start, when nobody can be in flight.
    async fn release_claims(&mut self) -> Result<()>;
    /// Drops what is older: events (all but the last `events_max` too), choices and idempotency keys.
    async fn prune(&mut self, before: Timestamp, events_max: i64) -> Result<()>;
    /// Drops attempts and roll-ups from before; at most `limit` attempts at once. How many went.
    async fn forget_attempts(&mut self, before: Timestamp, limit: u32) -> Result<u64>;
    /// Drops alerts from before to which nothing more happens, and silences that ended before.
    async fn forget_alerts(&mut self, before: Timestamp) -> Result<()>;
    /// Makes all of it durable.
    async fn commit(self: Box<Self>) -> Result<()>;
}
