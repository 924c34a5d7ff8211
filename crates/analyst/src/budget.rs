//! How the alert budget is spread over signals and slices.
//!
//! Users set the expected number of false pages a week, B. Within a subset of dimensions (all
//! gateway x issuer slices, say) attempts sum to those of the system, N a week, so one threshold
//! A = N / (B share) for all its slices spends exactly B share on that subset and signal, however
//! many values there are (DESIGN 4; `stats::budget` holds the argument). Weights follow harm:
//! approvals first, plain slices before conjunctions of three.

use stats::budget::{AlertBudget, BudgetError, Shares, weights_by_depth};

use crate::lanes::{CLASSES, QUANTILES};
use crate::watch::Thresholds;

/// Weights of the signals: success, latency, error mix, volume.
const SIGNALS: [f64; 4] = [0.60, 0.15, 0.15, 0.10];
/// Weight of a signal that nothing is recorded of: the others have its share.
const SILENT: f64 = 1e-6;
/// Shares of the orders: all traffic, one attribute, two, three; split evenly over their subsets.
const ORDERS: [f64; 4] = [0.10, 0.40, 0.30, 0.20];
/// However little traffic there is, nobody is paged on less evidence than this.
const THRESHOLD_MIN: f64 = 1e4;
/// A statistic that has come two thirds of the way (in log) to its threshold is suspicious: much
/// earlier, and leaving out bad luck would teach too high an expectation.
const QUIET_POWER: f64 = 2.0 / 3.0;

/// Thresholds per subset of dimensions, for this many attempts a week; `spoken` says which signals
/// there is anything recorded of.
pub fn thresholds(
    subsets: &[Vec<u8>],
    attempts_per_week: f64,
    false_pages_per_week: f64,
    spoken: [bool; 4],
) -> Result<Vec<Thresholds>, BudgetError> {
    let budget = AlertBudget::new(false_pages_per_week, attempts_per_week)?;
    let signals: Vec<f64> = SIGNALS
        .iter()
        .zip(spoken)
        .map(|(weight, spoken)| if spoken { *weight } else { SILENT })
        .collect();
    let orders: Vec<usize> = subsets.iter().map(Vec::len).collect();
    let shares = Shares::of(&signals, &weights_by_depth(&orders, &ORDERS));
    let at = |signal: usize, subset: usize, streams: usize| {
        budget.threshold(shares.of_pair(signal, subset) / streams as f64).max(THRESHOLD_MIN)
    };
    Ok((0..subsets.len())
        .map(|subset| Thresholds {
            success: at(0, subset, 1),
            quiet: libm::pow(at(0, subset, 1), QUIET_POWER),
            latency: at(1, subset, QUANTILES.len()),
            class: at(2, subset, CLASSES),
            volume: at(3, subset, 2),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_budget_is_spent_and_no_more() {
        let subsets: Vec<Vec<u8>> = vec![
            vec![],
            vec![0],
            vec![1],
            vec![2],
            vec![0, 1],
            vec![0, 2],
            vec![1, 2],
            vec![0, 1, 2],
        ];
        let (weekly, budget) = (1e7, 2.0);
        let spent: f64 = thresholds(&subsets, weekly, budget, [true; 4])
            .unwrap()
            .iter()
            .map(|t| {
                let streams = [
                    (t.success, 1.0),
                    (t.latency, QUANTILES.len() as f64),
                    (t.class, CLASSES as f64),
                    (t.volume, 2.0),
                ];
                streams.iter().map(|(threshold, count)| count * weekly / threshold).sum::<f64>()
            })
            .sum();
        assert!((spent - budget).abs() < 1e-9);
    }
}
