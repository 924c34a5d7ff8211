//! The report as one HTML file: no network, charts by uPlot (embedded), tables beside every chart.
//!
//! The template escapes all text; what goes raw is our own style and script, and the charts'
//! numbers as JSON in which no `<` survives.

use std::collections::BTreeMap;
use std::io::{self, Write};

use analyst::{Incident, Signal};
use askama::Template;
use payments::Timestamp;
use serde::Serialize;

use super::facts::{Facts, Group, even, groups};
use super::summary::Operator;
use super::words::{estimate, number, percent, span, time};
use super::{Report, Summary};
use crate::read::visible;

/// Rows of a breakdown that are shown.
const ROWS_MAX: usize = 25;

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    title: String,
    headline: String,
    file: String,
    period: String,
    tiles: Vec<(&'static str, String)>,
    overview_label: String,
    overview_rows: Vec<[String; 4]>,
    incidents: Vec<Card>,
    operator: Vec<String>,
    truth: Vec<(String, String)>,
    reading: Vec<(String, String)>,
    skipped_title: String,
    skipped: Vec<String>,
    tz: String,
    version: &'static str,
    data: String,
    css: &'static str,
    js: &'static str,
    uplot_css: &'static str,
    uplot_js: &'static str,
}

struct Card {
    anchor: String,
    facts: Facts,
    since: String,
    lasted: String,
    rates: String,
    lost: String,
    has_chart: bool,
    chart_label: String,
    groups: Vec<Table>,
    rows: Vec<[String; 4]>,
}

struct Table {
    title: String,
    column: String,
    rows: Vec<Line>,
    more: usize,
    absent: String,
}

struct Line {
    value: String,
    hit: bool,
    attempts: String,
    attempts_all: String,
    seen: String,
    expected: String,
    lost: String,
}

#[derive(Serialize)]
struct Data {
    tz: String,
    charts: BTreeMap<String, Chart>,
}

/// Times in seconds, rates as shares; null where there were no attempts.
#[derive(Serialize)]
struct Chart {
    x: Vec<f64>,
    seen: Vec<Option<f64>>,
    expected: Vec<Option<f64>>,
    attempts: Vec<u64>,
    spans: Vec<(f64, Option<f64>)>,
    moment: Option<f64>,
    zero: bool,
    reference: &'static str,
}

/// Writes the report.
pub fn html(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let page = page(report).render().map_err(io::Error::other)?;
    out.write_all(page.as_bytes())
}

fn page(report: &Report) -> Page {
    let s = &report.summary;
    let at = |ms: Option<i64>| {
        ms.map_or_else(|| "-".into(), |ms| time(Timestamp::from_millis(ms), &report.zone))
    };
    let period = format!(
        "{} to {} ({})",
        at(report.overview.from_ms()),
        at(report.overview.until_ms()),
        s.tz
    );
    let headline = match report.incidents.len() {
        0 => "No incident found".to_string(),
        1 => "1 incident found".to_string(),
        n => format!("{n} incidents found"),
    };
    let rate = s.success_rate.map_or_else(|| "-".into(), percent);
    let mut charts = BTreeMap::new();
    charts.insert("overview".to_string(), overview_chart(report));
    let incidents: Vec<Card> = report
        .incidents
        .iter()
        .enumerate()
        .map(|(n, i)| {
            let card = card(n + 1, i, report);
            if card.has_chart {
                charts.insert(card.anchor.clone(), incident_chart(i));
            }
            card
        })
        .collect();
    let data = Data { tz: s.tz.clone(), charts };
    let data = serde_json::to_string(&data).expect("plain numbers");
    Page {
        title: format!("{headline} - {} - Pointsman", s.file),
        overview_label: format!(
            "Success rate over time, {rate} on average; the table below has the numbers"
        ),
        headline,
        file: s.file.clone(),
        period,
        tiles: vec![
            ("Attempts", number(s.attempts)),
            ("Successful", rate),
            ("Incidents", report.incidents.len().to_string()),
            ("Payments lost", estimate(s.lost_payments)),
        ],
        overview_rows: report
            .overview
            .periods()
            .map(|p| {
                let rate = if p.attempts > 0 {
                    percent(p.successes as f64 / p.attempts as f64)
                } else {
                    "-".into()
                };
                [
                    time(Timestamp::from_millis(p.starts_at_ms), &report.zone),
                    number(p.attempts),
                    number(p.successes),
                    rate,
                ]
            })
            .collect(),
        incidents,
        operator: s.operator.iter().flat_map(Operator::lines).collect(),
        truth: truth(s),
        reading: reading(s),
        skipped_title: format!(
            "{} {} skipped",
            number(s.skipped),
            if s.skipped == 1 { "row" } else { "rows" }
        ),
        skipped: s.skipped_first.iter().map(ToString::to_string).collect(),
        tz: s.tz.clone(),
        version: env!("CARGO_PKG_VERSION"),
        // Inside a script element only `<` could end it.
        data: data.replace('<', "\\u003c"),
        css: include_str!("../../templates/report.css"),
        js: include_str!("../../templates/report.js"),
        uplot_css: include_str!("../../vendor/uplot/uPlot.min.css"),
        uplot_js: include_str!("../../vendor/uplot/uPlot.iife.min.js"),
    }
}

