//! Alerts and their outbox: what was told of, to whom it goes, and what became of it.
//!
//! An alert is written in the transaction of what caused it, together with one delivery per channel, so that neither is there without the other.
//! Alerts about one thing (an incident) go to a channel one after another, in order: a resolution never overtakes the alarm.

mod read;
mod rows;
mod write;

pub(crate) use read::{active_silences, alerts, due, open_deliveries, silences};
pub use rows::{Alert, Delivery, DeliveryState, Due, Recipient, Silence, Stage};
pub(crate) use write::{add_silence, alert, delivery, end_silence, forget};
