//! Values that no payment sends: what stands where a dimension's value is missing, or is one of too many.

/// Stands for a dimension that a payment doesn't have.
pub const NONE: &str = "__none__";

/// Stands for all values beyond the number that is kept apart.
pub const OTHER: &str = "__other__";
