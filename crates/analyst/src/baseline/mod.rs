//! What is expected: season, drift, and every slice's own level.

pub mod effects;
pub mod season;
