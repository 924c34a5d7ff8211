//! The names of members, read without allocation unless they are escaped.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, de};

use super::field::Field;

/// A member of the event.
pub(super) enum Key<'a> {
    Field(Field),
    Amount,
    Code,
    Attributes,
    SpecVersion,
    Unknown(Cow<'a, str>),
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }
            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(known(key).unwrap_or(Key::Unknown(Cow::Borrowed(key))))
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(known(key).unwrap_or_else(|| Key::Unknown(Cow::Owned(key.to_owned()))))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

fn known(key: &str) -> Option<Key<'static>> {
    Some(match key {
        "attempt_id" => Key::Field(Field::AttemptId),
        "payment_id" => Key::Field(Field::PaymentId),
        "attempt_number" => Key::Field(Field::AttemptNumber),
        "occurred_at" => Key::Field(Field::OccurredAt),
        "merchant_id" => Key::Field(Field::MerchantId),
        "amount" => Key::Amount,
        "gateway" => Key::Field(Field::Gateway),
        "method" => Key::Field(Field::Method),
        "network" => Key::Field(Field::Network),
        "issuer" => Key::Field(Field::Issuer),
        "country" => Key::Field(Field::Country),
        "bin" => Key::Field(Field::Bin),
        "status" => Key::Field(Field::Status),
        "code" => Key::Code,
        "latency_ms" => Key::Field(Field::LatencyMs),
        "decision_id" => Key::Field(Field::DecisionId),
        "propensity" => Key::Field(Field::Propensity),
        "initiator" => Key::Field(Field::Initiator),
        "mcc" => Key::Field(Field::Mcc),
        "customer_ref" => Key::Field(Field::CustomerRef),
        "device_ref" => Key::Field(Field::DeviceRef),
        "terminal_ref" => Key::Field(Field::TerminalRef),
        "ip_country" => Key::Field(Field::IpCountry),
        "attributes" => Key::Attributes,
        "specversion" => Key::SpecVersion,
        _ => return None,
    })
}

/// A key of a nested object.
pub(super) struct Name<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }
            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(key)))
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}
