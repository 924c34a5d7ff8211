//! `pointsman serve`: the server, until it is told to stop.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Exit, configured};
use crate::serve;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Log {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman serve                              ./pointsman.toml if it is there, else the defaults
  pointsman serve --config /etc/pointsman.toml
  POINTSMAN_STORE__URL=postgres://me@db/pointsman pointsman serve
  RUST_LOG=debug pointsman serve --log json

It listens on 127.0.0.1:7070 and only watches (mode shadow) until the configuration says otherwise. SIGTERM and
Ctrl-C stop it: what was begun is finished, everything stored.")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here instead of server.listen; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<std::net::SocketAddr>,
    /// How the log on standard error is written
    #[arg(long, value_enum, default_value_t)]
    log: Log,
}

/// Serves.
pub fn run(args: &Args) -> Result<Exit> {
    let Some(mut settings) = configured(args.config.as_deref()) else { return Ok(Exit::Input) };
    if let Some(listen) = args.listen {
        settings.listen_on(listen);
    }
    start_log(args.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads for the server")?;
    runtime.block_on(async {
        let server = serve::start(settings).await?;
        let address = server.address;
        tracing::info!(%address, store = store::shown(server.app.settings.store_url()), "listening");
        if server.app.people.is_open() {
            tracing::info!("without keys and an issuer only this machine is answered, as `local`");
        }
        println!("listening on http://{address}");
        server.run(told_to_stop()).await?;
        tracing::info!("stopped; everything is stored");
        Ok(Exit::Ok)
    })
}

fn start_log(log: Log) {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    match log {
        Log::Text => builder.with_target(false).init(),
        Log::Json => builder.json().init(),
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
