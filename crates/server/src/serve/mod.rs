//! The operator as a server: an engine that lives in a thread of its own, one writer before it, HTTP around both.
//!
//! ```text
//! HTTP --asks--> writer --steps--> engine (one thread)
//!  |               ^ |                |  '--policy--> (read without a lock by /v1/route)
//!  '--choices------' '--store         '--answers--> writer --> store, stream
//! ```
//!
//! The data plane (`/v1/route`, `/v1/retry-advice`) reads an immutable policy and touches neither lock nor store; it goes on when the store is down. Everything
//! else goes through the writer, in one order, and is durable when it is answered.

mod aside;
pub mod beside;
pub mod clock;
pub mod code;
pub mod core;
pub mod driver;
mod export;
pub mod health;
pub mod in_force;
pub mod kill;
pub mod listen;
pub mod metrics;
pub mod record;
mod recovery;
pub mod reload;
pub mod ring;
mod round;
pub mod teach;
pub mod writer;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::alerts::{Alerts, Outbox};
use crate::config::Settings;
use crate::demo::Outages;
use crate::feeds::Feeds;
use crate::people::{self, People};
use aside::Aside;
use clock::Clock;
use driver::{Answer, Engine, Plane};
use health::{Health, Phase};
use metrics::Metrics;
use record::Record;
use reload::Reloader;
use ring::Ring;
use writer::{Ask, Inbox, Parts, Writer};

pub use recovery::TOLD;
pub use round::with_acknowledgement;

/// Events of the stream that are kept.
pub const STREAM_EVENTS_MAX: i64 = 100_000;
/// Requests that wait for the writer.
const ASKS_MAX: usize = 4_096;
/// Attempts that wait for the writer: 150 MB of them, one or two seconds of what it takes.
pub const ROOM: usize = 150_000;
/// KiB of bodies that are being read, parsed and stored: what comes beyond is refused before it costs anything.
pub const INTAKE_KIB: usize = 64 << 10;
/// Choices that wait to be recorded.
const RECORDS_MAX: usize = 65_536;

/// All that requests need.
pub struct App {
    /// The store, to read.
    pub store: Arc<dyn Store>,
    /// The writer.
    pub asks: mpsc::Sender<Ask>,
    /// The engine, to ask.
    pub engine: Engine,
    /// What the data plane obeys.
    pub plane: Arc<Plane>,
    /// The recorder; boxed, for a record is moved thrice on its way.
    pub records: mpsc::Sender<Box<Record>>,
    /// The clock.
    pub clock: Arc<Clock>,
    /// Alerts on their way out.
    pub outbox: Arc<Outbox>,
    /// The stream.
    pub ring: Arc<Ring>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// How everything is.
    pub health: Arc<Health>,
    /// Room for attempts that wait.
    pub room: Arc<Semaphore>,
    /// Room for bodies of attempts, in KiB.
    pub intake: Semaphore,
    /// Rolling routes as text, each second while somebody listens.
    pub routes: watch::Sender<Arc<str>>,
    /// True once the server stops.
    pub stopping: watch::Receiver<bool>,
    /// As configured; what may change while it runs, does ([`reload`]).
    pub settings: ArcSwap<Settings>,
    /// The rolling window, milliseconds.
    pub window_ms: i64,
    /// Who may ask.
    pub people: People,
    /// Random per process: request ids begin with it.
    pub process: u64,
    /// The simulated network, where this is a demonstration.
    pub demo: OnceLock<Arc<Outages>>,
}

/// A server that has its engine back and listens.
pub struct Server {
    /// What requests need.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    listener: TcpListener,
    stop: watch::Sender<bool>,
    writer: tokio::task::JoinHandle<()>,
    feeds: Feeds,
    alerts: Alerts,
    /// Where the writer runs.
    aside: Aside,
    /// While it is held, no other process writes here.
    alone: store::Alone,
    /// Beside the rest; they end when `app.stopping` says so.
    beside: Vec<tokio::task::JoinHandle<()>>,
}

