//! The policy: an immutable snapshot that answers where a payment goes.
//!
//! **Problem.** A choice on the path of every payment must be fast, repeatable and explicable, must keep to what the
//! control plane allowed, and must say with what probability it was made.
//!
//! **Method.** Three steps, each a file of its own. *Eligible* gateways ([`crate::eligible`], less those whose rules refuse, [`crate::rule`]) in
//! the caller's or the configured order. An ordinary *base* choice ([`crate::worth`]): the first of them, the one with the highest expected utility,
//! or one drawn in proportion to its probability of being the best ([`crate::best`]) within bounds ([`crate::shares`]). Then the *overlays* of the pilot
//! ([`crate::moves`]). Draws are keyed by the payment ([`crate::draw`]); the policy has no state that a choice could change, and shares behind an
//! `Arc`.
//!
//! **Guarantee.** Same context, same policy, same choice, whoever computes it. The gateway is eligible. The propensity is that of the law the
//! draw was taken from, overlays included, so that it is exact whatever the accuracy of the learnt numbers. Under the kill switch no
//! overlay acts and nothing is explored.
//!
//! **Cost.** [`Policy::pick`] allocates nothing; [`Policy::choose`] one text of the answer each and one for its list. Time is bounded by
//! [`crate::GATEWAYS_MAX`] and the overlays about the eligible gateways, and measured by `bench choose`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::best;
use crate::draw;
use crate::eligible::Eligible;
use crate::known::Known;
use crate::moves::{Fate, Moves, Overlays};
use crate::table::Lookup;
use crate::worth::Base;
use crate::{
    Allocation, Arm, Assignment, Choice, Context, Directive, Exploration, Gateway,
    NoEligibleGateway, Overlay, Ranked, Reason, RetryAdvice, Table,
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
    /// How it is explored.
    #[serde(default)]
    pub exploration: Exploration,
    /// Share of a gateway's payments that it has room for, where not for all.
    #[serde(default)]
    pub admitted: BTreeMap<String, f64>,
}

/// An immutable snapshot that answers where a payment goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Terms", into = "Terms")]
pub struct Policy {
    terms: Terms,
    overlays: Overlays,
    pub(crate) known: Known,
    pub(crate) lookup: Lookup,
    /// By column: attempts seen, the probability that it is back, the share it has room for (empty: all have), the share it was promised.
    pub(crate) attempts: Vec<f64>,
    pub(crate) back: Vec<f64>,
    pub(crate) admitted: Vec<f64>,
    pub(crate) pinned: Vec<f64>,
    pub(crate) is_pinned: bool,
    /// Some gateway has a fee or a liability of its own.
    pub(crate) is_priced: bool,
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
    /// Its standard deviation: what may be explored.
    pub success_error: f64,
    /// Attempts of evidence that such an error stands for.
    pub evidence: f64,
    /// Share of the amount that it charges.
    pub fee_share: f64,
    /// Share of the amount that fraud is expected to cost.
    pub risk_share: f64,
    /// Its score in the ranking.
    pub score: f64,
    /// Probability of the ordinary choice.
    pub base: f64,
    /// What of that is exploration: none of the best one's.
    pub exploration: f64,
    /// Probability after the overlays: the propensity.
    pub propensity: f64,
    /// The intervention whose overlay decides on payments that would go there.
    pub overlay: Option<String>,
}

/// A gateway that a payment may not go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// The gateway.
    pub gateway: String,
    /// By which of its rules.
    pub rule: String,
}

/// A choice, as far as it takes no allocation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick<'a> {
    /// Where the payment goes.
    pub gateway: &'a str,
    /// Probability of this gateway over seed and salts, overlays included; in (0, 1].
    pub propensity: f64,
}

/// Where one payment goes, with all that led there.
struct Weighed<'a> {
    gateway: usize,
    propensity: f64,
    fate: Option<(&'a Overlay, Arm)>,
}

