//! Writes `examples/`: three days of a simulated company's payments, with what really happened in them.
//!
//! `cargo run --release -p sim --example write_example [DIRECTORY]` gives the same bytes each time.

#![allow(clippy::disallowed_methods, reason = "it writes files; the crate itself does not")]

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use flate2::{Compression, GzBuilder};
use payments::{Attempt, Status, Timestamp};
use sim::{
    FailureKind, Gateway, Incident, Kind, Method, Shape, Truth, Vocabulary, World, WorldConfig,
};

const SEED: u64 = 20_260_608;
/// Monday 2026-06-08, 00:00 UTC.
const STARTS_AT: Timestamp = Timestamp::from_millis(1_780_876_800_000);
const DAYS: i64 = 3;

fn main() -> Result<()> {
    let directory = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "examples".into()));
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    let create = |name: &str| {
        let path = directory.join(name);
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))
    };
    let example = example()?;
    let packed = create("payments.csv.gz")?;
    let mut packed = GzBuilder::new().mtime(0).write(packed, Compression::best());
    packed.write_all(example.payments.as_bytes())?;
    packed.finish()?;
    create("truth.csv")?.write_all(example.labels.as_bytes())?;
    create("README.md")?.write_all(example.readme.as_bytes())?;
    println!("wrote {}", directory.display());
    Ok(())
}

/// The text of each file.
pub struct Example {
    /// One row per attempt.
    pub payments: String,
    /// The outages, for `--truth`.
    pub labels: String,
    /// The same for people.
    pub readme: String,
}

/// Everything that `examples/` holds.
pub fn example() -> Result<Example> {
    let world = world()?;
    let ends_at = STARTS_AT.plus_millis(DAYS * 86_400_000);
    let mut payments = format!("{COLUMNS}\n");
    let (mut attempts, mut approved) = (0_u64, 0_u64);
    for sample in world.attempts(STARTS_AT, ends_at) {
        attempts += 1;
        approved += u64::from(sample.attempt.status == Status::Approved);
        payments += &row(&sample.attempt)?;
        payments.push('\n');
    }
    let truth = world.truth(STARTS_AT, ends_at);
    let mut labels = String::from("start,end,slice\n");
    for Truth { incident, .. } in truth.iter().filter(|t| breaks(t)) {
        let (start, end) = (time(incident.starts_at)?, time(incident.ends_at)?);
        labels += &format!("{start},{end},\"{}\"\n", slice(incident));
    }
    let readme = readme(attempts, approved, &truth)?;
    Ok(Example { payments, labels, readme })
}

/// A company with three gateways and a handful of shops, 50,000 payments in three days.
fn world() -> Result<World> {
    use Method::{Card, Netbanking, Upi, Wallet};
    let default = WorldConfig::default();
    let gateway = |name: &str, weight, logit, latency_ms_p50| Gateway {
        name: name.into(),
        weight,
        methods: vec![Card, Upi, Netbanking, Wallet],
        logit,
        latency_ms_p50,
        latency_sigma: 0.55,
        timeout_ms: 30_000,
        vocabulary: Vocabulary::Iso8583,
    };
    let config = WorldConfig {
        attempts_per_s: 0.2,
        gateways: vec![
            gateway("RAZORPAY", 0.45, 0.10, 900.0),
            gateway("PAYU", 0.35, 0.0, 1_100.0),
            gateway("CASHFREE", 0.20, 0.05, 800.0),
        ],
        banks: default.banks.iter().take(8).cloned().collect(),
        countries: default.countries.iter().take(2).cloned().collect(),
        wallets: default.wallets.iter().take(2).cloned().collect(),
        merchants: 5,
        gateways_per_merchant: 3,
        ..default
    };
    let mut world = World::new(config, SEED)?;
    let at = |day: i64, hour: i64, minute: i64| {
        STARTS_AT.plus_millis(((day * 24 + hour) * 60 + minute) * 60_000)
    };
    let outage = |severity, blame| Kind::Outage { severity, blame };
    let payu_visa = [("gateway", "PAYU"), ("network", "VISA")];
    let kind = outage(0.75, FailureKind::Gateway);
    world.add(Incident::on(payu_visa, at(1, 12, 10), at(1, 15, 25), kind))?;
    let kind = outage(0.6, FailureKind::Issuer);
    world.add(Incident::on([("issuer", "SBI")], at(2, 9, 40), at(2, 12, 50), kind))?;
    // A sale is no outage: more payments, none of them worse.
    let sale = Incident::on(
        [("merchant_id", "merchant_02")],
        at(2, 15, 0),
        at(2, 17, 0),
        Kind::Volume { factor: 2.5 },
    );
    world.add(sale.shaped(Shape::Ramp { over_ms: 900_000 }))?;
    Ok(world)
}

