//! Windows: epsilon-greedy on the last 60 s, and the router that counts the last 125 outcomes and hedges 5 % of payments.

use std::collections::{BTreeMap, VecDeque};

use stats::stream::Stream;

use super::{Apart, highest};
use crate::bandit::play::Bandit;
use crate::bandit::world::World;

const WINDOW_MS: i64 = 60_000;
const BUCKET: usize = 125;
const HEDGING: f64 = 0.05;

type Outcomes = BTreeMap<(Vec<u16>, u16), VecDeque<(i64, bool)>>;

/// What succeeded of those kept; a gateway without outcomes is thought perfect, so that it is tried.
fn rate(outcomes: Option<&VecDeque<(i64, bool)>>) -> f64 {
    let Some(outcomes) = outcomes.filter(|outcomes| !outcomes.is_empty()) else { return 1.0 };
    outcomes.iter().filter(|(_, success)| *success).count() as f64 / outcomes.len() as f64
}

fn greedy(
    world: &World,
    payment: usize,
    stream: &mut Stream,
    explored: f64,
    mut rate: impl FnMut(u16) -> f64,
) -> u16 {
    let asked = &world.payments[payment];
    if stream.bernoulli(explored) {
        return asked.eligible[stream.below(asked.eligible.len() as u64) as usize];
    }
    highest(asked, |gateway| rate(gateway) * asked.kept[usize::from(gateway)])
}

pub struct EpsilonGreedy {
    stream: Stream,
    epsilon: f64,
    apart: Apart,
    outcomes: Outcomes,
    /// The last rate that a window held: what stands where it is empty.
    last: BTreeMap<(Vec<u16>, u16), f64>,
}

impl EpsilonGreedy {
    pub fn new(seed: u64, epsilon: f64, apart: Apart) -> Self {
        let stream = Stream::named(seed, "epsilon greedy");
        Self { stream, epsilon, apart, outcomes: BTreeMap::new(), last: BTreeMap::new() }
    }
}

impl Bandit for EpsilonGreedy {
    fn choose(&mut self, world: &World, payment: usize) -> u16 {
        let asked = &world.payments[payment];
        let key = self.apart.key(asked);
        let since = asked.at_ms - WINDOW_MS;
        let (outcomes, last) = (&mut self.outcomes, &mut self.last);
        greedy(world, payment, &mut self.stream, self.epsilon, |gateway| {
            let at = (key.clone(), gateway);
            let Some(window) = outcomes.get_mut(&at) else { return 1.0 };
            if !window.is_empty() {
                last.insert(at.clone(), rate(Some(window)));
            }
            while window.front().is_some_and(|(known_ms, _)| *known_ms < since) {
                window.pop_front();
            }
            if window.is_empty() {
                last.get(&at).copied().unwrap_or(1.0)
            } else {
                rate(Some(window))
            }
        })
    }

    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool) {
        let asked = &world.payments[payment];
        let window = self.outcomes.entry((self.apart.key(asked), gateway)).or_default();
        window.push_back((asked.at_ms + asked.delay_ms, success));
    }
}

pub struct CountWindow {
    stream: Stream,
    apart: Apart,
    outcomes: Outcomes,
}

impl CountWindow {
    pub fn new(seed: u64, apart: Apart) -> Self {
        let stream = Stream::named(seed, "count window");
        Self { stream, apart, outcomes: BTreeMap::new() }
    }
}

impl Bandit for CountWindow {
    fn choose(&mut self, world: &World, payment: usize) -> u16 {
        let key = self.apart.key(&world.payments[payment]);
        let outcomes = &self.outcomes;
        greedy(world, payment, &mut self.stream, HEDGING, |gateway| {
            rate(outcomes.get(&(key.clone(), gateway)))
        })
    }

    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool) {
        let asked = &world.payments[payment];
        let window = self.outcomes.entry((self.apart.key(asked), gateway)).or_default();
        window.push_back((0, success));
        if window.len() > BUCKET {
            window.pop_front();
        }
    }
}
