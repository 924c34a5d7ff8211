//! `pointsman policy promote`, `rollback` and `status`: a policy's roll-out in a running server.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::client::{Got, Server};
use super::{Exit, Format, complain, evaluate};
use crate::config::{self, span};
use crate::read::visible;
use crate::report::{number, percent};

const PATH: &str = "/v1/policy/rollout";

/// `policy promote`.
#[derive(Debug, clap::Args)]
pub struct PromoteArgs {
    /// The policy: a file with [routing] and [[gateways]] as in pointsman.toml
    file: PathBuf,
    /// Begin without asking
    #[arg(long)]
    yes: bool,
    /// The candidate's share, step by step [default: 0.01,0.05,0.2,0.5]
    #[arg(long, value_name = "SHARES", value_delimiter = ',')]
    steps: Option<Vec<f64>>,
    /// Share that stays with the incumbent for good [default: 0.02]
    #[arg(long, value_name = "SHARE")]
    hold_out: Option<f64>,
    /// Outcomes of the A/A stage, both halves routed by the incumbent [default: 10000]
    #[arg(long, value_name = "N")]
    same_payments: Option<u64>,
    /// Outcomes of the candidate that a step needs at least [default: 200]
    #[arg(long, value_name = "N")]
    step_payments_min: Option<u64>,
    /// A step that has shown nothing after so many outcomes is taken back [default: 5000000]
    #[arg(long, value_name = "N")]
    step_payments_max: Option<u64>,
    /// Probability of stopping what isn't worse, or of promoting what isn't better [default: 0.05]
    #[arg(long, value_name = "P")]
    alpha: Option<f64>,
    /// A payment is judged so long after its choice; what is pending then has failed [default: 60s]
    #[arg(long, value_name = "TIME")]
    maturity: Option<String>,
    /// What mustn't become more frequent: fraud_declined, slower_than_ms=N, dearer_than_bps=N; again for more [default: fraud_declined]
    #[arg(long = "guard", value_name = "GUARD", value_parser = guard)]
    guards: Vec<Value>,
    #[command(flatten)]
    server: Server,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `policy rollback`.
#[derive(Debug, clap::Args)]
pub struct RollbackArgs {
    /// Why; it is written down
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    server: Server,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `policy status`.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    server: Server,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn guard(text: &str) -> Result<Value, String> {
    let wrong = || "want fraud_declined, slower_than_ms=N or dearer_than_bps=N".to_owned();
    match text.split_once('=') {
        None if text == "fraud_declined" => Ok(json!(text)),
        Some((name @ ("slower_than_ms" | "dearer_than_bps"), limit)) => {
            let limit: u32 = limit.parse().map_err(|_| wrong())?;
            Ok(json!({ name: limit }))
        }
        _ => Err(wrong()),
    }
}

/// Begins a roll-out.
pub fn promote(args: &PromoteArgs) -> Result<Exit> {
    // What is wrong with the file is said with its name and line, before anybody is asked.
    let Some(_) = evaluate::candidates(&[&args.file]) else { return Ok(Exit::Input) };
    let mut body = config::written(&args.file).context("the policy can't be read")?;
    let Some(plan) = plan(args) else { return Ok(Exit::Usage) };
    body.insert("plan".into(), plan);
    if !args.yes && !is_wanted(args)? {
        return Ok(Exit::Usage);
    }
    answered(args.server.post(PATH, &Value::Object(body)), args.format)
}

fn plan(args: &PromoteArgs) -> Option<Value> {
    let mut plan = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        plan.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("steps", args.steps.as_ref().map(|steps| json!(steps)));
    put("hold_out", args.hold_out.map(Into::into));
    put("same_payments", args.same_payments.map(Into::into));
    put("step_payments_min", args.step_payments_min.map(Into::into));
    put("step_payments_max", args.step_payments_max.map(Into::into));
    put("alpha", args.alpha.map(Into::into));
    put("guards", (!args.guards.is_empty()).then(|| json!(args.guards)));
    if let Some(text) = &args.maturity {
        let Some(ms) = span(text) else {
            complain(&format!(
                "--maturity {}: want a length of time such as 60s, 5m",
                visible(text)
            ));
            return None;
        };
        put("maturity_ms", Some(ms.into()));
    }
    Some(Value::Object(plan))
}

fn is_wanted(args: &PromoteArgs) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        complain("payments will be routed by this policy: say --yes");
        return Ok(false);
    }
    let file = visible(&args.file.to_string_lossy());
    eprint!(
        "{file} will get payments of the running server: none in the A/A stage, then more, step by step, as long as it is shown to be better. Begin? [y/N] "
    );
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let is_yes = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
    if !is_yes {
        complain("nothing was begun");
    }
    Ok(is_yes)
}

/// Takes the candidate back.
pub fn roll_back(args: &RollbackArgs) -> Result<Exit> {
    let body = json!({ "reason": args.reason });
    answered(args.server.post(&format!("{PATH}/rollback"), &body), args.format)
}

/// Says where it stands.
pub fn status(args: &StatusArgs) -> Result<Exit> {
    answered(args.server.get(PATH, Some(std::time::Duration::from_secs(60))), args.format)
}

fn answered(got: Got, format: Format) -> Result<Exit> {
    let mut answer = match got {
        Got::Answer(answer) => answer,
        Got::Failed(exit) => return Ok(exit),
    };
    let rollout: Value = answer.body_mut().read_json().context("no roll-out")?;
    let mut out = std::io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{rollout}")?,
        Format::Text => out.write_all(text(&rollout).as_bytes())?,
    }
    Ok(Exit::Ok)
}