impl Policy {
    /// Makes the terms ready for use: work once per snapshot, some 10 ns per place and gateway.
    pub fn new(terms: Terms) -> Self {
        let known = Known::new(&terms);
        let any = known.width() - 1;
        let column = |name: &str| known.number(name).map_or(any, usize::from);
        let lookup = Lookup::new(&terms.table, known.width(), column);
        let mut attempts = vec![0.0; known.width()];
        for (name, seen) in terms.table.gateways.iter().zip(&terms.table.attempts) {
            attempts[column(name)] = *seen;
        }
        let mut back = vec![0.0; known.width()];
        for (name, probability) in terms.table.gateways.iter().zip(&terms.table.back) {
            back[column(name)] = *probability;
        }
        let mut pinned = vec![0.0; known.width()];
        for gateway in &terms.gateways {
            pinned[column(&gateway.name)] = gateway.share_min;
        }
        let mut admitted = Vec::new();
        if !terms.admitted.is_empty() {
            admitted = vec![1.0; known.width()];
            for (name, share) in &terms.admitted {
                if let Some(column) = known.number(name) {
                    admitted[usize::from(column)] = share.clamp(0.0, 1.0);
                }
            }
        }
        Self {
            overlays: Overlays::new(&terms.allocation),
            is_priced: terms.gateways.iter().any(Gateway::is_priced),
            is_pinned: pinned.iter().any(|share| *share > 0.0),
            known,
            lookup,
            attempts,
            back,
            admitted,
            pinned,
            terms,
        }
    }

    /// What it is made of.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Where a payment goes, and with what probability; the hot path itself.
    pub fn pick<'a>(&'a self, context: &Context<'a>) -> Result<Pick<'a>, NoEligibleGateway> {
        let eligible = self.eligible(context)?;
        let count = eligible.names().len();
        let mut base = Base::of(self, &eligible, context);
        let moves = self.moves(&eligible, &base.order[..count], context);
        if self.is_held(&base) {
            moves.hold(&mut base.probability[..count]);
        }
        let weighed = self.weigh(&eligible, &base, &moves, context);
        Ok(Pick { gateway: eligible.names()[weighed.gateway], propensity: weighed.propensity })
    }

