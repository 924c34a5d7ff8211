//! What is told: one thing that happened, in words and as data, whatever channel it goes to.
//!
//! A notice's id names what happened (an incident and the state that it came to), so that it is told once however often it is computed, a replay
//! after a crash included.

use analyst::{Incident, Signal, Slice};
use payments::Timestamp;
use pilot::{Intervention, State};
use serde::{Deserialize, Serialize};
use store::{KillSwitch, Stage};

use super::severity::Severity;
use crate::wire::rfc3339;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// An incident was found.
    #[serde(rename = "incident.opened")]
    IncidentOpened,
    /// It got worse.
    #[serde(rename = "incident.raised")]
    IncidentRaised,
    /// A person is on it.
    #[serde(rename = "incident.acknowledged")]
    IncidentAcknowledged,
    /// It is over.
    #[serde(rename = "incident.resolved")]
    IncidentResolved,
    /// A plan waits for a person.
    #[serde(rename = "plan.waiting")]
    PlanWaiting,
    /// An intervention was taken back.
    #[serde(rename = "intervention.rolled_back")]
    RolledBack,
    /// A policy that is rolled out has everything but its hold-out.
    #[serde(rename = "rollout.whole")]
    RolloutWhole,
    /// ... has become the configured one.
    #[serde(rename = "rollout.adopted")]
    RolloutAdopted,
    /// ... was taken back.
    #[serde(rename = "rollout.rolled_back")]
    RolloutRolledBack,
    /// The pilot asks for a person.
    #[serde(rename = "page")]
    Page,
    /// The kill switch was engaged.
    #[serde(rename = "kill_switch.engaged")]
    KillSwitchEngaged,
    /// ... and cleared.
    #[serde(rename = "kill_switch.cleared")]
    KillSwitchCleared,
    /// The operator doesn't see, or can't write down what it sees.
    #[serde(rename = "operator.blind")]
    Blind,
    /// It does again.
    #[serde(rename = "operator.sees")]
    Sees,
    /// Somebody tries a channel.
    #[serde(rename = "test")]
    Test,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::IncidentOpened,
        Self::IncidentRaised,
        Self::IncidentAcknowledged,
        Self::IncidentResolved,
        Self::PlanWaiting,
        Self::RolledBack,
        Self::RolloutWhole,
        Self::RolloutAdopted,
        Self::RolloutRolledBack,
        Self::Page,
        Self::KillSwitchEngaged,
        Self::KillSwitchCleared,
        Self::Blind,
        Self::Sees,
        Self::Test,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncidentOpened => "incident.opened",
            Self::IncidentRaised => "incident.raised",
            Self::IncidentAcknowledged => "incident.acknowledged",
            Self::IncidentResolved => "incident.resolved",
            Self::PlanWaiting => "plan.waiting",
            Self::RolledBack => "intervention.rolled_back",
            Self::RolloutWhole => "rollout.whole",
            Self::RolloutAdopted => "rollout.adopted",
            Self::RolloutRolledBack => "rollout.rolled_back",
            Self::Page => "page",
            Self::KillSwitchEngaged => "kill_switch.engaged",
            Self::KillSwitchCleared => "kill_switch.cleared",
            Self::Blind => "operator.blind",
            Self::Sees => "operator.sees",
            Self::Test => "test",
        }
    }

    /// Where what it is about stands then.
    pub fn stage(self) -> Stage {
        match self {
            Self::IncidentOpened | Self::IncidentRaised | Self::KillSwitchEngaged | Self::Blind => {
                Stage::Firing
            }
            Self::IncidentAcknowledged => Stage::Acknowledged,
            Self::IncidentResolved | Self::KillSwitchCleared | Self::Sees => Stage::Resolved,
            Self::PlanWaiting
            | Self::RolledBack
            | Self::RolloutWhole
            | Self::RolloutAdopted
            | Self::RolloutRolledBack
            | Self::Page
            | Self::Test => Stage::Notice,
        }
    }
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Told once under it.
    pub id: String,
    /// An incident's id, or another matter; what belongs together has the same.
    pub about: String,
    /// What happened.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// How bad it was, where that has changed.
    pub previous_severity: Option<Severity>,
    /// One line.
    pub title: String,
    /// More of it.
    pub text: String,
    /// The traffic it is about; none where it isn't about a slice.
    pub slice: Slice,
    /// The incident.
    pub incident_id: Option<String>,
    /// The intervention.
    pub intervention_id: Option<String>,
}

