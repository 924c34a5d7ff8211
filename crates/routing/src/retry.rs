//! Whether, when and where a payment may be tried again.
//!
//! **Problem.** Three know a part of it. Card schemes, gateways and response codes say whether and when ([`payments::may_retry`], by dated data); the
//! pilot's overlays say how often and how far apart while something is wrong; the policy knows where a payment of this kind is likely to succeed. Whoever tries again
//! needs one answer that none of the three would object to.
//!
//! **Method.** A pure function over the attempt log.
//! 1. [`payments::may_retry`] is asked about each eligible gateway: what was wrong with one route may be right on another, and some gateways limit retries themselves.
//! 2. Of those that it allows, one whose own path failed this payment within [`PATH_MEMORY_MS`] is left out while another remains. What the issuer or the customer
//!    declined speaks against no gateway. Which it was the taxonomy says; an error that no code explains is the path's.
//! 3. The policy chooses among the rest, by its usual law, as if they had been sent as `candidates`.
//! 4. Overlays narrow: those that the payment is treated by, at this gateway and at that of its last try. The smallest ceiling and the longest wait hold, and
//!    `may_retry` is asked once more about the instant at which that wait ends.
//!
//! **Guarantee.** It never says yes where `may_retry` says no for the gateway that it names, and names no instant before the one that `may_retry` answers. The gateway is
//! eligible, and is the one that [`Policy::choose`] takes when it is offered the gateways of the ranking. A payment in an overlay's control arm isn't narrowed by it.
//!
//! **Cost.** Rules times history per eligible gateway, and three choices.

use payments::{
    By, DeclineClass, Initiator, PastAttempt, RetryAnswer, RetryQuestion, RetryRules, RuleKind,
    Status, Timestamp, attempts_max, may_retry, meaning,
};
use serde::Serialize;

use crate::{Choice, Context, Learning, NoEligibleGateway, Policy, Ranked, RetryAdvice, Term};

/// How long a failure of its path speaks against a gateway: as long as the longest wait that the pilot asks for. What is older the policy has learnt of.
pub const PATH_MEMORY_MS: i64 = 3_600_000;

/// A payment that may be tried again.
#[derive(Clone, Copy, Debug)]
pub struct RetryRequest<'a> {
    /// Of the next attempt: its number, and a time that no attempt of the history comes after.
    pub context: Context<'a>,
    /// Who would start it.
    pub initiator: Option<Initiator>,
    /// The merchant's region as the rules name it.
    pub region: Option<&'a str>,
    /// Whether the card is present.
    pub card_present: Option<bool>,
    /// Earlier attempts with this card at this merchant, in any order.
    pub history: &'a [PastAttempt<'a>],
}

/// Why an answer is as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryReason {
    /// Yes: nothing stands against it now.
    MayRetry,
    /// Not before a wait is over.
    Wait,
    /// Yes, once what the decline asks for has been corrected or authenticated.
    CorrectFirst,
    /// No: the payment is approved.
    Approved,
    /// No: an earlier try may have gone through, so that another could charge twice.
    OutcomeUnknown,
    /// No: a response code says never with the same request.
    DeclineFinal,
    /// No: a scheme forbids it after such a decline.
    SchemeNever,
    /// No: a scheme's limit is reached.
    SchemeLimit,
    /// No: an intervention limits the attempts of this payment.
    OverlayLimit,
}

/// Why an eligible gateway is left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Avoidance<'r> {
    /// It may not be tried there.
    Refused {
        /// By what.
        by: By<'r>,
        /// Until when, `None` for ever.
        until: Option<Timestamp>,
    },
    /// Its own path failed this payment, and another gateway may be tried.
    PathFailed {
        /// When that was known.
        at: Timestamp,
    },
}

/// What an intervention advises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing {
    /// Whose overlay it is.
    pub intervention_id: String,
    /// What it allows.
    pub retry: RetryAdvice,
}

/// An attempt to ask its gateway about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Whom to ask.
    pub gateway: String,
    /// When it was tried.
    pub at: Timestamp,
}

/// Whether, when and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice<'r> {
    /// Whether it may be tried again, from `not_before` on.
    pub retry: bool,
    /// The earliest time; without `retry` that at which it is worth asking again, if it is known.
    pub not_before: Option<Timestamp>,
    /// Where, if it may be tried.
    pub gateway: Option<String>,
    /// The gateways that were chosen from, best first.
    pub ranking: Vec<Ranked>,
    /// Expected success rate of such payments there, where something is learnt.
    pub success_rate: Option<f64>,
    /// Why.
    pub reason: RetryReason,
    /// What the answer rests on, or else the limit that is nearest.
    pub by: Option<By<'r>>,
    /// Interventions that narrow it.
    pub overlays: Vec<Narrowing>,
    /// How many more tries the nearest limit leaves, this one included; `None`: no limit is known.
    pub attempts_left: Option<u32>,
    /// Eligible gateways that are left out.
    pub avoided: Vec<(String, Avoidance<'r>)>,
    /// Tries that have to be cleared up before anything else.
    pub inquire: Vec<Inquiry>,
}

