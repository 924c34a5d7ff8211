//! When each slice is judged, and by what.

use super::Watches;
use crate::lanes::{E, K, Lanes, V, VOLUME};
use crate::watch::{Alarm, Moment};

/// Ticks this long are judged one by one.
const LONG_TICK_MS: i64 = 60_000;
/// Binomial variance that a judgement waits for, in a slice that isn't warm yet, and in a suspicious one; or so many attempts.
const ENOUGH_VARIANCE: f32 = 8.0;
pub(super) const COLD_VARIANCE: f32 = 2.0;
const SUSPICIOUS_VARIANCE: f32 = 0.5;
const ENOUGH_ATTEMPTS: f32 = 64.0;
/// Shares of traffic are judged once a minute, or when so many attempts are expected, if they come
/// within ten minutes.
const SHARE_ATTEMPTS: f64 = 30.0;
const MINUTE_MS: i64 = 60_000;
/// Judgements whose memory is asked for together.
const AHEAD: usize = 16;

/// What is to be judged of a slice in this tick: nothing, what gathered before failures piled up and what came since, each by itself, or all.
#[derive(Clone, Copy, PartialEq)]
enum Ripe {
    Not,
    Apart,
    Whole,
}

/// A tick that is being judged.
#[derive(Clone, Copy)]
struct Clock {
    number: i64,
    at_ms: i64,
    tick_ms: i64,
}

impl Watches {
    /// Judges what is due; the number is that of the tick.
    pub fn judge(&mut self, number: i64, at_ms: i64, tick_ms: i64) -> Vec<(u32, Alarm)> {
        let mut alarms = Vec::new();
        let mut touched = std::mem::take(&mut self.touched);
        touched.iter().for_each(|&place| self.is_touched[place as usize] = false);
        let (all, crowded) = (0..self.list.len() as u32, self.crowded);
        let clock = Clock { number, at_ms, tick_ms };
        if tick_ms >= LONG_TICK_MS {
            alarms.extend(all.filter_map(|place| self.judge_all_of(place, clock)));
        } else {
            if crowded {
                self.look(all, clock, &mut alarms);
            } else {
                self.look(touched.iter().copied(), clock, &mut alarms);
            }
            if at_ms.div_euclid(MINUTE_MS) != (at_ms - tick_ms).div_euclid(MINUTE_MS) {
                for place in 0..self.list.len() as u32 {
                    if self.shares_due[place as usize] <= number {
                        alarms.extend(self.judge_all_of(place, clock));
                    }
                }
            }
            alarms.sort_unstable_by_key(|(place, _)| *place);
        }
        touched.clear();
        self.touched = touched;
        alarms.extend(self.judge_volume(number, at_ms, tick_ms).map(|alarm| (0, alarm)));
        alarms
    }

    /// Judges the slices whose gathered counts are worth it. What a judgement needs lies all over the memory: it is asked for some places ahead.
    fn look(
        &mut self,
        mut places: impl Iterator<Item = u32>,
        clock: Clock,
        alarms: &mut Vec<(u32, Alarm)>,
    ) {
        let mut ripe = Vec::with_capacity(AHEAD);
        loop {
            while ripe.len() < AHEAD
                && let Some(place) = places.next()
            {
                match self.weigh(place, clock) {
                    Ripe::Not => {}
                    how => ripe.push((place, how)),
                }
            }
            if ripe.is_empty() {
                return;
            }
            let watches = ripe.iter().filter_map(|(place, _)| self.at(*place));
            std::hint::black_box(watches.map(|watch| watch.touch(&self.book)).sum::<f64>());
            for (place, how) in ripe.drain(..) {
                if how == Ripe::Whole {
                    alarms.extend(self.judge_all_of(place, clock));
                    continue;
                }
                let before = std::mem::take(&mut self.waiting[place as usize].0);
                let since = std::mem::take(&mut self.sums[place as usize].0);
                let first = self.judge_one(place, &before, false, clock);
                alarms.extend(first.or(self.judge_one(place, &since, false, clock)));
            }
        }
    }

    /// Whether what a slice has gathered is to be judged now.
    #[inline]
    fn weigh(&mut self, place: u32, clock: Clock) -> Ripe {
        let at = place as usize;
        let (sums, waiting) = (&mut self.sums[at].0, &mut self.waiting[at].0);
        if sums.0[VOLUME] == 0.0 {
            return Ripe::Not;
        }
        let missing = sums.0[E] - sums.0[K];
        if missing >= 2.0 && missing * missing >= 6.0 * sums.0[V] {
            return Ripe::Apart;
        }
        if self.due[at] > clock.number {
            return Ripe::Not;
        }
        let variance = waiting.0[V] + sums.0[V];
        let attempts = waiting.0[VOLUME] + sums.0[VOLUME];
        if variance >= self.enough[at] || attempts >= ENOUGH_ATTEMPTS {
            return Ripe::Whole;
        }
        if missing <= 0.0 {
            waiting.add(&std::mem::take(sums));
        }
        let period = period(self.rates[at], clock.tick_ms);
        self.due[at] = clock.number - clock.number.rem_euclid(period) + period;
        Ripe::Not
    }

