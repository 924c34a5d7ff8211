//! One model behind everything: payments by blocks of 10 s, each block from streams of its own.
//!
//! **Common random numbers.** Each payment takes four words from its block's stream whatever happens to it: where, outcome,
//! when and how fast, why and whether again. A uniform number below the chance of success approves; an outage multiplies that
//! chance, so it turns approvals into failures and moves nothing else. What an incident adds or removes draws from streams
//! named after the incident; retries from a stream named after the payment.
//!
//! Waves of the season are taken at the middle of the block in which a payment starts.
//!
//! **Random access.** A block needs no other block, so any span of time can be drawn on its own; what began before
//! it and ends within it is met by starting [`reach_ms`] earlier.

use stats::stream::Stream;

use crate::burst::Urns;
use crate::config::{Retries, Vocabulary};
use crate::effect::{Effect, removed};
use crate::failure::{CodeRow, FailureKind, Pace, READ_TIMEOUT, codes, pick};
use crate::incident::Kind;
use crate::populate::Leaf;
use crate::world::{World, rate};
use payments::Timestamp;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Approved,
    /// The kind is the one that the code tells.
    Failed(FailureKind, &'static CodeRow),
    Abandoned,
}

/// An attempt without its words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// When the outcome was known.
    pub(crate) at_ms: i64,
    /// Block, incident that made it (0: none), place within the block.
    pub(crate) payment: u64,
    pub(crate) leaf: u32,
    /// 32 random bits, the same for all attempts of the payment.
    pub(crate) amount: u32,
    pub(crate) latency_ms: u32,
    pub(crate) number: u8,
    /// How many of the leaf's median, 95th and 99th percentile of latency it exceeded.
    pub(crate) slowness: u8,
    pub(crate) outcome: Outcome,
    pub(crate) p_true: f64,
    pub(crate) p_null: f64,
}

/// Longest time between the start of a payment and the end of its last attempt.
pub(crate) fn reach_ms(world: &World) -> i64 {
    let timeout = i64::from(world.config.gateways.iter().map(|g| g.timeout_ms).max().unwrap_or(0));
    let Retries { attempts_max, delay_ms_max, .. } = world.config.retries;
    // Only the last attempt can be abandoned.
    i64::from(attempts_max - 1) * (timeout + i64::from(delay_ms_max))
        + timeout.max(i64::from(ABANDONED_MS_MAX))
        + STORM_MS_MAX
}

/// Length of a block.
pub(crate) const BLOCK_MS: i64 = 10_000;

const ABANDONED_MS_MAX: u32 = 60_000;
/// Copies of a storm follow within this time.
const STORM_MS_MAX: i64 = 10_000;
const COPY_MS: i64 = 250;
/// Share of a storm's copies that are refused as duplicates.
const COPY_REFUSED: f64 = 0.85;
/// Share of a card tester's attempts that are refused as fraud.
const TESTING_REFUSED: f64 = 0.92;

/// Draws payments block by block.
#[derive(Debug)]
pub(crate) struct Generator<'w> {
    world: &'w World,
    urns: Urns,
    /// What each gateway's odds are multiplied by in this block.
    season: Vec<f64>,
    block: i64,
    excluded: Option<usize>,
    payments: Stream,
    volume: Stream,
    /// Not drawn where nobody asks for money.
    amounts: Option<Stream>,
    retries: Stream,
    incidents: Stream,
    /// Indices of incidents that can touch payments of the present block.
    active: Vec<usize>,
}

/// The four words of an attempt, split.
#[derive(Clone, Copy)]
struct Draws {
    outcome: f64,
    latency: u32,
    cause: f64,
    abandoned: u32,
    retry: u32,
}

impl Draws {
    #[inline]
    fn new(outcome: u64, latency: u32, rest: u64) -> Self {
        Self {
            outcome: (outcome >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0),
            latency,
            cause: (rest >> 32) as f64 * (1.0 / 4_294_967_296.0),
            abandoned: (rest >> 16) as u32 & 0xFFFF,
            retry: rest as u32 & 0xFFFF,
        }
    }
}

