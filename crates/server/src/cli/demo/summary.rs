//! At the end: what happened, and what was found of it.

use std::io::{self, Write};

use analyst::{Incident, Slice};
use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use payments::Timestamp;
use sim::{Kind, Truth};

use crate::backtest::{Label, score};
use crate::demo::Tally;
use crate::read::visible;
use crate::report::{estimate, span, time};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Writes the truth since `from` beside the incidents that were found; `begun` interventions came into force.
pub fn write(
    tally: &Tally,
    from: Timestamp,
    incidents: &[Incident],
    begun: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let truth = tally.world.truth(from, tally.until);
    if truth.is_empty() && incidents.is_empty() {
        return Ok(());
    }
    let labels: Vec<Label> = truth.iter().map(label).collect();
    // A minute: the truth counts from the start of an attempt, the engine from its outcome.
    let score = score(&labels, incidents, 60_000);
    writeln!(out, "\n{BOLD}As it was{BOLD:#}")?;
    for (verdict, truth) in score.by_label.iter().zip(&truth) {
        let place = visible(&slice(truth).to_string());
        let what = what(&truth.incident.kind);
        let lasted = span(truth.incident.ends_at.millis_since(truth.incident.starts_at));
        let at = clock(truth.incident.starts_at);
        match incidents.iter().find(|i| Some(&i.id) == verdict.incident_id.as_ref()) {
            Some(found) => {
                let delay = span((verdict.delay_s.unwrap_or(0.0) * 1e3) as i64);
                let cause = if found.cause.to_string() == truth.cause {
                    format!("{}", found.cause)
                } else {
                    format!("{} ({} in truth)", found.cause, truth.cause)
                };
                writeln!(out, "{GOOD}found{GOOD:#}   {at} {place}: {what} for {lasted}")?;
                writeln!(
                    out,
                    "        {DIM}{} after {delay}, as {cause}; {} approvals lost, {} in truth{DIM:#}",
                    visible(&found.id),
                    estimate(found.impact.lost_payments),
                    estimate(truth.approvals_lost)
                )?;
            }
            None if truth.payments_lost <= 0 => {
                writeln!(out, "{DIM}no loss{DIM:#} {at} {place}: {what} for {lasted}")?;
            }
            None => {
                writeln!(out, "{BAD}missed{BAD:#}  {at} {place}: {what} for {lasted}")?;
                writeln!(
                    out,
                    "        {DIM}{} of {} attempts lost{DIM:#}",
                    estimate(truth.approvals_lost),
                    truth.attempts
                )?;
            }
        }
    }
    for id in &score.unexplained {
        if let Some(i) = incidents.iter().find(|i| i.id == *id) {
            let place = crate::report::place(i);
            writeln!(
                out,
                "{BAD}extra{BAD:#}   {} {place}: {} ({})",
                clock(i.started_at),
                i.cause,
                visible(id)
            )?;
        }
    }
    let delay = score.delay_s_median.map_or_else(|| "-".into(), |d| span((d * 1e3) as i64));
    writeln!(
        out,
        "\n{} of {} found, {} unexplained, median delay {delay}",
        score.found,
        score.labels,
        score.unexplained.len()
    )?;
    writeln!(
        out,
        "{begun} interventions; {} attempts went elsewhere than their merchants would have sent them: {:+.0} approvals, by the chances that the simulation knows",
        tally.moved, tally.gained
    )
}

fn label(truth: &Truth) -> Label {
    Label {
        start: truth.incident.starts_at,
        end: Some(truth.incident.ends_at),
        slice: Some(slice(truth)),
    }
}

fn slice(truth: &Truth) -> Slice {
    Slice::new(truth.incident.slice.iter().map(|(d, v)| (d.as_str(), v.as_str())))
}

/// Time of day, UTC.
pub fn clock(at: Timestamp) -> String {
    time(at, &TimeZone::UTC).split_once(' ').map_or_else(String::new, |(_, clock)| clock.into())
}

fn what(kind: &Kind) -> String {
    match kind {
        Kind::Outage { severity, .. } => format!("{:.0} % of approvals fail", severity * 100.0),
        Kind::Latency { factor } => format!("{factor} times slower"),
        Kind::CodesRenamed { .. } => "codes change their meaning".into(),
        Kind::Volume { factor } => format!("{factor} times the traffic"),
        Kind::MixShift { share } => format!("{:.0} % of other traffic moves here", share * 100.0),
        Kind::Misrouting { share, .. } => {
            format!("{:.0} % of other gateways' traffic is sent here", share * 100.0)
        }
        Kind::CardTesting { .. } => "stolen cards are tried".into(),
        Kind::RetryStorm { copies } => format!("a client repeats attempts {copies} times"),
    }
}
