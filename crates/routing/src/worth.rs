//! What each eligible gateway is worth to a payment, and how probable the ordinary choice of it is.

use std::f64::consts::PI;

use stats::elementary::exp_each;

use crate::best::{self, Worth};
use crate::eligible::{Eligible, GATEWAYS_MAX};
use crate::shares;
use crate::table::Effect;
use crate::{Context, Learning, Policy};

/// What a payment leaves, at least, where it succeeds: below it fees say nothing about where to go.
const KEPT_MIN: f64 = 1e-6;

/// The ordinary policy on one payment, by eligible gateway.
pub(crate) struct Base {
    pub rate: [f64; GATEWAYS_MAX],
    /// Standard deviation of the rate.
    pub error: [f64; GATEWAYS_MAX],
    pub fee: [f64; GATEWAYS_MAX],
    pub risk: [f64; GATEWAYS_MAX],
    pub score: [f64; GATEWAYS_MAX],
    pub probability: [f64; GATEWAYS_MAX],
    /// The best first.
    pub order: [usize; GATEWAYS_MAX],
    /// The customer's gateway was kept.
    pub is_kept: bool,
}

impl Base {
    /// In the caller's order: the first, whatever is known.
    fn first(count: usize) -> Self {
        let mut base = Self {
            rate: [0.0; GATEWAYS_MAX],
            error: [0.0; GATEWAYS_MAX],
            fee: [0.0; GATEWAYS_MAX],
            risk: [0.0; GATEWAYS_MAX],
            score: [0.0; GATEWAYS_MAX],
            probability: [0.0; GATEWAYS_MAX],
            order: std::array::from_fn(|at| at),
            is_kept: false,
        };
        (1..).zip(&mut base.score[..count]).for_each(|(place, score)| *score = f64::from(place));
        base.probability[0] = 1.0;
        base
    }

    pub fn of(policy: &Policy, eligible: &Eligible<'_>, context: &Context<'_>) -> Self {
        let count = eligible.names().len();
        let learning = policy.learning();
        let mut base = Self::first(count);
        if learning == Learning::Off {
            return base;
        }
        base.expect(policy, eligible, context);
        let mut worth = [Worth::default(); GATEWAYS_MAX];
        let boldness = policy.terms().exploration.boldness;
        for (at, worth) in worth.iter_mut().enumerate().take(count) {
            let kept = policy.margin(context) - base.fee[at] - base.risk[at];
            let kept = kept.max(KEPT_MIN);
            base.score[at] = base.rate[at] * kept;
            *worth = Worth { mean: base.score[at], deviation: base.error[at] * kept * boldness };
        }
        // Stable: of equal ones the caller's order stands.
        let score = base.score;
        insertion_sort(&mut base.order[..count], |a, b| score[a] > score[b]);
        base.probability[..count].fill(0.0);
        if let Some(kept) = base.sticky(policy, eligible, context) {
            base.probability[kept] = 1.0;
            base.is_kept = true;
        } else if learning == Learning::Explore {
            let probability = &mut base.probability[..count];
            best::probabilities(&worth[..count], probability);
            bound(policy, eligible, probability);
        } else {
            base.probability[base.order[0]] = 1.0;
        }
        base
    }

    /// Success rates, their errors, and what each charges.
    fn expect(&mut self, policy: &Policy, eligible: &Eligible<'_>, context: &Context<'_>) {
        let columns = eligible.columns();
        let mut effects = [Effect::default(); GATEWAYS_MAX];
        policy.lookup.expect(&policy.lookup.rows(context), columns, &mut effects);
        const LANES: usize = 4;
        let count = columns.len();
        for start in (0..count).step_by(LANES) {
            let four: [Effect; LANES] = std::array::from_fn(|lane| effects[start + lane]);
            // The mean of a logistic-normal law (MacKay 1992), and its deviation to the first order.
            let odds = four.map(|e| -e.mean / (1.0 + PI / 8.0 * e.variance).sqrt());
            for (lane, odds) in exp_each(odds).into_iter().enumerate() {
                let rate = 1.0 / (1.0 + odds);
                self.rate[start + lane] = rate;
                self.error[start + lane] = rate * (1.0 - rate) * four[lane].variance.sqrt();
            }
        }
        if !policy.is_priced {
            return;
        }
        let method = context.get("method");
        for (at, column) in columns.iter().enumerate() {
            if let Some(configured) = policy.known.configured(*column) {
                let gateway = &policy.terms().gateways[configured];
                self.fee[at] = gateway.fee_share(method, context.amount);
                self.risk[at] = gateway.risk_share(context.risk);
            }
        }
    }

    /// The customer's own gateway, unless another is worth clearly more: the health veto.
    fn sticky(
        &self,
        policy: &Policy,
        eligible: &Eligible<'_>,
        context: &Context<'_>,
    ) -> Option<usize> {
        let own = eligible.position(context.sticky?)?;
        let best = self.score[self.order[0]];
        let is_healthy =
            self.score[own] >= best * (1.0 - policy.terms().exploration.sticky_loss_max);
        is_healthy.then_some(own)
    }
}

fn bound(policy: &Policy, eligible: &Eligible<'_>, probability: &mut [f64]) {
    let columns = eligible.columns();
    let exploration = &policy.terms().exploration;
    let mut of_columns = [0.0; GATEWAYS_MAX];
    let mut gather = |from: &[f64], other: f64| {
        for (value, column) in of_columns.iter_mut().zip(columns) {
            *value = from.get(usize::from(*column)).copied().unwrap_or(other);
        }
        of_columns
    };
    let attempts = gather(&policy.attempts, 0.0);
    shares::hold_newcomers(probability, &attempts[..columns.len()], exploration.newcomers_max);
    if !policy.admitted.is_empty() {
        let admitted = gather(&policy.admitted, 1.0);
        shares::admit(probability, &admitted[..columns.len()]);
    }
    if policy.is_pinned {
        let pinned = gather(&policy.pinned, 0.0);
        shares::raise(probability, |at| pinned[at]);
    }
    // One that is as good as the best again has half of what these two have.
    let back = gather(&policy.back, 0.0);
    shares::raise(probability, |at| exploration.floor.max(0.5 * back[at]));
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
