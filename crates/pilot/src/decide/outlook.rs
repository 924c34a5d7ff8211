//! The outlook of an incident: draws from what is known now.
//!
//! **Problem.** Whether an action gains payments depends on four things that nobody knows: how bad the hit path really is, what the others would do with its
//! payments, whether the trouble is of this path alone (a bank that fails takes the payments along to every gateway), and how long it lasts.
//!
//! **Method.** A few hundred joint draws from their posterior; every action is then valued on the same draws (common random numbers, so two actions differ by
//! what they do and not by chance, and the same situation gives the same answer).
//! - *Hit path now*: beta, two payments' worth of the baseline, updated with what was seen there, counts divided by the dispersion.
//! - *Elsewhere*: log-odds of the baseline for the slice's own mix, plus what the gateway does in this context beyond its expectation. Two models per gateway, well
//!   and struck alike, compared by their marginal likelihood on what was seen there.
//! - *Scope*: one coin per draw for "the trouble is everywhere", prior from the incident's confidence and alternatives, odds times those Bayes factors.
//! - *Duration*: see [`Durations`].
//!
//! **Guarantee.** Monte Carlo error of a probability near 0.8 below 0.02 (400 draws). **Cost.** 0.2 ms with four gateways.

use analyst::{Signal, Slice};
use libm::exp;
use payments::Timestamp;
use serde::{Deserialize, Serialize};
use stats::posterior::Beta;
use stats::stream::Stream;

use super::Durations;
use crate::experiment::{logistic, logit};
use crate::{Path, Situation};

/// Joint draws per outlook.
pub const DRAWS: usize = 400;
/// Payments that the baseline counts for on a path that is under suspicion.
const HIT_PRIOR_PAYMENTS: f64 = 2.0;
/// Payments that "struck alike" counts for.
const STRUCK_PRIOR_PAYMENTS: f64 = 6.0;
/// Explanations that the analyst doesn't list: half of them spare the other gateways.
const UNLISTED_SPARE: f64 = 0.5;
/// No explanation is surer than this.
const SCOPE_SURE: f64 = 0.98;

/// One possible state of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// Success rate of the hit path (or of the slice) now.
    pub now: f64,
    /// ... when the trouble is over.
    pub after: f64,
    /// Minutes that it lasts on.
    pub remaining_min: f64,
    /// Success rate on each path, in the situation's order; the hit one's is `now`.
    pub paths: Vec<f64>,
    /// A uniform number for what else an action has to draw.
    pub spare: f64,
}

/// Draws of one incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The draws.
    pub draws: Vec<Draw>,
    /// Probability that the other paths are spared.
    pub spared: f64,
}

/// The outlook of a situation.
pub fn outlook(
    situation: &Situation,
    durations: &Durations,
    belief: f64,
    now: Timestamp,
    seed: u64,
) -> Outlook {
    let incident = &situation.incident;
    let mut stream = Stream::named(seed, "pilot/outlook").fork(&incident.id);
    let hit = situation.paths.iter().find(|path| path.hit);
    let (hit_law, baseline, baseline_sd) = match hit {
        Some(path) => (struck_path(path), path.baseline_rate, path.baseline_sd),
        None => {
            let (law, baseline) = whole_slice(situation);
            (law, baseline, 0.1)
        }
    };
    let drop = logit(hit_law.mean()) - logit(baseline);
    let models: Vec<Elsewhere> =
        situation.paths.iter().map(|path| Elsewhere::new(path, drop)).collect();
    let prior = spared_prior(situation, belief);
    let ln_bayes: f64 = situation
        .paths
        .iter()
        .zip(&models)
        .filter(|(path, _)| !path.hit)
        .map(|(_, model)| model.ln_bayes_well)
        .sum();
    let odds = prior / (1.0 - prior) * exp(ln_bayes.clamp(-30.0, 30.0));
    let spared = odds / (1.0 + odds);
    let age_min = now.millis_since(incident.started_at) as f64 / 60_000.0;
    let draws = (0..DRAWS)
        .map(|_| {
            let now = beta(&mut stream, &hit_law);
            let after = logistic(logit(baseline) + baseline_sd * stream.normal());
            let remaining_min = durations.remaining_min(age_min, stream.uniform());
            let is_spared = stream.bernoulli(spared);
            let paths = situation
                .paths
                .iter()
                .zip(&models)
                .map(
                    |(path, model)| if path.hit { now } else { model.draw(&mut stream, is_spared) },
                )
                .collect();
            Draw { now, after, remaining_min, paths, spare: stream.uniform() }
        })
        .collect();
    Outlook { draws, spared }
}

