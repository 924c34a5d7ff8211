//! PagerDuty's Events API v2: `trigger`, `acknowledge`, `resolve`, joined by `dedup_key` to one incident there.

use serde_json::json;
use store::{Alert, Stage};

use super::notice::Notice;
use super::post::Parcel;
use crate::config::Secret;
use crate::wire::rfc3339;

/// Characters of a summary.
const SUMMARY_MAX: usize = 1_024;

/// An event; all that are about one thing have the same key.
pub fn parcel(notice: &Notice, alert: &Alert, instance: &str, routing_key: &Secret) -> Parcel {
    let key = format!("pointsman:{instance}:{}", notice.about);
    let mut body = json!({"routing_key": routing_key.reveal(), "dedup_key": key});
    body["event_action"] = match alert.stage {
        Stage::Acknowledged => "acknowledge",
        Stage::Resolved => "resolve",
        Stage::Firing | Stage::Notice => "trigger",
    }
    .into();
    if matches!(alert.stage, Stage::Firing | Stage::Notice) {
        let summary: String = notice.title.chars().take(SUMMARY_MAX).collect();
        body["payload"] = json!({
            "summary": summary,
            "source": format!("pointsman:{instance}"),
            "severity": notice.severity.as_str(),
            "timestamp": rfc3339(alert.at),
            "class": notice.kind.as_str(),
            "group": notice.slice.to_string(),
            "custom_details": {
                "text": notice.text,
                "slice": notice.slice,
                "incident_id": notice.incident_id,
                "intervention_id": notice.intervention_id,
            },
        });
        body["client"] = "Pointsman".into();
    }
    Parcel { content_type: "application/json", headers: Vec::new(), body: body.to_string() }
}

#[cfg(test)]
mod tests {
    use payments::Timestamp;
    use serde_json::Value;

    use super::*;

    #[test]
    fn one_matter_is_one_incident() {
        let key: Secret = serde_json::from_str("\"R1\"").unwrap();
        let at = Timestamp::from_millis(0);
        let of = |notice: Notice| {
            let stage = notice.kind.stage();
            let (id, about) = (notice.id.clone(), notice.about.clone());
            let kind = notice.kind.as_str().into();
            let alert = Alert { id, at, about, kind, stage, body: String::new(), place: 1 };
            serde_json::from_str::<Value>(&parcel(&notice, &alert, "i1", &key).body).unwrap()
        };
        let (blind, sees) = (of(Notice::blind("store", at, "x")), of(Notice::sees("store", at)));
        assert_eq!(blind["event_action"], "trigger");
        assert_eq!(blind["payload"]["severity"], "critical");
        assert_eq!(sees["event_action"], "resolve");
        assert_eq!(blind["dedup_key"], sees["dedup_key"]);
        assert_eq!(blind["dedup_key"], "pointsman:i1:blind-store");
        assert!(sees.get("payload").is_none());
        assert_eq!(of(Notice::acknowledged("inc_1", "ann"))["event_action"], "acknowledge");
        let mut long = Notice::sees("store", at);
        (long.kind, long.title) = (super::super::Kind::Page, "\u{e9}".repeat(5_000));
        let summary = of(long)["payload"]["summary"].as_str().unwrap().chars().count();
        assert_eq!(summary, SUMMARY_MAX);
    }
}
