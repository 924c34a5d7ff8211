//! Names that exporters give to columns.

use payments::Field;

use super::map::Key;

/// A column's name without case and punctuation.
pub fn plain(name: &str) -> String {
    name.trim()
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect()
}

/// Names that exporters use, the most telling first.
pub fn known() -> Vec<(Key, &'static [&'static str])> {
    let f = Key::Field;
    let attribute = |name: &str| Key::Attribute(name.into());
    vec![
        (
            f(Field::OccurredAt),
            &[
                "occurred_at",
                "time",
                "timestamp",
                "event_time",
                "transaction_time",
                "txn_time",
                "created_at",
                "created",
                "datetime",
                "date_time",
                "hour",
                "hr",
                "minute",
                "ts",
                "date",
            ],
        ),
        (
            Key::Attempts,
            &[
                "attempts",
                "attempt_count",
                "transactions",
                "txn_count",
                "total",
                "count",
                "cnt",
                "t",
            ],
        ),
        (
            f(Field::Status),
            &[
                "status",
                "outcome",
                "payment_status",
                "txn_status",
                "transaction_status",
                "state",
                "result",
            ],
        ),
        (
            Key::Successes,
            &[
                "successes",
                "success_count",
                "successful",
                "success",
                "approved",
                "approvals",
                "is_success",
                "succeeded",
            ],
        ),
        (f(Field::AmountMinor), &["minor", "amount_minor", "amount_cents", "amount_paise"]),
        (f(Field::AmountCurrency), &["currency", "currency_code", "ccy"]),
        (
            f(Field::Gateway),
            &["gateway", "payment_gateway", "pg", "psp", "acquirer", "processor", "provider"],
        ),
        (f(Field::Method), &["method", "payment_method", "payment_method_type", "pmt", "pm"]),
        (
            f(Field::Network),
            &["network", "card_network", "scheme", "card_scheme", "card_brand", "brand"],
        ),
        (f(Field::Issuer), &["issuer", "issuer_bank", "issuing_bank", "bank", "bank_name"]),
        (f(Field::Country), &["country", "country_code", "issuer_country"]),
        (f(Field::MerchantId), &["merchant_id", "merchant", "mid"]),
        (f(Field::CodeValue), &["code", "response_code", "decline_code", "error_code"]),
        (f(Field::CodeSource), &["code_source"]),
        (f(Field::LatencyMs), &["latency_ms", "duration_ms", "response_time_ms"]),
        (f(Field::AttemptId), &["attempt_id", "transaction_id", "txn_id"]),
        (f(Field::PaymentId), &["payment_id", "order_id"]),
        (f(Field::AttemptNumber), &["attempt_number"]),
        (f(Field::Propensity), &["propensity", "propensity_score"]),
        (attribute("sub_type"), &["sub_type", "payment_sub_type", "flow"]),
        (attribute("card_type"), &["card_type", "funding"]),
        (attribute("channel"), &["channel"]),
        (attribute("platform"), &["platform", "device_type"]),
        (attribute("region"), &["region"]),
    ]
}
