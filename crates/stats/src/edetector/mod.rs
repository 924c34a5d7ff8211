//! Mixture Shiryaev-Roberts e-detectors for Bernoulli and Poisson streams.
//!
//! **Problem.** Say as early as possible that a rate has left today's expectation, at a false-alarm
//! rate that is proven and not simulated, for any size of change, in constant memory and work.
//!
//! **Method.** Shin, Ramdas and Rinaldo 2022 (arXiv 2203.03532). For each of a few bets j ("of
//! what should succeed, the share f_j now fails", p1 = p0 (1 - f_j)) the Shiryaev-Roberts statistic sums, over every
//! possible moment of change, the likelihood ratio of what came since. Tick by tick, with n attempts
//! of which k succeeded where a share p0 was expected:
//!
//! ```text
//! R_j <- (R_j + n) * LR_j       ln LR_j = k ln(1 - f_j) + (n - k) ln(1 + f_j p0 / (1 - p0))
//! R    = sum_j weight_j R_j     alarm when R >= A, then start again from zero
//! ```
//!
//! Bets are shares lost *against today's expectation*, so that they follow the season: a bet is the same statement at
//! 95 % by day and at 90 % by night, and `E[LR_j]` = 1 holds against whatever p0 is given for that tick.
//!
//! **Guarantee.** If the expected share is p0 (or higher, for bets on a drop), `E[LR_j | past]` <= 1,
//! so each R_j less the attempts counted so far is a supermartingale, and so is the mixture. By
//! optional stopping the attempts until an alarm have mean `E[N]` >= `E[R]` >= A: the average run
//! length is at least A at finite samples, with no simulation, and the expected number of alarms in
//! N attempts of a stream that starts again from zero after each is at most N / A (`budget`). It holds
//! for each stream under any dependence *between* streams.
//!
//! **Why the update keeps the mean.** Given the past and n, `E[(R + n) LR]` = (R + n) `E[LR]` = R + n: under no
//! change a tick adds exactly its attempts. Adding n before multiplying grants a change that began
//! with the tick its full evidence; added afterwards it would lag one tick, which for counted files with
//! hourly buckets is an hour. A tick of one attempt is the classical recursion.
//!
//! **Ticks whose length depends on the data.** If n is decided by the past or by anything independent
//! of this tick's outcomes, nothing changes. If a tick may close early because of its own outcomes, n becomes a
//! stopping time nu and `E_0[(R + nu) LR_nu]` = R + `E_1[nu]`, E_1 being the law under the bet (Wald's identity by change of
//! measure). So closing early is valid whenever `E_1[nu]` <= `E_0[nu]`: closing *sooner* when failures mount, as
//! one would want, is safe; waiting longer for them is not. Fractional n (weights, decayed counts) only
//! needs `E[LR]` <= 1, which holds for weights in [0, 1] by Jensen's inequality.
//!
//! **Over-dispersion.** Retries and bursts make a tick's count vary phi times as much as a binomial: the ratio is then the
//! beta-binomial's (`overdispersed`), for Poisson counts the negative binomial's. Both have mean 1 under their own law.
//!
//! **Guard band.** A pager that should sleep through half a point passes p0 lowered by its guard band.
//! Every stream whose rate is above the lowered p0 keeps the guarantee, since LR_j rises with failures.
//!
//! **Cost.** Eight bets: 64 bytes per stream, about 80 ns per tick (eight `ln` and eight `exp` of `elementary`); over-dispersed
//! 40 to 250 ns; a tick without attempts is free.

mod bernoulli;
mod bets;
mod overdispersed;
mod poisson;
mod statistic;

pub use bernoulli::BernoulliDetector;
pub use bets::{Bets, RateBets};
pub use poisson::PoissonDetector;
