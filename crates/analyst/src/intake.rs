//! Counting: from attempts and buckets to rows of the tick that is open.

use payments::{Attempt, Bucket, Status};

use crate::analyst::Analyst;
use crate::codes;
use crate::space::{DIMENSIONS_MAX, NONE, Values};
use crate::tape::{NO_CODE, NO_CURRENCY, NO_LATENCY, NOT_RECORDED, Outcome, Row};
use crate::tries::Try;

/// Attempts of one leaf that are alike in all that is watched.
#[derive(Clone, Copy, Debug)]
pub struct Alike<'a> {
    /// Values of the dimensions in configured order.
    pub names: &'a [Option<&'a str>],
    /// How many.
    pub count: u32,
    /// How they ended.
    pub status: Status,
    /// Response code: source and value.
    pub code: Option<(&'a str, &'a str)>,
    /// How long they took.
    pub latency_ms: Option<u32>,
}

impl Analyst {
    /// What an attempt is recognised by: the fingerprint of its names.
    #[inline]
    pub fn meet(&mut self, attempt: &Attempt) -> u64 {
        let names = self.names(attempt);
        let dimensions = self.space.dimensions().len();
        self.door.fingerprint(names[..dimensions].iter().copied())
    }

    /// Those who were met are about to be counted.
    #[inline]
    pub fn expect(&self, met: &[u64]) {
        self.door.touch(met);
    }

    /// Counts an attempt, as it was met, in a tick that is still open.
    pub fn count(&mut self, attempt: &Attempt, met: u64, tick: i64) {
        let row = self.row(attempt, met);
        let spare = &mut self.spare;
        self.open.entry(tick).or_insert_with(|| std::mem::take(spare)).push(row);
    }

    /// Takes an attempt that was counted as unknown or as a timeout to its final outcome, if its
    /// tick is still open; a tick that was judged is not rewritten.
    pub fn recount(&mut self, attempt: &Attempt, before: Status) {
        let met = self.meet(attempt);
        let new = self.row(attempt, met);
        let old = outcome_of(before);
        let same = |row: &&mut Row| {
            (row.leaf, row.outcome, row.minor, row.number) == (new.leaf, old, new.minor, new.number)
                && row.count == 1
        };
        if let Some(row) = self.open.values_mut().flatten().find(same) {
            *row = new;
        }
    }

    /// The name that an attempt has in each dimension.
    #[inline]
    fn names<'a>(&self, attempt: &'a Attempt) -> [Option<&'a str>; DIMENSIONS_MAX] {
        let mut names = [None; DIMENSIONS_MAX];
        for (d, name) in names.iter_mut().enumerate().take(self.space.dimensions().len()) {
            *name = self.door.name(attempt, d);
        }
        names
    }

    fn row(&mut self, attempt: &Attempt, met: u64) -> Row {
        let leaf = self.door.leaf(met).unwrap_or_else(|| {
            let names = self.names(attempt);
            self.leaf_of(&names[..self.space.dimensions().len()], met)
        });
        let code = match &attempt.code {
            Some(code) => {
                let class = || codes::class(&code.source, &code.value);
                self.codes.number(&code.source, &code.value, class)
            }
            None if self.codes.any() => NO_CODE,
            None => NOT_RECORDED,
        };
        let money = attempt.amount.map_or((NO_CURRENCY, 0), |money| {
            (self.currencies.number(money.currency), money.minor)
        });
        Row {
            leaf,
            latency_ms: attempt.latency_ms.unwrap_or(NO_LATENCY),
            count: 1,
            code,
            currency: money.0,
            minor: money.1,
            outcome: outcome_of(attempt.status),
            number: Try::of(attempt.attempt_number),
        }
    }

    /// The leaf of an attempt with these names, one per dimension, that isn't remembered.
    fn leaf_of(&mut self, names: &[Option<&str>], fingerprint: u64) -> u32 {
        let mut values = [NONE; DIMENSIONS_MAX];
        for (d, name) in names.iter().enumerate() {
            values[d] = name.map_or(NONE, |name| self.space.number(d, name));
        }
        let leaf = self.leaf(&values);
        let said = |(d, name): (usize, &Option<&str>)| {
            name.is_none_or(|name| self.space.name(d, values[d]) == name)
        };
        if self.cells.leaves[leaf as usize].values == values && names.iter().enumerate().all(said) {
            self.door.remember(fingerprint, leaf);
        }
        leaf
    }

    /// Counts attempts that are alike and were counted elsewhere.
    pub fn count_alike(&mut self, alike: &Alike, tick: i64) {
        let met = self.door.fingerprint(alike.names.iter().copied());
        let leaf = self.door.leaf(met).unwrap_or_else(|| self.leaf_of(alike.names, met));
        let code = match alike.code {
            Some((source, value)) => {
                self.codes.number(source, value, || codes::class(source, value))
            }
            None if self.codes.any() => NO_CODE,
            None => NOT_RECORDED,
        };
        self.open.entry(tick).or_default().push(Row {
            leaf,
            latency_ms: alike.latency_ms.unwrap_or(NO_LATENCY),
            count: alike.count,
            code,
            currency: NO_CURRENCY,
            minor: 0,
            outcome: outcome_of(alike.status),
            number: Try::Unnumbered,
        });
    }

    fn leaf(&mut self, values: &Values) -> u32 {
        let (leaf, new) = self.cells.leaf(values, &mut self.space);
        if new {
            let place = leaf as usize;
            let values = self.cells.leaves[place].values;
            self.cells.leaves[place].group = self.latencies.group((values[0], values[1]));
            self.cells.leaves[place].owner = self.incidents.owners(&values);
            self.cells.expected[place] = self.baseline.expected(&self.cells.leaves[place]) as f32;
        }
        leaf
    }

    /// Counts attempts that were counted elsewhere.
    pub fn count_bucket(&mut self, bucket: &Bucket, tick: i64) {
        let mut values = [NONE; DIMENSIONS_MAX];
        let dimensions = self.space.dimensions().len();
        for (d, number) in values.iter_mut().enumerate().take(dimensions) {
            if let Some(value) = bucket.dimensions.get(&self.space.dimensions()[d]) {
                *number = self.space.number(d, value);
            }
        }
        let leaf = self.leaf(&values);
        let currency = bucket.amount.map(|money| self.currencies.number(money.currency));
        let minor = bucket.amount.map_or(0, |money| money.minor);
        let failures = bucket.attempts - bucket.successes.min(bucket.attempts);
        let rows = self.open.entry(tick).or_default();
        for (outcome, count) in [(Outcome::Approved, bucket.successes), (Outcome::Failed, failures)]
        {
            // Which of a bucket's money was approved isn't known: its share of attempts is.
            let part = i128::from(minor) * i128::from(count) / i128::from(bucket.attempts.max(1));
            if count > 0 {
                rows.push(Row {
                    leaf,
                    latency_ms: NO_LATENCY,
                    count: u32::try_from(count).unwrap_or(u32::MAX),
                    code: NOT_RECORDED,
                    currency: currency.unwrap_or(NO_CURRENCY),
                    minor: i64::try_from(part).unwrap_or(i64::MAX),
                    outcome,
                    number: Try::Unnumbered,
                });
            }
        }
    }
}

fn outcome_of(status: Status) -> Outcome {
    match status {
        Status::Approved => Outcome::Approved,
        Status::Declined | Status::Error => Outcome::Failed,
        Status::Timeout => Outcome::Timeout,
        Status::Unknown | Status::Abandoned => Outcome::Open,
    }
}
