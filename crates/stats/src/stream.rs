//! Named random streams and samplers whose values never change.
//!
//! **Problem.** A simulation, an exploration draw or a bootstrap must give the same numbers on any
//! machine and after any edit that does not concern it. One shared generator fails the second wish:
//! one more draw anywhere moves everything after it.
//!
//! **Method.** Every purpose has a stream of its own, named like a path. Its key is the seed and the 128-bit FNV-1a hash of
//! the name; the generator is ChaCha with 8 rounds (Bernstein 2008; Aumasson 2019, "Too much crypto", for the rounds), whose
//! output is specified and seekable, so a stream's state is its key and its position. Names are chosen by us, not by an
//! adversary: a hash of 128 bits keeps them apart, two among a million with odds of 1e-27.
//!
//! The samplers are our own (`rand_distr` takes logarithms from the platform whenever any crate of the
//! build asks `num-traits` for `std`, and reserves the right to change values between releases): inversion for small
//! means, otherwise the transformed rejection of Hörmann 1993 ("The generation of binomial random variates",
//! "The transformed rejection method for generating Poisson random variables"), Marsaglia's polar method for the
//! normal, Marsaglia and Tsang 2000 for the gamma. All are exact up to the rounding of doubles.
//!
//! Cost: a uniform 3 ns, a normal 20 ns, a gamma 40 ns, a binomial or Poisson 20 to 150 ns whatever its mean; 320 bytes.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use libm::{exp, floor, lgamma, log, pow, sqrt};

/// A random stream of its own, forked from a seed by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Position", try_from = "Position")]
pub struct Stream {
    seed: u64,
    name: u128,
    generator: ChaCha8Rng,
}

/// What a snapshot holds of a stream.
#[derive(Serialize, Deserialize)]
struct Position {
    seed: u64,
    name: String,
    words: u64,
}

impl From<Stream> for Position {
    fn from(stream: Stream) -> Self {
        let words = stream.generator.get_word_pos() as u64;
        Self { seed: stream.seed, name: format!("{:032x}", stream.name), words }
    }
}

impl TryFrom<Position> for Stream {
    type Error = String;

    fn try_from(position: Position) -> Result<Self, String> {
        let name = u128::from_str_radix(&position.name, 16)
            .map_err(|_| format!("a stream's name is 32 hex digits, got `{}`", position.name))?;
        let mut stream = Self::keyed(position.seed, name);
        stream.generator.set_word_pos(u128::from(position.words));
        Ok(stream)
    }
}

const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

fn hashed(start: u128, bytes: &[u8]) -> u128 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(FNV_PRIME))
}

impl Stream {
    /// The stream of this name under this seed.
    ///
    /// ```
    /// use stats::stream::Stream;
    /// let mut arrivals = Stream::named(7, "world/arrivals");
    /// let mut latency = Stream::named(7, "world/latency");
    /// assert_ne!(arrivals.next_u64(), latency.next_u64());
    /// ```
    pub fn named(seed: u64, name: &str) -> Self {
        Self::keyed(seed, hashed(FNV_OFFSET, name.as_bytes()))
    }

    /// A stream below this one, by name; this one does not move.
    pub fn fork(&self, name: &str) -> Self {
        Self::keyed(self.seed, hashed(hashed(self.name, b"/"), name.as_bytes()))
    }

    /// A stream below this one, by number: one per payment, per run, per tree.
    pub fn fork_index(&self, index: u64) -> Self {
        Self::keyed(self.seed, hashed(hashed(self.name, b"#"), &index.to_le_bytes()))
    }

    fn keyed(seed: u64, name: u128) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(&name.to_le_bytes());
        Self { seed, name, generator: ChaCha8Rng::from_seed(key) }
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform on [0, 1), a multiple of 2^-53.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform on (0, 1): safe to take the logarithm of.
    #[inline]
    pub fn uniform_open(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
    }

