//! Running the binary on files made for the purpose.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// A directory that vanishes, with the binary beside it.
pub struct Bench {
    dir: TempDir,
}

/// What a run left behind.
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }

    /// The messages about skipped rows, as the text report would print them.
    pub fn skipped(&self) -> Vec<String> {
        let json = self.json();
        let list = json["summary"]["skipped_first"].as_array().expect("a list").clone();
        list.iter()
            .map(|p| {
                let text = |name: &str| p[name].as_str().unwrap_or("-").to_string();
                format!("{}:{}: {}: {}", text("file"), p["line"], text("field"), text("detail"))
            })
            .collect()
    }
}

impl Bench {
    /// An empty directory.
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// Runs `pointsman` here.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    /// Runs `pointsman` here, with variables of the environment.
    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = Command::cargo_bin("pointsman").expect("built");
        command.current_dir(self.dir.path()).args(args).env_remove("NO_COLOR");
        command.envs(variables.iter().copied());
        let output = command.output().expect("ran");
        Ran {
            code: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// `backtest NAME --format json` with more arguments.
    pub fn backtest(&self, name: &str, more: &[&str]) -> Ran {
        let mut args = vec!["backtest", name, "--format", "json"];
        args.extend(more);
        self.run(&args)
    }
}

/// Hourly counts: `hours` hours of three gateways at 80 %.
pub fn counts(hours: usize) -> String {
    let mut text = String::from("hr,t,success,pg\n");
    for hour in 0..hours {
        for (gateway, attempts) in [("PAYU", 100), ("RAZORPAY", 200), ("PAYTM", 50)] {
            let (day, hour) = (1 + hour / 24, hour % 24);
            text.push_str(&format!(
                "2020-02-{day:02} {hour:02},{attempts},{},{gateway}\n",
                attempts * 8 / 10
            ));
        }
    }
    text
}

/// The column map of `counts`.
pub const COUNTS_MAP: &str = "time=hr,attempts=t,successes=success,gateway=pg";
