//! What a response code means, whose fault it is, and whether trying again can help.
//!
//! Every gateway has its own words; `data/declines.csv` brings 300 of them, from ISO 8583 and the
//! schemes to gateways and our own transport, under five causes, each row with its source. A code
//! that isn't listed is accepted and its class is [`DeclineClass::Unknown`]: the taxonomy informs
//! a diagnosis, it never decides one. A look-up is one hash of the two strings, no allocation.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::table;

/// Whose fault a code names. The index is fixed: counts per class are stored by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineClass {
    /// The payer: funds, limits, expired card, wrong data.
    User,
    /// The payer's bank.
    Issuer,
    /// A system or scheme on the way.
    Network,
    /// How the request was built, configured or routed.
    RoutingConfig,
    /// Fraud, suspected or proven, and other orders never to honour.
    FraudDnr,
    /// Nobody: the code is an approval.
    None,
    /// The code isn't listed, or there is none.
    Unknown,
}

impl DeclineClass {
    /// How many classes there are.
    pub const COUNT: usize = 7;

    /// Every class, in the order of [`index`](Self::index).
    pub const ALL: [Self; Self::COUNT] = [
        Self::User,
        Self::Issuer,
        Self::Network,
        Self::RoutingConfig,
        Self::FraudDnr,
        Self::None,
        Self::Unknown,
    ];

    /// A fixed number below [`COUNT`](Self::COUNT).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name in data files and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Issuer => "issuer",
            Self::Network => "network",
            Self::RoutingConfig => "routing_config",
            Self::FraudDnr => "fraud_dnr",
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }

    fn parse(name: &str) -> Self {
        let found = Self::ALL.into_iter().find(|class| class.as_str() == name);
        found.unwrap_or_else(|| panic!("unlisted cause {name}"))
    }
}

/// Whether trying again can help, by the code alone; scheme rules come on top ([`crate::may_retry`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retryable {
    /// The code is an approval.
    NotApplicable,
    /// Yes, unchanged, later or elsewhere.
    Soft,
    /// Never with the same request.
    Hard,
    /// After what the code asks for: a correction, an authentication, or a wait.
    Advice {
        /// How long to wait, where the code says so.
        wait_ms: Option<i64>,
    },
}

impl Retryable {
    fn parse(text: &str) -> Self {
        match text {
            "n/a" => Self::NotApplicable,
            "soft" => Self::Soft,
            "hard" => Self::Hard,
            "advice" => Self::Advice { wait_ms: None },
            _ => {
                let hours = text.strip_prefix("advice:wait=").and_then(|t| t.strip_suffix('h'));
                let hours: i64 = hours
                    .and_then(|hours| hours.parse().ok())
                    .unwrap_or_else(|| panic!("unlisted retryable {text}"));
                Self::Advice { wait_ms: Some(hours * 3_600_000) }
            }
        }
    }
}

/// One row of the taxonomy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    /// Vocabulary of the code; empty if it isn't listed.
    pub source: &'static str,
    /// The code; empty if it isn't listed.
    pub value: &'static str,
    /// In our words.
    pub meaning: &'static str,
    /// Whose fault it names.
    pub class: DeclineClass,
    /// Whether trying again can help.
    pub retryable: Retryable,
    /// Visa's decline category, 1 to 4, where the row has one.
    pub category: Option<u8>,
    /// The request was sent and no answer tells what became of it.
    pub outcome_unknown: bool,
    /// Where the row comes from.
    pub source_doc: &'static str,
}

/// What stands for every code that isn't listed.
static UNLISTED: Decline = Decline {
    source: "",
    value: "",
    meaning: "not listed",
    class: DeclineClass::Unknown,
    retryable: Retryable::Soft,
    category: None,
    outcome_unknown: false,
    source_doc: "",
};

