//! Mixture Shiryaev-Roberts e-detectors for Bernoulli and Poisson streams.
//!
//! **Problem.** Say as early as possible that a rate has left today's expectation, at a false-alarm
//! rate that is proven and not simulated, for any size of change, in constant memory and work.
//!
//! **Method.** Shin, Ramdas and Rinaldo 2022 (arXiv 2203.03532). For each of a few bets j ("the odds
//! of success are w_j times what is expected") the Shiryaev-Roberts statistic sums, over every
//! possible moment of change, the likelihood ratio of what came since. Tick by tick, with n attempts
//! of which k succeeded where a share p0 was expected:
//!
//! ```text
//! R_j <- (R_j + n) * LR_j       ln LR_j = k ln w_j - n ln(1 - p0 + w_j p0)
//! R    = sum_j weight_j R_j     alarm when R >= A, then start again from zero
//! ```
//!
//! Bets are odds ratios, so that they follow the season: a bet is the same statement at 95 % by
//! day and at 90 % by night, and E[LR_j] = 1 holds against whatever p0 is given for that tick.
//!
//! **Guarantee.** If the expected share is p0 (or higher, for bets on a drop), E[LR_j | past] <= 1,
//! so each R_j less the attempts counted so far is a supermartingale, and so is the mixture. By
//! optional stopping the attempts until an alarm have mean E[N] >= E[R] >= A: the average run
//! length is at least A at finite samples, with no simulation, and the expected number of alarms in
//! N attempts of a stream that starts again from zero after each is at most N / A (`budget`). It holds
//! for each stream under any dependence *between* streams.
//!
//! **Why the update keeps the mean.** Given the past and n, E[(R + n) LR] = (R + n) E[LR] = R + n: under no
//! change a tick adds exactly its attempts. Adding n before multiplying grants a change that began
//! with the tick its full evidence; added afterwards it would lag one tick, which for counted files with
//! hourly buckets is an hour. A tick of one attempt is the classical recursion.
//!
//! **Ticks whose length depends on the data.** If n is decided by the past or by anything independent
//! of this tick's outcomes, nothing changes. If a tick may close early because of its own outcomes, n becomes a
//! stopping time nu and E_0[(R + nu) LR_nu] = R + E_1[nu], E_1 being the law under the bet (Wald's identity by change of
//! measure). So closing early is valid whenever E_1[nu] <= E_0[nu]: closing *sooner* when failures mount, as
//! one would want, is safe; waiting longer for them is not. Fractional n (weights, decayed counts) only
//! needs E[LR] <= 1, which holds for weights in [0, 1] by Jensen's inequality.
//!
//! **Over-dispersion.** Retries and bursts make a tick's count vary phi times as much as a binomial. The likelihood is
//! tempered: ln LR is divided by phi. Near the expectation, with d = ln w, ln LR = d (k - n p0) - d^2 V / 2
//! for V = n p0 (1 - p0); with Var k = phi V the mean of LR^(1/phi) is exp(d^2 phi V / (2 phi^2) - d^2 V / (2 phi)) = 1:
//! exact in the Gaussian regime. It is *not* exact for bets far from the expectation under heavy tails
//! (a beta-binomial burst can fail as a whole); `overdispersed` holds the likelihood ratio that is, at more cost.
//!
//! **Guard band.** A pager that should sleep through half a point passes p0 lowered by its guard band.
//! Every stream whose rate is above the lowered p0 keeps the guarantee, since LR_j rises with failures.
//!
//! **Cost.** Eight bets: 64 bytes per stream, 8 `ln` and 8 `exp` of `elementary` per tick, about 60 ns; a tick
//! without attempts is free.

mod bernoulli;
mod bets;
mod poisson;
mod statistic;

pub use bernoulli::BernoulliDetector;
pub use bets::{Bets, RateBets};
pub use poisson::PoissonDetector;
