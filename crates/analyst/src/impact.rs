//! What an incident costs: approvals and money missing against the baseline, with intervals.
//!
//! **Problem.** "Lost" is a difference from what never happened. The approvals that the same attempts
//! would have had are not a number but a random variable `Y`; the loss so far is `Y - observed`, and
//! only `Y` is uncertain.
//!
//! **Method.** A prediction interval for `Y`, less what was seen. Its mean is the baseline's expectation
//! (summed per cell, so a mix shift costs nothing); its variance is the binomial noise `sum p (1 - p)`
//! times the dispersion that bursts and retries cause, plus the square of the baseline's own standard
//! error, which all attempts share and which therefore doesn't average out. `Y` lies in
//! `[0, attempts]`, and so does its interval. The fate of a payment that the incident struck and that
//! would have failed anyway is no part of the loss.
//!
//! Money is the missing approvals times their mean amount, per currency and never across: with
//! `L` approvals missing, mean `m` and variance `s^2` of the attempted amounts, the variance is
//! `m^2 var(L) + |L| s^2 (1 - |L|/n)`: a compound sum, drawn without replacement from `n` amounts whose
//! total is known. That takes the missing approvals for a fair sample of the
//! attempts; where large payments fail more often even on good days it errs upwards.
//!
//! **Guarantee.** 95 % at one look, by normal approximation: tested by simulation down to some tens of
//! attempts. Not anytime-valid; the detector is. More approvals never mean a greater loss, more
//! uncertainty never a narrower interval. **Cost**: constant per currency. **Units**: minor units, minutes.

use payments::{Currency, Money};
use serde::{Deserialize, Serialize};
use stats::Z_95;

use crate::{Impact, Lost};

/// Approvals of some attempts, seen and expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApprovalCounts {
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Those approved.
    pub successes: u64,
    /// Approvals that the baseline expects of them, summed over cells.
    pub expected: f64,
    /// Sum of `p (1 - p)` times the dispersion, over cells.
    pub variance: f64,
    /// Standard error of `expected` that comes from the baseline's own error.
    pub baseline_se: f64,
}

impl ApprovalCounts {
    /// Approvals missing: the estimate and its 95 % interval. Below zero where there were more than
    /// expected.
    pub fn missing(&self) -> (f64, f64, f64) {
        let attempts = self.attempts as f64;
        let seen = self.successes as f64;
        let mean = self.expected.clamp(0.0, attempts);
        let half = Z_95 * self.standard_error();
        let low = (mean - half).max(0.0);
        let high = (mean + half).min(attempts);
        (mean - seen, low - seen, high - seen)
    }

    fn standard_error(&self) -> f64 {
        (self.variance.max(0.0) + self.baseline_se * self.baseline_se).sqrt()
    }
}

/// What attempts asked for in one currency: exact sums, so that merging in any order is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Attempts with an amount.
    pub attempts: u64,
    /// Sum of minor units.
    pub minor: u128,
    /// Sum of squared minor units.
    pub minor_squares: u128,
}

impl Amounts {
    /// Counts attempts that together asked for `minor`; several share it evenly, which is all that a
    /// counted file tells. Negative amounts count as none.
    pub fn add(&mut self, attempts: u64, minor: i64) {
        if attempts == 0 {
            return;
        }
        let minor = minor.max(0).unsigned_abs();
        let n = u128::from(attempts);
        self.attempts = self.attempts.saturating_add(attempts);
        self.minor = self.minor.saturating_add(u128::from(minor));
        let square = u128::from(minor) * u128::from(minor) / n;
        self.minor_squares = self.minor_squares.saturating_add(square);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.minor = self.minor.saturating_add(other.minor);
        self.minor_squares = self.minor_squares.saturating_add(other.minor_squares);
    }

    fn mean(&self) -> f64 {
        if self.attempts == 0 { 0.0 } else { self.minor as f64 / self.attempts as f64 }
    }

    fn variance(&self) -> f64 {
        if self.attempts == 0 {
            return 0.0;
        }
        let mean = self.mean();
        (self.minor_squares as f64 / self.attempts as f64 - mean * mean).max(0.0)
    }
}

/// One currency's share of the incident.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurrencyCounts {
    /// Which.
    pub currency: Currency,
    /// What its attempts asked for.
    pub amounts: Amounts,
    /// Its attempts.
    pub approvals: ApprovalCounts,
    /// Approvals missing in the recent stretch.
    pub recent_missing: f64,
}

/// The last ten minutes (or buckets) of the incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    /// Approvals missing in them.
    pub missing: f64,
    /// How long they are; less than ten minutes while the incident is young.
    pub minutes: f64,
}

