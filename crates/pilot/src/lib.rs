//! The pilot: findings in, bounded and reversible interventions out. It never sees raw traffic.
//!
//! ```text
//! situations --> outlook --> candidates --> guardrails --> course (pending | active) --> allocation
//!                   ^                                        | arms: trial --> evidence --> ramp
//!                   '-------------- memory <-----------------'
//! ```
//!
//! One cycle per tick. What is planned ([`Plan`]) is bound to its hash, checked again when it begins, and from then on only narrowed or widened step by step as its
//! trial allows. Same inputs, same acts, bit for bit.

mod act;
mod action;
pub mod calibration;
mod command;
mod conduct;
mod course;
mod decide;
mod decision;
mod ending;
mod experiment;
mod guardrails;
mod intervention;
mod keep;
mod ledger;
mod limits;
mod memory;
mod pace;
mod pilot;
mod plan;
mod propose;
mod ramp;
pub mod rollout;
mod settings;
mod situation;
mod walk;

pub use act::{Act, Page};
pub use action::Action;
pub use command::{Command, Refusal};
pub use decide::{Considered, Gain, Moved};
pub use decision::{Decision, Risk, RiskLevel, words};
pub use experiment::{ArmReport, Evidence, Experiment, Verdict};
pub use guardrails::{Guardrail, Held};
pub use intervention::{Authority, Direction, Intervention, State};
pub use limits::{Limits, Mode, Modes};
pub use memory::{Belief, Lesson, Memory, Move, Outcome};
pub use pace::Pace;
pub use pilot::Pilot;
pub use plan::{Plan, Retry, Target};
pub use settings::{Freeze, Settings};
pub use situation::{Network, Outcomes, Path, Situation};
