//! One attempt of the closed loop: asked for, played, witnessed, followed up.

use std::cmp::Reverse;

use payments::Timestamp;

use super::player::{Feedback, Player};
use super::sight::{Decide, Sight};
use super::start::{Copy, Start};
use super::{Answer, Ask, Attempted, RetryRule};
use crate::attempt::{Event, Odds, Outcome};
use crate::attempts::write_payment_id;
use crate::failure::FailureKind;
use crate::generate::{
    Again, COPY_REFUSED, Copied, duplicate, failover, is_tried_again, odds_after,
};
use crate::world::DIMENSIONS;

/// Gateways of a merchant at most, as a world has.
const CANDIDATES_MAX: usize = 64;

/// An attempt's chances: where it goes, at its natural gateway, in a quiet world.
struct Chances {
    chosen: f64,
    natural: f64,
    null: f64,
}

impl Player<'_> {
    /// Plays an attempt whose time has come.
    pub(super) fn start<D: Decide>(
        &mut self,
        mut start: Start,
        decider: &mut D,
        witness: &mut impl FnMut(&Attempted<'_>),
    ) {
        let is_ours = start.at_ms >= self.setup.from.as_millis();
        write_payment_id(&mut self.payment_id, start.payment);
        let event = Event {
            at_ms: 0,
            payment: start.payment,
            leaf: start.natural,
            amount: start.amount,
            latency_ms: 0,
            number: start.number,
            slowness: 0,
            outcome: Outcome::Abandoned,
            p_true: 0.0,
            p_null: 0.0,
        };
        let (mut event, chances, failure, answer) =
            self.decide_and_play(&start, event, is_ours, decider);
        let copies = if start.copy.is_none() { self.copies(&start, &event) } else { Vec::new() };
        start.has_copies |= !copies.is_empty();
        let was_paid = start.has_copies && self.paid.contains(&start.payment);
        let approved = event.outcome == Outcome::Approved;
        if approved && start.has_copies {
            self.paid.insert(start.payment);
        }
        let rule = answer.retry;
        let mut cancelled = 0;
        let number = start.number;
        for copied in copies {
            cancelled += u64::from(!self.copy(&start, &mut event, copied, &answer));
        }
        if start.copy.is_none() {
            cancelled += u64::from(!self.retry(&start, &event, failure, rule));
        }
        event.number = number;
        if is_ours {
            let leaf = &self.world.leaves[event.leaf as usize];
            let abandoned = self.world.instruments[usize::from(leaf.instrument)].abandoned;
            let stays = 1.0 - f64::from(abandoned) / 65_536.0;
            let played = &mut self.played;
            played.attempts += 1;
            played.payments += u64::from(number == 1);
            played.paid += u64::from(approved && !was_paid);
            played.paid_expected += if was_paid { 0.0 } else { chances.chosen * stays };
            played.moved += u64::from(event.leaf != start.natural);
            played.prevented += cancelled;
            witness(&Attempted {
                payment_id: &self.payment_id,
                attempt_number: u32::from(number),
                at: Timestamp::from_millis(start.at_ms),
                natural: start.natural as usize,
                natural_gateway: self.gateway_name(start.natural),
                chosen: event.leaf as usize,
                chosen_gateway: self.gateway_name(event.leaf),
                p_chosen: chances.chosen,
                p_natural: chances.natural,
                p_null: chances.null,
                stays,
                amount: self.world.money(&event),
                is_paid: was_paid,
                is_copy: start.copy.is_some(),
                approved,
                decision_id: answer.decision_id.as_deref(),
                is_retry_limited: start.was_delayed || cancelled > 0,
            });
        }
        if D::OBSERVES {
            let Answer { decision_id, propensity, .. } = answer;
            self.feed_back(Feedback { event, decision_id, propensity });
        }
    }

    fn gateway_name(&self, leaf: u32) -> &str {
        let gateway = self.world.leaves[leaf as usize].gateway;
        &self.world.config.gateways[usize::from(gateway)].name
    }

    /// Asks where it goes, unless that is settled, and plays it there.
    fn decide_and_play<D: Decide>(
        &mut self,
        start: &Start,
        mut event: Event,
        is_ours: bool,
        decider: &mut D,
    ) -> (Event, Chances, Option<FailureKind>, Answer) {
        let world = self.world;
        let siblings = world.siblings(start.natural);
        let (first, count) = (siblings.start, siblings.len());
        assert!(count <= CANDIDATES_MAX, "a world has at most 64 gateways, got {count}");
        let mut leaves = [0; CANDIDATES_MAX];
        leaves[0] = start.natural;
        let others = siblings.filter(|leaf| *leaf != start.natural);
        for (place, leaf) in leaves[1..].iter_mut().zip(others) {
            *place = leaf;
        }
        let sight = Sight {
            world,
            loads: &self.loads,
            active: &self.active,
            season: self.season(start.payment),
            odds_factor: start.odds_factor,
            at_ms: start.at_ms,
            testing: start.testing,
            leaves: &leaves[..count],
        };
        let answer = match &start.copy {
            Some(copy) => Answer {
                gateway: sight.leaves.iter().position(|leaf| *leaf == copy.leaf).unwrap_or(0),
                decision_id: copy.decision_id.clone(),
                propensity: copy.propensity,
                retry: None,
            },
            None if is_ours => self.ask(start, &event, &sight, decider),
            None => Answer::default(),
        };
        assert!(answer.gateway < count, "candidate {} of {count}", answer.gateway);
        event.leaf = sight.leaves[answer.gateway];

        let gateway = sight.gateway(event.leaf);
        let p_null = sight.p_null(event.leaf);
        let burst = if start.number == 1 {
            self.bursts[start.bursts_at as usize + (event.leaf - first) as usize]
        } else {
            0.0
        };
        let refused = self.loads.refused(gateway, start.at_ms);
        let uniform = (start.draws.outcome, p_null + burst);
        let effect = world.effect(&self.active, event.leaf, start.at_ms, uniform, start.testing);
        let odds = Odds { p_null, burst, refused };
        let mut failure = world.attempt(&mut event, start.at_ms, odds, &effect, start.draws);
        if let Some(copy) = &start.copy {
            duplicate(world, &mut event, copy.refused, start.draws);
            failure = None;
        }
        let natural = if event.leaf == start.natural {
            event.p_true
        } else {
            let alone = if start.copy.is_some() { 1.0 - COPY_REFUSED } else { 1.0 };
            sight.p_null(start.natural) * sight.kept(start.natural) * alone
        };
        let null = sight.p_null(start.origin);
        let chances = Chances { chosen: event.p_true, natural, null };
        self.loads.add(gateway, start.at_ms);
        (event, chances, failure, answer)
    }

    fn ask<D: Decide>(
        &self,
        start: &Start,
        event: &Event,
        sight: &Sight<'_>,
        decider: &mut D,
    ) -> Answer {
        let mut names = [""; CANDIDATES_MAX];
        for (name, leaf) in names.iter_mut().zip(sight.leaves) {
            *name = self.gateway_name(*leaf);
        }
        let mut values = [("", ""); DIMENSIONS.len()];
        let mut known = 0;
        let all = self.world.leaf_values(start.natural as usize);
        for (dimension, value) in DIMENSIONS.into_iter().zip(all).skip(1) {
            if let Some(value) = value {
                values[known] = (dimension, value);
                known += 1;
            }
        }
        let ask = Ask {
            payment_id: &self.payment_id,
            attempt_number: u32::from(start.number),
            at: Timestamp::from_millis(start.at_ms),
            leaf: start.natural as usize,
            values: &values[..known],
            amount: self.world.money(event),
            candidates: &names[..sight.leaves.len()],
        };
        decider.decide(&ask, sight)
    }

    /// What storms make of it.
    fn copies(&self, start: &Start, event: &Event) -> Vec<Copied> {
        let mut copies = Vec::new();
        let mut numbered = *event;
        for index in &self.active {
            let of_storm = self.streams.storm(*index, &numbered, start.at_ms);
            numbered.number += of_storm.len() as u8;
            copies.extend(of_storm);
        }
        copies
    }

    /// Schedules a copy, if the operator lets it; leaves its number in the event.
    fn copy(&mut self, start: &Start, event: &mut Event, copied: Copied, answer: &Answer) -> bool {
        let rule = answer.retry.unwrap_or(RetryRule { attempts_max: u32::MAX, delay_s_min: 0 });
        if u32::from(event.number) >= rule.attempts_max {
            return false;
        }
        event.number += 1;
        let place = i64::from(event.number - start.number);
        let delayed_ms = place * i64::from(rule.delay_s_min) * 1_000;
        let copy = Copy {
            leaf: event.leaf,
            refused: copied.refused,
            decision_id: answer.decision_id.clone(),
            propensity: answer.propensity,
        };
        self.starts.push(Reverse(Start {
            at_ms: start.at_ms + copied.after_ms.max(delayed_ms),
            number: event.number,
            draws: copied.draws,
            odds_factor: 1.0,
            testing: false,
            was_delayed: delayed_ms > copied.after_ms,
            copy: Some(Box::new(copy)),
            ..start.clone()
        }));
        true
    }

    /// Schedules the retry, if there is one and the operator lets it; says false if only the operator forbids it.
    fn retry(
        &mut self,
        start: &Start,
        event: &Event,
        failure: Option<FailureKind>,
        rule: Option<RetryRule>,
    ) -> bool {
        let retries = &self.world.config.retries;
        if start.testing
            || start.tries >= retries.attempts_max
            || !is_tried_again(retries, failure, start.draws)
        {
            return true;
        }
        if rule.is_some_and(|rule| u32::from(event.number) >= rule.attempts_max) {
            return false;
        }
        let mut stream = self.streams.retries_of(start.payment, start.tries);
        let Again { pause_ms, moves, which, draws } = self.streams.again(&mut stream);
        let pause_ms_min = rule.map_or(0, |rule| i64::from(rule.delay_s_min) * 1_000);
        self.starts.push(Reverse(Start {
            at_ms: event.at_ms + pause_ms.max(pause_ms_min),
            number: event.number + 1,
            tries: start.tries + 1,
            natural: failover(self.world, start.natural, moves, which),
            origin: failover(self.world, start.origin, moves, which),
            draws,
            odds_factor: odds_after(retries, failure),
            was_delayed: pause_ms_min > pause_ms,
            ..start.clone()
        }));
        true
    }
}
