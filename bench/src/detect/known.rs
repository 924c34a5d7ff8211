//! Known rates: delay against CUSUM told both, and the average run length.

use std::fmt::Write;

use stats::edetector::{BernoulliDetector, Bets};
use stats::stream::Stream;

use super::ARL;
use super::cusum::Cusum;

const BEFORE: [f64; 3] = [0.95, 0.90, 0.80];
/// Drops judged by the ratio, in points; larger ones by payments.
const RATIO_POINTS: std::ops::RangeInclusive<u32> = 2..=60;
/// Payments simulated per drop, within these bounds of runs.
const PAYMENTS: f64 = 4e7;
const RUNS: (f64, f64) = (8_000.0, 12_000.0);
/// Runs per rate for the average run length.
const ARL_RUNS: u64 = 400;
const SHOWN: [u32; 20] =
    [2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 70, 80, 90, 95];

/// What was found.
pub struct Known {
    /// Largest delay over CUSUM's, drops of 2 to 60 points.
    pub ratio_max: f64,
    /// Largest delay less CUSUM's, larger drops.
    pub excess_max: f64,
    /// Smallest average run length over the nominal one.
    pub arl_ratio_min: f64,
}

/// Runs all drops and rates; `seeds` share the runs between them.
pub fn run(seeds: &[u64], text: &mut String) -> Known {
    let bets = Bets::drop();
    let _ = writeln!(
        text,
        "Known rates, ARL {ARL:e}, one payment per tick, from zero\n\
         bets on lost shares {:?}\nweights {:.4?}\n\n\
         before drop   CUSUM h   CUSUM delay   e-detector   ratio (s.e.)   payments more",
        bets.lost(),
        bets.weights(),
    );
    let mut found = Known { ratio_max: 0.0, excess_max: 0.0, arl_ratio_min: f64::INFINITY };
    for before in BEFORE {
        for points in *RATIO_POINTS.start()..=(before * 100.0 + 0.5) as u32 {
            let after = (before - f64::from(points) / 100.0).max(0.0);
            let after = if after < 1e-9 { 0.0 } else { after };
            let cusum = Cusum::told(before, after);
            let h = cusum.threshold(ARL);
            let optimum = cusum.delay(h);
            let (delay, error) = delay(&bets, &cusum, h, optimum, seeds);
            let (ratio, excess) = (delay / optimum, delay - optimum);
            if RATIO_POINTS.contains(&points) {
                found.ratio_max = found.ratio_max.max(ratio);
            } else {
                found.excess_max = found.excess_max.max(excess);
            }
            if SHOWN.contains(&points) {
                let _ = writeln!(
                    text,
                    "{before:6.2} {points:4} {h:9.3} {optimum:13.2} {delay:12.2} {ratio:7.3} ({:.3}) {excess:13.2}",
                    error / optimum,
                );
            }
        }
    }
    let _ = writeln!(text, "\n  rate   mean run length / nominal (s.e.), {ARL_RUNS} runs");
    for rate in BEFORE {
        let (ratio, error) = run_length(&bets, rate, seeds);
        found.arl_ratio_min = found.arl_ratio_min.min(ratio);
        let _ = writeln!(text, "{rate:6.2} {ratio:8.3} ({error:.3})");
    }
    found
}

/// Mean delay of the e-detector and its standard error.
///
/// CUSUM runs beside it on the same payments. Its mean is known exactly, so what its sample mean is off by tells
/// most of what the e-detector's is off by (a control variate): the same precision with a fifth of the runs.
fn delay(bets: &Bets<8>, cusum: &Cusum, h: f64, optimum: f64, seeds: &[u64]) -> (f64, f64) {
    let runs = (PAYMENTS / optimum).clamp(RUNS.0, RUNS.1) as u64;
    let ratios = [0.0, 1.0].map(|k| bets.likelihood_ratios(1.0, k, cusum.before(), 1.0));
    let name = format!("detect/known/{}/{}", cusum.before(), cusum.after());
    let mut pairs = Vec::with_capacity(runs as usize);
    for run in 0..runs {
        let seed = seeds[run as usize % seeds.len()];
        let mut stream = Stream::named(seed, &name).fork_index(run);
        let mut detector = BernoulliDetector::default();
        let (mut w, mut time, mut alarms) = (0.0, 0.0, (None, None));
        while alarms.0.is_none() || alarms.1.is_none() {
            let success = stream.bernoulli(cusum.after());
            time += 1.0;
            w = cusum.step(w, success);
            if w >= h {
                alarms.1.get_or_insert(time);
            }
            if detector.advance(bets, 1.0, &ratios[usize::from(success)]) >= ARL {
                alarms.0.get_or_insert(time);
            }
        }
        pairs.extend(alarms.0.zip(alarms.1));
    }
    let n = pairs.len() as f64;
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>() / n;
    let (x, y) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let covariance = mean(&|pair| (pair.0 - x) * (pair.1 - y));
    let (vx, vy) = (mean(&|pair| (pair.0 - x).powi(2)), mean(&|pair| (pair.1 - y).powi(2)));
    let slope = if vy > 0.0 { covariance / vy } else { 0.0 };
    let rest = (vx - slope * covariance).max(0.0);
    (x - slope * (y - optimum), libm::sqrt(rest / n))
}

/// Mean attempts to a false alarm over the nominal number, and its standard error.
fn run_length(bets: &Bets<8>, rate: f64, seeds: &[u64]) -> (f64, f64) {
    let ratios = [0.0, 1.0].map(|k| bets.likelihood_ratios(1.0, k, rate, 1.0));
    let name = format!("detect/arl/{rate}");
    let lengths: Vec<f64> = (0..ARL_RUNS)
        .map(|run| {
            let seed = seeds[run as usize % seeds.len()];
            let mut stream = Stream::named(seed, &name).fork_index(run);
            let mut detector = BernoulliDetector::default();
            let mut time = 0_u64;
            loop {
                time += 1;
                let success = usize::from(stream.bernoulli(rate));
                if detector.advance(bets, 1.0, &ratios[success]) >= ARL {
                    return time as f64 / ARL;
                }
            }
        })
        .collect();
    let n = lengths.len() as f64;
    let mean = lengths.iter().sum::<f64>() / n;
    let variance = lengths.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, libm::sqrt(variance / n))
}
