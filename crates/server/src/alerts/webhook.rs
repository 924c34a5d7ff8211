//! Webhooks of our own: a CloudEvent (1.0, structured), signed as Standard Webhooks 1.0.0 says.
//!
//! `webhook-id` is the same each time an alert is sent to a channel, so that a receiver takes it once; `webhook-timestamp` is the try's, so that
//! an old request can't be played again; `webhook-signature` is HMAC-SHA256 over `id.timestamp.body`, one per key while a secret is being changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use payments::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use store::Alert;

use super::notice::Notice;
use super::post::Parcel;
use crate::wire::rfc3339;

/// The request.
pub fn parcel(
    notice: &Notice,
    alert: &Alert,
    instance: &str,
    keys: &[Vec<u8>],
    now: Timestamp,
) -> Parcel {
    let id = format!("msg_{instance}_{}", alert.id);
    let mut data = serde_json::to_value(notice).unwrap_or(Value::Null);
    data["stage"] = alert.stage.as_str().into();
    data["at"] = rfc3339(alert.at).into();
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("urn:pointsman:{instance}"),
        "type": format!("pointsman.{}.v1", notice.kind.as_str()),
        "subject": notice.about,
        "time": rfc3339(alert.at),
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string();
    let seconds = now.as_millis().div_euclid(1_000);
    let signatures: Vec<String> =
        keys.iter().map(|key| signature(key, &id, seconds, &body)).collect();
    let headers = vec![
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    Parcel { content_type: "application/cloudevents+json", headers, body }
}

fn signature(key: &[u8], id: &str, seconds: i64, body: &str) -> String {
    // HMAC takes a key of any length; nothing here can fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_s_own_example() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
