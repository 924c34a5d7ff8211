//! Playing the closed loop: attempts in order of their starts, outcomes in order of their feedback.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use payments::{Attempt, Timestamp};

use super::load::Loads;
use super::sight::Decide;
use super::start::Start;
use super::{Attempted, Played, Setup};
use crate::arrivals::{Arrivals, BLOCK_MS, reach_ms};
use crate::attempt::Event;
use crate::generate::Streams;
use crate::populate::Leaf;
use crate::world::World;

/// Length of a step between two looks at the feedback.
const STEP_MS: i64 = 1_000;

/// An outcome on its way to the operator.
#[derive(Debug)]
pub(super) struct Feedback {
    pub(super) event: Event,
    pub(super) decision_id: Option<String>,
    pub(super) propensity: Option<f64>,
}

#[derive(Debug)]
pub(super) struct Player<'w> {
    pub(super) world: &'w World,
    pub(super) setup: &'w Setup,
    arrivals: Arrivals<'w>,
    pub(super) streams: Streams<'w>,
    pub(super) starts: BinaryHeap<Reverse<Start>>,
    /// Of the present block's payments, candidate by candidate in the order of their leaves.
    pub(super) bursts: Vec<f64>,
    /// Per block since `first_block`, per gateway.
    pub(super) seasons: Vec<f64>,
    first_block: i64,
    started_until_ms: i64,
    /// Indices of the incidents that touch the present step.
    pub(super) active: Vec<usize>,
    pub(super) loads: Loads,
    /// By the step in which it arrives, from the present one on.
    feedback: VecDeque<Vec<Feedback>>,
    spare: Vec<Vec<Feedback>>,
    steps: i64,
    /// Payments with copies that have been paid.
    pub(super) paid: BTreeSet<u64>,
    pub(super) played: Played,
    pub(super) payment_id: String,
}

impl<'w> Player<'w> {
    pub(super) fn new(world: &'w World, setup: &'w Setup) -> Self {
        let arrivals = Arrivals::new(world, setup.from.as_millis() - reach_ms(world), None, true);
        Self {
            first_block: arrivals.now_ms() / BLOCK_MS,
            world,
            setup,
            arrivals,
            streams: Streams::new(world),
            starts: BinaryHeap::new(),
            bursts: Vec::new(),
            seasons: Vec::new(),
            started_until_ms: i64::MIN,
            active: Vec::new(),
            loads: Loads::new(world, &setup.capacities),
            feedback: VecDeque::new(),
            spare: Vec::new(),
            steps: 0,
            paid: BTreeSet::new(),
            played: Played::default(),
            payment_id: String::new(),
        }
    }

    pub(super) fn play<D: Decide>(
        mut self,
        decider: &mut D,
        witness: &mut impl FnMut(&Attempted<'_>),
    ) -> Played {
        let (from, to) = (self.setup.from.as_millis(), self.setup.to.as_millis());
        self.start_until(from, decider, witness);
        let mut now = from;
        let last = if D::OBSERVES { to + self.setup.feedback_delay_ms.max(0) } else { to };
        let mut batch = Vec::new();
        while now < last {
            let until = now + STEP_MS;
            if now < to {
                self.start_until(until.min(to), decider, witness);
            }
            if D::OBSERVES {
                self.deliver(&mut batch);
                decider.observe(&mut batch, Timestamp::from_millis(until));
                batch.clear();
                if decider.is_done() {
                    break;
                }
            }
            now = until;
        }
        self.played
    }

    /// Plays every attempt that starts before this.
    fn start_until<D: Decide>(
        &mut self,
        until_ms: i64,
        decider: &mut D,
        witness: &mut impl FnMut(&Attempted<'_>),
    ) {
        self.active.clear();
        let touches = |starts_at: Timestamp, ends_at: Timestamp| {
            starts_at.as_millis() < until_ms && ends_at.as_millis() > self.started_until_ms
        };
        for (index, incident) in self.world.incidents().enumerate() {
            if touches(incident.starts_at, incident.ends_at) {
                self.active.push(index);
            }
        }
        self.started_until_ms = until_ms;
        loop {
            let drawn_until = self.arrivals.now_ms();
            let bound = until_ms.min(drawn_until);
            while self.starts.peek().is_some_and(|Reverse(start)| start.at_ms < bound) {
                if let Some(Reverse(start)) = self.starts.pop() {
                    self.start(start, decider, witness);
                }
            }
            if drawn_until >= until_ms {
                return;
            }
            self.draw_block();
        }
    }

    fn draw_block(&mut self) {
        let Self { arrivals, starts, bursts, seasons, world, .. } = self;
        // The block before has started all of its payments.
        bursts.clear();
        let middle = arrivals.now_ms() as f64 + 0.5 * BLOCK_MS as f64;
        let gateways = world.config.gateways.len();
        let season_at = seasons.len();
        seasons.extend((0..gateways).map(|g| world.waves.odds_at(g, middle)));
        let season = &seasons[season_at..];
        arrivals.next_block(&mut |weather, arrival| {
            let bursts_at = bursts.len() as u32;
            bursts.extend(world.siblings(arrival.leaf).map(|leaf| {
                let Leaf { route, gateway, .. } = world.leaves[leaf as usize];
                let p_null = world.null_chance(leaf, season[usize::from(gateway)], 1.0);
                weather.urns.shift(route, p_null)
            }));
            starts.push(Reverse(Start::first(&arrival, bursts_at)));
        });
    }

    /// Factors on the odds of a payment's attempts, by gateway.
    pub(super) fn season(&self, payment: u64) -> &[f64] {
        let gateways = self.world.config.gateways.len();
        let row = ((payment >> 32) as i64 - self.first_block) as usize * gateways;
        &self.seasons[row..row + gateways]
    }

    /// Sends an outcome on its way, if it is to be seen at all.
    pub(super) fn feed_back(&mut self, feedback: Feedback) {
        let (from, to) = (self.setup.from.as_millis(), self.setup.to.as_millis());
        let at_ms = feedback.event.at_ms;
        if at_ms < from || at_ms >= to {
            return;
        }
        // What arrives at the end of a step has arrived in it.
        let after = at_ms - from + self.setup.feedback_delay_ms.max(0);
        let step = (after + STEP_MS - 1).div_euclid(STEP_MS) - 1;
        let ahead = (step - self.steps).max(0) as usize;
        while self.feedback.len() <= ahead {
            self.feedback.push_back(self.spare.pop().unwrap_or_default());
        }
        self.feedback[ahead].push(feedback);
    }

    fn deliver(&mut self, batch: &mut Vec<Attempt>) {
        self.steps += 1;
        let Some(mut arrived) = self.feedback.pop_front() else { return };
        arrived.sort_unstable_by_key(|Feedback { event: e, .. }| (e.at_ms, e.payment, e.number));
        batch.extend(arrived.drain(..).map(|Feedback { event, decision_id, propensity }| {
            Attempt { decision_id, propensity, ..self.world.sample(&event).attempt }
        }));
        self.spare.push(arrived);
    }
}
