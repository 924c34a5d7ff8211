//! Every key there is, and its shape.

use config::{Value, ValueKind};

use super::{channels, gateways, span};

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Text,
    Flag,
    Whole(i64, i64),
    Number(f64, f64),
    Span,
    OneOf(&'static [&'static str]),
    Listen,
    Store,
    Texts(usize),
    Shares,
    Table,
    Gateways,
    Channel,
    Networks,
}

/// A key of `pointsman.toml`; `*` stands for any one name.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its path.
    pub name: &'static str,
    shape: Shape,
}

const MODES: &[&str] = &["shadow", "advise", "approve", "auto"];

/// All keys, in the order of the annotated file.
pub fn keys() -> &'static [Key] {
    use Shape::{
        Channel, Flag, Gateways, Listen, Networks, Number, OneOf, Shares, Span, Store, Table, Text,
        Texts, Whole,
    };
    const fn key(name: &'static str, shape: Shape) -> Key {
        Key { name, shape }
    }
    static KEYS: &[Key] = &[
        key("alerts.false_pages_per_week", Number(0.0001, 1_000.0)),
        key("alerts.blind_after", Span),
        key("alerts.store_down_after", Span),
        key("alerts.give_up_after", Span),
        key("alerts.allow_private", Flag),
        key("alerts.allow", Networks),
        key("analysis.window", Span),
        key("analysis.dimensions", Texts(8)),
        key("analysis.contamination", Number(0.0, 0.5)),
        key("analysis.values_per_dimension_max", Whole(1, 1_000_000)),
        key("clock.source", OneOf(&["wall", "event"])),
        key("clock.lateness", Span),
        key("clock.step_max", Span),
        key("server.listen", Listen),
        key("server.public_url", Text),
        key("server.tenant", Text),
        key("store.url", Store),
        key("store.retention", Span),
        key("modes.reroute", OneOf(MODES)),
        key("modes.adjust_retry", OneOf(MODES)),
        key("modes.suppress_path", OneOf(MODES)),
        key("modes.alert", OneOf(MODES)),
        key("memory.key", Texts(8)),
        key("safety.four_eyes", Flag),
        key("guardrails.confidence_min", Number(0.0, 1.0)),
        key("guardrails.shift_share_max", Number(0.0, 1.0)),
        key("guardrails.steps", Shares),
        key("guardrails.cooldown", Span),
        key("guardrails.ttl", Span),
        key("guardrails.ttl_max", Span),
        key("guardrails.money_max", Table),
        key("guardrails.actions_per_hour_max", Whole(0, 1_000)),
        key("guardrails.actions_per_day_max", Whole(0, 10_000)),
        key("guardrails.flips_per_hour_max", Whole(0, 1_000)),
        key("guardrails.failed_fixes_max", Whole(1, 100)),
        key("guardrails.suspect_share_max", Number(0.0, 1.0)),
        key("guardrails.probe_share", Number(0.0, 1.0)),
        key("routing.seed", Whole(0, i64::MAX)),
        key("routing.learning", OneOf(&["off", "exploit", "explore"])),
        key("routing.floor", Number(0.0, 0.5)),
        key("routing.newcomers_max", Number(0.0, 1.0)),
        key("routing.boldness", Number(0.0, 10.0)),
        key("routing.sticky_loss_max", Number(0.0, 1.0)),
        key("routing.kept_for_tests", Number(0.0, 1.0)),
        key("gateways", Gateways),
        key("channels.*", Channel),
        key("auth.oidc.issuer", Text),
        key("auth.oidc.jwks_url", Text),
        key("auth.oidc.audience", Text),
        key("auth.oidc.audience_claim", Text),
        key("auth.oidc.roles_claim", Text),
        key("auth.oidc.tenant_claim", Text),
        key("auth.oidc.client_id", Text),
        key("auth.oidc.client_secret", Text),
        key("auth.session_ttl", Span),
        key("limits.requests_per_s", Whole(0, 10_000_000)),
        key("limits.events_per_s", Whole(0, 10_000_000)),
        key("limits.route_per_s", Whole(0, 10_000_000)),
        key("telemetry.log_level", Text),
        key("telemetry.log_format", OneOf(&["text", "json"])),
        key("telemetry.otlp_endpoint", Text),
        key("sources.kafka.brokers", Text),
        key("sources.kafka.topic", Text),
        key("sources.kafka.group", Text),
        key("sources.kafka.dlq_topic", Text),
        key("sources.kafka.properties", Table),
        key("sources.rabbitmq.url", Text),
        key("sources.rabbitmq.queue", Text),
        key("sources.file.path", Text),
    ];
    KEYS
}

