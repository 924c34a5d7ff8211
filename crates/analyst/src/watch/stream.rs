//! A secondary stream of a slice: how often attempts are slow, fail with a class, or come at all.
//!
//! Each is a Bernoulli stream against the slice's own past: `x` of `n` attempts (for volume, of all
//! traffic's attempts, so that season and total cancel). The past is exact counts with a half-life,
//! shrunk to a nominal rate. Its guard band is relative, because latencies and mixes wander more
//! than approvals do, and nobody wants to be paged for a p95 that is exceeded by 6 % instead of 5.

use serde::{Deserialize, Serialize};
use stats::edetector::{BernoulliDetector, Bets};

use crate::logistic::{expit, logit};
use crate::watch::noise::{Noise, VARIANCE_MIN};

/// Attempts that the nominal rate is worth.
const PRIOR: f64 = 50.0;
/// Attempts learnt before it judges.
const WARM: f64 = 100.0;
/// The baseline's own error is guarded at this many standard deviations.
const GUARD_SD: f64 = 2.0;
/// Binomial variance that a judgement waits for, unless the stream is suspicious or what has come is
/// this many standard deviations off (squared): every slice has ten streams, and most say nothing.
const ENOUGH_VARIANCE: f64 = 16.0;
const URGENT_SQUARED: f64 = 6.0;

/// One stream with its baseline and detector.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stream {
    n: f64,
    x: f64,
    pending: (f64, f64),
    suspicious: bool,
    window: (f64, f64),
    held: (f64, f64),
    noise: Noise,
    /// The detector's state.
    pub detector: BernoulliDetector<4>,
    /// When the detector was last near zero.
    pub since_ms: i64,
}

/// What a judgement needs besides the counts.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Bets on more or on less of it.
    pub bets: &'a Bets<4>,
    /// Whether the bets are on more.
    pub rises: bool,
    /// Nominal rate.
    pub nominal: f64,
    /// Guard band in log-odds, towards the bets.
    pub guard: f64,
    /// Threshold of the statistic.
    pub threshold: f64,
    /// Nothing is judged before this many were learnt.
    pub seen_min: f64,
    /// Judged at once, however little has come.
    pub now: bool,
}

impl Stream {
    /// Expected rate.
    pub fn expected(&self, nominal: f64) -> f64 {
        (self.x + PRIOR * nominal) / (self.n + PRIOR)
    }

    /// Dispersion over the longest scale.
    pub fn dispersion(&self) -> f64 {
        self.noise.at(0).max(self.noise.at(2))
    }

    /// Judges `x` of `n`, or keeps them until there is enough; returns the statistic where it has
    /// moved, zero elsewhere.
    pub fn judge(&mut self, x: f64, n: f64, at_ms: i64, terms: &Terms) -> f64 {
        if n <= 0.0 {
            return 0.0;
        }
        if self.n < WARM || self.x < terms.seen_min {
            self.window.0 += n;
            self.window.1 += x;
            self.since_ms = at_ms;
            return 0.0;
        }
        let (n, x) = (self.pending.0 + n, self.pending.1 + x);
        let p = self.expected(terms.nominal).clamp(1e-6, 1.0 - 1e-6);
        let variance = n * p * (1.0 - p);
        let off = if terms.rises { x - n * p } else { n * p - x };
        let urgent = off >= 2.0 && off * off >= URGENT_SQUARED * variance;
        if variance < ENOUGH_VARIANCE && !urgent && !self.suspicious && !terms.now {
            self.pending = (n, x);
            return 0.0;
        }
        self.pending = (0.0, 0.0);
        let dispersion = self.dispersion();
        let own = dispersion / ((self.n + PRIOR) * p * (1.0 - p));
        let guard = terms.guard + GUARD_SD * libm::sqrt(own);
        let towards = if terms.rises { guard } else { -guard };
        let moved = logit(p) + towards;
        let against = if moved > 12.0 { p } else { expit(moved) };
        let r = self.detector.update(terms.bets, n, x, against, dispersion);
        self.suspicious = r * r >= terms.threshold;
        if r < n + 1.0 {
            self.since_ms = at_ms;
        }
        self.noise.add(x - n * p, variance, own);
        let least = if terms.now { VARIANCE_MIN } else { ENOUGH_VARIANCE };
        self.noise.close(0, r < libm::sqrt(terms.threshold) * 10.0, least);
        if r >= terms.threshold {
            self.detector.reset();
        }
        self.window.0 += n;
        self.window.1 += x;
        r
    }

    /// Closes a learning window: the one before is learnt now, if nothing speaks against it, and of
    /// the past a share is kept.
    pub fn learn(&mut self, quiet: bool, keep: f64) {
        self.noise.close(2, quiet, VARIANCE_MIN);
        if quiet {
            self.n += self.held.0;
            self.x += self.held.1;
            if self.n > 0.0 {
                self.n *= keep;
                self.x *= keep;
            }
        }
        self.held = if quiet { self.window } else { (0.0, 0.0) };
        self.window = (0.0, 0.0);
    }

    /// Takes recent counts as the new normal.
    pub fn accept(&mut self, x: f64, n: f64) {
        self.n = n;
        self.x = x;
        self.reset();
    }

    /// Forgets suspicion.
    pub fn reset(&mut self) {
        self.detector.reset();
        self.pending = (0.0, 0.0);
        self.suspicious = false;
    }
}
