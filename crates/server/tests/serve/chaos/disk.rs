//! Rounds on SQLite: the process, the power, the disk, the clock.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use stats::stream::Stream;
use tempfile::TempDir;

use super::power::Power;
use super::tally::Tally;
use super::{compare, lines, say_again, stored};
use crate::feeds::skip;
use crate::support::{EVENT_CLOCK, Place, Running};

/// Attempts of one request.
const BATCH: usize = 60;
/// Room on the small disk.
const DISK_MB: u32 = 96;
/// How long a full disk is waited for to be noticed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server that mishaps happen to, and the one that is left alone.
struct Subject {
    place: Place,
    disk: Option<Disk>,
    power: Power,
    clock: Option<Faketime>,
    _tools: TempDir,
}

pub fn play(count: usize, stream: &mut Stream, tally: &mut Tally) {
    let rounds = lines::rounds(count, super::SEED);
    let subject = Subject::new();
    let undisturbed = Place::new();
    let reference = undisturbed.start(EVENT_CLOCK);
    let mut server = subject.start();
    let mut acknowledged: Vec<String> = Vec::new();
    for (number, attempts) in rounds.iter().enumerate() {
        tally.attempts += attempts.len() as u64;
        let batches: Vec<&[String]> = attempts.chunks(BATCH).collect();
        let struck = stream.below(batches.len() as u64) as usize;
        for (place, batch) in batches.iter().enumerate() {
            reference.events(batch);
            if place == struck {
                server = subject.mishap(number, server, batch, stream, tally);
            } else {
                server.events(batch);
            }
            acknowledged.extend_from_slice(batch);
        }
        // Some are delivered twice, as by a sender that wasn't sure.
        let from = stream.below(acknowledged.len() as u64) as usize;
        let to = (from + BATCH).min(acknowledged.len());
        say_again(&server, &acknowledged[from..to], tally);
    }
    say_again(&server, &acknowledged, tally);
    let sent = acknowledged.len() as u64;
    tally.double += stored(&server, count).saturating_sub(sent);
    tally.lost += sent.saturating_sub(stored(&server, count));
    compare(&reference, &server, count, tally);
    assert_eq!(server.stop(), 0);
}

impl Subject {
    fn new() -> Self {
        let tools = tempfile::tempdir().expect("a directory");
        let place = Place::new();
        let disk = Disk::mount(place.path());
        let clock = Faketime::new(tools.path());
        Self { disk, power: Power::new(tools.path()), clock, place, _tools: tools }
    }

    /// Where the store is.
    fn folder(&self) -> PathBuf {
        self.place.path().join("disk")
    }

