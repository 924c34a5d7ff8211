//! How much each gateway is used, and what share of its payments it has room for.
//!
//! **Problem.** A gateway that takes so many attempts a second must not be sent more, and the choice knows nothing of other choices.
//!
//! **Method.** A controller per gateway with a capacity: the share admitted is steered, by a tenth per tick at most, until the attempts counted (an average that
//! forgets over ten ticks) are nine tenths of the capacity. Attempts are counted where they were made, so payments that are not routed here count as well.

use std::collections::BTreeMap;

use analyst::Counted;
use payments::Timestamp;
use routing::Gateway;
use serde::{Deserialize, Serialize};

use crate::standing::CHOSEN;

/// Of the capacity that is used at most; the rest is headroom for bursts.
const HEADROOM: f64 = 0.9;
/// Share of the average that a tick replaces.
const NEWEST: f64 = 0.1;
/// What is admitted however full it is: without it nobody would see that it has room again.
const ADMITTED_MIN: f64 = 0.01;

/// The gateway that attempts were made at.
pub(crate) fn gateway_of<'a>(counted: &Counted<'a>) -> Option<&'a str> {
    counted.values.iter().find(|(name, _)| *name == CHOSEN).map(|(_, gateway)| *gateway)
}

/// The controllers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Load {
    at: Option<Timestamp>,
    per_s: BTreeMap<String, f64>,
    admitted: BTreeMap<String, f64>,
}

impl Load {
    pub fn admitted(&self) -> &BTreeMap<String, f64> {
        &self.admitted
    }

    /// A tick ended at `at` and counted these.
    pub fn tick(&mut self, gateways: &[Gateway], counted: &[Counted<'_>], at: Timestamp) {
        let ms = self.at.map_or(1_000, |before| at.millis_since(before).max(1));
        self.at = Some(at);
        let limited =
            |name: &str| gateways.iter().any(|g| g.name == name && g.capacity_per_s.is_some());
        self.per_s.retain(|name, _| limited(name));
        self.admitted.retain(|name, _| limited(name));
        let mut attempts = BTreeMap::<&str, u64>::new();
        for counted in counted {
            if let Some(gateway) = gateway_of(counted) {
                *attempts.entry(gateway).or_default() += counted.attempts;
            }
        }
        for gateway in gateways {
            let Some(capacity) = gateway.capacity_per_s.filter(|capacity| *capacity > 0.0) else {
                continue;
            };
            let attempts = attempts.get(gateway.name.as_str()).copied().unwrap_or(0);
            let now = attempts as f64 * 1_000.0 / ms as f64;
            let per_s = self.per_s.entry(gateway.name.clone()).or_default();
            *per_s += NEWEST * (now - *per_s);
            let before = self.admitted.get(&gateway.name).copied().unwrap_or(1.0);
            let wanted = (HEADROOM * capacity / per_s.max(1e-9)).clamp(0.9, 1.1);
            let admitted = (before * wanted).clamp(ADMITTED_MIN, 1.0);
            if admitted < 1.0 {
                self.admitted.insert(gateway.name.clone(), admitted);
            } else {
                self.admitted.remove(&gateway.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_settles_below_the_capacity_and_opens_again() {
        let gateway =
            Gateway { name: "a".into(), capacity_per_s: Some(50.0), ..Gateway::default() };
        let mut load = Load::default();
        let mut second = 0;
        let mut run = |load: &mut Load, offered: f64, seconds: i64| {
            let mut sent = 0.0;
            for _ in 0..seconds {
                second += 1;
                let share = load.admitted().get("a").copied().unwrap_or(1.0);
                sent = offered * share;
                let attempts = sent as u64;
                let values = vec![(CHOSEN, "a")];
                let counted = [Counted { values, amount: None, attempts, successes: attempts }];
                let gateways = std::slice::from_ref(&gateway);
                load.tick(gateways, &counted, Timestamp::from_millis(second * 1_000));
            }
            sent
        };
        assert_eq!(run(&mut load, 30.0, 100), 30.0);
        let sent = run(&mut load, 200.0, 300);
        assert!((35.0..50.0).contains(&sent), "{sent}");
        assert_eq!(run(&mut load, 30.0, 300), 30.0);
        assert!(load.admitted().is_empty());
    }
}
