//! The report as text, for a terminal of 80 columns.
//!
//! For each incident in this order: where, since when, detected when, how bad, why, what it cost,
//! who was hit and who was not. Colours are written as ANSI codes; the caller's stream drops
//! them where they don't belong. All text from the file passes [`visible`].

use std::io::{self, Write};

use analyst::{Breakdown, Incident, Signal};
use anstyle::{AnsiColor, Style};

use super::facts::{Facts, even, groups};
use super::words::{estimate, number, percent, span, time};
use super::{Report, spark};
use crate::backtest::Score;
use crate::read::visible;

/// Widest line.
const WIDTH: usize = 80;
/// Where the second column starts.
const INDENT: usize = 16;
/// How many values of a dimension are named.
const VALUES_MAX: usize = 6;
/// How many skipped rows are told one by one.
const SKIPPED_MAX: usize = 10;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const WARN: Style = AnsiColor::Yellow.on_default();

/// Writes the report.
pub fn text(report: &Report, out: &mut impl Write) -> io::Result<()> {
    head(report, out)?;
    for (i, incident) in report.incidents.iter().enumerate() {
        writeln!(out)?;
        one(i + 1, incident, report, out)?;
    }
    operator(report, out)?;
    if let Some(score) = &report.summary.truth {
        truth(score, out)?;
    }
    skipped(report, out)
}

fn head(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let s = &report.summary;
    let rate = s
        .success_rate
        .map_or_else(|| "no outcome".into(), |r| format!("{} successful", percent(r)));
    writeln!(out, "{BOLD}{}{BOLD:#}", s.file)?;
    let of = |ms: Option<i64>| {
        ms.map_or_else(|| "-".into(), |ms| time(payments::Timestamp::from_millis(ms), &report.zone))
    };
    row(out, "attempts", &format!("{} in {} rows, {rate}", number(s.attempts), number(s.rows)))?;
    let bucket = if s.bucket_s > 1.0 {
        format!(", buckets of {}", span((s.bucket_s * 1e3) as i64))
    } else {
        String::new()
    };
    row(
        out,
        "time",
        &format!(
            "{} to {} ({}){bucket}",
            of(report.overview.from_ms()),
            of(report.overview.until_ms()),
            s.tz
        ),
    )?;
    row(out, "dimensions", &visible(&s.dimensions.join(", ")))?;
    if let Some(map) = s.map.as_deref().filter(|_| s.map_guessed) {
        row(out, "columns", "recognised by name, as if by --map")?;
        for line in pieces(map, WIDTH - INDENT) {
            row(out, "", &line)?;
        }
    }
    let periods: Vec<(u64, u64)> =
        report.overview.periods().map(|p| (p.attempts, p.successes)).collect();
    row(out, "success rate", &spark::line(&periods, WIDTH - INDENT - 2))?;
    for note in &s.notes {
        row(out, "note", note)?;
    }
    let found = match report.incidents.len() {
        0 => format!("{GOOD}no incident found{GOOD:#}"),
        1 => format!("{BAD}1 incident{BAD:#}"),
        n => format!("{BAD}{n} incidents{BAD:#}, most costly first"),
    };
    writeln!(
        out,
        "\n{found} {DIM}(set to {} false page{} a week){DIM:#}",
        estimate(s.false_pages_per_week),
        if s.false_pages_per_week == 1.0 { "" } else { "s" }
    )
}

/// What the operator would have saved in all, and what that rests on.
fn operator(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let Some(operator) = &report.summary.operator else { return Ok(()) };
    writeln!(out, "\n{BOLD}The operator{BOLD:#}")?;
    for (at, line) in operator.lines().iter().enumerate() {
        row(out, if at == 0 { "in all" } else { "" }, line)?;
    }
    Ok(())
}

fn one(number_of: usize, i: &Incident, report: &Report, out: &mut impl Write) -> io::Result<()> {
    let facts = Facts::new(i, report.answers.get(&i.id), &report.zone);
    writeln!(out, "{BAD}{number_of}. {}{BAD:#} {DIM}{}{DIM:#}", facts.place, visible(&i.id))?;
    for alias in &facts.aliases {
        row(out, "", &format!("also selects these attempts: {alias}"))?;
    }
    row(out, "since", &facts.since)?;
    row(out, "detected", &facts.detected)?;
    row(out, facts.signal, &facts.seen)?;
    if !i.timeline.is_empty() && i.signal != Signal::Volume {
        let (seen, expected) = spark::pair(&even(&i.timeline), WIDTH - INDENT - 10);
        row(out, "", &format!("{seen} seen"))?;
        row(out, "", &format!("{expected} expected"))?;
    }
    row(out, "cause", &facts.cause)?;
    for other in &facts.others {
        row(out, "", other)?;
    }
    for (at, evidence) in facts.evidence.iter().enumerate() {
        row(out, if at == 0 { "evidence" } else { "" }, &format!("- {evidence}"))?;
    }
    for (at, cost) in facts.cost.iter().enumerate() {
        row(out, if at == 0 { "cost" } else { "" }, cost)?;
    }
    for (at, line) in facts.operator.iter().enumerate() {
        row(out, if at == 0 { "operator" } else { "" }, line)?;
    }
    for group in groups(&i.breakdown) {
        if group.hit.is_empty() {
            row(out, &group.title, "none hit beyond chance")?;
        } else {
            row(out, &format!("{} hit", group.title), &list(&group.hit))?;
        }
        if !group.spared.is_empty() {
            row(out, "  not hit", &list(&group.spared))?;
        }
        if !group.absent.is_empty() {
            let names = group.absent.iter().take(VALUES_MAX).map(|p| visible(&p.value));
            let mut names: Vec<String> = names.collect();
            if group.absent.len() > VALUES_MAX {
                names.push(format!("and {} more", group.absent.len() - VALUES_MAX));
            }
            row(out, "  not here", &names.join(", "))?;
        }
    }
    Ok(())
}

