//! Routing: which gateway a payment goes to, and with what probability.
//!
//! On the path of every payment: no lock, no I/O, no clock. The control plane hands over an immutable policy; a choice
//! is a function of it, of the payment's context and of a draw keyed by the payment.

mod allocation;
mod bands;
mod best;
mod choice;
mod context;
mod draw;
mod eligible;
mod gateway;
mod known;
mod learner;
mod moves;
mod policy;
#[cfg(test)]
mod reference;
mod retry;
mod rule;
mod shares;
mod table;
mod tree;
#[cfg(test)]
mod worlds;
mod worth;

pub use allocation::{Allocation, Arm, Directive, Overlay};
pub use bands::{AMOUNT, HOUR, amount_end};
pub use choice::{Assignment, Choice, Ranked, Reason, RetryAdvice};
pub use context::Context;
pub use draw::place_in_rollout;
pub use eligible::{GATEWAYS_MAX, NoEligibleGateway};
pub use gateway::{Fee, Gateway};
pub use learner::{Lasting, Learner, LearnerSettings, MEMORIES, Memory, Outcomes};
pub use policy::{Excluded, Learning, Pick, Policy, Term, Terms};
pub use retry::{
    Advice, Avoidance, Inquiry, Narrowing, PATH_MEMORY_MS, RetryReason, RetryRequest, advise,
    narrowed,
};
pub use rule::{Refusal, Rule};
pub use shares::Exploration;
pub use table::{DIMENSIONS_MAX, Effect, Place, Row, Table, Unseen};
pub use tree::{Growth, Shown, Tree};