/// The row of a code, exactly as received; an unlisted code has the class `Unknown`.
///
/// ```
/// use payments::{DeclineClass, decline};
/// assert_eq!(decline("iso8583", "91").class, DeclineClass::Issuer);
/// assert_eq!(decline("iso8583", "ZZ").class, DeclineClass::Unknown);
/// ```
pub fn decline(source: &str, value: &str) -> &'static Decline {
    listed_decline(source, value).unwrap_or(&UNLISTED)
}

/// The row of a code, if it is listed.
pub fn listed_decline(source: &str, value: &str) -> Option<&'static Decline> {
    let (rows, index) = &*TAXONOMY;
    // The keys are `'static`; seen through a shorter lifetime the map takes the caller's strings.
    let index: &FxHashMap<(&str, &str), usize> = index;
    index.get(&(source, value)).map(|&at| &rows[at])
}

/// Every row, in the file's order.
pub fn declines() -> &'static [Decline] {
    &TAXONOMY.0
}

type Taxonomy = (Vec<Decline>, FxHashMap<(&'static str, &'static str), usize>);

static TAXONOMY: LazyLock<Taxonomy> = LazyLock::new(|| {
    let rows: Vec<Decline> = table::rows::<8>(include_str!("../data/declines.csv"))
        .map(|[source, value, meaning, cause, retryable, category, outcome, source_doc]| Decline {
            source,
            value,
            meaning,
            class: DeclineClass::parse(cause),
            retryable: Retryable::parse(retryable),
            category: match category {
                "" => None,
                _ => Some(category.parse().expect("a category is a digit")),
            },
            outcome_unknown: match outcome {
                "known" => false,
                "unknown" => true,
                _ => panic!("unlisted outcome {outcome}"),
            },
            source_doc,
        })
        .collect();
    let index = rows.iter().enumerate().map(|(at, row)| ((row.source, row.value), at)).collect();
    (rows, index)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_code_and_none_is_listed_twice() {
        assert_eq!(declines().len(), 334);
        for row in declines() {
            assert!(std::ptr::eq(decline(row.source, row.value), row), "{row:?}");
            assert!(!row.meaning.is_empty() && !row.source_doc.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn indices_are_dense_and_fixed() {
        for (index, class) in DeclineClass::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), index);
            assert_eq!(DeclineClass::parse(class.as_str()), class);
        }
        let stored: Vec<&str> = DeclineClass::ALL.map(DeclineClass::as_str).to_vec();
        let names = "user issuer network routing_config fraud_dnr none unknown";
        assert_eq!(stored.join(" "), names, "counts are stored by index: append, never reorder");
    }

    #[test]
    fn approvals_and_only_they_have_no_retry() {
        for row in declines() {
            let approval = row.class == DeclineClass::None;
            assert_eq!(row.retryable == Retryable::NotApplicable, approval, "{row:?}");
        }
    }

    #[test]
    fn visa_rows_carry_the_category_that_their_meaning_names() {
        for row in declines().iter().filter(|row| row.source.starts_with("visa")) {
            let category = row.category.expect("each Visa row has a category");
            let named = row.meaning.split_once("[cat").map(|(_, tail)| &tail[..1]);
            assert!(named.is_none_or(|named| named == category.to_string()), "{row:?}");
            assert_eq!(row.retryable == Retryable::Hard, category == 1, "{row:?}");
        }
    }

    #[test]
    fn a_code_that_is_not_listed_is_unknown_and_not_forbidden() {
        for (source, value) in [("iso8583", "ZZ"), ("nobody", "91"), ("", ""), ("ISO8583", "91")] {
            assert_eq!(listed_decline(source, value), None);
            assert_eq!(decline(source, value).class, DeclineClass::Unknown);
        }
    }

    #[test]
    fn waits_are_those_of_the_advice() {
        let wait = |mac| decline("mastercard_mac", mac).retryable;
        assert_eq!(wait("24"), Retryable::Advice { wait_ms: Some(3_600_000) });
        assert_eq!(wait("30"), Retryable::Advice { wait_ms: Some(240 * 3_600_000) });
    }
}
