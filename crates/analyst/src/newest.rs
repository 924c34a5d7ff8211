//! What ticks counted, by names and amounts: for those who learn from the same attempts.

use std::collections::BTreeMap;

use payments::Money;

use crate::analyst::Analyst;
use crate::space::{NONE, OTHER};
use crate::tape::{NO_CURRENCY, Outcome, Row};

/// Attempts of a tick with the same values of all dimensions, and amounts of one band.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted<'a> {
    /// Dimension and value; those that are missing or weren't told apart are left out.
    pub values: Vec<(&'a str, &'a str)>,
    /// The end of their amounts' band; none where amounts are unknown, or only known of many together.
    pub amount: Option<Money>,
    /// Attempts that count in rates.
    pub attempts: u64,
    /// Approved of these.
    pub successes: u64,
}

impl Analyst {
    /// What the tick that was judged last has counted; `band_end` says where the band of an amount in minor units ends.
    pub fn newest_by_name(&self, band_end: fn(i64) -> i64) -> Vec<Counted<'_>> {
        self.by_name(self.window.back().into_iter().flat_map(|tick| &tick.rows), band_end)
    }

    /// What has arrived of the ticks that aren't judged yet, in their order, each with its number.
    pub fn arrived_by_name(
        &self,
        band_end: fn(i64) -> i64,
    ) -> impl Iterator<Item = (i64, Vec<Counted<'_>>)> {
        self.open.iter().map(move |(&tick, rows)| (tick, self.by_name(rows.iter(), band_end)))
    }

    fn by_name<'a>(
        &self,
        rows: impl Iterator<Item = &'a Row>,
        band_end: fn(i64) -> i64,
    ) -> Vec<Counted<'_>> {
        let mut counts: BTreeMap<(u32, u16, i64), (u64, u64)> = BTreeMap::new();
        for row in rows.filter(|row| row.outcome != Outcome::Open) {
            let is_known = row.count == 1 && row.currency != NO_CURRENCY;
            let (currency, end) =
                if is_known { (row.currency, band_end(row.minor)) } else { (NO_CURRENCY, 0) };
            let (attempts, successes) = counts.entry((row.leaf, currency, end)).or_default();
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
            .map(|((leaf, currency, minor), (attempts, successes))| {
                let values = &self.cells.leaves[leaf as usize].values;
                let values = values[..self.space.dimensions().len()].iter().enumerate();
                let amount = (currency != NO_CURRENCY)
                    .then(|| Money { minor, currency: self.currencies.get(currency) });
                Counted { values: values.filter_map(named).collect(), amount, attempts, successes }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use payments::Status;

    use super::*;
    use crate::{Alike, Settings};

    fn whole(minor: i64) -> i64 {
        minor
    }

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
        assert!(analyst.newest_by_name(whole).is_empty());
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
        let arrived: Vec<_> =
            analyst.arrived_by_name(whole).map(|(tick, c)| (tick, told(c))).collect();
        assert_eq!(arrived[0], (2, want.to_vec()));
        assert_eq!((arrived.len(), arrived[1].0), (2, 3));
        analyst.close(2);
        assert_eq!(told(analyst.newest_by_name(whole)), want);
        assert_eq!(analyst.arrived_by_name(whole).map(|(tick, _)| tick).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn amounts_of_one_band_are_counted_together_and_those_of_many_attempts_not_at_all() {
        let dimensions = ["gateway"].map(String::from).to_vec();
        let mut analyst = Analyst::new(Settings { dimensions, ..Settings::default() }, 1);
        for (minor, status) in [(7, "approved"), (12, "approved"), (19, "declined")] {
            let json = format!(
                r#"{{"attempt_id": "a_{minor}", "payment_id": "p", "merchant_id": "m", "method": "card", "gateway": "A",
                    "occurred_at": 1790000000000, "amount": {{"minor": {minor}, "currency": "INR"}}, "status": "{status}"}}"#
            );
            let attempt = payments::parse_event(json.as_bytes()).expect("an attempt").attempt;
            let met = analyst.meet(&attempt);
            analyst.count(&attempt, met, 1);
        }
        counted(&mut analyst, 1, &[("A", None, Status::Approved, 5)]);
        let tens = |minor: i64| minor / 10 * 10 + 10;
        let mut told: Vec<_> = analyst
            .arrived_by_name(tens)
            .flat_map(|(_, counted)| counted)
            .map(|c| (c.amount.map(|money| money.minor), c.attempts, c.successes))
            .collect();
        told.sort_unstable();
        assert_eq!(told, [(None, 5, 5), (Some(10), 1, 1), (Some(20), 2, 1)]);
    }
}
