//! The command line.

mod audit;
mod backtest;
mod backup;
mod check;
mod client;
mod demo;
mod dlq;
mod evaluate;
mod hindsight;
mod import;
mod journal;
mod keys;
mod outage;
mod policy;
mod progress;
mod recorded;
mod replay;
mod rollout;
mod scenario;
mod serve;
mod shell;
mod sim;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{self, Loaded, Settings};

/// For whom a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// How a command ended (CONTRACT 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Ok = 0,
    /// A check or a replay differs.
    Differs = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The input can't be read.
    Input = 3,
    /// The server can't be reached.
    Unreachable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Pointsman sees what breaks in a payment network: since when, why, and what it costs.
#[derive(Debug, Parser)]
#[command(name = "pointsman", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Examples:
  pointsman demo                                  everything on, with a simulated network
  pointsman backtest payments.csv                 what your own data would have told
  pointsman backtest payments.csv --format html -o report.html
  pointsman serve                                 beside live traffic, only watching
  pointsman check                                 is the configuration right?

Exit codes: 0 ok, 1 a check differs, 2 usage, 3 input can't be read, 4 the server can't be reached.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server with a simulated payment network: an outage now and then, found, explained and acted on
    Demo(demo::Args),
    /// Run recorded payments through the engine: what broke, where, since when, what it cost
    Backtest(Box<backtest::Args>),
    /// Judge a routing policy on a log of past payments: what it would have earned, how sure that is
    Evaluate(Box<evaluate::Args>),
    /// Play a routing policy in the simulated network, compare two on a log, roll one out
    Policy(policy::Args),
    /// Play a scenario against the engine: what it finds, does and recovers
    Sim(sim::Args),
    /// Re-run recorded inputs: exits 1 if any decision differs
    Replay(replay::Args),
    /// Run the server: watch live traffic, answer where payments go
    Serve(serve::Args),
    /// Teach a new store from history what is normal: raises nothing
    Import(import::Args),
    /// Check the configuration: say what is wrong
    Check(check::Args),
    /// Break the simulated network of a running demo
    Outage(outage::Args),
    /// Print the cycle log of a running server as it is written
    Watch(client::WatchArgs),
    /// Print what a running server knows (memory, incidents, decisions), or write down its journal
    Export(client::ExportArgs),
    /// Make, list and revoke keys in the local store
    Keys(keys::Args),
    /// Write the whole store into one file, while a server uses it
    Backup(backup::BackupArgs),
    /// Make a store of such a file
    Restore(backup::RestoreArgs),
    /// List messages of feeds that could not be taken, or send them back
    Dlq(dlq::Args),
    /// List the audit log of the local store, or check that it is whole
    Audit(audit::Args),
    /// Print completions for a shell
    Completions(shell::CompletionsArgs),
    /// Print the manual page
    Man(shell::ManArgs),
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            let _ = error.print();
            return exit.into();
        }
    };
    if !matches!(cli.command, Command::Serve(_) | Command::Demo(_)) {
        // Whoever reads no further ends it, as it ends other programs; a server goes on.
        sigpipe::reset();
    }
    let done = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Outage(args) => outage::run(&args),
        Command::Watch(args) => client::watch(&args),
        Command::Export(args) => client::export(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Backup(args) => backup::backup(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::Dlq(args) => dlq::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Completions(args) => shell::completions(&args, &mut Cli::command()),
        Command::Man(args) => shell::man(&args, Cli::command()),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&format!("{error:#}"));
            Exit::Input.into()
        }
    }
}

/// Read where no file is named.
const FILE: &str = "pointsman.toml";

/// The file that is read: the one that is named, or the one that lies here.
fn config_file(named: Option<&Path>) -> Option<PathBuf> {
    let here = || Path::new(FILE).exists().then(|| FILE.into());
    named.map(Path::to_owned).or_else(here)
}

/// File and environment; none: what is wrong with them has been said.
fn loaded(file: Option<&Path>) -> Option<Loaded> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    match config::load(file, &environment) {
        Ok(loaded) => Some(loaded),
        Err(wrong) => {
            for wrong in &wrong {
                complain(&wrong.to_string());
            }
            None
        }
    }
}

/// The configuration of commands that run where the server does; none: what is wrong with it has been said.
fn configured(file: Option<&Path>) -> Option<Settings> {
    loaded(config_file(file).as_deref()).map(|loaded| loaded.settings)
}

/// The store that the configuration names, and the runtime that it needs.
fn store_of(file: Option<&Path>) -> anyhow::Result<Option<(tokio::runtime::Runtime, store::Sql)>> {
    let Some(settings) = configured(file) else { return Ok(None) };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let store = runtime.block_on(store::open(settings.store_url()))?;
    Ok(Some((runtime, store)))
}

/// One clear message on standard error.
fn complain(message: &str) {
    let bad = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{bad}error:{bad:#} {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:"), "{}", command.get_name());
        }
    }
}
