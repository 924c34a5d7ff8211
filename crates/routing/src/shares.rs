//! What bounds the ordinary choice's probabilities: newcomers, capacity, pinned shares, the floor.
//!
//! Each step turns probabilities that sum to 1 into such; the draw is taken from what comes out, so propensities stay exact. The order is that
//! of their authority, the last word being a contract's: how likely each is the best, at most so much for those that are hardly known, no more than each
//! takes, the volume that was promised, and for everybody a trickle.

use serde::{Deserialize, Serialize};

use crate::eligible::GATEWAYS_MAX;

/// A gateway with fewer attempts (discounted) is new.
pub(crate) const NEW_BELOW: f64 = 50.0;

/// How the ordinary choice explores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exploration {
    /// Every eligible gateway has at least this probability, as far as there is room.
    pub floor: f64,
    /// Gateways that are new have at most this together, where there are others.
    pub newcomers_max: f64,
    /// Factor on the deviation of what is known: 1 is Thompson sampling, less explores less.
    pub boldness: f64,
    /// A customer's own gateway is kept while it is worth at most this share less than the best.
    pub sticky_loss_max: f64,
    /// Part of its present share that a gateway keeps while an experiment tests leaving it: 0 lets what is learnt leave first.
    pub kept_for_tests: f64,
}

impl Default for Exploration {
    fn default() -> Self {
        Self {
            floor: 0.0,
            newcomers_max: 0.2,
            boldness: 0.4,
            sticky_loss_max: 0.05,
            kept_for_tests: 1.0,
        }
    }
}

/// Holds those that are new to their share; the others gain in proportion.
pub(crate) fn hold_newcomers(probability: &mut [f64], attempts: &[f64], most: f64) {
    let is_new = |at: usize| attempts[at] < NEW_BELOW;
    let of_new: f64 =
        (0..probability.len()).filter(|at| is_new(*at)).map(|at| probability[at]).sum();
    let of_known: f64 =
        (0..probability.len()).filter(|at| !is_new(*at)).map(|at| probability[at]).sum();
    if of_new <= most || of_known <= 0.0 {
        return;
    }
    for (at, p) in probability.iter_mut().enumerate() {
        *p *= if is_new(at) { most / of_new } else { (1.0 - most) / of_known };
    }
}

/// Takes no more to each than it has room for: what is turned away goes to the others by their own probabilities, or evenly where they have none. Where all
/// turn payments away, as before.
pub(crate) fn admit(probability: &mut [f64], admitted: &[f64]) {
    if admitted.iter().all(|share| *share >= 1.0) {
        return;
    }
    let turned: f64 = probability.iter().zip(admitted).map(|(p, share)| p * (1.0 - share)).sum();
    let open = |share: f64| share >= 1.0;
    let room: f64 =
        probability.iter().zip(admitted).filter(|(_, share)| open(**share)).map(|(p, _)| p).sum();
    let count = admitted.iter().filter(|share| open(**share)).count();
    if count == 0 {
        return;
    }
    for (p, share) in probability.iter_mut().zip(admitted) {
        *p = match (open(*share), room > 0.0) {
            (true, true) => *p * (1.0 + turned / room),
            (true, false) => turned / count as f64,
            (false, _) => *p * share,
        };
    }
}

/// Gives each at least its pinned share; those above theirs give in proportion to what they have above it.
pub(crate) fn raise(probability: &mut [f64], least: impl Fn(usize) -> f64) {
    let mut needs = [0.0; GATEWAYS_MAX];
    let mut total = 0.0;
    for (at, need) in needs.iter_mut().enumerate().take(probability.len()) {
        *need = least(at).clamp(0.0, 1.0);
        total += *need;
    }
    if total <= 0.0 {
        return;
    }
    // Promises beyond everything are kept in proportion.
    let scale = if total > 1.0 { 1.0 / total } else { 1.0 };
    let (mut missing, mut above) = (0.0, 0.0);
    for (p, need) in probability.iter().zip(&mut needs) {
        *need *= scale;
        missing += (*need - p).max(0.0);
        above += (p - *need).max(0.0);
    }
    if missing <= 0.0 || above <= 0.0 {
        return;
    }
    let given = (missing / above).min(1.0);
    for (p, need) in probability.iter_mut().zip(needs) {
        *p = if *p < need { need } else { *p - (*p - need) * given };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn law() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.0..1.0_f64, 1..12).prop_filter_map("a law", |weights| {
            let total: f64 = weights.iter().sum();
            (total > 0.0).then(|| weights.iter().map(|w| w / total).collect())
        })
    }

    proptest! {
        #[test]
        fn they_sum_to_one_and_keep_their_word(
            law in law(),
            attempts in prop::collection::vec(0.0..200.0_f64, 12),
            admitted in prop::collection::vec(prop_oneof![Just(1.0), 0.0..1.0_f64], 12),
            pins in prop::collection::vec(prop_oneof![Just(0.0), 0.0..0.2_f64], 12),
        ) {
            let n = law.len();
            let is_law = |law: &[f64]| {
                (law.iter().sum::<f64>() - 1.0).abs() < 1e-9 && law.iter().all(|p| *p >= 0.0)
            };
            let mut held = law.clone();
            hold_newcomers(&mut held, &attempts[..n], 0.1);
            prop_assert!(is_law(&held));
            let of_new: f64 = (0..n).filter(|at| attempts[*at] < NEW_BELOW).map(|at| held[at]).sum();
            prop_assert!(of_new <= 0.1 + 1e-9 || held == law);
            let mut taken = law.clone();
            admit(&mut taken, &admitted[..n]);
            prop_assert!(is_law(&taken), "{taken:?}");
            let mut raised = law;
            raise(&mut raised, |at| pins[at]);
            prop_assert!(is_law(&raised));
            let promised: f64 = pins[..n].iter().sum();
            for at in 0..n {
                prop_assert!(raised[at] >= pins[at] / promised.max(1.0) - 1e-9);
            }
        }
    }
}
