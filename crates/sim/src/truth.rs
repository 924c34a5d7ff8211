//! What really happened: each incident with what it cost.
//!
//! The cost is the difference between two worlds that share every random number and differ in the incident alone:
//! payments paid in the end without it and unpaid with it. That counts a payment once, however often
//! it was retried, and has little noise, since all else is equal.

use std::collections::BTreeMap;

use payments::{Money, Timestamp};

use crate::arrivals::reach_ms;
use crate::attempt::{Event, Outcome};
use crate::generate::Generator;
use crate::incident::Incident;
use crate::world::World;

/// An incident and its cost within the span that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Where, from when to when, what.
    pub incident: Incident,
    /// The cause that an operator should name.
    pub cause: &'static str,
    /// Attempts of its slice in its time.
    pub attempts: u64,
    /// Approvals that these attempts must expect to miss by their true chances: the sum of null less true, whichever
    /// incidents on them are to blame.
    pub approvals_lost: f64,
    /// Payments lost in the end, this incident against none.
    pub payments_lost: i64,
    /// What they were worth, by currency.
    pub lost: Vec<Money>,
}

/// Of each payment of a block: whether it was paid, and how much.
type Paid = BTreeMap<u64, (bool, Money)>;

impl World {
    /// The incidents that touch `from..to`, in order of their start.
    pub fn truth(&self, from: Timestamp, to: Timestamp) -> Vec<Truth> {
        let mut truths: Vec<Truth> = (0..self.placed.len())
            .filter(|index| {
                let incident = &self.placed[*index].incident;
                incident.starts_at < to.min(incident.ends_at) && incident.ends_at > from
            })
            .map(|index| self.truth_of(index, from, to))
            .collect();
        truths.sort_by_key(|truth| truth.incident.starts_at);
        truths
    }

    fn truth_of(&self, index: usize, from: Timestamp, to: Timestamp) -> Truth {
        let placed = &self.placed[index];
        let incident = &placed.incident;
        let (start, end) = (incident.starts_at.max(from), incident.ends_at.min(to));
        let first_ms = start.as_millis() - reach_ms(self);
        let mut with = Generator::new(self, first_ms, None, true);
        let mut without = Generator::new(self, first_ms, Some(index), true);
        let (mut attempts, mut approvals_lost, mut payments_lost) = (0, 0.0, 0);
        let mut lost: BTreeMap<payments::Currency, i64> = BTreeMap::new();
        while with.now_ms() < end.as_millis() {
            let (mut paid, mut paid_without) = (Paid::new(), Paid::new());
            with.next_block(&mut |event| {
                self.note(&event, &mut paid);
                let start_ms = event.at_ms - i64::from(event.latency_ms);
                let in_time = (start.as_millis()..end.as_millis()).contains(&start_ms);
                if in_time && placed.hits[event.leaf as usize] {
                    attempts += 1;
                    approvals_lost += event.p_null - event.p_true;
                }
            });
            without.next_block(&mut |event| self.note(&event, &mut paid_without));
            for (payment, (was_paid, money)) in &paid_without {
                let is_paid = paid.get(payment).is_some_and(|(is_paid, _)| *is_paid);
                let difference = i64::from(*was_paid) - i64::from(is_paid);
                payments_lost += difference;
                *lost.entry(money.currency).or_default() += difference * money.minor;
            }
        }
        let lost = lost
            .into_iter()
            .filter(|(_, minor)| *minor != 0)
            .map(|(currency, minor)| Money { minor, currency })
            .collect();
        let cause = incident.cause();
        let incident = incident.clone();
        Truth { incident, cause, attempts, approvals_lost, payments_lost, lost }
    }

    fn note(&self, event: &Event, paid: &mut Paid) {
        let entry = paid.entry(event.payment).or_insert_with(|| (false, self.money(event)));
        entry.0 |= event.outcome == Outcome::Approved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureKind, Kind};

    #[test]
    fn the_cost_is_what_the_true_chances_say() {
        let mut world = World::at_rate(60.0, 13).unwrap();
        let at = |minutes: i64| Timestamp::from_millis(1_789_960_000_000 + minutes * 60_000);
        let kind = Kind::Outage { severity: 0.6, blame: FailureKind::Issuer };
        world.add(Incident::on([("issuer", "ICICI")], at(10), at(70), kind)).unwrap();
        let rename = Kind::CodesRenamed { from: FailureKind::User, to: FailureKind::Gateway };
        world.add(Incident::on([("gateway", "PAYU")], at(0), at(9), rename)).unwrap();
        let truth = world.truth(at(0), at(90));
        assert_eq!(truth.len(), 2);
        assert_eq!((truth[0].payments_lost, truth[0].approvals_lost), (0, 0.0));
        assert_eq!(truth[1].cause, "issuer_degradation");
        let expected: f64 = world.attempts(at(0), at(90)).map(|s| s.p_null - s.p_true).sum();
        assert!((truth[1].approvals_lost / expected - 1.0).abs() < 0.01);
        // Retries save some payments, and are themselves hit: each payment counts once.
        let ratio = truth[1].payments_lost as f64 / truth[1].approvals_lost;
        assert!((0.6..1.0).contains(&ratio), "{truth:?}");
        assert!(truth[1].lost.iter().map(|m| m.minor).sum::<i64>() > 0);
    }
}
