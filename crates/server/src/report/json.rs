//! `{"summary": {...}, "incidents": [...]}`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, Summary};
use crate::wire;

#[derive(Serialize)]
struct Document<'a> {
    summary: &'a Summary,
    incidents: Vec<wire::Incident>,
}

/// Writes the report as one JSON document.
pub fn json(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let document = Document {
        summary: &report.summary,
        incidents: report
            .incidents
            .iter()
            .map(|incident| wire::Incident::new(incident, report.answers.get(&incident.id)))
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_member_of_the_contract_is_there_and_absence_is_null() {
        let mut out = Vec::new();
        json(&sample::report(), &mut out).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let incident = &document["incidents"][0];
        let members = [
            "id",
            "status",
            "slice",
            "aliases",
            "signal",
            "cause",
            "confidence",
            "started_at",
            "detected_at",
            "resolved_at",
            "baseline_rate",
            "observed_rate",
            "impact",
            "evidence",
            "alternatives",
            "proposed_action",
            "risk",
        ];
        for member in members {
            assert!(incident.get(member).is_some(), "{member}");
        }
        for member in [
            "attempts",
            "lost_payments",
            "lost_payments_low",
            "lost_payments_high",
            "lost_minor",
            "currency",
            "lost",
            "share",
        ] {
            assert!(incident["impact"].get(member).is_some(), "impact.{member}");
        }
        assert_eq!(incident["proposed_action"]["action"], "reroute");
        assert_eq!(incident["proposed_action"]["to"][0]["gateway"], "PAYTM");
        assert_eq!(incident["risk"]["level"], "none");
        assert_eq!(incident["operator"]["saved"]["payments"], 2_900.0);
        assert_eq!(incident["slice"]["gateway"], "PAYTM_V2");
        assert_eq!(incident["started_at"], "2020-02-13T18:00:00Z");
        assert_eq!(incident["status"], "resolved");
        assert_eq!(incident["cause"], "network_or_system_failure");
        assert_eq!(incident["impact"]["lost_minor"], 123_456_700);
        let other = &document["incidents"][1];
        assert!(other["impact"]["lost_minor"].is_null() && other["impact"]["currency"].is_null());
        assert!(other["proposed_action"].is_null() && other["risk"].is_null());
        assert!(other["resolved_at"].is_null());
        assert_eq!(document["summary"]["incidents"], 2);
        assert_eq!(document["summary"]["skipped"], 1);
    }
}
