//! The log-odds scale, where seasons, slices and incidents add up.

/// Beyond this a probability is 1.
const LOGIT_MAX: f64 = 40.0;

/// Log-odds of a probability, held 1e-9 away from 0 and 1.
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-9, 1.0 - 1e-9);
    stats::elementary::ln(p / (1.0 - p))
}

/// Probability of log-odds.
pub fn expit(x: f64) -> f64 {
    1.0 / (1.0 + stats::elementary::exp(-x))
}

/// A rate moved by an offset in log-odds.
pub fn shift(p: f64, offset: f64) -> f64 {
    if offset == 0.0 { p } else { expit((logit(p) + offset).min(LOGIT_MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_of_each_other() {
        for p in [0.001, 0.3, 0.5, 0.9, 0.9999] {
            assert!((expit(logit(p)) - p).abs() < 1e-12);
        }
        assert!(shift(0.9, -0.5) < 0.9);
    }
}