impl Notice {
    /// An incident was found, or got worse since it was `before`.
    pub fn incident(incident: &Incident, severity: Severity, before: Option<Severity>) -> Self {
        let kind = if before.is_some() { Kind::IncidentRaised } else { Kind::IncidentOpened };
        let state = before.map_or("opened", |_| severity.as_str());
        let again = before.map_or(String::new(), |was| format!(" (was {was})"));
        let title = format!("{}{again}", headline(incident));
        Self {
            previous_severity: before,
            ..Self::on_incident(incident, kind, state, severity, title)
        }
    }

    /// An incident is over.
    pub fn resolved(incident: &Incident, severity: Severity) -> Self {
        let why = incident.resolution.as_deref().unwrap_or("over");
        let title = format!("over at {}: {why}", incident.slice);
        Self::on_incident(incident, Kind::IncidentResolved, "resolved", severity, title)
    }

    fn on_incident(
        incident: &Incident,
        kind: Kind,
        state: &str,
        severity: Severity,
        title: String,
    ) -> Self {
        Self {
            id: format!("{}-{state}", incident.id),
            about: incident.id.clone(),
            kind,
            severity,
            previous_severity: None,
            title,
            text: details(incident),
            slice: incident.slice.clone(),
            incident_id: Some(incident.id.clone()),
            intervention_id: None,
        }
    }

    /// Somebody has acknowledged an incident.
    pub fn acknowledged(incident_id: &str, by: &str) -> Self {
        Self {
            id: format!("{incident_id}-acknowledged"),
            about: incident_id.into(),
            kind: Kind::IncidentAcknowledged,
            severity: Severity::Info,
            previous_severity: None,
            title: format!("{incident_id} is acknowledged by {by}"),
            text: String::new(),
            slice: Slice::default(),
            incident_id: Some(incident_id.into()),
            intervention_id: None,
        }
    }

    /// An intervention that a person has to know of; most of their states are none of that.
    pub fn intervention(intervention: &Intervention) -> Option<Self> {
        let id = &intervention.id;
        let (action, slice) = (intervention.action, &intervention.slice);
        let (kind, state, title) = match intervention.state {
            State::Pending => (
                Kind::PlanWaiting,
                "waiting",
                format!("{id} waits for approval: {action} at {slice}"),
            ),
            State::RolledBack => (
                Kind::RolledBack,
                "rolled_back",
                format!("{id} was rolled back: {action} at {slice}"),
            ),
            State::Active | State::Completed | State::Rejected | State::Expired => return None,
        };
        Some(Self {
            id: format!("{id}-{state}"),
            about: intervention.incident_id.clone(),
            kind,
            severity: Severity::Warning,
            previous_severity: None,
            title,
            text: intervention.reason.clone(),
            slice: slice.clone(),
            incident_id: Some(intervention.incident_id.clone()),
            intervention_id: Some(id.clone()),
        })
    }

    /// The pilot asks for a person; the `count`th time in a step.
    pub fn page(step: i64, count: usize, page: &pilot::Page, slice: Slice) -> Self {
        let id = format!("page_{step}_{count}");
        Self {
            about: page.incident_id.clone().unwrap_or_else(|| id.clone()),
            id,
            kind: Kind::Page,
            severity: Severity::Error,
            previous_severity: None,
            title: page.why.clone(),
            text: String::new(),
            slice,
            incident_id: page.incident_id.clone(),
            intervention_id: None,
        }
    }

