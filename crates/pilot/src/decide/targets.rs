//! Where moved payments go: several healthy gateways by weight.
//!
//! A merchant has contracts with some gateways only, so one target can't take all payments; a target that isn't eligible leaves its weight to the others. Weights are the
//! probability of being the best by success less fees (Thompson's rule on the outlook's draws): concentrated where one is clearly best, spread where nobody knows, and never below a floor that
//! keeps the others in reach of merchants who have only those. Then each is cut to its free capacity.
//!
//! The load that a target gets is not its weight: who else is eligible matters. With eligibilities taken as independent it is a sum over the subsets
//! of at most [`TARGETS_MAX`] targets, 16 terms.

use std::collections::BTreeMap;

use crate::decide::Outlook;
use crate::{Path, Situation, Target};

/// Targets of a plan at most.
pub const TARGETS_MAX: usize = 4;
/// Weight that keeps a target in reach.
const WEIGHT_MIN: f64 = 0.05;
/// A target that fewer of the slice's payments could use is left out.
const ELIGIBLE_MIN: f64 = 0.01;

/// Attempts per second of others that go to a gateway and that its measured load doesn't show yet.
pub type Reserved = BTreeMap<String, f64>;

/// Attempts per second that a path can still take.
pub fn headroom_per_s(path: &Path, reserved: &Reserved) -> f64 {
    let taken = path.load_per_s + reserved.get(&path.gateway).copied().unwrap_or(0.0);
    path.capacity_per_s.map_or(f64::INFINITY, |capacity| (capacity - taken).max(0.0))
}

/// Share of the moved payments that each target gets, and share that any of them can take.
pub fn loads(to: &[Target], eligible: &[f64]) -> (Vec<f64>, f64) {
    let mut loads = vec![0.0; to.len()];
    for subset in 1_u32..1 << to.len() {
        let has = |i: usize| subset & (1 << i) != 0;
        let mut probability = 1.0;
        let mut weight = 0.0;
        for (i, target) in to.iter().enumerate() {
            probability *= if has(i) { eligible[i] } else { 1.0 - eligible[i] };
            weight += if has(i) { target.share } else { 0.0 };
        }
        for (i, target) in to.iter().enumerate().filter(|(i, _)| has(*i)) {
            loads[i] += probability * target.share / weight;
        }
    }
    let covered = loads.iter().sum();
    (loads, covered)
}

/// Why a gateway is no target, if it isn't one.
pub fn objection(path: &Path, reserved: &Reserved) -> Option<String> {
    if path.hit {
        Some(format!("{} is the gateway that is hit", path.gateway))
    } else if path.suspect {
        Some(format!("{} is itself suspect", path.gateway))
    } else if headroom_per_s(path, reserved) <= 0.0 {
        Some(format!("{} has no headroom", path.gateway))
    } else {
        None
    }
}

/// The targets for a situation's payments, best first; none if nobody is fit and better.
pub fn choose(
    situation: &Situation,
    outlook: &Outlook,
    reserved: &Reserved,
    use_share: f64,
) -> Vec<Target> {
    let amount = situation.mean_amount_minor();
    let utility = |draw: &crate::decide::Draw, i: usize| {
        let fee = amount.map_or(0.0, |amount| situation.paths[i].fee_minor / amount);
        draw.paths[i] * (1.0 - fee.clamp(0.0, 1.0))
    };
    let now = outlook.mean(|draw| draw.now);
    let fit = |i: &usize| {
        let path = &situation.paths[*i];
        objection(path, reserved).is_none()
            && path.eligible_share >= ELIGIBLE_MIN
            && outlook.mean(|draw| draw.paths[*i]) > now
    };
    let mut fit: Vec<usize> = (0..situation.paths.len()).filter(fit).collect();
    fit.sort_by(|a, b| {
        let value =
            |i: usize| outlook.mean(|draw| utility(draw, i)) * situation.paths[i].eligible_share;
        value(*b)
            .total_cmp(&value(*a))
            .then_with(|| situation.paths[*a].gateway.cmp(&situation.paths[*b].gateway))
    });
    fit.truncate(TARGETS_MAX);
    if fit.is_empty() {
        return Vec::new();
    }
    let mut wins = vec![0.0; fit.len()];
    for draw in &outlook.draws {
        let best = (0..fit.len()).max_by(|a, b| {
            utility(draw, fit[*a]).total_cmp(&utility(draw, fit[*b])).then(b.cmp(a))
        });
        wins[best.expect("there are targets")] += 1.0 / outlook.draws.len() as f64;
    }
    let mut to: Vec<Target> = fit
        .iter()
        .zip(&wins)
        .map(|(i, win)| Target {
            gateway: situation.paths[*i].gateway.clone(),
            share: win.max(WEIGHT_MIN),
        })
        .collect();
    normalise(&mut to);
    fit_to_headroom(&mut to, situation, reserved, use_share);
    to.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.gateway.cmp(&b.gateway)));
    to
}