/// Opens the store, brings the engine back and listens.
pub async fn start(settings: Settings) -> Result<Server> {
    let listen = settings.listen();
    let outbox = Arc::new(Outbox::new(settings.channels().map_err(|wrong| {
        let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(wrong.join("; "))
    })?));
    let aside = Aside::start("writer").context("no thread for the writer")?;
    let url = settings.store_url().to_owned();
    let opened = aside.spawn(async move { store::open_alone(&url).await });
    let (store, alone) = opened.await.context("opening the store broke off")??;
    let store: Arc<dyn Store> = Arc::new(store);
    let people = People::new(&settings)?;
    people.read(&*store).await?;
    if !listen.ip().is_loopback() && people.is_open() {
        bail!(
            "server.listen is {listen}, which others can reach, and nobody would have to say who they are: make a key first \
             (`pointsman keys create --role admin`), configure an issuer (auth.oidc), or listen on 127.0.0.1"
        );
    }
    let config = settings.serving();
    let clock = Arc::new(Clock::new(settings.clock_source(), &config.clock));
    let health = Arc::new(Health::default());
    let metrics = Arc::new(Metrics::default());
    let recovered = recovery::recover(&*store, config.clone(), &clock).await?;

    let killed = store.kill_switch().await.unwrap_or_else(|error| kill::unreadable(&error));
    if killed.engaged {
        tracing::warn!(
            reason = killed.reason,
            "the kill switch is engaged: no overlay, no exploration"
        );
    }
    let core = recovered.core;
    if let Some(rollout) = core.engine.rollout() {
        metrics.rollout(&crate::wire::Rollout::new(rollout), false);
    }
    let window_ms = config.analysis.window_ms;
    let plane = Arc::new(Plane {
        policy: ArcSwap::from_pointee(core.beside.in_force(&core.engine, killed.engaged)),
        latch: AtomicBool::new(killed.engaged),
        withdrawn: AtomicU64::new(0),
    });
    let (answered, answers) = mpsc::unbounded_channel();
    for applied in recovered.unstored {
        let _ = answered.send(Answer::Applied(Box::new(applied)));
    }
    let (engine, _) =
        driver::start(core, plane.clone(), answered).context("no thread for the engine")?;
    let ring = Arc::new(Ring::new(recovered.progress.event));
    let (asks, asked) = mpsc::channel(ASKS_MAX);
    let (records, recorded) = mpsc::channel(RECORDS_MAX);
    let mut work = store.begin().await?;
    work.release_claims().await?;
    let known = store.fact(recovery::TOLD).await?;
    work.set_fact(recovery::TOLD, &recovery::fact(known.as_deref(), &config, recovered.adopts))
        .await?;
    work.commit().await?;
    let parts = Parts {
        store: store.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        health: health.clone(),
        ring: ring.clone(),
        outbox: outbox.clone(),
        engine: engine.clone(),
        retention_ms: settings.retention_ms(),
    };
    let inbox = Inbox { asks: asked, answers, records: recorded };
    let writer = Writer::new(parts, inbox, recovered.progress, recovered.saved_step);
    let writer = aside.spawn(writer.run());
    for wish in recovered.wishes {
        let (reply, done) = oneshot::channel();
        let audit = writer::Audit {
            actor: "configuration".into(),
            action: "configure",
            object: "settings".into(),
            detail: core::json(&wish),
        };
        let ask = Ask::Tell { input: Box::new(wish), audit: Some(audit), switch: None, reply };
        asks.send(ask).await.ok().context("the writer is gone")?;
        if let Ok(Err(fault)) = done.await {
            bail!("the configuration is refused: {fault:?}");
        }
    }
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("server.listen {listen} can't be had; is another server running?")
    })?;
    let address = listener.local_addr()?;
    let (stop, stopping) = watch::channel(false);
    let app = Arc::new(App {
        store,
        asks,
        engine,
        plane,
        records,
        clock,
        outbox,
        ring,
        metrics,
        health: health.clone(),
        room: Arc::new(Semaphore::new(ROOM)),
        intake: Semaphore::new(INTAKE_KIB),
        routes: watch::Sender::new(Arc::from("")),
        stopping,
        settings: ArcSwap::from_pointee(settings),
        window_ms,
        people,
        process: random(),
        demo: OnceLock::new(),
    });
    let feeds = Feeds::start(&app)?;
    let alerts = Alerts::start(&app).await?;
    health.enter(Phase::Running);
    let beside = Vec::new();
    Ok(Server { app, address, listener, stop, writer, feeds, alerts, aside, beside, alone })
}

/// Reads who may ask again and again; while the store is down, those of before count.
async fn refresh_people(app: Arc<App>) {
    loop {
        tokio::time::sleep(people::READ_EVERY).await;
        if let Err(error) = app.read_people().await {
            tracing::debug!(%error, "who may ask can't be read");
        }
    }
}

/// Eight bytes of the operating system's entropy; names, not secrets, are made of it.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = (clock::wall().as_millis() as u64).to_le_bytes();
    }
    u64::from_le_bytes(bytes)
}

impl Server {
    /// Writes what the API gives into files of this folder as well, every few seconds.
    pub fn export_to(&mut self, folder: &Path) -> Result<()> {
        self.beside.push(export::begin(self.app.clone(), folder.to_owned())?);
        Ok(())
    }

    /// Reads the configuration again on SIGHUP.
    pub fn reload_with(&mut self, reloader: Reloader) {
        self.beside.push(tokio::spawn(reloader.run(self.app.clone())));
    }

    /// Serves until `until` ends; then finishes what was begun, stores everything and takes a snapshot.
    pub async fn run(self, until: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let router = crate::http::router(self.app.clone());
        self.run_with(router, until).await
    }

    /// The same with other calls than the product's.
    pub async fn run_with(
        self,
        router: axum::Router,
        until: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let Self { app, listener, stop, writer, feeds, alerts, aside, beside, alone, .. } = self;
        let routes = tokio::spawn(crate::http::stream::tell_routes(app.clone()));
        let people = tokio::spawn(refresh_people(app.clone()));
        let health = app.health.clone();
        let stopped = async move {
            until.await;
            health.enter(Phase::Stopping);
            // Streams would never end by themselves.
            let _ = stop.send(true);
        };
        listen::serve(listener, router, stopped).await;
        routes.abort();
        people.abort();
        feeds.finish().await;
        alerts.stop();
        for task in beside {
            let _ = task.await;
        }
        let (done, closed) = oneshot::channel();
        if app.asks.send(Ask::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
        writer.await.context("the writer broke off")?;
        drop(aside);
        drop(alone);
        Ok(())
    }
}

impl App {
    /// Reads who may ask again.
    pub async fn read_people(&self) -> store::Result<()> {
        self.people.read(&*self.store).await
    }

    /// Whether the kill switch's latch is engaged.
    pub fn is_killed(&self) -> bool {
        self.plane.latch.load(Ordering::Acquire)
    }
}
