//! The failures in excess, by kind.
//!
//! Per kind the excess over the baseline mix is `e_k = max(0, observed - expected)`. What counts is
//! the mix of the excess, `s_k = e_k / sum e`, scored by its cross-entropy under each cause's table,
//! and weighted by
//!
//! - how much of the movement is *net* (`net / sum e`): where 120 fraud declines more stand against
//!   118 user declines fewer, nothing but names has moved, and the weight is near zero;
//! - how clear the net excess is, `z^2 / (1 + z^2)`.
//!
//! The table is scaled so that not even a pure mix exceeds the cap: codes alone never decide. Movement without net excess, and a success rate
//! within noise, is the reading "renamed", which speaks for `Unknown`.

use super::tables::{
    CODES_CAP, KINDS, PerCause, RENAMED, Z_MIN, against_unknown, column, weight_for,
};
use super::text::Visible;
use super::{FailureCounts, FailureKind, Observation, Symptoms};

/// Most codes and kinds to name in one line.
const NAMED_MAX: usize = 3;

/// Failures moved between kinds count as renamed if at least this share of the movement cancels.
const CANCELLED_MIN: f64 = 0.8;

pub(super) fn failure_mix(symptoms: &Symptoms) -> Option<Observation> {
    let failures = symptoms.failures.as_ref()?;
    let movement = Movement::of(failures);
    if !movement.is_clear() {
        return None;
    }
    let z = symptoms.loss_z();
    Some(if z.abs() < Z_MIN && movement.net_share() <= 1.0 - CANCELLED_MIN {
        Observation {
            kind: "renamed",
            text: format!("failures changed their kind, not their number: {}", by_kind(failures)),
            log_likelihood: column(&RENAMED, 0),
        }
    } else {
        Observation {
            kind: "error_mix",
            text: in_words(symptoms, failures),
            log_likelihood: movement.log_likelihood(z),
        }
    })
}

struct Movement {
    excess: [f64; 8],
    gross: f64,
    net: f64,
    /// Rough standard error of one kind's count: Poisson, with bursts.
    noise: f64,
}

impl Movement {
    fn of(failures: &FailureCounts) -> Self {
        let mut excess = [0.0; 8];
        let (mut net, mut expected_all) = (0.0, 0.0);
        for ((e, seen), expected) in excess.iter_mut().zip(failures.observed).zip(failures.expected)
        {
            let expected = expected.max(0.0);
            *e = (seen as f64 - expected).max(0.0);
            net += seen as f64 - expected;
            expected_all += expected;
        }
        Self { excess, gross: excess.iter().sum(), net, noise: (1.0 + expected_all).sqrt() }
    }

    fn is_clear(&self) -> bool {
        self.gross > Z_MIN * self.noise
    }

    fn net_share(&self) -> f64 {
        (self.net / self.gross).clamp(0.0, 1.0)
    }

    fn log_likelihood(&self, loss_z: f64) -> PerCause {
        let clear = loss_z * loss_z / (1.0 + loss_z * loss_z);
        let corners = (0..FailureKind::ALL.len()).map(|kind| column(&KINDS, kind));
        let weight = self.net_share() * clear * weight_for(corners, CODES_CAP);
        against_unknown(KINDS.map(|row| {
            let fit: f64 =
                row.iter().zip(self.excess).map(|(p, e)| e / self.gross * libm::log(*p)).sum();
            weight * fit
        }))
    }
}

/// `iso8583/91 x14, timeout x40 (3 expected)`: codes where they are known, else kinds.
fn in_words(symptoms: &Symptoms, failures: &FailureCounts) -> String {
    if symptoms.top_codes.is_empty() {
        return by_kind(failures);
    }
    let mut parts: Vec<String> = symptoms
        .top_codes
        .iter()
        .take(NAMED_MAX)
        .map(|c| format!("{}/{} x{}", Visible(&c.source), Visible(&c.value), c.count))
        .collect();
    for kind in [FailureKind::Timeout, FailureKind::Error] {
        let i = kind as usize;
        if failures.observed[i] as f64 > failures.expected[i] + Z_MIN {
            parts.push(format!("{} x{}", kind.name(), failures.observed[i]));
        }
    }
    parts.join(", ")
}

/// The kinds that moved most: `fraud 130 (10 expected), user 2 (120 expected)`.
fn by_kind(failures: &FailureCounts) -> String {
    let shift = |i: usize| (failures.observed[i] as f64 - failures.expected[i]).abs();
    let mut order: Vec<usize> = (0..8).filter(|i| shift(*i) >= 1.0).collect();
    order.sort_by(|a, b| shift(*b).total_cmp(&shift(*a)));
    let parts: Vec<String> = order
        .into_iter()
        .take(NAMED_MAX)
        .map(|i| {
            let kind = FailureKind::ALL[i].name();
            format!("{kind} {} ({:.0} expected)", failures.observed[i], failures.expected[i])
        })
        .collect();
    parts.join(", ")
}
