//! The open loop: every payment played to its end, with its retries, as its merchant routes it.
//!
//! Payments come from [`Arrivals`], what happens to an attempt is [`World::attempt`]; retries draw from a stream named after
//! the payment, a storm's copies from one named after the incident, the payment and the attempt.

use payments::Timestamp;
use stats::stream::Stream;

use crate::arrivals::{Arrival, Arrivals, STORM_MS_MAX, Weather};
use crate::attempt::{Draws, Event, Odds, Outcome, code};
use crate::config::Retries;
use crate::failure::FailureKind;
use crate::incident::Kind;
use crate::populate::Leaf;
use crate::world::World;

pub(crate) const COPY_MS: i64 = 250;
/// Share of a storm's copies that are refused as duplicates.
pub(crate) const COPY_REFUSED: f64 = 0.85;

/// Plays payments block by block.
#[derive(Debug)]
pub(crate) struct Generator<'w> {
    arrivals: Arrivals<'w>,
    streams: Streams<'w>,
}

/// What attempts after the first draw from.
#[derive(Debug)]
pub(crate) struct Streams<'w> {
    world: &'w World,
    retries: Stream,
    incidents: Stream,
}

/// What a retry draws, whatever came before it.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) pause_ms: i64,
    pub(crate) moves: bool,
    pub(crate) which: u64,
    pub(crate) draws: Draws,
}

/// One copy of an attempt.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) after_ms: i64,
    /// As a duplicate.
    pub(crate) refused: bool,
    pub(crate) draws: Draws,
}

impl<'w> Generator<'w> {
    /// From the block that holds this instant.
    pub(crate) fn new(
        world: &'w World,
        from_ms: i64,
        excluded: Option<usize>,
        with_amounts: bool,
    ) -> Self {
        let arrivals = Arrivals::new(world, from_ms, excluded, with_amounts);
        Self { arrivals, streams: Streams::new(world) }
    }

    /// Start of the next block.
    pub(crate) fn now_ms(&self) -> i64 {
        self.arrivals.now_ms()
    }

    /// Draws the next block: every attempt of the payments that start in it, payment by payment.
    pub(crate) fn next_block(&mut self, sink: &mut impl FnMut(Event)) {
        let Self { arrivals, streams } = self;
        arrivals.next_block(&mut |weather, arrival| streams.payment(weather, &arrival, sink));
    }
}

