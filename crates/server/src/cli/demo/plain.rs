//! Without a terminal: lines, as fast as the machine goes.

use std::io::{self, Write};

use analyst::{IncidentStatus, SliceStats};
use engine::Effect;
use payments::Timestamp;

use super::show::Show;
use super::summary::{self, clock};
use crate::read::visible;
use crate::report::{estimate, percent, span};

/// Simulated time between two looks.
const STEP_MS: i64 = 60_000;
/// Simulated time between two tables of routes.
const TABLE_MS: i64 = 3 * 3_600_000;

/// Plays the day and prints it.
pub fn run(seed: u64, learn_days: u32) -> anyhow::Result<()> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    let mut show = Show::new(seed, learn_days)?;
    writeln!(out, "learning from {learn_days} quiet days")?;
    while show.learning() {
        let next = show.now().plus_millis(3_600_000).min(show.starts_at());
        for effect in show.play(next) {
            say(&effect, &mut out)?;
        }
    }
    let mut table_at = show.starts_at();
    while !show.over() {
        let next = show.now().plus_millis(STEP_MS);
        for effect in show.play(next) {
            say(&effect, &mut out)?;
        }
        if show.now() >= table_at {
            table(show.now(), &show.routes(), &mut out)?;
            table_at = table_at.plus_millis(TABLE_MS);
        }
    }
    summary::write(&show, &mut out)?;
    Ok(())
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
        _ => Ok(()),
    }
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
