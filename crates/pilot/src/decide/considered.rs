//! The reroute that was weighed where no traffic moves: what it would be, and the probability that it would help.
//!
//! An operator that only says how sure it is when it acts can't be checked where it matters most: on what it left alone. So every incident has a
//! plan to move its payments, however poor: away from the gateway that the slice names or, if it names none, from the one that carries most of
//! it; to the fit targets or, if nothing is better, to the best of what there is.

use analyst::Slice;
use serde::{Deserialize, Serialize};

use super::targets::{self, Reserved};
use super::{Durations, Outlook, gain, outlook};
use crate::{Action, Situation, Target};
use payments::Timestamp;

/// A plan that is not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Considered {
    /// What.
    pub action: Action,
    /// Where.
    pub slice: Slice,
    /// The gateway that payments would leave.
    pub from: String,
    /// Where to.
    pub to: Vec<Target>,
    /// Probability that it would gain payments, calibrated.
    pub confidence: f64,
}

/// What an outlook needs beside the situation.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    /// How long outages of the pattern last.
    pub durations: &'a Durations,
    /// How often such a route had trouble of its own.
    pub belief: f64,
    /// What moving payments did in past cases of the pattern, log-odds.
    pub lesson: f64,
    /// Of the draws.
    pub seed: u64,
}

/// The reroute of a situation; none where there is nothing to leave or nowhere to go.
pub fn considered(
    situation: &Situation,
    knowledge: &Knowledge<'_>,
    reserved: &Reserved,
    headroom_use: f64,
    ttl_ms: i64,
    now: Timestamp,
) -> Option<Considered> {
    let situation = leaving(situation)?;
    let hit = situation.hit()?;
    let Knowledge { durations, belief, lesson, seed } = *knowledge;
    let outlook = outlook(&situation, durations, belief, now, seed);
    let mut to = targets::choose(&situation, &outlook, reserved, headroom_use);
    if to.is_empty() {
        to.push(best(&situation, &outlook)?);
    }
    let ttl_min = ttl_ms as f64 / 60_000.0;
    let valued = gain::of_moving(&situation, &outlook, &to, ttl_min, lesson);
    let from = hit.gateway.clone();
    let slice = situation.incident.slice.pairs().filter(|(dimension, _)| *dimension != "gateway");
    let slice = Slice::new(slice.chain([("gateway", from.as_str())]));
    Some(Considered { action: Action::Reroute, slice, from, to, confidence: valued.confidence })
}

/// The situation with a gateway to leave.
fn leaving(situation: &Situation) -> Option<Situation> {
    let mut situation = situation.clone();
    if situation.hit().is_none() {
        let all: f64 = situation.paths.iter().map(|path| path.attempts).sum();
        let most = situation.paths.iter_mut().max_by(|a, b| {
            a.attempts.total_cmp(&b.attempts).then_with(|| b.gateway.cmp(&a.gateway))
        })?;
        most.hit = true;
        situation.attempts_per_s *= most.attempts / all.max(1.0);
    }
    Some(situation)
}

/// The best of the others, fit or not.
fn best(situation: &Situation, outlook: &Outlook) -> Option<Target> {
    let reach = |place: usize| {
        outlook.mean(|draw| draw.paths[place]) * situation.paths[place].eligible_share.min(1.0)
    };
    (0..situation.paths.len())
        .filter(|place| {
            !situation.paths[*place].hit && situation.paths[*place].eligible_share > 0.0
        })
        .max_by(|a, b| reach(*a).total_cmp(&reach(*b)).then(b.cmp(a)))
        .map(|place| Target { gateway: situation.paths[place].gateway.clone(), share: 1.0 })
}
