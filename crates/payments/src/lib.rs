//! Payments vocabulary: money, time, the attempt event, decline taxonomy and retry rules.

mod attempt;
mod bucket;
mod country;
mod currency;
mod decline;
mod event;
mod excerpt;
mod money;
mod pan;
mod reserved;
mod retry;
mod table;
mod time;

pub use attempt::{Attempt, Code, Initiator, Status};
pub use bucket::Bucket;
pub use country::is_country;
pub use currency::Currency;
pub use decline::{Decline, DeclineClass, Retryable, decline, declines, listed_decline};
pub use event::{AttemptDraft, EventError, Field, Parsed, Reason, parse_event};
pub use excerpt::excerpt;
pub use money::{Money, MoneyError};
pub use pan::holds_pan;
pub use reserved::{NONE, OTHER};
pub use retry::{
    By, Counts, Fee, PastAttempt, RetryAnswer, RetryQuestion, RetryRule, RetryRules, RuleKind,
    attempts_max, may_retry, meaning,
};
pub use time::{TimeError, Timestamp};
