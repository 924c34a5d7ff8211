//! Where alerts go: `channels.*`, and the keys of `alerts` that concern them.
//!
//! What opens a door (a signing secret, a routing key) comes from the environment or from a file that the configuration names, never from the
//! configuration itself. A URL may be as good as a password (Slack's are), so none is printed beyond its host.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use config::{Value, ValueKind};
use ipnet::IpNet;
use reqwest::Url;
use serde::Deserialize;

use super::{Wrong, span};
use crate::alerts::Severity;
use crate::read::visible;

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// `channels.NAME`, as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Written {
    r#type: String,
    url: Option<Secret>,
    url_file: Option<String>,
    secret: Option<Secret>,
    secret_file: Option<String>,
    routing_key: Option<Secret>,
    routing_key_file: Option<String>,
    severity_min: Option<String>,
    escalate_after: Option<String>,
}

/// What a channel speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An incoming webhook as Slack has them; Mattermost, Rocket.Chat and others take the same.
    Slack,
    /// Events API v2.
    PagerDuty {
        /// The integration's key.
        routing_key: Secret,
    },
    /// API v2.
    Alertmanager,
    /// CloudEvents 1.0, signed as Standard Webhooks.
    Webhook {
        /// Keys to sign with: one, or while it is being changed the new and the old.
        keys: Vec<Vec<u8>>,
    },
}

/// A channel, ready to use.
#[derive(Clone)]
pub struct Channel {
    /// `channels.NAME`.
    pub name: String,
    /// What it speaks.
    pub target: Target,
    /// Where it listens.
    pub url: Url,
    /// Alerts below this stay out.
    pub severity_min: Severity,
    /// If set, it is told only what nobody has acknowledged for so long.
    pub escalate_after_ms: Option<i64>,
}

impl Channel {
    /// Its type's word.
    pub fn kind(&self) -> &'static str {
        match self.target {
            Target::Slack => "slack",
            Target::PagerDuty { .. } => "pagerduty",
            Target::Alertmanager => "alertmanager",
            Target::Webhook { .. } => "webhook",
        }
    }

    /// Its URL as far as it may be shown: no path, no password.
    pub fn shown_url(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}", self.url.scheme(), self.url.host_str().unwrap_or_default())
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("name", &self.name)
            .field("type", &self.kind())
            .field("url", &self.shown_url())
            .finish()
    }
}

/// `alerts`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// The alert budget.
    pub false_pages_per_week: Option<f64>,
    allow_private: Option<bool>,
    allow: Option<Vec<String>>,
    give_up_after: Option<String>,
    blind_after: Option<String>,
    store_down_after: Option<String>,
}

impl Alerts {
    /// Whether alerts may go to addresses that only this network has.
    pub fn allow_private(&self) -> bool {
        self.allow_private.unwrap_or(false)
    }

    /// Networks that alerts may go to whatever they are.
    pub fn allow(&self) -> Vec<IpNet> {
        self.allow.iter().flatten().filter_map(|text| network(text)).collect()
    }

    /// How long a delivery is tried, milliseconds.
    pub fn give_up_after_ms(&self) -> i64 {
        ms(&self.give_up_after).unwrap_or(24 * 3_600_000)
    }

    /// How long nothing may be seen before that is an alert, milliseconds.
    pub fn blind_after_ms(&self) -> i64 {
        ms(&self.blind_after).unwrap_or(5 * 60_000)
    }

    /// How long the store may be down before that is an alert, milliseconds.
    pub fn store_down_after_ms(&self) -> i64 {
        ms(&self.store_down_after).unwrap_or(30_000)
    }
}

fn ms(text: &Option<String>) -> Option<i64> {
    text.as_deref().and_then(span::parse)
}

/// An address, or a network.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

const MEMBERS: [&str; 9] = [
    "type",
    "url",
    "url_file",
    "secret",
    "secret_file",
    "routing_key",
    "routing_key_file",
    "severity_min",
    "escalate_after",
];

