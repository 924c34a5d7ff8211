//! The scheme rules on reattempts as dated data.

use std::sync::LazyLock;

use crate::decline::Decline;
use crate::{Timestamp, table};

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// No reattempt after one of its codes.
    Never,
    /// A limit on how many in a window.
    Count,
    /// The wait that its codes name must pass.
    Wait,
    /// Says what a reattempt costs, forbids nothing by itself.
    Fee,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Tries after the first decline: with a limit of 20 the 21st decline is the last.
    Reattempts,
    /// Declines: with a limit of 10 the 10th is the last.
    Declines,
}

/// What a scheme charges for a reattempt against the rule. A fee can be a fraction of a cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// Decimal amount.
    pub amount: &'static str,
    /// Decimal amount where card and merchant are in different countries, if it differs.
    pub cross_border: Option<&'static str>,
    /// ISO 4217 code.
    pub currency: &'static str,
}

/// One dated rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRule {
    /// Its name, unique in the file.
    pub name: &'static str,
    /// The scheme or gateway that made it, in lower case.
    pub network: &'static str,
    /// What it does.
    pub kind: RuleKind,
    /// The codes it speaks of; empty means all.
    codes: Vec<(&'static str, &'static str)>,
    /// The limit of a `Count` rule.
    pub limit: u32,
    /// What the limit counts.
    pub counts: Counts,
    /// Length of the rolling window; `None` means for ever.
    pub window_ms: Option<i64>,
    /// Counted per payment, rather than per card and merchant.
    pub per_payment: bool,
    /// Only attempts of the same amount and currency count.
    pub same_amount: bool,
    /// Customer- and merchant-initiated attempts are counted apart.
    pub initiator_split: bool,
    /// An approval starts the count afresh.
    pub reset_by_approval: bool,
    /// Speaks of payments without the card present only.
    pub card_not_present: bool,
    /// The merchant's region, where the rule isn't world-wide.
    pub region: Option<&'static str>,
    /// First instant at which it is in force.
    pub effective: Timestamp,
    /// First instant at which it no longer is.
    pub until: Option<Timestamp>,
    /// What breaking it costs.
    pub fee: Option<Fee>,
    /// Where it comes from.
    pub source: &'static str,
    /// How sure the source makes us.
    pub confidence: &'static str,
    /// What else is to be known.
    pub note: &'static str,
}

impl RetryRule {
    /// Whether the rule is in force at `at`.
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.effective <= at && self.until.is_none_or(|until| at < until)
    }

    /// Whether the rule speaks of a decline with this code.
    pub(super) fn names(&self, source: &str, value: &str, category: Option<u8>) -> bool {
        self.codes.is_empty()
            || self.codes.iter().any(|&(named, code)| match named {
                "visa_category" => category.is_some_and(|category| code == category.to_string()),
                _ => (named, code) == (source, value),
            })
    }

    /// [`names`](Self::names) for a row of the taxonomy.
    pub(super) fn names_row(&self, row: &Decline) -> bool {
        self.names(row.source, row.value, row.category)
    }
}

/// A set of dated rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRules(Vec<RetryRule>);

impl RetryRules {
    /// The rules that come with the project.
    pub fn published() -> &'static Self {
        static RULES: LazyLock<RetryRules> =
            LazyLock::new(|| RetryRules::parse(include_str!("../../data/retry_rules.csv")));
        &RULES
    }

    /// Every rule, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &RetryRule> {
        self.0.iter()
    }

    /// The rule of that name.
    pub fn get(&self, name: &str) -> Option<&RetryRule> {
        self.iter().find(|rule| rule.name == name)
    }

    fn parse(text: &'static str) -> Self {
        Self(table::rows::<21>(text).map(rule).collect())
    }
}

