//! What each cause makes likely: the constants of the diagnosis, in one place, with their reasons.
//!
//! Every row is one cause (order of [`CAUSES`]), every column one possible reading of a symptom; a
//! row sums to one. They are judgement, not fits: round figures from how these failures work, kept
//! flat so that no single symptom decides. `Unknown` is "none of the named causes": its row says how
//! often the reading turns up in anything that trips a detector.

use crate::Cause;

pub(super) const CAUSES: [Cause; 6] = [
    Cause::UserRelated,
    Cause::IssuerDegradation,
    Cause::NetworkOrSystemFailure,
    Cause::Misconfiguration,
    Cause::SuspectedFraud,
    Cause::Unknown,
];

pub(super) type PerCause = [f64; 6];
pub(super) type Table<const N: usize> = [[f64; N]; 6];

/// Before looking: gateways and networks fail most often, banks next, the rest is rare.
pub(super) const PRIOR: PerCause = [0.12, 0.25, 0.35, 0.10, 0.08, 0.10];

/// Symptoms of one incident are not independent, so their pooled log-likelihood counts this much.
pub(super) const DEPENDENCE: f64 = 0.75;

/// Share of incidents that are like nothing in these tables: no posterior beyond 1 - this.
pub(super) const LAPSE: f64 = 0.01;

/// A cause is named if it is likelier than all others together; below that it is `unknown`.
pub(super) const NAMED_MIN: f64 = 0.5;

/// Largest log Bayes factor of codes between any two causes (7.4 to 1). A gateway can rename every
/// code it sends, so codes must never outweigh where the failures are.
pub(super) const CODES_CAP: f64 = 2.0;

/// Largest log Bayes factor of one free dimension: which values are hit can't be faked, but values
/// share traffic and fail together.
pub(super) const BREADTH_CAP: f64 = 4.0;

/// The same for siblings, which are fine in most incidents of any cause.
pub(super) const SIBLINGS_CAP: f64 = 3.0;

/// A shift below this many standard errors is noise. Slices are picked because they look odd, so
/// the usual 2 would be too easy.
pub(super) const Z_MIN: f64 = 4.0;

/// What the slice names: everything, issuer, gateway, gateway and issuer, rail (network, method,
/// attribute), merchant, merchant with gateway or issuer, country.
pub(super) const SHAPE: Table<8> = [
    // Payers are everywhere; a salary day follows banks and methods, not gateways.
    [0.41, 0.15, 0.03, 0.04, 0.13, 0.11, 0.03, 0.10],
    // A bank fails as that bank, at times only where one gateway reaches it directly.
    [0.02, 0.80, 0.01, 0.13, 0.02, 0.005, 0.005, 0.01],
    // A gateway, a network, a link between gateway and bank, or what all share.
    [0.15, 0.05, 0.45, 0.10, 0.19, 0.01, 0.02, 0.03],
    // Our settings: a global release, one gateway's credentials, one merchant's account.
    [0.20, 0.03, 0.20, 0.10, 0.12, 0.15, 0.17, 0.03],
    // Fraudsters take one shop, or one bank's card range.
    [0.10, 0.15, 0.05, 0.05, 0.05, 0.45, 0.12, 0.03],
    [0.125; 8],
];

/// Share of expected approvals lost: none beyond noise, below 10 %, 40 %, 80 %, more.
pub(super) const SEVERITY: Table<5> = [
    // More declines among many that go through.
    [0.08, 0.40, 0.45, 0.06, 0.01],
    // Anything from a slow host to an outage.
    [0.06, 0.14, 0.30, 0.28, 0.22],
    [0.06, 0.14, 0.30, 0.28, 0.22],
    // A wrong setting often stops all of it.
    [0.08, 0.12, 0.28, 0.25, 0.27],
    // Test traffic mixes with honest traffic.
    [0.10, 0.25, 0.30, 0.25, 0.10],
    // What has no cause is mostly small.
    [0.25, 0.30, 0.25, 0.12, 0.08],
];

