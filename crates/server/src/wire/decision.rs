//! A cycle's decision on the wire: its parts, and the text whose form is fixed.

use pilot::{Action, Mode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Held, Share, rfc3339};

/// `GET /v1/decisions`, one row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Decision {
    id: String,
    at: String,
    incident_id: String,
    diagnosis: Option<String>,
    evidence: Option<String>,
    proposed_action: String,
    risk: String,
    /// Of the decision: the probability that the action gains payments.
    confidence: f64,
    /// Asks for a person, where one is needed.
    recommendation: Option<String>,
    /// The whole, line by line.
    text: Option<String>,
    #[schema(value_type = String)]
    action: Action,
    #[schema(value_type = BTreeMap<String, String>)]
    slice: analyst::Slice,
    from: Option<String>,
    to: Vec<Share>,
    share: f64,
    #[schema(value_type = String)]
    mode: Mode,
    needs_approval: bool,
    intervention_id: Option<String>,
    experiment_id: Option<String>,
    held: Vec<Held>,
    reason: String,
    /// Where no traffic moves: the reroutes that were weighed, the one that would be carried out first.
    considered: Vec<Considered>,
    /// Where its mode lets nobody follow it, ten minutes later or when the incident is over: what would have come of it.
    hindsight: Option<Hindsight>,
}

/// What would have come of a plan that nobody followed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hindsight {
    /// When it was judged.
    at: String,
    /// `helped`, `harmed` or `undecided`: it would have, by the interval of its gain.
    #[schema(value_type = String)]
    verdict: engine::Verdict,
    /// Attempts that stayed where the plan would have taken them from.
    attempts: f64,
    /// Success rate of these.
    rate: f64,
    /// Success rate that they would have met elsewhere.
    rate_elsewhere: f64,
    /// Approvals that each payment moved would have gained, with its 95 % interval.
    gain: f64,
    gain_low: f64,
    gain_high: f64,
}

/// A reroute that was weighed and not made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Considered {
    #[schema(value_type = BTreeMap<String, String>)]
    slice: analyst::Slice,
    from: String,
    to: Vec<Share>,
    /// Probability that it would gain payments.
    confidence: f64,
}

impl Decision {
    /// With the cycle's text, where the incident is known.
    pub fn new(from: &pilot::Decision, text: Option<&str>) -> Self {
        let part = |label: &str| {
            let lines = text.into_iter().flat_map(str::lines);
            lines.into_iter().find_map(|line| line.strip_prefix(label)).map(ToOwned::to_owned)
        };
        let (action, risk) = pilot::words(from);
        Self {
            id: from.id.clone(),
            at: rfc3339(from.at),
            incident_id: from.incident_id.clone(),
            diagnosis: part("Diagnosis: "),
            evidence: part("Evidence: "),
            proposed_action: part("Proposed Action: ").unwrap_or(action),
            risk: part("Risk Assessment: ").unwrap_or(risk),
            confidence: from.confidence,
            recommendation: part("Recommendation: "),
            text: text.map(Into::into),
            action: from.action,
            slice: from.slice.clone(),
            from: from.from.clone(),
            to: Share::of(&from.to),
            share: from.share,
            mode: from.mode,
            needs_approval: from.needs_approval,
            intervention_id: from.intervention_id.clone(),
            experiment_id: from.experiment_id.clone(),
            held: Held::of(&from.held),
            reason: from.reason.clone(),
            considered: from.considered.iter().map(Considered::of).collect(),
            hindsight: None,
        }
    }

    /// The same, judged.
    pub fn judged(self, hindsight: &engine::Hindsight) -> Self {
        Self { hindsight: Some(Hindsight::of(hindsight)), ..self }
    }
}

impl Hindsight {
    fn of(from: &engine::Hindsight) -> Self {
        Self {
            at: rfc3339(from.at),
            verdict: from.verdict,
            attempts: from.attempts,
            rate: from.rate,
            rate_elsewhere: from.rate_elsewhere,
            gain: from.gain,
            gain_low: from.gain_low,
            gain_high: from.gain_high,
        }
    }
}

impl Considered {
    fn of(from: &pilot::Considered) -> Self {
        Self {
            slice: from.slice.clone(),
            from: from.from.clone(),
            to: Share::of(&from.to),
            confidence: from.confidence,
        }
    }
}
