//! What a benchmark is asked and what it answers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

/// What the command line asks of a benchmark.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seeds to run, if given: each benchmark has its own default.
    pub seeds: Option<Range<u64>>,
    /// Other data of the same form.
    pub data: Option<PathBuf>,
    /// A folder of scenarios instead of the library.
    pub dir: Option<PathBuf>,
    /// Only scenarios or rivals whose name holds this.
    pub only: Option<String>,
    /// Plans are appended to this file, or read from it.
    pub plans: Option<PathBuf>,
    /// Where parts that are done are kept.
    pub keep: Option<PathBuf>,
    /// Rows that a store holds before anything is measured.
    pub rows: Option<u64>,
    /// How long to measure, where a benchmark asks a server for so long.
    pub seconds: Option<u64>,
}

impl Options {
    /// The asked seeds or these.
    pub fn seeds_or(&self, default: Range<u64>) -> Range<u64> {
        self.seeds.clone().unwrap_or(default)
    }

    /// A file of the evaluation data: `--data`, else `POINTSMAN_DATA/name`, else `../shared/data/name`.
    pub fn data_or(&self, name: &str) -> PathBuf {
        self.data.clone().unwrap_or_else(|| {
            std::env::var_os("POINTSMAN_DATA")
                .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from)
                .join(name)
        })
    }
}

/// What a benchmark answers: names and meanings of the figures are fixed by the issue tracker and
/// `docs/measurements.md`.
#[derive(Clone, Debug)]
pub struct Report {
    /// Tables for a reader, constants included.
    pub text: String,
    /// Named figures.
    pub figures: BTreeMap<&'static str, f64>,
    /// Whether every bar was reached.
    pub pass: bool,
}