/// Kinds of the failures in excess, in the order of `FailureKind::ALL`.
pub(super) const KINDS: Table<8> = [
    // No funds, wrong PIN, limits.
    [0.80, 0.06, 0.02, 0.02, 0.04, 0.02, 0.02, 0.02],
    // 91 and 05, and silence: the host that should answer doesn't.
    [0.05, 0.55, 0.08, 0.02, 0.05, 0.03, 0.14, 0.08],
    // Time-outs, transport errors, 96; gateways also say 91 for what they can't reach.
    [0.03, 0.10, 0.30, 0.05, 0.02, 0.05, 0.25, 0.20],
    // Format, credentials, no route; retry storms earn whatever the first attempt got.
    [0.10, 0.10, 0.05, 0.50, 0.07, 0.05, 0.03, 0.10],
    // Guessed numbers and codes are user declines; the rest is caught as fraud.
    [0.35, 0.15, 0.02, 0.03, 0.40, 0.02, 0.01, 0.02],
    [0.125; 8],
];

/// Only the names of failures moved, not their number: yes, no. Each named cause loses or slows
/// payments, so a pure renaming is what none of them predicts.
pub(super) const RENAMED: Table<2> = [
    [0.01, 0.99],
    [0.01, 0.99],
    [0.01, 0.99],
    // A change of our own mapping.
    [0.05, 0.95],
    [0.01, 0.99],
    [0.30, 0.70],
];

/// Chance that a value of a free dimension is hit: gateways of a slice that names the issuer.
pub(super) const HIT_GATEWAY_FREE: PerCause = [
    0.90, // payers decline whichever gateway asks
    0.90, // so does a bank that is down
    0.35, // one gateway or link fails, others don't
    0.40, // one integration is set wrong
    0.50, 0.50,
];
/// Issuers of a slice that names the gateway.
pub(super) const HIT_ISSUER_FREE: PerCause = [
    0.85, // payers of every bank
    0.15, // that bank alone
    0.90, // whoever passes the broken part
    0.85, // whoever is sent with the wrong setting
    0.40, // the card ranges under test
    0.50,
];
/// Gateways or issuers of a slice that names neither: one bank or one fraudster isn't everywhere.
pub(super) const HIT_WIDE_FREE: PerCause = [0.90, 0.30, 0.85, 0.85, 0.30, 0.50];
/// Merchants of a slice that names none.
pub(super) const HIT_MERCHANT_FREE: PerCause = [
    0.80, // payers of every shop
    0.90, 0.85, // banks and gateways serve all shops
    0.35, // accounts and rules are per merchant
    0.15, // one shop is abused
    0.50,
];

/// Chance that a sibling of the named value is hit as well: payers and banks show at every gateway.
pub(super) const HIT_OTHER_GATEWAY: PerCause = [0.70, 0.60, 0.10, 0.20, 0.25, 0.35];
/// Payers of other banks run short the same day; other banks seldom fail the same hour.
pub(super) const HIT_OTHER_ISSUER: PerCause = [0.75, 0.05, 0.45, 0.40, 0.35, 0.35];
/// One shop's settings and one shop's fraud stay there.
pub(super) const HIT_OTHER_MERCHANT: PerCause = [0.60, 0.70, 0.60, 0.10, 0.08, 0.35];
/// A rail fails alone; payers and fraud use several.
pub(super) const HIT_OTHER_RAIL: PerCause = [0.60, 0.40, 0.12, 0.35, 0.25, 0.35];

/// Latency: 1.5 times slower or worse, raised, as usual, a quarter faster or more.
pub(super) const LATENCY: Table<4> = [
    [0.03, 0.10, 0.80, 0.07],
    // Failing hosts are slow before they are silent.
    [0.30, 0.20, 0.40, 0.10],
    // Queues and time-outs, or connections refused at once.
    [0.38, 0.17, 0.30, 0.15],
    // A request refused for its form is refused fast.
    [0.10, 0.10, 0.50, 0.30],
    [0.04, 0.08, 0.70, 0.18],
    [0.20, 0.15, 0.50, 0.15],
];

/// Volume: two and a half times or more, doubled, up by a fifth, as usual, down by 30 %.
pub(super) const VOLUME: Table<5> = [
    // Salary days bring payers too.
    [0.02, 0.03, 0.30, 0.60, 0.05],
    // Customers try again.
    [0.01, 0.03, 0.20, 0.66, 0.10],
    // What breaks before us sends less; nobody tries three times as often.
    [0.005, 0.025, 0.12, 0.55, 0.30],
    // Retry loops, or traffic sent elsewhere.
    [0.20, 0.05, 0.20, 0.40, 0.15],
    // Testing a list of cards is volume by nature.
    [0.45, 0.10, 0.20, 0.24, 0.01],
    [0.06, 0.06, 0.18, 0.55, 0.15],
];

