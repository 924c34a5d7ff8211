//! The oracle: the data files, read once more and plainly.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::case::{Case, Past};

const RULES: &str = include_str!("../../../crates/payments/data/retry_rules.csv");
const DECLINES: &str = include_str!("../../../crates/payments/data/declines.csv");
const HOUR: i64 = 3_600_000;

type Row = BTreeMap<String, String>;

/// What is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// It is paid.
    Approved,
    /// It may be paid.
    Reconcile { since: i64 },
    /// Never.
    Never,
    /// From this time on; `refused`: at the time of asking more than a wait stands against it.
    From { refused: bool, at: i64 },
}

/// What is expected, with its reasons.
#[derive(Clone, Debug)]
pub struct Expected {
    pub kind: Kind,
    /// Whatever stands till then, or the limits that are nearest.
    pub by: Vec<String>,
    pub left: Option<u32>,
    pub correct_first: bool,
}

/// Both files.
pub struct Oracle {
    rules: Vec<Row>,
    declines: Vec<Row>,
    /// Place of a code among the declines.
    places: BTreeMap<(String, String), usize>,
}

impl Oracle {
    pub fn read() -> Result<Self> {
        let rows = |text: &str| -> Result<Vec<Row>> {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            reader.deserialize().map(|row| row.context("a data file of the project")).collect()
        };
        let declines = rows(DECLINES)?;
        let key = |row: &Row| (row["source"].clone(), row["code"].clone());
        let places = declines.iter().enumerate().map(|(at, row)| (key(row), at)).collect();
        Ok(Self { rules: rows(RULES)?, places, declines })
    }

    /// Every listed code, and whether it is neither final nor of an approval.
    pub fn codes(&self) -> Vec<((String, String), bool)> {
        let lasts = |row: &Row| {
            !matches!(row["retryable"].as_str(), "hard" | "n/a")
                && row["category"] != "1"
                && row["outcome"] == "known"
        };
        self.declines
            .iter()
            .map(|row| ((row["source"].clone(), row["code"].clone()), lasts(row)))
            .collect()
    }

    pub fn answer(&self, case: &Case) -> Expected {
        let none = |kind| Expected { kind, by: vec![], left: None, correct_first: false };
        let own: Vec<&Past> = case.history.iter().filter(|past| past.same_payment).collect();
        if own.iter().any(|past| past.status == "approved") {
            return none(Kind::Approved);
        }
        let is_open = |past: &Past| match past.status {
            "timeout" | "unknown" => true,
            "error" => past.codes.iter().any(|code| {
                self.places.get(code).is_some_and(|at| self.declines[*at]["outcome"] == "unknown")
            }),
            _ => false,
        };
        if let Some(since) = own.iter().filter(|past| is_open(past)).map(|past| past.at).min() {
            return none(Kind::Reconcile { since });
        }
        let rows: Vec<Vec<Option<&Row>>> = case
            .history
            .iter()
            .map(|past| past.codes.iter().map(|code| self.row(code, case.network)).collect())
            .collect();
        let asked = Asked { oracle: self, case, rows };
        let mut before = asked.stands(case.now);
        let refused = before.iter().any(|(_, waits)| !waits);
        if before.is_empty() {
            let (left, by) = asked.left(case.now);
            return Expected {
                kind: Kind::From { refused: false, at: case.now },
                by,
                left,
                correct_first: asked.correct_first(),
            };
        }
        for at in asked.instants() {
            let now = asked.stands(at);
            if now.is_empty() {
                let by = before.into_iter().map(|(name, _)| name).collect();
                return match refused {
                    true => Expected { by, ..none(Kind::From { refused, at }) },
                    false => Expected {
                        kind: Kind::From { refused, at },
                        by,
                        left: asked.left(at).0,
                        correct_first: asked.correct_first(),
                    },
                };
            }
            before = now;
        }
        Expected { by: before.into_iter().map(|(name, _)| name).collect(), ..none(Kind::Never) }
    }