fn rule(row: [&'static str; 21]) -> RetryRule {
    let [
        name,
        network,
        kind,
        codes,
        limit,
        counts,
        window_h,
        per,
        same_amount,
        split,
        reset,
        applies_to,
        region,
        effective,
        until,
        fee,
        cross_border,
        currency,
        source,
        confidence,
        note,
    ] = row;
    let yes = |text: &str| one_of(text, &[("yes", true), ("no", false)]);
    let day = |day: &str| {
        let midnight = format!("{day}T00:00:00Z");
        Timestamp::parse(&midnight).unwrap_or_else(|error| panic!("{name}: {day} {error}"))
    };
    let filled = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    let number = |text: &str| text.parse::<u32>().unwrap_or_else(|_| panic!("{name}: {text}"));
    RetryRule {
        name,
        network,
        kind: one_of(
            kind,
            &[
                ("never", RuleKind::Never),
                ("count", RuleKind::Count),
                ("wait", RuleKind::Wait),
                ("fee", RuleKind::Fee),
            ],
        ),
        codes: match codes {
            "*" => vec![],
            _ => codes.split('|').map(|code| code.split_once(':').expect("source:code")).collect(),
        },
        limit: filled(limit).map_or(0, number),
        counts: one_of(
            counts,
            &[
                ("reattempts", Counts::Reattempts),
                ("declines", Counts::Declines),
                ("", Counts::Declines),
            ],
        ),
        window_ms: filled(window_h).map(|hours| i64::from(number(hours)) * 3_600_000),
        per_payment: one_of(per, &[("payment", true), ("card+merchant", false)]),
        same_amount: yes(same_amount),
        initiator_split: yes(split),
        reset_by_approval: yes(reset),
        card_not_present: one_of(
            applies_to,
            &[("card_not_present", true), ("any", false), ("recurring", false)],
        ),
        region: filled(region),
        effective: day(effective),
        until: filled(until).map(day),
        fee: filled(fee).map(|amount| Fee { amount, cross_border: filled(cross_border), currency }),
        source,
        confidence,
        note,
    }
}

fn one_of<T: Copy>(text: &str, names: &[(&str, T)]) -> T {
    let found = names.iter().find(|(name, _)| *name == text);
    found.unwrap_or_else(|| panic!("unlisted value {text}")).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, listed_decline};

    #[test]
    fn every_rule_is_whole() {
        let rules: Vec<&RetryRule> = RetryRules::published().iter().collect();
        assert_eq!(rules.len(), 16);
        for (at, rule) in rules.iter().enumerate() {
            assert!(rules[..at].iter().all(|earlier| earlier.name != rule.name), "{}", rule.name);
            assert!(!rule.source.is_empty() && !rule.confidence.is_empty(), "{}", rule.name);
            assert!(rule.until.is_none_or(|until| rule.effective < until), "{}", rule.name);
            assert_eq!(rule.kind == RuleKind::Count, rule.limit > 0 && rule.kind != RuleKind::Fee);
            for (source, code) in &rule.codes {
                let listed = match *source {
                    "visa_category" => ["1", "2", "3", "4"].contains(code),
                    _ => listed_decline(source, code).is_some(),
                };
                assert!(listed, "{}: {source}/{code}", rule.name);
            }
            if let Some(fee) = rule.fee {
                assert!(Currency::parse(fee.currency).is_some(), "{}", rule.name);
                assert!(fee.amount.parse::<f64>().is_ok_and(|fee| fee > 0.0), "{}", rule.name);
            }
        }
    }

    #[test]
    fn steps_of_one_rule_follow_each_other_without_gap_or_overlap() {
        let steps = [
            ["visa_reattempts_15", "visa_reattempts_20"].as_slice(),
            &[
                "mastercard_24h_2022",
                "mastercard_24h_2023",
                "mastercard_24h_2024",
                "mastercard_24h_2025",
            ],
            &["mastercard_30d_us_2023", "mastercard_30d_us_2024", "mastercard_30d_us_2025"],
        ];
        let get = |name: &str| RetryRules::published().get(name).expect("a rule of that name");
        for steps in steps {
            for pair in steps.windows(2) {
                assert_eq!(get(pair[0]).until, Some(get(pair[1]).effective), "{pair:?}");
            }
            assert_eq!(get(steps.last().unwrap()).until, None);
        }
        assert_eq!(get("visa_reattempts_20").effective.to_string(), "2025-05-19T00:00:00Z");
    }
}
