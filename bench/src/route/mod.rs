//! What an answer of `POST /v1/route` costs, in the server as it runs.
//!
//! `pointsman serve` with six gateways, one of which failed in a recorded hour that is played in, so that an overlay of the pilot is in force; every choice is
//! recorded. wrk asks on 64 connections, each payment a new one, with a key. **CPU** is that of the whole process over the answers: kernel, recorder and
//! writer included, wrk not. **The floor** is the same server around a handler that reads the same question and answers, but neither chooses nor records: its
//! rate is what HTTP allows on this machine. Both run for the same time, one after the other.

pub mod floor;
mod scene;
mod wrk;

use std::fmt::Write;

use anyhow::ensure;

use crate::report::{Options, Report};
use crate::served::{Program, Served};
use scene::Scene;
use wrk::Told;

const CPU_US_MAX: f64 = 25.0;
const OF_FLOOR_MIN: f64 = 0.5;
/// As the bar says; `--seconds` for a quick look.
const SECONDS: u64 = 60;

/// What one server came to.
struct Measured {
    told: Told,
    cpu_us: f64,
    rss_mb: f64,
}

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seconds = options.seconds.unwrap_or(SECONDS);
    wrk::is_there()?;
    let scene = Scene::play()?;
    let server = scene.start(Program::Pointsman)?;
    let slices = scene::overlays(&server)?;
    let chosen = measure(&scene, &server, seconds)?;
    let recorded = server.metric("pointsman_route_choices_recorded_total")?;
    let dropped = server.metric("pointsman_route_choices_dropped_total")?;
    let asked = server.metric("pointsman_route_choices_total")?;
    ensure!(
        recorded + dropped <= asked && asked >= chosen.told.answers as f64,
        "{asked} choices, {recorded} recorded, {dropped} dropped: they don't add up"
    );
    drop(server);
    let server = scene.start(Program::Floor)?;
    let floor = measure(&scene, &server, seconds)?;
    drop(server);
    let mut text = String::new();
    writeln!(
        text,
        "wrk -t1 -c64 -d{seconds}s; six gateways, {slices} overlays, recording on; {} cores",
        std::thread::available_parallelism()?
    )?;
    for (name, m) in [("with the choice", &chosen), ("without (floor)", &floor)] {
        writeln!(
            text,
            "{name}  {:>8.0}/s  {:>5.1} us of CPU  p50 {:.2} ms  p99 {:.2} ms  {:.0} MB",
            m.told.per_s(),
            m.cpu_us,
            m.told.p50_us / 1e3,
            m.told.p99_us / 1e3,
            m.rss_mb
        )?;
    }
    writeln!(text, "of {asked} choices {recorded} were recorded and {dropped} counted as dropped")?;
    let (per_s, floor_per_s) = (chosen.told.per_s(), floor.told.per_s());
    let figures = [
        ("cpu_us", chosen.cpu_us),
        ("floor_cpu_us", floor.cpu_us),
        ("per_s", per_s),
        ("floor_per_s", floor_per_s),
        ("recorded_share", recorded / asked),
    ];
    let pass = chosen.cpu_us <= CPU_US_MAX && per_s >= OF_FLOOR_MIN * floor_per_s;
    Ok(Report { text, figures: figures.into(), pass })
}

fn measure(scene: &Scene, server: &Served, seconds: u64) -> anyhow::Result<Measured> {
    // What runs for the first time is no part of it.
    wrk::run(scene, &server.url, 1)?;
    let before = server.usage()?;
    let told = wrk::run(scene, &server.url, seconds)?;
    let after = server.usage()?;
    let cpu_us = (after.cpu_s - before.cpu_s) * 1e6 / told.answers as f64;
    Ok(Measured { told, cpu_us, rss_mb: after.rss_mb })
}
