//! `pointsman demo`: the server with a simulated network, watched from the terminal.

mod front;
mod live;
mod panels;
mod plain;
mod summary;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};
use routing::Learning;
use tokio::sync::oneshot;

use super::progress::Progress;
use super::serve::told_to_stop;
use super::{Exit, complain};
use crate::config::span;
use crate::demo::{Demo, Plan};
use crate::read::visible;
use front::Front;

/// `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman demo                     on http://127.0.0.1:7070, until q or Ctrl-C
  pointsman demo --port 8080         elsewhere
  pointsman demo --speed 10          ten seconds of the network per second
  pointsman demo --learning explore  routing learns too, and often leaves what fails first
  pointsman demo --dir demo          keep its store, and go on from there the next time
  pointsman demo | tee log.txt       without a terminal: the cycle log
  pointsman outage HDFC VISA --severity 0.5    break something from another terminal

Keys:
  1-9 break that gateway   o break any   b a bank fails   r repair everything
  a approve, x reject the plan that waits   k kill switch on and off   q quits")]
pub struct Args {
    /// Listen on this port of 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 7070)]
    port: u16,
    /// Seconds of the network that pass per second
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    speed: u32,
    /// Another seed, another network
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Hours of quiet past to learn from before it begins
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=672))]
    learn_hours: u32,
    /// Keep the store in this folder; without, it goes with the demo
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Write live_metrics.json, live_decisions.json and memory.json into this folder every few seconds
    #[arg(long, value_name = "FOLDER")]
    export_dir: Option<PathBuf>,
    /// End after so much of the network's time: 10m, 2h
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,
    /// Nothing breaks by itself
    #[arg(long)]
    calm: bool,
    /// How far routing learns by itself, beside the operator: off, exploit, explore
    #[arg(long, default_value = "off", value_parser = learning)]
    learning: Learning,
    /// Plain lines on a terminal too
    #[arg(long)]
    plain: bool,
}

/// Read as the configuration reads it.
fn learning(text: &str) -> Result<Learning, String> {
    let known = serde_json::from_value(text.into());
    known.map_err(|_| "want one of off, exploit, explore".into())
}

/// Plays until it is told to stop.
pub fn run(args: &Args) -> Result<Exit> {
    let lasts_ms = args.lasts.as_deref().map(span);
    if lasts_ms.is_some_and(|ms| ms.is_none_or(|ms| ms < 1_000)) {
        let lasts = visible(args.lasts.as_deref().unwrap_or_default());
        complain(&format!("--for {lasts}: want a length of time such as 10m, 2h"));
        return Ok(Exit::Usage);
    }
    let plan = Plan {
        listen: ([127, 0, 0, 1], args.port).into(),
        seed: args.seed,
        speed: args.speed,
        learn_hours: args.learn_hours,
        lasts_ms: lasts_ms.flatten(),
        has_mishaps: !args.calm,
        learning: args.learning,
    };
    plan.can_listen()?;
    let passing = tempfile::tempdir().context("no temporary folder")?;
    let folder = args.dir.as_deref().unwrap_or(passing.path());
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} can't be made", visible(&folder.to_string_lossy())))?;
    let is_seen = std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !args.plain;
    start_log(is_seen.then_some(folder))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads for the server")?;
    let Demo { mut server, from, network } = {
        let what = format!("learning from {} quiet hours", args.learn_hours);
        if !std::io::stderr().is_terminal() {
            eprintln!("{what}");
        }
        let bar = Progress::new(what);
        runtime.block_on(plan.start(folder, |share| bar.share(share)))?
    };
    if let Some(folder) = &args.export_dir {
        let _within = runtime.enter();
        server.export_to(folder)?;
    }
    let told = {
        let _within = runtime.enter();
        told_to_stop()?
    };
    println!("listening on http://{}", server.address);
    let (stop, stopped) = oneshot::channel::<()>();
    let mut front = Front::new(&server, runtime.handle().clone());
    let serving = runtime.spawn(server.run(async {
        tokio::select! {
            () = told => {}
            _ = stopped => {}
        }
    }));
    let is_over = || serving.is_finished() || network.is_finished();
    let shown =
        if is_seen { live::run(&mut front, is_over) } else { plain::run(&mut front, is_over) };
    let mut incidents = front.scene().incidents;
    incidents.retain(|incident| incident.detected_at >= from);
    let _ = stop.send(());
    let tally = network.join().ok().context("the network broke off")?;
    runtime.block_on(serving).context("the server broke off")??;
    shown?;
    let out = &mut anstream::AutoStream::auto(std::io::stdout());
    summary::write(&tally, from, &incidents, front.interventions(), out)?;
    Ok(Exit::Ok)
}

/// Warnings on standard error; where the screen is taken, into a file.
fn start_log(folder: Option<&Path>) -> Result<()> {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,sqlx=error"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    match folder {
        None => log.with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init(),
        Some(folder) => {
            let path = folder.join("pointsman.log");
            let file = std::fs::File::create(&path).context("no log can be written")?;
            log.with_writer(Mutex::new(file)).with_ansi(false).init();
        }
    }
    Ok(())
}
