//! A file of recorded payments, as commands take it: which, by which map, in which zone.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::progress::Progress;
use crate::read::{self, Loaded, Options, Problem, Wish};
use crate::serve::clock::wall;

/// The file and how it is to be read.
#[derive(Debug, clap::Args)]
pub struct Recorded {
    /// Recorded payments
    file: PathBuf,
    /// Which column holds what: key=column,...
    #[arg(long, value_name = "KEY=COLUMN,...")]
    map: Vec<String>,
    /// Time zone of times that have none
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: String,
}

impl Recorded {
    /// What the options ask for; or what is wrong with them, in words.
    pub fn wish(&self) -> Result<(Wish, TimeZone), String> {
        let wish = Wish::parse(self.map.iter().map(String::as_str))
            .map_err(|wrong| format!("--map: {wrong}"))?;
        let zone = TimeZone::get(&self.tz).map_err(|_| {
            format!(
                "--tz: `{}` is no time zone of the IANA database, such as Asia/Kolkata or UTC",
                read::visible(&self.tz)
            )
        })?;
        Ok((wish, zone))
    }

    /// Reads it, with a progress bar.
    pub fn read(&self, wish: Wish, zone: TimeZone) -> Result<Loaded, Problem> {
        let reading = Progress::new("reading");
        let options = Options::new(wish, zone, wall());
        read::read(&self.file, &options, &mut |done, total| reading.bytes(done, total))
    }
}
