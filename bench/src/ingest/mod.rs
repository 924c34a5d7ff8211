//! How many attempts a second are durable, and what each costs whom.
//!
//! Into a store that holds five million rows (`--rows` for another number), over four connections, each sending the next body of 1,000 records of 450 B as soon as
//! the last is answered 202: SQLite with ascending ids (UUIDv7), then with random ones (UUIDv4), PostgreSQL, and PostgreSQL from a topic of Kafka that was filled before. Bodies are encoded beforehand. CPU is
//! that of whole processes, from Linux; generator, server, database and broker share the machine. `server_us` is measured on PostgreSQL, where the store's own work
//! is another process.

mod broker;
mod stores;

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::load::Load;
use crate::load::bodies::{self, Body, Counter, Ids};
use crate::report::{Options, Report};
use crate::served::{Program, Served, Usage, family_cpu_s, key};
use broker::Broker;
use stores::{Cluster, Syncs};

const SQLITE_MIN: f64 = 60_000.0;
const SQLITE_RANDOM_MIN: f64 = 30_000.0;
const POSTGRES_MIN: f64 = 40_000.0;
const KAFKA_MIN: f64 = 25_000.0;
const SERVER_US_MAX: f64 = 12.0;

const ROWS: u64 = 5_000_000;
/// Length of each measurement; `--seconds` for another.
const SECONDS: u64 = 60;
const CONNECTIONS: usize = 4;
/// Numbers of ids, apart for each leg.
const LEG: u64 = 1 << 32;
/// Records in the topic per second of measurement.
const TOPIC_PER_S: u64 = 25_000;
const TOPIC: &str = "ingest";

/// What a leg came to.
struct Leg {
    name: &'static str,
    per_s: f64,
    p99_ms: f64,
    server_us: f64,
    database_us: Option<f64>,
    broker_us: Option<f64>,
    generator_us: f64,
    syncs_per_s: Option<f64>,
    rss_mb: f64,
}

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let rows = options.rows.unwrap_or(ROWS);
    let lasts = Duration::from_secs(options.seconds.unwrap_or(SECONDS));
    let mut legs = on_sqlite(rows, lasts)?;
    legs.extend(on_postgres(rows, lasts)?);
    let mut text = format!(
        "{rows} rows stored before; bodies of {} records of {} B, {CONNECTIONS} connections, {} s each\n",
        bodies::RECORDS,
        bodies::RECORD_BYTES,
        lasts.as_secs()
    );
    writeln!(
        text,
        "{:<16}{:>9} {:>8}   CPU us per record: {:>7} {:>9} {:>7} {:>10}  {:>8} {:>7}",
        "", "per s", "p99 ms", "server", "database", "broker", "generator", "syncs/s", "RSS MB"
    )?;
    let or_none = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    for leg in &legs {
        writeln!(
            text,
            "{:<16}{:>9.0} {:>8.0}   {:>26.1} {:>9} {:>7} {:>10.1}  {:>8} {:>7.0}",
            leg.name,
            leg.per_s,
            leg.p99_ms,
            leg.server_us,
            or_none(leg.database_us),
            or_none(leg.broker_us),
            leg.generator_us,
            or_none(leg.syncs_per_s),
            leg.rss_mb
        )?;
    }
    let per_s = |name| legs.iter().find(|leg| leg.name == name).map_or(0.0, |leg| leg.per_s);
    let server_us = legs.iter().find(|leg| leg.name == "postgres").map_or(0.0, |leg| leg.server_us);
    let figures = [
        ("sqlite_per_s", per_s("sqlite")),
        ("sqlite_random_per_s", per_s("sqlite random")),
        ("postgres_per_s", per_s("postgres")),
        ("kafka_per_s", per_s("kafka")),
        ("server_us", server_us),
    ];
    let pass = figures[0].1 >= SQLITE_MIN
        && figures[1].1 >= SQLITE_RANDOM_MIN
        && figures[2].1 >= POSTGRES_MIN
        && figures[3].1 >= KAFKA_MIN
        && server_us <= SERVER_US_MAX;
    Ok(Report { text, figures: figures.into(), pass })
}

fn configure(folder: &Path, more: &str) -> anyhow::Result<()> {
    let limits = "[limits]\nevents_per_s = 0\nrequests_per_s = 0\n";
    Ok(std::fs::write(folder.join("pointsman.toml"), format!("{limits}{more}"))?)
}

fn on_sqlite(rows: u64, lasts: Duration) -> anyhow::Result<Vec<Leg>> {
    let folder = tempfile::tempdir().context("no folder for the store")?;
    configure(folder.path(), "")?;
    let key = key(folder.path(), ["--role", "admin"])?;
    let syncs = Syncs::new(folder.path())?;
    let server = Served::start_with(Program::Pointsman, folder.path(), &key, &syncs.environment())?;
    fill(&server, &key, rows)?;
    let mut legs = Vec::new();
    for (number, (name, ids)) in
        [("sqlite", Ids::Ascending), ("sqlite random", Ids::Random)].into_iter().enumerate()
    {
        let counter = Counter::new(ids, (number as u64 + 1) * LEG);
        let before = syncs.so_far();
        let mut leg = send(&server, &key, name, counter, lasts, || Ok(0.0))?;
        leg.database_us = None;
        leg.syncs_per_s = Some((syncs.so_far() - before) as f64 / lasts.as_secs_f64());
        legs.push(leg);
    }
    Ok(legs)
}