    /// Where a payment goes, and why.
    pub fn choose(&self, context: &Context<'_>) -> Result<Choice, NoEligibleGateway> {
        let eligible = self.eligible(context)?;
        let count = eligible.names().len();
        let mut base = Base::of(self, &eligible, context);
        let order = &base.order[..count];
        let moves = self.moves(&eligible, order, context);
        if self.is_held(&base) {
            moves.hold(&mut base.probability[..count]);
        }
        let Weighed { gateway, propensity, fate } = self.weigh(&eligible, &base, &moves, context);
        let reason = match fate {
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
            propensity,
            ranking: order.iter().map(ranked).collect(),
            reason,
            policy_version: self.terms.version,
            assignment: fate.map(|(overlay, arm)| Assignment {
                intervention_id: overlay.intervention_id.clone(),
                experiment_id: overlay.experiment_id.clone(),
                arm,
            }),
            retry: fate.filter(|(_, arm)| *arm == Arm::Treatment).and_then(|(o, _)| advice(o)),
        })
    }

    /// Whether tests may hold what they need of the ordinary choice: not where nothing is learnt and so nothing leaves, nor of a customer who is kept
    /// where the card is.
    fn is_held(&self, base: &Base) -> bool {
        self.learning() != Learning::Off && !base.is_kept
    }

    fn weigh<'a>(
        &'a self,
        eligible: &Eligible<'_>,
        base: &Base,
        moves: &Moves<'a>,
        context: &Context<'_>,
    ) -> Weighed<'a> {
        let probability = &base.probability[..eligible.names().len()];
        let ordinary = match self.learning() {
            Learning::Off => 0,
            Learning::Exploit | Learning::Explore => {
                let (seed, attempt) = (self.terms.seed, context.attempt_number);
                let drawn = draw::of_attempt(seed, context.payment_id, attempt);
                best::pick(probability, drawn)
            }
        };
        let (overlay, total) = match moves.fate(ordinary) {
            Fate::Stays => (None, None),
            Fate::Advised(overlay) => (Some(overlay), None),
            Fate::Split(overlay, total) => (Some(overlay), Some(total)),
        };
        let fate = overlay.map(|overlay| (overlay, overlay.arm(context.payment_id)));
        let gateway = match (fate, total) {
            (Some((overlay, Arm::Treatment)), Some(total)) => {
                let drawn = draw::of_target(overlay.salt, context.payment_id);
                moves.target(overlay, ordinary, total, drawn)
            }
            _ => ordinary,
        };
        Weighed { gateway, propensity: moves.probability(gateway, probability), fate }
    }

    /// Every term of every eligible gateway's score, best first: what [`Policy::choose`] draws from.
    pub fn explain(&self, context: &Context<'_>) -> Result<Vec<Term>, NoEligibleGateway> {
        let eligible = self.eligible(context)?;
        let count = eligible.names().len();
        let mut base = Base::of(self, &eligible, context);
        let order = &base.order[..count];
        let moves = self.moves(&eligible, order, context);
        if self.is_held(&base) {
            moves.hold(&mut base.probability[..count]);
        }
        let overlay = |at: usize| match moves.fate(at) {
            Fate::Stays => None,
            Fate::Advised(overlay) | Fate::Split(overlay, _) => {
                Some(overlay.intervention_id.clone())
            }
        };
        let term = |at: &usize| {
            let (rate, error) = (base.rate[*at], base.error[*at]);
            Term {
                gateway: eligible.names()[*at].to_owned(),
                success_rate: rate,
                success_error: error,
                evidence: if error > 0.0 { rate * (1.0 - rate) / (error * error) } else { 0.0 },
                fee_share: base.fee[*at],
                risk_share: base.risk[*at],
                score: base.score[*at],
                base: base.probability[*at],
                exploration: if *at == order[0] || base.is_kept {
                    0.0
                } else {
                    base.probability[*at]
                },
                propensity: moves.probability(*at, &base.probability[..count]),
                overlay: overlay(*at),
            }
        };
        Ok(order.iter().map(term).collect())
    }

    /// The gateways that a payment would have been offered but for their rules.
    pub fn excluded(&self, context: &Context<'_>) -> Vec<Excluded> {
        let mut excluded = Vec::new();
        let note = |gateway: &str, refusal: crate::Refusal<'_>| {
            excluded.push(Excluded { gateway: gateway.to_owned(), rule: refusal.to_string() });
        };
        // An error says the same once more: that they are all refused.
        let _ = Eligible::of(context, &self.known, &self.terms.gateways, note);
        excluded
    }

    /// Names the decision on this context: the same for the same body under the same version, another for another body. The
    /// expiry of an overlay counts as a new version, since the choice may differ after it.
    pub fn decision_id(&self, context: &Context<'_>) -> String {
        let overlays = &self.terms.allocation.overlays;
        let lapsed = overlays.iter().filter(|o| !o.is_in_force(context.at)).count() as u64;
        draw::decision_id(self.terms.version, lapsed, self.terms.seed, context)
    }

    pub(crate) fn learning(&self) -> Learning {
        match self.terms.learning {
            Learning::Explore if self.terms.kill_switch => Learning::Exploit,
            learning => learning,
        }
    }

    /// What a success is worth, as a share of the amount, before what it costs.
    pub(crate) fn margin(&self, context: &Context<'_>) -> f64 {
        context.margin_bps.map_or(1.0, |bps| (bps as f64 / 10_000.0).clamp(0.0, 1.0))
    }

    fn eligible<'a>(&'a self, context: &Context<'a>) -> Result<Eligible<'a>, NoEligibleGateway> {
        Eligible::of(context, &self.known, &self.terms.gateways, |_, _| {})
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
}

fn advice(overlay: &Overlay) -> Option<RetryAdvice> {
    match overlay.directive {
        Directive::Retry { attempts_max, delay_s_min } => {
            Some(RetryAdvice { attempts_max, delay_s_min })
        }
        Directive::Reroute { .. } | Directive::Suppress => None,
    }
}
