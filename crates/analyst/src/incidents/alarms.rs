//! What becomes of a tick's alarms: which are echoes, which have been explained already, and which ask for a cause.

use crate::analyst::{Analyst, News};
use crate::incidents::binomial_llr;
use crate::incidents::locate::Seen;
use crate::incidents::open::{Root, is_part, rate_said};
use crate::logistic::shift;
use crate::signal::{Signal, mask_of};
use crate::space::SliceKey;
use crate::watch::Alarm;

/// What alarms so soon after an incident was found is mostly its echo in slices that share its attempts.
const JUST_MS: i64 = 60_000;
/// Attempts under way when an incident ends report this late: slow ones last.
const ECHO_MS: i64 = 120_000;

impl Analyst {
    /// Turns this tick's alarms into findings and incidents.
    pub(crate) fn handle_alarms(
        &mut self,
        mut alarms: Vec<(u32, Alarm)>,
        now_ms: i64,
        news: &mut Vec<News>,
    ) {
        let strength = |alarm: &Alarm| alarm.e_value / alarm.threshold;
        alarms.sort_by(|(a_at, a), (b_at, b)| {
            (a.signal, a_at)
                .0
                .cmp(&b.signal)
                .then(strength(b).total_cmp(&strength(a)))
                .then(a_at.cmp(b_at))
        });
        for (place, alarm) in alarms {
            let Some(key) = self.watches.at(place).map(|watch| watch.key) else { continue };
            if alarm.signal == Signal::Volume {
                self.open_volume(key, alarm, now_ms, news);
            } else {
                self.explain(key, alarm, now_ms, news);
            }
        }
    }

    fn explain(&mut self, key: SliceKey, alarm: Alarm, now_ms: i64, news: &mut Vec<News>) {
        if self.is_echo(key, &alarm, now_ms) {
            return;
        }
        let dispersion = self.watches.dispersion(key);
        let is_little = |n: f64, bad: f64, normal: f64| {
            binomial_llr(n, bad, normal) / dispersion < libm::log(alarm.threshold) / 4.0
        };
        if let Some(since) = self.just_found(&alarm, now_ms) {
            let [held, left] = self.held_and_left(key, since, &alarm);
            let normal = self.normal(key, &alarm, &left);
            if is_little(left.n, left.bad, normal) && held.bad - held.expected > left.bad - normal {
                // An incident that was found a moment ago has taken most of it away.
                if left.n > 0.0 {
                    let rates = [left.bad, normal].map(|bad| rate_said(&alarm, bad / left.n));
                    news.push(self.finding(key, &alarm, now_ms, rates[0], rates[1]));
                }
                return;
            }
        }
        let onset = self.onset(key, &alarm, now_ms);
        let young: Vec<u32> = self
            .incidents
            .all()
            .filter(|tracker| tracker.is_open() && tracker.mask == mask_of(alarm.signal))
            .filter(|tracker| self.together(tracker.started_at_ms, onset))
            .map(|tracker| tracker.number)
            .collect();
        let mut cells = self.cells_between(key, (onset, i64::MAX), &alarm, &[]);
        let (n, bad, expected) = self.sum_in(key, &cells);
        if n <= 0.0 {
            return;
        }
        let normal = self.normal(key, &alarm, &Seen { n, bad, expected });
        let (observed, expected) = (rate_said(&alarm, bad / n), rate_said(&alarm, normal / n));
        news.push(self.finding(key, &alarm, now_ms, observed, expected));
        if is_little(n, bad, normal) {
            return;
        }
        let mut roots = self.choose_roots(key, &cells, &alarm);
        let mut since = onset;
        if let Some((joint, from)) = self.joint_cells(key, &alarm, onset, &young) {
            let causes = self.choose_roots(key, &joint, &alarm);
            if self.explain_young(&causes, &joint, &young) {
                (cells, roots, since) = (joint, causes, from);
            }
        }
        for (place, Root { key: root, .. }) in roots.into_iter().enumerate() {
            let (n, bad, expected) = self.sum_in(root, &cells);
            let enough = binomial_llr(n, bad, expected) / dispersion >= libm::log(alarm.threshold);
            if place == 0 || enough {
                self.open(root, alarm, since, now_ms, news);
            }
        }
    }

    /// Since when the incidents last that hold what an alarm is about and were found within the last moments.
    fn just_found(&self, alarm: &Alarm, now_ms: i64) -> Option<i64> {
        self.incidents
            .all()
            .filter(|tracker| tracker.is_open() && now_ms - tracker.detected_at_ms <= JUST_MS)
            .filter(|tracker| [Some(0), mask_of(alarm.signal)].contains(&tracker.mask))
            .map(|tracker| tracker.started_at_ms)
            .min()
    }

    /// Bad attempts that a slice is used to, its own level included.
    fn normal(&self, key: SliceKey, alarm: &Alarm, seen: &Seen) -> f64 {
        let bias = self.watches.get(key).map_or(0.0, |watch| watch.bias);
        match alarm.signal {
            Signal::SuccessRate if seen.n > 0.0 => {
                seen.n * (1.0 - shift(1.0 - seen.expected / seen.n, bias))
            }
            _ => seen.expected,
        }
    }

    /// Whether slow or odd answers are those of an outage that has just ended here: a timeout is
    /// known only when it is over.
    fn is_echo(&self, key: SliceKey, alarm: &Alarm, now_ms: i64) -> bool {
        alarm.signal != Signal::SuccessRate
            && self.incidents.all().any(|tracker| {
                let ended = tracker.resolved_at_ms.is_some_and(|at| now_ms - at <= ECHO_MS);
                ended
                    && tracker.mask == Some(0)
                    && (is_part(key, tracker.key) || is_part(tracker.key, key))
            })
    }
}
