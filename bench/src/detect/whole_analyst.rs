//! The product as it is: an analyst that gets counted blocks of one stream.

use std::collections::BTreeMap;

use analyst::{Analyst, News, Settings, Signal};
use payments::{Bucket, Timestamp};

use super::ARL;
use super::learnt::Learner;
use super::traffic::{BLOCK_S, Block};

/// Share of the alert budget that the success rate of all traffic has, both tiers: the rest is
/// other signals' and slices', which this stream does not have.
const SHARE: f64 = 0.12;

/// One analyst, fed tick by tick.
#[derive(Clone)]
pub struct WholeAnalyst(Analyst);

impl WholeAnalyst {
    /// With a budget that gives the success rate one false alarm per nominal run length.
    pub fn new(per_second: f64) -> Self {
        let attempts_per_week = per_second * 7.0 * 86_400.0;
        let settings = Settings {
            dimensions: vec!["gateway".into()],
            tick_ms: BLOCK_S * 1_000,
            false_pages_per_week: attempts_per_week / ARL / SHARE,
            ..Settings::default()
        };
        Self(Analyst::new(settings, 0))
    }

    fn close(&mut self, block: &Block) -> Vec<News> {
        let tick = block.start_s / BLOCK_S;
        let bucket = Bucket {
            starts_at: Timestamp::from_millis(block.start_s * 1_000),
            dimensions: BTreeMap::from([("gateway".to_owned(), "one".to_owned())]),
            attempts: block.n,
            successes: block.k,
            amount: None,
        };
        self.0.count_bucket(&bucket, tick);
        self.0.close(tick)
    }
}

impl Learner for WholeAnalyst {
    fn learn(&mut self, block: &Block) {
        self.close(block);
    }

    fn judge(&mut self, block: &Block) -> bool {
        self.close(block).iter().any(|news| match news {
            News::Finding(finding) => finding.signal == Signal::SuccessRate,
            News::Incident(_) => false,
        })
    }
}
