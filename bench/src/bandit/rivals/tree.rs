//! The product's own decision tree as a policy: grown anew from the last hours, followed but for a share that is explored.

use std::collections::{BTreeMap, VecDeque};

use payments::Timestamp;
use routing::{Context, Growth, Outcomes, Tree};
use stats::stream::Stream;

use crate::bandit::play::Bandit;
use crate::bandit::world::World;

const GROWN_EVERY_MS: i64 = 300_000;

pub struct DecisionTree {
    stream: Stream,
    explored: f64,
    window_ms: i64,
    outcomes: VecDeque<(i64, usize, u16, bool)>,
    tree: Tree,
    grown_ms: i64,
}

impl DecisionTree {
    pub fn new(seed: u64, explored: f64, window_min: f64) -> Self {
        Self {
            stream: Stream::named(seed, "decision tree"),
            explored,
            window_ms: (window_min * 60_000.0) as i64,
            outcomes: VecDeque::new(),
            tree: Tree::Leaf(Vec::new()),
            grown_ms: i64::MIN / 2,
        }
    }

    fn grow(&mut self, world: &World, at_ms: i64) {
        while self.outcomes.front().is_some_and(|(known, ..)| *known < at_ms - self.window_ms) {
            self.outcomes.pop_front();
        }
        let mut counts = BTreeMap::<(&[u16], u16), (u64, u64)>::new();
        for (_, payment, gateway, success) in &self.outcomes {
            let key = (world.payments[*payment].values.as_slice(), *gateway);
            let (n, k) = counts.entry(key).or_default();
            *n += 1;
            *k += u64::from(*success);
        }
        let named: Vec<Vec<(&str, &str)>> =
            counts.keys().map(|(values, _)| world.named_values(values)).collect();
        let cases: Vec<Outcomes<'_>> = counts
            .iter()
            .zip(&named)
            .map(|(((_, gateway), (attempts, successes)), values)| Outcomes {
                gateway: &world.gateways[usize::from(*gateway)].name,
                values,
                amount: None,
                attempts: *attempts,
                successes: *successes,
            })
            .collect();
        self.tree = Tree::grow(&cases, &Growth::default());
        self.grown_ms = at_ms;
    }
}

impl Bandit for DecisionTree {
    fn choose(&mut self, world: &World, payment: usize) -> u16 {
        let asked = &world.payments[payment];
        if asked.at_ms >= self.grown_ms + GROWN_EVERY_MS {
            self.grow(world, asked.at_ms);
        }
        if self.stream.bernoulli(self.explored) {
            return asked.eligible[self.stream.below(asked.eligible.len() as u64) as usize];
        }
        let values = world.named_values(&asked.values);
        let at = Timestamp::from_millis(asked.at_ms);
        let shown = self.tree.advise(&Context { values: &values, ..Context::at(at, "p") });
        super::highest(asked, |gateway| {
            let gateway = usize::from(gateway);
            let found = shown.iter().find(|shown| shown.gateway == world.gateways[gateway].name);
            // One that was never used there is thought perfect, so that it is tried.
            found.map_or(1.0, |shown| shown.rate) * asked.kept[gateway]
        })
    }

    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool) {
        let asked = &world.payments[payment];
        self.outcomes.push_back((asked.at_ms + asked.delay_ms, payment, gateway, success));
    }
}
