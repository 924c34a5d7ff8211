//! Slices: conjunctions of attribute = value.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A conjunction of `dimension = value`; the empty one is all traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slice(BTreeMap<String, String>);

impl Slice {
    /// From `(dimension, value)` pairs.
    pub fn new<D: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (D, V)>) -> Self {
        Self(pairs.into_iter().map(|(d, v)| (d.into(), v.into())).collect())
    }

    /// The pairs in order of dimension name.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(d, v)| (d.as_str(), v.as_str()))
    }

    /// The value of a dimension, if the slice names one.
    pub fn get(&self, dimension: &str) -> Option<&str> {
        self.0.get(dimension).map(String::as_str)
    }

    /// The slice without this dimension: wider, or itself.
    pub fn without(&self, dimension: &str) -> Self {
        Self::new(self.pairs().filter(|(named, _)| *named != dimension))
    }

    /// How many attributes it names.
    pub fn order(&self) -> usize {
        self.0.len()
    }
}

/// `{gateway: PAYTM_V2, sub_type: UPI_COLLECT}`, all traffic as `{}`. Control characters are
/// written as escapes: names come from outside, and terminals obey what they are sent.
impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (dimension, value)) in self.pairs().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write_visible(f, dimension)?;
            f.write_str(": ")?;
            write_visible(f, value)?;
        }
        f.write_str("}")
    }
}

pub(crate) fn write_visible(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        if c.is_control() {
            write!(f, "{}", c.escape_default())?;
        } else {
            write!(f, "{c}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_the_contract() {
        let slice = Slice::new([("sub_type", "UPI_COLLECT"), ("gateway", "PAYTM_V2")]);
        assert_eq!(slice.to_string(), "{gateway: PAYTM_V2, sub_type: UPI_COLLECT}");
    }

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        let slice = Slice::new([("gateway", "\u{1b}[2Jx")]);
        assert_eq!(slice.to_string(), "{gateway: \\u{1b}[2Jx}");
    }
}
