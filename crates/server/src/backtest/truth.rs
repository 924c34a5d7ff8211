//! The user's own labels against what was found.
//!
//! A label is found if an incident names its slice, as root cause or as alias, and their times
//! overlap. Recall is the share of labels found, precision the share of incidents that a label
//! explains, delay the time from a label's start to the first detection that found it.

use std::path::Path;

use analyst::{Incident, Slice};
use jiff::tz::TimeZone;
use payments::Timestamp;
use serde::Serialize;

use crate::read::{Csv, Problem, Row, Step, Table, visible};
use crate::wire::rfc3339;

/// What the user says happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// From.
    pub start: Timestamp,
    /// Until; open if absent.
    pub end: Option<Timestamp>,
    /// Where; anywhere if absent.
    pub slice: Option<Slice>,
}

/// How the labels fared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// How many labels there are.
    pub labels: usize,
    /// How many of them were found.
    pub found: usize,
    /// Incidents explained by a label, of all; null without incidents.
    pub precision: Option<f64>,
    /// Labels found, of all; null without labels.
    pub recall: Option<f64>,
    /// Median over the labels found.
    pub delay_s_median: Option<f64>,
    /// Mean over the labels found.
    pub delay_s_mean: Option<f64>,
    /// Label by label.
    pub by_label: Vec<Verdict>,
    /// Incidents that no label explains.
    pub unexplained: Vec<String>,
}

/// How one label fared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Its start.
    pub start: String,
    /// Its end.
    pub end: Option<String>,
    /// Its slice.
    pub slice: Option<Slice>,
    /// The incident that found it first.
    pub incident_id: Option<String>,
    /// From its start to that detection.
    pub delay_s: Option<f64>,
}

/// Compares; `tolerance_ms` widens the labels at both ends (one bucket: they can't be more exact).
pub fn score(labels: &[Label], incidents: &[Incident], tolerance_ms: i64) -> Score {
    let explains = |label: &Label, incident: &Incident| {
        let from = label.start.as_millis() - tolerance_ms;
        let to = label.end.map_or(i64::MAX, |e| e.as_millis().saturating_add(tolerance_ms));
        let ended = incident.resolved_at.map_or(i64::MAX, Timestamp::as_millis);
        let overlaps = incident.started_at.as_millis() < to && ended > from;
        let named = label
            .slice
            .as_ref()
            .is_none_or(|s| *s == incident.slice || incident.aliases.contains(s));
        overlaps && named
    };
    let mut delays = Vec::new();
    let by_label: Vec<Verdict> = labels
        .iter()
        .map(|label| {
            let first =
                incidents.iter().filter(|i| explains(label, i)).min_by_key(|i| i.detected_at);
            let delay_s = first
                .map(|i| (i.detected_at.as_millis() - label.start.as_millis()) as f64 / 1_000.0);
            delays.extend(delay_s);
            Verdict {
                start: rfc3339(label.start),
                end: label.end.map(rfc3339),
                slice: label.slice.clone(),
                incident_id: first.map(|i| i.id.clone()),
                delay_s,
            }
        })
        .collect();
    let unexplained: Vec<String> = incidents
        .iter()
        .filter(|i| !labels.iter().any(|l| explains(l, i)))
        .map(|i| i.id.clone())
        .collect();
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    delays.sort_by(f64::total_cmp);
    let middle = delays.len() / 2;
    let median = match delays.len() {
        0 => None,
        n if n % 2 == 1 => Some(delays[middle]),
        _ => Some((delays[middle - 1] + delays[middle]) / 2.0),
    };
    Score {
        labels: labels.len(),
        found: delays.len(),
        precision: share(incidents.len() - unexplained.len(), incidents.len()),
        recall: share(delays.len(), labels.len()),
        delay_s_median: median,
        delay_s_mean: (!delays.is_empty())
            .then(|| delays.iter().sum::<f64>() / delays.len() as f64),
        by_label,
        unexplained,
    }
}

/// Reads `start,end,slice`; any row that can't be read is an error, since a score over half of
/// the labels would mislead.
pub fn read(path: &Path, zone: &TimeZone) -> Result<Vec<Label>, Problem> {
    let name = visible(&path.to_string_lossy());
    parse(path, zone).map_err(|p| p.of(&name))
}

