//! One policy through one world: it chooses, and learns of each outcome when it is known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use super::world::World;

/// Whoever chooses gateways. Payments are named by their place in the world.
pub trait Bandit {
    fn choose(&mut self, world: &World, payment: usize) -> u16;
    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool);
}

/// What became of it, in points (hundredths).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Score {
    /// Expected share of the amount that the best gateway would have brought more, averaged over payments.
    pub regret: f64,
    /// The same, averaged over money: revenue net of fees that was left.
    pub revenue: f64,
}

pub fn play(world: &World, bandit: &mut dyn Bandit) -> Score {
    let mut due: BinaryHeap<Reverse<(i64, usize, u16)>> = BinaryHeap::new();
    let mut chosen = Vec::with_capacity(world.payments.len());
    for (at, payment) in world.payments.iter().enumerate() {
        while due.peek().is_some_and(|Reverse((known_ms, ..))| *known_ms <= payment.at_ms) {
            let Some(Reverse((_, of, gateway))) = due.pop() else { break };
            bandit.learn(world, of, gateway, world.payments[of].succeeds(gateway));
        }
        let gateway = bandit.choose(world, at);
        chosen.push(gateway);
        due.push(Reverse((payment.at_ms + payment.delay_ms, at, gateway)));
    }
    score(world, &chosen)
}

pub fn score(world: &World, chosen: &[u16]) -> Score {
    let (mut lost, mut lost_money, mut money) = (0.0, 0.0, 0.0);
    for (payment, gateway) in world.payments.iter().zip(chosen) {
        let loss = payment.best() - payment.utility(*gateway);
        lost += loss;
        lost_money += loss * payment.amount_minor as f64;
        money += payment.best() * payment.amount_minor as f64;
    }
    Score {
        regret: 100.0 * lost / world.payments.len().max(1) as f64,
        revenue: 100.0 * lost_money / money.max(1.0),
    }
}
