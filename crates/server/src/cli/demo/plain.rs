//! Without a terminal: the cycle log as it is written.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use analyst::SliceStats;
use payments::Timestamp;
use serde_json::Value;
use store::Event;

use super::super::hindsight;
use super::front::{Front, parsed};
use super::summary::clock;
use crate::read::visible;
use crate::report::{estimate, percent, span};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// Between two tables of routes.
const TABLE: Duration = Duration::from_secs(60);

/// Prints what is said until it is over.
pub fn run(front: &mut Front, is_over: impl Fn() -> bool) -> anyhow::Result<()> {
    let mut out = anstream::AutoStream::auto(io::stdout());
    let mut table_at = Instant::now() + TABLE / 6;
    loop {
        let ends = is_over();
        for event in front.news() {
            for line in lines(&event) {
                writeln!(out, "{line}")?;
            }
        }
        if Instant::now() >= table_at {
            table(front.now(), &front.scene().routes, &mut out)?;
            table_at += TABLE;
        }
        out.flush()?;
        if ends {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// What an event says to people, line by line, with a blank one before it; nothing of most.
pub fn lines(event: &Event) -> Vec<String> {
    let said = parsed(&event.body);
    let text = |name: &str| visible(said[name].as_str().unwrap_or_default());
    let at = |name: &str| said[name].as_str().and_then(|at| Timestamp::parse(at).ok());
    match event.kind.as_str() {
        "decision" if !said["hindsight"].is_null() => {
            let line = hindsight::in_words(&said).unwrap_or_default();
            vec![String::new(), format!("{} {}", text("incident_id"), visible(&line))]
        }
        "decision" => {
            let begun = at("at").map_or_else(String::new, clock);
            let mut lines = vec![String::new(), format!("{begun} {}", text("incident_id"))];
            let cycle = said["text"].as_str().unwrap_or_default();
            lines.extend(cycle.lines().map(visible));
            lines
        }
        "incident" if said["status"] == "resolved" => {
            let (Some(start), Some(end)) = (at("started_at"), at("resolved_at")) else {
                return Vec::new();
            };
            let lost = said["impact"]["lost_payments"].as_f64().unwrap_or(0.0);
            vec![
                String::new(),
                format!(
                    "{} {} is over after {}: {}; {} payments lost",
                    clock(end),
                    text("id"),
                    span(end.millis_since(start)),
                    slice(&said["slice"]),
                    estimate(lost)
                ),
            ]
        }
        "intervention" => {
            let ended = match said["state"].as_str() {
                Some("completed") => "is completed",
                Some("rejected") => "was rejected",
                Some("rolled_back") => "was rolled back",
                Some("expired") => "has expired",
                _ => return Vec::new(),
            };
            let at = at("ended_at").map_or_else(String::new, clock);
            vec![String::new(), format!("{at} {} {ended}: {}", text("id"), text("reason"))]
        }
        _ => Vec::new(),
    }
}

/// `{gateway: PAYU}`.
fn slice(value: &Value) -> String {
    let pairs = value.as_object().into_iter().flatten().map(|(dimension, value)| {
        format!("{}: {}", visible(dimension), visible(value.as_str().unwrap_or_default()))
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
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
