//! Labelled incidents as files: `anomaly.yaml` names the minute and the cause(s) of each
//! `NAME.csv.gz` (or `.csv`), whose columns are `min`, `value` (bad), `cnt` (all) and dimensions.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use super::history::DIMENSIONS_MAX;

/// `(dimension, value)` pairs, ordered.
pub type Cause = Vec<(String, String)>;

/// One incident: what was known before its minute, and that minute.
pub struct Incident {
    pub name: String,
    pub dimensions: Vec<String>,
    /// Names of value ids, per dimension.
    pub values: Vec<Vec<String>>,
    /// Counts per leaf cell, in order of their values.
    pub cells: Vec<Cell>,
    /// The labels.
    pub truth: Vec<Cause>,
}

/// Counts of one leaf cell.
pub struct Cell {
    pub values: Box<[u32]>,
    /// `(attempts, bad)` per minute before the incident, oldest first.
    pub history: Vec<(u64, u64)>,
    /// `(attempts, bad)` in the minute of the incident.
    pub now: (u64, u64),
}

/// All incidents of a folder, and a line for each that could not be read in full.
pub fn read_folder(folder: &Path) -> Result<(Vec<Incident>, Vec<String>)> {
    let labels = folder.join("anomaly.yaml");
    let text = std::fs::read_to_string(&labels).with_context(|| {
        format!(
            "{} can't be read; labelled incidents of this form are published in \
             github.com/shaido987/riskloc under data/RS (give their folder with --data)",
            labels.display()
        )
    })?;
    let labels: Vec<Label> =
        serde_saphyr::from_str(&text).map_err(|error| anyhow!("{}: {error}", labels.display()))?;
    let mut incidents = Vec::new();
    let mut skipped = Vec::new();
    for label in labels {
        let name = label.data.text();
        match read_incident(folder, &name, label) {
            Ok((incident, rows_left_out)) => {
                if rows_left_out > 0 {
                    skipped.push(format!("{rows_left_out} rows of {name}: not numbers"));
                }
                incidents.push(incident);
            }
            Err(error) => skipped.push(format!("{name}: {error:#}")),
        }
    }
    if incidents.is_empty() {
        bail!("no incident of {} could be read: {}", folder.display(), skipped.join("; "));
    }
    Ok((incidents, skipped))
}

#[derive(Deserialize)]
struct Label {
    data: Scalar,
    timestamp: Scalar,
    cause: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(BTreeMap<String, Scalar>),
    Many(Vec<BTreeMap<String, Scalar>>),
}

/// Values are written with or without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Integer(i64),
    Float(f64),
    Truth(bool),
    Text(String),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Integer(i) => i.to_string(),
            Self::Float(x) => x.to_string(),
            Self::Truth(b) => b.to_string(),
            Self::Text(s) => s.trim().to_owned(),
        }
    }
}