/// The shape of `channels.NAME`.
pub fn check(value: &Value) -> Result<(), String> {
    let table = value.clone().into_table().map_err(|_| "allowed: a table".to_string())?;
    for (name, member) in &table {
        if !MEMBERS.contains(&name.as_str()) {
            return Err(format!("`{}` is none of {}", visible(name), MEMBERS.join(", ")));
        }
        if !matches!(member.kind, ValueKind::String(_)) {
            return Err(format!(
                "{name}: allowed: a text (a value of the environment that reads as a number can't be one: use {name}_file)"
            ));
        }
        let is_secret = name == "secret" || name == "routing_key";
        if is_secret && !member.origin().is_some_and(|origin| origin.contains("environment")) {
            return Err(format!(
                "{name}: belongs into the environment (POINTSMAN_CHANNELS__NAME__{}) or into a file of its own ({name}_file), not into the configuration",
                name.to_uppercase()
            ));
        }
    }
    Ok(())
}

/// What a list of networks may hold.
pub fn check_networks(texts: &[String]) -> bool {
    texts.iter().all(|text| network(text).is_some())
}

/// Channels ready to use, or everything that is wrong with them.
pub fn ready(
    channels: &BTreeMap<String, Written>,
    alerts: &Alerts,
) -> Result<Vec<Channel>, Vec<Wrong>> {
    let may_be_plain = alerts.allow_private() || !alerts.allow().is_empty();
    let mut out = Vec::new();
    let mut wrong = Vec::new();
    for (name, written) in channels {
        match channel(name, written, may_be_plain) {
            Ok(channel) => out.push(channel),
            Err((member, detail)) => {
                let key = format!("channels.{}{member}", visible(name));
                wrong.push(Wrong { key, detail });
            }
        }
    }
    if wrong.is_empty() { Ok(out) } else { Err(wrong) }
}

type Fault = (&'static str, String);

fn channel(name: &str, written: &Written, may_be_plain: bool) -> Result<Channel, Fault> {
    let is_named = name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_named {
        return Err((
            "",
            "a channel's name is a lower-case letter and up to 31 letters, digits and _".into(),
        ));
    }
    let url = either(&written.url, &written.url_file, ".url")?;
    let target = match written.r#type.as_str() {
        "slack" => Target::Slack,
        "pagerduty" => {
            let key = either(&written.routing_key, &written.routing_key_file, ".routing_key")?
                .ok_or((
                    ".routing_key",
                    "is missing; set POINTSMAN_CHANNELS__NAME__ROUTING_KEY or routing_key_file"
                        .into(),
                ))?;
            Target::PagerDuty { routing_key: key }
        }
        "alertmanager" => Target::Alertmanager,
        "webhook" => {
            let secret = either(&written.secret, &written.secret_file, ".secret")?;
            let secret = secret.ok_or((
                ".secret",
                "is missing; set POINTSMAN_CHANNELS__NAME__SECRET or secret_file".into(),
            ))?;
            Target::Webhook { keys: keys(&secret)? }
        }
        other => {
            let got = visible(other);
            let why = format!("`{got}`; allowed: slack, pagerduty, alertmanager, webhook");
            return Err((".type", why));
        }
    };
    let url = match (url, &target) {
        (Some(url), _) => url,
        (None, Target::PagerDuty { .. }) => Secret("https://events.pagerduty.com".into()),
        (None, _) => return Err((".url", "is missing".into())),
    };
    let severity_min = match written.severity_min.as_deref() {
        None => Severity::Info,
        Some(word) => word.parse().map_err(|()| {
            (".severity_min", format!("`{}`; allowed: {}", visible(word), Severity::WORDS))
        })?,
    };
    let escalate_after_ms = match written.escalate_after.as_deref() {
        None => None,
        Some(text) => Some(
            span::parse(text)
                .ok_or((".escalate_after", "allowed: a length of time such as 5m, 1h".into()))?,
        ),
    };
    let url = address(&url, &target, may_be_plain)?;
    Ok(Channel { name: name.into(), target, url, severity_min, escalate_after_ms })
}

/// What is set directly, or what the file holds that is named instead.
fn either(
    direct: &Option<Secret>,
    file: &Option<String>,
    member: &'static str,
) -> Result<Option<Secret>, Fault> {
    match (direct, file) {
        (Some(_), Some(_)) => {
            Err((member, "is set, and its file too; one of them is enough".into()))
        }
        (Some(direct), None) => Ok(Some(direct.clone())),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|e| (member, format!("its file {} can't be read: {e}", visible(path))))?;
            let text = text.trim();
            if text.is_empty() {
                return Err((member, format!("its file {} is empty", visible(path))));
            }
            Ok(Some(Secret(text.into())))
        }
        (None, None) => Ok(None),
    }
}

