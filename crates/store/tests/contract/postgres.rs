//! A throwaway PostgreSQL cluster, started from the system's binaries and stopped by its process id.

use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a cluster may take to start.
const START_MAX: Duration = Duration::from_secs(60);

/// A running cluster; it goes with its value.
pub struct Cluster {
    server: Child,
    dir: TempDir,
    bin: PathBuf,
    databases: u32,
}

impl Cluster {
    /// Starts one, or says why that is skipped.
    pub fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            // Past the test's own capture: a skip has to be seen, and counted.
            let _ = std::io::stdout().write_all(
                b"\nSKIP tests: the store's contract on PostgreSQL, initdb isn't installed; to get it: apt-get install postgresql\n",
            );
            return None;
        };
        let dir = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").expect("a directory");
        if let Some((uid, gid)) = other_user() {
            chown(dir.path(), Some(uid), Some(gid)).expect("chown");
        }
        let data = dir.path().join("data");
        let made = as_owner(bin.join("initdb"), &dir)
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"])
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let server = postgres(&bin, &dir);
        let cluster = Self { server, dir, bin, databases: 0 };
        cluster.wait();
        Some(cluster)
    }

    fn wait(&self) {
        let since = Instant::now();
        let ready = || {
            let mut command = Command::new(self.bin.join("pg_isready"));
            let command = command.args(["-p", "5432", "-h"]).arg(self.dir.path());
            command.stdout(Stdio::null()).status().is_ok_and(|s| s.success())
        };
        while !ready() {
            let log = || std::fs::read_to_string(self.dir.path().join("log"));
            assert!(since.elapsed() < START_MAX, "postgres doesn't start: {:?}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The process that all its others come from.
    #[allow(dead_code, reason = "a benchmark asks what it costs")]
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// Stops it at once, as an operator in a hurry does; its data stays.
    pub fn stop(&mut self) {
        let id = self.server.id().to_string();
        let sent = Command::new("kill").args(["-s", "QUIT", &id]).status();
        assert!(sent.expect("ran").success());
        self.server.wait().expect("gone");
    }

    /// Starts it again on its data.
    pub fn start_again(&mut self) {
        self.server = postgres(&self.bin, &self.dir);
        self.wait();
    }

    /// The URL of a database of its own.
    pub async fn database(&mut self) -> String {
        self.databases += 1;
        let name = format!("t{}", self.databases);
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&self.url("postgres")).await.expect("up");
        use sqlx::{Connection, Executor};
        let text = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(text)).await.expect("made");
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost:5432/{database}?host={}", self.dir.path().display())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The fast shutdown of PostgreSQL is SIGINT, which std can't send; the data is thrown away, so SIGKILL does, and
        // its children go when they find it gone.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn as_owner(program: PathBuf, dir: &TempDir) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir.path());
    if let Some((uid, gid)) = other_user() {
        command.uid(uid).gid(gid);
    }
    command
}

fn postgres(bin: &Path, dir: &TempDir) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.path().join("log"));
    as_owner(bin.join("postgres"), dir)
        .arg("-D")
        .arg(dir.path().join("data"))
        .arg("-k")
        .arg(dir.path())
        .args(["-p", "5432", "-c", "listen_addresses=", "-c", "max_connections=60"])
        .stdout(Stdio::null())
        .stderr(log.expect("a log"))
        .spawn()
        .expect("postgres runs")
}

/// Debian keeps server programs off the path.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    found.sort();
    found.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&path));
    let programs = ["initdb", "postgres", "pg_isready"];
    found.into_iter().find(|dir| programs.iter().all(|program| dir.join(program).exists()))
}

/// PostgreSQL doesn't run as root: the user of the package then.
fn other_user() -> Option<(u32, u32)> {
    let number = |args: &[&str]| {
        let output = Command::new("id").args(args).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok()
    };
    if number(&["-u"])? != 0 {
        return None;
    }
    Some((number(&["-u", "postgres"])?, number(&["-g", "postgres"])?))
}
