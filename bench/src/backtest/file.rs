//! Reads a file of the form of `payments_72h.csv`.

use std::path::Path;

use anyhow::Context;
use payments::{Bucket, Timestamp};

/// Event field and the file's column.
const COLUMNS: [(&str, &str); 5] = [
    ("gateway", "pg"),
    ("method", "pmt"),
    ("issuer", "bank"),
    ("merchant_id", "mid"),
    ("sub_type", "sub_type"),
];

/// Its rows as hourly buckets, in order of time.
pub fn read(path: &Path) -> anyhow::Result<Vec<Bucket>> {
    let mut reader = csv::Reader::from_path(path)
        .with_context(|| format!("{}: set POINTSMAN_DATA or --data", path.display()))?;
    let headers = reader.headers()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .with_context(|| format!("no column {name}"))
    };
    let (time, attempts, successes) = (column("hr")?, column("t")?, column("success")?);
    let dimensions = COLUMNS.map(|(field, name)| column(name).map(|place| (field, place)));
    let mut buckets = Vec::new();
    for record in reader.records() {
        let record = record?;
        let mut bucket = Bucket {
            starts_at: hour(&record[time])?,
            dimensions: Default::default(),
            attempts: record[attempts].parse()?,
            successes: record[successes].parse()?,
            amount: None,
        };
        for dimension in &dimensions {
            let (field, place) = dimension.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
            if !record[*place].is_empty() {
                bucket.dimensions.insert((*field).to_owned(), record[*place].to_owned());
            }
        }
        buckets.push(bucket);
    }
    buckets.sort_by_key(|bucket| bucket.starts_at);
    Ok(buckets)
}

fn hour(text: &str) -> anyhow::Result<Timestamp> {
    let rfc = format!("{}:00:00Z", text.replace(' ', "T"));
    Ok(Timestamp::parse(&rfc)?)
}
