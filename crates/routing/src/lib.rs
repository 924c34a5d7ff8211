//! Routing: which gateway a payment goes to, and with what probability.
//!
//! On the path of every payment: no lock, no I/O, no clock. The control plane hands over an immutable policy; a choice
//! is a function of it, of the payment's context and of a draw keyed by the payment.

mod allocation;
mod best;
mod choice;
mod context;
mod draw;
mod eligible;
mod gateway;
mod learner;
mod moves;
mod policy;
#[cfg(test)]
mod reference;
mod table;
#[cfg(test)]
mod worlds;

pub use allocation::{Allocation, Arm, Directive, Overlay};
pub use choice::{Assignment, Choice, Ranked, Reason, RetryAdvice};
pub use context::Context;
pub use eligible::{GATEWAYS_MAX, NoEligibleGateway};
pub use gateway::{Fee, Gateway};
pub use learner::{Learner, LearnerSettings, Outcomes};
pub use policy::{Learning, Policy, Term, Terms};
pub use table::{DIMENSIONS_MAX, Table};
