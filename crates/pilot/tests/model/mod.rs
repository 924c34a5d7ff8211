//! The guardrails as a model of their own: what must hold of the pilot after every step, from outside.

use std::collections::BTreeMap;

use analyst::Slice;
use payments::Timestamp;
use pilot::{
    Action, Authority, Direction, Freeze, Intervention, Limits, Mode, Modes, Network, Pilot,
    Situation, State,
};
use routing::Directive;

const HOUR_MS: i64 = 3_600_000;

/// What the test knows by itself.
pub struct Model {
    pub now: Timestamp,
    pub limits: Limits,
    pub modes: Modes,
    pub freezes: Vec<Freeze>,
    pub killed: bool,
    pub network: Network,
    pub shown: BTreeMap<usize, Situation>,
    /// Slice shares as last shown, per intervention.
    pub sizes: BTreeMap<String, f64>,
    pub before: BTreeMap<String, Intervention>,
    pub starts: Vec<(Slice, i64)>,
    pub directions: Vec<(Slice, Direction, i64)>,
    pub version: u64,
}

pub fn overlaps(a: &Slice, b: &Slice) -> bool {
    a.pairs().all(|(d, v)| b.get(d).is_none_or(|other| other == v))
}

impl Model {
    pub fn situations(&self) -> Vec<Situation> {
        self.shown.values().cloned().collect()
    }

    fn frozen(&self) -> bool {
        self.freezes.iter().any(|f| f.from <= self.now && self.now < f.to)
    }

    fn mode(&self, action: Action) -> Mode {
        match action {
            Action::Reroute => self.modes.reroute,
            Action::SuppressPath => self.modes.suppress_path,
            _ => self.modes.adjust_retry,
        }
    }

