//! What could be done about an incident, and what each of it is worth.

mod candidates;
mod considered;
pub mod gain;
mod outage;
mod outlook;
pub mod scope;
pub mod targets;

pub use candidates::{Candidate, Reasons, candidates, precluded};
pub use considered::{Considered, Knowledge, considered};
pub use gain::{Gain, Moved};
pub use outage::Durations;
pub use outlook::{Draw, Outlook, outlook};