/// A roll-out in words.
fn text(rollout: &Value) -> String {
    let word = |value: &Value| visible(value.as_str().unwrap_or("-"));
    let share = |value: &Value| percent(value.as_f64().unwrap_or(f64::NAN));
    let count = |value: &Value| number(value.as_u64().unwrap_or(0));
    let e = |value: &Value| evidence(value.as_f64().unwrap_or(f64::NAN));
    let steps = rollout["plan"]["steps"].as_array().map_or(0, Vec::len);
    let stage = match rollout["stage"].as_str() {
        Some("same") => "A/A: the incumbent routes both halves".to_owned(),
        Some("step") => {
            format!(
                "step {} of {steps}: the candidate routes {}",
                rollout["step"],
                share(&rollout["share"])
            )
        }
        Some("whole") => format!(
            "whole: the candidate routes {}, the rest is the hold-out; it stays so until it is rolled back, or the configuration says the same",
            share(&rollout["share"])
        ),
        _ => format!("stopped: {}", word(&rollout["reason"])),
    };
    let mut out = format!("{}  {stage}\n", word(&rollout["id"]));
    let mut row = |name: &str, what: String| out.push_str(&format!("  {name:<14}{what}\n"));
    row("begun", format!("{} by {}", word(&rollout["started_at"]), word(&rollout["started_by"])));
    if let Some(ended) = rollout["ended_at"].as_str() {
        row("ended", visible(ended));
    }
    let is_over = rollout["stopped"].is_string();
    for group in rollout["groups"].as_array().into_iter().flatten() {
        let name = word(&group["group"]).replace('_', "-");
        let success = if group["success_rate"].is_null() {
            String::new()
        } else {
            format!(
                ", {} approved ({} to {})",
                share(&group["success_rate"]),
                share(&group["low"]),
                share(&group["high"])
            )
        };
        let unheard = match group["unheard"].as_u64() {
            Some(0) | None => String::new(),
            Some(_) => format!(", {} without an outcome", count(&group["unheard"])),
        };
        let of = if is_over {
            String::new()
        } else {
            format!("{} of payments, ", share(&group["share"]))
        };
        let payments = count(&group["payments"]);
        row(&name, format!("{of}{payments} judged{success}{unheard}"));
    }
    let uplift = &rollout["uplift"];
    if !uplift.is_null() {
        let points = |value: &Value| format!("{:+.2}", 100.0 * value.as_f64().unwrap_or(f64::NAN));
        let (value, low, high) =
            (points(&uplift["value"]), points(&uplift["low"]), points(&uplift["high"]));
        let against = word(&uplift["against"]).replace("hold_out", "hold-out").replace('_', " ");
        row("uplift", format!("{value} points, {low} to {high}, against {against}"));
    }
    let evidence = &rollout["evidence"];
    let (stops, promotes) = (e(&evidence["stops_at"]), e(&evidence["promotes_at"]));
    row("better", format!("e = {} (the next share at {promotes})", e(&evidence["better"])));
    row("worse", format!("e = {} (taken back at {stops})", e(&evidence["worse"])));
    for guard in rollout["guards"].as_array().into_iter().flatten() {
        let name = guard_name(&guard["guard"]);
        let (bad, of) = (count(&guard["candidate"]), count(&guard["candidate_of"]));
        let (others, others_of) = (count(&guard["others"]), count(&guard["others_of"]));
        row(
            "guard",
            format!(
                "{name}: e = {}; {bad} of {of}, others {others} of {others_of}",
                e(&guard["worse"])
            ),
        );
    }
    row("sample ratio", format!("e = {} (taken back at {stops})", e(&evidence["sample_ratio"])));
    row("unheard", format!("e = {} (taken back at {stops})", e(&evidence["unheard"])));
    for turn in rollout["turns"].as_array().into_iter().flatten() {
        let why =
            turn["reason"].as_str().map_or(String::new(), |why| format!(": {}", visible(why)));
        let (at, from, to) = (word(&turn["at"]), word(&turn["from"]), word(&turn["to"]));
        row("turn", format!("{at}  {from} -> {to}{why}"));
    }
    out
}

fn guard_name(guard: &Value) -> String {
    match guard.as_object().and_then(|guard| guard.iter().next()) {
        Some((name, limit)) => format!("{}={limit}", visible(name)),
        None => visible(guard.as_str().unwrap_or("-")),
    }
}

/// An e-value, short.
fn evidence(e: f64) -> String {
    if e >= 1e5 {
        format!("{e:.0e}")
    } else if e >= 10.0 {
        format!("{e:.0}")
    } else {
        format!("{e:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_are_read_and_refused() {
        assert_eq!(guard("fraud_declined"), Ok(json!("fraud_declined")));
        assert_eq!(guard("slower_than_ms=2000"), Ok(json!({"slower_than_ms": 2000})));
        for wrong in ["fraud", "slower_than_ms", "slower_than_ms=x", "other=3"] {
            assert!(guard(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn evidence_is_short() {
        let said = [0.0123, 1.0, 19.96, 123_456.0, 1e300].map(evidence);
        assert_eq!(said, ["0.01", "1.00", "20", "1e5", "1e300"]);
    }
}
