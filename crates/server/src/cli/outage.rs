//! `pointsman outage`: breaks the simulated network of a running demo.

use serde_json::{Map, Value, json};

use super::client::{Got, Server};
use super::{Exit, Format, complain};
use crate::config::span;
use crate::read::visible;

/// `outage`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman outage HDFC VISA --severity 0.5           a bank on a card network, whatever the gateway: no reroute is right
  pointsman outage --gateway PAYU --severity 0.9      a gateway, for two minutes
  pointsman outage HDFC --gateway RAZORPAY --severity 0.7 --for 10m
  pointsman outage - RUPAY --severity 0.8             a card network, whatever the bank")]
pub struct Args {
    /// A bank; - for any
    issuer: Option<String>,
    /// A card network
    network: Option<String>,
    /// A gateway; without one it strikes on all of them
    #[arg(long)]
    gateway: Option<String>,
    /// Share of approvals that fail instead, 0 to 1
    #[arg(long)]
    severity: f64,
    /// How long: 90s, 5m, 1h
    #[arg(long = "for", value_name = "TIME", default_value = "2m")]
    lasts: String,
    #[command(flatten)]
    server: Server,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Breaks it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let issuer = args.issuer.as_ref().filter(|issuer| *issuer != "-");
    let named = [
        ("issuer", issuer),
        ("network", args.network.as_ref()),
        ("gateway", args.gateway.as_ref()),
    ];
    let slice: Map<String, Value> = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?.as_str()))))
        .collect();
    if slice.is_empty() {
        complain("name what is to break: an issuer, a network or --gateway");
        return Ok(Exit::Usage);
    }
    let Some(lasts_ms) = span(&args.lasts).filter(|ms| *ms >= 1_000) else {
        let lasts = visible(&args.lasts);
        complain(&format!("--for {lasts}: want a length of time such as 90s, 5m, 1h"));
        return Ok(Exit::Usage);
    };
    let body = json!({"slice": slice, "severity": args.severity, "duration_s": lasts_ms / 1_000});
    let mut answer = match args.server.post("/v1/demo/outages", &body) {
        Got::Answer(answer) => answer,
        Got::Failed(exit) => return Ok(exit),
    };
    let begun: Value = answer.body_mut().read_json()?;
    match args.format {
        Format::Json => println!("{begun}"),
        Format::Text => {
            let text = |name: &str| visible(begun[name].as_str().unwrap_or_default());
            println!("{} until {}", text("id"), text("ends_at"));
        }
    }
    Ok(Exit::Ok)
}
