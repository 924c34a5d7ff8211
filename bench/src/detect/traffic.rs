//! Traffic of one stream for the learnt half: season, bursts, wander, a drop.

use stats::stream::Stream;

/// Length of a block, and of a burst.
pub const BLOCK_S: i64 = 10;
/// Variance of a block's count over the binomial one.
pub const DISPERSION: f64 = 1.5;

/// What one block held.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its start, seconds since a Monday's midnight.
    pub start_s: i64,
    /// Attempts.
    pub n: u64,
    /// Successes.
    pub k: u64,
    /// The true rate, season and all: for references that are told.
    pub rate: f64,
}

/// Wander of the rate around its season: an Ornstein-Uhlenbeck path.
#[derive(Clone, Copy, Debug)]
pub struct Wander {
    /// Standard deviation, as a rate.
    pub sd: f64,
    /// Seconds over which it forgets.
    pub seconds: f64,
}

/// One stream: a smooth season on the logit, drawn once, and blocks drawn from it.
#[derive(Clone, Debug)]
pub struct Traffic {
    stream: Stream,
    level: f64,
    /// Period in seconds, amplitude, phase.
    waves: [(f64, f64, f64); 3],
    per_second: f64,
    wander: Option<Wander>,
    away: f64,
    at_s: i64,
    /// Points lost now, as a rate.
    pub drop: f64,
}

impl Traffic {
    /// A fresh one: level between 85 and 95 %, daily and weekly waves of about two points and one.
    pub fn new(mut stream: Stream, per_second: f64, wander: Option<Wander>) -> Self {
        const DAY: f64 = 86_400.0;
        let level = stream.range(0.85, 0.95);
        let waves = [(DAY, 0.2), (DAY / 2.0, 0.1), (7.0 * DAY, 0.1)]
            .map(|(period, size)| (period, size * stream.range(0.5, 1.5), stream.uniform()));
        let level = libm::log(level / (1.0 - level));
        Self { stream, level, waves, per_second, wander, away: 0.0, at_s: 0, drop: 0.0 }
    }

    /// Intra-block correlation: with Poisson counts of mean m the variance ratio is 1 + m rho.
    pub fn rho(&self) -> f64 {
        (DISPERSION - 1.0) / (self.per_second * BLOCK_S as f64)
    }

    /// The next block, from a stream of its own so that a copy can go another way.
    pub fn next(&mut self) -> Block {
        let start_s = self.at_s;
        self.at_s += BLOCK_S;
        let waves: f64 = self
            .waves
            .iter()
            .map(|(period, size, phase)| {
                size * libm::sin(std::f64::consts::TAU * (start_s as f64 / period + phase))
            })
            .sum();
        let season = 1.0 / (1.0 + libm::exp(-(self.level + waves)));
        if let Some(Wander { sd, seconds }) = self.wander {
            let keep = libm::exp(-(BLOCK_S as f64) / seconds);
            self.away =
                self.away * keep + sd * libm::sqrt(1.0 - keep * keep) * self.stream.normal();
        }
        let rate = (season + self.away).clamp(0.01, 0.999);
        let n = self.stream.poisson(self.per_second * BLOCK_S as f64);
        let k = self.stream.beta_binomial(n, (rate - self.drop).max(0.001), self.rho());
        Block { start_s, n, k, rate }
    }

    /// Goes on with other draws from here.
    pub fn branch(&self, index: u64) -> Self {
        Self { stream: self.stream.fork_index(index), ..self.clone() }
    }
}
