//! What the overlays do to one payment: who is moved, where to, and with what probability.
//!
//! **Problem.** An intervention moves a share of one gateway's payments. The two arms must differ in nothing else, and the
//! probability of the gateway that comes out must be known exactly, or nothing can be learnt from the outcomes.
//!
//! **Method.** Of the overlays that fit the payment's context, the first about the gateway of the ordinary choice decides, and
//! it alone: a payment is moved once. Whether it has a target is found out before the arm is looked at, so that a payment that can't
//! be moved is in neither arm. The final law is the sum over ordinary choices,
//!
//! > P(g) = sum over b of p(b) x [ (1 - s(b)) 1{g = b} + s(b) w(b, g) ],
//!
//! with s(b) the share and w(b, g) the weights over the targets that are eligible, where the overlay that decides on b moves at all.
//! Expectation is linear: it holds whether or not overlays share a salt.
//!
//! Nothing is moved to a gateway that another overlay takes half of its payments or more away from.
//!
//! **Cost.** One look-up and a few comparisons of texts per eligible gateway; eligible gateways times targets for the law.

use rustc_hash::FxHashMap;

use crate::eligible::{Eligible, GATEWAYS_MAX};
use crate::{Allocation, Context, Directive, Overlay, shares};

/// The overlays by the gateway they are about, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlays {
    from: FxHashMap<String, Vec<usize>>,
    /// Those about any gateway.
    anywhere: Vec<usize>,
}

impl Overlays {
    pub fn new(allocation: &Allocation) -> Self {
        let bounded = || allocation.overlays.iter().enumerate().filter(|(_, o)| o.is_bounded());
        let mut from = FxHashMap::<String, Vec<usize>>::default();
        for gateway in bounded().filter_map(|(_, overlay)| overlay.from.as_ref()) {
            from.entry(gateway.clone()).or_insert_with(|| {
                let is_about = |o: &Overlay| o.from.as_ref().is_none_or(|own| own == gateway);
                bounded().filter(|(_, o)| is_about(o)).map(|(at, _)| at).collect()
            });
        }
        let anywhere = bounded().filter(|(_, o)| o.from.is_none()).map(|(at, _)| at).collect();
        Self { from, anywhere }
    }

    fn about(&self, gateway: &str) -> &[usize] {
        self.from.get(gateway).unwrap_or(&self.anywhere)
    }
}

/// What happens to the payments that the ordinary policy sends to one gateway.
#[derive(Clone, Copy)]
pub(crate) enum Fate<'a> {
    /// No overlay fits, or it has no target.
    Stays,
    /// The gateway stays, retries are advised on.
    Advised(&'a Overlay),
    /// A share is moved; the weights of the targets sum to this.
    Split(&'a Overlay, f64),
}

/// The overlays that fit a payment, by eligible gateway.
pub(crate) struct Moves<'a> {
    eligible: &'a Eligible<'a>,
    /// Eligible gateways, the best first.
    order: &'a [usize],
    deciding: [Option<&'a Overlay>; GATEWAYS_MAX],
    /// Bit by gateway: more is taken away from it than left.
    emptied: u64,
    is_idle: bool,
}

impl<'a> Moves<'a> {
    /// No overlay at all.
    pub fn none(eligible: &'a Eligible<'a>, order: &'a [usize]) -> Self {
        Self { eligible, order, deciding: [None; GATEWAYS_MAX], emptied: 0, is_idle: true }
    }

    pub fn of(
        overlays: &Overlays,
        allocation: &'a Allocation,
        eligible: &'a Eligible<'a>,
        order: &'a [usize],
        context: &Context<'_>,
    ) -> Self {
        let mut moves = Self::none(eligible, order);
        if allocation.overlays.is_empty() {
            return moves;
        }
        for (gateway, name) in eligible.names().iter().enumerate() {
            let about = overlays.about(name).iter().map(|at| &allocation.overlays[*at]);
            for overlay in about.filter(|o| o.is_in_force(context.at) && o.fits(context)) {
                moves.is_idle = false;
                moves.deciding[gateway].get_or_insert(overlay);
                moves.emptied |= u64::from(overlay.empties()) << gateway;
            }
        }
        moves
    }

    pub fn fate(&self, from: usize) -> Fate<'a> {
        let Some(overlay) = self.deciding[from] else { return Fate::Stays };
        if !overlay.moves_payments() {
            return Fate::Advised(overlay);
        }
        let mut total = 0.0;
        self.each_target(overlay, from, |_, weight| total += weight);
        if total > 0.0 { Fate::Split(overlay, total) } else { Fate::Stays }
    }

    /// Leaves gateways that are tested the part of the ordinary choice that their tests hold.
    pub fn hold(&self, probability: &mut [f64]) {
        if !self.is_idle {
            let moving = |at: usize| self.deciding[at].filter(|o| o.moves_payments());
            shares::raise(probability, |at| moving(at).map_or(0.0, |o| o.holds));
        }
    }

    /// Where a moved payment goes, `drawn` being uniform on [0, 1).
    pub fn target(&self, overlay: &Overlay, from: usize, total: f64, drawn: f64) -> usize {
        let mut rest = drawn * total;
        let (mut chosen, mut last) = (None, from);
        self.each_target(overlay, from, |to, weight| {
            if chosen.is_none() && rest < weight {
                chosen = Some(to);
            }
            rest -= weight;
            last = to;
        });
        chosen.unwrap_or(last)
    }

    /// The probability of each eligible gateway after the overlays, given those before.
    pub fn probability(&self, to: usize, before: &[f64]) -> f64 {
        if self.is_idle {
            return before[to];
        }
        let mut sum = 0.0;
        for (from, probability) in before.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            let stays = f64::from(u8::from(from == to));
            sum += probability
                * match self.fate(from) {
                    Fate::Stays | Fate::Advised(_) => stays,
                    Fate::Split(overlay, total) => {
                        let mut weight = 0.0;
                        self.each_target(overlay, from, |target, w| {
                            weight += if target == to { w } else { 0.0 };
                        });
                        let share = overlay.probability();
                        (1.0 - share) * stays + share * weight / total
                    }
                };
        }
        sum.min(1.0)
    }

    fn each_target(&self, overlay: &Overlay, from: usize, mut visit: impl FnMut(usize, f64)) {
        let is_open = |to: usize| to != from && self.emptied >> to & 1 == 0;
        match &overlay.directive {
            Directive::Reroute { to } => {
                for (name, weight) in to.iter().filter(|(_, w)| *w > 0.0 && w.is_finite()) {
                    if let Some(to) = self.eligible.position(name).filter(|to| is_open(*to)) {
                        visit(to, *weight);
                    }
                }
            }
            Directive::Suppress => {
                if let Some(next) = self.order.iter().find(|to| is_open(**to)) {
                    visit(*next, 1.0);
                }
            }
            Directive::Retry { .. } => {}
        }
    }
}
