//! The demonstration: the server as it is, with a simulated network as its traffic.
//!
//! Nothing of the server is simulated. Each payment is routed by the data plane's own code, its outcome goes through the writer, and what the operator does
//! changes where the next one goes. Before the server listens it learns from the network's quiet past, as it would from a company's history.

mod network;
mod outages;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use payments::{Attempt, Timestamp};
use routing::Learning;
use sim::{Mishaps, World, WorldConfig};
use store::Store;

pub use network::Tally;
pub use outages::{Outage, Outages, SCHEDULE};

use crate::config::{ClockSource, Settings};
use crate::serve::clock::wall;
use crate::serve::teach::Teacher;
use crate::serve::{self, Server};
use network::Stage;

/// Attempts handed over at once while learning.
const BATCH: usize = 4_096;
/// Of the past, so much goes into the store as well: charts begin with it.
const STORED_MS: i64 = 3_600_000;
/// What may be missing between the past and the present: the network makes up for it.
const GAP_MS: i64 = 1_000;
/// Attempts per second, in the mean.
const PER_S: f64 = 20.0;

/// What is shown.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Another seed, another network.
    pub seed: u64,
    /// Seconds of the network that pass per second; more than 1: by the events' own clock.
    pub speed: u32,
    /// How much quiet past is learnt from.
    pub learn_hours: u32,
    /// Ends after so long, of the network's time.
    pub lasts_ms: Option<i64>,
    /// Whether things break by themselves.
    pub has_mishaps: bool,
    /// How far routing learns by itself, beside the operator.
    pub learning: Learning,
}

/// The demonstration as it runs.
pub struct Demo {
    /// The server; it is to be run.
    pub server: Server,
    /// The network's beginning.
    pub from: Timestamp,
    /// The network's thread; ends with the server, or by itself when its time is up.
    pub network: JoinHandle<Tally>,
}

impl Plan {
    /// Whether the address can be had: said before anything is learnt.
    pub fn can_listen(&self) -> Result<()> {
        TcpListener::bind(self.listen).map(drop).with_context(|| {
            let listen = self.listen;
            format!("{listen} can't be had; another server there? `--port` takes another one")
        })
    }

    /// The network: as busy by night as by day, so that there is always something to see.
    fn world(&self) -> Result<World> {
        let mut config = WorldConfig { attempts_per_s: PER_S, ..WorldConfig::default() };
        config.season.volume_day = 0.2;
        Ok(World::new(config, self.seed)?)
    }

    /// Learns, starts the server on a store in `folder`, and the network beside it. A store that is there already goes on where it was. `progress` is
    /// told how much is learnt, 0 to 1.
    pub async fn start(&self, folder: &Path, progress: impl Fn(f64)) -> Result<Demo> {
        let url = format!("sqlite:{}", folder.join("pointsman.db").display());
        let source = if self.speed > 1 { ClockSource::Event } else { ClockSource::Wall };
        let settings = Settings::demo(self.listen, url, source, self.learning);
        let world = self.world()?;
        let (store, alone) = store::open_alone(settings.store_url()).await?;
        let is_new = store.progress().await?.step == 0 && store.snapshots().await?.is_empty();
        if is_new {
            let (teacher, until, recent) =
                self.learn(&world, Teacher::new(settings.serving()), &progress);
            teacher.hand_over(&store, until, &recent).await?;
        }
        drop((store, alone));
        let server = serve::start(settings).await?;
        let app = server.app.clone();
        // What came since goes by quickly.
        let known = app.clock.latest().filter(|_| is_new || source == ClockSource::Event);
        let from = known.unwrap_or_else(wall);
        let (wishes, told) = mpsc::channel();
        let outages = Arc::new(Outages::new(world.clone(), from, wishes));
        let _ = app.demo.set(outages.clone());
        let mishaps = self.has_mishaps.then(|| Mishaps::new(self.seed, from));
        let until = self.lasts_ms.map(|ms| from.plus_millis(ms));
        let stage = Stage { world, from, until, speed: self.speed, mishaps };
        let runtime = tokio::runtime::Handle::current();
        let network = std::thread::Builder::new()
            .name("network".into())
            .spawn(move || network::run(stage, &app, &outages, &told, &runtime))
            .context("no thread for the network")?;
        Ok(Demo { server, from, network })
    }

    /// The quiet past until now, however long that takes.
    fn learn(
        &self,
        world: &World,
        mut teacher: Teacher,
        progress: &impl Fn(f64),
    ) -> (Teacher, Timestamp, Vec<Attempt>) {
        let mut from = wall().plus_millis(-i64::from(self.learn_hours) * 3_600_000);
        let began = from;
        let mut recent: Vec<Attempt> = Vec::new();
        loop {
            let until = wall();
            if until.millis_since(from) < GAP_MS {
                progress(1.0);
                let kept_from = until.plus_millis(-STORED_MS);
                recent.retain(|attempt| attempt.occurred_at >= kept_from);
                return (teacher, from, recent);
            }
            let mut samples = world.attempts(from, until).map(|sample| sample.attempt);
            loop {
                let batch: Vec<Attempt> = samples.by_ref().take(BATCH).collect();
                let Some(last) = batch.last() else { break };
                let done = last.occurred_at.millis_since(began) as f64;
                progress(done / until.millis_since(began) as f64);
                let is_recent = until.millis_since(last.occurred_at) <= STORED_MS;
                recent.extend(batch.iter().filter(|_| is_recent).cloned());
                teacher.tell(batch);
            }
            from = until;
        }
    }
}
