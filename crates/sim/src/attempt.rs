//! One attempt: what its random numbers make of the chance it has.
//!
//! Each attempt has the same few words of randomness wherever it is sent and whatever befalls it: outcome, latency, cause,
//! whether the customer leaves, whether anyone tries again, whether a full gateway turns it away. A uniform number below the
//! chance of success approves; so what lowers a chance turns approvals into failures and moves nothing else.

use payments::{Status, Timestamp};

use crate::config::Vocabulary;
use crate::effect::Effect;
use crate::failure::{CodeRow, FailureKind, Pace, READ_TIMEOUT, codes, pick};
use crate::world::{World, rate};

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

/// The random words of an attempt, split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    pub(crate) outcome: f64,
    pub(crate) latency: u32,
    pub(crate) cause: f64,
    pub(crate) abandoned: u32,
    pub(crate) retry: u32,
    /// Below the refused share of 2^32: a full gateway turns it away.
    pub(crate) refusal: u32,
}

impl Draws {
    #[inline]
    pub(crate) fn new(outcome: u64, latency: u32, rest: u64, refusal: u32) -> Self {
        Self {
            outcome: (outcome >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0),
            latency,
            cause: (rest >> 32) as f64 * (1.0 / 4_294_967_296.0),
            abandoned: (rest >> 16) as u32 & 0xFFFF,
            retry: rest as u32 & 0xFFFF,
            refusal,
        }
    }

    /// Of an attempt whose start is known: the latency's word has 32 bits to spare.
    #[inline]
    pub(crate) fn later(outcome: u64, latency: u64, rest: u64) -> Self {
        Self::new(outcome, latency as u32, rest, (latency >> 32) as u32)
    }
}

/// The chance that an attempt meets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Odds {
    /// Without incidents, over all bursts.
    pub(crate) p_null: f64,
    /// What its block's burst adds.
    pub(crate) burst: f64,
    /// Share that its gateway turns away for lack of room.
    pub(crate) refused: f64,
}

pub(crate) const ABANDONED_MS_MAX: u32 = 60_000;
/// Share of a card tester's attempts that are refused as fraud.
pub(crate) const TESTING_REFUSED: f64 = 0.92;

/// What a gateway without room answers, and at once: an HTTP 503.
static NO_ROOM: CodeRow = CodeRow {
    source: "transport",
    value: "http_5xx",
    status: Status::Error,
    share: 1.0,
    pace: Pace::Times(NO_ROOM_PACE),
};
const NO_ROOM_PACE: f64 = 0.05;

impl World {
    /// A leaf's chance without incidents, where its gateway's odds have this factor of the season.
    #[inline]
    pub(crate) fn null_chance(&self, leaf: u32, season: f64, odds_factor: f64) -> f64 {
        rate(self.leaves[leaf as usize].odds * odds_factor * season)
    }

    /// True chance of success of a first attempt that starts then: season and incidents included, bursts averaged out, capacity
    /// apart.
    pub fn chance(&self, leaf: usize, at: Timestamp) -> f64 {
        let active: Vec<usize> = (0..self.placed.len())
            .filter(|&index| {
                let incident = &self.placed[index].incident;
                incident.starts_at <= at && incident.ends_at > at
            })
            .collect();
        let gateway = usize::from(self.leaves[leaf].gateway);
        let leaf = leaf as u32;
        let season = self.waves.odds_at(gateway, at.as_millis() as f64);
        let null = self.null_chance(leaf, season, 1.0);
        null * self.kept(leaf, &self.effect(&active, leaf, at.as_millis(), (0.5, null), false))
    }

    /// What these incidents do at this instant to an attempt of this uniform and chance.
    #[inline]
    pub(crate) fn effect(
        &self,
        active: &[usize],
        leaf: u32,
        start_ms: i64,
        (uniform, chance): (f64, f64),
        testing: bool,
    ) -> Effect {
        let mut effect = Effect::NONE;
        if testing {
            effect.fail(TESTING_REFUSED, FailureKind::Fraud, uniform, chance);
        }
        let at = Timestamp::from_millis(start_ms);
        for index in active {
            effect.take(&self.placed[*index], leaf, at, uniform, chance);
        }
        effect
    }

    /// Share of a leaf's chance that these incidents leave, by failures and by answers that come too late.
    #[inline]
    pub(crate) fn kept(&self, leaf: u32, effect: &Effect) -> f64 {
        effect.kept * self.in_time(leaf, effect.slower)
    }

    fn in_time(&self, leaf: u32, slower: f64) -> f64 {
        if slower <= 1.0 {
            return 1.0;
        }
        let leaf = &self.leaves[leaf as usize];
        let timeout = f64::from(self.config.gateways[usize::from(leaf.gateway)].timeout_ms);
        let table = &self.latency[usize::from(leaf.gateway)];
        table.share_below(timeout / (f64::from(leaf.pace) * slower))
    }

    /// Plays one attempt into `event`; says the true kind of its failure.
    #[inline]
    pub(crate) fn attempt(
        &self,
        event: &mut Event,
        start_ms: i64,
        odds: Odds,
        effect: &Effect,
        draws: Draws,
    ) -> Option<FailureKind> {
        let leaf = &self.leaves[event.leaf as usize];
        let gateway = &self.config.gateways[usize::from(leaf.gateway)];
        let table = &self.latency[usize::from(leaf.gateway)];
        let pace = f64::from(leaf.pace);
        let timeout = f64::from(gateway.timeout_ms);
        let ordinary = (table.at(draws.latency) * pace).min(timeout - 1.0);
        event.p_null = odds.p_null;
        event.p_true = odds.p_null * self.kept(event.leaf, effect) * (1.0 - odds.refused);

        let instrument = &self.instruments[usize::from(leaf.instrument)];
        if draws.abandoned < instrument.abandoned {
            event.outcome = Outcome::Abandoned;
            event.slowness = 0;
            event.latency_ms = ((ordinary * 20.0) as u32).min(ABANDONED_MS_MAX);
            event.at_ms = start_ms + i64::from(event.latency_ms.max(1));
            return None;
        }
        let latency = ordinary * effect.slower;
        let is_refused = f64::from(draws.refusal) < odds.refused * 4_294_967_296.0;
        let (outcome, latency, kind) = if is_refused {
            let kind = FailureKind::Gateway;
            (Outcome::Failed(kind, &NO_ROOM), ordinary * NO_ROOM_PACE, Some(kind))
        } else if draws.outcome < (odds.p_null + odds.burst) * effect.kept {
            (Outcome::Approved, latency, None)
        } else {
            let (kind, rest) = match effect.blame {
                Some(kind) => (kind, draws.cause),
                None => {
                    let mix = self.mixes[instrument.method as usize];
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
        event.slowness = slowness(latency, &self.slow[usize::from(leaf.gateway)], pace);
        event.outcome = outcome;
        event.latency_ms = (latency as u32).max(1);
        event.at_ms = start_ms + i64::from(event.latency_ms);
        kind
    }
}

pub(crate) fn code(vocabulary: Vocabulary, kind: FailureKind, uniform: f64) -> &'static CodeRow {
    let rows = codes(vocabulary, kind);
    &rows[pick(rows.iter().map(|row| row.share), uniform).0]
}

fn slowness(latency_ms: f64, quantiles: &[f64; 3], pace: f64) -> u8 {
    quantiles.iter().map(|quantile| u8::from(latency_ms > quantile * pace)).sum()
}
