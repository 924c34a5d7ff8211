//! Attempts as the rest of the system sees them, in the order in which their outcomes became known.

use std::collections::BTreeMap;

use payments::{Attempt, Code, Initiator, Money, Status, Timestamp};

use crate::arrivals::reach_ms;
use crate::attempt::{Event, Outcome};
use crate::generate::Generator;
use crate::world::World;

/// An attempt with what only the simulator knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What the world sees.
    pub attempt: Attempt,
    /// Its true chance of success, incidents included, bursts averaged out.
    pub p_true: f64,
    /// That chance had there been no incident.
    pub p_null: f64,
    /// Index for [`World::leaf_values`].
    pub leaf: usize,
}

/// Iterator over the samples of a span of time.
#[derive(Debug)]
pub struct Attempts<'w> {
    world: &'w World,
    generator: Generator<'w>,
    /// Latest first.
    pending: Vec<Event>,
    ready_ms: i64,
    from_ms: i64,
    to_ms: i64,
}

impl World {
    /// Every attempt whose outcome becomes known in `from..to`, in that order. A span says the same whether it is drawn alone
    /// or as part of a longer one.
    pub fn attempts(&self, from: Timestamp, to: Timestamp) -> Attempts<'_> {
        let from_ms = from.as_millis().max(0);
        Attempts {
            world: self,
            generator: Generator::new(self, from_ms - reach_ms(self), None, true),
            pending: Vec::new(),
            ready_ms: i64::MIN,
            from_ms,
            to_ms: to.as_millis(),
        }
    }

    pub(crate) fn sample(&self, event: &Event) -> Sample {
        let leaf = &self.leaves[event.leaf as usize];
        let instrument = &self.instruments[usize::from(leaf.instrument)];
        let merchant = &self.merchants[usize::from(leaf.merchant)];
        let mut payment_id = String::with_capacity(24);
        write_payment_id(&mut payment_id, event.payment);
        let mut attempt_id = String::with_capacity(payment_id.len() + 3);
        attempt_id.push_str(&payment_id);
        attempt_id.push('_');
        push_number(&mut attempt_id, u64::from(event.number));
        let (status, code, latency_ms) = match event.outcome {
            Outcome::Approved => {
                (Status::Approved, Some(("iso8583", "00")), Some(event.latency_ms))
            }
            Outcome::Failed(_, row) => {
                (row.status, Some((row.source, row.value)), Some(event.latency_ms))
            }
            Outcome::Abandoned => (Status::Abandoned, None, None),
        };
        let attributes = instrument.sub_type.map(|s| ("sub_type".to_owned(), s.to_owned()));
        let attempt = Attempt {
            attempt_id,
            payment_id,
            attempt_number: u32::from(event.number),
            occurred_at: Timestamp::from_millis(event.at_ms),
            merchant_id: merchant.name.clone(),
            amount: Some(self.money(event)),
            gateway: self.config.gateways[usize::from(leaf.gateway)].name.clone(),
            method: instrument.method.name().to_owned(),
            network: instrument.network.map(|n| self.config.networks[usize::from(n)].name.clone()),
            issuer: Some(self.issuers[usize::from(instrument.issuer)].clone()),
            country: Some(self.config.countries[usize::from(leaf.country)].code.clone()),
            bin: instrument.bin.clone(),
            status,
            code: code.map(|(source, value)| Code { source: source.into(), value: value.into() }),
            latency_ms,
            decision_id: None,
            propensity: None,
            initiator: Some(Initiator::Cit),
            mcc: Some(merchant.mcc.to_owned()),
            customer_ref: None,
            device_ref: None,
            terminal_ref: None,
            ip_country: None,
            attributes: attributes.into_iter().collect::<BTreeMap<_, _>>(),
        };
        Sample { attempt, p_true: event.p_true, p_null: event.p_null, leaf: event.leaf as usize }
    }

    pub(crate) fn money(&self, event: &Event) -> Money {
        let leaf = &self.leaves[event.leaf as usize];
        let country = usize::from(leaf.country);
        let home = self.merchants[usize::from(leaf.merchant)].amounts.at(event.amount);
        let rate =
            self.config.countries[country].minor_per_unit / self.config.countries[0].minor_per_unit;
        let minor = libm::round(home * rate).max(1.0) as i64;
        Money { minor, currency: self.currencies[country] }
    }
}

/// Letters keep the runs of digits short: an id must not look like a card number.
pub(crate) fn write_payment_id(id: &mut String, payment: u64) {
    let (block, incident, place) = (payment >> 32, payment >> 24 & 0xFF, payment & 0xFF_FFFF);
    id.clear();
    id.push('p');
    push_number(id, block);
    id.push('x');
    push_number(id, place);
    if incident > 0 {
        id.push('i');
        push_number(id, incident);
    }
}

/// Decimal digits, without the formatting machinery: half of an attempt's cost otherwise.
fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

impl Attempts<'_> {
    fn next_event(&mut self) -> Option<Event> {
        loop {
            while let Some(event) = self.pending.last() {
                if event.at_ms >= self.ready_ms {
                    break;
                }
                let event = *event;
                self.pending.pop();
                if event.at_ms >= self.to_ms {
                    return None;
                }
                if event.at_ms >= self.from_ms {
                    return Some(event);
                }
            }
            if self.generator.now_ms() >= self.to_ms {
                if self.ready_ms == i64::MAX {
                    return None;
                }
                self.ready_ms = i64::MAX;
                continue;
            }
            let pending = &mut self.pending;
            let from_ms = self.from_ms;
            self.generator.next_block(&mut |event| {
                if event.at_ms >= from_ms {
                    pending.push(event);
                }
            });
            pending.sort_unstable_by_key(|e| std::cmp::Reverse((e.at_ms, e.payment, e.number)));
            self.ready_ms = self.generator.now_ms();
        }
    }
}

impl Iterator for Attempts<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let event = self.next_event()?;
        Some(self.world.sample(&event))
    }
}