/// Whether, when and where a payment may be tried again.
pub fn advise<'r>(
    policy: &Policy,
    request: &RetryRequest<'_>,
    rules: &'r RetryRules,
) -> Result<Advice<'r>, NoEligibleGateway> {
    let terms = policy.explain(&request.context)?;
    let mut avoided = Vec::new();
    let mut open = Vec::new();
    let mut soonest: Option<(Option<Timestamp>, By<'r>)> = None;
    for Term { gateway, .. } in &terms {
        match request.ask(gateway, request.context.at, rules) {
            RetryAnswer::Allowed { .. } => open.push(gateway.as_str()),
            RetryAnswer::ReconcileFirst { .. } => return Ok(request.unknown()),
            RetryAnswer::Refused { by: By::Approved, .. } => {
                return Ok(Advice::no(RetryReason::Approved, Some(By::Approved)));
            }
            RetryAnswer::Refused { by, until } => {
                if soonest.is_none_or(|(so_far, _)| is_sooner(until, so_far)) {
                    soonest = Some((until, by));
                }
                avoided.push((gateway.clone(), Avoidance::Refused { by, until }));
            }
        }
    }
    if let (true, Some((until, by))) = (open.is_empty(), soonest) {
        return Ok(Advice {
            not_before: until,
            avoided,
            ..Advice::no(refusal(by, until), Some(by))
        });
    }
    let failed = |gateway: &str| request.path_failed(gateway);
    if open.iter().any(|gateway| failed(gateway).is_none()) {
        open.retain(|gateway| match failed(gateway) {
            Some(at) => {
                avoided.push(((*gateway).to_owned(), Avoidance::PathFailed { at }));
                false
            }
            None => true,
        });
    }
    let choice = policy.choose(&Context { candidates: &open, ..request.context })?;
    let overlays = request.narrowings(policy, &choice);
    let mut advice = request.when(&choice.gateway, &overlays, rules);
    if advice.retry {
        let is_learnt = policy.learning() != Learning::Off
            && policy.terms().table.attempts.iter().any(|attempts| *attempts > 0.0);
        let rate = terms.iter().find(|term| term.gateway == choice.gateway);
        advice.success_rate = rate.filter(|_| is_learnt).map(|term| term.success_rate);
        (advice.gateway, advice.ranking) = (Some(choice.gateway), choice.ranking);
    }
    Ok(Advice { avoided, overlays, ..advice })
}

/// What an answer of the data plane advises on retries: what the overlay says, and never more attempts than the rules allow there.
pub fn narrowed(
    overlay: Option<RetryAdvice>,
    context: &Context<'_>,
    gateway: &str,
    rules: &RetryRules,
) -> Option<RetryAdvice> {
    let limit = attempts_max(context.get("network"), gateway, context.at, rules);
    let attempts_max =
        overlay.map(|overlay| overlay.attempts_max).into_iter().chain(limit).min()?;
    Some(RetryAdvice {
        attempts_max,
        delay_s_min: overlay.map_or(0, |overlay| overlay.delay_s_min),
    })
}

/// Whether an end comes before another, never being the latest.
fn is_sooner(end: Option<Timestamp>, than: Option<Timestamp>) -> bool {
    match (end, than) {
        (Some(end), Some(than)) => end < than,
        (end, than) => end.is_some() && than.is_none(),
    }
}

fn refusal(by: By<'_>, until: Option<Timestamp>) -> RetryReason {
    match by {
        By::Approved => RetryReason::Approved,
        By::Decline(_) if until.is_none() => RetryReason::DeclineFinal,
        By::Decline(_) => RetryReason::Wait,
        By::Rule(rule) => match rule.kind {
            RuleKind::Never => RetryReason::SchemeNever,
            RuleKind::Count => RetryReason::SchemeLimit,
            RuleKind::Wait | RuleKind::Fee => RetryReason::Wait,
        },
    }
}

impl<'r> Advice<'r> {
    fn no(reason: RetryReason, by: Option<By<'r>>) -> Self {
        Self {
            retry: false,
            not_before: None,
            gateway: None,
            ranking: Vec::new(),
            success_rate: None,
            reason,
            by,
            overlays: Vec::new(),
            attempts_left: Some(0),
            avoided: Vec::new(),
            inquire: Vec::new(),
        }
    }
}

