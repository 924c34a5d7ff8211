//! The attempt event (CONTRACT 1): what is accepted, and what is said when something isn't.
//!
//! There is one place for the rules of a field, [`AttemptDraft`], and two ways in: [`parse_event`]
//! for JSON, bare or in a CloudEvents 1.0 envelope, and the draft's own setters for readers of
//! mapped files. Both answer with the same [`EventError`].

mod draft;
mod envelope;
mod error;
mod field;
mod key;
mod parse;
mod scan;
mod value;

pub use draft::AttemptDraft;
pub use error::{EventError, Reason};
pub use field::Field;
pub use parse::{Parsed, parse_event};
