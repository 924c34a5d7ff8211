//! The same attempts, counted per tick and leaf: for histories of millions, where building events would be waste.
//!
//! Not a second model: the draws are those of [`World::attempts`], so counts and events agree exactly.
//! An attempt belongs to the tick in which its outcome became known. Cost: 0.1 to 0.2 us per attempt.

use std::collections::VecDeque;

use payments::Timestamp;

use crate::arrivals::reach_ms;
use crate::attempt::{Event, Outcome};
use crate::generate::Generator;
use crate::world::World;

/// What happened to the attempts of one leaf within one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them, abandoned ones included.
    pub attempts: u32,
    /// Approved.
    pub successes: u32,
    /// Failed, by the kind that the code tells, in the order of [`crate::FailureKind::ALL`].
    pub failures: [u32; 6],
    /// Left by the customer: no outcome.
    pub abandoned: u32,
    /// Slower than the median, the 95th and the 99th percentile of the leaf's ordinary latency, abandoned ones aside.
    pub slow: [u32; 3],
}

/// A leaf with its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Index for [`World::leaf_values`].
    pub leaf: u32,
    /// Its counts, never all zero.
    pub counts: Counts,
}

/// The cells of one tick, in no particular order (but always the same).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick<'t> {
    /// Its start.
    pub starts_at: Timestamp,
    /// Leaves with at least one attempt.
    pub cells: &'t [Cell],
}

/// The ticks of a span of time; see [`World::ticks`].
#[derive(Debug)]
pub struct Ticks<'w> {
    generator: Generator<'w>,
    from_ms: i64,
    to_ms: i64,
    tick_ms: i64,
    next: i64,
    /// Attempts of the ticks from `next` on.
    pending: VecDeque<Vec<Mark>>,
    spare: Vec<Vec<Mark>>,
    /// Per leaf: its place in `cells`, or `NOWHERE`.
    places: Vec<u32>,
    cells: Vec<Cell>,
}

const NOWHERE: u32 = u32::MAX;
const APPROVED: u8 = 6;
const ABANDONED: u8 = 7;

#[derive(Clone, Copy, Debug)]
struct Mark {
    leaf: u32,
    /// Index of the failure's kind, `APPROVED` or `ABANDONED`.
    class: u8,
    slowness: u8,
}

impl Mark {
    #[inline]
    fn of(event: &Event) -> Self {
        let class = match event.outcome {
            Outcome::Approved => APPROVED,
            Outcome::Failed(kind, _) => kind as u8,
            Outcome::Abandoned => ABANDONED,
        };
        Self { leaf: event.leaf, class, slowness: event.slowness }
    }
}

impl World {
    /// Counts per tick of `tick_ms` and leaf over `from..to`.
    pub fn ticks(&self, from: Timestamp, to: Timestamp, tick_ms: i64) -> Ticks<'_> {
        assert!(tick_ms > 0, "a tick has a length, got {tick_ms} ms");
        let from_ms = from.as_millis().max(0);
        Ticks {
            generator: Generator::new(self, from_ms - reach_ms(self), None, false),
            from_ms,
            to_ms: to.as_millis(),
            tick_ms,
            next: 0,
            pending: VecDeque::new(),
            spare: Vec::new(),
            places: vec![NOWHERE; self.leaf_count()],
            cells: Vec::new(),
        }
    }
}

