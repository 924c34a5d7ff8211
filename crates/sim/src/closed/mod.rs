//! The closed loop: somebody else decides where each attempt goes, and sees what came of it late.
//!
//! [`World::attempts`] draws an open stream, in which merchants route by themselves. Here an [`Operator`] is asked before each
//! attempt and shown outcomes when their feedback arrives, so that what it does changes what it sees: load on gateways,
//! retries, its own mistakes.
//!
//! **Common random numbers.** The same payments arrive whatever the operator does, and the random words of an attempt are a function
//! of the payment and the number of the try, not of the gateway. Two operators differ through chances alone, so that a small
//! difference between them needs no million payments to show. An operator that always answers 0, with no capacity
//! limited, gives the attempts of the open stream, bit for bit.
//!
//! **What is natural.** The natural gateway of a first attempt is the one that the merchant's own rules choose (misconfigured
//! ones too); that of a retry is the natural one before it or, for a share of retries, another that the merchant fails over to. It does
//! not depend on where the operator sent earlier attempts. A customer's pause is as drawn, but at least what the operator asks for.
//! A storm's copies repeat a request behind the router: they go where the original went, under its decision, and count
//! as attempts where the operator limits these.
//!
//! **Weather.** A payment sent elsewhere meets the burst of the route that it goes through and teaches that of its natural one, so
//! that no decision moves another payment's luck.
//!
//! Cost: about a microsecond per attempt, operator aside.

mod clairvoyant;
mod load;
mod moved;
mod player;
mod sight;
mod start;
mod turn;

pub use clairvoyant::{Clairvoyant, Gain};
pub use moved::Moved;

use payments::{Attempt, Money, Timestamp};

use crate::world::World;
use player::Player;
use sight::{Decide, Sight};

/// What is asked before an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The payment.
    pub payment_id: &'a str,
    /// 1 for the first try; a storm's copies count.
    pub attempt_number: u32,
    /// Now.
    pub at: Timestamp,
    /// The natural leaf, for [`World::leaf_values`].
    pub leaf: usize,
    /// Its dimensions but the gateway, those that it has.
    pub values: &'a [(&'static str, &'a str)],
    /// What is to be paid.
    pub amount: Money,
    /// Gateways that can take it, the natural one first.
    pub candidates: &'a [&'a str],
}

/// Where the attempt goes, and why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Index into the candidates.
    pub gateway: usize,
    /// Written into the attempt.
    pub decision_id: Option<String>,
    /// Likewise.
    pub propensity: Option<f64>,
    /// What is allowed after it; without, customers and clients do as they please.
    pub retry: Option<RetryRule>,
}

/// Limits on what follows an attempt of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRule {
    /// No attempt of the payment has a number beyond this, a storm's copies included.
    pub attempts_max: u32,
    /// The next one starts no earlier than this after the outcome (a copy: after the one before it started).
    pub delay_s_min: u32,
}

/// Who routes.
pub trait Operator {
    /// Where an attempt goes. Called in order of time.
    fn route(&mut self, ask: &Ask<'_>) -> Answer;
    /// Once per simulated second, and for the feedback delay beyond the end: attempts whose feedback has arrived, in order of
    /// their occurrence (to be taken or looked at; what is left is dropped). Time has reached `until`.
    fn observe(&mut self, attempts: &mut Vec<Attempt>, until: Timestamp);
    /// Whether to stop here, asked after each [`Operator::observe`]. Another play may go on from that instant: the same payments arrive, and
    /// those under way go their natural way.
    fn is_done(&self) -> bool {
        false
    }
}

/// How many attempts per second a gateway takes, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    /// The gateway's name.
    pub gateway: String,
    /// Attempts per second.
    pub per_s: f64,
    /// From when on.
    pub from: Timestamp,
    /// Until when, exclusive.
    pub until: Timestamp,
}

impl Capacity {
    /// At all times.
    pub fn of(gateway: &str, per_s: f64) -> Self {
        let (from, until) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        Self { gateway: gateway.into(), per_s, from, until }
    }
}

/// When to play, and under which conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The operator is asked from here on. What began before goes its natural way.
    pub from: Timestamp,
    /// Attempts start before this.
    pub to: Timestamp,
    /// From an outcome to its feedback.
    pub feedback_delay_ms: i64,
    /// Limits; where several apply at once, the lowest does.
    pub capacities: Vec<Capacity>,
}