/// Onset: abrupt, in between, gradual.
pub(super) const ONSET: Table<3> = [
    [0.10, 0.30, 0.60],
    [0.65, 0.20, 0.15],
    [0.70, 0.18, 0.12],
    // A release is a step.
    [0.70, 0.15, 0.15],
    [0.55, 0.25, 0.20],
    [0.40, 0.30, 0.30],
];

/// Attempts per payment: doubled or more, up by 30 %, as usual.
pub(super) const RETRIES: Table<3> = [
    [0.04, 0.20, 0.76],
    // Every failure is tried again a little.
    [0.05, 0.35, 0.60],
    [0.06, 0.35, 0.59],
    // The storm itself.
    [0.40, 0.15, 0.45],
    [0.15, 0.25, 0.60],
    [0.15, 0.30, 0.55],
];

/// First attempts succeed as expected although the slice doesn't: yes, no. Only retries that should
/// not be made fail on their own.
pub(super) const FIRST_ATTEMPTS_FINE: Table<2> =
    [[0.05, 0.95], [0.03, 0.97], [0.03, 0.97], [0.35, 0.65], [0.08, 0.92], [0.12, 0.88]];

/// Attempts per payer, card or device three times the usual: yes, no.
pub(super) const CONCENTRATED: Table<2> =
    [[0.03, 0.97], [0.05, 0.95], [0.05, 0.95], [0.25, 0.75], [0.60, 0.40], [0.15, 0.85]];

/// Small amounts up by 15 points or more: yes, no. Tests are cheap on purpose.
pub(super) const SMALL_AMOUNTS: Table<2> =
    [[0.03, 0.97], [0.05, 0.95], [0.05, 0.95], [0.05, 0.95], [0.55, 0.45], [0.12, 0.88]];

/// A change of ours that touches the slice, half an hour before or less: yes, no.
pub(super) const CHANGED: Table<2> =
    [[0.04, 0.96], [0.04, 0.96], [0.10, 0.90], [0.60, 0.40], [0.04, 0.96], [0.10, 0.90]];

/// Log-likelihood of one reading under every cause, against `Unknown`.
pub(super) fn column<const N: usize>(table: &Table<N>, reading: usize) -> PerCause {
    against_unknown(table.map(|row| libm::log(row[reading])))
}

/// Measures every log-likelihood from that of `Unknown`.
pub(super) fn against_unknown(logs: PerCause) -> PerCause {
    logs.map(|l| l - logs[5])
}

/// The weight, at most 1, under which no mixture of these log-likelihoods lets two causes differ by
/// more than `cap`. One constant per table, so that more of a symptom never says less.
pub(super) fn weight_for(corners: impl IntoIterator<Item = PerCause>, cap: f64) -> f64 {
    let range = |logs: PerCause| {
        let high = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let low = logs.iter().copied().fold(f64::INFINITY, f64::min);
        high - low
    };
    corners.into_iter().map(range).map(|r| if r > cap { cap / r } else { 1.0 }).fold(1.0, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_distribution<const N: usize>(name: &str, table: &Table<N>) {
        for (cause, row) in CAUSES.iter().zip(table) {
            let sum: f64 = row.iter().sum();
            assert!((sum - 1.0).abs() < 1e-9, "{name}, {cause}: sums to {sum}");
            assert!(row.iter().all(|p| *p > 0.0), "{name}, {cause}: a zero would decide alone");
        }
    }

    #[test]
    fn every_row_is_a_distribution_without_zeros() {
        is_distribution("shape", &SHAPE);
        is_distribution("severity", &SEVERITY);
        is_distribution("kinds", &KINDS);
        is_distribution("renamed", &RENAMED);
        is_distribution("latency", &LATENCY);
        is_distribution("volume", &VOLUME);
        is_distribution("onset", &ONSET);
        is_distribution("retries", &RETRIES);
        is_distribution("first attempts", &FIRST_ATTEMPTS_FINE);
        is_distribution("concentrated", &CONCENTRATED);
        is_distribution("small amounts", &SMALL_AMOUNTS);
        is_distribution("changed", &CHANGED);
        assert!((PRIOR.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_prior_alone_names_no_cause() {
        assert!(PRIOR.iter().all(|p| *p < NAMED_MIN));
    }

    #[test]
    fn a_weight_bounds_every_corner_and_leaves_small_ones_alone() {
        let corners = [[5.0, 1.0, -3.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]];
        assert!((weight_for(corners, 2.0) - 0.25).abs() < 1e-12);
        assert!((weight_for([corners[1]], 2.0) - 1.0).abs() < 1e-12);
    }
}
