//! The Open Bandit logs: clicks on recommended fashion items, with their propensities.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use stats::confidence_sequence;
use stats::off_policy::{Estimator, Logged, Means, OffPolicy};
use stats::posterior::Beta;

use crate::report::Options;

const CAMPAIGNS: [&str; 3] = ["all", "men", "women"];
const SWITCH: f64 = 20.0;

struct Row {
    item: u32,
    position: u32,
    click: f64,
    propensity: f64,
}

pub fn table(options: &Options) -> Result<String> {
    let folder = options.data_or("obd");
    ensure!(
        folder.join("bts").is_dir(),
        "{} isn't there; it is the folder obp/dataset/obd of the package obp 0.4.1 (`pip download --no-deps obp==0.4.1`, a zip file)",
        folder.display()
    );
    let mut text = format!(
        "Open Bandit, Thompson sampling's log evaluated for the uniform policy, clicks in percent\n\
         {:<6} {:<14} {:>8} {:>16} {:>16} {:>7}\n",
        "", "", "value", "at all times", "fixed n", "ESS"
    );
    for campaign in CAMPAIGNS {
        let file =
            |policy: &str| folder.join(policy).join(campaign).join(format!("{campaign}.csv"));
        let (own, log) = (read(&file("random"))?, read(&file("bts"))?);
        let (n, clicks) = (own.len() as f64, own.iter().map(|row| row.click).sum::<f64>());
        let (low, high) = confidence_sequence::bernoulli(Beta::JEFFREYS, n, clicks, 0.05);
        let half = 1.96 * libm::sqrt(clicks / n * (1.0 - clicks / n) / n);
        let shown = |(low, high): (f64, f64)| format!("{:.2}..{:.2}", 100.0 * low, 100.0 * high);
        writeln!(
            text,
            "{campaign:<6} {:<14} {:>8.3} {:>16} {:>16} {n:>7}",
            "on-policy",
            100.0 * clicks / n,
            shown((low, high)),
            shown((clicks / n - half, clicks / n + half)),
        )?;
        let sums = evaluate(&log);
        for estimator in Estimator::ALL {
            let estimate = sums.estimate(estimator, 0.05);
            writeln!(
                text,
                "{:<6} {:<14} {:>8.3} {:>16} {:>16} {:>7.0}",
                "",
                estimator.as_str(),
                100.0 * estimate.value,
                shown(estimate.interval),
                shown(estimate.fixed_n),
                sums.effective_size()
            )?;
        }
    }
    Ok(text)
}

/// The uniform policy over the items. What the log would have done elsewhere isn't in it, so the least propensity of the file bounds the weights.
fn evaluate(log: &[Row]) -> OffPolicy {
    let items = 1 + log.iter().map(|row| row.item).max().unwrap_or(0);
    let share = 1.0 / f64::from(items);
    let least = log.iter().map(|row| row.propensity).fold(1.0, f64::min);
    let (mut sums, mut means) = (OffPolicy::new(SWITCH), Means::default());
    for row in log {
        let predicted: Vec<f64> = (0..items).map(|item| means.mean(row.position, item)).collect();
        let range = predicted.iter().fold((1.0_f64, 0.0_f64), |(l, h), q| (l.min(*q), h.max(*q)));
        sums.push(&Logged {
            reward: row.click,
            weight: share / row.propensity,
            weight_max: share / least,
            predicted: predicted[row.item as usize],
            expected: predicted.iter().sum::<f64>() * share,
            predicted_range: range,
        });
        means.add(row.position, row.item, row.click);
    }
    sums
}

fn read(path: &Path) -> Result<Vec<Row>> {
    let shown = path.display();
    let mut reader = csv::Reader::from_path(path).with_context(|| shown.to_string())?;
    let rows = reader.deserialize::<BTreeMap<String, String>>();
    let number = |row: &BTreeMap<String, String>, column: &str| -> Result<f64> {
        let cell = row.get(column).with_context(|| format!("{shown} has no column {column}"))?;
        cell.parse().with_context(|| format!("{shown}: {column} is {cell}"))
    };
    rows.map(|row| {
        let row = row.with_context(|| shown.to_string())?;
        Ok(Row {
            item: number(&row, "item_id")? as u32,
            position: number(&row, "position")? as u32,
            click: number(&row, "click")?,
            propensity: number(&row, "propensity_score")?,
        })
    })
    .collect()
}
