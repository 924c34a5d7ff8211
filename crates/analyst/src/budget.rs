//! How the alert budget is spread over signals and slices.
//!
//! Users set the expected number of false pages a week, B. Within a subset of dimensions (all
//! gateway x issuer slices, say) attempts sum to those of the system, N a week, so one threshold
//! A = N / (B share) for all its slices spends exactly B share on that subset and signal, however
//! many values there are (DESIGN 4; `stats::budget` holds the argument). Weights follow harm:
//! approvals first, plain slices before conjunctions of three.

use crate::lanes::{CLASSES, QUANTILES};
use crate::watch::Thresholds;

/// Shares of the signals: success fast and slow, latency, error mix, volume.
const FAST: f64 = 0.35;
const SLOW: f64 = 0.25;
const LATENCY: f64 = 0.15;
const CLASS: f64 = 0.15;
const VOLUME: f64 = 0.10;
/// Shares of the orders: all traffic, one attribute, two, three; split evenly over their subsets.
const ORDERS: [f64; 4] = [0.10, 0.40, 0.30, 0.20];

/// Thresholds per subset of dimensions, for this many attempts a week.
pub fn thresholds(subsets: &[Vec<u8>], weekly: f64, false_pages_per_week: f64) -> Vec<Thresholds> {
    let mut of_order = [0.0; 4];
    for subset in subsets {
        of_order[subset.len()] += 1.0;
    }
    let used: f64 = (0..4).filter(|&order| of_order[order] > 0.0).map(|order| ORDERS[order]).sum();
    subsets
        .iter()
        .map(|subset| {
            let order = subset.len();
            let share = ORDERS[order] / used / of_order[order];
            let at = |signal: f64, streams: usize| {
                (weekly * streams as f64 / (false_pages_per_week * share * signal)).max(1e3)
            };
            Thresholds {
                fast: at(FAST, 1),
                slow: at(SLOW, 1),
                latency: at(LATENCY, QUANTILES.len()),
                class: at(CLASS, CLASSES),
                volume: at(VOLUME, 2),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_budget_is_spent_and_no_more() {
        let subsets: Vec<Vec<u8>> =
            vec![vec![], vec![0], vec![1], vec![2], vec![0, 1], vec![0, 2], vec![1, 2], vec![0, 1, 2]];
        let (weekly, budget) = (1e7, 2.0);
        let spent: f64 = thresholds(&subsets, weekly, budget)
            .iter()
            .map(|t| {
                let streams = [
                    (t.fast, 1.0),
                    (t.slow, 1.0),
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