fn read_incident(folder: &Path, name: &str, label: Label) -> Result<(Incident, usize)> {
    let minute: i64 = label
        .timestamp
        .text()
        .parse()
        .map_err(|_| anyhow!("timestamp `{}` is no whole number", label.timestamp.text()))?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(open(folder, name)?);
    let header: Vec<String> =
        reader.headers()?.iter().map(|h| h.trim_start_matches('\u{feff}').to_owned()).collect();
    let column = |wanted: &str| {
        header.iter().position(|h| h == wanted).ok_or_else(|| anyhow!("has no column `{wanted}`"))
    };
    let (at_minute, at_bad, at_all) = (column("min")?, column("value")?, column("cnt")?);
    let mut by: Vec<(String, usize)> = header
        .iter()
        .enumerate()
        .filter(|(i, _)| ![at_minute, at_bad, at_all].contains(i))
        .map(|(i, name)| (name.clone(), i))
        .collect();
    by.sort();
    if by.len() > DIMENSIONS_MAX {
        bail!("has {} dimensions, at most {DIMENSIONS_MAX} are read", by.len());
    }

    let mut rows: Vec<(i64, Vec<String>, u64, u64)> = Vec::new();
    let mut rows_left_out = 0;
    for record in reader.records() {
        let record = record?;
        let field = |i: usize| record.get(i).unwrap_or_default();
        let number = |i: usize| field(i).parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0);
        let (Some(at), Some(bad), Some(all)) = (number(at_minute), number(at_bad), number(at_all))
        else {
            rows_left_out += 1;
            continue;
        };
        if at as i64 <= minute {
            let values = by.iter().map(|(_, i)| field(*i).to_owned()).collect();
            let all = all.round() as u64;
            rows.push((at as i64, values, all, (bad.round() as u64).min(all)));
        }
    }
    let mut minutes: Vec<i64> = rows.iter().map(|row| row.0).collect();
    minutes.sort_unstable();
    minutes.dedup();
    if minutes.last() != Some(&minute) {
        bail!("has no rows of minute {minute}");
    }
    if minutes.len() < 2 {
        bail!("has no minute before {minute} to learn from");
    }
    let values: Vec<Vec<String>> = (0..by.len())
        .map(|d| {
            let mut names: Vec<String> = rows.iter().map(|row| row.1[d].clone()).collect();
            names.sort();
            names.dedup();
            names
        })
        .collect();
    let past = minutes.len() - 1;
    let mut cells: BTreeMap<Box<[u32]>, Vec<(u64, u64)>> = BTreeMap::new();
    for (at, names, all, bad) in rows {
        let ids = names
            .iter()
            .zip(&values)
            .map(|(name, names)| names.binary_search(name).unwrap_or_default() as u32)
            .collect();
        let counts = cells.entry(ids).or_insert_with(|| vec![(0, 0); past + 1]);
        let slot = &mut counts[minutes.binary_search(&at).unwrap_or_default()];
        *slot = (slot.0 + all, slot.1 + bad);
    }
    let causes = match label.cause {
        OneOrMany::One(cause) => vec![cause],
        OneOrMany::Many(causes) => causes,
    };
    let incident = Incident {
        name: name.to_owned(),
        dimensions: by.into_iter().map(|(name, _)| name).collect(),
        values,
        cells: cells
            .into_iter()
            .map(|(values, mut history)| {
                let now = history.pop().unwrap_or_default();
                Cell { values, history, now }
            })
            .collect(),
        truth: causes
            .into_iter()
            .map(|cause| cause.into_iter().map(|(d, v)| (d, v.text())).collect())
            .collect(),
    };
    Ok((incident, rows_left_out))
}

fn open(folder: &Path, name: &str) -> Result<Box<dyn Read>> {
    let zipped = folder.join(format!("{name}.csv.gz"));
    let plain = folder.join(format!("{name}.csv"));
    if let Ok(file) = File::open(&zipped) {
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(file)));
    }
    let file = File::open(&plain)
        .with_context(|| format!("neither {} nor {}", zipped.display(), plain.display()))?;
    Ok(Box::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_causes_of_every_form() {
        let text = "- data: a b\n  timestamp: 60\n  cause: {'isp': 'x', 'p2p': 1}\n\
                    - data: 20\n  timestamp: '120'\n  cause: [{'cdn': 5}, {cdn: \"6\"}]\n";
        let labels: Vec<Label> = serde_saphyr::from_str(text).unwrap();
        assert!(matches!(&labels[0].cause, OneOrMany::One(c) if c["p2p"].text() == "1"));
        assert!(matches!(&labels[1].cause, OneOrMany::Many(c) if c[1]["cdn"].text() == "6"));
        assert_eq!(labels[1].data.text(), "20");
        assert_eq!(labels[1].timestamp.text(), "120");
    }

    #[test]
    fn reads_a_folder_and_names_what_it_skips() {
        let folder = std::env::temp_dir().join(format!("incidents-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            folder.join("anomaly.yaml"),
            "- data: one\n  timestamp: 120\n  cause: {cdn: 5}\n\
             - data: two\n  timestamp: 120\n  cause: {cdn: 5}\n",
        )
        .unwrap();
        std::fs::write(
            folder.join("one.csv"),
            "cnt,min,cdn,value\n10,60,5,1\n20,60,7,0\n9,120,5,8\n?,120,5,8\n7,180,5,7\n",
        )
        .unwrap();
        let (incidents, skipped) = read_folder(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(incidents.len(), 1);
        assert_eq!(skipped.len(), 2, "{skipped:?}");
        let one = &incidents[0];
        assert_eq!(one.values, [["5", "7"]]);
        assert_eq!((one.cells[0].history[0], one.cells[0].now), ((10, 1), (9, 8)));
        assert_eq!((one.cells[1].history[0], one.cells[1].now), ((20, 0), (0, 0)));
        assert_eq!(one.truth, [[("cdn".to_owned(), "5".to_owned())]]);
    }
}