impl RetryRequest<'_> {
    fn ask<'r>(&self, gateway: &str, now: Timestamp, rules: &'r RetryRules) -> RetryAnswer<'r> {
        let question = RetryQuestion {
            network: self.network(),
            gateway,
            initiator: self.initiator,
            amount: self.context.amount,
            region: self.region,
            card_present: self.card_present,
            history: self.history,
            now,
        };
        may_retry(&question, rules)
    }

    fn network(&self) -> Option<&str> {
        self.context.get("network")
    }

    fn of_payment(&self) -> impl Iterator<Item = &PastAttempt<'_>> {
        self.history.iter().filter(|past| past.same_payment)
    }

    fn last_try(&self) -> Option<&PastAttempt<'_>> {
        self.of_payment().max_by_key(|past| past.at)
    }

    /// No, before it is known what became of the tries that are open.
    fn unknown<'r>(&self) -> Advice<'r> {
        let open = self.of_payment().filter(|past| past.is_open());
        let inquire = open.map(|past| Inquiry { gateway: past.gateway.to_owned(), at: past.at });
        Advice {
            attempts_left: None,
            inquire: inquire.collect(),
            ..Advice::no(RetryReason::OutcomeUnknown, None)
        }
    }

    /// When the newest try of this payment at the gateway failed, if its own path was the reason and it is not long ago.
    fn path_failed(&self, gateway: &str) -> Option<Timestamp> {
        let there = self.of_payment().filter(|past| past.gateway == gateway);
        let newest = there.max_by_key(|past| past.at)?;
        let is_recent = self.context.at.millis_since(newest.at) < PATH_MEMORY_MS;
        (is_recent && self.names_path(newest)).then_some(newest.at)
    }

    /// Whether what came of an attempt says that the gateway or its path failed.
    fn names_path(&self, past: &PastAttempt<'_>) -> bool {
        if !matches!(past.status, Status::Declined | Status::Error) {
            return false;
        }
        let classes = || past.codes.iter().map(|code| meaning(code, self.network()).class);
        let is_path = |class| matches!(class, DeclineClass::Network | DeclineClass::RoutingConfig);
        classes().any(is_path)
            || past.status == Status::Error && classes().all(|class| class == DeclineClass::Unknown)
    }

    /// What the overlays say that this payment is treated by: here, and where it was tried last.
    fn narrowings(&self, policy: &Policy, choice: &Choice) -> Vec<Narrowing> {
        let of = |choice: &Choice| {
            let part = choice.assignment.as_ref()?;
            let retry = choice.retry?;
            Some(Narrowing { intervention_id: part.intervention_id.clone(), retry })
        };
        let last = self.last_try().and_then(|last| {
            let there = Context { candidates: &[last.gateway], ..self.context };
            policy.choose(&there).ok()
        });
        let mut narrowings: Vec<Narrowing> = of(choice).into_iter().collect();
        narrowings.extend(last.as_ref().and_then(of).filter(|last| !narrowings.contains(last)));
        narrowings
    }

    /// Whether and from when on, at this gateway.
    fn when<'r>(&self, gateway: &str, overlays: &[Narrowing], rules: &'r RetryRules) -> Advice<'r> {
        let made = self.context.attempt_number.saturating_sub(1);
        let ceiling = overlays.iter().map(|narrowing| narrowing.retry.attempts_max).min();
        let allowed = ceiling.map(|ceiling| ceiling.saturating_sub(made));
        if allowed == Some(0) {
            return Advice::no(RetryReason::OverlayLimit, None);
        }
        let delay_s = overlays.iter().map(|narrowing| narrowing.retry.delay_s_min).max();
        let rested = self
            .last_try()
            .map(|last| last.at.plus_millis(i64::from(delay_s.unwrap_or(0)) * 1_000));
        let from = rested.into_iter().chain([self.context.at]).max().unwrap_or(self.context.at);
        match self.ask(gateway, from, rules) {
            RetryAnswer::Allowed { not_before, by, left, correct_first } => Advice {
                retry: true,
                not_before: Some(not_before),
                attempts_left: left.into_iter().chain(allowed).min(),
                ..Advice::no(
                    match not_before > self.context.at {
                        _ if correct_first => RetryReason::CorrectFirst,
                        true => RetryReason::Wait,
                        false => RetryReason::MayRetry,
                    },
                    by,
                )
            },
            // A rule that begins meanwhile.
            RetryAnswer::Refused { by, until } => {
                Advice { not_before: until, ..Advice::no(refusal(by, until), Some(by)) }
            }
            RetryAnswer::ReconcileFirst { .. } => self.unknown(),
        }
    }
}

#[cfg(test)]
mod tests;
