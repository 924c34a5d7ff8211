//! Time that nobody watched: a server was down, or history ended long ago.
//!
//! Nothing is known of it, so nothing is judged: neither silence nor payments. Counts from before it and from after it never share a pane.
//! What was learnt doesn't fade for it, as it does for time that taught something else; the seasons' own drift goes on, so that what is
//! expected afterwards comes with the doubt that the time has earned. Costs the same however long it was.

use crate::analyst::Analyst;

impl Analyst {
    /// Passes over the ticks between the one that was closed last and the one to be closed next.
    pub(crate) fn pass_over(&mut self, last: i64, next: i64) {
        let ticks = next - last - 1;
        let tick_ms = self.settings.tick_ms;
        self.end_pane((last + 1) * tick_ms);
        self.history.pause();
        for leaf in &mut self.cells.leaves {
            leaf.seen += ticks;
        }
        let ms = ticks.saturating_mul(tick_ms);
        self.baseline.pass_over(ms);
        self.watches.pass_over(ms, tick_ms);
    }

    /// What was found in history is nobody's business any more: incidents that are open end, and nothing is said of them.
    pub fn dismiss_incidents(&mut self) {
        let now_ms = self.last_end_ms().unwrap_or_default();
        self.end_all(now_ms, "found in history");
    }
}

#[cfg(test)]
mod tests {
    use payments::Status;

    use super::*;
    use crate::{Alike, Settings};

    fn analyst(tick_ms: i64) -> Analyst {
        let dimensions = ["gateway"].map(String::from).to_vec();
        Analyst::new(Settings { dimensions, tick_ms, ..Settings::default() }, 1)
    }

    fn play(analyst: &mut Analyst, ticks: std::ops::Range<i64>) {
        for tick in ticks {
            for (status, count) in [(Status::Approved, 9), (Status::Declined, 1)] {
                let names = [Some("A")];
                let alike = Alike { names: &names, count, status, code: None, latency_ms: None };
                analyst.count_alike(&alike, tick);
            }
            assert!(analyst.close(tick).is_empty());
        }
    }

    #[test]
    fn a_year_is_passed_over_and_what_was_learnt_stays() {
        const YEAR: i64 = 365 * 86_400;
        let mut analyst = analyst(1_000);
        play(&mut analyst, 0..3_600);
        let leaf = analyst.cells.live().last().unwrap() as usize;
        let (past, seen) = (analyst.cells.leaves[leaf].past.n, analyst.cells.leaves[leaf].seen);
        assert!(past > 1_000.0);
        play(&mut analyst, YEAR..YEAR + 1);
        assert!(analyst.cells.leaves[leaf].past.n >= past);
        assert!(analyst.cells.leaves[leaf].seen >= seen + YEAR - 3_600);
        let spans = analyst.history.since(i64::MIN).map(|pane| pane.ends_at_ms - pane.starts_at_ms);
        assert!(spans.max().unwrap() <= 600_000);
        // The fit that comes next finds the leaf alive and well known.
        play(&mut analyst, YEAR + 1..YEAR + 7 * 3_600);
        assert!(analyst.cells.leaves[leaf].live);
        assert!(analyst.cells.leaves[leaf].past.n > past);
        assert!((analyst.cells.expected[leaf] - 0.9).abs() < 0.01);
    }
}
