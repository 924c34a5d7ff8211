//! The policy: an immutable snapshot that answers where a payment goes.
//!
//! **Problem.** A choice on the path of every payment must be fast, repeatable and explicable, must keep to what the
//! control plane allowed, and must say with what probability it was made.
//!
//! **Method.** Three steps, each a file of its own. *Eligible* gateways ([`crate::eligible`]) in the caller's or the
//! configured order. An ordinary *base* choice: the first of them, the one with the highest expected utility, or one drawn in
//! proportion to its probability of being the best ([`crate::best`]). Then the *overlays* of the pilot ([`crate::moves`]). Draws are keyed
//! by the payment ([`crate::draw`]); the policy has no state that a choice could change, and shares behind an `Arc`.
//!
//! **Guarantee.** Same context, same policy, same choice, whoever computes it. The gateway is eligible. The propensity is that of the law the
//! draw was taken from, overlays included, so that it is exact whatever the accuracy of the learnt numbers. Under the kill switch no
//! overlay acts and nothing is explored.
//!
//! **Cost.** One allocation per text of the answer and one for its list, and no other; time is bounded by
//! [`crate::GATEWAYS_MAX`] and the overlays about the eligible gateways, and measured in `examples/cost.rs`.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::best::{self, Law};
use crate::draw;
use crate::eligible::{Eligible, GATEWAYS_MAX};
use crate::moves::{Fate, Moves, Overlays};
use crate::table::Lookup;
use crate::{
    Allocation, Arm, Assignment, Choice, Context, Directive, Gateway, NoEligibleGateway, Overlay,
    Ranked, Reason, RetryAdvice, Table,
};

/// How far the ordinary choice follows what was learnt (`routing.learning`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learning {
    /// Not at all: the first eligible gateway.
    #[default]
    Off,
    /// Always the gateway with the highest expected utility.
    Exploit,
    /// Each gateway as often as it may be the best (Thompson sampling).
    Explore,
}

/// All that a policy is made of: what the control plane publishes, stores and sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Grows with every change of anything below.
    pub version: u64,
    /// Of the ordinary draws (`routing.seed`).
    pub seed: u64,
    /// How far the ordinary choice follows the table.
    pub learning: Learning,
    /// As configured, in order of preference.
    pub gateways: Vec<Gateway>,
    /// Gateways seen per method in the last 24 h, for methods that no configured gateway takes.
    pub seen: BTreeMap<String, Vec<String>>,
    /// The pilot's.
    pub allocation: Allocation,
    /// Engaged: no overlay, no exploration.
    pub kill_switch: bool,
    /// What was learnt.
    pub table: Table,
}

/// An immutable snapshot that answers where a payment goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Terms", into = "Terms")]
pub struct Policy {
    terms: Terms,
    overlays: Overlays,
    priced: FxHashMap<String, usize>,
    lookup: Lookup,
    /// By posterior; empty unless it explores.
    laws: Vec<Law>,
}

impl From<Terms> for Policy {
    fn from(terms: Terms) -> Self {
        Self::new(terms)
    }
}

impl From<Policy> for Terms {
    fn from(policy: Policy) -> Self {
        policy.terms
    }
}

/// Every term of an eligible gateway's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// The gateway.
    pub gateway: String,
    /// Expected success rate for this payment.
    pub success_rate: f64,
    /// Attempts of evidence behind it, discounted, the prior's included.
    pub evidence: f64,
    /// Share of the amount that it charges.
    pub fee_share: f64,
    /// Its score in the ranking.
    pub score: f64,
    /// Probability of the ordinary choice.
    pub base: f64,
    /// Probability after the overlays: the propensity.
    pub propensity: f64,
}

/// The ordinary policy on one payment, by eligible gateway.
struct Base {
    score: [f64; GATEWAYS_MAX],
    probability: [f64; GATEWAYS_MAX],
    /// The best first.
    order: [usize; GATEWAYS_MAX],
}

