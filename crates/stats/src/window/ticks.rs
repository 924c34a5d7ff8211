//! The watermark and the ticks it closes.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Not older than any before it.
    OnTime,
    /// Older than another, its tick still open.
    OutOfOrder,
    /// Its tick has been judged: it is counted in the oldest open tick.
    Late,
    /// Too far ahead of everything seen: refused, the watermark stays.
    Future,
}

/// How many events came in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ArrivalCounts {
    pub on_time: u64,
    pub out_of_order: u64,
    pub late: u64,
    pub future: u64,
}

/// The event clock: a watermark and the grid of ticks that it closes.
///
/// ```
/// use stats::window::{Arrival, Ticks};
/// let mut ticks = Ticks::new(1_000, 5_000, 86_400_000);
/// assert_eq!(ticks.observe(10_500), Arrival::OnTime);
/// assert_eq!(ticks.observe(17_000), Arrival::OnTime); // the watermark is 12 s
/// assert_eq!(ticks.close(), 5..12);
/// assert_eq!(ticks.observe(13_999), Arrival::OutOfOrder);
/// assert_eq!(ticks.observe(10_600), Arrival::Late);
/// assert_eq!(ticks.tick_of(10_600), 12);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticks {
    tick_ms: i64,
    lateness_ms: i64,
    step_ms_max: i64,
    latest_ms: Option<i64>,
    watermark_ms: Option<i64>,
    /// The oldest tick that is not closed.
    open: Option<i64>,
    counts: ArrivalCounts,
}

impl Ticks {
    /// Ticks of `tick_ms`, closed `lateness_ms` after their end; an event may run ahead by `step_ms_max`.
    pub fn new(tick_ms: i64, lateness_ms: i64, step_ms_max: i64) -> Self {
        assert!(tick_ms > 0 && lateness_ms >= 0 && step_ms_max > 0);
        Self {
            tick_ms,
            lateness_ms,
            step_ms_max,
            latest_ms: None,
            watermark_ms: None,
            open: None,
            counts: ArrivalCounts::default(),
        }
    }

    /// Takes in the time of one event. Call `close` next and judge what it names, then count the event in
    /// `tick_of` its time, unless it is `Future`.
    #[inline]
    pub fn observe(&mut self, at_ms: i64) -> Arrival {
        let Some(latest) = self.latest_ms else {
            let first = self.grid(at_ms.saturating_sub(self.lateness_ms));
            self.open = Some(self.open.map_or(first, |open| open.max(first)));
            self.advance(at_ms);
            self.counts.on_time += 1;
            return Arrival::OnTime;
        };
        if at_ms > latest.saturating_add(self.step_ms_max) {
            self.counts.future += 1;
            return Arrival::Future;
        }
        if at_ms >= latest {
            self.advance(at_ms);
            self.counts.on_time += 1;
            return Arrival::OnTime;
        }
        // Against the watermark and not against `open`, which only moves when the caller closes.
        let closed_by_now =
            self.watermark_ms.is_some_and(|mark| self.grid(at_ms) < self.grid(mark));
        if closed_by_now {
            self.counts.late += 1;
            Arrival::Late
        } else {
            self.counts.out_of_order += 1;
            Arrival::OutOfOrder
        }
    }

    fn advance(&mut self, at_ms: i64) {
        self.latest_ms = Some(at_ms);
        let mark = at_ms.saturating_sub(self.lateness_ms);
        self.watermark_ms = Some(self.watermark_ms.map_or(mark, |old| old.max(mark)));
    }

    /// Moves the watermark to `to_ms` without an event, as a timer or a clock does; never back.
    pub fn advance_to(&mut self, to_ms: i64) {
        if let Some(mark) = &mut self.watermark_ms {
            *mark = to_ms.max(*mark);
            self.latest_ms = self.latest_ms.max(Some(to_ms));
        }
    }

    /// Passes over what nobody heard: ticks between those that were closed and `to_ms` will never be. What comes late from
    /// then counts in the oldest open tick, as ever. Close first what is to be judged.
    pub fn skip_to(&mut self, to_ms: i64) {
        if let Some(open) = self.open {
            self.advance_to(to_ms);
            self.open = Some(open.max(self.grid(to_ms)));
        }
    }

    /// The next event begins anew, however far ahead it is; ticks that were closed stay closed.
    pub fn forget_latest(&mut self) {
        self.latest_ms = None;
        self.watermark_ms = None;
    }

    /// The largest time seen or told.
    pub fn latest_ms(&self) -> Option<i64> {
        self.latest_ms
    }

    /// The ticks whose end the watermark has passed and that were not closed before, in order; they count as
    /// closed from now on.
    #[inline]
    pub fn close(&mut self) -> Range<i64> {
        let (Some(open), Some(mark)) = (self.open, self.watermark_ms) else { return 0..0 };
        let end = self.grid(mark).max(open);
        self.open = Some(end);
        open..end
    }

    /// The tick that counts an event of this time: its own, or the oldest open one if that is closed.
    #[inline]
    pub fn tick_of(&self, at_ms: i64) -> i64 {
        let own = self.grid(at_ms);
        self.open.map_or(own, |open| own.max(open))
    }

    /// Start of a tick.
    pub fn start_ms(&self, tick: i64) -> i64 {
        tick.saturating_mul(self.tick_ms)
    }

