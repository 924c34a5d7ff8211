//! `pointsman serve`: the server, until it is told to stop.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Exit, config_file, loaded};
use crate::serve::reload::Reloader;
use crate::{serve, telemetry};

/// `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman serve                              ./pointsman.toml if it is there, else the defaults
  pointsman serve --config /etc/pointsman.toml
  POINTSMAN_STORE__URL=postgres://me@db/pointsman pointsman serve
  RUST_LOG=debug pointsman serve --log json

It listens on 127.0.0.1:7070 and only watches (mode shadow) until the configuration says otherwise. SIGTERM and
Ctrl-C stop it: what was begun is finished, everything stored. SIGHUP has it read the configuration again.")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen here instead of server.listen; port 0 takes a free one and prints it
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<std::net::SocketAddr>,
    /// Write live_metrics.json, live_decisions.json and memory.json into this folder every few seconds
    #[arg(long, value_name = "FOLDER")]
    export_dir: Option<PathBuf>,
    /// How the log on standard error is written, instead of telemetry.log_format
    #[arg(long, value_enum)]
    log: Option<telemetry::Format>,
}

/// Serves.
pub fn run(args: &Args) -> Result<Exit> {
    let file = config_file(args.config.as_deref());
    let Some(known) = loaded(file.as_deref()) else { return Ok(Exit::Input) };
    let mut settings = known.settings.clone();
    if let Some(listen) = args.listen {
        settings.listen_on(listen);
    }
    let telemetry = telemetry::start(settings.telemetry(), args.log)?;
    let log = telemetry.log.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads for the server")?;
    let ended = runtime.block_on(async {
        // From the beginning: what is told while the engine comes back is obeyed as soon as it listens.
        let stop = told_to_stop()?;
        let mut server = serve::start(settings).await?;
        if let Some(folder) = &args.export_dir {
            server.export_to(folder)?;
        }
        server.reload_with(Reloader { file, known, log });
        let address = server.address;
        tracing::info!(%address, store = store::shown(server.app.settings.load().store_url()), "listening");
        if server.app.people.is_open() {
            tracing::info!("without keys and an issuer only this machine is answered, as `local`");
        }
        println!("listening on http://{address}");
        server.run(stop).await?;
        tracing::info!("stopped; everything is stored");
        Ok(Exit::Ok)
    });
    telemetry.finish();
    ended
}

/// Listens for SIGTERM and Ctrl-C from this call on, before it is waited for; a server that can't is none that could be stopped.
pub fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
