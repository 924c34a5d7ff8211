//! A policy that goes along a log: it learns from outcomes as they become known, and says how probably it would have sent each payment where.
//!
//! It is told every attempt that counts in rates, retries included, as an engine with the dimensions of the default is, and makes itself a new table every [`REFRESH_MS`] of the log's time, from
//! outcomes before that instant alone. It begins with nothing, for that is what it would have begun with. Where no gateway is configured, those are eligible that the log
//! has sent this merchant's payments of this method to so far: a log doesn't say who has a contract with whom.
//! What is not played: capacities, and incidents that reopen what was learnt.

use std::collections::BTreeMap;
use std::rc::Rc;

use payments::{Attempt, NONE, Timestamp};
use routing::{Context, Learner, LearnerSettings, Learning, Outcomes, Policy, Terms};

use super::candidate::Candidate;
use super::is_approved;
use super::keys::contract;

/// A new table so often.
pub const REFRESH_MS: i64 = 10_000;

/// Merchants and methods that gateways are remembered for; payments of others go nowhere, which is counted.
const CONTRACTS_MAX: usize = 100_000;

/// Gateway and probability.
pub type Law = Vec<(String, f64)>;

/// A policy on its way along a log.
pub struct Follower {
    terms: Terms,
    learner: Learner,
    policy: Policy,
    /// Gateways by contract, where none is configured.
    seen: BTreeMap<String, Vec<String>>,
}

impl Follower {
    /// Before the log begins.
    pub fn new(candidate: &Candidate) -> Self {
        let routing = &candidate.routing;
        let terms = Terms {
            seed: routing.seed,
            learning: routing.learning,
            exploration: routing.exploration,
            gateways: routing.gateways.clone(),
            ..Terms::default()
        };
        let policy = Policy::new(terms.clone());
        let dimensions = analyst::Settings::default().dimensions;
        let learner = Learner::new(LearnerSettings::of(dimensions.iter().map(String::as_str)));
        Self { terms, learner, policy, seen: BTreeMap::new() }
    }

    /// Outcomes that became known before `at`.
    pub fn learn(&mut self, at: Timestamp, outcomes: &[Rc<Attempt>]) {
        if self.terms.gateways.is_empty() {
            outcomes.iter().for_each(|attempt| self.see(attempt));
        }
        if self.terms.learning != Learning::Off {
            let values: Vec<_> = outcomes.iter().map(|attempt| values(attempt)).collect();
            let counted = outcomes.iter().zip(&values).map(|(attempt, values)| Outcomes {
                gateway: &attempt.gateway,
                values,
                amount: attempt.amount,
                attempts: 1,
                successes: u64::from(is_approved(attempt)),
            });
            self.learner.learn(at, counted);
            self.terms.table = self.learner.table();
        }
        self.policy = Policy::new(self.terms.clone());
    }

    fn see(&mut self, attempt: &Attempt) {
        let contract = contract(attempt);
        if self.seen.len() >= CONTRACTS_MAX && !self.seen.contains_key(&contract) {
            return;
        }
        let gateways = self.seen.entry(contract).or_default();
        if let Err(place) = gateways.binary_search(&attempt.gateway) {
            gateways.insert(place, attempt.gateway.clone());
        }
    }

    /// How probably this payment would have gone where; none: nowhere.
    pub fn law(&self, attempt: &Attempt, at: Timestamp) -> Option<Law> {
        let mut candidates: Vec<&str> = Vec::new();
        if self.terms.gateways.is_empty() {
            let seen = self.seen.get(&contract(attempt))?;
            candidates.extend(seen.iter().map(String::as_str));
        }
        let values = values(attempt);
        let context = Context {
            attempt_number: attempt.attempt_number,
            values: &values,
            amount: attempt.amount,
            candidates: &candidates,
            ..Context::at(at, &attempt.payment_id)
        };
        let terms = self.policy.explain(&context).ok()?;
        Some(terms.into_iter().map(|term| (term.gateway, term.propensity)).collect())
    }
}

/// Dimension and value, as who asks for a gateway would have sent them.
fn values(attempt: &Attempt) -> Vec<(&str, &str)> {
    let optional = [
        ("method", Some(attempt.method.as_str())),
        ("merchant_id", Some(attempt.merchant_id.as_str())),
        ("network", attempt.network.as_deref()),
        ("issuer", attempt.issuer.as_deref()),
        ("country", attempt.country.as_deref()),
        ("bin", attempt.bin.as_deref()),
        ("mcc", attempt.mcc.as_deref()),
        ("ip_country", attempt.ip_country.as_deref()),
    ];
    let known = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let own = attempt.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    known.filter(|(_, value)| *value != NONE).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::tests::{attempt, candidate};

    fn at(s: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + s * 1_000)
    }

    #[test]
    fn it_goes_where_it_has_seen_payments_succeed() {
        let mut follower = Follower::new(&candidate("exploit"));
        let asked = attempt("a", true, 0.5);
        assert_eq!(follower.law(&asked, at(0)), None, "no gateway has been seen");
        let outcomes: Vec<_> = (0..200)
            .map(|n| Rc::new(attempt(if n % 2 == 0 { "a" } else { "b" }, n % 2 == 1, 0.5)))
            .collect();
        follower.learn(at(10), &outcomes);
        let law = follower.law(&asked, at(10)).expect("a gateway");
        assert_eq!(law.iter().find(|(_, p)| *p > 0.5).map(|(name, _)| name.as_str()), Some("b"));
        assert!((law.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
