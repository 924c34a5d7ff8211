//! Counts of the simulated network into the analyst.

use analyst::{Alike, Analyst, News, Settings};
use payments::{Status, Timestamp};
use sim::{Cell, World};
use stats::stream::Stream;

/// Length of a tick.
pub const TICK_MS: i64 = 10_000;
/// Dimensions of the default settings among the world's.
const DIMENSIONS: usize = 6;
/// One code per kind of failure, in the order of `sim::FailureKind::ALL`.
const CODES: [(&str, &str); 6] = [
    ("iso8583", "51"),
    ("iso8583", "91"),
    ("iso8583", "96"),
    ("transport", "http_5xx"),
    ("iso8583", "59"),
    ("iso8583", "58"),
];
/// Bounds of latency, ms: below the median, the 95th, the 99th percentile, beyond.
const LATENCY_MS: [f64; 5] = [250.0, 900.0, 2_600.0, 4_200.0, 15_000.0];

pub struct Feed {
    pub analyst: Analyst,
    pub stream: Stream,
}

impl Feed {
    pub fn new(world: &World, false_pages_per_week: f64, seed: u64) -> Self {
        debug_assert!(world.leaf_count() > 0);
        let settings = Settings { tick_ms: TICK_MS, false_pages_per_week, ..Settings::default() };
        let stream = Stream::named(seed, "latencies of the budget benchmark");
        Self { analyst: Analyst::new(settings, seed), stream }
    }

    /// Plays a span, tick by tick; `hear` gets the news, the tick's end and its attempts, and says
    /// whether to go on.
    pub fn play(
        &mut self,
        world: &World,
        from: Timestamp,
        to: Timestamp,
        mut hear: impl FnMut(Vec<News>, Timestamp, u64) -> bool,
    ) {
        let mut ticks = world.ticks(from, to, TICK_MS);
        while let Some(tick) = ticks.next() {
            let number = tick.starts_at.as_millis() / TICK_MS;
            let mut attempts = 0;
            for cell in tick.cells {
                attempts += u64::from(cell.counts.attempts);
                self.count(world, cell, number);
            }
            let news = self.analyst.close(number);
            if !hear(news, tick.starts_at.plus_millis(TICK_MS), attempts) {
                return;
            }
        }
    }

    fn count(&mut self, world: &World, cell: &Cell, tick: i64) {
        let names = world.leaf_values(cell.leaf as usize);
        let counts = &cell.counts;
        let rows = std::iter::once((Status::Approved, ("iso8583", "00"), counts.successes))
            .chain(counts.failures.iter().zip(CODES).map(|(&n, code)| (Status::Declined, code, n)));
        // The slowest first; which of them failed isn't counted, and nothing asks for it.
        let mut slower = counts.slow;
        for (status, code, n) in rows {
            for _ in 0..n {
                let class = slower.iter().rposition(|&n| n > 0).map_or(0, |class| class + 1);
                for n in &mut slower[..class] {
                    *n -= 1;
                }
                let latency_ms = self.latency_ms(class);
                let alike = Alike {
                    names: &names[..DIMENSIONS],
                    count: 1,
                    status,
                    code: Some(code),
                    latency_ms: Some(latency_ms),
                };
                self.analyst.count_alike(&alike, tick);
            }
        }
        if counts.abandoned > 0 {
            let alike = Alike {
                names: &names[..DIMENSIONS],
                count: counts.abandoned,
                status: Status::Abandoned,
                code: None,
                latency_ms: None,
            };
            self.analyst.count_alike(&alike, tick);
        }
    }

    fn latency_ms(&mut self, class: usize) -> u32 {
        let (low, high) = (LATENCY_MS[class], LATENCY_MS[class + 1]);
        (low + (high - low) * self.stream.uniform()) as u32
    }
}