/// Everything that an incident's cost follows from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImpactCounts {
    /// All attempts of the slice since onset.
    pub total: ApprovalCounts,
    /// Attempts of the whole system since onset.
    pub attempts_everywhere: u64,
    /// The last stretch.
    pub recent: Recent,
    /// Per currency, each once; empty where amounts are not known.
    pub currencies: Vec<CurrencyCounts>,
}

/// What it costs.
pub fn impact(counts: &ImpactCounts) -> Impact {
    let (lost, low, high) = counts.total.missing();
    Impact {
        attempts: counts.total.attempts,
        lost_payments: lost,
        lost_payments_low: low,
        lost_payments_high: high,
        lost_payments_per_minute: per_minute(counts.recent.missing, counts.recent.minutes),
        lost: counts
            .currencies
            .iter()
            .filter(|c| c.amounts.attempts > 0)
            .map(|c| money_lost(c, counts.recent.minutes))
            .collect(),
        share: if counts.attempts_everywhere == 0 {
            0.0
        } else {
            (counts.total.attempts as f64 / counts.attempts_everywhere as f64).min(1.0)
        },
    }
}

fn money_lost(counts: &CurrencyCounts, minutes: f64) -> Lost {
    let (missing, low, high) = counts.approvals.missing();
    let mean = counts.amounts.mean();
    let sampled = (missing.abs() / counts.approvals.attempts.max(1) as f64).min(1.0);
    let spread = missing.abs() * counts.amounts.variance() * (1.0 - sampled);
    // Each side by itself: the interval of the approvals is cut at its bounds and needn't be even.
    let side = |end: f64| {
        let approvals = mean * (end - missing);
        (approvals * approvals + Z_95 * Z_95 * spread).sqrt()
    };
    let loss = mean * missing;
    Lost {
        amount: Money { minor: whole(loss), currency: counts.currency },
        interval_minor: (whole(loss - side(low)), whole(loss + side(high))),
        minor_per_minute: whole(mean * per_minute(counts.recent_missing, minutes)),
    }
}

fn per_minute(missing: f64, minutes: f64) -> f64 {
    if minutes > 0.0 { missing / minutes } else { 0.0 }
}

