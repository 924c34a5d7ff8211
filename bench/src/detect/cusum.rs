//! The reference: CUSUM told both rates, exactly.
//!
//! CUSUM minimises the worst mean delay among all rules with the same average run length (Lorden 1971, Moustakides 1986). Told the
//! rates before and after, its statistic W is a walk with two step sizes, and between two zeros its state is
//! the pair (failures, successes): a recursion over that lattice gives, without simulation or
//! discretisation, the mean length of a cycle and the probability that it ends above the threshold.
//! Cycles are independent, so the mean time to an alarm from zero is their quotient, for the average run
//! length (rate before) and for the delay (rate after) alike.
//!
//! Cost: states visited are about h / |step of a success| times the failures of a cycle; the
//! smallest drops take some tens of milliseconds.

/// CUSUM for a fall of the success rate from `before` to `after`, one attempt per step.
#[derive(Clone, Copy, Debug)]
pub struct Cusum {
    before: f64,
    after: f64,
    failure: f64,
    success: f64,
}

impl Cusum {
    /// Told both rates; `before` > `after`.
    pub fn told(before: f64, after: f64) -> Self {
        assert!(0.0 <= after && after < before && before < 1.0);
        Self {
            before,
            after,
            failure: libm::log((1.0 - after) / (1.0 - before)),
            success: if after > 0.0 { libm::log(after / before) } else { f64::NEG_INFINITY },
        }
    }

    /// Rate before.
    pub fn before(&self) -> f64 {
        self.before
    }

    /// Rate after.
    pub fn after(&self) -> f64 {
        self.after
    }

    /// The statistic after one more attempt.
    pub fn step(&self, w: f64, success: bool) -> f64 {
        (w + if success { self.success } else { self.failure }).max(0.0)
    }

    /// The smallest threshold (to 1e-5 nats) whose average run length is at least `arl`.
    pub fn threshold(&self, arl: f64) -> f64 {
        // P(a cycle passes h) <= e^-h by Wald, so ln(arl) always suffices.
        let (mut low, mut high) = (0.0, libm::log(arl));
        while high - low > 1e-5 {
            let middle = 0.5 * (low + high);
            if self.mean_attempts(middle, self.before) >= arl {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// Mean attempts until the alarm at threshold `h`, from zero, where the success rate is `rate`.
    pub fn mean_attempts(&self, h: f64, rate: f64) -> f64 {
        let (length, passed) = self.cycle(h, rate);
        length / passed
    }

    /// Mean delay at threshold `h` once the rate has fallen.
    pub fn delay(&self, h: f64) -> f64 {
        self.mean_attempts(h, self.after)
    }

    fn at(&self, failures: usize, successes: usize) -> f64 {
        let down = if successes == 0 { 0.0 } else { successes as f64 * self.success };
        failures as f64 * self.failure + down
    }

    /// Mean length of a cycle from zero until it is back at zero or at least at `h`, and the
    /// probability of the latter.
    fn cycle(&self, h: f64, rate: f64) -> (f64, f64) {
        let (mut length, mut passed) = (1.0, 0.0);
        if self.failure >= h {
            return (1.0, 1.0 - rate);
        }
        // Mass of the states with `failures` failures and `first + i` successes, W in (0, h).
        let (mut first, mut row, mut failures) = (0, vec![1.0 - rate], 1);
        loop {
            // Successes walk along the row until W is back at zero.
            let mut carried = 0.0;
            let mut i = 0;
            while self.at(failures, first + i) > 0.0 {
                if i == row.len() {
                    row.push(0.0);
                }
                row[i] += carried;
                carried = row[i] * rate;
                i += 1;
            }
            row.truncate(i);
            let mass: f64 = row.iter().sum();
            length += mass;
            if mass < 1e-13 * passed || mass < 1e-200 {
                return (length, passed);
            }
            // One more failure: those that reach h pass.
            failures += 1;
            let mut reached = 0;
            for (i, mass) in row.iter_mut().enumerate() {
                *mass *= 1.0 - rate;
                if self.at(failures, first + i) >= h {
                    passed += *mass;
                    reached = i + 1;
                }
            }
            row.drain(..reached);
            first += reached;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats::stream::Stream;

    fn simulated(cusum: &Cusum, h: f64, rate: f64, runs: u32) -> f64 {
        let mut stream = Stream::named(3, "cusum");
        let mut total = 0.0;
        for _ in 0..runs {
            let mut w: f64 = 0.0;
            while w < h {
                w = cusum.step(w, stream.bernoulli(rate));
                total += 1.0;
            }
        }
        total / f64::from(runs)
    }

    #[test]
    fn agrees_with_simulation() {
        for (before, after, h) in [(0.95, 0.85, 4.0), (0.8, 0.7, 3.0), (0.9, 0.0, 5.0)] {
            let cusum = Cusum::told(before, after);
            for rate in [before, after] {
                let exact = cusum.mean_attempts(h, rate);
                let close = simulated(&cusum, h, rate, 20_000);
                assert!((exact / close - 1.0).abs() < 0.035, "{exact} against {close}");
            }
        }
    }

    #[test]
    fn threshold_is_the_smallest() {
        let cusum = Cusum::told(0.9, 0.8);
        let h = cusum.threshold(1e4);
        assert!(cusum.mean_attempts(h, 0.9) >= 1e4);
        assert!(cusum.mean_attempts(h - 2e-5, 0.9) < 1e4 || h < 2e-5);
    }
}
