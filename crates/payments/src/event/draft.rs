//! An attempt in the making: the rules of every field, in one place.

use std::collections::BTreeMap;

use super::error::{EventError, Reason, quoted};
use super::field::Field;
use super::scan::check_text;
use super::value::{self, Scalar, check_string};
use crate::decline::{DeclineClass, decline};
use crate::{Attempt, Code, Currency, Initiator, Money, NONE, Status, Timestamp};

const ATTRIBUTES_MAX: usize = 16;
const ATTRIBUTE_KEY_MAX: usize = 32;

/// Names that stand bare in slices, so that an attribute of the same name would be ambiguous.
const DIMENSIONS: [&str; 6] = ["gateway", "method", "network", "issuer", "country", "merchant_id"];

/// An attempt in the making. Set each field once, then [`finish`](Self::finish) (an event) or
/// [`finish_mapped`](Self::finish_mapped) (a row of a file).
///
/// ```
/// use payments::{AttemptDraft, Field, Status};
/// let mut row = AttemptDraft::default();
/// row.set(Field::OccurredAt, "2020-02-13T18:00:00+05:30").unwrap();
/// row.set(Field::Status, "declined").unwrap();
/// row.set(Field::Gateway, "payu").unwrap();
/// row.attribute("sub_type", "UPI_COLLECT").unwrap();
/// let attempt = row.finish_mapped("line 2").unwrap();
/// assert_eq!((attempt.status, attempt.method.as_str()), (Status::Declined, "__none__"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct AttemptDraft {
    attempt_id: Option<String>,
    payment_id: Option<String>,
    attempt_number: Option<u32>,
    occurred_at: Option<Timestamp>,
    merchant_id: Option<String>,
    minor: Option<i64>,
    currency: Option<Currency>,
    gateway: Option<String>,
    method: Option<String>,
    network: Option<String>,
    issuer: Option<String>,
    country: Option<String>,
    bin: Option<String>,
    status: Option<Status>,
    code_source: Option<String>,
    code_value: Option<String>,
    latency_ms: Option<u32>,
    decision_id: Option<String>,
    propensity: Option<f64>,
    initiator: Option<Initiator>,
    mcc: Option<String>,
    customer_ref: Option<String>,
    device_ref: Option<String>,
    terminal_ref: Option<String>,
    ip_country: Option<String>,
    attributes: BTreeMap<String, String>,
}

impl AttemptDraft {
    /// Sets a field from the text of a cell. An empty cell is a missing value: don't set it.
    pub fn set(&mut self, field: Field, text: &str) -> Result<(), EventError> {
        let number = || text.trim_start_matches('0').is_empty() || !text.starts_with('0');
        let scalar = match field {
            Field::AttemptNumber | Field::AmountMinor | Field::LatencyMs if number() => {
                match (text.parse(), text.parse()) {
                    (Ok(number), _) => Scalar::Unsigned(number),
                    (_, Ok(number)) => Scalar::Negative(number),
                    _ => Scalar::Text(text),
                }
            }
            Field::Propensity => text.parse().map_or(Scalar::Text(text), Scalar::Float),
            _ => Scalar::Text(text),
        };
        self.put(field, scalar)
    }

    /// Sets the time directly, for readers that have a time zone of their own.
    pub fn set_time(&mut self, at: Timestamp) {
        self.occurred_at = Some(at);
    }

    /// The time, if it is set.
    pub fn time(&self) -> Option<Timestamp> {
        self.occurred_at
    }

    /// The id, if it is set.
    pub(super) fn attempt_id(&self) -> Option<&str> {
        self.attempt_id.as_deref()
    }

    /// Adds an attribute, a further dimension of the attempt.
    pub fn attribute(&mut self, key: &str, text: &str) -> Result<(), EventError> {
        self.put_attribute(key, Scalar::Text(text))
    }