impl Setup {
    /// Feedback after three seconds, no gateway limited.
    pub fn over(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, feedback_delay_ms: 3_000, capacities: Vec::new() }
    }
}

/// An attempt with what only the simulator knows, at the moment when it starts.
#[derive(Clone, Copy, Debug)]
pub struct Attempted<'a> {
    /// The payment.
    pub payment_id: &'a str,
    /// As in [`Ask`].
    pub attempt_number: u32,
    /// When it starts.
    pub at: Timestamp,
    /// Where its merchant would have sent it: leaf and gateway.
    pub natural: usize,
    /// Its gateway.
    pub natural_gateway: &'a str,
    /// Where it goes.
    pub chosen: usize,
    /// Its gateway.
    pub chosen_gateway: &'a str,
    /// True chance of success where it goes, should the customer stay: season, incidents and capacity included, bursts averaged out.
    pub p_chosen: f64,
    /// The same at the natural gateway, at this moment.
    pub p_natural: f64,
    /// The same where it would go without any incident, in a world without any.
    pub p_null: f64,
    /// Probability that the customer stays for the answer.
    pub stays: f64,
    /// What is to be paid.
    pub amount: Money,
    /// Whether the payment has been paid already (by a copy's original or twin).
    pub is_paid: bool,
    /// A storm's copy: nobody was asked.
    pub is_copy: bool,
    /// Whether it is approved.
    pub approved: bool,
    /// The operator's decision.
    pub decision_id: Option<&'a str>,
    /// Whether the operator's retry rule delayed it, or cancels what would have followed it.
    pub is_retry_limited: bool,
}

/// What came of it, counted over attempts that started within the span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Played {
    /// Copies included.
    pub attempts: u64,
    /// First attempts.
    pub payments: u64,
    /// Payments that were paid.
    pub paid: u64,
    /// The same, expected: chances summed over the attempts made for payments not yet paid. Its mean over seeds is that of `paid`,
    /// with a fraction of the noise.
    pub paid_expected: f64,
    /// Attempts sent elsewhere than their natural gateway.
    pub moved: u64,
    /// Attempts that the operator's retry rule prevented.
    pub prevented: u64,
}

/// Plays a span of time with an operator. `witness` sees every attempt of it as it starts.
pub fn play(
    world: &World,
    setup: &Setup,
    operator: &mut impl Operator,
    witness: &mut impl FnMut(&Attempted<'_>),
) -> Played {
    Player::new(world, setup).play(&mut Watching(operator), witness)
}

/// Plays it with nobody: every attempt goes its natural way.
pub fn play_untouched(
    world: &World,
    setup: &Setup,
    witness: &mut impl FnMut(&Attempted<'_>),
) -> Played {
    Player::new(world, setup).play(&mut Nobody, witness)
}

/// Plays it with the one who knows.
pub fn play_clairvoyant(
    world: &World,
    setup: &Setup,
    clairvoyant: &mut Clairvoyant,
    witness: &mut impl FnMut(&Attempted<'_>),
) -> Played {
    Player::new(world, setup).play(clairvoyant, witness)
}

/// Plays it with a plan carried out in full.
pub fn play_moved(
    world: &World,
    setup: &Setup,
    moved: &mut Moved,
    witness: &mut impl FnMut(&Attempted<'_>),
) -> Played {
    Player::new(world, setup).play(moved, witness)
}

/// An operator from outside: it sees what it is told.
struct Watching<'o, O>(&'o mut O);

impl<O: Operator> Decide for Watching<'_, O> {
    const OBSERVES: bool = true;

    fn decide(&mut self, ask: &Ask<'_>, _: &Sight<'_>) -> Answer {
        self.0.route(ask)
    }

    fn observe(&mut self, attempts: &mut Vec<Attempt>, until: Timestamp) {
        self.0.observe(attempts, until);
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }
}

/// The world without an operator.
struct Nobody;

impl Decide for Nobody {
    const OBSERVES: bool = false;

    fn decide(&mut self, _: &Ask<'_>, _: &Sight<'_>) -> Answer {
        Answer::default()
    }
}