fn parse(path: &Path, zone: &TimeZone) -> Result<Vec<Label>, Problem> {
    let stream = crate::read::open_text(path)?;
    let mut table = Csv::open(stream)?.with_open_end();
    let column = |name: &str| {
        table.columns().iter().position(|c| c.eq_ignore_ascii_case(name)).ok_or_else(|| {
            Problem::new("unknown_column", "labels need the columns start, end and slice")
                .at(name)
                .on(1)
        })
    };
    let (start, end, slice) = (column("start")?, column("end")?, column("slice")?);
    let mut row = Row::default();
    let mut labels = Vec::new();
    loop {
        match table.next(&mut row) {
            Step::End => return Ok(labels),
            Step::Bad(p) | Step::Broken(p) => return Err(p),
            Step::Row => {}
        }
        let time = |field: &str, at: usize| {
            let cell = row.cell(at);
            Timestamp::parse_civil(&String::from_utf8_lossy(cell), zone)
                .map_err(|e| Problem::new("time", e.to_string()).at(field).got(cell).on(row.line))
        };
        let (from, to) = (
            time("start", start)?,
            if row.cell(end).is_empty() { None } else { Some(time("end", end)?) },
        );
        if to.is_some_and(|to| to <= from) {
            return Err(Problem::new("time", "must be after start")
                .at("end")
                .got(row.cell(end))
                .on(row.line));
        }
        let text = String::from_utf8_lossy(row.cell(slice)).into_owned();
        let slice = slice_of(&text).ok_or_else(|| {
            Problem::new(
                "slice",
                "is no slice: write {gateway: PAYU, network: VISA} or gateway=PAYU;network=VISA",
            )
            .at("slice")
            .got(text.as_bytes())
            .on(row.line)
        })?;
        labels.push(Label { start: from, end: to, slice });
    }
}

/// `{gateway: PAYU, network: VISA}` or `gateway=PAYU;network=VISA`; nothing means anywhere,
/// `{}` all traffic.
fn slice_of(text: &str) -> Option<Option<Slice>> {
    let text = text.trim().trim_matches('"').trim();
    if text.is_empty() {
        return Some(None);
    }
    let braced = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    let (inner, between, within) = match braced {
        Some(inner) => (inner, &[',', ';'][..], ':'),
        None => (text, &[';'][..], '='),
    };
    let mut pairs = Vec::new();
    for part in inner.split(between).map(str::trim).filter(|p| !p.is_empty()) {
        let (dimension, value) = part.split_once(within).or_else(|| part.split_once('='))?;
        let (dimension, value) =
            (dimension.trim().trim_matches('"'), value.trim().trim_matches('"'));
        if dimension.is_empty() || value.is_empty() {
            return None;
        }
        pairs.push((dimension, value));
    }
    Some(Some(Slice::new(pairs)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn label(start: &str, end: &str, slice: &str) -> Label {
        Label { start: at(start), end: Some(at(end)), slice: slice_of(slice).unwrap() }
    }

    #[test]
    fn both_ways_to_write_a_slice_agree() {
        let slice = Some(Some(Slice::new([("gateway", "PAYU"), ("network", "VISA")])));
        assert_eq!(slice_of("{gateway: PAYU, network: VISA}"), slice);
        assert_eq!(slice_of("gateway=PAYU; network=VISA"), slice);
        assert_eq!(slice_of(""), Some(None));
        assert_eq!(slice_of("PAYU"), None);
    }

    #[test]
    fn aliases_count_and_other_slices_and_times_do_not() {
        let incidents = [sample::incident()];
        let labels = [
            label("2020-02-13T18:00:00Z", "2020-02-14T08:00:00Z", "sub_type=UPI_COLLECT"),
            label("2020-02-13T18:00:00Z", "2020-02-14T08:00:00Z", "gateway=PAYU"),
            label("2020-02-12T01:00:00Z", "2020-02-12T02:00:00Z", "sub_type=UPI_COLLECT"),
        ];
        let score = score(&labels, &incidents, 0);
        assert_eq!((score.labels, score.found), (3, 1));
        assert_eq!((score.precision, score.recall), (Some(1.0), Some(1.0 / 3.0)));
        assert_eq!(score.delay_s_median, Some(3600.0));
    }
}
