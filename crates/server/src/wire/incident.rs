//! An incident on the wire.

use std::collections::BTreeMap;

use analyst::{Cause, IncidentStatus, Signal, Slice};
use payments::Timestamp;
use pilot::{Decision, RiskLevel, Target};
use serde::Serialize;
use utoipa::ToSchema;

use crate::backtest::Answer;
use crate::backtest::saved::Saved;

/// RFC 3339 in UTC.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_string()
}

/// `GET /v1/incidents`, one row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Incident {
    id: String,
    #[schema(value_type = String)]
    status: IncidentStatus,
    #[schema(value_type = BTreeMap<String, String>)]
    slice: Slice,
    #[schema(value_type = Vec<BTreeMap<String, String>>)]
    aliases: Vec<Slice>,
    #[schema(value_type = String)]
    signal: Signal,
    #[schema(value_type = String)]
    cause: Cause,
    confidence: f64,
    started_at: String,
    detected_at: String,
    resolved_at: Option<String>,
    resolution: Option<String>,
    baseline_rate: f64,
    observed_rate: f64,
    observed_rate_low: f64,
    observed_rate_high: f64,
    impact: Impact,
    evidence: Vec<Evidence>,
    alternatives: Vec<Alternative>,
    /// What the operator would have done; null where nothing was decided.
    proposed_action: Option<ProposedAction>,
    /// Its risk.
    risk: Option<Risk>,
    /// What it would have come to.
    operator: Option<Operator>,
    breakdown: BTreeMap<String, Vec<Part>>,
    timeline: Vec<Point>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Impact {
    attempts: u64,
    lost_payments: f64,
    lost_payments_low: f64,
    lost_payments_high: f64,
    lost_payments_per_minute: f64,
    lost_minor: Option<i64>,
    currency: Option<String>,
    lost: Vec<Lost>,
    share: f64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Lost {
    minor: i64,
    currency: String,
    minor_low: i64,
    minor_high: i64,
    minor_per_minute: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Evidence {
    kind: String,
    text: String,
    log_bayes_factor: f64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Alternative {
    #[schema(value_type = String)]
    cause: Cause,
    #[schema(value_type = BTreeMap<String, String>)]
    slice: Slice,
    confidence: f64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct ProposedAction {
    action: String,
    from: Option<String>,
    #[schema(value_type = Vec<super::Share>)]
    to: Vec<Target>,
    share: f64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Operator {
    at: String,
    confidence: f64,
    needs_approval: bool,
    reason: String,
    moved_payments: f64,
    lost_payments_after: f64,
    #[schema(value_type = serde_json::Value)]
    saved: Saved,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Risk {
    #[schema(value_type = String)]
    level: RiskLevel,
    text: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct Part {
    value: String,
    attempts_all: u64,
    attempts: u64,
    expected_rate: f64,
    observed_rate: f64,
    lost_payments: f64,
    hit: bool,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TimelinePoint)]
struct Point {
    at: String,
    attempts: u64,
    successes: u64,
    expected: f64,
}

impl ProposedAction {
    fn of(decision: &Decision) -> Self {
        Self {
            action: decision.action.to_string(),
            from: decision.from.clone(),
            to: decision.to.clone(),
            share: decision.share,
        }
    }
}

impl Risk {
    fn of(decision: &Decision) -> Self {
        Self { level: decision.risk.level, text: decision.risk.text.clone() }
    }
}

impl Incident {
    /// As it stands now, with the last decision about it.
    pub fn live(from: &analyst::Incident, decision: Option<&Decision>) -> Self {
        let mut incident = Self::new(from, None);
        incident.proposed_action = decision.map(ProposedAction::of);
        incident.risk = decision.map(Risk::of);
        incident
    }

    /// With the operator's answer to it.
    pub fn new(from: &analyst::Incident, answer: Option<&Answer>) -> Self {
        let lost: Vec<Lost> = from
            .impact
            .lost
            .iter()
            .map(|l| Lost {
                minor: l.amount.minor,
                currency: l.amount.currency.to_string(),
                minor_low: l.interval_minor.0,
                minor_high: l.interval_minor.1,
                minor_per_minute: l.minor_per_minute,
            })
            .collect();
        let only = if let [one] = lost.as_slice() { Some(one) } else { None };
        let mut breakdown: BTreeMap<String, Vec<Part>> = BTreeMap::new();
        for part in &from.breakdown {
            breakdown.entry(part.dimension.clone()).or_default().push(Part {
                value: part.value.clone(),
                attempts_all: part.attempts_all,
                attempts: part.attempts,
                expected_rate: part.expected_rate,
                observed_rate: part.observed_rate,
                lost_payments: part.lost_payments,
                hit: part.hit,
            });
        }
        Self {
            id: from.id.clone(),
            status: from.status,
            slice: from.slice.clone(),
            aliases: from.aliases.clone(),
            signal: from.signal,
            cause: from.cause,
            confidence: from.confidence,
            started_at: rfc3339(from.started_at),
            detected_at: rfc3339(from.detected_at),
            resolved_at: from.resolved_at.map(rfc3339),
            resolution: from.resolution.clone(),
            baseline_rate: from.baseline_rate,
            observed_rate: from.observed_rate,
            observed_rate_low: from.observed_rate_interval.0,
            observed_rate_high: from.observed_rate_interval.1,
            impact: Impact {
                attempts: from.impact.attempts,
                lost_payments: from.impact.lost_payments,
                lost_payments_low: from.impact.lost_payments_low,
                lost_payments_high: from.impact.lost_payments_high,
                lost_payments_per_minute: from.impact.lost_payments_per_minute,
                lost_minor: only.map(|l| l.minor),
                currency: only.map(|l| l.currency.clone()),
                lost,
                share: from.impact.share,
            },
            evidence: from
                .evidence
                .iter()
                .map(|e| Evidence {
                    kind: e.kind.clone(),
                    text: e.text.clone(),
                    log_bayes_factor: e.log_bayes_factor,
                })
                .collect(),
            alternatives: from
                .alternatives
                .iter()
                .map(|a| Alternative {
                    cause: a.cause,
                    slice: a.slice.clone(),
                    confidence: a.confidence,
                })
                .collect(),
            proposed_action: answer.map(|answer| ProposedAction::of(&answer.decision)),
            risk: answer.map(|answer| Risk::of(&answer.decision)),
            operator: answer.map(|answer| Operator {
                at: rfc3339(answer.at),
                confidence: answer.decision.confidence,
                needs_approval: answer.needs_approval(),
                reason: answer.decision.reason.clone(),
                moved_payments: answer.moved(),
                lost_payments_after: answer.lost_after,
                saved: answer.saved.clone(),
            }),
            breakdown,
            timeline: from
                .timeline
                .iter()
                .map(|p| Point {
                    at: rfc3339(p.at),
                    attempts: p.attempts,
                    successes: p.successes,
                    expected: p.expected,
                })
                .collect(),
        }
    }
}