/// Takes weight from targets that would be overloaded by the whole slice.
fn fit_to_headroom(
    to: &mut Vec<Target>,
    situation: &Situation,
    reserved: &Reserved,
    use_share: f64,
) {
    for _ in 0..8 {
        let eligible = eligibilities(to, situation);
        let (loads, _) = loads(to, &eligible);
        let mut cut = false;
        for (target, load) in to.iter_mut().zip(&loads) {
            let free = situation
                .path(&target.gateway)
                .map_or(0.0, |path| headroom_per_s(path, reserved) * use_share);
            let wanted = load * situation.attempts_per_s;
            if wanted > free {
                target.share *= free / wanted;
                cut = true;
            }
        }
        to.retain(|target| target.share > 0.0);
        normalise(to);
        if !cut {
            break;
        }
    }
}

/// Scales the weights to a sum of 1.
pub fn normalise(to: &mut [Target]) {
    let sum: f64 = to.iter().map(|target| target.share).sum();
    to.iter_mut().for_each(|target| target.share /= sum);
}

fn eligibilities(to: &[Target], situation: &Situation) -> Vec<f64> {
    to.iter()
        .map(|target| {
            situation.path(&target.gateway).map_or(0.0, |path| path.eligible_share.clamp(0.0, 1.0))
        })
        .collect()
}

/// The largest share of the slice that the targets have room for; `settled` of it is part of their measured load already.
pub fn ceiling(
    to: &[Target],
    situation: &Situation,
    reserved: &Reserved,
    use_share: f64,
    settled: f64,
) -> f64 {
    let (loads, _) = loads(to, &eligibilities(to, situation));
    let mut ceiling = 1.0_f64;
    for (target, load) in to.iter().zip(loads) {
        let Some(path) = situation.path(&target.gateway) else { return 0.0 };
        let per_share = load * situation.attempts_per_s;
        if per_share > 0.0 {
            let own = settled * per_share;
            ceiling = ceiling.min((headroom_per_s(path, reserved) + own) * use_share / per_share);
        }
    }
    ceiling
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn target(gateway: &str, share: f64) -> Target {
        Target { gateway: gateway.into(), share }
    }

    proptest! {
        #[test]
        fn loads_add_up_to_what_is_covered(weights in prop::collection::vec((0.05..1.0_f64, 0.0..=1.0_f64), 1..=4)) {
            let mut to: Vec<Target> = weights.iter().map(|(w, _)| target("g", *w)).collect();
            normalise(&mut to);
            let eligible: Vec<f64> = weights.iter().map(|(_, e)| *e).collect();
            let (loads, covered) = loads(&to, &eligible);
            let none: f64 = eligible.iter().map(|e| 1.0 - e).product();
            prop_assert!((covered - (1.0 - none)).abs() < 1e-9);
            for (load, e) in loads.iter().zip(&eligible) {
                prop_assert!(*load >= -1e-12 && *load <= e + 1e-9);
            }
        }
    }

    #[test]
    fn a_target_that_few_can_use_leaves_its_weight_to_the_others() {
        let (loads, covered) = loads(&[target("a", 0.5), target("b", 0.5)], &[1.0, 0.2]);
        assert!((loads[0] - 0.9).abs() < 1e-12 && (loads[1] - 0.1).abs() < 1e-12);
        assert!((covered - 1.0).abs() < 1e-12);
    }
}
