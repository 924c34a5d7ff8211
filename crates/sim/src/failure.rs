//! Why a simulated attempt fails, and in which words.
//!
//! Codes alone never decide a cause: the same code means different things, and classes overlap. So
//! each kind of failure speaks through several codes of the public vocabularies (ISO 8583 field 39,
//! Stripe's decline codes, transport errors), with its own status and its own effect on latency.

use payments::Status;
use serde::{Deserialize, Serialize};

use crate::config::{Method, Vocabulary};

/// Who or what is to blame for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The payer: no funds, wrong PIN, expired card.
    User,
    /// The payer's bank.
    Issuer,
    /// The card network or rail.
    Network,
    /// The gateway or the way to it.
    Gateway,
    /// Declined as fraud.
    Fraud,
    /// Our own settings, or the gateway's view of them.
    Misconfiguration,
}

impl FailureKind {
    /// All, in the order of `FailureKind as usize`.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Issuer,
        Self::Network,
        Self::Gateway,
        Self::Fraud,
        Self::Misconfiguration,
    ];

    /// The cause an operator should name, in the words of the event contract.
    pub fn cause(self) -> &'static str {
        match self {
            Self::User => "user_related",
            Self::Issuer => "issuer_degradation",
            Self::Network | Self::Gateway => "network_or_system_failure",
            Self::Fraud => "suspected_fraud",
            Self::Misconfiguration => "misconfiguration",
        }
    }

    /// Whether anyone would try again.
    pub(crate) fn is_retried(self) -> bool {
        !matches!(self, Self::Fraud | Self::Misconfiguration)
    }
}

/// How long an attempt with this code takes, against an ordinary answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// A multiple of an ordinary answer.
    Times(f64),
    /// The gateway's timeout.
    Timeout,
}

/// One code with the share it has of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CodeRow {
    pub(crate) source: &'static str,
    pub(crate) value: &'static str,
    pub(crate) status: Status,
    pub(crate) share: f64,
    pub(crate) pace: Pace,
}

const fn declined(source: &'static str, value: &'static str, share: f64) -> CodeRow {
    CodeRow { source, value, status: Status::Declined, share, pace: Pace::Times(1.0) }
}

const fn error(source: &'static str, value: &'static str, share: f64, pace: f64) -> CodeRow {
    CodeRow { source, value, status: Status::Error, share, pace: Pace::Times(pace) }
}

/// No answer within the gateway's timeout.
pub(crate) static READ_TIMEOUT: CodeRow = READ_TIMEOUT_ROW;

const READ_TIMEOUT_ROW: CodeRow = CodeRow {
    source: "transport",
    value: "read_timeout",
    status: Status::Timeout,
    share: 0.45,
    pace: Pace::Timeout,
};

const GATEWAY: &[CodeRow] = &[
    READ_TIMEOUT_ROW,
    error("transport", "http_5xx", 0.40, 0.6),
    error("transport", "connect_refused/dns", 0.15, 0.05),
];

const ISO_USER: &[CodeRow] = &[
    declined("iso8583", "51", 0.50),
    declined("iso8583", "55", 0.18),
    declined("iso8583", "54", 0.08),
    declined("iso8583", "61", 0.10),
    declined("iso8583", "14", 0.07),
    declined("iso8583", "75", 0.07),
];
const ISO_ISSUER: &[CodeRow] = &[
    error("iso8583", "91", 0.55, 2.0),
    declined("iso8583", "05", 0.40),
    declined("iso8583", "01", 0.05),
];
const ISO_NETWORK: &[CodeRow] = &[
    error("iso8583", "96", 0.55, 1.2),
    error("iso8583", "68", 0.30, 3.0),
    error("iso8583", "06", 0.15, 1.0),
];
const ISO_FRAUD: &[CodeRow] = &[
    declined("iso8583", "59", 0.55),
    declined("iso8583", "63", 0.20),
    declined("iso8583", "43", 0.15),
    declined("iso8583", "41", 0.10),
];
const ISO_MISCONFIGURATION: &[CodeRow] = &[
    declined("iso8583", "94", 0.50),
    declined("iso8583", "58", 0.20),
    error("transport", "http_429", 0.30, 0.05),
];
const STRIPE_USER: &[CodeRow] = &[
    declined("stripe", "insufficient_funds", 0.55),
    declined("stripe", "incorrect_cvc", 0.20),
    declined("stripe", "expired_card", 0.12),
    declined("stripe", "card_velocity_exceeded", 0.13),
];
const STRIPE_ISSUER: &[CodeRow] = &[
    error("stripe", "issuer_not_available", 0.50, 2.0),
    declined("stripe", "do_not_honor", 0.30),
    declined("stripe", "generic_decline", 0.20),
];
const STRIPE_NETWORK: &[CodeRow] = &[
    error("stripe", "processing_error", 0.75, 1.2),
    error("stripe", "reenter_transaction", 0.25, 1.0),
];
const STRIPE_FRAUD: &[CodeRow] = &[
    declined("stripe", "fraudulent", 0.65),
    declined("stripe", "lost_card", 0.15),
    declined("stripe", "stolen_card", 0.20),
];
const STRIPE_MISCONFIGURATION: &[CodeRow] = &[
    declined("stripe", "duplicate_transaction", 0.50),
    declined("stripe", "authentication_required", 0.20),
    error("transport", "http_429", 0.30, 0.05),
];