    pub(super) fn put_attribute(&mut self, key: &str, value: Scalar) -> Result<(), EventError> {
        let name = || format!("attributes.{}", crate::excerpt(key));
        check_text("attributes", key)?;
        if !is_attribute_key(key) {
            let allowed = "keys of 1 to 32 characters: a lower-case letter, then lower-case letters, digits or _";
            return Err(EventError::new("attributes", Reason::NotAllowed, quoted(key), allowed));
        }
        if DIMENSIONS.contains(&key) {
            let allowed = "keys other than the event's own dimensions";
            return Err(EventError::new("attributes", Reason::NotAllowed, quoted(key), allowed));
        }
        let Scalar::Text(text) = value else {
            let allowed = "a string of 1 to 128 characters";
            return Err(EventError::new(name(), Reason::NotAllowed, value.shown(), allowed));
        };
        check_string(text, name, "a string of 1 to 128 characters")?;
        if self.attributes.contains_key(key) {
            let allowed = "each key once";
            return Err(EventError::new(name(), Reason::Duplicate, quoted(text), allowed));
        }
        if self.attributes.len() == ATTRIBUTES_MAX {
            let got = format!("a 17th, {}", quoted(key));
            let allowed = "at most 16 attributes";
            return Err(EventError::new("attributes", Reason::NotAllowed, got, allowed));
        }
        self.attributes.insert(key.to_owned(), text.to_owned());
        Ok(())
    }

    /// Sets a field. Null leaves it absent.
    pub(super) fn put(&mut self, field: Field, value: Scalar) -> Result<(), EventError> {
        if matches!(value, Scalar::Null) {
            return Ok(());
        }
        match field {
            Field::AttemptId => set_once(&mut self.attempt_id, field, value, value::string),
            Field::PaymentId => set_once(&mut self.payment_id, field, value, value::string),
            Field::AttemptNumber => {
                set_once(&mut self.attempt_number, field, value, value::attempt_number)
            }
            Field::OccurredAt => set_once(&mut self.occurred_at, field, value, value::time),
            Field::MerchantId => set_once(&mut self.merchant_id, field, value, value::string),
            Field::AmountMinor => set_once(&mut self.minor, field, value, value::minor),
            Field::AmountCurrency => set_once(&mut self.currency, field, value, value::currency),
            Field::Gateway => set_once(&mut self.gateway, field, value, value::string),
            Field::Method => set_once(&mut self.method, field, value, value::string),
            Field::Network => set_once(&mut self.network, field, value, value::string),
            Field::Issuer => set_once(&mut self.issuer, field, value, value::string),
            Field::Country => set_once(&mut self.country, field, value, value::country),
            Field::Bin => set_once(&mut self.bin, field, value, value::bin),
            Field::Status => set_once(&mut self.status, field, value, value::status),
            Field::CodeSource => set_once(&mut self.code_source, field, value, value::string),
            Field::CodeValue => set_once(&mut self.code_value, field, value, value::string),
            Field::LatencyMs => set_once(&mut self.latency_ms, field, value, value::latency_ms),
            Field::DecisionId => set_once(&mut self.decision_id, field, value, value::string),
            Field::Propensity => set_once(&mut self.propensity, field, value, value::propensity),
            Field::Initiator => set_once(&mut self.initiator, field, value, value::initiator),
            Field::Mcc => set_once(&mut self.mcc, field, value, value::mcc),
            Field::CustomerRef => set_once(&mut self.customer_ref, field, value, value::string),
            Field::DeviceRef => set_once(&mut self.device_ref, field, value, value::string),
            Field::TerminalRef => set_once(&mut self.terminal_ref, field, value, value::string),
            Field::IpCountry => set_once(&mut self.ip_country, field, value, value::string),
        }
    }

    /// The attempt, if every field that an event must have is there and none contradict.
    pub fn finish(self) -> Result<Attempt, EventError> {
        let amount = match (self.minor, self.currency) {
            (Some(minor), Some(currency)) => Some(Money { minor, currency }),
            (None, None) => return Err(missing_part("amount", AMOUNT)),
            (None, _) => return Err(missing(Field::AmountMinor)),
            (_, None) => return Err(missing(Field::AmountCurrency)),
        };
        let code = match (self.code_source, self.code_value) {
            (Some(source), Some(value)) => Some(Code { source, value }),
            (None, None) => None,
            (None, _) => return Err(missing(Field::CodeSource)),
            (_, None) => return Err(missing(Field::CodeValue)),
        };
        let attempt = Attempt {
            attempt_id: self.attempt_id.ok_or_else(|| missing(Field::AttemptId))?,
            payment_id: self.payment_id.ok_or_else(|| missing(Field::PaymentId))?,
            attempt_number: self.attempt_number.unwrap_or(1),
            occurred_at: self.occurred_at.ok_or_else(|| missing(Field::OccurredAt))?,
            merchant_id: self.merchant_id.ok_or_else(|| missing(Field::MerchantId))?,
            amount,
            gateway: self.gateway.ok_or_else(|| missing(Field::Gateway))?,
            method: self.method.ok_or_else(|| missing(Field::Method))?,
            network: self.network,
            issuer: self.issuer,
            country: self.country,
            bin: self.bin,
            status: self.status.ok_or_else(|| missing(Field::Status))?,
            code,
            latency_ms: self.latency_ms,
            decision_id: self.decision_id,
            propensity: self.propensity,
            initiator: self.initiator,
            mcc: self.mcc,
            customer_ref: self.customer_ref,
            device_ref: self.device_ref,
            terminal_ref: self.terminal_ref,
            ip_country: self.ip_country,
            attributes: self.attributes,
        };
        agree(attempt.status, attempt.code.as_ref())?;
        Ok(attempt)
    }

