//! What programs read: objects as the API gives them.
//!
//! Times are RFC 3339 in UTC; what is absent is `null` and never left out.

mod decision;
mod experiment;
mod incident;
mod intervention;
mod key;
mod policy;
mod retry_advice;
mod rollout;

pub use decision::Decision;
pub use experiment::Experiment;
pub use incident::{Incident, rfc3339};
pub use intervention::{Held, Intervention, Share};
pub use key::Key;
pub use policy::{Memory, Policy};
pub use retry_advice::RetryAdvice;
pub use rollout::{Rollout, RolloutTurn, ended, turned};