impl<'w> Streams<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, retries: world.root.fork("retries"), incidents: world.root.fork("incidents") }
    }

    /// All attempts of a payment.
    #[inline]
    fn payment(&self, weather: &Weather, arrival: &Arrival, sink: &mut impl FnMut(Event)) {
        let retries = self.world.config.retries;
        let mut event = Event {
            at_ms: 0,
            payment: arrival.payment,
            leaf: arrival.leaf,
            amount: arrival.amount,
            latency_ms: 0,
            number: 1,
            slowness: 0,
            outcome: Outcome::Abandoned,
            p_true: 0.0,
            p_null: 0.0,
        };
        let Arrival { mut origin, draws, testing, .. } = *arrival;
        let failure =
            self.attempt(weather, &mut event, (origin, 1.0), arrival.at_ms, draws, testing);
        sink(event);
        self.copies(weather, &mut event, origin, arrival.at_ms, sink);
        let mut again = is_tried_again(&retries, failure, draws);
        if !again || retries.attempts_max < 2 || testing {
            return;
        }
        let mut stream = self.retries_of(event.payment, 1);
        let mut failure = failure;
        for _ in 1..retries.attempts_max {
            if !again {
                break;
            }
            let Again { pause_ms, moves, which, draws } = self.again(&mut stream);
            let start_ms = event.at_ms + pause_ms;
            event.leaf = failover(self.world, event.leaf, moves, which);
            origin = failover(self.world, origin, moves, which);
            event.number += 1;
            let odds = odds_after(&retries, failure);
            failure = self.attempt(weather, &mut event, (origin, odds), start_ms, draws, false);
            sink(event);
            self.copies(weather, &mut event, origin, start_ms, sink);
            again = is_tried_again(&retries, failure, draws);
        }
    }

    /// The stream of a payment's retries, after this many attempts (copies aside).
    pub(crate) fn retries_of(&self, payment: u64, tries: u8) -> Stream {
        let mut stream = self.retries.fork_index(payment);
        for _ in 1..tries {
            self.again(&mut stream);
        }
        stream
    }

    /// Draws a retry.
    #[inline]
    pub(crate) fn again(&self, stream: &mut Stream) -> Again {
        let retries = &self.world.config.retries;
        let pause = 1_000.0 + retries.delay_ms_mean * stream.exponential();
        let pause_ms = pause.min(f64::from(retries.delay_ms_max)) as i64;
        let (moves, which) = (stream.bernoulli(retries.failover), stream.next_u64());
        let (outcome, latency, rest) = (stream.next_u64(), stream.next_u64(), stream.next_u64());
        Again { pause_ms, moves, which, draws: Draws::later(outcome, latency, rest) }
    }

    /// What a storm, if this incident is one, makes of an attempt: copies right behind it.
    #[inline]
    pub(crate) fn storm(&self, index: usize, event: &Event, start_ms: i64) -> Vec<Copied> {
        let placed = &self.world.placed[index];
        let Kind::RetryStorm { copies } = placed.incident.kind else { return Vec::new() };
        let strength = placed.incident.strength_at(Timestamp::from_millis(start_ms));
        if strength == 0.0 || !placed.hits[event.leaf as usize] {
            return Vec::new();
        }
        let mut draws = self
            .incidents
            .fork_index(index as u64)
            .fork("copies")
            .fork_index(event.payment)
            .fork_index(u64::from(event.number));
        let mean = copies * strength;
        let count = libm::floor(mean + draws.uniform()) as i64;
        let copied = |copy: i64| {
            let refused = draws.bernoulli(COPY_REFUSED);
            let (outcome, latency, rest) = (draws.next_u64(), draws.next_u64(), draws.next_u64());
            let draws = Draws::later(outcome, latency, rest);
            Copied { after_ms: copy * COPY_MS, refused, draws }
        };
        (1..=count.min(STORM_MS_MAX / COPY_MS)).map(copied).collect()
    }

    /// Leaves the event at the last copy's number.
    fn copies(
        &self,
        weather: &Weather,
        event: &mut Event,
        origin: u32,
        start_ms: i64,
        sink: &mut impl FnMut(Event),
    ) {
        for index in &weather.active {
            let original = *event;
            for Copied { after_ms, refused, draws } in self.storm(*index, &original, start_ms) {
                let mut repeated = Event { number: event.number + 1, ..original };
                let start_ms = start_ms + after_ms;
                self.attempt(weather, &mut repeated, (origin, 1.0), start_ms, draws, false);
                duplicate(self.world, &mut repeated, refused, draws);
                event.number = repeated.number;
                sink(repeated);
            }
        }
    }

    /// Plays one attempt into `event`; `null` is where it would have been without incidents, and the factor of its odds.
    #[inline]
    fn attempt(
        &self,
        weather: &Weather,
        event: &mut Event,
        null: (u32, f64),
        start_ms: i64,
        draws: Draws,
        testing: bool,
    ) -> Option<FailureKind> {
        let world = self.world;
        let (origin, odds_factor) = null;
        let chance_at = |leaf: u32| {
            let gateway = usize::from(world.leaves[leaf as usize].gateway);
            world.null_chance(leaf, weather.season[gateway], odds_factor)
        };
        let p_null = chance_at(event.leaf);
        // The burst is what this block grants; `p_null` is the mean over all bursts.
        let burst = if event.number == 1 {
            weather.urns.shift(world.leaves[event.leaf as usize].route, p_null)
        } else {
            0.0
        };
        let sight = (draws.outcome, p_null + burst);
        let effect = world.effect(&weather.active, event.leaf, start_ms, sight, testing);
        let odds = Odds { p_null, burst, refused: 0.0 };
        let failure = world.attempt(event, start_ms, odds, &effect, draws);
        if origin != event.leaf {
            event.p_null = chance_at(origin);
        }
        failure
    }
}

/// Makes a copy what most copies are: refused as a duplicate.
pub(crate) fn duplicate(world: &World, event: &mut Event, refused: bool, draws: Draws) {
    event.p_true *= 1.0 - COPY_REFUSED;
    if refused {
        let gateway = usize::from(world.leaves[event.leaf as usize].gateway);
        let vocabulary = world.config.gateways[gateway].vocabulary;
        let kind = FailureKind::Misconfiguration;
        event.outcome = Outcome::Failed(kind, code(vocabulary, kind, draws.cause));
    }
}

#[inline]
pub(crate) fn is_tried_again(
    retries: &Retries,
    failure: Option<FailureKind>,
    draws: Draws,
) -> bool {
    failure
        .is_some_and(|kind| kind.is_retried() && f64::from(draws.retry) < retries.share * 65_536.0)
}

/// Factor on the odds of what follows this failure.
pub(crate) fn odds_after(retries: &Retries, failure: Option<FailureKind>) -> f64 {
    if failure == Some(FailureKind::User) { retries.odds_after_user } else { 1.0 }
}

/// Where a retry goes: the same leaf, or one that differs in the gateway alone.
pub(crate) fn failover(world: &World, leaf: u32, moves: bool, which: u64) -> u32 {
    let Leaf { siblings_at, siblings, .. } = world.leaves[leaf as usize];
    if !moves || siblings < 2 {
        return leaf;
    }
    let step = 1 + (which % u64::from(siblings - 1)) as u32;
    siblings_at + (leaf - siblings_at + step) % u32::from(siblings)
}