const COLUMNS: &str = "time,payment_id,attempt_number,merchant,amount_minor,currency,gateway,method,\
    sub_type,network,bank,country,status,code_source,code,latency_ms";

/// One row; names in the example hold nothing that needs quoting.
fn row(a: &Attempt) -> Result<String> {
    let money = a.amount.context("a simulated attempt has an amount")?;
    let status = match a.status {
        Status::Approved => "approved",
        Status::Declined => "declined",
        Status::Error => "error",
        Status::Timeout => "timeout",
        Status::Unknown => "unknown",
        Status::Abandoned => "abandoned",
    };
    let cells = [
        time(a.occurred_at)?,
        a.payment_id.clone(),
        a.attempt_number.to_string(),
        a.merchant_id.clone(),
        money.minor.to_string(),
        money.currency.as_str().to_owned(),
        a.gateway.clone(),
        a.method.clone(),
        a.attributes.get("sub_type").cloned().unwrap_or_default(),
        a.network.clone().unwrap_or_default(),
        a.issuer.clone().unwrap_or_default(),
        a.country.clone().unwrap_or_default(),
        status.to_owned(),
        a.code.as_ref().map(|c| c.source.clone()).unwrap_or_default(),
        a.code.as_ref().map(|c| c.value.clone()).unwrap_or_default(),
        a.latency_ms.map(|ms| ms.to_string()).unwrap_or_default(),
    ];
    Ok(cells.join(","))
}

fn time(at: Timestamp) -> Result<String> {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).map_err(|e| anyhow!("{e}"))?;
    Ok(instant.to_string())
}

/// As the reports spell slices.
fn slice(incident: &Incident) -> String {
    let pairs: Vec<String> = incident.slice.iter().map(|(d, v)| format!("{d}: {v}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// Whether payments fail, rather than merely come more often.
fn breaks(truth: &Truth) -> bool {
    truth.approvals_lost > 0.0
}

fn readme(attempts: u64, approved: u64, truth: &[Truth]) -> Result<String> {
    let mut text = format!(
        "# Example payments\n\n\
        `payments.csv.gz` holds {attempts} payment attempts ({approved} approved) of a simulated company: three days from\n\
        Monday 2026-06-08 UTC, five shops, three gateways, one row per attempt. Nothing in it is real.\n\n\
        What happened, as the simulator knows it (`truth.csv` holds the outages for `--truth`):\n\n\
        | slice | from (UTC) | until | what | cause | attempts hit | payments lost | worth |\n\
        |---|---|---|---|---|---|---|---|\n"
    );
    for truth in truth {
        let Truth { incident, cause, attempts, payments_lost, .. } = truth;
        let what = match incident.kind {
            Kind::Outage { severity, .. } => format!("{:.0} % of approvals fail", severity * 100.0),
            Kind::Volume { factor } => format!("{factor} times the payments (a sale)"),
            kind => format!("{kind:?}"),
        };
        let cause = if breaks(truth) { cause } else { "none: nothing is broken" };
        let worth: Vec<String> = truth
            .lost
            .iter()
            .filter(|_| breaks(truth))
            .map(|m| {
                format!("{}.{:02} {}", m.minor / 100, (m.minor % 100).abs(), m.currency.as_str())
            })
            .collect();
        let lost = if breaks(truth) { *payments_lost } else { 0 };
        text += &format!(
            "| `{}` | {} | {} | {what} | {cause} | {attempts} | {lost} | {} |\n",
            slice(incident),
            time(incident.starts_at)?,
            time(incident.ends_at)?,
            worth.join(", "),
        );
    }
    text += "\nA payment counts as lost if it is paid without the incident and unpaid with it, all else equal, retries included.\n\n\
        Look at it:\n\n\
        ```\n\
        pointsman backtest examples/payments.csv.gz --truth examples/truth.csv\n\
        ```\n\n\
        Written by `cargo run --release -p sim --example write_example`, the same bytes each time.\n";
    Ok(text)
}
