//! Which payments start when: by blocks of 10 s, each block from streams of its own.
//!
//! **Common random numbers.** Each payment takes four words from its block's stream whatever happens to it: where, outcome,
//! when and how fast, why and whether again. What an incident adds, removes or misroutes draws from streams
//! named after the incident.
//!
//! Waves of the season are taken at the middle of the block in which a payment starts.
//!
//! **Random access.** A block needs no other block, so any span of time can be drawn on its own; what began before
//! it and ends within it is met by starting [`reach_ms`] earlier.

use payments::Timestamp;
use stats::stream::Stream;

use crate::attempt::{ABANDONED_MS_MAX, Draws};
use crate::burst::Urns;
use crate::config::Retries;
use crate::effect::{misrouted, removed};
use crate::incident::Kind;
use crate::world::World;

/// Length of a block.
pub(crate) const BLOCK_MS: i64 = 10_000;

/// Copies of a storm follow within this time.
pub(crate) const STORM_MS_MAX: i64 = 10_000;

/// Longest time between the start of a payment and the end of its last attempt.
pub(crate) fn reach_ms(world: &World) -> i64 {
    let timeout = i64::from(world.config.gateways.iter().map(|g| g.timeout_ms).max().unwrap_or(0));
    let Retries { attempts_max, delay_ms_max, .. } = world.config.retries;
    // Only the last attempt can be abandoned.
    i64::from(attempts_max - 1) * (timeout + i64::from(delay_ms_max))
        + timeout.max(i64::from(ABANDONED_MS_MAX))
        + STORM_MS_MAX
}

/// A payment that starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) at_ms: i64,
    /// Block, incident that made it (0: none), place within the block.
    pub(crate) payment: u64,
    /// Where its merchant sends it.
    pub(crate) leaf: u32,
    /// Where its merchant would send it, were nothing misconfigured.
    pub(crate) origin: u32,
    pub(crate) draws: Draws,
    pub(crate) amount: u32,
    /// A stolen card that is tried out.
    pub(crate) testing: bool,
}

/// What the attempts of a block share.
#[derive(Debug)]
pub(crate) struct Weather {
    pub(crate) urns: Urns,
    /// What each gateway's odds are multiplied by in this block.
    pub(crate) season: Vec<f64>,
    /// Indices of incidents that can touch payments of this block.
    pub(crate) active: Vec<usize>,
}

/// Draws payments block by block.
#[derive(Debug)]
pub(crate) struct Arrivals<'w> {
    world: &'w World,
    weather: Weather,
    block: i64,
    excluded: Option<usize>,
    payments: Stream,
    volume: Stream,
    /// Not drawn where nobody asks for money.
    amounts: Option<Stream>,
    incidents: Stream,
}

impl<'w> Arrivals<'w> {
    /// From the block that holds this instant.
    pub(crate) fn new(
        world: &'w World,
        from_ms: i64,
        excluded: Option<usize>,
        with_amounts: bool,
    ) -> Self {
        let block = from_ms.div_euclid(BLOCK_MS).max(0);
        let weather =
            Weather { urns: Urns::new(&world.routes), season: Vec::new(), active: Vec::new() };
        Self {
            world,
            weather,
            block,
            excluded,
            payments: world.root.fork("payments"),
            volume: world.root.fork("volume"),
            amounts: with_amounts.then(|| world.root.fork("amounts")),
            incidents: world.root.fork("incidents"),
        }
    }

    /// Start of the next block.
    pub(crate) fn now_ms(&self) -> i64 {
        self.block * BLOCK_MS
    }

