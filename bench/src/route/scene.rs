//! A store in which an hour was played: a gateway fails, and an overlay moves some of its payments.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use payments::{Attempt, Timestamp};
use sim::{FailureKind, Incident, Kind, World};
use tempfile::TempDir;

use crate::served::{Program, Served, key};

/// The gateway that fails; the first one, where payments go by themselves.
const FAILS: &str = "PAYU";
/// By the events' clock, so that what is in force stays in force while nothing but routing goes on.
const CONFIG: &str = r#"
[clock]
source = "event"
[modes]
reroute = "auto"
[routing]
learning = "off"
[[gateways]]
name = "PAYU"
[[gateways]]
name = "RAZORPAY"
[[gateways]]
name = "CASHFREE"
[[gateways]]
name = "PAYTM"
[[gateways]]
name = "STRIPE"
[[gateways]]
name = "ADYEN"
"#;
/// A Monday, 09:00 UTC.
const START_MS: i64 = 1_789_981_200_000;
const PER_S: f64 = 10.0;
const SEED: u64 = 11;
/// Attempts of one request.
const BATCH: usize = 200;

/// A folder with a configuration and a store, and keys to ask with.
pub struct Scene {
    folder: TempDir,
    admin_key: String,
    route_key: String,
}

impl Scene {
    /// Plays the hour until something is moved.
    pub fn play() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no folder for the store")?;
        std::fs::write(folder.path().join("pointsman.toml"), CONFIG)?;
        let admin_key = key(folder.path(), ["--role", "admin"])?;
        let route_key = key(folder.path(), ["--scope", "route"])?;
        let scene = Self { folder, admin_key, route_key };
        let server = scene.start(Program::Pointsman)?;
        let events = hour()?;
        for lines in events.chunks(BATCH) {
            server.post("/v1/events", "application/x-ndjson", &lines.join("\n"))?;
            if overlays(&server)? > 0 {
                return Ok(scene);
            }
        }
        bail!("a gateway failed for 20 minutes and no overlay came of it")
    }

    /// Starts a server on it.
    pub fn start(&self, program: Program) -> anyhow::Result<Served> {
        Served::start(program, self.folder(), &self.admin_key)
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A key that may route and nothing else.
    pub fn route_key(&self) -> &str {
        &self.route_key
    }
}

/// How many overlays are in force.
pub fn overlays(server: &Served) -> anyhow::Result<usize> {
    let policy = server.get("/v1/policy")?;
    Ok(policy["slices"].as_array().context("a policy without slices")?.len())
}

/// An hour's attempts, as lines of events; from minute 40 on the gateway loses nine tenths of its approvals.
fn hour() -> anyhow::Result<Vec<String>> {
    let minute = |m: i64| Timestamp::from_millis(START_MS + m * 60_000);
    let mut world = World::at_rate(PER_S, SEED).context("a world")?;
    let outage = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
    world.add(Incident::on([("gateway", FAILS)], minute(40), minute(60), outage))?;
    let lines: Vec<String> = world
        .attempts(minute(0), minute(60))
        .map(|sample| line(&sample.attempt))
        .collect::<anyhow::Result<_>>()?;
    ensure!(lines.len() > BATCH, "an hour without traffic");
    Ok(lines)
}

/// An attempt as an event: what is absent is left out.
fn line(attempt: &Attempt) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(attempt)?;
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
    }
    Ok(value.to_string())
}
