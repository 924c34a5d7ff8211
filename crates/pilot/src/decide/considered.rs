//! The reroutes that were weighed where no traffic moves: what they would be, and the probability that each would help.
//!
//! An operator that only says how sure it is when it acts can't be checked where it matters most: on what it left alone. So every incident has
//! plans to move its payments, however poor: away from the gateway that the slice names or, if it names none, from the one that carries most of
//! it; to the fit targets or, if nothing is better, to the best of what there is; and to each other gateway alone that has room for them, for that
//! is what a person who decides otherwise would ask about next.

use analyst::Slice;
use serde::{Deserialize, Serialize};

use super::targets::{self, Reserved};
use super::{Durations, Outlook, gain, outlook};
use crate::{Action, Path, Situation, Target};
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

/// Other gateways that are weighed alone at most.
const ALONE_MAX: usize = 4;

/// The reroutes of a situation, the one that would be carried out first; none where there is nothing to leave or nowhere to go.
pub fn considered(
    situation: &Situation,
    knowledge: &Knowledge<'_>,
    reserved: &Reserved,
    headroom_use: f64,
    ttl_ms: i64,
    now: Timestamp,
) -> Vec<Considered> {
    let Some(situation) = leaving(situation) else { return Vec::new() };
    let Some(hit) = situation.hit() else { return Vec::new() };
    let Knowledge { durations, belief, lesson, seed } = *knowledge;
    let outlook = outlook(&situation, durations, belief, now, seed);
    let mut alone = others(&situation, &outlook, reserved, headroom_use);
    let fit = targets::choose(&situation, &outlook, reserved, headroom_use);
    let first = if fit.is_empty() { alone.first().cloned().into_iter().collect() } else { fit };
    if let [only] = first.as_slice() {
        alone.retain(|target| target.gateway != only.gateway);
    }
    alone.truncate(ALONE_MAX);
    let ttl_min = ttl_ms as f64 / 60_000.0;
    let from = hit.gateway.clone();
    let slice = situation.incident.slice.pairs().filter(|(dimension, _)| *dimension != "gateway");
    let slice = Slice::new(slice.chain([("gateway", from.as_str())]));
    std::iter::once(first)
        .chain(alone.into_iter().map(|target| vec![target]))
        .filter(|to| !to.is_empty())
        .map(|to| {
            let valued = gain::of_moving(&situation, &outlook, &to, ttl_min, lesson);
            let (slice, from) = (slice.clone(), from.clone());
            let confidence = valued.confidence;
            Considered { action: Action::Reroute, slice, from, to, confidence }
        })
        .collect()
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

/// The others that have room for all of it, better or not, the best first.
fn others(
    situation: &Situation,
    outlook: &Outlook,
    reserved: &Reserved,
    headroom_use: f64,
) -> Vec<Target> {
    let has_room = |path: &Path| {
        let free = targets::headroom_per_s(path, reserved) * headroom_use;
        free >= situation.attempts_per_s * path.eligible_share
    };
    let reach = |place: usize| {
        outlook.mean(|draw| draw.paths[place]) * situation.paths[place].eligible_share.min(1.0)
    };
    let mut places: Vec<(usize, f64)> = (0..situation.paths.len())
        .filter(|place| {
            let path = &situation.paths[*place];
            !path.hit && path.eligible_share > 0.0 && has_room(path)
        })
        .map(|place| (place, reach(place)))
        .collect();
    places.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    places
        .into_iter()
        .map(|(place, _)| Target { gateway: situation.paths[place].gateway.clone(), share: 1.0 })
        .collect()
}