    /// The attempt of a mapped file's row: only time and status must be there. Absent ids are
    /// taken from `row_id`, which should name the row; absent dimensions are `__none__`. A code
    /// without source is `iso8583` if it has two characters (DE39), else `raw`, and may also be
    /// written `source/value`.
    pub fn finish_mapped(mut self, row_id: &str) -> Result<Attempt, EventError> {
        if self.code_source.is_none()
            && let Some(value) = self.code_value.take()
        {
            let (source, value) = match value.split_once('/') {
                Some((source, value)) if !source.is_empty() && !value.is_empty() => (source, value),
                _ if value.len() == 2 && value.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                    ("iso8583", value.as_str())
                }
                _ => ("raw", value.as_str()),
            };
            (self.code_source, self.code_value) = (Some(source.to_owned()), Some(value.to_owned()));
        }
        if self.code_value.is_none() {
            self.code_source = None;
        }
        let has_amount = self.minor.is_some();
        if !has_amount {
            // `finish` wants an amount; the placeholder is taken out again below.
            self.minor = Some(0);
            self.currency = Currency::all().next();
        }
        for id in [&mut self.attempt_id, &mut self.payment_id] {
            id.get_or_insert_with(|| row_id.to_owned());
        }
        for dimension in [&mut self.merchant_id, &mut self.gateway, &mut self.method] {
            dimension.get_or_insert_with(|| NONE.to_owned());
        }
        let attempt = self.finish()?;
        Ok(Attempt { amount: attempt.amount.filter(|_| has_amount), ..attempt })
    }
}

pub(super) const AMOUNT: &str = "an object of minor units and ISO 4217 currency, such as {\"minor\": 49900, \"currency\": \"INR\"}";

pub(super) fn missing_part(field: &'static str, allowed: &'static str) -> EventError {
    EventError::new(field, Reason::Missing, "nothing", allowed)
}

fn missing(field: Field) -> EventError {
    missing_part(field.as_str(), field.allowed())
}

fn set_once<T>(
    slot: &mut Option<T>,
    field: Field,
    value: Scalar,
    read: impl FnOnce(Field, Scalar) -> Result<T, EventError>,
) -> Result<(), EventError> {
    if slot.is_some() {
        return Err(EventError::new(
            field.as_str(),
            Reason::Duplicate,
            value.shown(),
            "each field once",
        ));
    }
    *slot = Some(read(field, value)?);
    Ok(())
}