    /// The kill switch, as it is from now on.
    pub fn kill_switch(switch: &KillSwitch) -> Self {
        let (kind, state, title) = if switch.engaged {
            let title = format!("the kill switch is engaged by {}: {}", switch.by, switch.reason);
            (Kind::KillSwitchEngaged, "engaged", title)
        } else {
            let title = format!("the kill switch is cleared by {}", switch.by);
            (Kind::KillSwitchCleared, "cleared", title)
        };
        let text =
            if switch.engaged { "No overlay, no exploration, until it is cleared." } else { "" };
        Self::of_operator(
            format!("kill_switch-{}-{state}", switch.at_ms),
            "kill_switch",
            kind,
            title,
            text,
        )
    }

    /// The operator is blind in one respect since `since`.
    pub fn blind(matter: &str, since: Timestamp, why: &str) -> Self {
        let title = format!("the operator is blind: {why}");
        let (id, about) =
            (format!("{}-blind", Self::episode(matter, since)), format!("blind-{matter}"));
        Self::of_operator(id, &about, Kind::Blind, title, "What breaks now isn't seen.")
    }

    /// It sees again.
    pub fn sees(matter: &str, since: Timestamp) -> Self {
        let title = format!("the operator sees again ({matter}, since {})", rfc3339(since));
        let (id, about) =
            (format!("{}-sees", Self::episode(matter, since)), format!("blind-{matter}"));
        Self::of_operator(id, &about, Kind::Sees, title, "")
    }

    fn episode(matter: &str, since: Timestamp) -> String {
        format!("blind-{matter}-{}", since.as_millis())
    }

    /// Somebody tries a channel.
    pub fn test(channel: &str, by: &str, at: Timestamp) -> Self {
        let id = format!("test-{channel}-{}", at.as_millis());
        let title = format!("a test of channel {channel}, by {by}");
        Self {
            severity: Severity::Info,
            ..Self::of_operator(id.clone(), &id, Kind::Test, title, "Nothing has happened.")
        }
    }

    fn of_operator(id: String, about: &str, kind: Kind, title: String, text: &str) -> Self {
        Self {
            id,
            about: about.into(),
            kind,
            severity: Severity::Critical,
            previous_severity: None,
            title,
            text: text.into(),
            slice: Slice::default(),
            incident_id: None,
            intervention_id: None,
        }
    }
}

fn headline(incident: &Incident) -> String {
    let slice = &incident.slice;
    match incident.signal {
        Signal::SuccessRate => format!(
            "success {:.1} % against {:.1} % expected at {slice}",
            incident.observed_rate * 100.0,
            incident.baseline_rate * 100.0
        ),
        Signal::Latency => format!("answers are slow at {slice}"),
        Signal::ErrorMix => format!("other codes than usual at {slice}"),
        Signal::Volume => format!("other traffic than usual at {slice}"),
    }
}

fn details(incident: &Incident) -> String {
    let impact = &incident.impact;
    let mut parts = vec![
        format!("{} (confidence {:.2})", incident.cause, incident.confidence),
        format!("since {}", rfc3339(incident.started_at)),
        format!("{:.1} % of all attempts", impact.share * 100.0),
    ];
    if incident.signal == Signal::SuccessRate {
        parts.push(format!(
            "{:.0} payments lost ({:.0} to {:.0})",
            impact.lost_payments, impact.lost_payments_low, impact.lost_payments_high
        ));
    }
    parts.extend(impact.lost.iter().map(|lost| format!("{} lost", lost.amount)));
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_reads_as_it_is_written() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn what_begins_and_what_ends_a_matter_are_about_the_same() {
        let at = Timestamp::from_millis(5_000);
        let (blind, sees) = (Notice::blind("store", at, "no"), Notice::sees("store", at));
        assert_eq!(blind.about, sees.about);
        assert_ne!(blind.id, sees.id);
        let switch = |engaged| KillSwitch { engaged, at_ms: 7, ..KillSwitch::default() };
        let (engaged, cleared) =
            (Notice::kill_switch(&switch(true)), Notice::kill_switch(&switch(false)));
        assert_eq!(engaged.about, cleared.about);
        assert_eq!([engaged.kind.stage(), cleared.kind.stage()], [Stage::Firing, Stage::Resolved]);
    }
}