    pub fn check(&mut self, pilot: &Pilot, was_cycle: bool) {
        let now = self.now;
        let overlays = &pilot.allocation().overlays;
        let all: BTreeMap<String, Intervention> =
            pilot.interventions().into_iter().map(|i| (i.id.clone(), i)).collect();
        if self.killed {
            assert!(overlays.is_empty(), "the kill switch empties the allocation");
        }
        let active: Vec<&Intervention> =
            all.values().filter(|i| i.state == State::Active).collect();
        assert_eq!(active.len(), overlays.len(), "what is active is in force, and nothing else is");
        let mut shifted = 0.0;
        for overlay in overlays {
            let itv = &all[&overlay.intervention_id];
            let started = itv.started_at.expect("it began").as_millis();
            assert_eq!(itv.state, State::Active);
            assert!(itv.slice.order() > 0, "an empty slice never means everything");
            assert!(overlay.share > 0.0 && overlay.share <= 1.0 - self.limits.probe_share + 1e-9);
            assert!(overlay.expires_at > now, "nothing outlives its time");
            assert!(overlay.expires_at.as_millis() <= started + 4 * HOUR_MS);
            assert!(matches!(self.mode(itv.action), Mode::Auto | Mode::Approve));
            if let Some(situation) = self.shown.values().find(|s| s.incident.slice == itv.slice) {
                if was_cycle {
                    self.sizes.insert(itv.id.clone(), situation.share);
                }
                if let Directive::Reroute { to } = &overlay.directive {
                    for (gateway, _) in to {
                        let path = situation.paths.iter().find(|p| p.gateway == *gateway);
                        let is_fit = path.is_some_and(|p| !p.suspect && !p.hit);
                        assert!(is_fit || !was_cycle, "{gateway} is no target");
                    }
                }
            }
            if let Directive::Reroute { to } = &overlay.directive {
                assert!((to.iter().map(|(_, w)| w).sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(to.iter().all(|(g, w)| *w > 0.0 && Some(g) != overlay.from.as_ref()));
            }
            if !matches!(overlay.directive, Directive::Retry { .. }) {
                assert!(overlay.from.is_some(), "payments leave a gateway that is named");
                shifted += overlay.share * self.sizes.get(&itv.id).copied().unwrap_or(0.0);
                for other in overlays.iter().filter(|o| o.intervention_id != itv.id) {
                    let theirs = &all[&other.intervention_id];
                    let moves = !matches!(other.directive, Directive::Retry { .. });
                    assert!(
                        !moves || !overlaps(&itv.slice, &theirs.slice),
                        "no payment is shifted twice"
                    );
                }
            }
        }
        assert!(shifted <= self.limits.shift_share_max + 1e-9, "{shifted} is shifted");
        let changed = pilot.allocation().version != self.version;
        assert!(pilot.allocation().version >= self.version);
        self.version = pilot.allocation().version;
        for itv in all.values() {
            self.check_change(itv, changed);
        }
        self.before = all;
    }

    fn check_change(&mut self, itv: &Intervention, allocation_changed: bool) {
        let now_ms = self.now.as_millis();
        let before = self.before.get(&itv.id).cloned();
        let was_active = before.as_ref().is_some_and(|b| b.state == State::Active);
        if let Some(before) = &before {
            assert_eq!(before.plan_hash, itv.plan_hash, "a plan is bound to its content");
            assert!(
                itv.to.iter().all(|to| before.to.iter().any(|b| b.gateway == to.gateway)),
                "targets are only left"
            );
            if !matches!(before.state, State::Pending | State::Active) {
                assert_eq!(before.state, itv.state, "what is over stays over");
            }
        }
        let is_active = itv.state == State::Active;
        let grew = is_active && itv.stage > before.as_ref().map_or(0.0, |b| b.stage) + 1e-9;
        if grew {
            assert!(allocation_changed && !self.frozen() && !self.killed);
            assert!(self.network.suspect_share <= 0.5 || itv.authority != Authority::Pilot);
            let heard = self
                .network
                .last_attempt_at
                .is_some_and(|at| now_ms - at.as_millis() < self.limits.silence_ms);
            assert!(heard, "nothing grows in silence");
            self.check_headroom(itv, before.as_ref());
        }
        if is_active && !was_active {
            assert!((itv.stage - 0.05).abs() < 1e-9, "the first step");
            match itv.authority {
                Authority::Pilot => assert_eq!(self.mode(itv.action), Mode::Auto),
                Authority::Person(_) => {}
            }
            for (window, max) in [(HOUR_MS, 3), (24 * HOUR_MS, 10)] {
                let recent = self
                    .starts
                    .iter()
                    .filter(|(s, at)| *s == itv.slice && now_ms - at < window)
                    .count();
                assert!(recent < max, "{recent} interventions before this one");
            }
            self.starts.push((itv.slice.clone(), now_ms));
            self.directed(&itv.slice, Direction::Out);
        } else if grew {
            let e = itv.arms[1].e_benefit;
            assert!(
                e >= 3.0
                    || itv.direction == Direction::Out
                        && before.is_some_and(|b| b.direction == Direction::Home),
                "{e}: inconclusive never promotes"
            );
        }
        let turned = was_active && is_active && self.before[&itv.id].direction != itv.direction;
        if turned {
            self.directed(&itv.slice, itv.direction);
        }
        if was_active && !is_active {
            self.directed(&itv.slice, Direction::Home);
        }
    }

    fn check_headroom(&self, itv: &Intervention, before: Option<&Intervention>) {
        let Some(situation) = self.shown.values().find(|s| s.incident.slice == itv.slice) else {
            return;
        };
        for to in itv.to.iter().filter(|_| itv.action == Action::Reroute) {
            let path = situation.paths.iter().find(|p| p.gateway == to.gateway).expect("a path");
            let free = (path.capacity_per_s.unwrap_or(f64::INFINITY) - path.load_per_s).max(0.0);
            let sent = |share: f64| share * to.share * situation.attempts_per_s;
            let shown = before.map_or(0.0, |b| sent(b.stage));
            assert!(sent(itv.stage) <= free + shown + 1e-6, "{} has no room", to.gateway);
        }
    }

    fn directed(&mut self, slice: &Slice, direction: Direction) {
        let now_ms = self.now.as_millis();
        self.directions.push((slice.clone(), direction, now_ms));
        if direction == Direction::Out {
            let recent =
                self.directions.iter().filter(|(s, _, at)| s == slice && now_ms - at < HOUR_MS);
            let recent: Vec<Direction> = recent.map(|(_, direction, _)| *direction).collect();
            let flips = recent.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(flips <= 2, "{flips} flips within the hour");
        }
    }
}