impl Key {
    /// Whether a change of it takes effect when the file is read again; all others need a restart.
    pub fn is_live(&self) -> bool {
        ["modes.", "guardrails."].iter().any(|group| self.name.starts_with(group))
            || ["gateways", "safety.four_eyes", "telemetry.log_level"].contains(&self.name)
    }

    /// Whether a path is this key.
    pub fn matches(&self, path: &str) -> bool {
        match self.name.strip_suffix(".*") {
            None => self.name == path,
            Some(parent) => path
                .strip_prefix(parent)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|name| !name.is_empty() && !name.contains('.')),
        }
    }

    /// Whether a value has the key's shape; what is allowed, if not.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let value = value.clone();
        let text = || value.clone().into_string().unwrap_or_default();
        let texts = || {
            value.clone().into_array().ok().map(|list| {
                list.into_iter().map(|v| v.into_string()).collect::<Result<Vec<_>, _>>()
            })
        };
        let fine = match self.shape {
            Shape::Text => (
                matches!(value.kind, ValueKind::String(_)) && !text().is_empty(),
                "a text".to_string(),
            ),
            Shape::Flag => (matches!(value.kind, ValueKind::Boolean(_)), "true or false".into()),
            Shape::Whole(low, high) => (
                is_number(&value)
                    && value.clone().into_int().is_ok_and(|n| (low..=high).contains(&n)),
                format!("a whole number from {low} to {high}"),
            ),
            Shape::Number(low, high) => (
                is_number(&value)
                    && value.clone().into_float().is_ok_and(|x| (low..=high).contains(&x)),
                format!("a number from {low} to {high}"),
            ),
            Shape::Span => (
                span::parse(&text()).is_some(),
                "a length of time such as 250ms, 5s, 30m, 4h".into(),
            ),
            Shape::OneOf(names) => (names.contains(&text().as_str()), names.join(", ")),
            Shape::Listen => (
                text().parse::<std::net::SocketAddr>().is_ok(),
                "address:port, such as 127.0.0.1:7070".into(),
            ),
            Shape::Store => (
                ["sqlite:", "postgres://", "postgresql://"]
                    .iter()
                    .any(|p| text().len() > p.len() && text().starts_with(p)),
                "sqlite:PATH or postgres://...".into(),
            ),
            Shape::Texts(most) => (
                texts().is_some_and(|t| {
                    t.is_ok_and(|t| {
                        !t.is_empty() && t.len() <= most && t.iter().all(|n| !n.is_empty())
                    })
                }),
                format!("a list of 1 to {most} names"),
            ),
            Shape::Shares => (
                shares(&value),
                "rising shares above 0 and at most 1, such as [0.05, 0.2, 0.5, 1.0]".into(),
            ),
            Shape::Table => (matches!(value.kind, ValueKind::Table(_)), "a table".into()),
            Shape::Gateways => return gateways::check(&value),
            Shape::Channel => return channels::check(&value),
            Shape::Networks => (
                texts().is_some_and(|t| t.is_ok_and(|t| channels::check_networks(&t))),
                "a list of addresses or networks, such as [\"10.1.2.3\", \"10.0.0.0/8\"]".into(),
            ),
        };
        if fine.0 { Ok(()) } else { Err(format!("allowed: {}", fine.1)) }
    }
}

/// Numbers only: the crate would also read `true` and "1" as one.
fn is_number(value: &Value) -> bool {
    use ValueKind::{Float, I64, I128, U64, U128};
    matches!(value.kind, I64(_) | I128(_) | U64(_) | U128(_) | Float(_))
}

fn shares(value: &Value) -> bool {
    let Ok(list) = value.clone().into_array() else { return false };
    let Ok(list) = list.into_iter().map(Value::into_float).collect::<Result<Vec<f64>, _>>() else {
        return false;
    };
    !list.is_empty()
        && list.iter().all(|s| *s > 0.0 && *s <= 1.0)
        && list.windows(2).all(|w| w[0] < w[1])
}
