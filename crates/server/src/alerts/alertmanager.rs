//! Prometheus' Alertmanager, API v2: alerts by their labels, said again while they fire.
//!
//! Alertmanager forgets what isn't said again: each time `endsAt` is set a few repetitions ahead, as Prometheus does, so that an alert ends by itself
//! if the server goes away. The severity is a label, since routes are chosen by it; where it has changed, the alert of before is ended in the same request.

use payments::Timestamp;
use serde_json::{Value, json};
use store::{Alert, Stage};

use super::Severity;
use super::notice::{Kind, Notice};
use super::post::Parcel;
use crate::wire::rfc3339;

/// How often an alert that fires is said again.
pub const REPEAT_MS: i64 = 60_000;
/// How long it lasts if it isn't: four repetitions.
const LASTS_MS: i64 = 4 * REPEAT_MS;
/// How long something lasts that nothing ends.
const NOTICE_MS: i64 = 3_600_000;

/// The request; none where there is nothing to say to an Alertmanager.
pub fn parcel(notice: &Notice, alert: &Alert, instance: &str, now: Timestamp) -> Option<Parcel> {
    let ends = match alert.stage {
        Stage::Acknowledged => return None,
        Stage::Resolved => alert.at,
        Stage::Firing => now.plus_millis(LASTS_MS),
        Stage::Notice => alert.at.plus_millis(NOTICE_MS),
    };
    let one = |severity: Severity, ends: Timestamp| {
        json!({
            "labels": labels(notice, instance, severity),
            "annotations": {"summary": notice.title, "description": notice.text},
            "startsAt": rfc3339(alert.at.min(ends)),
            "endsAt": rfc3339(ends),
        })
    };
    let mut alerts = vec![one(notice.severity, ends)];
    alerts.extend(notice.previous_severity.map(|was| one(was, alert.at)));
    let body = Value::from(alerts).to_string();
    Some(Parcel { content_type: "application/json", headers: Vec::new(), body })
}

fn labels(notice: &Notice, instance: &str, severity: Severity) -> Value {
    let name = match notice.kind {
        Kind::IncidentOpened
        | Kind::IncidentRaised
        | Kind::IncidentAcknowledged
        | Kind::IncidentResolved => "PointsmanIncident",
        Kind::PlanWaiting => "PointsmanPlanWaiting",
        Kind::RolledBack => "PointsmanRolledBack",
        Kind::RolloutWhole | Kind::RolloutAdopted | Kind::RolloutRolledBack => "PointsmanRollout",
        Kind::Page => "PointsmanPage",
        Kind::KillSwitchEngaged | Kind::KillSwitchCleared => "PointsmanKillSwitch",
        Kind::Blind | Kind::Sees => "PointsmanBlind",
        Kind::Test => "PointsmanTest",
    };
    let mut labels = json!({
        "alertname": name,
        "severity": severity.as_str(),
        "about": notice.about,
        "instance": instance,
    });
    if alert_of_its_own(notice.kind) {
        labels["id"] = notice.id.clone().into();
    }
    labels
}

/// What happened once is no other state of the incident that it is about.
fn alert_of_its_own(kind: Kind) -> bool {
    kind.stage() == Stage::Notice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(notice: &Notice, at_ms: i64) -> Alert {
        Alert {
            id: notice.id.clone(),
            at: Timestamp::from_millis(at_ms),
            about: notice.about.clone(),
            kind: notice.kind.as_str().into(),
            stage: notice.kind.stage(),
            body: String::new(),
            place: 1,
        }
    }

    fn of(notice: &Notice, at_ms: i64, now_ms: i64) -> Value {
        let now = Timestamp::from_millis(now_ms);
        let parcel = parcel(notice, &alert(notice, at_ms), "i1", now).unwrap();
        serde_json::from_str(&parcel.body).unwrap()
    }

    #[test]
    fn an_alert_keeps_its_labels_until_its_severity_changes() {
        let at = Timestamp::from_millis(0);
        let blind = of(&Notice::blind("store", at, "x"), 1_000, 61_000);
        let sees = of(&Notice::sees("store", at), 99_000, 99_000);
        assert_eq!(blind[0]["labels"], sees[0]["labels"]);
        assert_eq!(blind[0]["startsAt"], "1970-01-01T00:00:01Z");
        assert_eq!(blind[0]["endsAt"], "1970-01-01T00:05:01Z");
        assert_eq!(sees[0]["endsAt"], "1970-01-01T00:01:39Z");
        let mut raised = Notice::blind("store", at, "x");
        raised.previous_severity = Some(Severity::Warning);
        let both = of(&raised, 5_000, 5_000);
        assert_eq!(both[0]["labels"]["severity"], "critical");
        assert_eq!(
            (&both[1]["labels"]["severity"], &both[1]["endsAt"]),
            (&json!("warning"), &json!("1970-01-01T00:00:05Z"))
        );
        let acknowledged = Notice::acknowledged("inc_1", "ann");
        assert!(parcel(&acknowledged, &alert(&acknowledged, 0), "i1", at).is_none());
    }
}