impl<'w> Generator<'w> {
    /// From the block that holds this instant.
    pub(crate) fn new(
        world: &'w World,
        from_ms: i64,
        excluded: Option<usize>,
        with_amounts: bool,
    ) -> Self {
        let block = from_ms.div_euclid(BLOCK_MS).max(0);
        Self {
            world,
            urns: Urns::new(&world.routes),
            season: Vec::new(),
            block,
            excluded,
            payments: world.root.fork("payments"),
            volume: world.root.fork("volume"),
            amounts: with_amounts.then(|| world.root.fork("amounts")),
            retries: world.root.fork("retries"),
            incidents: world.root.fork("incidents"),
            active: Vec::new(),
        }
    }

    /// Start of the next block.
    pub(crate) fn now_ms(&self) -> i64 {
        self.block * BLOCK_MS
    }

    /// Draws the next block: every attempt of the payments that start in it, payment by payment.
    pub(crate) fn next_block(&mut self, sink: &mut impl FnMut(Event)) {
        let world = self.world;
        let block = self.block;
        let start = block * BLOCK_MS;
        self.active.clear();
        let until = start + BLOCK_MS + reach_ms(world);
        for (index, placed) in world.placed.iter().enumerate() {
            let incident = &placed.incident;
            if Some(index) != self.excluded
                && incident.starts_at.as_millis() < until
                && incident.ends_at.as_millis() > start
            {
                self.active.push(index);
            }
        }
        let middle = (block as f64 + 0.5) * BLOCK_MS as f64;
        let wave = world.waves.volume_at(middle);
        self.urns.refill(&world.routes, wave);
        self.season.clear();
        let gateways = world.config.gateways.len();
        self.season.extend((0..gateways).map(|g| world.waves.odds_at(g, middle)));
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
        let mut thinning = self.thinning(block);
        for i in 0..count {
            let leaf = world.alias.pick(draws.next_u64()) as u32;
            let outcome = draws.next_u64();
            let when = draws.next_u64();
            let rest = draws.next_u64();
            let amount = amounts.as_mut().map_or(0, |s| s.next_u64() as u32);
            let at = start + (((when >> 32) * BLOCK_MS as u64) >> 32) as i64;
            let mut gone = false;
            for (index, stream) in &mut thinning {
                gone |= removed(&world.placed[*index], leaf, at, stream);
            }
            let draws = Draws::new(outcome, when as u32, rest);
            if !gone {
                let payment = (block as u64) << 32 | i;
                self.payment(at, payment, leaf, draws, amount, false, sink);
            }
            self.urns.put(world.leaves[leaf as usize].route, draws.outcome);
        }
        self.additions(block, mean, sink);
        self.block += 1;
    }

    /// A stream per incident that removes payments, for this block.
    fn thinning(&self, block: i64) -> Vec<(usize, Stream)> {
        let removes = |index: &usize| match self.world.placed[*index].incident.kind {
            Kind::Volume { factor } => factor < 1.0,
            Kind::MixShift { share } => share > 0.0,
            _ => false,
        };
        let stream = |index: usize| {
            (
                index,
                self.incidents.fork_index(index as u64).fork("removed").fork_index(block as u64),
            )
        };
        self.active.iter().copied().filter(removes).map(stream).collect()
    }

