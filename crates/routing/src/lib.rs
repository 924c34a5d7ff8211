//! Routing: which gateway a payment goes to, and with what probability.
//!
//! On the path of every payment: no lock, no I/O, no clock. The control plane hands over an immutable policy; a choice
//! is a function of it, of the payment's context and of a draw keyed by the payment.

mod allocation;
mod choice;
mod context;

pub use allocation::{Allocation, Arm, Directive, Overlay};
pub use choice::{Assignment, Choice, Ranked, Reason, RetryAdvice};
pub use context::Context;