    /// Largest event time less the lateness; nothing before the first event.
    pub fn watermark_ms(&self) -> Option<i64> {
        self.watermark_ms
    }

    /// How events came so far.
    pub fn counts(&self) -> ArrivalCounts {
        self.counts
    }

    #[inline]
    fn grid(&self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.tick_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Counts per tick at the moment it closes, with ticks in the order of their closing. Closing is tried after
    /// each event where `cuts` says so, as a caller does that takes a batch.
    fn judged(events: &[i64], lateness: i64) -> (Vec<(i64, u32)>, ArrivalCounts) {
        let mut ticks = Ticks::new(100, lateness, 5_000);
        let (mut open, mut closed) = (BTreeMap::new(), Vec::new());
        for at in events {
            let arrival = ticks.observe(*at);
            for tick in ticks.close() {
                closed.push((tick, open.remove(&tick).unwrap_or(0)));
            }
            if arrival != Arrival::Future {
                *open.entry(ticks.tick_of(*at)).or_insert(0) += 1;
            }
        }
        ticks.advance_to(i64::MAX / 2);
        let rest = ticks.close();
        closed.extend(open.into_iter().filter(|(tick, _)| rest.contains(tick)));
        (closed, ticks.counts())
    }

    proptest! {
        #[test]
        fn every_event_is_counted_once_and_ticks_close_in_order(
            events in prop::collection::vec(-3_000_i64..8_000, 1..200), lateness in 0_i64..1_000,
        ) {
            let (closed, counts) = judged(&events, lateness);
            prop_assert!(closed.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let judged: u64 = closed.iter().map(|(_, count)| u64::from(*count)).sum();
            prop_assert_eq!(judged, counts.on_time + counts.out_of_order + counts.late);
            prop_assert_eq!(judged + counts.future, events.len() as u64);
        }

        #[test]
        fn order_within_the_lateness_changes_no_count(
            steps in prop::collection::vec((0_i64..50, 0_i64..400), 1..200),
        ) {
            // True times ascend; each event arrives at its true time plus a delay below the lateness.
            let mut at = 0;
            let mut events: Vec<(i64, i64)> = steps.iter().map(|(step, delay)| {
                at += step;
                (at, at + delay)
            }).collect();
            let counted = |events: &[(i64, i64)]| -> Vec<(i64, u32)> {
                let times: Vec<i64> = events.iter().map(|(at, _)| *at).collect();
                judged(&times, 500).0.into_iter().filter(|(_, count)| *count > 0).collect()
            };
            let in_order = counted(&events);
            events.sort_by_key(|(_, arrives)| *arrives);
            prop_assert_eq!(counted(&events), in_order);
        }

        #[test]
        fn a_snapshot_goes_on_alike(events in prop::collection::vec(0_i64..8_000, 2..60), cut in 0_usize..60) {
            let mut whole = Ticks::new(100, 300, 5_000);
            let mut parts = whole.clone();
            for (index, at) in events.iter().enumerate() {
                if index == cut {
                    let text = serde_json::to_string(&parts).unwrap();
                    parts = serde_json::from_str(&text).unwrap();
                }
                prop_assert_eq!(whole.observe(*at), parts.observe(*at));
                prop_assert_eq!(whole.close(), parts.close());
            }
        }
    }

    #[test]
    fn what_nobody_heard_is_passed_over() {
        let mut ticks = Ticks::new(1_000, 5_000, 86_400_000);
        ticks.skip_to(3_000);
        assert_eq!((ticks.close(), ticks.latest_ms()), (0..0, None));
        ticks.observe(10_500);
        assert_eq!(ticks.close(), 5..5);
        ticks.skip_to(1_000_000_500);
        assert_eq!(ticks.close(), 1_000_000..1_000_000);
        assert_eq!(ticks.observe(11_000), Arrival::Late);
        assert_eq!(ticks.tick_of(11_000), 1_000_000);
        ticks.skip_to(5_000);
        assert_eq!(ticks.close(), 1_000_000..1_000_000);
    }

    #[test]
    fn after_forgetting_any_time_may_come_and_no_tick_comes_twice() {
        let mut ticks = Ticks::new(1_000, 0, 86_400_000);
        ticks.observe(10_500);
        ticks.close();
        ticks.forget_latest();
        assert_eq!(ticks.observe(1_000_000_000_000), Arrival::OnTime);
        assert_eq!(ticks.close(), 1_000_000_000..1_000_000_000);
        ticks.forget_latest();
        assert_eq!(ticks.observe(2_000), Arrival::OnTime);
        assert_eq!(ticks.close(), 1_000_000_000..1_000_000_000);
        assert_eq!(ticks.tick_of(2_000), 1_000_000_000);
    }

    #[test]
    fn a_date_far_ahead_does_not_move_the_clock() {
        let mut ticks = Ticks::new(1_000, 0, 86_400_000);
        ticks.observe(1_000_000);
        assert_eq!(ticks.observe(1_000_000 + 86_400_001), Arrival::Future);
        assert_eq!(ticks.watermark_ms(), Some(1_000_000));
        assert_eq!(ticks.observe(1_000_000 + 86_400_000), Arrival::OnTime);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut ticks = Ticks::new(1_000, 5_000, 86_400_000);
        for at in [i64::MIN, i64::MAX, 0, i64::MIN] {
            ticks.observe(at);
            ticks.close();
            ticks.tick_of(at);
        }
    }
}
