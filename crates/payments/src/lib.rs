//! Payments vocabulary: money, time, the attempt event, decline taxonomy and retry rules.

mod attempt;
mod bucket;
mod money;
mod time;

pub use attempt::{Attempt, Code, Initiator, Status};
pub use bucket::Bucket;
pub use money::{Currency, Money};
pub use time::Timestamp;