fn card(n: usize, i: &Incident, report: &Report) -> Card {
    let facts = Facts::new(i, report.answers.get(&i.id), &report.zone);
    let has_chart = i.timeline.len() > 1 && i.signal != Signal::Volume;
    let lasted =
        i.resolved_at.map_or_else(|| "going on".into(), |end| span(end.millis_since(i.started_at)));
    let rate = |part: f64, of: u64| {
        if of > 0 { percent(part / of as f64) } else { "-".into() }
    };
    Card {
        anchor: format!("incident-{n}"),
        since: time(i.started_at, &report.zone),
        lasted,
        rates: match i.signal {
            Signal::SuccessRate => {
                format!("{} for {}", percent(i.observed_rate), percent(i.baseline_rate))
            }
            _ => "-".into(),
        },
        lost: estimate(i.impact.lost_payments),
        chart_label: format!("{}: {}", facts.signal_title, facts.seen),
        groups: groups(&i.breakdown).iter().map(table).collect(),
        rows: even(&i.timeline)
            .iter()
            .map(|p| {
                [
                    time(p.at, &report.zone),
                    number(p.attempts),
                    rate(p.successes as f64, p.attempts),
                    rate(p.expected, p.attempts),
                ]
            })
            .collect(),
        facts,
        has_chart,
    }
}

fn table(group: &Group) -> Table {
    let all: Vec<_> = group.hit.iter().chain(&group.spared).collect();
    let mut title = group.title.clone();
    title[..1].make_ascii_uppercase();
    Table {
        column: title.clone(),
        more: all.len().saturating_sub(ROWS_MAX),
        absent: group.absent.iter().map(|p| visible(&p.value)).collect::<Vec<_>>().join(", "),
        rows: all
            .into_iter()
            .take(ROWS_MAX)
            .map(|p| Line {
                value: visible(&p.value),
                hit: p.hit,
                attempts: number(p.attempts),
                attempts_all: number(p.attempts_all),
                seen: percent(p.observed_rate),
                expected: percent(p.expected_rate),
                lost: estimate(p.lost_payments),
            })
            .collect(),
        title,
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1_000.0
}

fn overview_chart(report: &Report) -> Chart {
    let mean = report.summary.success_rate;
    let mut chart = Chart {
        x: Vec::new(),
        seen: Vec::new(),
        expected: Vec::new(),
        attempts: Vec::new(),
        spans: report
            .incidents
            .iter()
            .map(|i| (seconds(i.started_at), i.resolved_at.map(seconds)))
            .collect(),
        moment: None,
        zero: false,
        reference: "Average",
    };
    for p in report.overview.periods() {
        chart.x.push(p.starts_at_ms as f64 / 1_000.0);
        chart.seen.push((p.attempts > 0).then(|| p.successes as f64 / p.attempts as f64));
        chart.expected.push(mean);
        chart.attempts.push(p.attempts);
    }
    chart
}

fn incident_chart(i: &Incident) -> Chart {
    let rate = |part: f64, of: u64| (of > 0).then(|| part / of as f64);
    let points = even(&i.timeline);
    Chart {
        x: points.iter().map(|p| seconds(p.at)).collect(),
        seen: points.iter().map(|p| rate(p.successes as f64, p.attempts)).collect(),
        expected: points.iter().map(|p| rate(p.expected, p.attempts)).collect(),
        attempts: points.iter().map(|p| p.attempts).collect(),
        spans: vec![(seconds(i.started_at), i.resolved_at.map(seconds))],
        moment: Some(seconds(i.detected_at)),
        zero: true,
        reference: "Expected",
    }
}

fn reading(s: &Summary) -> Vec<(String, String)> {
    let packed = if s.compression == "none" || s.compression == s.format {
        String::new()
    } else {
        format!(", {}", s.compression)
    };
    let hold = if s.rows_hold == "counts" { "counted attempts" } else { "one attempt per row" };
    let mut out = vec![
        (
            "File".to_string(),
            format!("{} ({}{packed}), {} rows, {hold}", s.file, s.format, number(s.rows)),
        ),
        ("Dimensions".to_string(), visible(&s.dimensions.join(", "))),
        ("Bucket".to_string(), span((s.bucket_s * 1_000.0) as i64)),
        (
            "False pages".to_string(),
            format!(
                "detection is set to {} a week over the whole system",
                estimate(s.false_pages_per_week)
            ),
        ),
    ];
    if let Some(map) = &s.map {
        let how = if s.map_guessed { "recognised by name: " } else { "" };
        out.push(("Columns".to_string(), format!("{how}{}", map.replace(',', ", "))));
    }
    out.extend(s.notes.iter().map(|n| ("Note".to_string(), n.clone())));
    out.extend(s.incomplete.iter().map(|p| ("Not read to its end".to_string(), p.to_string())));
    out
}

fn truth(s: &Summary) -> Vec<(String, String)> {
    let Some(score) = &s.truth else { return Vec::new() };
    let share = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.2}"));
    vec![
        ("Found".to_string(), format!("{} of {} labels", score.found, score.labels)),
        ("Precision".to_string(), share(score.precision)),
        ("Recall".to_string(), share(score.recall)),
        (
            "Delay".to_string(),
            score
                .delay_s_median
                .map_or_else(|| "-".into(), |d| format!("median {}", span((d * 1e3) as i64))),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn nothing_from_the_file_can_act_in_a_browser_and_nothing_is_fetched() {
        let mut out = Vec::new();
        html(&sample::report(), &mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(!page.contains("<script>alert(1)"));
        assert!(page.contains("&#60;script&#62;alert(1)"));
        assert!(!page.contains('\u{1b}'));
        for fetches in ["src=", "href=\"http", "url(", "@import"] {
            assert!(!page.contains(fetches), "{fetches}");
        }
        assert!(page.contains("incident-2"));
    }
}