    fn start(&self) -> Running {
        std::fs::create_dir_all(self.folder()).expect("made");
        self.place.config(&format!("{EVENT_CLOCK}[store]\nurl = \"sqlite:disk/pointsman.db\"\n"));
        let mut preload = vec![self.power.preload().to_owned()];
        let mut set =
            vec![("POWER_DIR", self.folder()), ("POWER_UNDO", self.power.undo().to_owned())];
        if let Some(clock) = &self.clock {
            preload.push(clock.library.clone());
            set.push(("FAKETIME_TIMESTAMP_FILE", clock.file.clone()));
            set.push(("FAKETIME_NO_CACHE", "1".into()));
            // Time that only goes on goes on, as the kernel has it.
            set.push(("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()));
        }
        let preload: Vec<&str> = preload.iter().filter_map(|path| path.to_str()).collect();
        set.push(("LD_PRELOAD", preload.join(":").into()));
        let set: Vec<(&str, &str)> =
            set.iter().filter_map(|(name, value)| Some((*name, value.to_str()?))).collect();
        self.place.run_with(&["serve", "--listen", "127.0.0.1:0"], &set)
    }

    /// A batch is sent, and something happens meanwhile; it is sent until it is acknowledged.
    fn mishap(
        &self,
        round: usize,
        server: Running,
        batch: &[String],
        stream: &mut Stream,
        tally: &mut Tally,
    ) -> Running {
        match round % 4 {
            0 => self.killed("kill -9", server, batch, stream, tally),
            1 => self.killed("power loss", server, batch, stream, tally),
            2 if self.disk.is_some() => self.disk_full(server, batch, tally),
            3 if self.clock.is_some() => self.clock_jumps(server, batch, stream, tally),
            _ => self.killed("kill -9", server, batch, stream, tally),
        }
    }

    fn killed(
        &self,
        kind: &'static str,
        server: Running,
        batch: &[String],
        stream: &mut Stream,
        tally: &mut Tally,
    ) -> Running {
        let wait = Duration::from_micros(stream.below(12_000));
        let address = server.address.clone();
        let sent = std::thread::scope(|scope| {
            let sending = scope.spawn(move || send(&address, batch));
            if kind == "power loss" {
                // Between a write and its sync, or there would be nothing to lose.
                while !self.power.is_owed() && !sending.is_finished() {
                    std::hint::spin_loop();
                }
            } else {
                std::thread::sleep(wait);
            }
            server.kill_now();
            sending.join().expect("joined")
        });
        server.kill();
        if kind == "power loss" {
            tally.taken_back += self.power.lose(&self.folder(), stream) as u64;
        } else {
            self.power.keep();
        }
        let since = Instant::now();
        let server = self.start();
        if sent {
            // It was acknowledged: it has to be there.
            say_again(&server, batch, tally);
        } else {
            server.events(batch);
        }
        tally.round(kind, since.elapsed());
        server
    }

    fn disk_full(&self, server: Running, batch: &[String], tally: &mut Tally) -> Running {
        let disk = self.disk.as_ref().expect("mounted");
        // The log begins anew, so that whatever is written next needs room.
        self.empty_log();
        disk.fill();
        let kind = [("content-type", "application/x-ndjson")];
        let body = batch.join("\n");
        let answer = server.ask("POST", "/v1/events", &kind, body.as_bytes());
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        assert!(answer.body.contains("disk is full"), "{answer:?}");
        assert_eq!(server.get("/readyz").status, 200, "monitoring goes on");
        disk.clear();
        let since = Instant::now();
        while !send(&server.address, batch) {
            assert!(since.elapsed() < PATIENCE, "it doesn't go on: {}", server.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        tally.round("disk full", since.elapsed());
        server
    }

    fn empty_log(&self) {
        use sqlx::{Connection, Row};
        let url = format!("sqlite:{}?mode=rw", self.folder().join("pointsman.db").display());
        sqlx::any::install_default_drivers();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let since = Instant::now();
            loop {
                let mut connection = sqlx::AnyConnection::connect(&url).await.expect("opened");
                let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
                let row = row.fetch_one(&mut connection).await.expect("asked");
                connection.close().await.expect("closed");
                if row.get::<i64, _>(0) == 0 {
                    break;
                }
                assert!(since.elapsed() < PATIENCE, "the log stays busy");
            }
        });
        // What that wrote is on the medium: it isn't of the process that the power is lost to.
        self.power.keep();
    }

    fn clock_jumps(
        &self,
        server: Running,
        batch: &[String],
        stream: &mut Stream,
        tally: &mut Tally,
    ) -> Running {
        let clock = self.clock.as_ref().expect("there");
        let jump = ["+1d", "-1d", "+90m", "-5m", "+3s", "-400d"][stream.below(6) as usize];
        let since = Instant::now();
        let halves = batch.split_at(batch.len() / 2);
        clock.set(jump);
        server.events(halves.0);
        clock.set("+0");
        server.events(halves.1);
        tally.round("clock jump", since.elapsed());
        server
    }
}

/// Sends a batch; whether it was acknowledged.
fn send(address: &str, batch: &[String]) -> bool {
    let kind = [("content-type", "application/x-ndjson")];
    let body = batch.join("\n");
    let answer = crate::support::try_ask(address, "POST", "/v1/events", &kind, body.as_bytes());
    answer.is_ok_and(|answer| answer.status == 202)
}

/// A small disk of its own, in memory.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(place: &Path) -> Option<Self> {
        let path = place.join("disk");
        std::fs::create_dir_all(&path).expect("made");
        let size = format!("size={DISK_MB}m");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "pointsman-chaos"])
            .arg(&path)
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self { path });
        }
        skip("a full disk, for no small disk can be mounted", "run as root");
        None
    }

    fn fill(&self) {
        use std::io::Write;
        let mut filler = std::fs::File::create(self.path.join("filler")).expect("made");
        for size in [1 << 20, 1 << 12, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn clear(&self) {
        std::fs::remove_file(self.path.join("filler")).expect("removed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// A clock that jumps: the process asks a library for the time.
struct Faketime {
    library: PathBuf,
    file: PathBuf,
}

impl Faketime {
    fn new(tools: &Path) -> Option<Self> {
        let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        let library = folders
            .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.exists());
        if library.is_none() {
            skip("jumps of the clock, libfaketime isn't installed", "apt-get install libfaketime");
        }
        let clock = Self { library: library?, file: tools.join("clock") };
        clock.set("+0");
        Some(clock)
    }

    /// As an offset; written beside and moved, so that it is never read half.
    fn set(&self, offset: &str) {
        let part = self.file.with_extension("part");
        std::fs::write(&part, format!("{offset}\n")).expect("written");
        std::fs::rename(&part, &self.file).expect("moved");
    }
}