/// Probability, before looking at the other paths, that they are spared.
fn spared_prior(situation: &Situation, belief: f64) -> f64 {
    let incident = &situation.incident;
    let names_hit = |slice: &Slice| slice.get("gateway").is_some();
    let mut listed = incident.confidence.clamp(0.0, 1.0);
    let mut spare = if names_hit(&incident.slice) { listed } else { 0.0 };
    for alternative in &incident.alternatives {
        listed += alternative.confidence;
        if names_hit(&alternative.slice) {
            spare += alternative.confidence;
        }
    }
    spare += UNLISTED_SPARE * (1.0 - listed).max(0.0);
    // A route that had trouble of its own before is a little more credible now.
    let spare = spare + 0.25 * belief * (1.0 - spare).max(0.0);
    spare.clamp(1.0 - SCOPE_SURE, SCOPE_SURE)
}

fn struck_path(path: &Path) -> Beta {
    let phi = path.dispersion.max(1.0);
    let (n, k) = counts(path.attempts, path.successes);
    Beta::with_mean(path.baseline_rate.clamp(0.01, 0.99), HIT_PRIOR_PAYMENTS)
        .updated(n / phi, k / phi)
}

/// A slice without a gateway: its rate now, and at the baseline. An incident of another signal has other units, so there its paths are summed.
fn whole_slice(situation: &Situation) -> (Beta, f64) {
    let incident = &situation.incident;
    let (n, k, baseline) = if incident.signal == Signal::SuccessRate {
        let n = incident.impact.attempts as f64;
        (n, n * incident.observed_rate, incident.baseline_rate)
    } else {
        let sum = |of: fn(&Path) -> f64| situation.paths.iter().map(of).sum::<f64>();
        let n = sum(|path| path.attempts);
        (n, sum(|path| path.successes), sum(|path| path.expected_successes) / n.max(1.0))
    };
    let baseline = baseline.clamp(0.01, 0.99);
    let (n, k) = counts(n, k);
    (Beta::with_mean(baseline, HIT_PRIOR_PAYMENTS).updated(n, k), baseline)
}

fn counts(n: f64, k: f64) -> (f64, f64) {
    let n = if n.is_finite() { n.max(0.0) } else { 0.0 };
    (n, if k.is_finite() { k.clamp(0.0, n) } else { 0.0 })
}

fn beta(stream: &mut Stream, law: &Beta) -> f64 {
    stream.beta(law.mean() * law.size(), (1.0 - law.mean()) * law.size())
}

/// A gateway under both models.
struct Elsewhere {
    well: Beta,
    struck: Beta,
    /// From the mix seen there to the slice's own, log-odds.
    shift: f64,
    ln_bayes_well: f64,
}

impl Elsewhere {
    fn new(path: &Path, drop: f64) -> Self {
        let phi = path.dispersion.max(1.0);
        let (n, k) = counts(path.attempts, path.successes);
        let seen_mix = if n > 0.0 { path.expected_successes / n } else { path.baseline_rate };
        let seen_mix = seen_mix.clamp(0.01, 0.99);
        let sd = path.baseline_sd.max(0.03);
        let size = (1.0 / (sd * sd * seen_mix * (1.0 - seen_mix)) - 1.0).clamp(2.0, 5_000.0);
        let well = Beta::with_mean(seen_mix, size);
        let alike = logistic(logit(seen_mix) + drop.min(0.0)).clamp(0.01, 0.99);
        let struck = Beta::with_mean(alike, STRUCK_PRIOR_PAYMENTS);
        let (n, k) = (n / phi, k / phi);
        Self {
            ln_bayes_well: well.ln_marginal(n, k) - struck.ln_marginal(n, k),
            well: well.updated(n, k),
            struck: struck.updated(n, k),
            shift: logit(path.baseline_rate) - logit(seen_mix),
        }
    }

    fn draw(&self, stream: &mut Stream, well: bool) -> f64 {
        let rate = beta(stream, if well { &self.well } else { &self.struck });
        logistic(logit(rate) + self.shift)
    }
}

impl Outlook {
    /// Mean over the draws.
    pub fn mean(&self, of: impl Fn(&Draw) -> f64) -> f64 {
        self.draws.iter().map(of).sum::<f64>() / self.draws.len() as f64
    }
}