    /// Payments that incidents add to the block.
    fn additions(&mut self, block: i64, mean: f64, sink: &mut impl FnMut(Event)) {
        let world = self.world;
        for position in 0..self.active.len() {
            let index = self.active[position];
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
                let (amount, kept) = (draws.next_u64() as u32, draws.uniform());
                let at = block * BLOCK_MS + (((when >> 32) * BLOCK_MS as u64) >> 32) as i64;
                if kept < placed.incident.strength_at(Timestamp::from_millis(at)) {
                    let payment = (block as u64) << 32 | (index as u64 + 1) << 24 | i;
                    let draws = Draws::new(outcome, when as u32, rest);
                    self.payment(at, payment, leaf, draws, amount, testing, sink);
                }
            }
        }
    }

    /// All attempts of a payment.
    #[allow(clippy::too_many_arguments)]
    #[inline]
    fn payment(
        &mut self,
        start_ms: i64,
        payment: u64,
        leaf: u32,
        draws: Draws,
        amount: u32,
        testing: bool,
        sink: &mut impl FnMut(Event),
    ) {
        let world = self.world;
        let retries = world.config.retries;
        let mut event = Event {
            at_ms: 0,
            payment,
            leaf,
            amount,
            latency_ms: 0,
            number: 1,
            slowness: 0,
            outcome: Outcome::Abandoned,
            p_true: 0.0,
            p_null: 0.0,
        };
        let failure = self.attempt(&mut event, start_ms, 1.0, draws, testing);
        sink(event);
        self.copies(&mut event, start_ms, sink);
        let mut again = failure.is_some_and(|kind| {
            kind.is_retried() && f64::from(draws.retry) < retries.share * 65_536.0
        });
        if !again || retries.attempts_max < 2 || testing {
            return;
        }
        let mut stream = self.retries.fork_index(payment);
        let mut failure = failure;
        for _ in 1..retries.attempts_max {
            if !again {
                break;
            }
            let pause = pause_ms(&retries, &mut stream);
            let start_ms = event.at_ms + pause;
            event.leaf = failover(world, event.leaf, retries.failover, &mut stream);
            event.number += 1;
            let odds =
                if failure == Some(FailureKind::User) { retries.odds_after_user } else { 1.0 };
            let (outcome, latency, rest) =
                (stream.next_u64(), stream.next_u64(), stream.next_u64());
            let draws = Draws::new(outcome, latency as u32, rest);
            failure = self.attempt(&mut event, start_ms, odds, draws, false);
            sink(event);
            self.copies(&mut event, start_ms, sink);
            again = failure.is_some_and(|kind| {
                kind.is_retried() && f64::from(draws.retry) < retries.share * 65_536.0
            });
        }
    }

    /// What a retry storm makes of an attempt: copies right behind it. Leaves the event at the last copy's number.
    fn copies(&mut self, event: &mut Event, start_ms: i64, sink: &mut impl FnMut(Event)) {
        let world = self.world;
        for position in 0..self.active.len() {
            let index = self.active[position];
            let placed = &world.placed[index];
            let Kind::RetryStorm { copies } = placed.incident.kind else { continue };
            let strength = placed.incident.strength_at(Timestamp::from_millis(start_ms));
            if strength == 0.0 || !placed.hits[event.leaf as usize] {
                continue;
            }
            let mut draws = self
                .incidents
                .fork_index(index as u64)
                .fork("copies")
                .fork_index(event.payment)
                .fork_index(u64::from(event.number));
            let mean = copies * strength;
            let count = libm::floor(mean + draws.uniform()) as i64;
            let original = *event;
            for copy in 1..=count.min(STORM_MS_MAX / COPY_MS) {
                let refused = draws.bernoulli(COPY_REFUSED);
                let (outcome, latency, rest) =
                    (draws.next_u64(), draws.next_u64(), draws.next_u64());
                let words = Draws::new(outcome, latency as u32, rest);
                let mut repeated = Event { number: event.number + 1, ..original };
                self.attempt(&mut repeated, start_ms + copy * COPY_MS, 1.0, words, false);
                repeated.p_true *= 1.0 - COPY_REFUSED;
                if refused {
                    let gateway = usize::from(world.leaves[event.leaf as usize].gateway);
                    let vocabulary = world.config.gateways[gateway].vocabulary;
                    let kind = FailureKind::Misconfiguration;
                    repeated.outcome = Outcome::Failed(kind, code(vocabulary, kind, words.cause));
                }
                event.number = repeated.number;
                sink(repeated);
            }
        }
    }

    /// Plays one attempt into `event`; says the true kind of its failure.
    #[inline]
    fn attempt(
        &mut self,
        event: &mut Event,
        start_ms: i64,
        odds_factor: f64,
        draws: Draws,
        testing: bool,
    ) -> Option<FailureKind> {
        let world = self.world;
        let leaf = &world.leaves[event.leaf as usize];
        let p_null = rate(leaf.odds * odds_factor * self.season[usize::from(leaf.gateway)]);
        // `chance` is what this block grants; `p_null` its mean over all bursts.
        let burst = if event.number == 1 { self.urns.shift(leaf.route, p_null) } else { 0.0 };
        let chance = p_null + burst;

        let mut effect = Effect::NONE;
        if testing {
            effect.fail(TESTING_REFUSED, FailureKind::Fraud, draws.outcome, chance);
        }
        for index in &self.active {
            effect.take(&world.placed[*index], event.leaf, start_ms, draws.outcome, chance);
        }

        let gateway = &world.config.gateways[usize::from(leaf.gateway)];
        let table = &world.latency[usize::from(leaf.gateway)];
        let pace = f64::from(leaf.pace);
        let timeout = f64::from(gateway.timeout_ms);
        let ordinary = (table.at(draws.latency) * pace).min(timeout - 1.0);
        let in_time = if effect.slower > 1.0 {
            table.share_below(timeout / (pace * effect.slower))
        } else {
            1.0
        };
        event.p_null = p_null;
        event.p_true = p_null * effect.kept * in_time;

        let instrument = &world.instruments[usize::from(leaf.instrument)];
        if draws.abandoned < instrument.abandoned {
            event.outcome = Outcome::Abandoned;
            event.slowness = 0;
            event.latency_ms = ((ordinary * 20.0) as u32).min(ABANDONED_MS_MAX);
            event.at_ms = start_ms + i64::from(event.latency_ms.max(1));
            return None;
        }
        let latency = ordinary * effect.slower;
        let (outcome, latency, kind) = if draws.outcome < chance * effect.kept {
            (Outcome::Approved, latency, None)
        } else {
            let (kind, rest) = match effect.blame {
                Some(kind) => (kind, draws.cause),
                None => {
                    let mix = world.mixes[instrument.method as usize];
                    let (at, rest) = pick(mix, draws.cause);
                    (FailureKind::ALL[at], rest)
                }
            };
            let row = code(gateway.vocabulary, kind, rest);
            let latency = match row.pace {
                Pace::Times(factor) => latency * factor,
                Pace::Timeout => timeout,
            };
            // Another name for the same failure takes the same time.
            let renamed = effect.renamed.filter(|(from, _)| *from == kind);
            let (told, row) = match renamed {
                Some((_, to)) => (to, code(gateway.vocabulary, to, rest)),
                None => (kind, row),
            };
            (Outcome::Failed(told, row), latency, Some(kind))
        };
        // An incident's delay turns any late answer into none; what is late of itself is only cut.
        let (outcome, kind) = if effect.slower > 1.0 && latency > timeout {
            let kind = FailureKind::Gateway;
            (Outcome::Failed(kind, &READ_TIMEOUT), Some(kind))
        } else {
            (outcome, kind)
        };
        let latency = latency.min(timeout);
        event.slowness = slowness(latency, &world.slow[usize::from(leaf.gateway)], pace);
        event.outcome = outcome;
        event.latency_ms = (latency as u32).max(1);
        event.at_ms = start_ms + i64::from(event.latency_ms);
        kind
    }
}

fn code(vocabulary: Vocabulary, kind: FailureKind, uniform: f64) -> &'static CodeRow {
    let rows = codes(vocabulary, kind);
    &rows[pick(rows.iter().map(|row| row.share), uniform).0]
}

fn pause_ms(retries: &Retries, draws: &mut Stream) -> i64 {
    let pause = 1_000.0 + retries.delay_ms_mean * draws.exponential();
    pause.min(f64::from(retries.delay_ms_max)) as i64
}

/// Where a retry goes: the same leaf, or one that differs in the gateway alone.
fn failover(world: &World, leaf: u32, share: f64, draws: &mut Stream) -> u32 {
    let Leaf { siblings_at, siblings, .. } = world.leaves[leaf as usize];
    let (moves, which) = (draws.bernoulli(share), draws.next_u64());
    if !moves || siblings < 2 {
        return leaf;
    }
    let step = 1 + (which % u64::from(siblings - 1)) as u32;
    siblings_at + (leaf - siblings_at + step) % u32::from(siblings)
}

fn slowness(latency_ms: f64, quantiles: &[f64; 3], pace: f64) -> u8 {
    quantiles.iter().map(|quantile| u8::from(latency_ms > quantile * pace)).sum()
}
