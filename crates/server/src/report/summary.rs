//! The head of every report.

use jiff::tz::TimeZone;
use payments::Timestamp;
use serde::Serialize;

use super::operator::figures;
use crate::backtest::saved::{ASSUMPTIONS, Saved};
use crate::backtest::{Answer, Answers, Outcome, Score, total};
use crate::read::{Loaded, Problem, Skipped};
use crate::wire::rfc3339;

/// How a file was read, and its totals.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The file as it was named.
    pub file: String,
    /// `csv`, `parquet` or `ndjson`.
    pub format: &'static str,
    /// `none`, `gzip`, `zstd`, or `parquet` for its own.
    pub compression: &'static str,
    /// Keys and their columns, in the form of `--map`.
    pub map: Option<String>,
    /// Whether that was recognised by column names.
    pub map_guessed: bool,
    /// `attempts` (one per row) or `counts`.
    pub rows_hold: &'static str,
    /// Rows read.
    pub rows: u64,
    /// Rows left out.
    pub skipped: u64,
    /// Why, by kind.
    pub skipped_reasons: std::collections::BTreeMap<&'static str, u64>,
    /// The first of them.
    pub skipped_first: Vec<Problem>,
    /// Why the end of the file could not be read.
    pub incomplete: Option<Problem>,
    /// Attempts, those without an outcome included.
    pub attempts: u64,
    /// Approved ones.
    pub successes: u64,
    /// Approved of those with an outcome.
    pub success_rate: Option<f64>,
    /// The first time.
    pub from: Option<String>,
    /// The end of the last bucket.
    pub to: Option<String>,
    /// Zone of times that have none, and of the text report.
    pub tz: String,
    /// Length of a bucket, or of a tick for single attempts.
    pub bucket_s: f64,
    /// Analysed, in order.
    pub dimensions: Vec<String>,
    /// False pages per week that detection is set to.
    pub false_pages_per_week: f64,
    /// How many incidents were found.
    pub incidents: usize,
    /// Approvals missing over all of them.
    pub lost_payments: f64,
    /// What the operator would have saved; `None` where nothing was found.
    pub operator: Option<Operator>,
    /// What else should be known.
    pub notes: Vec<String>,
    /// Against the user's labels.
    pub truth: Option<Score>,
}

/// The operator's work over the whole file.
#[derive(Clone, Debug, Serialize)]
pub struct Operator {
    /// Payments sent elsewhere.
    pub moved_payments: f64,
    /// What that would have saved, all incidents together, with 90 % intervals.
    pub saved: Saved,
    /// What the estimate rests on.
    pub assumptions: Vec<&'static str>,
}

impl Operator {
    /// In words: what would have been saved, then what that rests on.
    pub fn lines(&self) -> Vec<String> {
        let saved = format!("saved {} payments, 90 % interval", figures(&self.saved));
        std::iter::once(saved)
            .chain(self.assumptions.iter().map(|assumption| format!("if {assumption}")))
            .collect()
    }

    /// Of these answers.
    pub fn of(answers: &Answers) -> Self {
        Self {
            moved_payments: answers.values().map(Answer::moved).sum(),
            saved: total(answers),
            assumptions: ASSUMPTIONS.to_vec(),
        }
    }
}

impl Summary {
    /// From what was read and found.
    pub fn new(file: &Loaded, outcome: &Outcome, truth: Option<Score>, zone: &TimeZone) -> Self {
        let Skipped { total, reasons, first } = file.skipped.clone();
        let overview = &outcome.overview;
        let time = |ms: Option<i64>| ms.map(|ms| rfc3339(Timestamp::from_millis(ms)));
        Self {
            file: file.name.clone(),
            format: file.format,
            compression: file.compression,
            map: (!file.mapping.is_empty()).then(|| file.mapping.clone()),
            map_guessed: file.guessed,
            rows_hold: if file.counted { "counts" } else { "attempts" },
            rows: file.rows,
            skipped: total,
            skipped_reasons: reasons,
            skipped_first: first,
            incomplete: file.incomplete.clone(),
            attempts: overview.attempts,
            successes: overview.successes,
            success_rate: overview.success_rate(),
            from: time(overview.from_ms()),
            to: time(overview.until_ms()),
            tz: zone.iana_name().map_or_else(|| "UTC".into(), String::from),
            bucket_s: file.tick_ms as f64 / 1_000.0,
            dimensions: file.dimensions.clone(),
            false_pages_per_week: outcome.false_pages_per_week,
            incidents: outcome.incidents.len(),
            lost_payments: outcome.incidents.iter().map(|i| i.impact.lost_payments).sum(),
            operator: (!outcome.answers.is_empty()).then(|| Operator::of(&outcome.answers)),
            notes: file.notes.clone(),
            truth,
        }
    }
}
