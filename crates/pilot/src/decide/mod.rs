//! What could be done about an incident, and what each of it is worth.

mod candidates;
pub mod gain;
mod outage;
mod outlook;
pub mod targets;

pub use candidates::{Candidate, Reasons, candidates, precluded};
pub use gain::{Gain, Moved};
pub use outage::Durations;
pub use outlook::{Draw, Outlook, outlook};
