//! The product's own learner and policy, published once per second of event time as the engine does.

use payments::{Currency, Money, Timestamp};
use routing::{Context, Exploration, Learner, LearnerSettings, Learning, Outcomes, Policy, Terms};

use super::play::Bandit;
use super::world::{AMOUNT_BAND, Payment, World};

const TICK_MS: i64 = 1_000;

pub struct Ours {
    learner: Learner,
    policy: Policy,
    tick: i64,
    known: Vec<(usize, u16, bool)>,
    seed: u64,
    exploration: Exploration,
}

impl Ours {
    pub fn new(
        world: &World,
        seed: u64,
        mut settings: LearnerSettings,
        exploration: Exploration,
    ) -> Self {
        let told = world.dimensions.iter().map(String::as_str).filter(|name| *name != AMOUNT_BAND);
        let LearnerSettings { dimensions, in_cell, .. } = LearnerSettings::of(told);
        (settings.dimensions, settings.in_cell) = (dimensions, in_cell);
        let (policy, known) = (Policy::new(Terms::default()), Vec::new());
        Self { learner: Learner::new(settings), policy, tick: i64::MIN, known, seed, exploration }
    }

    fn publish(&mut self, world: &World, tick: i64) {
        let values: Vec<Vec<(&str, &str)>> =
            self.known.iter().map(|(payment, ..)| values(world, *payment)).collect();
        let outcomes =
            self.known.iter().zip(&values).map(|((payment, gateway, success), values)| Outcomes {
                gateway: &world.gateways[usize::from(*gateway)].name,
                values,
                amount: amount(&world.payments[*payment]),
                attempts: 1,
                successes: u64::from(*success),
            });
        self.learner.learn(Timestamp::from_millis(tick * TICK_MS), outcomes);
        self.known.clear();
        self.policy = Policy::new(Terms {
            seed: self.seed,
            learning: Learning::Explore,
            gateways: world.gateways.clone(),
            table: self.learner.table(),
            exploration: self.exploration,
            ..Terms::default()
        });
        self.tick = tick;
    }
}

fn amount(payment: &Payment) -> Option<Money> {
    Currency::parse("INR").map(|currency| Money { minor: payment.amount_minor, currency })
}

fn values(world: &World, payment: usize) -> Vec<(&str, &str)> {
    world.named_values(&world.payments[payment].values)
}

impl Bandit for Ours {
    fn choose(&mut self, world: &World, payment: usize) -> u16 {
        let asked = &world.payments[payment];
        let tick = asked.at_ms / TICK_MS;
        if tick > self.tick {
            self.publish(world, tick);
        }
        let id = format!("p{payment}");
        let candidates: Vec<&str> =
            asked.eligible.iter().map(|g| world.gateways[usize::from(*g)].name.as_str()).collect();
        let values = values(world, payment);
        let amount = amount(asked);
        let at = Timestamp::from_millis(asked.at_ms);
        let context =
            Context { values: &values, amount, candidates: &candidates, ..Context::at(at, &id) };
        let Ok(picked) = self.policy.pick(&context) else { return asked.eligible[0] };
        let at = candidates.iter().position(|name| *name == picked.gateway).unwrap_or(0);
        asked.eligible[at]
    }

    fn learn(&mut self, _: &World, payment: usize, gateway: u16, success: bool) {
        self.known.push((payment, gateway, success));
    }
}
