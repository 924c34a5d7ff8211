//! What becomes of the server when five times as much is sent to it as it can take.
//!
//! Four spans of the same length, one after another, on one server: **capacity**, as many requests at once as it takes to be never idle, each the next one as
//! soon as the last is answered; **half** of that at even times, whose p99 is the normal one; **five times** it, whatever is answered; and **half** again, second by
//! second, until the p99 is normal again. Goodput counts attempts that were answered 202, durable then. The generator runs on the same machine, so what it
//! takes is taken from the server, in the capacity too.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::load::bodies::{Counter, Ids};
use crate::load::{self, Load, Span};
use crate::report::{Options, Report};
use crate::served::{Program, Served, key};

const GOODPUT_SHARE_MIN: f64 = 0.9;
const RECOVERY_S_MAX: f64 = 60.0;
/// From the second half of the overload to its end; what grows without bound grows there as well.
const RSS_GROWTH_MAX: f64 = 0.1;
const TIMES: f64 = 5.0;
/// Normal is a p99 of at most twice that of before: that of a single second wavers.
const NORMAL: f64 = 2.0;
/// Length of each span; `--seconds` for another.
const SECONDS: u64 = 30;
/// Requests at once that leave the server no idle moment.
const BUSY: usize = 16;
/// Requests at once that it takes to go on sending while the server answers nothing: more than may wait in it.
const CROWD: usize = 1_000;

const CONFIG: &str = "[limits]\nevents_per_s = 0\nrequests_per_s = 0\n";

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let span = Duration::from_secs(options.seconds.unwrap_or(SECONDS));
    let folder = tempfile::tempdir().context("no folder for the store")?;
    std::fs::write(folder.path().join("pointsman.toml"), CONFIG)?;
    let admin_key = key(folder.path(), ["--role", "admin"])?;
    let server = Served::start(Program::Pointsman, folder.path(), &admin_key)?;
    let load = Load::new(&server.url, &admin_key, Counter::new(Ids::Ascending, 0));

    load.closed(BUSY, span / 4)?;
    let capacity = load.closed(BUSY, span)?;
    let per_s = capacity.accepted_per_s();
    let before = load.open(per_s / 2.0, CROWD / 4, span)?;
    let rss_before = server.usage()?.rss_mb;
    let mut sizes = Vec::new();
    let over = std::thread::scope(|scope| {
        let over = scope.spawn(|| load.open(TIMES * per_s, CROWD, span));
        while !over.is_finished() {
            sizes.push(server.usage()?.rss_mb);
            std::thread::sleep(Duration::from_millis(250));
        }
        over.join().map_err(|_| anyhow::anyhow!("the generator panicked"))?
    })?;
    let normal_ms = NORMAL * before.p99_ms();
    let since = Instant::now();
    let recovery_s = loop {
        let second = load.open(per_s / 2.0, CROWD / 4, Duration::from_secs(1))?;
        if second.refused == 0 && second.p99_ms() <= normal_ms {
            break since.elapsed().as_secs_f64();
        }
        if since.elapsed().as_secs_f64() > 2.0 * RECOVERY_S_MAX {
            break f64::INFINITY;
        }
    };
    ensure!(sizes.len() >= 4, "the overload was too short to watch its memory");
    let half = sizes.len() / 2;
    let largest = |sizes: &[f64]| sizes.iter().copied().fold(0.0, f64::max);
    let growth = largest(&sizes[half..]) / largest(&sizes[..half]) - 1.0;
    let goodput_share = over.accepted_per_s() / per_s;
    let offered = over.offered_per_s() / per_s;
    let mut text = String::new();
    writeln!(text, "requests of {} attempts, spans of {} s", load::BATCH, span.as_secs())?;
    for (name, span) in [("capacity", &capacity), ("half", &before), ("five times", &over)] {
        line(&mut text, name, span)?;
    }
    writeln!(
        text,
        "memory {rss_before:.0} MB before, {:.0} in the first half, {:.0} in the second; normal again after {recovery_s:.0} s",
        largest(&sizes[..half]),
        largest(&sizes[half..]),
    )?;
    let figures = [
        ("capacity_per_s", per_s),
        ("offered_times", offered),
        ("goodput_share", goodput_share),
        ("p99_ms_before", before.p99_ms()),
        ("p99_ms_overload", over.p99_ms()),
        ("recovery_s", recovery_s),
        ("rss_mb_max", largest(&sizes)),
        ("rss_growth", growth),
    ];
    let pass = goodput_share >= GOODPUT_SHARE_MIN
        && recovery_s <= RECOVERY_S_MAX
        && growth <= RSS_GROWTH_MAX
        && offered >= 0.9 * TIMES;
    Ok(Report { text, figures: figures.into(), pass })
}

fn line(text: &mut String, name: &str, span: &Span) -> std::fmt::Result {
    writeln!(
        text,
        "{name:<12}{:>9.0}/s offered {:>8.0}/s stored  {:>6} requests refused  p50 {:.0} ms  p99 {:.0} ms",
        span.offered_per_s(),
        span.accepted_per_s(),
        span.refused,
        span.p50_ms(),
        span.p99_ms(),
    )
}