pub(crate) fn codes(vocabulary: Vocabulary, kind: FailureKind) -> &'static [CodeRow] {
    use FailureKind::{Fraud, Gateway, Issuer, Misconfiguration, Network, User};
    use Vocabulary::{Iso8583, Stripe};
    match (vocabulary, kind) {
        (_, Gateway) => GATEWAY,
        (Iso8583, User) => ISO_USER,
        (Iso8583, Issuer) => ISO_ISSUER,
        (Iso8583, Network) => ISO_NETWORK,
        (Iso8583, Fraud) => ISO_FRAUD,
        (Iso8583, Misconfiguration) => ISO_MISCONFIGURATION,
        (Stripe, User) => STRIPE_USER,
        (Stripe, Issuer) => STRIPE_ISSUER,
        (Stripe, Network) => STRIPE_NETWORK,
        (Stripe, Fraud) => STRIPE_FRAUD,
        (Stripe, Misconfiguration) => STRIPE_MISCONFIGURATION,
    }
}

/// Share of each kind among the failures of a quiet day, in the order of [`FailureKind::ALL`].
pub(crate) fn quiet_mix(method: Method) -> [f64; 6] {
    match method {
        Method::Card => [0.62, 0.21, 0.05, 0.05, 0.05, 0.02],
        Method::Upi => [0.58, 0.20, 0.13, 0.06, 0.01, 0.02],
        Method::Netbanking => [0.50, 0.27, 0.05, 0.15, 0.01, 0.02],
        Method::Wallet => [0.70, 0.10, 0.02, 0.13, 0.03, 0.02],
    }
}

/// The row that a uniform number picks, by share, and what is left of the number.
pub(crate) fn pick(shares: impl IntoIterator<Item = f64>, uniform: f64) -> (usize, f64) {
    let mut rest = uniform;
    let mut last = (0, 0.0);
    for (index, share) in shares.into_iter().enumerate() {
        if rest < share {
            return (index, rest / share);
        }
        rest -= share;
        last = (index, 0.999_999);
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_one() {
        for vocabulary in [Vocabulary::Iso8583, Vocabulary::Stripe] {
            for kind in FailureKind::ALL {
                let sum: f64 = codes(vocabulary, kind).iter().map(|row| row.share).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{vocabulary:?} {kind:?} {sum}");
            }
        }
        for method in Method::ALL {
            let sum: f64 = quiet_mix(method).iter().sum();
            assert!((sum - 1.0).abs() < 1e-9, "{method:?} {sum}");
        }
    }

    #[test]
    fn the_taxonomy_reads_each_code_as_its_kind() {
        use payments::{DeclineClass, listed_decline};
        for vocabulary in [Vocabulary::Iso8583, Vocabulary::Stripe] {
            for kind in FailureKind::ALL {
                let class = match kind {
                    FailureKind::User => DeclineClass::User,
                    FailureKind::Issuer => DeclineClass::Issuer,
                    FailureKind::Network | FailureKind::Gateway => DeclineClass::Network,
                    FailureKind::Fraud => DeclineClass::FraudDnr,
                    FailureKind::Misconfiguration => DeclineClass::RoutingConfig,
                };
                for row in codes(vocabulary, kind) {
                    let listed = listed_decline(row.source, row.value);
                    let listed = listed.unwrap_or_else(|| panic!("{row:?} is not listed"));
                    assert_eq!(listed.class, class, "{row:?}");
                }
            }
        }
    }

    #[test]
    fn a_pick_takes_each_row_by_its_share() {
        assert_eq!(pick([0.2, 0.8], 0.1).0, 0);
        assert_eq!(pick([0.2, 0.8], 0.2).0, 1);
        assert_eq!(pick([0.2, 0.8], 0.999_999_999_999).0, 1);
    }
}
