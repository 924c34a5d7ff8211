//! Slack's incoming webhooks, which others have copied: a text and a coloured attachment.
//!
//! Text from data can't call anybody: `&`, `<` and `>` are escaped as Slack's "Formatting text for app surfaces" asks, so that no `<!channel>`
//! and no link is made of it.

use serde_json::json;
use store::Stage;

use super::Severity;
use super::notice::Notice;
use super::post::Parcel;

/// A message.
pub fn parcel(notice: &Notice) -> Parcel {
    let stage = notice.kind.stage();
    let (mark, colour) = match (stage, notice.severity) {
        (Stage::Resolved, _) => ("RESOLVED", "#2e7d32"),
        (Stage::Acknowledged, _) => ("ACKNOWLEDGED", "#1565c0"),
        (_, Severity::Critical) => ("CRITICAL", "#b71c1c"),
        (_, Severity::Error) => ("ERROR", "#d84315"),
        (_, Severity::Warning) => ("WARNING", "#f9a825"),
        (_, Severity::Info) => ("INFO", "#607d8b"),
    };
    let title = format!("[{mark}] {}", escaped(&notice.title));
    let field =
        |(name, value): (&str, String)| json!({"title": name, "value": value, "short": true});
    let mut fields = vec![("Event", notice.kind.as_str().to_owned())];
    fields.extend(notice.incident_id.iter().map(|id| ("Incident", escaped(id))));
    fields.extend(notice.intervention_id.iter().map(|id| ("Intervention", escaped(id))));
    let body = json!({
        "text": title,
        "attachments": [{
            "color": colour,
            "fallback": title,
            "text": escaped(&notice.text),
            "fields": fields.into_iter().map(field).collect::<Vec<_>>(),
        }],
    });
    Parcel { content_type: "application/json", headers: Vec::new(), body: body.to_string() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use payments::Timestamp;

    use super::*;

    #[test]
    fn data_calls_nobody() {
        let mut notice =
            Notice::blind("store", Timestamp::from_millis(0), "<!channel> & <http://x|y>");
        notice.text = "<@U1>".into();
        let body = parcel(&notice).body;
        assert!(!body.contains('<'), "{body}");
        assert!(body.contains("[CRITICAL]") && body.contains("&lt;!channel&gt; &amp; "), "{body}");
    }
}