impl Policy {
    /// Makes the terms ready for use: work once per snapshot, about 3 us per posterior that is explored.
    pub fn new(terms: Terms) -> Self {
        let priced = (0..).zip(&terms.gateways).filter(|(_, gateway)| !gateway.fee.is_empty());
        let lookup = Lookup::new(&terms.table);
        let explores = terms.learning == Learning::Explore && !terms.kill_switch;
        let explored = if explores { &lookup.posteriors[..] } else { &[] };
        Self {
            overlays: Overlays::new(&terms.allocation),
            priced: priced.map(|(at, gateway)| (gateway.name.clone(), at)).collect(),
            laws: explored.iter().map(Law::of).collect(),
            lookup,
            terms,
        }
    }

    /// What it is made of.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Where a payment goes, and why.
    pub fn choose(&self, context: &Context<'_>) -> Result<Choice, NoEligibleGateway> {
        let eligible = self.eligible(context)?;
        let count = eligible.names().len();
        let base = self.base(&eligible, context);
        let order = &base.order[..count];
        let probability = &base.probability[..count];
        let moves = self.moves(&eligible, order, context);

        let ordinary = match self.learning() {
            Learning::Explore => {
                let (seed, attempt) = (self.terms.seed, context.attempt_number);
                let drawn = draw::of_attempt(seed, context.payment_id, attempt);
                best::pick(probability, drawn)
            }
            Learning::Off | Learning::Exploit => order[0],
        };
        let (fate, arm) = match moves.fate(ordinary) {
            Fate::Stays => (Fate::Stays, None),
            fate @ (Fate::Advised(overlay) | Fate::Split(overlay, _)) => {
                (fate, Some((overlay, overlay.arm(context.payment_id))))
            }
        };
        let gateway = match (fate, arm) {
            (Fate::Split(overlay, total), Some((_, Arm::Treatment))) => {
                let drawn = draw::of_target(overlay.salt, context.payment_id);
                moves.target(overlay, ordinary, total, drawn)
            }
            _ => ordinary,
        };
        let reason = match arm {
            Some((overlay, _)) if overlay.experiment_id.is_some() => Reason::Experiment,
            Some(_) => Reason::Overlay,
            None if self.learning() == Learning::Off => Reason::Fallback,
            None => Reason::Learned,
        };
        let ranked = |at: &usize| Ranked {
            gateway: eligible.names()[*at].to_owned(),
            score: base.score[*at],
        };
        Ok(Choice {
            gateway: eligible.names()[gateway].to_owned(),
            propensity: moves.probability(gateway, probability),
            ranking: order.iter().map(ranked).collect(),
            reason,
            policy_version: self.terms.version,
            assignment: arm.map(|(overlay, arm)| Assignment {
                intervention_id: overlay.intervention_id.clone(),
                experiment_id: overlay.experiment_id.clone(),
                arm,
            }),
            retry: arm.filter(|(_, arm)| *arm == Arm::Treatment).and_then(|(o, _)| advice(o)),
        })
    }

    /// Every term of every eligible gateway's score, best first: what [`Policy::choose`] draws from.
    pub fn explain(&self, context: &Context<'_>) -> Result<Vec<Term>, NoEligibleGateway> {
        let eligible = self.eligible(context)?;
        let count = eligible.names().len();
        let base = self.base(&eligible, context);
        let order = &base.order[..count];
        let moves = self.moves(&eligible, order, context);
        let row = self.lookup.row(context);
        let term = |at: &usize| {
            let name = eligible.names()[*at];
            let posterior = &self.lookup.posteriors[self.lookup.posterior(row, name)];
            Term {
                gateway: name.to_owned(),
                success_rate: posterior.mean(),
                evidence: posterior.size(),
                fee_share: self.fee_share(name, context),
                score: base.score[*at],
                base: base.probability[*at],
                propensity: moves.probability(*at, &base.probability[..count]),
            }
        };
        Ok(order.iter().map(term).collect())
    }