fn is_attribute_key(key: &str) -> bool {
    key.len() <= ATTRIBUTE_KEY_MAX
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Codes that say neither yes nor no by themselves: approved for a part, on a condition, already
/// done, or a remark on the kind of card.
const EITHER_WAY: [(&str, &str); 9] = [
    ("iso8583", "08"),
    ("iso8583", "10"),
    ("iso8583", "32"),
    ("transport", "idempotent_replay"),
    ("solana", "AlreadyProcessed"),
    ("mastercard_mac", "40"),
    ("mastercard_mac", "41"),
    ("mastercard_mac", "42"),
    ("mastercard_mac", "43"),
];

/// Refuses an approval with a code that says no, and a failure with a code that says yes.
fn agree(status: Status, code: Option<&Code>) -> Result<(), EventError> {
    let Some(code) = code else { return Ok(()) };
    let class = decline(&code.source, &code.value).class;
    let contradiction = match status {
        Status::Approved => !matches!(class, DeclineClass::None | DeclineClass::Unknown),
        Status::Declined | Status::Error | Status::Timeout => class == DeclineClass::None,
        Status::Unknown | Status::Abandoned => false,
    };
    if !contradiction || EITHER_WAY.contains(&(&code.source, &code.value)) {
        return Ok(());
    }
    let (name, allowed) = match status {
        Status::Approved => {
            ("approved", "an approval code with approved, a decline code otherwise")
        }
        Status::Declined => ("declined", "a decline code with declined"),
        Status::Error => ("error", "a decline code with error, or none"),
        _ => ("timeout", "a decline code with timeout, or none"),
    };
    let got = format!(
        "{}/{} ({}) with status {name}",
        crate::excerpt(&code.source),
        crate::excerpt(&code.value),
        decline(&code.source, &code.value).meaning,
    );
    Err(EventError::new("code", Reason::Contradiction, got, allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(Field, &str)]) -> Result<Attempt, EventError> {
        let mut draft = AttemptDraft::default();
        for (field, text) in cells {
            draft.set(*field, text)?;
        }
        draft.finish_mapped("line 7")
    }

    const TIME: (Field, &str) = (Field::OccurredAt, "2020-02-13T18:00:00+05:30");
    const APPROVED: (Field, &str) = (Field::Status, "approved");
    const DECLINED: (Field, &str) = (Field::Status, "declined");

    #[test]
    fn a_row_needs_time_and_status_only() {
        let attempt = row(&[TIME, APPROVED]).unwrap();
        assert_eq!(
            (attempt.attempt_id.as_str(), attempt.payment_id.as_str()),
            ("line 7", "line 7")
        );
        assert_eq!(
            (attempt.gateway.as_str(), attempt.amount, attempt.code),
            ("__none__", None, None)
        );
        assert_eq!(row(&[TIME]).unwrap_err().field, "status");
        assert_eq!(row(&[APPROVED]).unwrap_err().field, "occurred_at");
    }

    #[test]
    fn cells_follow_the_rules_of_the_event() {
        let cells = [
            (Field::AmountMinor, "49900"),
            (Field::AmountCurrency, "INR"),
            (Field::AttemptNumber, "2"),
            (Field::LatencyMs, "0"),
            (Field::Propensity, "0.5"),
            (Field::Bin, "411111"),
            (Field::Mcc, "0742"),
        ];
        let attempt = row(&[&[TIME, APPROVED], cells.as_slice()].concat()).unwrap();
        assert_eq!(attempt.amount.unwrap().to_string(), "INR 499.00");
        assert_eq!((attempt.attempt_number, attempt.propensity), (2, Some(0.5)));
        assert_eq!(attempt.mcc.as_deref(), Some("0742"));
        for (field, text) in [
            (Field::AmountMinor, "-1"),
            (Field::AmountMinor, "499.00"),
            (Field::AmountMinor, "007"),
            (Field::AmountMinor, "99999999999999999999"),
            (Field::AttemptNumber, "0"),
            (Field::Propensity, "nan"),
            (Field::Propensity, "inf"),
            (Field::AmountCurrency, "XXX"),
            (Field::Issuer, "4111111111111111"),
            (Field::Issuer, "a\0b"),
            (Field::Issuer, ""),
        ] {
            assert_eq!(row(&[TIME, APPROVED, (field, text)]).unwrap_err().field, field.as_str());
        }
        let no_currency = row(&[TIME, APPROVED, (Field::AmountMinor, "1")]).unwrap_err();
        assert_eq!((&*no_currency.field, no_currency.reason), ("amount.currency", Reason::Missing));
        let twice = row(&[TIME, APPROVED, APPROVED]).unwrap_err();
        assert_eq!((&*twice.field, twice.reason), ("status", Reason::Duplicate));
    }

    #[test]
    fn a_code_in_one_cell_finds_its_source() {
        let code = |text| row(&[TIME, DECLINED, (Field::CodeValue, text)]).unwrap().code.unwrap();
        for (text, source, value) in [
            ("91", "iso8583", "91"),
            ("stripe/do_not_honor", "stripe", "do_not_honor"),
            ("U30", "raw", "U30"),
            ("/x", "raw", "/x"),
        ] {
            assert_eq!(code(text), Code { source: source.into(), value: value.into() });
        }
        let contradiction = row(&[TIME, APPROVED, (Field::CodeValue, "91")]).unwrap_err();
        assert_eq!(contradiction.reason, Reason::Contradiction);
    }

    #[test]
    fn map_keys_name_fields() {
        for field in Field::ALL {
            assert_eq!(Field::from_map_key(field.as_str()), Some(field));
        }
        assert_eq!(Field::from_map_key("time"), Some(Field::OccurredAt));
        assert_eq!(Field::from_map_key("minor"), Some(Field::AmountMinor));
        assert_eq!(Field::from_map_key("sub_type"), None);
    }
}
