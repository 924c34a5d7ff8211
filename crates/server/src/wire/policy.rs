//! What the data plane obeys, and what the operator remembers, on the wire.

use std::collections::BTreeMap;

use pilot::{Action, Outcome};
use routing::{Directive, Overlay};
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;

/// How retries are to be made.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Retry {
    attempts_max: u32,
    delay_s_min: u32,
}

/// One overlay of the allocation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicySlice {
    slice: BTreeMap<String, String>,
    /// Gateway and share of the slice's payments; the gateway left keeps what isn't moved.
    shares: BTreeMap<String, f64>,
    /// Taken out, but for a trickle; the router's next best serves.
    suppressed: bool,
    retry: Option<Retry>,
    intervention_id: String,
    expires_at: String,
}

/// `GET /v1/policy`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Policy {
    version: u64,
    kill_switch: bool,
    slices: Vec<PolicySlice>,
}

impl Policy {
    /// Of a policy.
    pub fn new(from: &routing::Policy) -> Self {
        let terms = from.terms();
        Self {
            version: terms.version,
            kill_switch: terms.kill_switch,
            slices: terms.allocation.overlays.iter().map(slice).collect(),
        }
    }

    /// Its ETag.
    pub fn tag(&self) -> String {
        format!("\"{}{}\"", self.version, if self.kill_switch { "-killed" } else { "" })
    }
}

fn slice(overlay: &Overlay) -> PolicySlice {
    let mut slice: BTreeMap<String, String> =
        overlay.when.iter().map(|(d, v)| (d.to_owned(), v.to_owned())).collect();
    let mut shares = BTreeMap::new();
    if let Some(from) = &overlay.from {
        slice.insert("gateway".into(), from.clone());
        if !matches!(overlay.directive, Directive::Retry { .. }) {
            shares.insert(from.clone(), 1.0 - overlay.share);
        }
    }
    if let Directive::Reroute { to } = &overlay.directive {
        let whole: f64 = to.iter().map(|(_, weight)| weight).sum();
        for (gateway, weight) in to {
            *shares.entry(gateway.clone()).or_default() +=
                overlay.share * weight / whole.max(1e-12);
        }
    }
    PolicySlice {
        slice,
        shares,
        suppressed: matches!(overlay.directive, Directive::Suppress),
        retry: match overlay.directive {
            Directive::Retry { attempts_max, delay_s_min } => {
                Some(Retry { attempts_max, delay_s_min })
            }
            Directive::Reroute { .. } | Directive::Suppress => None,
        },
        intervention_id: overlay.intervention_id.clone(),
        expires_at: rfc3339(overlay.expires_at),
    }
}

/// How credible trouble of a route's own is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Belief {
    #[schema(value_type = BTreeMap<String, String>)]
    slice: analyst::Slice,
    confidence: f64,
    times_seen: u64,
    last_seen: String,
    /// The newest that incidents did to it, oldest first; in between it halves each week.
    moves: Vec<Move>,
}

/// What one incident did to a belief.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Move {
    incident_id: String,
    /// When the incident was over; null while it goes on.
    at: Option<String>,
    before: f64,
    after: f64,
}

/// How often an action ended so on a pattern.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Lesson {
    pattern: String,
    #[schema(value_type = String)]
    action: Action,
    #[schema(value_type = String)]
    outcome: Outcome,
    times_seen: u64,
}

/// `GET /v1/memory`, and `memory.json`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Memory {
    beliefs: BTreeMap<String, Belief>,
    lessons: Vec<Lesson>,
}

impl Memory {
    /// Of what the pilot remembers.
    pub fn new(from: &pilot::Memory) -> Self {
        let moved = |moved: &pilot::Move| Move {
            incident_id: moved.incident_id.clone(),
            at: moved.at.map(rfc3339),
            before: moved.before,
            after: moved.after,
        };
        let belief = |belief: &pilot::Belief| Belief {
            slice: belief.slice.clone(),
            confidence: belief.confidence,
            times_seen: belief.times_seen,
            last_seen: rfc3339(belief.last_seen),
            moves: belief.moves.iter().map(moved).collect(),
        };
        let lesson = |lesson: &pilot::Lesson| Lesson {
            pattern: lesson.pattern.clone(),
            action: lesson.action,
            outcome: lesson.outcome,
            times_seen: lesson.times_seen,
        };
        Self {
            beliefs: from.beliefs.iter().map(|(key, b)| (key.clone(), belief(b))).collect(),
            lessons: from.lessons.iter().map(lesson).collect(),
        }
    }
}
