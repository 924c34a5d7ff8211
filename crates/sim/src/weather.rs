//! Bursts: why outcomes of the same ten seconds resemble each other.
//!
//! Real outcomes are over-dispersed: within a block of 10 s a route (gateway x issuer) has a success rate of its own,
//! drawn from a beta law around its mean. With n attempts and correlation r the successes are beta-binomial with
//! variance n p (1-p) (1 + (n-1) r); with r = (factor - 1) / n that is `factor` times the binomial one, for each route and
//! for every slice that is a union of routes, all traffic included. Slices that cut through routes have less, and so do
//! routes with less than an attempt or two per block, which cannot burst.

use std::collections::VecDeque;

use stats::stream::Stream;

use crate::world::World;

/// Length of a block.
pub(crate) const BLOCK_MS: i64 = 10_000;

/// Routes with fewer attempts per block have no weather.
const ATTEMPTS_MIN: f64 = 0.2;
/// Largest correlation within a block.
const CORRELATION_MAX: f64 = 0.5;

/// What a block adds to each route's rate, and what it multiplies each gateway's odds by.
#[derive(Debug)]
pub(crate) struct Weather {
    pub(crate) shift: Vec<f64>,
    pub(crate) season: Vec<f64>,
    pub(crate) volume: f64,
}

/// Weather of consecutive blocks, drawn when first asked for.
#[derive(Debug)]
pub(crate) struct Sky {
    first: i64,
    blocks: VecDeque<Weather>,
    draws: Stream,
}

impl Sky {
    pub(crate) fn new(world: &World, first: i64) -> Self {
        Self { first, blocks: VecDeque::new(), draws: world.root.fork("weather") }
    }

    /// Forgets what lies before a block.
    pub(crate) fn forget_before(&mut self, block: i64) {
        while self.first < block {
            self.blocks.pop_front();
            self.first += 1;
        }
    }

    pub(crate) fn at(&mut self, world: &World, block: i64) -> &Weather {
        let index = (block - self.first) as usize;
        while self.blocks.len() <= index {
            let next = self.first + self.blocks.len() as i64;
            self.blocks.push_back(draw(world, &self.draws, next));
        }
        &self.blocks[index]
    }
}

fn draw(world: &World, draws: &Stream, block: i64) -> Weather {
    let middle = (block as f64 + 0.5) * BLOCK_MS as f64;
    let volume = world.waves.volume_at(middle);
    let season = (0..world.config.gateways.len()).map(|g| world.waves.odds_at(g, middle)).collect();
    let mut draws = draws.fork_index(block as u64);
    let shift = world
        .routes
        .iter()
        .map(|route| {
            let attempts = route.attempts * volume;
            if attempts < ATTEMPTS_MIN || route.correlation <= 0.0 {
                return 0.0;
            }
            let correlation = (route.correlation / attempts).min(CORRELATION_MAX);
            let size = 1.0 / correlation - 1.0;
            draws.beta(route.mean * size, (1.0 - route.mean) * size) - route.mean
        })
        .collect();
    Weather { shift, season, volume }
}