/// Messages here never quote the URL.
fn address(url: &Secret, target: &Target, may_be_plain: bool) -> Result<Url, Fault> {
    let wants = "wants an absolute URL such as https://alerts.example.com/path";
    let mut url = Url::parse(url.reveal()).map_err(|_| (".url", wants.to_string()))?;
    match url.scheme() {
        "https" => {}
        "http" if may_be_plain => {}
        "http" => {
            let why = "wants https://; http:// is for addresses of this network (alerts.allow_private, alerts.allow)";
            return Err((".url", why.into()));
        }
        _ => return Err((".url", wants.into())),
    }
    if url.host().is_none() {
        return Err((".url", wants.into()));
    }
    url.set_fragment(None);
    let tail = match target {
        Target::PagerDuty { .. } => "/v2/enqueue",
        Target::Alertmanager => "/api/v2/alerts",
        Target::Slack | Target::Webhook { .. } => return Ok(url),
    };
    if !url.path().ends_with(tail) {
        let path = format!("{}{tail}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// `whsec_` and base64 of 24 to 64 bytes (Standard Webhooks); several with blanks between them.
fn keys(secret: &Secret) -> Result<Vec<Vec<u8>>, Fault> {
    let wants = "wants whsec_ and the base64 of 24 to 64 random bytes; while it is being changed the new and the old, with a blank between them";
    let key = |text: &str| {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(bytes)
    };
    let keys: Option<Vec<Vec<u8>>> = secret.reveal().split_whitespace().map(key).collect();
    keys.filter(|keys| !keys.is_empty()).ok_or((".secret", wants.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn of(text: &str, alerts: &str) -> Result<Vec<Channel>, Vec<String>> {
        let channels: BTreeMap<String, Written> = serde_json::from_str(text).unwrap();
        let alerts: Alerts = serde_json::from_str(alerts).unwrap();
        ready(&channels, &alerts).map_err(|w| w.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn each_type_says_what_it_lacks() {
        let wrong = of(
            r#"{"a": {"type": "slack"}, "b": {"type": "pagerduty"}, "c": {"type": "webhook", "url": "https://x.example"},
            "d": {"type": "pigeon"}, "e": {"type": "slack", "url": "http://hooks.example/T0/secret"}, "f": {"type": "slack", "url": "ftp://x/secret"},
            "G": {"type": "slack"}, "h": {"type": "webhook", "url": "https://x", "secret": "whsec_c2hvcnQ="},
            "i": {"type": "slack", "url": "https://x", "severity_min": "bad"}, "j": {"type": "slack", "url_file": "/nowhere/at/all"}}"#,
            "{}",
        )
        .unwrap_err();
        let text = wrong.join("\n");
        assert_eq!(wrong.len(), 10, "{text}");
        for said in [
            "channels.a.url: is missing",
            "channels.b.routing_key: is missing",
            "channels.c.secret: is missing",
            "channels.d.type: `pigeon`",
            "channels.e.url: wants https://",
            "channels.h.secret: wants whsec_",
            "channels.i.severity_min: `bad`; allowed: info, warning, error, critical",
            "channels.j.url: its file /nowhere/at/all can't be read",
        ] {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(!text.contains("T0/secret") && !text.contains("c2hvcnQ"), "{text}");
    }

    #[test]
    fn paths_are_completed_and_nothing_secret_is_shown() {
        let text = format!(
            r#"{{"am": {{"type": "alertmanager", "url": "http://am:9093/"}}, "pd": {{"type": "pagerduty", "routing_key": "R0"}},
            "slack": {{"type": "slack", "url": "https://hooks.example/services/T0/B0/hush"}},
            "web": {{"type": "webhook", "url": "https://u:pw@x.example/in?token=hush", "secret": "{WHSEC} {WHSEC}", "escalate_after": "10m"}}}}"#
        );
        let channels = of(&text, r#"{"allow": ["10.0.0.0/8"]}"#).unwrap();
        let urls: Vec<&str> = channels.iter().map(|c| c.url.as_str()).collect();
        assert_eq!(
            urls[..2],
            ["http://am:9093/api/v2/alerts", "https://events.pagerduty.com/v2/enqueue"]
        );
        assert_eq!(channels[3].escalate_after_ms, Some(600_000));
        assert!(matches!(&channels[3].target, Target::Webhook { keys } if keys.len() == 2));
        let shown = format!("{channels:?} {:?}", channels[1].target);
        for secret in ["hush", "R0", "pw", "MfKQ"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
