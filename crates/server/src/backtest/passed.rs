//! What passed through the slices of planned moves: a second walk over the file.
//!
//! The unit is the payment, by its first attempt: that is what a router would have sent elsewhere. A payment that a retry saved anyway, at whatever gateway, counts as approved. Where the
//! file holds counts, each of its attempts stands for a payment.

use std::io;

use analyst::Slice;
use engine::Input;
use payments::{Attempt, Bucket, NONE, Status};
use rustc_hash::FxHashMap;
use stats::window::fingerprint;

use super::operator::Move;
use crate::read::Loaded;

/// Payments of one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Start of the tick, epoch milliseconds.
    pub starts_at_ms: i64,
    /// Payments whose first attempt has an outcome.
    pub payments: u64,
    /// Approved at the first attempt.
    pub at_first: u64,
    /// Approved at all.
    pub approved: u64,
}

/// Per move, the ticks that had payments.
pub fn passed(file: &mut Loaded, moves: &[&Move]) -> io::Result<Vec<Vec<Passed>>> {
    let mut walk = Walk {
        moves,
        tick_ms: file.tick_ms,
        ticks: vec![Vec::new(); moves.len()],
        open: FxHashMap::default(),
    };
    if !moves.is_empty() {
        file.for_each(|input| match input {
            Input::Attempts(attempts) => attempts.iter().for_each(|a| walk.attempt(a)),
            Input::Buckets(buckets) => buckets.iter().for_each(|b| walk.bucket(b)),
            _ => {}
        })?;
    }
    Ok(walk.ticks)
}

struct Walk<'a> {
    moves: &'a [&'a Move],
    tick_ms: i64,
    ticks: Vec<Vec<Passed>>,
    /// Payments that may yet be approved: where they were counted.
    open: FxHashMap<u64, Vec<(usize, usize)>>,
}

impl Walk<'_> {
    fn attempt(&mut self, attempt: &Attempt) {
        if matches!(attempt.status, Status::Unknown | Status::Abandoned) {
            return;
        }
        let approved = attempt.status == Status::Approved;
        if attempt.attempt_number > 1 {
            if approved && !self.open.is_empty() {
                let places = self.open.remove(&fingerprint(0, &attempt.payment_id));
                for (of, at) in places.unwrap_or_default() {
                    self.ticks[of][at].approved += 1;
                }
            }
            return;
        }
        let at_ms = attempt.occurred_at.as_millis();
        for of in 0..self.moves.len() {
            if self.is_moved(of, at_ms, |dimension| value(attempt, dimension)) {
                let at = self.count(of, at_ms, 1, u64::from(approved));
                if !approved {
                    let id = fingerprint(0, &attempt.payment_id);
                    self.open.entry(id).or_default().push((of, at));
                }
            }
        }
    }

    fn bucket(&mut self, bucket: &Bucket) {
        let at_ms = bucket.starts_at.as_millis();
        for of in 0..self.moves.len() {
            let value = |dimension: &str| bucket.dimensions.get(dimension).map(String::as_str);
            if self.is_moved(of, at_ms, value) {
                self.count(of, at_ms, bucket.attempts, bucket.successes);
            }
        }
    }

    fn is_moved<'v>(&self, of: usize, at_ms: i64, value: impl Fn(&str) -> Option<&'v str>) -> bool {
        let it = self.moves[of];
        (it.from.as_millis()..it.until.as_millis()).contains(&at_ms)
            && holds(&it.decision.slice, value)
    }

    fn count(&mut self, of: usize, at_ms: i64, payments: u64, approved: u64) -> usize {
        let starts_at_ms = at_ms - at_ms.rem_euclid(self.tick_ms);
        let ticks = &mut self.ticks[of];
        if ticks.last().is_none_or(|last| last.starts_at_ms != starts_at_ms) {
            ticks.push(Passed { starts_at_ms, ..Passed::default() });
        }
        let place = ticks.len() - 1;
        ticks[place].payments += payments;
        ticks[place].at_first += approved;
        ticks[place].approved += approved;
        place
    }
}

/// Whether a slice selects what has these values. Values counted together (`__other__`) select nothing here: too little is promised rather than too much.
fn holds<'v>(slice: &Slice, value: impl Fn(&str) -> Option<&'v str>) -> bool {
    slice.pairs().all(|(dimension, wanted)| value(dimension).unwrap_or(NONE) == wanted)
}

fn value<'a>(attempt: &'a Attempt, dimension: &str) -> Option<&'a str> {
    match dimension {
        "gateway" => Some(&attempt.gateway),
        "method" => Some(&attempt.method),
        "network" => attempt.network.as_deref(),
        "issuer" => attempt.issuer.as_deref(),
        "country" => attempt.country.as_deref(),
        "merchant_id" => Some(&attempt.merchant_id),
        "bin" => attempt.bin.as_deref(),
        "mcc" => attempt.mcc.as_deref(),
        "ip_country" => attempt.ip_country.as_deref(),
        name => attempt.attributes.get(name).map(String::as_str),
    }
}
