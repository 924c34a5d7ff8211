//! Every key there is, its shape, and whether anything reads it yet.

use config::{Value, ValueKind};

use super::span;

/// Whether a key has an effect in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Read.
    Now,
    /// Checked in shape; its part of the product is not built yet.
    Later,
}

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
}

/// A key of `pointsman.toml`; `*` stands for any one name.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its path.
    pub name: &'static str,
    /// Whether it is read.
    pub used: Use,
    shape: Shape,
}

const MODES: &[&str] = &["shadow", "advise", "approve", "auto"];

/// All keys, in the order of the annotated file.
pub fn keys() -> &'static [Key] {
    use Shape::{
        Flag, Gateways, Listen, Number, OneOf, Shares, Span, Store, Table, Text, Texts, Whole,
    };
    use Use::{Later, Now};
    const fn key(name: &'static str, used: Use, shape: Shape) -> Key {
        Key { name, used, shape }
    }
    static KEYS: &[Key] = &[
        key("alerts.false_pages_per_week", Now, Number(0.0001, 1_000.0)),
        key("analysis.window", Now, Span),
        key("analysis.dimensions", Now, Texts(8)),
        key("analysis.contamination", Now, Number(0.0, 0.5)),
        key("analysis.values_per_dimension_max", Now, Whole(1, 1_000_000)),
        key("clock.source", Now, OneOf(&["wall", "event"])),
        key("clock.lateness", Now, Span),
        key("clock.step_max", Now, Span),
        key("server.listen", Now, Listen),
        key("server.public_url", Now, Text),
        key("server.tenant", Now, Text),
        key("store.url", Now, Store),
        key("store.retention", Now, Span),
        key("modes.reroute", Now, OneOf(MODES)),
        key("modes.adjust_retry", Now, OneOf(MODES)),
        key("modes.suppress_path", Now, OneOf(MODES)),
        key("modes.alert", Now, OneOf(MODES)),
        key("memory.key", Now, Texts(8)),
        key("safety.four_eyes", Now, Flag),
        key("guardrails.confidence_min", Now, Number(0.0, 1.0)),
        key("guardrails.shift_share_max", Now, Number(0.0, 1.0)),
        key("guardrails.steps", Now, Shares),
        key("guardrails.cooldown", Now, Span),
        key("guardrails.ttl", Now, Span),
        key("guardrails.ttl_max", Now, Span),
        key("guardrails.money_max", Now, Table),
        key("guardrails.actions_per_hour_max", Now, Whole(0, 1_000)),
        key("guardrails.actions_per_day_max", Now, Whole(0, 10_000)),
        key("guardrails.flips_per_hour_max", Now, Whole(0, 1_000)),
        key("guardrails.failed_fixes_max", Now, Whole(1, 100)),
        key("guardrails.suspect_share_max", Now, Number(0.0, 1.0)),
        key("guardrails.probe_share", Now, Number(0.0, 1.0)),
        key("routing.seed", Now, Whole(0, i64::MAX)),
        key("routing.learning", Now, OneOf(&["off", "exploit", "explore"])),
        key("gateways", Now, Gateways),
        key("channels.*", Later, Table),
        key("auth.oidc.issuer", Now, Text),
        key("auth.oidc.jwks_url", Now, Text),
        key("auth.oidc.audience", Now, Text),
        key("auth.oidc.audience_claim", Now, Text),
        key("auth.oidc.roles_claim", Now, Text),
        key("auth.oidc.tenant_claim", Now, Text),
        key("auth.oidc.client_id", Now, Text),
        key("auth.oidc.client_secret", Now, Text),
        key("auth.session_ttl", Now, Span),
        key("limits.requests_per_s", Now, Whole(0, 10_000_000)),
        key("limits.events_per_s", Now, Whole(0, 10_000_000)),
        key("limits.route_per_s", Now, Whole(0, 10_000_000)),
        key("telemetry.log_level", Now, Text),
        key("telemetry.log_format", Now, OneOf(&["text", "json"])),
        key("telemetry.otlp_endpoint", Now, Text),
        key("sources.kafka.brokers", Now, Text),
        key("sources.kafka.topic", Now, Text),
        key("sources.kafka.group", Now, Text),
        key("sources.kafka.dlq_topic", Now, Text),
        key("sources.kafka.properties", Now, Table),
        key("sources.rabbitmq.url", Now, Text),
        key("sources.rabbitmq.queue", Now, Text),
        key("sources.file.path", Now, Text),
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
            Shape::Gateways => return gateways(&value),
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

fn gateways(value: &Value) -> Result<(), String> {
    const MEMBERS: [&str; 4] = ["name", "methods", "capacity_per_s", "fee"];
    const FEE: [&str; 5] = ["method", "from_minor", "fixed_minor", "currency", "bps"];
    let list =
        value.clone().into_array().map_err(|_| "allowed: [[gateways]] tables".to_string())?;
    for (at, gateway) in list.into_iter().enumerate() {
        let at = at + 1;
        let table = gateway.into_table().map_err(|_| format!("gateway {at}: allowed: a table"))?;
        if let Some(unknown) = table.keys().find(|k| !MEMBERS.contains(&k.as_str())) {
            return Err(format!(
                "gateway {at}: `{}` is none of {}",
                crate::read::visible(unknown),
                MEMBERS.join(", ")
            ));
        }
        let named = table
            .get("name")
            .is_some_and(|n| matches!(&n.kind, ValueKind::String(s) if !s.is_empty()));
        if !named {
            return Err(format!("gateway {at}: a name is needed"));
        }
        if let Some(fees) = table.get("fee") {
            let fees = fees
                .clone()
                .into_array()
                .map_err(|_| format!("gateway {at}: fee is a list of tables"))?;
            for fee in fees {
                let fee = fee
                    .into_table()
                    .map_err(|_| format!("gateway {at}: fee is a list of tables"))?;
                if let Some(unknown) = fee.keys().find(|k| !FEE.contains(&k.as_str())) {
                    return Err(format!(
                        "gateway {at}: fee: `{}` is none of {}",
                        crate::read::visible(unknown),
                        FEE.join(", ")
                    ));
                }
                let currency =
                    fee.get("currency").map(|c| c.clone().into_string().unwrap_or_default());
                if currency.is_some_and(|c| payments::Currency::parse(&c).is_none()) {
                    return Err(format!("gateway {at}: fee: currency is no ISO 4217 code"));
                }
            }
        }
    }
    Ok(())
}
