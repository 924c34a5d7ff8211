//! May this payment be tried again, when, and by which rule?
//!
//! Card schemes limit how often a declined payment may be tried again and charge for each attempt
//! too many. The limits are dated data with sources (`data/retry_rules.csv`), because they change:
//! Visa allowed 15 reattempts in 30 days until May 2025 and 20 since, and pages with the old number
//! are still around. [`may_retry`] is a pure function of a question and these rules.

mod ask;
mod rules;

pub use ask::{By, PastAttempt, RetryAnswer, RetryQuestion, attempts_max, may_retry, meaning};
pub use rules::{Counts, Fee, RetryRule, RetryRules, RuleKind};
