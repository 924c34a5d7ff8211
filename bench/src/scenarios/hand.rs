//! The rules that people write by hand, to be measured beside the pilot.
//!
//! A rolling window of 60 s per gateway, and per gateway and network or method; it is bad when its success is below 70 % or has dropped by
//! more than 20 points against the last hour, on at least 20 attempts. Half of a bad group's payments go to the gateway with the
//! best window. Checked every 10 s; a group is free again when its window is good.

use std::collections::{BTreeMap, VecDeque};

use payments::{Attempt, Status, Timestamp};
use sim::{Answer, Ask, Operator};

const WINDOW_S: i64 = 60;
const HOUR_S: i64 = 3_600;
const RATE_MIN: f64 = 0.70;
const DROP_MAX: f64 = 0.20;
const ATTEMPTS_MIN: f64 = 20.0;
const SHARE: u64 = 50;
const CHECK_S: i64 = 10;

/// Gateway, and nothing, a network or a method.
type Group = (String, Option<String>);

#[derive(Default)]
struct Rolling {
    seconds: VecDeque<(i64, f64, f64)>,
}

impl Rolling {
    fn add(&mut self, second: i64, approved: f64) {
        match self.seconds.back_mut() {
            Some(last) if last.0 >= second => {
                last.1 += 1.0;
                last.2 += approved;
            }
            _ => self.seconds.push_back((second, 1.0, approved)),
        }
        while self.seconds.front().is_some_and(|first| first.0 < second - HOUR_S) {
            self.seconds.pop_front();
        }
    }

    /// Attempts and success rate from `from` on, until `to`.
    fn rate(&self, from: i64, to: i64) -> (f64, f64) {
        let (n, k) = self
            .seconds
            .iter()
            .rev()
            .take_while(|(second, ..)| *second >= from)
            .filter(|(second, ..)| *second < to)
            .fold((0.0, 0.0), |(n, k), (_, more, approved)| (n + more, k + approved));
        (n, if n > 0.0 { k / n } else { 1.0 })
    }
}

/// The hand-written operator.
#[derive(Default)]
pub struct ByHand {
    groups: BTreeMap<Group, Rolling>,
    bad: Vec<Group>,
    rates: BTreeMap<String, f64>,
    checked: i64,
}

impl ByHand {
    /// What an hour before the scenario has taught it.
    pub fn warm(history: impl Iterator<Item = Attempt>) -> Self {
        let mut rules = Self::default();
        for attempt in history {
            rules.count(&attempt);
        }
        rules
    }

    fn count(&mut self, attempt: &Attempt) {
        let approved = match attempt.status {
            Status::Approved => 1.0,
            Status::Declined | Status::Error | Status::Timeout => 0.0,
            Status::Unknown | Status::Abandoned => return,
        };
        let second = attempt.occurred_at.as_millis().div_euclid(1_000);
        let narrow = attempt.network.clone().unwrap_or_else(|| attempt.method.clone());
        for group in [None, Some(narrow)] {
            self.groups.entry((attempt.gateway.clone(), group)).or_default().add(second, approved);
        }
    }

    fn check(&mut self, now: i64) {
        self.bad.clear();
        self.rates.clear();
        for (group, rolling) in &self.groups {
            let (n, rate) = rolling.rate(now - WINDOW_S, i64::MAX);
            let (before, usual) = rolling.rate(now - HOUR_S, now - WINDOW_S);
            if group.1.is_none() {
                self.rates.insert(group.0.clone(), rate);
            }
            let dropped = before >= ATTEMPTS_MIN && usual - rate > DROP_MAX;
            if n >= ATTEMPTS_MIN && (rate < RATE_MIN || dropped) {
                self.bad.push(group.clone());
            }
        }
    }

    fn is_bad(&self, gateway: &str, narrow: &str) -> bool {
        self.bad.iter().any(|(name, group)| {
            name == gateway && group.as_deref().is_none_or(|group| group == narrow)
        })
    }
}

impl Operator for ByHand {
    fn route(&mut self, ask: &Ask<'_>) -> Answer {
        let stay = Answer { gateway: 0, ..Answer::default() };
        let get = |name| ask.values.iter().find(|(d, _)| *d == name).map(|(_, value)| *value);
        let narrow = get("network").or_else(|| get("method")).unwrap_or_default();
        let coin = stats::window::fingerprint(7, ask.payment_id) % 100;
        if coin >= SHARE || !self.is_bad(ask.candidates[0], narrow) {
            return stay;
        }
        let rate = |name: &str| self.rates.get(name).copied().unwrap_or(0.0);
        let best = (1..ask.candidates.len())
            .filter(|&i| !self.is_bad(ask.candidates[i], narrow))
            .max_by(|&a, &b| rate(ask.candidates[a]).total_cmp(&rate(ask.candidates[b])));
        best.map_or(stay, |gateway| Answer { gateway, ..Answer::default() })
    }

    fn observe(&mut self, attempts: &mut Vec<Attempt>, until: Timestamp) {
        for attempt in attempts.drain(..) {
            self.count(&attempt);
        }
        let now = until.as_millis().div_euclid(1_000);
        if now.div_euclid(CHECK_S) != self.checked {
            self.checked = now.div_euclid(CHECK_S);
            self.check(now);
        }
    }
}
