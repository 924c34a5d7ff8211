//! Without a terminal: lines, as fast as the machine goes.

use std::io::{self, Write};

use analyst::{IncidentStatus, SliceStats};
use engine::Effect;
use payments::Timestamp;
use pilot::{Intervention, State};

use super::show::{Live, Show, Viewer, Wish};
use super::summary::{self, clock};
use crate::read::visible;
use crate::report::{estimate, percent, span};

/// Simulated time between two tables of routes.
const TABLE_MS: i64 = 3 * 3_600_000;

/// Plays the day and prints it.
pub fn run(show: &mut Show, learn_days: u32) -> anyhow::Result<()> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    writeln!(out, "learning from {learn_days} quiet days")?;
    while show.learning() {
        show.learn(show.now().plus_millis(3_600_000));
    }
    show.run(&mut Printer { out: &mut out, table_at: show.starts_at().plus_millis(60_000) })?;
    summary::write(show, &mut out)?;
    Ok(())
}

/// Prints what is said.
struct Printer<W> {
    out: W,
    table_at: Timestamp,
}

impl<W: Write> Viewer for Printer<W> {
    fn look(&mut self, live: &Live<'_>, news: &[Effect]) -> anyhow::Result<Wish> {
        for effect in news {
            say(effect, &mut self.out)?;
        }
        if live.now >= self.table_at {
            table(live.now, &live.routes(), &mut self.out)?;
            self.table_at = self.table_at.plus_millis(TABLE_MS);
        }
        Ok(Wish::GoOn)
    }
}

fn say(effect: &Effect, out: &mut impl Write) -> io::Result<()> {
    match effect {
        Effect::Finding(_) => Ok(()),
        Effect::Cycle { at, incident_id, text } => {
            writeln!(out, "\n{} {}", clock(*at), visible(incident_id))?;
            for line in text.lines() {
                writeln!(out, "{}", visible(line))?;
            }
            Ok(())
        }
        Effect::Incident(i) if i.status == IncidentStatus::Resolved => {
            let (end, lasted) = i.resolved_at.map_or_else(
                || ("?".into(), "?".into()),
                |end| (clock(end), span(end.millis_since(i.started_at))),
            );
            writeln!(
                out,
                "\n{end} {} is over after {lasted}: {}; {} payments lost",
                visible(&i.id),
                visible(&i.slice.to_string()),
                estimate(i.impact.lost_payments)
            )
        }
        Effect::Intervention(one) => match ended(one) {
            Some(line) => writeln!(out, "\n{line}"),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// What is said when an intervention ends.
pub fn ended(one: &Intervention) -> Option<String> {
    let at = one.ended_at?;
    let state = match one.state {
        State::Completed => "is completed",
        State::Rejected => "was rejected",
        State::RolledBack => "was rolled back",
        State::Expired => "has expired",
        State::Pending | State::Active => return None,
    };
    Some(format!("{} {} {state}: {}", clock(at), visible(&one.id), visible(&one.reason)))
}

fn table(at: Timestamp, routes: &[SliceStats], out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{}  {:<14} {:>8} {:>9} {:>9} {:>9} {:>9}",
        clock(at),
        "gateway",
        "attempts",
        "success",
        "expected",
        "p50",
        "p95"
    )?;
    for route in routes {
        writeln!(out, "       {}", columns(route).join(" "))?;
    }
    Ok(())
}

/// Name, attempts, success, expected, p50 and p95 of a route, in columns.
pub fn columns(route: &SliceStats) -> [String; 6] {
    let name = visible(route.slice.get("gateway").unwrap_or("-"));
    let share = |x: Option<f64>| x.map_or_else(|| "-".into(), percent);
    let ms = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.0} ms"));
    [
        format!("{name:<14}"),
        format!("{:>8}", route.attempts),
        format!("{:>9}", share(route.success_rate)),
        format!("{:>9}", share(route.baseline_rate)),
        format!("{:>9}", ms(route.latency_ms_p50)),
        format!("{:>9}", ms(route.latency_ms_p95)),
    ]
}