    /// Names the decision on this context: the same for the same body under the same version, another for another body. The
    /// expiry of an overlay counts as a new version, since the choice may differ after it.
    pub fn decision_id(&self, context: &Context<'_>) -> String {
        let overlays = &self.terms.allocation.overlays;
        let lapsed = overlays.iter().filter(|o| !o.is_in_force(context.at)).count() as u64;
        draw::decision_id(self.terms.version, lapsed, self.terms.seed, context)
    }

    fn learning(&self) -> Learning {
        match self.terms.learning {
            Learning::Explore if self.terms.kill_switch => Learning::Exploit,
            learning => learning,
        }
    }

    fn eligible<'a>(&'a self, context: &Context<'a>) -> Result<Eligible<'a>, NoEligibleGateway> {
        let seen = |method: &str| self.terms.seen.get(method).map_or(&[][..], Vec::as_slice);
        Eligible::of(context, &self.terms.gateways, seen)
    }

    fn moves<'a>(
        &'a self,
        eligible: &'a Eligible<'a>,
        order: &'a [usize],
        context: &Context<'_>,
    ) -> Moves<'a> {
        if self.terms.kill_switch {
            return Moves::none(eligible, order);
        }
        Moves::of(&self.overlays, &self.terms.allocation, eligible, order, context)
    }

    fn fee_share(&self, gateway: &str, context: &Context<'_>) -> f64 {
        let priced = if self.priced.is_empty() { None } else { self.priced.get(gateway) };
        priced.map_or(0.0, |at| {
            self.terms.gateways[*at].fee_share(context.get("method"), context.amount)
        })
    }

    fn base(&self, eligible: &Eligible<'_>, context: &Context<'_>) -> Base {
        let names = eligible.names();
        let mut base = Base {
            score: [0.0; GATEWAYS_MAX],
            probability: [0.0; GATEWAYS_MAX],
            order: std::array::from_fn(|at| at),
        };
        let learning = self.learning();
        if learning == Learning::Off {
            (1..).zip(&mut base.score[..names.len()]).for_each(|(place, score)| {
                *score = f64::from(place);
            });
            base.probability[0] = 1.0;
            return base;
        }
        let row = self.lookup.row(context);
        let mut posteriors = [0; GATEWAYS_MAX];
        let mut kept = [1.0; GATEWAYS_MAX];
        for (at, name) in names.iter().enumerate() {
            posteriors[at] = self.lookup.posterior(row, name);
            kept[at] = 1.0 - self.fee_share(name, context);
            base.score[at] = self.lookup.posteriors[posteriors[at]].mean() * kept[at];
        }
        // Stable: of equal ones the caller's order stands.
        let score = base.score;
        insertion_sort(&mut base.order[..names.len()], |a, b| score[a] > score[b]);
        match learning {
            Learning::Explore => {
                let contender = |at: usize| (&self.laws[posteriors[at]], kept[at]);
                best::probabilities(contender, &mut base.probability[..names.len()]);
            }
            Learning::Off | Learning::Exploit => base.probability[base.order[0]] = 1.0,
        }
        base
    }
}

/// A stable sort of a handful without allocating, which the standard library's isn't for more than twenty.
fn insertion_sort(order: &mut [usize], is_before: impl Fn(usize, usize) -> bool) {
    for sorted in 1..order.len() {
        let mut at = sorted;
        while at > 0 && is_before(order[at], order[at - 1]) {
            order.swap(at, at - 1);
            at -= 1;
        }
    }
}

fn advice(overlay: &Overlay) -> Option<RetryAdvice> {
    match overlay.directive {
        Directive::Retry { attempts_max, delay_s_min } => {
            Some(RetryAdvice { attempts_max, delay_s_min })
        }
        Directive::Reroute { .. } | Directive::Suppress => None,
    }
}