fn list(parts: &[&Breakdown]) -> String {
    let mut said: Vec<String> = parts
        .iter()
        .take(VALUES_MAX)
        .map(|p| {
            let value = visible(&p.value);
            if p.hit {
                format!(
                    "{value} ({} where {}, {} lost)",
                    percent(p.observed_rate),
                    percent(p.expected_rate),
                    estimate(p.lost_payments)
                )
            } else {
                format!(
                    "{value} ({} of {} attempts where {})",
                    percent(p.observed_rate),
                    number(p.attempts),
                    percent(p.expected_rate)
                )
            }
        })
        .collect();
    if parts.len() > VALUES_MAX {
        said.push(format!("and {} more", parts.len() - VALUES_MAX));
    }
    said.join(", ")
}

fn truth(score: &Score, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\n{BOLD}Against your labels{BOLD:#}")?;
    let share = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.2}"));
    row(out, "found", &format!("{} of {} labels", score.found, score.labels))?;
    row(out, "precision", &share(score.precision))?;
    row(out, "recall", &share(score.recall))?;
    let delay = match (score.delay_s_median, score.delay_s_mean) {
        (Some(median), Some(mean)) => {
            format!("median {}, mean {}", span((median * 1e3) as i64), span((mean * 1e3) as i64))
        }
        _ => "-".into(),
    };
    row(out, "delay", &delay)?;
    for verdict in score.by_label.iter().filter(|v| v.incident_id.is_none()) {
        let place =
            verdict.slice.as_ref().map_or_else(|| "anywhere".into(), |s| visible(&s.to_string()));
        row(out, "missed", &format!("{place} from {}", verdict.start))?;
    }
    if !score.unexplained.is_empty() {
        row(out, "unlabelled", &visible(&score.unexplained.join(", ")))?;
    }
    Ok(())
}

fn skipped(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let s = &report.summary;
    if let Some(problem) = &s.incomplete {
        writeln!(out, "\n{WARN}the file could not be read to its end{WARN:#}")?;
        paragraph(out, "  ", "  ", &problem.to_string())?;
    }
    if s.skipped == 0 {
        return Ok(());
    }
    let reasons: Vec<String> =
        s.skipped_reasons.iter().map(|(kind, n)| format!("{kind} {}", number(*n))).collect();
    let rows = if s.skipped == 1 { "row" } else { "rows" };
    writeln!(out, "\n{WARN}{} {rows} skipped{WARN:#} ({})", number(s.skipped), reasons.join(", "))?;
    for problem in s.skipped_first.iter().take(SKIPPED_MAX) {
        paragraph(out, "  ", "    ", &problem.to_string())?;
    }
    let beyond = s.skipped.saturating_sub(SKIPPED_MAX as u64);
    if beyond > 0 {
        writeln!(out, "  and {} more (--format json lists the first 100)", number(beyond))?;
    }
    Ok(())
}

/// A map in lines that end at a comma, so that they can be put together again.
fn pieces(map: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for pair in map.split_inclusive(',') {
        let line = lines.last_mut().expect("never empty");
        if line.len() + pair.len() > width && !line.is_empty() {
            lines.push(pair.into());
        } else {
            line.push_str(pair);
        }
    }
    lines
}

/// A label and its text, wrapped beside it.
fn row(out: &mut impl Write, label: &str, text: &str) -> io::Result<()> {
    let first = if label.len() + 3 > INDENT {
        format!("  {label} ")
    } else {
        format!("  {label:<width$}", width = INDENT - 2)
    };
    let lines = wrap(text, &first, &" ".repeat(INDENT));
    for (i, line) in lines.iter().enumerate() {
        match line.strip_prefix(first.as_str()).filter(|_| i == 0) {
            Some(rest) => writeln!(out, "{DIM}{first}{DIM:#}{rest}")?,
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

fn paragraph(out: &mut impl Write, first: &str, rest: &str, text: &str) -> io::Result<()> {
    for line in wrap(text, first, rest) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn wrap(text: &str, first: &str, rest: &str) -> Vec<String> {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(rest)
        .break_words(true);
    // A per cent sign stays with its number.
    let text = text.replace(" %", "\u{a0}%");
    textwrap::wrap(&text, options).into_iter().map(|line| line.replace('\u{a0}', " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn plain(report: &Report) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        text(report, &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn fits_eighty_columns_and_drives_no_terminal() {
        let text = plain(&sample::report());
        for line in text.lines() {
            assert!(textwrap::core::display_width(line) <= WIDTH, "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn reads_like_this() {
        insta::assert_snapshot!(plain(&sample::report()));
    }
}
