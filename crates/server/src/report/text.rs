//! The report as text, for a terminal of 80 columns.
//!
//! For each incident in this order: where, since when, detected when, how bad, why, what it cost,
//! who was hit and who was not. Colours are written as ANSI codes; the caller's stream drops
//! them where they don't belong. All text from the file passes [`visible`].

use std::io::{self, Write};

use analyst::{Breakdown, Incident, Signal};
use anstyle::{AnsiColor, Style};

use super::words::{estimate, money, number, percent, span, time};
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
        row(out, "columns", &format!("recognised by name: --map {map}"))?;
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

fn one(number_of: usize, i: &Incident, report: &Report, out: &mut impl Write) -> io::Result<()> {
    let slice = visible(&i.slice.to_string());
    let place = if i.slice.order() == 0 { "all traffic".to_string() } else { slice };
    writeln!(out, "{BAD}{number_of}. {place}{BAD:#} {DIM}{}{DIM:#}", visible(&i.id))?;
    for alias in &i.aliases {
        row(out, "", &format!("also selects these attempts: {}", visible(&alias.to_string())))?;
    }
    let zone = &report.zone;
    let until = match i.resolved_at {
        Some(end) => {
            let lasted = span(end.as_millis() - i.started_at.as_millis());
            let how =
                i.resolution.as_ref().map(|r| format!(", {}", visible(r))).unwrap_or_default();
            format!("{} until {} ({lasted}){how}", time(i.started_at, zone), time(end, zone))
        }
        None => format!("{}, going on when the file ends", time(i.started_at, zone)),
    };
    row(out, "since", &until)?;
    let delay = i.detected_at.as_millis() - i.started_at.as_millis();
    let after = if delay > 0 { format!(", {} after it began", span(delay)) } else { String::new() };
    row(out, "detected", &format!("{}{after}", time(i.detected_at, zone)))?;
    let (low, high) = i.observed_rate_interval;
    row(out, signal_name(i.signal), &seen(i, low, high))?;
    if !i.timeline.is_empty() && i.signal != Signal::Volume {
        let (seen, expected) = spark::pair(&i.timeline, WIDTH - INDENT - 12);
        row(out, "", &format!("{seen} seen"))?;
        row(out, "", &format!("{expected} expected"))?;
    }
    row(out, "cause", &format!("{}, confidence {:.2}", i.cause, i.confidence))?;
    for other in i.alternatives.iter().take(3).filter(|a| a.confidence >= 0.005) {
        let text = format!(
            "else {} at {} ({:.2})",
            other.cause,
            visible(&other.slice.to_string()),
            other.confidence
        );
        row(out, "", &text)?;
    }
    for (at, evidence) in i.evidence.iter().enumerate() {
        let label = if at == 0 { "evidence" } else { "" };
        row(out, label, &format!("- {}", visible(&evidence.text)))?;
    }
    cost(i, out)?;
    who(&i.breakdown, out)
}

fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::SuccessRate => "success",
        Signal::Latency => "slow",
        Signal::ErrorMix => "errors",
        Signal::Volume => "volume",
    }
}

fn seen(i: &Incident, low: f64, high: f64) -> String {
    match i.signal {
        Signal::Volume => format!(
            "{} attempts/s where {} are expected",
            estimate(i.observed_rate),
            estimate(i.baseline_rate)
        ),
        signal => {
            let what = match signal {
                Signal::Latency => " of attempts slower than usual",
                Signal::ErrorMix => " of attempts failed with these codes",
                _ => "",
            };
            format!(
                "{}{what} (95 % interval {:.1}-{:.1}) where {} is expected",
                percent(i.observed_rate),
                low * 100.0,
                high * 100.0,
                percent(i.baseline_rate)
            )
        }
    }
}

fn cost(i: &Incident, out: &mut impl Write) -> io::Result<()> {
    let m = &i.impact;
    row(
        out,
        "cost",
        &format!(
            "{} payments lost ({} to {}), {} a minute; {} attempts, {} of all traffic",
            estimate(m.lost_payments),
            estimate(m.lost_payments_low),
            estimate(m.lost_payments_high),
            estimate(m.lost_payments_per_minute),
            number(m.attempts),
            percent(m.share)
        ),
    )?;
    for lost in &m.lost {
        let currency = lost.amount.currency;
        row(
            out,
            "",
            &format!(
                "{} lost ({} to {}), {} a minute",
                money(lost.amount.minor, currency),
                money(lost.interval_minor.0, currency),
                money(lost.interval_minor.1, currency),
                money(lost.minor_per_minute, currency)
            ),
        )?;
    }
    Ok(())
}

fn who(parts: &[Breakdown], out: &mut impl Write) -> io::Result<()> {
    let mut dimensions: Vec<&str> = Vec::new();
    for part in parts {
        if !dimensions.contains(&part.dimension.as_str()) {
            dimensions.push(&part.dimension);
        }
    }
    dimensions.sort_by_key(|d| *d != "merchant_id");
    for dimension in dimensions {
        let mut of: Vec<&Breakdown> = parts.iter().filter(|p| p.dimension == dimension).collect();
        of.sort_by(|a, b| {
            b.lost_payments.total_cmp(&a.lost_payments).then(b.attempts_all.cmp(&a.attempts_all))
        });
        let (hit, spared): (Vec<&Breakdown>, Vec<&Breakdown>) = of.into_iter().partition(|p| p.hit);
        let name = visible(dimension);
        let plain = name.strip_suffix("_id").unwrap_or(&name);
        if !hit.is_empty() {
            row(out, &format!("{plain}s hit").replace("ys hit", "ies hit"), &list(&hit))?;
        }
        if !spared.is_empty() {
            row(out, "  not hit", &list(&spared))?;
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
            if p.attempts == 0 {
                format!("{value} (no attempts here)")
            } else if p.hit {
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
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
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
