//! What ticks counted, by names: for those who learn from the same attempts.

use std::collections::BTreeMap;

use crate::analyst::Analyst;
use crate::space::{NONE, OTHER};
use crate::tape::{Outcome, Row};

/// Attempts of a tick with the same values of all dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted<'a> {
    /// Dimension and value; those that are missing or weren't told apart are left out.
    pub values: Vec<(&'a str, &'a str)>,
    /// Attempts that count in rates.
    pub attempts: u64,
    /// Approved of these.
    pub successes: u64,
}

impl Analyst {
    /// What the tick that was judged last has counted.
    pub fn newest_by_name(&self) -> Vec<Counted<'_>> {
        self.by_name(self.window.back().into_iter().flat_map(|tick| &tick.rows))
    }

    /// What has arrived of the ticks that aren't judged yet, in their order, each with its number.
    pub fn arrived_by_name(&self) -> impl Iterator<Item = (i64, Vec<Counted<'_>>)> {
        self.open.iter().map(|(&tick, rows)| (tick, self.by_name(rows.iter())))
    }

    fn by_name<'a>(&self, rows: impl Iterator<Item = &'a Row>) -> Vec<Counted<'_>> {
        let mut counts: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for row in rows.filter(|row| row.outcome != Outcome::Open) {
            let (attempts, successes) = counts.entry(row.leaf).or_default();
            let count = u64::from(row.count);
            *attempts += count;
            *successes += if row.outcome == Outcome::Approved { count } else { 0 };
        }
        let named = |(d, value): (usize, &u32)| {
            let is_known = ![NONE, OTHER].contains(value);
            is_known.then(|| (self.space.dimensions()[d].as_str(), self.space.name(d, *value)))
        };
        counts
            .into_iter()
            .map(|(leaf, (attempts, successes))| {
                let values = &self.cells.leaves[leaf as usize].values;
                let values = values[..self.space.dimensions().len()].iter().enumerate();
                Counted { values: values.filter_map(named).collect(), attempts, successes }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use payments::Status;

    use super::*;
    use crate::{Alike, Settings};

    fn counted(analyst: &mut Analyst, tick: i64, rows: &[(&str, Option<&str>, Status, u32)]) {
        for &(gateway, method, status, count) in rows {
            let names = [Some(gateway), method];
            let alike = Alike { names: &names, count, status, code: None, latency_ms: None };
            analyst.count_alike(&alike, tick);
        }
    }

    #[test]
    fn ticks_by_names_before_and_after_they_are_judged() {
        let dimensions = ["gateway", "method"].map(String::from).to_vec();
        let settings = Settings { dimensions, tick_ms: 1_000, ..Settings::default() };
        let mut analyst = Analyst::new(settings, 1);
        assert!(analyst.newest_by_name().is_empty());
        counted(&mut analyst, 1, &[("OLD", Some("card"), Status::Approved, 1)]);
        analyst.close(1);
        let rows = [
            ("A", Some("card"), Status::Approved, 3),
            ("A", Some("card"), Status::Declined, 1),
            ("A", Some("card"), Status::Unknown, 9),
            ("B", None, Status::Timeout, 2),
        ];
        counted(&mut analyst, 2, &rows);
        counted(&mut analyst, 3, &[("C", None, Status::Approved, 1)]);
        let want =
            [(vec![("gateway", "A"), ("method", "card")], 4, 3), (vec![("gateway", "B")], 2, 0)];
        let told = |counted: Vec<Counted<'_>>| -> Vec<_> {
            counted
                .into_iter()
                .map(|c| (format!("{:?}", c.values), c.attempts, c.successes))
                .collect()
        };
        let want = want.map(|(values, n, k)| (format!("{values:?}"), n, k));
        let arrived: Vec<_> = analyst.arrived_by_name().map(|(tick, c)| (tick, told(c))).collect();
        assert_eq!(arrived[0], (2, want.to_vec()));
        assert_eq!((arrived.len(), arrived[1].0), (2, 3));
        analyst.close(2);
        assert_eq!(told(analyst.newest_by_name()), want);
        assert_eq!(analyst.arrived_by_name().map(|(tick, _)| tick).collect::<Vec<_>>(), [3]);
    }
}