/// To the nearest minor unit; what doesn't fit is the largest that does.
fn whole(minor: f64) -> i64 {
    minor.round() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stats::stream::Stream;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a currency")
    }

    fn counts(attempts: u64, successes: u64, p: f64, dispersion: f64, se: f64) -> ApprovalCounts {
        let n = attempts as f64;
        ApprovalCounts {
            attempts,
            successes,
            expected: n * p,
            variance: dispersion * n * p * (1.0 - p),
            baseline_se: n * se,
        }
    }

    /// A world with the incident beside the same world without it: payments that would have been
    /// approved are struck with some probability. Returns how often the truth lay in the intervals
    /// of payments and of money.
    fn coverage(attempts: u64, p: f64, severity: f64, rho: f64, se: f64) -> (f64, f64) {
        const RUNS: u64 = 4_000;
        const BURST: u64 = 10;
        let mut rng = Stream::named(11, "impact/coverage");
        let dispersion = 1.0 + (BURST - 1) as f64 * rho;
        let (mut payments, mut money) = (0_u64, 0_u64);
        for _ in 0..RUNS {
            let known = (p + se * rng.normal()).clamp(0.001, 0.999);
            let mut seen = 0;
            let (mut lost, mut lost_minor) = (0_u64, 0_i64);
            let mut amounts = Amounts::default();
            for _ in 0..attempts / BURST {
                let mut approved = rng.beta_binomial(BURST, p, rho);
                for _ in 0..BURST {
                    let minor = 100 + (rng.exponential() * 50_000.0) as i64;
                    amounts.add(1, minor);
                    if approved > 0 {
                        approved -= 1;
                        if rng.bernoulli(severity) {
                            lost += 1;
                            lost_minor += minor;
                        } else {
                            seen += 1;
                        }
                    }
                }
            }
            let approvals = counts(attempts, seen, known, dispersion, se);
            let (_, low, high) = approvals.missing();
            payments += u64::from((low..=high).contains(&(lost as f64)));
            let of_money = money_lost(
                &CurrencyCounts {
                    currency: currency("INR"),
                    amounts,
                    approvals,
                    recent_missing: 0.0,
                },
                1.0,
            );
            let (low, high) = of_money.interval_minor;
            money += u64::from((low..=high).contains(&lost_minor));
        }
        (payments as f64 / RUNS as f64, money as f64 / RUNS as f64)
    }

    #[test]
    fn intervals_cover_what_was_lost() {
        for (attempts, p, severity, rho, se) in [
            (2_000, 0.9, 0.6, 0.0, 0.0),
            (2_000, 0.9, 0.6, 0.06, 0.004),
            (600, 0.65, 0.3, 0.06, 0.01),
            (100, 0.9, 1.0, 0.0, 0.0),
            (50, 0.8, 0.5, 0.1, 0.02),
        ] {
            let (payments, money) = coverage(attempts, p, severity, rho, se);
            let case =
                format!("{attempts} attempts at {p}, severity {severity}, rho {rho}, se {se}");
            println!("payments {payments:.3}, money {money:.3}: {case}");
            assert!((0.935..=0.985).contains(&payments), "payments {payments}: {case}");
            assert!((0.93..=0.99).contains(&money), "money {money}: {case}");
        }
    }

    #[test]
    fn currencies_stay_apart_and_each_uses_its_own_mean() {
        let one = |code: &str, minor| {
            let mut amounts = Amounts::default();
            amounts.add(100, minor);
            CurrencyCounts {
                currency: currency(code),
                amounts,
                approvals: counts(100, 40, 0.9, 1.0, 0.0),
                recent_missing: 20.0,
            }
        };
        let cost = impact(&ImpactCounts {
            total: counts(200, 80, 0.9, 1.0, 0.0),
            attempts_everywhere: 1_000,
            recent: Recent { missing: 40.0, minutes: 10.0 },
            currencies: vec![one("INR", 100 * 1_000), one("JPY", 100 * 7)],
        });
        assert_eq!(cost.lost_payments, 100.0);
        assert_eq!(cost.lost_payments_per_minute, 4.0);
        assert_eq!(cost.share, 0.2);
        let minor: Vec<_> = cost.lost.iter().map(|l| (l.amount, l.minor_per_minute)).collect();
        assert_eq!(
            minor,
            [
                (Money { minor: 50_000, currency: currency("INR") }, 2_000),
                (Money { minor: 350, currency: currency("JPY") }, 14),
            ]
        );
    }

    #[test]
    fn nothing_known_costs_nothing() {
        let cost = impact(&ImpactCounts::default());
        assert_eq!((cost.lost_payments, cost.lost_payments_low, cost.share), (0.0, 0.0, 0.0));
        assert!(cost.lost.is_empty());
    }

    #[test]
    fn the_largest_amounts_saturate_and_do_not_wrap() {
        let mut amounts = Amounts::default();
        for _ in 0..100 {
            amounts.add(1, i64::MAX);
        }
        let lost = money_lost(
            &CurrencyCounts {
                currency: currency("INR"),
                amounts,
                approvals: counts(100, 0, 0.9, 1.0, 0.0),
                recent_missing: 90.0,
            },
            1e-9,
        );
        assert_eq!(lost.amount.minor, i64::MAX);
        assert_eq!(lost.interval_minor.1, i64::MAX);
        assert_eq!(lost.minor_per_minute, i64::MAX);
    }

    proptest! {
        #[test]
        fn more_approvals_never_mean_a_greater_loss(
            n in 1_u64..100_000, p in 0.0_f64..=1.0, a in 0.0_f64..=1.0, b in 0.0_f64..=1.0,
            dispersion in 1.0_f64..5.0, se in 0.0_f64..0.1,
        ) {
            let seen = |share: f64| (n as f64 * share) as u64;
            let (fewer, more) = (seen(a.min(b)), seen(a.max(b)));
            let (l, low, high) = counts(n, fewer, p, dispersion, se).missing();
            let (l2, low2, high2) = counts(n, more, p, dispersion, se).missing();
            prop_assert!(l >= l2 && low >= low2 && high >= high2);
            prop_assert!(low <= l && l <= high);
            prop_assert!(high <= (n - fewer) as f64 + 1e-9);
            let (_, wider_low, wider_high) = counts(n, fewer, p, dispersion, se + 0.01).missing();
            prop_assert!(wider_low <= low && wider_high >= high);
        }

        #[test]
        fn sums_of_amounts_merge_exactly(minors in prop::collection::vec(0_i64..1 << 53, 0..40), cut in 0_usize..40) {
            let cut = cut.min(minors.len());
            let sum = |part: &[i64]| part.iter().fold(Amounts::default(), |mut s, m| { s.add(1, *m); s });
            let mut merged = sum(&minors[cut..]);
            merged.merge(&sum(&minors[..cut]));
            prop_assert_eq!(merged, sum(&minors));
        }
    }
}