    /// Uniform on 0..n without bias (Lemire 2019); `n` is at least 1.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "no number lies below 0");
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// Uniform on [low, high).
    #[inline]
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with probability `p`.
    #[inline]
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// An index in proportion to its weight; the weights are not negative and their sum is positive.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let total: f64 = weights.iter().sum();
        assert!(total > 0.0, "weights need a positive sum, got {total}");
        let mut rest = self.uniform() * total;
        let mut last = 0;
        for (index, weight) in weights.iter().enumerate() {
            if *weight > 0.0 {
                if rest < *weight {
                    return index;
                }
                last = index;
            }
            rest -= weight;
        }
        last
    }

    /// Puts a slice into random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Standard normal. One of the pair of the polar method is dropped, so that the state stays a position.
    pub fn normal(&mut self) -> f64 {
        loop {
            let x = 2.0 * self.uniform_open() - 1.0;
            let y = 2.0 * self.uniform_open() - 1.0;
            let s = x * x + y * y;
            if s < 1.0 && s > 0.0 {
                return x * sqrt(-2.0 * log(s) / s);
            }
        }
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -log(self.uniform_open())
    }

    /// Gamma with this shape and scale 1; `shape` > 0.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        assert!(shape > 0.0, "a gamma's shape is positive, got {shape}");
        if shape < 1.0 {
            let boost = pow(self.uniform_open(), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if log(self.uniform_open()) < 0.5 * x * x + d - d * v + d * log(v) {
                return d * v;
            }
        }
    }

    /// Beta; both parameters positive.
    pub fn beta(&mut self, alpha: f64, beta: f64) -> f64 {
        let x = self.gamma(alpha);
        let y = self.gamma(beta);
        // Both can underflow to zero for tiny parameters: then the mass sits at the ends.
        if x + y > 0.0 {
            x / (x + y)
        } else {
            f64::from(u8::from(self.bernoulli(alpha / (alpha + beta))))
        }
    }

    /// Successes among `n` draws with probability `p`.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        assert!((0.0..=1.0).contains(&p), "a probability, got {p}");
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        if n == 0 || p == 0.0 {
            return 0;
        }
        if n as f64 * p < 10.0 {
            self.binomial_by_inversion(n, p)
        } else {
            self.binomial_by_rejection(n as f64, p) as u64
        }
    }

    fn binomial_by_inversion(&mut self, n: u64, p: f64) -> u64 {
        let odds = p / (1.0 - p);
        let none = exp(n as f64 * libm::log1p(-p));
        loop {
            let mut rest = self.uniform();
            let mut mass = none;
            let mut k = 0;
            while rest >= mass && k < n {
                rest -= mass;
                k += 1;
                mass *= odds * (n - k + 1) as f64 / k as f64;
                // Rounding may leave a rest that no mass covers: draw again.
                if mass < 1e-300 {
                    break;
                }
            }
            if rest < mass {
                return k;
            }
        }
    }

    fn binomial_by_rejection(&mut self, n: f64, p: f64) -> f64 {
        let spread = sqrt(n * p * (1.0 - p));
        let b = 1.15 + 2.53 * spread;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let centre = n * p + 0.5;
        let alpha = (2.83 + 5.1 / b) * spread;
        let squeeze = 0.92 - 4.2 / b;
        let ln_odds = log(p / (1.0 - p));
        let mode = floor((n + 1.0) * p);
        let at_mode = lgamma(mode + 1.0) + lgamma(n - mode + 1.0);
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform_open();
            let us = 0.5 - u.abs();
            let k = floor((2.0 * a / us + b) * u + centre);
            if !(0.0..=n).contains(&k) {
                continue;
            }
            if us >= 0.07 && v <= squeeze {
                return k;
            }
            let bound = at_mode - lgamma(k + 1.0) - lgamma(n - k + 1.0) + (k - mode) * ln_odds;
            if log(v * alpha / (a / (us * us) + b)) <= bound {
                return k;
            }
        }
    }

    /// Events of a Poisson variable with this mean, at most 1e15.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        assert!((0.0..=1e15).contains(&mean), "a Poisson mean lies in 0..=1e15, got {mean}");
        if mean < 10.0 { self.poisson_by_product(mean) } else { self.poisson_by_rejection(mean) }
    }

    fn poisson_by_product(&mut self, mean: f64) -> u64 {
        let stop = exp(-mean);
        let mut product = self.uniform_open();
        let mut count = 0;
        while product > stop {
            product *= self.uniform_open();
            count += 1;
        }
        count
    }

    fn poisson_by_rejection(&mut self, mean: f64) -> u64 {
        let b = 0.931 + 2.53 * sqrt(mean);
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let squeeze = 0.9277 - 3.6224 / (b - 2.0);
        let ln_mean = log(mean);
        loop {
            let u = self.uniform() - 0.5;
            let v = self.uniform_open();
            let us = 0.5 - u.abs();
            let k = floor((2.0 * a / us + b) * u + mean + 0.43);
            if us >= 0.07 && v <= squeeze {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            if log(v * inverse_alpha / (a / (us * us) + b)) <= k * ln_mean - mean - lgamma(k + 1.0)
            {
                return k as u64;
            }
        }
    }

    /// Successes among `n` draws that share a rate drawn from a beta law with mean `p` and
    /// intra-class correlation `rho`: the variance is n p (1-p) (1 + (n-1) rho).
    pub fn beta_binomial(&mut self, n: u64, p: f64, rho: f64) -> u64 {
        if rho <= 0.0 || p <= 0.0 || p >= 1.0 {
            return self.binomial(n, p);
        }
        let size = 1.0 / rho - 1.0;
        let rate = self.beta(p * size, (1.0 - p) * size);
        self.binomial(n, rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Mean and variance of 40,000 draws lie within 5 standard errors of the law's.
    fn moments(mean: f64, variance: f64, mut draw: impl FnMut() -> f64) {
        let runs = 40_000;
        let draws: Vec<f64> = (0..runs).map(|_| draw()).collect();
        let n = f64::from(runs);
        let m = draws.iter().sum::<f64>() / n;
        let centred = |power: f64| draws.iter().map(|x| libm::pow(x - m, power)).sum::<f64>() / n;
        let (v, fourth) = (centred(2.0), centred(4.0));
        assert!((m - mean).abs() < 5.0 * sqrt(variance / n), "mean {m}, want {mean}");
        let se = sqrt((fourth - v * v).max(0.0) / n);
        assert!((v - variance).abs() < 5.0 * se + 1e-12, "variance {v}, want {variance}");
    }

    #[test]
    fn moments_of_every_law() {
        let mut s = Stream::named(1, "moments");
        moments(0.5, 1.0 / 12.0, || s.uniform());
        moments(4.5, 8.25, || s.below(10) as f64);
        moments(0.0, 1.0, || s.normal());
        moments(1.0, 1.0, || s.exponential());
        for shape in [0.3, 1.0, 7.5] {
            moments(shape, shape, || s.gamma(shape));
        }
        for (a, b) in [(0.4, 0.7), (2.0, 5.0), (150.0, 8.0)] {
            let t = a + b;
            moments(a / t, a * b / (t * t * (t + 1.0)), || s.beta(a, b));
        }
        for (n, p) in [(1, 0.3), (12, 0.9), (40, 0.24), (40, 0.26), (300, 0.95), (1_000_000, 0.2)] {
            let mean = n as f64 * p;
            moments(mean, mean * (1.0 - p), || s.binomial(n, p) as f64);
        }
        for mean in [0.2, 9.5, 10.5, 300.0] {
            moments(mean, mean, || s.poisson(mean) as f64);
        }
        let (n, p, rho) = (20, 0.8, 0.1);
        moments(16.0, 3.2 * (1.0 + 19.0 * rho), || s.beta_binomial(n, p, rho) as f64);
    }

    /// Chi-square of draws against the law's own masses, where a mean and a variance could still hide
    /// a wrong shape.
    #[test]
    fn shape_of_the_rejection_samplers() {
        let mut s = Stream::named(2, "shape");
        let runs = 200_000;
        let mut check = |ln_mass: &dyn Fn(f64) -> f64, draw: &mut dyn FnMut(&mut Stream) -> u64| {
            let mut counts = [0.0; 200];
            for _ in 0..runs {
                counts[draw(&mut s).min(199) as usize] += 1.0;
            }
            let (mut chi, mut cells) = (0.0, 0.0);
            for (k, count) in counts.iter().enumerate() {
                let expected = f64::from(runs) * exp(ln_mass(k as f64));
                if expected >= 10.0 {
                    chi += (count - expected) * (count - expected) / expected;
                    cells += 1.0;
                }
            }
            assert!(chi < cells + 5.0 * sqrt(2.0 * cells), "chi-square {chi} on {cells} cells");
        };
        let choose = |n: f64, k: f64| lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
        check(&|k| k * log(20.0) - 20.0 - lgamma(k + 1.0), &mut |s| s.poisson(20.0));
        check(
            &|k| {
                if k > 150.0 {
                    -1e9
                } else {
                    choose(150.0, k) + k * log(0.3) + (150.0 - k) * log(0.7)
                }
            },
            &mut |s| s.binomial(150, 0.3),
        );
    }

    #[test]
    fn the_values_never_change() {
        let mut s = Stream::named(42, "golden");
        let got = (s.next_u64(), s.binomial(1_000, 0.37), s.poisson(55.0), s.normal().to_bits());
        assert_eq!(got, GOLDEN);
    }

    const GOLDEN: (u64, u64, u64, u64) =
        (7_292_716_072_156_961_563, 368, 47, 4_607_130_055_235_719_336);

    proptest! {
        #[test]
        fn a_snapshot_goes_on_where_it_was(seed: u64, draws in 0_usize..300) {
            let mut stream = Stream::named(seed, "x").fork("y").fork_index(3);
            for _ in 0..draws { stream.normal(); }
            let text = serde_json::to_string(&stream).unwrap();
            let mut back: Stream = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back.next_u64(), stream.next_u64());
        }

        #[test]
        fn names_and_seeds_part_streams(seed: u64) {
            let mut first: Vec<u64> = [
                Stream::named(seed, "a"), Stream::named(seed, "b"), Stream::named(seed ^ 1, "a"),
                Stream::named(seed, "a").fork("b"), Stream::named(seed, "a").fork_index(0),
                Stream::named(seed, "a").fork_index(1),
            ].iter_mut().map(Stream::next_u64).collect();
            first.sort_unstable();
            first.dedup();
            prop_assert_eq!(first.len(), 6);
        }

        #[test]
        fn draws_stay_in_range(seed: u64, n in 0_u64..5_000, p in 0.0..=1.0_f64) {
            let mut s = Stream::named(seed, "range");
            prop_assert!(s.binomial(n, p) <= n);
            prop_assert!(s.beta_binomial(n, p, 0.2) <= n);
            prop_assert!(s.below(n + 1) <= n);
            prop_assert!((0.0..=1.0).contains(&s.beta(0.01 + p, 1.01 - p)));
        }
    }
}
