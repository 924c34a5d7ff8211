//! The product as it is: an analyst that gets counted blocks of one stream.

use std::collections::{BTreeMap, BTreeSet};

use analyst::{Analyst, News, Settings, Signal};
use payments::{Bucket, Timestamp};

use super::ARL;
use super::learnt::Learner;
use super::traffic::{BLOCK_S, Block};

/// Share of the alert budget that the success rate has where nothing but success and volume is
/// recorded (`analyst::budget`: 0.60 of 0.70), over both slices there are, all traffic and the one
/// gateway: the rest is the volume's, whose alarms are not counted here.
const SHARE: f64 = 0.60 / 0.70;

/// One analyst, fed tick by tick.
#[derive(Clone)]
pub struct WholeAnalyst {
    analyst: Analyst,
    /// Incidents already counted.
    known: BTreeSet<String>,
}

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
        Self { analyst: Analyst::new(settings, 0), known: BTreeSet::new() }
    }

    /// Whether the block opened an incident of the success rate: what a person would be paged for.
    fn close(&mut self, block: &Block) -> bool {
        let tick = block.start_s / BLOCK_S;
        let bucket = Bucket {
            starts_at: Timestamp::from_millis(block.start_s * 1_000),
            dimensions: BTreeMap::from([("gateway".to_owned(), "one".to_owned())]),
            attempts: block.n,
            successes: block.k,
            amount: None,
        };
        self.analyst.count_bucket(&bucket, tick);
        let mut opened = false;
        for news in self.analyst.close(tick) {
            if let News::Incident(incident) = news
                && incident.signal == Signal::SuccessRate
            {
                opened |= self.known.insert(incident.id);
            }
        }
        opened
    }
}

impl Learner for WholeAnalyst {
    fn learn(&mut self, block: &Block) {
        self.close(block);
    }

    fn judge(&mut self, block: &Block) -> bool {
        self.close(block)
    }
}
