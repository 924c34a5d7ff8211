//! What people route by today.

mod counted;
mod linear;
mod tree;
mod window;

pub use counted::{DiscountedTs, DiscountedUcb};
pub use linear::{Linear, Optimism};
pub use tree::DecisionTree;
pub use window::{CountWindow, EpsilonGreedy};

use super::world::{Payment, World};

/// By which dimensions a rival that keeps counts tells payments apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Apart {
    /// None: gateways as they are.
    Nothing,
    /// The first one.
    First,
    /// All.
    All,
}

impl Apart {
    pub fn key(self, payment: &Payment) -> Vec<u16> {
        match self {
            Self::Nothing => Vec::new(),
            Self::First => payment.values[..1].to_vec(),
            Self::All => payment.values.clone(),
        }
    }
}

/// The eligible gateway with the highest score, the first of equal ones.
pub fn highest(payment: &Payment, mut score: impl FnMut(u16) -> f64) -> u16 {
    let mut best = (f64::NEG_INFINITY, payment.eligible[0]);
    for gateway in &payment.eligible {
        let score = score(*gateway);
        if score > best.0 {
            best = (score, *gateway);
        }
    }
    best.1
}

/// For each set of eligible gateways the one that would have brought most, had it had every payment.
pub fn best_single(world: &World) -> Vec<u16> {
    let mut totals = std::collections::BTreeMap::<&[u16], Vec<f64>>::new();
    for payment in &world.payments {
        let total =
            totals.entry(&payment.eligible).or_insert_with(|| vec![0.0; world.gateways.len()]);
        for gateway in &payment.eligible {
            total[usize::from(*gateway)] += payment.utility(*gateway);
        }
    }
    let best = |payment: &Payment| {
        let total = &totals[payment.eligible.as_slice()];
        highest(payment, |gateway| total[usize::from(gateway)])
    };
    world.payments.iter().map(best).collect()
}
