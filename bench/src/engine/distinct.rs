//! Ten million distinct values of one dimension: past the cap they count as `__other__`.

use std::fmt::Write;

use engine::{Config, Engine, Input};

use super::traffic::{Source, blank};
use super::{Half, rss_mb_max};

const DISTINCT: u64 = 10_000_000;
const BATCH: usize = 1_000;

pub fn measure(seed: u64) -> anyhow::Result<Half> {
    let mut engine = Engine::new(Config { seed, ..Config::default() });
    let mut source = Source::new(seed);
    let mut input = Input::Attempts(blank(BATCH)?);
    let batches = DISTINCT / BATCH as u64;
    let (mut number, mut halfway_mb) = (0_u64, 0.0);
    for given in 0..batches {
        if let Input::Attempts(batch) = &mut input {
            source.rewrite(batch);
            for attempt in batch {
                attempt.merchant_id.clear();
                let _ = write!(attempt.merchant_id, "mer_{number:x}");
                number += 1;
            }
        }
        engine.handle(&input);
        if given == batches / 2 {
            halfway_mb = rss_mb_max()?;
        }
    }
    let rss_mb = rss_mb_max()?;
    let coverage = engine.coverage();
    let mut text = String::new();
    write!(
        text,
        "{number} distinct merchants: largest resident set {rss_mb:.0} MB ({halfway_mb:.0} MB halfway), {} leaves, {} of {} slices watched",
        coverage.leaves, coverage.watched, coverage.slices
    )?;
    Ok(Half { text, attempts_per_s: 0.0, rss_mb })
}
