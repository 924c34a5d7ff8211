//! The real binary on a store of its own, and a client for it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use payments::Timestamp;
use serde_json::Value;
use sim::{FailureKind, Kind, World};
use tempfile::TempDir;

/// A Monday, 09:00 UTC.
const START_MS: i64 = 1_789_948_800_000 + 9 * 3_600_000;

/// A recorded hour of some ten payments a second, as event lines; PAYU fails from minute 40 to 55.
pub static HOUR: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut world = World::at_rate(10.0, 11).expect("a world");
    let minute = |m: i64| Timestamp::from_millis(START_MS + m * 60_000);
    let outage = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
    let incident = sim::Incident::on([("gateway", "PAYU")], minute(40), minute(55), outage);
    world.add(incident).expect("it hits traffic");
    let line = |sample: sim::Sample| event(&sample.attempt);
    world.attempts(minute(0), minute(60)).map(line).collect()
});

/// An attempt as an event: what is absent is left out.
pub fn event(attempt: &payments::Attempt) -> String {
    let mut value = serde_json::to_value(attempt).expect("JSON");
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value.to_string()
}

/// A small event of this instant.
pub fn small(id: &str, at_ms: i64, status: &str) -> String {
    format!(
        r#"{{"attempt_id":"{id}","payment_id":"p_{id}","merchant_id":"m","method":"card","occurred_at":{at_ms},"amount":{{"minor":100,"currency":"INR"}},"gateway":"payu","status":"{status}"}}"#
    )
}

/// This machine's time.
pub fn now_ms() -> i64 {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    since.as_millis() as i64
}

/// A place for a server: its files outlive it.
pub struct Place {
    dir: TempDir,
}

/// A server that runs.
pub struct Running {
    child: Child,
    /// `127.0.0.1:PORT`
    pub address: String,
    log: PathBuf,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes the configuration.
    pub fn config(&self, text: &str) {
        std::fs::write(self.path().join("pointsman.toml"), text).expect("written");
    }

    /// Starts a server here, with this configuration.
    pub fn start(&self, config: &str) -> Running {
        self.config(config);
        self.run(&["serve", "--listen", "127.0.0.1:0"])
    }

    /// Starts a command here that serves, and waits until it listens.
    pub fn run(&self, args: &[&str]) -> Running {
        self.run_with(args, &[])
    }

    /// The same with variables of the environment. What it prints behind its first line is kept in the file `stdout`.
    pub fn run_with(&self, args: &[&str], set: &[(&str, &str)]) -> Running {
        let log = self.path().join("log");
        let errors =
            std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .current_dir(self.path())
            .args(args)
            .env_remove("RUST_LOG")
            .envs(set.iter().copied())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line).expect("read");
        let address = line.trim().strip_prefix("listening on http://").map(str::to_owned);
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let address = address.unwrap_or_else(|| panic!("it doesn't listen: {}", said()));
        // What it prints further is read, or it would wait for a reader.
        let mut out = std::fs::File::create(self.path().join("stdout")).expect("a file");
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut out));
        Running { child, address, log }
    }

    /// Runs a command of the binary here.
    pub fn command(&self, args: &[&str]) -> std::process::Output {
        self.command_with(args, &[])
    }

    /// The same with variables of the environment.
    pub fn command_with(&self, args: &[&str], set: &[(&str, &str)]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
        command.envs(set.iter().copied());
        command.current_dir(self.path()).args(args).output().expect("ran")
    }
}

/// Driven by the events' own times.
pub const EVENT_CLOCK: &str = "[clock]\nsource = \"event\"\n";

impl Running {
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[("content-type", "application/json")], body.as_bytes())
    }

    /// Posts lines of events; all have to be taken.
    pub fn events(&self, lines: &[String]) -> Value {
        let body = lines.join("\n");
        let kind = [("content-type", "application/x-ndjson")];
        let answer = self.ask("POST", "/v1/events", &kind, body.as_bytes());
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_ask(method, path, headers, body).unwrap_or_else(|e| panic!("{e}: {}", self.said()))
    }

    /// One request on a connection of its own.
    pub fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        try_ask(&self.address, method, path, headers, body)
    }

    /// What is said from here on, line by line.
    pub fn stream(&self, last: Option<i64>) -> impl Iterator<Item = String> + use<> {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        let last = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
        let head = format!("GET /v1/stream HTTP/1.1\r\nhost: {}\r\n{last}\r\n", self.address);
        stream.write_all(head.as_bytes()).expect("written");
        BufReader::new(stream).lines().map_while(Result::ok)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// The same, while others still talk to it.
    pub fn kill_now(&self) {
        self.signal("KILL");
    }

    /// SIGTERM, and its exit code.
    pub fn stop(self) -> i32 {
        self.signal("TERM");
        self.ended()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("ran").success());
    }

    /// Waits until it has ended by itself; its exit code.
    pub fn ended(mut self) -> i32 {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("waited") {
                return status.code().unwrap_or(-1);
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Memory that it really has, kB.
    pub fn resident_kb(&self) -> i64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// One request to an address, on a connection of its own.
pub fn try_ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    // A body that is refused early may not be read to its end.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| std::io::Error::other("no whole answer"))
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let body = &bytes[end + 4..];
    if length.is_some_and(|(_, n)| n.parse() != Ok(body.len())) {
        return None;
    }
    Some(Answer { status, headers, body: String::from_utf8_lossy(body).into_owned() })
}
