//! Attempts in the order of their decisions.
//!
//! **Problem.** A file is sorted by the time of the outcome. Which outcome comes next depends on which gateway was chosen, for some are slow; judged in that order, a
//! choice is no longer as probable as its propensity says, and no interval would hold.
//!
//! **Method.** An attempt was decided its latency before its outcome. Each waits until every outcome up to [`HOLD_MS`] after its decision has been read, and then
//! goes on in order of decision. What took longer, or came where too many wait, goes on late and is counted.
//!
//! **Cost.** Memory for what is decided in [`HOLD_MS`], at most [`WAITING_MAX`] attempts.

use std::collections::BTreeMap;
use std::rc::Rc;

use payments::{Attempt, Timestamp};

/// How long an outcome is waited for.
pub const HOLD_MS: i64 = 180_000;
/// How many may wait.
const WAITING_MAX: usize = 100_000;

/// When an attempt was decided, as far as its latency is known.
pub fn decided_at(attempt: &Attempt) -> Timestamp {
    attempt.occurred_at.plus_millis(-i64::from(attempt.latency_ms.unwrap_or(0)))
}

/// Attempts that wait for their turn.
#[derive(Debug, Default)]
pub struct Order {
    /// By decision, then as they came.
    waiting: BTreeMap<(Timestamp, u64), Rc<Attempt>>,
    came: u64,
    gone: Option<Timestamp>,
    /// How many went on behind one that was decided later.
    pub late: u64,
}

impl Order {
    /// The next outcome of the file; gives what is due, in order.
    pub fn push(&mut self, attempt: Rc<Attempt>, give: &mut impl FnMut(Rc<Attempt>)) {
        let edge = attempt.occurred_at.plus_millis(-HOLD_MS);
        self.came += 1;
        self.waiting.insert((decided_at(&attempt), self.came), attempt);
        while let Some(first) = self.waiting.first_entry()
            && (first.key().0 < edge || self.waiting.len() > WAITING_MAX)
        {
            self.pop(give);
        }
    }

    /// The file is over.
    pub fn finish(&mut self, give: &mut impl FnMut(Rc<Attempt>)) {
        while !self.waiting.is_empty() {
            self.pop(give);
        }
    }

    fn pop(&mut self, give: &mut impl FnMut(Rc<Attempt>)) {
        let Some(((at, _), attempt)) = self.waiting.pop_first() else { return };
        if self.gone.is_some_and(|gone| at < gone) {
            self.late += 1;
        }
        self.gone = self.gone.max(Some(at));
        give(attempt);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::tests::attempt;

    proptest! {
        #[test]
        fn each_goes_on_once_and_in_the_order_of_decisions(
            gaps_ms in prop::collection::vec(0_i64..60_000, 1..200),
            latencies_ms in prop::collection::vec(0_u32..180_000, 200),
        ) {
            let mut at = 1_790_000_000_000;
            let (mut order, mut gone) = (Order::default(), Vec::new());
            let n = gaps_ms.len();
            for (gap, latency) in gaps_ms.into_iter().zip(latencies_ms) {
                at += gap;
                let mut next = attempt("a", true, 0.5);
                next.occurred_at = Timestamp::from_millis(at);
                next.latency_ms = Some(latency);
                order.push(Rc::new(next), &mut |attempt| gone.push(decided_at(&attempt)));
            }
            order.finish(&mut |attempt| gone.push(decided_at(&attempt)));
            prop_assert_eq!(gone.len(), n);
            prop_assert!(gone.is_sorted());
            prop_assert_eq!(order.late, 0);
        }
    }

    #[test]
    fn what_took_too_long_is_counted() {
        let (mut order, mut gone) = (Order::default(), 0);
        for (at_ms, latency) in
            [(0, 0), (HOLD_MS + 1, 0), (HOLD_MS + 2, (HOLD_MS + 1) as u32 + 500)]
        {
            let mut next = attempt("a", true, 0.5);
            next.occurred_at = Timestamp::from_millis(1_790_000_000_000 + at_ms);
            next.latency_ms = Some(latency);
            order.push(Rc::new(next), &mut |_| gone += 1);
        }
        order.finish(&mut |_| gone += 1);
        assert_eq!((gone, order.late), (3, 1));
    }
}