fn on_postgres(rows: u64, lasts: Duration) -> anyhow::Result<Vec<Leg>> {
    let Some(mut cluster) = Cluster::start() else {
        bail!("PostgreSQL isn't installed; to get it: apt-get install postgresql")
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let url = runtime.block_on(cluster.database());
    let folder = tempfile::tempdir().context("no folder for the server")?;
    let store = format!("[store]\nurl = \"{url}\"\n");
    configure(folder.path(), &store)?;
    let key = key(folder.path(), ["--role", "admin"])?;
    let mut legs = Vec::new();
    {
        let server = Served::start(Program::Pointsman, folder.path(), &key)?;
        fill(&server, &key, rows)?;
        let counter = Counter::new(Ids::Ascending, 3 * LEG);
        let cpu = || family_cpu_s(cluster.id());
        let syncs_before = runtime.block_on(stores::wal_syncs(&url))?;
        let mut leg = send(&server, &key, "postgres", counter, lasts, cpu)?;
        let syncs = runtime.block_on(stores::wal_syncs(&url))? - syncs_before;
        leg.syncs_per_s = Some(syncs as f64 / lasts.as_secs_f64());
        legs.push(leg);
    }
    let Some(broker) = Broker::start() else {
        bail!("Kafka's jars or Java aren't there; to get them: cargo xtask setup")
    };
    let feed = format!(
        "{store}[sources.kafka]\nbrokers = \"{}\"\ntopic = \"{TOPIC}\"\ngroup = \"{TOPIC}\"\n",
        broker.address()
    );
    let count = TOPIC_PER_S * lasts.as_secs();
    let counter = Counter::new(Ids::Ascending, 4 * LEG);
    let mut body = Body::new();
    for _ in 0..count.div_ceil(bodies::RECORDS as u64) {
        body.renew(&counter);
        broker.send(TOPIC, &body.lines().collect::<Vec<_>>());
    }
    configure(folder.path(), &feed)?;
    legs.push(from_topic(folder.path(), &key, &cluster, &broker, count)?);
    Ok(legs)
}

/// Rows before anything is measured.
fn fill(server: &Served, key: &str, rows: u64) -> anyhow::Result<()> {
    let load = Load::new(&server.url, key, Counter::new(Ids::Ascending, 0));
    let since = Instant::now();
    load.count(rows.div_ceil(bodies::RECORDS as u64), CONNECTIONS)?;
    eprintln!("{rows} rows stored in {:.0} s", since.elapsed().as_secs_f64());
    Ok(())
}

/// A leg over HTTP; `database` says what CPU the database has used so far.
fn send(
    server: &Served,
    key: &str,
    name: &'static str,
    counter: Counter,
    lasts: Duration,
    database: impl Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<Leg> {
    let used = || anyhow::Ok((server.usage()?.cpu_s, database()?, Usage::of(std::process::id())?));
    let before = used()?;
    let span = Load::new(&server.url, key, counter).closed(CONNECTIONS, lasts)?;
    let after = used()?;
    ensure!(span.accepted > 0 && span.refused == 0, "{} requests were refused", span.refused);
    let each_us = |cpu_s: f64| cpu_s * 1e6 / span.accepted as f64;
    Ok(Leg {
        name,
        per_s: span.accepted_per_s(),
        p99_ms: span.p99_ms(),
        server_us: each_us(after.0 - before.0),
        database_us: Some(each_us(after.1 - before.1)),
        broker_us: None,
        generator_us: each_us(after.2.cpu_s - before.2.cpu_s),
        syncs_per_s: None,
        rss_mb: server.usage()?.rss_mb,
    })
}

/// A leg from a topic that was filled before.
fn from_topic(
    folder: &Path,
    key: &str,
    cluster: &Cluster,
    broker: &Broker,
    count: u64,
) -> anyhow::Result<Leg> {
    const FIRST_WAIT: Duration = Duration::from_secs(60);
    let server = Served::start(Program::Pointsman, folder, key)?;
    let stored = || {
        let name = "pointsman_feed_messages_total{feed=\"kafka\",fate=\"accepted\"}";
        // Nothing of it is told before the first.
        anyhow::Ok(server.metric(name).unwrap_or(0.0) as u64)
    };
    let used = || {
        let cpu = (server.usage()?.cpu_s, family_cpu_s(cluster.id())?, family_cpu_s(broker.id())?);
        anyhow::Ok(cpu)
    };
    let waiting = Instant::now();
    let first = loop {
        let first = stored()?;
        if first > 0 {
            break first;
        }
        ensure!(waiting.elapsed() < FIRST_WAIT, "nothing comes from the topic");
        std::thread::sleep(Duration::from_millis(20));
    };
    let (since, before) = (Instant::now(), used()?);
    let (mut now, mut seen_at) = (first, Instant::now());
    // One id in a thousand reads like a card's number and becomes a dead letter.
    while now < count - count / 200 {
        std::thread::sleep(Duration::from_millis(50));
        let is = stored()?;
        if is > now {
            (now, seen_at) = (is, Instant::now());
        }
        ensure!(seen_at.elapsed() < FIRST_WAIT, "{now} of {count}, and nothing more comes");
    }
    let (seconds, after) = (since.elapsed().as_secs_f64(), used()?);
    let each_us = |cpu_s: f64| cpu_s * 1e6 / (now - first) as f64;
    Ok(Leg {
        name: "kafka",
        per_s: (now - first) as f64 / seconds,
        p99_ms: 0.0,
        server_us: each_us(after.0 - before.0),
        database_us: Some(each_us(after.1 - before.1)),
        broker_us: Some(each_us(after.2 - before.2)),
        generator_us: 0.0,
        syncs_per_s: None,
        rss_mb: server.usage()?.rss_mb,
    })
}
