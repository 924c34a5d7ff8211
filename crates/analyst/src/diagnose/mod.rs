//! Which cause an incident has, as a posterior with its evidence.
//!
//! **The problem.** A localised slice says where, not why. Codes are the obvious witness and a poor
//! one: half of all files have none, gateways rename theirs, and the same 05 hides an empty account
//! and a broken host.
//!
//! **The method.** Naive Bayes with explicit tables (`tables`): each symptom is read as one of a few
//! categories, each category has a probability under each cause, the log-likelihoods are added to the
//! prior. Chosen over a trained classifier because labelled payment incidents hardly exist, every
//! figure can be argued with, and the log Bayes factors are the explanation. Three guards against
//! what naive Bayes does wrong:
//!
//! - symptoms of one incident are dependent, which would make it overconfident: the pooled
//!   log-likelihood is raised to a power below one (a tempered posterior, Grünwald 2012, "The safe
//!   Bayesian");
//! - codes, free dimensions and siblings are capped, so that no witness decides alone, least of all
//!   the one that can lie;
//! - code counts enter by their *net* excess: failures that only changed their name cancel out, and
//!   a pure renaming is a reading of its own.
//!
//! **Guarantee.** None by theorem; the odds between two causes are the prior odds times exactly the
//! Bayes factors shown (before a 1 % lapse that keeps any posterior from certainty). Calibration is
//! to be judged on scenarios, not claimed. A cause that isn't likelier than all others together is
//! not named: the answer is `unknown`. **Cost**: some dozens of logarithms per call.
//! **Units**: natural logarithms, milliseconds, rates in 0 to 1.

mod breadth;
mod codes;
mod context;
mod shape;
mod symptoms;
mod tables;
mod text;

#[cfg(test)]
mod golden;

pub use symptoms::{
    Breadth, Change, CodeCount, Concentration, FailureCounts, FailureKind, LatencyShift, Retries,
    Siblings, SmallAmounts, Symptoms, VolumeShift,
};

use crate::{Cause, Evidence};
use tables::{CAUSES, DEPENDENCE, LAPSE, NAMED_MIN, PRIOR, PerCause};

/// A cause, how sure, why, and what else it could be.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The cause, `Unknown` if none is likelier than all others together.
    pub cause: Cause,
    /// Its posterior probability, given that the slice is right.
    pub confidence: f64,
    /// Every cause with its posterior probability, likeliest first.
    pub posterior: Vec<(Cause, f64)>,
    /// What was seen; its Bayes factors are for the cause against the likeliest other one.
    pub evidence: Vec<Evidence>,
}

/// Judges one incident.
pub fn diagnose(symptoms: &Symptoms) -> Diagnosis {
    let observations = observe(symptoms);
    let mut score: PerCause = PRIOR.map(libm::log);
    for o in &observations {
        for (s, l) in score.iter_mut().zip(o.log_likelihood) {
            *s += DEPENDENCE * l;
        }
    }
    let posterior = normalised(score);
    let mut ranked: Vec<usize> = (0..CAUSES.len()).collect();
    ranked.sort_by(|a, b| posterior[*b].total_cmp(&posterior[*a]));
    let chosen = if posterior[ranked[0]] >= NAMED_MIN { ranked[0] } else { CAUSES.len() - 1 };
    let rival = if ranked[0] == chosen { ranked[1] } else { ranked[0] };

    Diagnosis {
        cause: CAUSES[chosen],
        confidence: posterior[chosen],
        posterior: ranked.iter().map(|i| (CAUSES[*i], posterior[*i])).collect(),
        evidence: observations
            .into_iter()
            .map(|o| Evidence {
                kind: o.kind.into(),
                text: o.text,
                log_bayes_factor: DEPENDENCE * (o.log_likelihood[chosen] - o.log_likelihood[rival]),
            })
            .collect(),
    }
}

/// One symptom, read: what it is, in words, and how likely each cause makes it against `Unknown`.
#[derive(Debug)]
struct Observation {
    kind: &'static str,
    text: String,
    log_likelihood: PerCause,
}

/// All symptoms in the order in which people read them.
fn observe(symptoms: &Symptoms) -> Vec<Observation> {
    let mut all = vec![context::success_rate(symptoms)];
    all.extend(codes::failure_mix(symptoms));
    all.extend(context::latency(symptoms));
    all.extend(breadth::siblings(symptoms));
    all.extend(breadth::free_dimensions(symptoms));
    all.push(shape::where_it_is(symptoms));
    all.extend(context::volume(symptoms));
    all.extend(context::onset(symptoms));
    all.extend(context::retries(symptoms));
    all.extend(context::first_attempts(symptoms));
    all.extend(context::concentration(symptoms));
    all.extend(context::small_amounts(symptoms));
    all.extend(context::changes(symptoms));
    all
}

fn normalised(score: PerCause) -> PerCause {
    let top = score.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = score.map(|s| libm::exp(s - top));
    let total: f64 = weights.iter().sum();
    let mut posterior = PRIOR;
    for (p, w) in posterior.iter_mut().zip(weights) {
        *p = (1.0 - LAPSE) * w / total + LAPSE * *p;
    }
    posterior
}