impl Ticks<'_> {
    /// The next tick, empty ones included; `None` at the end of the span.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Tick<'_>> {
        let start = self.from_ms + self.next * self.tick_ms;
        if start >= self.to_ms {
            return None;
        }
        let end = (start + self.tick_ms).min(self.to_ms);
        while self.generator.now_ms() < end {
            self.draw_block();
        }
        for cell in self.cells.drain(..) {
            self.places[cell.leaf as usize] = NOWHERE;
        }
        self.next += 1;
        if let Some(mut marks) = self.pending.pop_front() {
            for mark in marks.drain(..) {
                let place = &mut self.places[mark.leaf as usize];
                if *place == NOWHERE {
                    *place = self.cells.len() as u32;
                    self.cells.push(Cell { leaf: mark.leaf, counts: Counts::default() });
                }
                self.cells[*place as usize].counts.add(mark);
            }
            self.spare.push(marks);
        }
        Some(Tick { starts_at: Timestamp::from_millis(start), cells: &self.cells })
    }

    fn draw_block(&mut self) {
        let Self { pending, spare, from_ms, to_ms, tick_ms, next, .. } = self;
        self.generator.next_block(&mut |event| {
            if event.at_ms < *from_ms || event.at_ms >= *to_ms {
                return;
            }
            let ahead = ((event.at_ms - *from_ms) / *tick_ms - *next) as usize;
            while pending.len() <= ahead {
                pending.push_back(spare.pop().unwrap_or_default());
            }
            pending[ahead].push(Mark::of(&event));
        });
    }
}

impl Counts {
    #[inline]
    fn add(&mut self, mark: Mark) {
        self.attempts += 1;
        match mark.class {
            APPROVED => self.successes += 1,
            ABANDONED => self.abandoned += 1,
            kind => self.failures[usize::from(kind)] += 1,
        }
        for slow in self.slow.iter_mut().take(usize::from(mark.slowness)) {
            *slow += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use payments::Status;

    use super::*;
    use crate::{FailureKind, Incident, Kind};

    #[test]
    fn counts_agree_exactly_with_the_attempts() {
        let mut world = World::at_rate(50.0, 17).unwrap();
        let at = |seconds: i64| Timestamp::from_millis(1_789_950_000_000 + seconds * 1_000);
        let kind = Kind::Outage { severity: 0.7, blame: FailureKind::Network };
        world.add(Incident::on([("network", "VISA")], at(100), at(400), kind)).unwrap();
        let storm = Kind::RetryStorm { copies: 1.5 };
        world.add(Incident::on([("gateway", "PAYU")], at(200), at(500), storm)).unwrap();
        for tick_ms in [1_000, 7_000, 60_000] {
            let mut want: BTreeMap<(i64, usize), (u32, u32, u32)> = BTreeMap::new();
            for sample in world.attempts(at(3), at(603)) {
                let tick = (sample.attempt.occurred_at.as_millis() - at(3).as_millis()) / tick_ms;
                let seen = want.entry((tick, sample.leaf)).or_default();
                seen.0 += 1;
                seen.1 += u32::from(sample.attempt.status == Status::Approved);
                seen.2 += u32::from(sample.attempt.status == Status::Abandoned);
            }
            let mut got = BTreeMap::new();
            let mut ticks = world.ticks(at(3), at(603), tick_ms);
            let mut number = 0;
            while let Some(tick) = ticks.next() {
                assert_eq!(tick.starts_at, at(3).plus_millis(number * tick_ms));
                for Cell { leaf, counts } in tick.cells {
                    let failures: u32 = counts.failures.iter().sum();
                    assert_eq!(counts.attempts, counts.successes + failures + counts.abandoned);
                    let triple = (counts.attempts, counts.successes, counts.abandoned);
                    got.insert((number, *leaf as usize), triple);
                }
                number += 1;
            }
            assert_eq!(got, want);
        }
    }

    #[test]
    fn latency_classes_have_their_nominal_shares() {
        let world = World::at_rate(200.0, 1).unwrap();
        let from = Timestamp::from_millis(1_789_950_000_000);
        let mut ticks = world.ticks(from, from.plus_millis(1_200_000), 10_000);
        let (mut judged, mut slow) = (0.0, [0.0; 3]);
        while let Some(tick) = ticks.next() {
            for cell in tick.cells {
                judged += f64::from(cell.counts.attempts - cell.counts.abandoned);
                for (sum, count) in slow.iter_mut().zip(cell.counts.slow) {
                    *sum += f64::from(count);
                }
            }
        }
        // Slow failures and timeouts add a little to what the quantiles say.
        for (share, low, high) in
            [(slow[0], 0.50, 0.56), (slow[1], 0.05, 0.085), (slow[2], 0.01, 0.035)]
        {
            assert!((low..high).contains(&(share / judged)), "{slow:?} of {judged}");
        }
    }
}