    fn judge_all_of(&mut self, place: u32, clock: Clock) -> Option<(u32, Alarm)> {
        let at = place as usize;
        let mut all = std::mem::take(&mut self.waiting[at]).0;
        all.add(&std::mem::take(&mut self.sums[at]).0);
        let shares = self.shares_due[at] <= clock.number;
        if shares {
            let period = shares_period(self.rates[at], clock.tick_ms);
            self.shares_due[at] = clock.number - clock.number.rem_euclid(period) + period;
        }
        self.judge_one(place, &all, shares || clock.tick_ms >= LONG_TICK_MS, clock)
    }

    /// `shares` says that all traffic so far is in: what is there of it can be held against it.
    fn judge_one(
        &mut self,
        place: u32,
        sums: &Lanes,
        shares: bool,
        clock: Clock,
    ) -> Option<(u32, Alarm)> {
        let Clock { number, at_ms, tick_ms } = clock;
        let at = place as usize;
        let watch = self.list[at].as_mut()?;
        let period = period(self.rates[at], tick_ms);
        self.due[at] = number - number.rem_euclid(period) + period;
        let moment = Moment {
            at_ms,
            scale_ms: tick_ms.max(10_000),
            season_variance: self.season_variances[at],
            traffic: self.traffic,
            shares,
            book: &self.book,
            thresholds: &self.thresholds[watch.subset as usize],
        };
        let alarm = watch.judge(sums, &moment);
        self.enough[at] = match (watch.is_warm(), watch.is_suspicious(moment.thresholds)) {
            (false, _) => COLD_VARIANCE,
            (true, false) => ENOUGH_VARIANCE,
            (true, true) => SUSPICIOUS_VARIANCE,
        };
        alarm.map(|alarm| (place, alarm))
    }
}

/// How many ticks apart a slice of this many attempts per tick is looked at.
fn period(rate: f64, tick_ms: i64) -> i64 {
    let period_ms = match rate * 1_000.0 / tick_ms as f64 {
        r if r >= 20.0 => 1_000,
        r if r >= 0.5 => 5_000,
        r if r >= 0.05 => 10_000,
        _ => 30_000,
    };
    (period_ms / tick_ms).max(1)
}

/// The same for its share of traffic.
fn shares_period(rate: f64, tick_ms: i64) -> i64 {
    if tick_ms >= LONG_TICK_MS {
        return 1;
    }
    let period = SHARE_ATTEMPTS / rate.max(1e-9);
    (period.min(1e9) as i64).clamp(MINUTE_MS / tick_ms, 10 * MINUTE_MS / tick_ms).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::N;
    use crate::settings::Settings;
    use crate::space::{SliceKey, Space};
    use crate::watch::Watch;

    const CLOCK: Clock = Clock { number: 100, at_ms: 1_001_000, tick_ms: 10_000 };

    fn watches() -> Watches {
        let mut space = Space::new(&["gateway".to_owned()], 10);
        space.number(0, "one");
        let mut watches = Watches::new(&space, &Settings::default());
        let watch = Watch::new(SliceKey::ALL, 0, 0.0, true, (0, 0.0));
        watches.insert(watch, 1.0, 0.0);
        watches.enough[0] = ENOUGH_VARIANCE;
        watches
    }

    fn tick(n: f32, k: f32) -> Lanes {
        let mut lanes = Lanes::default();
        (lanes.0[N], lanes.0[K], lanes.0[VOLUME]) = (n, k, n);
        (lanes.0[E], lanes.0[V]) = (0.8 * n, 0.16 * n);
        lanes
    }

    fn gathered(watches: &Watches) -> [f32; 2] {
        [watches.waiting[0].0.0[N], watches.sums[0].0.0[N]]
    }

    #[test]
    fn what_came_before_the_failures_is_judged_apart() {
        let mut watches = watches();
        for (n, k, want) in [(10.0, 9.0, [10.0, 0.0]), (3.0, 2.0, [10.0, 3.0])] {
            watches.add(&[0], &tick(n, k));
            watches.due[0] = 0;
            watches.look([0].into_iter(), CLOCK, &mut Vec::new());
            assert_eq!(gathered(&watches), want);
        }
        watches.add(&[0], &tick(5.0, 0.0));
        watches.look([0].into_iter(), CLOCK, &mut Vec::new());
        assert_eq!(gathered(&watches), [0.0, 0.0]);
    }

    #[test]
    fn a_tick_looks_only_at_what_it_touched() {
        let mut watches = watches();
        watches.add(&[0], &tick(200.0, 160.0));
        assert_eq!(watches.touched, [0]);
        watches.judge(100, 1_001_000, 10_000);
        assert!(watches.touched.is_empty() && !watches.is_touched[0]);
        assert_eq!(gathered(&watches), [0.0, 0.0]);
    }
}
