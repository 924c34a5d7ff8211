//! What a cycle says of an incident: what is done, or why not, at what risk.

use analyst::Slice;
use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decide::{Considered, Gain};
use crate::guardrails::Held;
use crate::{Action, Mode, Retry, Target};

/// How much is at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Nothing is touched.
    None,
    /// Less than 5 % of all traffic.
    Low,
    /// Less than 20 %.
    Medium,
    /// More.
    High,
}

impl RiskLevel {
    /// Of moving this share of all traffic.
    pub fn of(share_of_all: f64) -> Self {
        match share_of_all {
            share if share <= 0.0 => Self::None,
            share if share < 0.05 => Self::Low,
            share if share < 0.2 => Self::Medium,
            _ => Self::High,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The risk of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// How much is at stake.
    pub level: RiskLevel,
    /// In words, with numbers.
    pub text: String,
}

/// What is done about an incident, or why nothing is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// `d_1`, `d_2`, ...
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Of which incident.
    pub incident_id: String,
    /// What.
    pub action: Action,
    /// Where.
    pub slice: Slice,
    /// The gateway that payments leave.
    pub from: Option<String>,
    /// Where to.
    pub to: Vec<Target>,
    /// Share of the slice.
    pub share: f64,
    /// How to retry.
    pub retry: Option<Retry>,
    /// The intervention, where there is one, waiting or in force.
    pub intervention_id: Option<String>,
    /// Its experiment.
    pub experiment_id: Option<String>,
    /// What is expected of it at full size.
    pub gain: Gain,
    /// Probability that the action gains payments; for `alert` and `no_action` the incident's own.
    pub confidence: f64,
    /// Whether it waits for a person.
    pub needs_approval: bool,
    /// The action's mode.
    pub mode: Mode,
    /// What is at stake.
    pub risk: Risk,
    /// What was held, and why.
    pub held: Vec<Held>,
    /// Why this.
    pub reason: String,
    /// Where no traffic moves: the reroutes that were weighed, the one that would be carried out first.
    pub considered: Vec<Considered>,
}

/// The lines `Proposed Action` and `Risk Assessment` of the cycle's output, without their labels.
pub fn words(decision: &Decision) -> (String, String) {
    let share = percent(decision.share);
    let mut action = match decision.action {
        Action::Reroute => format!(
            "reroute {share} of the slice from {} to {}",
            decision.from.as_deref().unwrap_or("-"),
            targets(&decision.to)
        ),
        Action::SuppressPath => format!(
            "suppress_path {} for {share} of the slice, the router's next best serves",
            decision.from.as_deref().unwrap_or("-")
        ),
        Action::AdjustRetry => match decision.retry {
            Some(Retry { attempts_max, delay_s_min }) => format!(
                "adjust_retry for {share} of the slice: {attempts_max} attempts at most, {delay_s_min} s apart"
            ),
            None => "adjust_retry".into(),
        },
        Action::Alert | Action::NoAction => decision.action.to_string(),
    };
    if let Some(id) = &decision.experiment_id {
        action = format!("{action} (experiment {id})");
    }
    if !decision.reason.is_empty() {
        action = format!("{action} - {}", decision.reason);
    }
    let risk = format!("{} - {}", decision.risk.level.word(), decision.risk.text);
    (one_line(&action), one_line(&risk))
}

/// `payu`, or `payu (70 %) and stripe (30 %)`.
fn targets(to: &[Target]) -> String {
    let named = |target: &Target| format!("{} ({:.0} %)", target.gateway, target.share * 100.0);
    match to {
        [] => "-".into(),
        [only] => only.gateway.clone(),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(named).collect();
            format!("{} and {}", first.join(", "), named(last))
        }
    }
}

/// `0.4 %`, `5 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let whole = libm::round(percent);
    if (percent - whole).abs() < 0.05 && whole > 0.0 {
        format!("{whole:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// Names come from outside; a line stays one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision() -> Decision {
        Decision {
            id: "d_1".into(),
            at: Timestamp::from_millis(0),
            incident_id: "inc_1".into(),
            action: Action::Reroute,
            slice: Slice::new([("gateway", "razorpay")]),
            from: Some("razorpay".into()),
            to: vec![Target { gateway: "payu".into(), share: 1.0 }],
            share: 0.05,
            retry: None,
            intervention_id: Some("itv_1".into()),
            experiment_id: Some("x_17".into()),
            gain: Gain::NONE,
            confidence: 0.93,
            needs_approval: false,
            mode: Mode::Auto,
            risk: Risk { level: RiskLevel::Low, text: "0.4 % of all traffic".into() },
            held: Vec::new(),
            reason: String::new(),
            considered: Vec::new(),
        }
    }

    #[test]
    fn reads_like_the_contract() {
        let (action, risk) = words(&decision());
        assert_eq!(action, "reroute 5 % of the slice from razorpay to payu (experiment x_17)");
        assert_eq!(risk, "low - 0.4 % of all traffic");
    }

    #[test]
    fn several_targets_and_hostile_names() {
        let mut several = decision();
        several.to = vec![
            Target { gateway: "pay\nu".into(), share: 0.7 },
            Target { gateway: "stripe".into(), share: 0.3 },
        ];
        let (action, _) = words(&several);
        assert_eq!(
            action,
            "reroute 5 % of the slice from razorpay to pay u (70 %) and stripe (30 %) (experiment x_17)"
        );
    }
}