    /// Draws the next block, payment by payment, in no order of time.
    pub(crate) fn next_block(&mut self, each: &mut impl FnMut(&Weather, Arrival)) {
        let world = self.world;
        let block = self.block;
        let start = block * BLOCK_MS;
        self.weather.active.clear();
        let until = start + BLOCK_MS + reach_ms(world);
        for (index, placed) in world.placed.iter().enumerate() {
            let incident = &placed.incident;
            if Some(index) != self.excluded
                && incident.starts_at.as_millis() < until
                && incident.ends_at.as_millis() > start
            {
                self.weather.active.push(index);
            }
        }
        let middle = (block as f64 + 0.5) * BLOCK_MS as f64;
        let wave = world.waves.volume_at(middle);
        self.weather.urns.refill(&world.routes, wave);
        self.weather.season.clear();
        let gateways = world.config.gateways.len();
        self.weather.season.extend((0..gateways).map(|g| world.waves.odds_at(g, middle)));
        let mean = world.payments_per_s * 10.0 * wave;
        let mut volume = self.volume.fork_index(block as u64);
        let excess = world.config.dispersion.volume - 1.0;
        let mean_now = if excess > 0.0 {
            let shape = mean / excess;
            mean * volume.gamma(shape) / shape
        } else {
            mean
        };
        let count = volume.poisson(mean_now);
        let mut draws = self.payments.fork_index(block as u64);
        let mut amounts = self.amounts.as_ref().map(|s| s.fork_index(block as u64));
        let mut thinning = self.streams(block, "removed", removes);
        let mut misrouting = self.streams(block, "misrouted", misroutes);
        for i in 0..count {
            let origin = world.alias.pick(draws.next_u64()) as u32;
            let outcome = draws.next_u64();
            let when = draws.next_u64();
            let rest = draws.next_u64();
            let amount = amounts.as_mut().map_or(0, Stream::next_u64);
            let at_ms = start + (((when >> 32) * BLOCK_MS as u64) >> 32) as i64;
            let mut gone = false;
            for (index, stream) in &mut thinning {
                gone |= removed(&world.placed[*index], origin, at_ms, stream);
            }
            let mut leaf = origin;
            for (index, stream) in &mut misrouting {
                leaf = misrouted(world, &world.placed[*index], leaf, at_ms, stream);
            }
            let draws = Draws::new(outcome, when as u32, rest, (amount >> 32) as u32);
            if !gone {
                let payment = (block as u64) << 32 | i;
                let amount = amount as u32;
                let testing = false;
                each(
                    &self.weather,
                    Arrival { at_ms, payment, leaf, origin, draws, amount, testing },
                );
            }
            self.weather.urns.put(world.leaves[origin as usize].route, draws.outcome);
        }
        self.additions(block, mean, each);
        self.block += 1;
    }

    /// A stream for this block per incident that acts on every payment.
    fn streams(&self, block: i64, name: &str, acts: fn(Kind) -> bool) -> Vec<(usize, Stream)> {
        let stream = |index: usize| {
            (index, self.incidents.fork_index(index as u64).fork(name).fork_index(block as u64))
        };
        let acts = |index: &usize| acts(self.world.placed[*index].incident.kind);
        self.weather.active.iter().copied().filter(acts).map(stream).collect()
    }

    /// Payments that incidents add to the block.
    fn additions(&mut self, block: i64, mean: f64, each: &mut impl FnMut(&Weather, Arrival)) {
        let world = self.world;
        for position in 0..self.weather.active.len() {
            let index = self.weather.active[position];
            let placed = &world.placed[index];
            let (factor, testing) = match placed.incident.kind {
                Kind::Volume { factor } => (factor - 1.0, false),
                Kind::MixShift { share } => (share * (1.0 - placed.share) / placed.share, false),
                Kind::CardTesting { factor } => (factor, true),
                _ => continue,
            };
            if factor <= 0.0 {
                continue;
            }
            let mut draws =
                self.incidents.fork_index(index as u64).fork("added").fork_index(block as u64);
            for i in 0..draws.poisson(mean * placed.share * factor) {
                let leaf = placed.leaves[placed.alias.pick(draws.next_u64())];
                let (outcome, when, rest) = (draws.next_u64(), draws.next_u64(), draws.next_u64());
                let (amount, kept) = (draws.next_u64(), draws.uniform());
                let at_ms = block * BLOCK_MS + (((when >> 32) * BLOCK_MS as u64) >> 32) as i64;
                if kept < placed.incident.strength_at(Timestamp::from_millis(at_ms)) {
                    let payment = (block as u64) << 32 | (index as u64 + 1) << 24 | i;
                    let draws = Draws::new(outcome, when as u32, rest, (amount >> 32) as u32);
                    let (origin, amount) = (leaf, amount as u32);
                    each(
                        &self.weather,
                        Arrival { at_ms, payment, leaf, origin, draws, amount, testing },
                    );
                }
            }
        }
    }
}

fn removes(kind: Kind) -> bool {
    match kind {
        Kind::Volume { factor } => factor < 1.0,
        Kind::MixShift { share } => share > 0.0,
        _ => false,
    }
}

fn misroutes(kind: Kind) -> bool {
    matches!(kind, Kind::Misrouting { .. })
}