    /// What a code means to this scheme.
    fn row(&self, code: &(String, String), network: Option<&str>) -> Option<&Row> {
        let scheme = match plain(network.unwrap_or_default()).as_str() {
            "visa" => "visa",
            "mastercard" => "mastercard_de39",
            _ => "none",
        };
        let own = (scheme.to_owned(), code.1.clone());
        let own = if code.0 == "iso8583" { self.places.get(&own) } else { None };
        own.or_else(|| self.places.get(code)).map(|at| &self.declines[*at])
    }
}

/// A case with its codes looked up.
struct Asked<'a> {
    oracle: &'a Oracle,
    case: &'a Case,
    rows: Vec<Vec<Option<&'a Row>>>,
}

impl Asked<'_> {
    /// Every instant after the question at which anything can change, in order.
    fn instants(&self) -> Vec<i64> {
        let mut instants = Vec::new();
        for rule in &self.oracle.rules {
            instants.extend([day(&rule["effective"]), day(&rule["until"])].into_iter().flatten());
            if let Ok(hours) = rule["window_h"].parse::<i64>() {
                instants.extend(self.case.history.iter().map(|past| past.at + hours * HOUR));
            }
        }
        for (past, rows) in self.case.history.iter().zip(&self.rows) {
            for row in rows.iter().flatten() {
                instants.extend(wait(row).map(|wait| past.at + wait));
            }
        }
        instants.retain(|at| *at > self.case.now);
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    /// What stands against a try at this instant, and whether it is but a wait.
    fn stands(&self, at: i64) -> Vec<(String, bool)> {
        let mut stands = Vec::new();
        for rule in self.oracle.rules.iter().filter(|rule| self.applies(rule, at)) {
            let stands_against = match rule["kind"].as_str() {
                "never" => self.case.history.iter().enumerate().any(|(n, past)| {
                    past.status == "declined" && self.speaks(rule, n) && {
                        let hard =
                            self.rows[n].iter().flatten().any(|row| row["retryable"] == "hard");
                        // Within the window of the rule; what is hard within it is so for good.
                        let hours = rule["window_h"].parse::<i64>().ok();
                        hours.is_none_or(|h| {
                            at < past.at + h * HOUR || hard && self.case.now < past.at + h * HOUR
                        })
                    }
                }),
                "count" => self.counted(rule, at) >= allowed(rule),
                _ => false,
            };
            if stands_against {
                stands.push((rule["rule"].clone(), false));
            }
        }
        for (n, past) in self.case.history.iter().enumerate() {
            if past.status != "declined" && past.status != "error" {
                continue;
            }
            for row in self.rows[n].iter().flatten() {
                let of_card = row["cause"] == "user" || row["cause"] == "fraud_dnr";
                let same_try = past.same_payment && past.gateway == self.case.gateway;
                if row["retryable"] == "hard" && (of_card || same_try) {
                    stands.push((format!("{}/{}", row["source"], row["code"]), false));
                }
                if wait(row).is_some_and(|wait| at < past.at + wait) {
                    let code = format!("{}:{}", row["source"], row["code"]);
                    let rule = self.oracle.rules.iter().find(|rule| {
                        rule["kind"] == "wait"
                            && self.applies(rule, at)
                            && rule["codes"].split('|').any(|own| own == code)
                    });
                    let name = rule.map(|rule| rule["rule"].clone());
                    let code = format!("{}/{}", row["source"], row["code"]);
                    stands.push((name.unwrap_or(code), true));
                }
            }
        }
        stands
    }

    fn applies(&self, rule: &Row, at: i64) -> bool {
        let in_force = day(&rule["effective"]).is_some_and(|from| from <= at)
            && day(&rule["until"]).is_none_or(|until| at < until);
        let named = [self.case.network.unwrap_or_default(), self.case.gateway]
            .iter()
            .any(|name| plain(name) == rule["network"]);
        let here = rule["region"].is_empty()
            || self.case.region.is_none_or(|region| region == rule["region"]);
        let present = self.case.card_present == Some(true);
        in_force && named && here && !(present && rule["applies_to"] == "card_not_present")
    }

    /// Whether a rule speaks of the n-th try's codes. Without a category of its own a decline is of category 4.
    fn speaks(&self, rule: &Row, n: usize) -> bool {
        let is = |wanted: &str, source: &str, code: &str, category: &str| {
            let category = if category.is_empty() { "4" } else { category };
            wanted == "*"
                || wanted.strip_prefix("visa_category:").map_or_else(
                    || wanted == format!("{source}:{code}"),
                    |wanted| wanted == category,
                )
        };
        let codes = &self.case.history[n].codes;
        rule["codes"].split('|').any(|wanted| {
            codes.is_empty() && is(wanted, "", "", "")
                || codes.iter().zip(&self.rows[n]).any(|(code, row)| match row {
                    Some(row) => {
                        is(wanted, &row["source"], &row["code"], &row["category"])
                            || is(wanted, &code.0, &code.1, &row["category"])
                    }
                    None => is(wanted, &code.0, &code.1, ""),
                })
        })
    }

    /// Declines that a limit counts at this instant.
    fn counted(&self, rule: &Row, at: i64) -> usize {
        let (case, yes) = (self.case, |column: &str| rule[column] == "yes");
        let in_scope = |past: &Past| {
            (past.same_payment || rule["per"] != "payment")
                && (!yes("same_amount")
                    || past.amount.is_none()
                    || case.amount.is_none()
                    || past.amount == case.amount)
                && (!yes("initiator_split")
                    || past.initiator.is_none()
                    || case.initiator.is_none()
                    || past.initiator == case.initiator)
        };
        let ends_the_run = |past: &Past| {
            yes("reset_by_approval")
                && past.status == "approved"
                && in_scope(past)
                && (!yes("same_amount") || past.amount.is_some() && past.amount == case.amount)
                && (!yes("initiator_split")
                    || past.initiator.is_some() && past.initiator == case.initiator)
        };
        let approved =
            case.history.iter().filter(|past| ends_the_run(past)).map(|past| past.at).max();
        let hours = rule["window_h"].parse::<i64>().ok();
        let counts = |(n, past): &(usize, &Past)| {
            past.status == "declined"
                && in_scope(past)
                && self.speaks(rule, *n)
                && approved.is_none_or(|approved| past.at > approved)
                && hours.is_none_or(|hours| at - past.at < hours * HOUR)
        };
        case.history.iter().enumerate().filter(counts).count()
    }

    /// What the nearest limit leaves, of those that count anything, and which these are.
    fn left(&self, at: i64) -> (Option<u32>, Vec<String>) {
        let mut left: Vec<(usize, String)> = Vec::new();
        for rule in &self.oracle.rules {
            if rule["kind"] == "count" && self.applies(rule, at) {
                let counted = self.counted(rule, at);
                if counted > 0 {
                    left.push((allowed(rule).saturating_sub(counted), rule["rule"].clone()));
                }
            }
        }
        let least = left.iter().map(|(left, _)| *left).min();
        let nearest = left.into_iter().filter(|(left, _)| Some(*left) == least);
        (least.map(|left| left as u32), nearest.map(|(_, name)| name).collect())
    }

    fn correct_first(&self) -> bool {
        let own = |(_, past): &(usize, &Past)| past.same_payment && past.status == "declined";
        let last = self.case.history.iter().enumerate().filter(own).max_by_key(|(_, past)| past.at);
        last.is_some_and(|(n, _)| {
            self.rows[n].iter().flatten().any(|row| row["retryable"] == "advice")
        })
    }
}

/// Declines after which a rule's limit is used up.
fn allowed(rule: &Row) -> usize {
    let limit: usize = rule["limit"].parse().unwrap_or(0);
    if rule["counts"] == "reattempts" { limit + 1 } else { limit }
}

fn wait(row: &Row) -> Option<i64> {
    let hours = row["retryable"].strip_prefix("advice:wait=")?.strip_suffix('h')?;
    hours.parse::<i64>().ok().map(|hours| hours * HOUR)
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// Midnight of a day, UTC: by counting days.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days: i64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += lengths.iter().take(month as usize - 1).sum::<i64>() + day - 1;
    Some(days * 24 * HOUR)
}
