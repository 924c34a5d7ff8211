//! What is known of an incident when its cause is asked for: plain numbers, no history.
//!
//! Whatever was not measured is `None`, which is not the same as "as usual": an unmeasured symptom
//! says nothing, a normal one speaks against the causes that would have moved it.

use serde::{Deserialize, Serialize};

use crate::Slice;

/// How an attempt failed, by the class of its code in the decline taxonomy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A code of the payer's making: funds, PIN, expired card.
    User,
    /// A code of the bank's making: inoperative, refused without a reason.
    Issuer,
    /// A code of the network or the way there.
    Network,
    /// A code about our own request, route or contract.
    RoutingConfig,
    /// Fraud suspected, card lost or stolen, never try again.
    FraudDnr,
    /// Declined without a code, or with one that no source lists.
    Uncoded,
    /// No answer in time, and no code.
    Timeout,
    /// Failed on the way, and no code.
    Error,
}

impl FailureKind {
    /// All, in the order of [`FailureCounts`] and of the likelihood table.
    pub const ALL: [Self; 8] = [
        Self::User,
        Self::Issuer,
        Self::Network,
        Self::RoutingConfig,
        Self::FraudDnr,
        Self::Uncoded,
        Self::Timeout,
        Self::Error,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Issuer => "issuer",
            Self::Network => "network",
            Self::RoutingConfig => "routing/config",
            Self::FraudDnr => "fraud",
            Self::Uncoded => "uncoded",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// Failures of the incident by kind, seen and expected, each in the order of [`FailureKind::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FailureCounts {
    /// Seen.
    pub observed: [u64; 8],
    /// What the baseline mix expects of as many attempts.
    pub expected: [f64; 8],
}

/// One response code, as received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeCount {
    /// Vocabulary, e.g. `iso8583`.
    pub source: String,
    /// Value, e.g. `91`.
    pub value: String,
    /// How often.
    pub count: u64,
}

/// A dimension that the slice leaves free: of its values inside the slice, how many are hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breadth {
    /// Dimension, e.g. `issuer`.
    pub dimension: String,
    /// Values with traffic enough to tell.
    pub values: u32,
    /// Those hit beyond chance.
    pub hit: u32,
}

/// A dimension that the slice names: how the other values of it fare, the rest of the slice alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Siblings {
    /// Dimension, e.g. `gateway`: the others are other gateways.
    pub dimension: String,
    /// Other values with traffic enough to tell.
    pub values: u32,
    /// Those hit beyond chance.
    pub hit: u32,
    /// Success rate of all of them together.
    pub success_rate: Option<f64>,
}

/// Latency against its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyShift {
    /// Natural log of observed over expected.
    pub log_ratio: f64,
    /// The shift in standard errors.
    pub z: f64,
    /// 95th percentile seen, if known.
    pub p95_ms: Option<f64>,
    /// 95th percentile expected, if known.
    pub p95_expected_ms: Option<f64>,
}

/// Attempts against the attempts expected in that time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeShift {
    /// Observed over expected.
    pub ratio: f64,
    /// The shift in standard errors, over-dispersion included.
    pub z: f64,
}

/// Attempts that one payment takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retries {
    /// Attempts per payment, seen.
    pub per_payment: f64,
    /// Attempts per payment by the baseline.
    pub expected: f64,
    /// Success of first attempts alone, (seen, expected), where attempt numbers are known.
    pub first_attempt_rates: Option<(f64, f64)>,
}

impl Retries {
    /// Times the usual.
    pub fn ratio(&self) -> f64 {
        self.per_payment / self.expected.max(1.0)
    }

    /// Whether they are worth a word.
    pub fn are_raised(&self) -> bool {
        const RAISED: f64 = 1.3;
        self.ratio() >= RAISED
    }
}

/// How few payers (or cards, devices) stand behind the attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concentration {
    /// What is counted: `customer`, `bin`, `device`, `ip_country`.
    pub of: String,
    /// Attempts per distinct value, seen.
    pub per_value: f64,
    /// The same by the baseline.
    pub expected: f64,
}

/// Share of attempts over a very small amount.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SmallAmounts {
    /// Seen.
    pub share: f64,
    /// By the baseline.
    pub expected: f64,
    /// The shift in standard errors.
    pub z: f64,
}

/// A change of ours shortly before the onset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// In a few words, e.g. `deploy 41`.
    pub what: String,
    /// Minutes from the change to the onset.
    pub minutes_before: f64,
    /// Whether it could reach this slice at all.
    pub touches_slice: bool,
}

/// All that is known of one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symptoms {
    /// The root-cause slice.
    pub slice: Slice,
    /// How long the counts cover.
    pub window_ms: i64,
    /// Attempts with an outcome since onset.
    pub attempts: u64,
    /// Those approved.
    pub successes: u64,
    /// Approvals that the baseline expects of as many attempts.
    pub expected_successes: f64,
    /// Its standard error: binomial noise, over-dispersion and the baseline's own error.
    pub successes_se: f64,
    /// 95 % interval of the success rate seen.
    pub rate_interval: (f64, f64),
    /// Share of all traffic that the slice holds.
    pub share_of_traffic: f64,
    /// Failures by kind; `None` where files hold success counts only.
    pub failures: Option<FailureCounts>,
    /// Most frequent codes in excess, most frequent first.
    pub top_codes: Vec<CodeCount>,
    /// Free dimensions.
    pub breadth: Vec<Breadth>,
    /// Named dimensions.
    pub siblings: Vec<Siblings>,
    /// Latency.
    pub latency: Option<LatencyShift>,
    /// Volume.
    pub volume: Option<VolumeShift>,
    /// Share of the full shift that the first judged tick already showed, 0 to 1.
    pub onset_abruptness: Option<f64>,
    /// Retries.
    pub retries: Option<Retries>,
    /// Payers, cards, devices.
    pub concentration: Vec<Concentration>,
    /// Small amounts.
    pub small_amounts: Option<SmallAmounts>,
    /// Our own changes in the hour before; `None` where nobody tells us of changes.
    pub changes: Option<Vec<Change>>,
}

impl Symptoms {
    /// A slice with counts and nothing else known.
    pub fn counted(
        slice: Slice,
        window_ms: i64,
        attempts: u64,
        successes: u64,
        expected_successes: f64,
        successes_se: f64,
        rate_interval: (f64, f64),
    ) -> Self {
        Self {
            slice,
            window_ms,
            attempts,
            successes,
            expected_successes,
            successes_se,
            rate_interval,
            share_of_traffic: 0.0,
            failures: None,
            top_codes: Vec::new(),
            breadth: Vec::new(),
            siblings: Vec::new(),
            latency: None,
            volume: None,
            onset_abruptness: None,
            retries: None,
            concentration: Vec::new(),
            small_amounts: None,
            changes: None,
        }
    }

    /// Approvals missing, in standard errors; 0 where the error is not known.
    pub(crate) fn loss_z(&self) -> f64 {
        if self.successes_se > 0.0 {
            (self.expected_successes - self.successes as f64) / self.successes_se
        } else {
            0.0
        }
    }
}
