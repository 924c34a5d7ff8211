//! What the pilot and the routing are told: modes, guardrails, gateways.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::span;

/// `modes`, `guardrails`, `memory` and `freezes` of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Modes {
    reroute: Option<pilot::Mode>,
    adjust_retry: Option<pilot::Mode>,
    suppress_path: Option<pilot::Mode>,
    alert: Option<pilot::Mode>,
}

/// `guardrails`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Guardrails {
    confidence_min: Option<f64>,
    shift_share_max: Option<f64>,
    steps: Option<Vec<f64>>,
    cooldown: Option<String>,
    ttl: Option<String>,
    ttl_max: Option<String>,
    money_max: Option<BTreeMap<String, i64>>,
    actions_per_hour_max: Option<u32>,
    actions_per_day_max: Option<u32>,
    flips_per_hour_max: Option<u32>,
    failed_fixes_max: Option<u32>,
    suspect_share_max: Option<f64>,
    probe_share: Option<f64>,
}

/// `memory`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Memory {
    key: Option<Vec<String>>,
}

/// `routing`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Routing {
    seed: Option<u64>,
    learning: Option<routing::Learning>,
    floor: Option<f64>,
    newcomers_max: Option<f64>,
    boldness: Option<f64>,
    sticky_loss_max: Option<f64>,
    kept_for_tests: Option<f64>,
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

impl Modes {
    /// One mode for every action.
    pub fn all(mode: pilot::Mode) -> Self {
        let mode = Some(mode);
        Self { reroute: mode, adjust_retry: mode, suppress_path: mode, alert: mode }
    }

    /// Modes that are set, over those given.
    pub fn put(&self, modes: &mut pilot::Modes) {
        set(&mut modes.reroute, self.reroute);
        set(&mut modes.adjust_retry, self.adjust_retry);
        set(&mut modes.suppress_path, self.suppress_path);
        set(&mut modes.alert, self.alert);
    }
}

impl Guardrails {
    /// Limits that are set, over those given.
    pub fn put(&self, limits: &mut pilot::Limits) {
        let ms = |text: &Option<String>| text.as_deref().and_then(span::parse);
        set(&mut limits.confidence_min, self.confidence_min);
        set(&mut limits.shift_share_max, self.shift_share_max);
        set(&mut limits.steps, self.steps.clone());
        set(&mut limits.cooldown_ms, ms(&self.cooldown));
        set(&mut limits.ttl_ms, ms(&self.ttl));
        set(&mut limits.ttl_max_ms, ms(&self.ttl_max));
        set(&mut limits.money_per_minute_max, self.money_max.clone());
        set(&mut limits.actions_per_hour_max, self.actions_per_hour_max);
        set(&mut limits.actions_per_day_max, self.actions_per_day_max);
        set(&mut limits.flips_per_hour_max, self.flips_per_hour_max);
        set(&mut limits.failed_fixes_max, self.failed_fixes_max);
        set(&mut limits.suspect_share_max, self.suspect_share_max);
        set(&mut limits.probe_share, self.probe_share);
    }
}

impl Memory {
    /// The key, if set.
    pub fn put(&self, key: &mut Vec<String>) {
        set(key, self.key.clone());
    }
}

impl Routing {
    /// What is learnt is followed so far.
    pub fn learning(learning: routing::Learning) -> Self {
        Self { learning: Some(learning), ..Self::default() }
    }

    /// What is set, over what is given.
    pub fn put(&self, routing: &mut engine::Routing) {
        set(&mut routing.seed, self.seed);
        set(&mut routing.learning, self.learning);
        let exploration = &mut routing.exploration;
        set(&mut exploration.floor, self.floor);
        set(&mut exploration.newcomers_max, self.newcomers_max);
        set(&mut exploration.boldness, self.boldness);
        set(&mut exploration.sticky_loss_max, self.sticky_loss_max);
        set(&mut exploration.kept_for_tests, self.kept_for_tests);
    }
}
