//! What programs read: incidents as `GET /v1/incidents` gives them.
//!
//! Times are RFC 3339 in UTC; what is absent is `null` and never left out.

mod incident;

pub use incident::{Incident, rfc3339};
