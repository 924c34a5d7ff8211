//! The names of an event's fields.

/// A field of the event that holds one value; `attributes` are set one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `attempt_id`
    AttemptId,
    /// `payment_id`
    PaymentId,
    /// `attempt_number`
    AttemptNumber,
    /// `occurred_at`, in mapped files also `time`
    OccurredAt,
    /// `merchant_id`
    MerchantId,
    /// `amount.minor`, in mapped files `minor`
    AmountMinor,
    /// `amount.currency`, in mapped files `currency`
    AmountCurrency,
    /// `gateway`
    Gateway,
    /// `method`
    Method,
    /// `network`
    Network,
    /// `issuer`
    Issuer,
    /// `country`
    Country,
    /// `bin`
    Bin,
    /// `status`
    Status,
    /// `code.source`
    CodeSource,
    /// `code.value`, in mapped files `code`
    CodeValue,
    /// `latency_ms`
    LatencyMs,
    /// `decision_id`
    DecisionId,
    /// `propensity`
    Propensity,
    /// `initiator`
    Initiator,
    /// `mcc`
    Mcc,
    /// `customer_ref`
    CustomerRef,
    /// `device_ref`
    DeviceRef,
    /// `terminal_ref`
    TerminalRef,
    /// `ip_country`
    IpCountry,
}

impl Field {
    /// Every field, in the contract's order.
    pub const ALL: [Self; 25] = [
        Self::AttemptId,
        Self::PaymentId,
        Self::AttemptNumber,
        Self::OccurredAt,
        Self::MerchantId,
        Self::AmountMinor,
        Self::AmountCurrency,
        Self::Gateway,
        Self::Method,
        Self::Network,
        Self::Issuer,
        Self::Country,
        Self::Bin,
        Self::Status,
        Self::CodeSource,
        Self::CodeValue,
        Self::LatencyMs,
        Self::DecisionId,
        Self::Propensity,
        Self::Initiator,
        Self::Mcc,
        Self::CustomerRef,
        Self::DeviceRef,
        Self::TerminalRef,
        Self::IpCountry,
    ];

    /// The field's path in the event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AttemptId => "attempt_id",
            Self::PaymentId => "payment_id",
            Self::AttemptNumber => "attempt_number",
            Self::OccurredAt => "occurred_at",
            Self::MerchantId => "merchant_id",
            Self::AmountMinor => "amount.minor",
            Self::AmountCurrency => "amount.currency",
            Self::Gateway => "gateway",
            Self::Method => "method",
            Self::Network => "network",
            Self::Issuer => "issuer",
            Self::Country => "country",
            Self::Bin => "bin",
            Self::Status => "status",
            Self::CodeSource => "code.source",
            Self::CodeValue => "code.value",
            Self::LatencyMs => "latency_ms",
            Self::DecisionId => "decision_id",
            Self::Propensity => "propensity",
            Self::Initiator => "initiator",
            Self::Mcc => "mcc",
            Self::CustomerRef => "customer_ref",
            Self::DeviceRef => "device_ref",
            Self::TerminalRef => "terminal_ref",
            Self::IpCountry => "ip_country",
        }
    }

    /// The field that a map key of a mapped file names: the event's own name, or `time`, `minor`,
    /// `currency`, `code`, `code_source`. `None` is an attribute (or a count).
    pub fn from_map_key(key: &str) -> Option<Self> {
        match key {
            "time" => Some(Self::OccurredAt),
            "minor" => Some(Self::AmountMinor),
            "currency" => Some(Self::AmountCurrency),
            "code" => Some(Self::CodeValue),
            "code_source" => Some(Self::CodeSource),
            _ => Self::ALL.into_iter().find(|field| field.as_str() == key),
        }
    }

    /// What the field may hold, for messages.
    pub(crate) const fn allowed(self) -> &'static str {
        match self {
            Self::AttemptNumber => "an integer from 1 to 4294967295",
            Self::OccurredAt => {
                "an RFC 3339 time with its offset, such as 2020-02-13T18:00:00+05:30, or an integer of epoch milliseconds"
            }
            Self::AmountMinor => "an integer of minor units from 0 to 9007199254740991",
            Self::AmountCurrency => "an ISO 4217 code with a minor unit, in capitals, such as INR",
            Self::Country => "an ISO 3166 alpha-2 code in capitals, such as IN or GB",
            Self::Bin => "the first 6 to 8 digits of the card number",
            Self::Status => "approved, declined, error, timeout, unknown or abandoned",
            Self::LatencyMs => "an integer of milliseconds from 0 to 4294967295",
            Self::Propensity => "a number above 0, at most 1",
            Self::Initiator => "cit or mit",
            Self::Mcc => "a merchant category code of 4 digits",
            _ => "a string of 1 to 128 characters",
        }
    }
}
