//! The question, the answer, and the judgement between them.
//!
//! Three things can stand against another try, and the strictest wins: the outcome isn't known (a
//! second try could charge twice), a code that says never, and a scheme's limit. Where a fact is
//! missing (no amount, no initiator, no region) the stricter reading holds. Adding a decline to the
//! history therefore never makes an answer more lenient.
//!
//! **The time that is answered is the earliest** at which nothing stands against another try, if none is made before: whatever
//! stands against it at an instant stands until an end that is known, so the latest of these ends is asked about next, by the
//! rules in force *then*. A limit that is raised in May lets a payment go in May.
//!
//! **Cost.** Rules times history per instant asked about, mostly one; nothing is allocated but the times that a limit counts.

use super::rules::{Counts, RetryRule, RetryRules, RuleKind};
use crate::decline::{Decline, DeclineClass, Retryable, decline, listed_decline};
use crate::{Code, Initiator, Money, Status, Timestamp};

/// An earlier attempt with the same card or account at the same merchant.
#[derive(Clone, Debug, PartialEq)]
pub struct PastAttempt<'a> {
    /// When its outcome was known.
    pub at: Timestamp,
    /// How it ended.
    pub status: Status,
    /// Every code that came with it; a Mastercard decline has a response code and an advice code.
    pub codes: &'a [Code],
    /// What it asked for.
    pub amount: Option<Money>,
    /// Who started it.
    pub initiator: Option<Initiator>,
    /// Where it was tried.
    pub gateway: &'a str,
    /// Whether it was a try of the payment in question.
    pub same_payment: bool,
}

impl PastAttempt<'_> {
    /// Whether nobody knows yet what became of it.
    pub fn is_open(&self) -> bool {
        match self.status {
            Status::Timeout | Status::Unknown => true,
            Status::Error => {
                self.codes.iter().any(|c| decline(&c.source, &c.value).outcome_unknown)
            }
            Status::Approved | Status::Declined | Status::Abandoned => false,
        }
    }
}

/// May this be tried again?
#[derive(Clone, Debug, PartialEq)]
pub struct RetryQuestion<'a> {
    /// Card scheme or rail, in any case.
    pub network: Option<&'a str>,
    /// Where it would be tried.
    pub gateway: &'a str,
    /// Who would start it.
    pub initiator: Option<Initiator>,
    /// What it would ask for.
    pub amount: Option<Money>,
    /// The merchant's region as the rules name it (`US`, `CA`, `EU`).
    pub region: Option<&'a str>,
    /// Whether the card is present.
    pub card_present: Option<bool>,
    /// Earlier attempts with this card at this merchant, in any order.
    pub history: &'a [PastAttempt<'a>],
    /// The time of asking.
    pub now: Timestamp,
}

/// What an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By<'r> {
    /// A scheme's rule.
    Rule(&'r RetryRule),
    /// The meaning of a response code.
    Decline(&'static Decline),
    /// The payment is approved already.
    Approved,
}

/// The answer to a [`RetryQuestion`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryAnswer<'r> {
    /// Yes, from `not_before` on.
    Allowed {
        /// The earliest time, now if nothing asks for a wait.
        not_before: Timestamp,
        /// What set that time, or else the limit that is nearest.
        by: Option<By<'r>>,
        /// How many more tries the nearest limit leaves, this one included.
        left: Option<u32>,
        /// The last decline asks for something to be corrected or authenticated first.
        correct_first: bool,
    },
    /// No.
    Refused {
        /// Why.
        by: By<'r>,
        /// The earliest time at which it may, if nothing is tried before; `None` means never.
        until: Option<Timestamp>,
    },
    /// An earlier try may have gone through: find out before anything else.
    ReconcileFirst {
        /// The time of that try.
        since: Timestamp,
    },
}

/// May this be tried again, when, and by which rule?
///
/// ```
/// use payments::*;
/// let codes = [Code { source: "iso8583".into(), value: "91".into() }];
/// let at = Timestamp::parse("2026-02-13T18:00:00Z").unwrap();
/// let declined = PastAttempt {
///     at, status: Status::Declined, codes: &codes, amount: None, initiator: None,
///     gateway: "payu", same_payment: true,
/// };
/// let question = RetryQuestion {
///     network: Some("VISA"), gateway: "razorpay", initiator: None, amount: None, region: None,
///     card_present: Some(false), history: &[declined], now: at.plus_millis(1_000),
/// };
/// let answer = may_retry(&question, RetryRules::published());
/// assert!(matches!(answer, RetryAnswer::Allowed { left: Some(20), .. }));
/// ```
pub fn may_retry<'r>(question: &RetryQuestion, rules: &'r RetryRules) -> RetryAnswer<'r> {
    let this_payment = || question.history.iter().filter(|past| past.same_payment);
    if this_payment().any(|past| past.status == Status::Approved) {
        return RetryAnswer::Refused { by: By::Approved, until: None };
    }
    if let Some(since) = this_payment().filter(|past| past.is_open()).map(|past| past.at).min() {
        return RetryAnswer::ReconcileFirst { since };
    }
    let mut at = question.now;
    let mut verdict = judge(question, at, rules);
    let is_refused = verdict.refused.is_some();
    let mut stood = None;
    while let Some((end, by)) = verdict.last_end() {
        let Some(end) = end else { return RetryAnswer::Refused { by, until: None } };
        (at, stood) = (end, Some(by));
        verdict = judge(question, at, rules);
    }
    match stood {
        Some(by) if is_refused => RetryAnswer::Refused { by, until: Some(at) },
        _ => RetryAnswer::Allowed {
            not_before: at,
            by: stood.or(verdict.left.map(|(_, by)| by)),
            left: verdict.left.map(|(left, _)| left),
            correct_first: correct_first(question),
        },
    }
}

/// How often a payment may be tried, the first try included, if what comes is a decline that is neither final nor advises anything;
/// `None`: no limit is known.
///
/// ```
/// use payments::*;
/// let now = Timestamp::parse("2026-02-13T18:00:00Z").unwrap();
/// let attempts_max = |network| attempts_max(Some(network), "payu", now, RetryRules::published());
/// assert_eq!((attempts_max("VISA"), attempts_max("MASTERCARD"), attempts_max("rupay")), (Some(21), Some(10), None));
/// ```
pub fn attempts_max(
    network: Option<&str>,
    gateway: &str,
    now: Timestamp,
    rules: &RetryRules,
) -> Option<u32> {
    let declined = PastAttempt {
        at: now,
        status: Status::Declined,
        codes: &[],
        amount: None,
        initiator: None,
        gateway,
        same_payment: true,
    };
    let question = RetryQuestion {
        network,
        gateway,
        initiator: None,
        amount: None,
        region: None,
        card_present: None,
        history: &[declined],
        now,
    };
    match may_retry(&question, rules) {
        RetryAnswer::Allowed { left, .. } => left.map(|left| left + 1),
        RetryAnswer::Refused { .. } => Some(1),
        RetryAnswer::ReconcileFirst { .. } => None,
    }
}

/// What stands against a try at one instant.
#[derive(Default)]
struct Verdict<'r> {
    /// The refusal that ends last, `None` meaning never, and why.
    refused: Option<(Option<Timestamp>, By<'r>)>,
    /// The wait that ends last, after that instant.
    wait: Option<(Timestamp, By<'r>)>,
    /// What the nearest limit leaves.
    left: Option<(u32, By<'r>)>,
}

/// The later of two ends, never being the latest.
fn later(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.zip(b).map(|(a, b)| a.max(b))
}

fn judge<'r>(question: &RetryQuestion, at: Timestamp, rules: &'r RetryRules) -> Verdict<'r> {
    let mut verdict = Verdict::default();
    for rule in rules.iter().filter(|rule| applies(rule, question, at)) {
        match rule.kind {
            RuleKind::Never => never(rule, question, at, &mut verdict),
            RuleKind::Count => count(rule, question, at, &mut verdict),
            RuleKind::Wait | RuleKind::Fee => {}
        }
    }
    codes(question, at, rules, &mut verdict);
    verdict
}

impl<'r> Verdict<'r> {
    /// A refusal until then, or until its rule is no longer in force.
    fn refuse(&mut self, until: Option<Timestamp>, by: By<'r>) {
        let lapses = match by {
            By::Rule(rule) => rule.until,
            By::Decline(_) | By::Approved => None,
        };
        let until = until.into_iter().chain(lapses).min();
        let is_stricter = |so_far: Option<Timestamp>| so_far != later(so_far, until);
        if self.refused.is_none_or(|(so_far, _)| is_stricter(so_far)) {
            self.refused = Some((until, by));
        }
    }

    /// The end of what stands longest, and what that is.
    fn last_end(&self) -> Option<(Option<Timestamp>, By<'r>)> {
        let wait = self.wait.map(|(until, by)| (Some(until), by));
        match (self.refused, wait) {
            (Some(refused), Some(wait)) if refused.0.is_some() && refused.0 < wait.0 => Some(wait),
            (refused, wait) => refused.or(wait),
        }
    }

    fn wait(&mut self, until: Timestamp, by: By<'r>) {
        if self.wait.is_none_or(|(so_far, _)| until > so_far) {
            self.wait = Some((until, by));
        }
    }
}

fn applies(rule: &RetryRule, question: &RetryQuestion, at: Timestamp) -> bool {
    let made_by = |name: &str| is_named(name, rule.network);
    rule.in_force(at)
        && (question.network.is_some_and(made_by) || made_by(question.gateway))
        && (rule.region.is_none() || question.region.is_none() || rule.region == question.region)
        && !(rule.card_not_present && question.card_present == Some(true))
}

/// Whether `name` is that network's, whatever its case and punctuation.
fn is_named(name: &str, network: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).eq(network.bytes())
}

/// The row that a code means on this network: schemes give some ISO 8583 codes a meaning of
/// their own.
pub fn meaning(code: &Code, network: Option<&str>) -> &'static Decline {
    let scheme = match network {
        Some(name) if is_named(name, "visa") => "visa",
        Some(name) if is_named(name, "mastercard") => "mastercard_de39",
        _ => "",
    };
    let of_scheme = match code.source.as_str() {
        "iso8583" => listed_decline(scheme, &code.value),
        _ => None,
    };
    of_scheme.unwrap_or_else(|| decline(&code.source, &code.value))
}

/// Whether the rule speaks of this decline. One that carries no category of its own is generic
/// for Visa (category 4), and so is one without any code.
fn speaks_of(rule: &RetryRule, past: &PastAttempt, network: Option<&str>) -> bool {
    if past.codes.is_empty() {
        return rule.names("", "", Some(4));
    }
    past.codes.iter().any(|code| {
        let row = meaning(code, network);
        let category = row.category.or(Some(4));
        rule.names_row(row) || rule.names(&code.source, &code.value, category)
    })
}

fn never<'r>(
    rule: &'r RetryRule,
    question: &RetryQuestion,
    at: Timestamp,
    verdict: &mut Verdict<'r>,
) {
    for past in question.history.iter().filter(|past| past.status == Status::Declined) {
        if !speaks_of(rule, past, question.network) {
            continue;
        }
        match rule.window_ms.map(|window| past.at.plus_millis(window)) {
            None => verdict.refuse(None, By::Rule(rule)),
            Some(until) if at < until => {
                // The advice outlives the months in which ignoring it is charged.
                let hard = past
                    .codes
                    .iter()
                    .any(|code| meaning(code, question.network).retryable == Retryable::Hard);
                verdict.refuse((!hard).then_some(until), By::Rule(rule));
            }
            Some(_) => {}
        }
    }
}

fn count<'r>(
    rule: &'r RetryRule,
    question: &RetryQuestion,
    at: Timestamp,
    verdict: &mut Verdict<'r>,
) {
    let counted = |past: &&PastAttempt| {
        let same_amount = match (past.amount, question.amount) {
            (Some(then), Some(now)) => then == now,
            _ => true,
        };
        let same_initiator = match (past.initiator, question.initiator) {
            (Some(then), Some(now)) => then == now,
            _ => true,
        };
        (past.same_payment || !rule.per_payment)
            && (same_amount || !rule.same_amount)
            && (same_initiator || !rule.initiator_split)
    };
    // An approval ends the run only if it surely belongs to it.
    let surely = |past: &&PastAttempt| {
        (!rule.same_amount || past.amount.is_some() && past.amount == question.amount)
            && (!rule.initiator_split
                || past.initiator.is_some() && past.initiator == question.initiator)
    };
    let run_starts_after = question
        .history
        .iter()
        .filter(|past| rule.reset_by_approval && past.status == Status::Approved)
        .filter(counted)
        .filter(surely)
        .map(|past| past.at)
        .max();
    let window_starts_after = rule.window_ms.map(|window| at.plus_millis(-window));
    let mut times: Vec<Timestamp> = question
        .history
        .iter()
        .filter(|past| past.status == Status::Declined)
        .filter(counted)
        .filter(|past| speaks_of(rule, past, question.network))
        .map(|past| past.at)
        .filter(|&time| run_starts_after.is_none_or(|start| time > start))
        .filter(|&time| window_starts_after.is_none_or(|start| time > start))
        .collect();
    let declines_max = match rule.counts {
        Counts::Reattempts => rule.limit as usize + 1,
        Counts::Declines => rule.limit as usize,
    };
    if times.len() >= declines_max {
        times.sort_unstable();
        // The limit leaves room again once all but `declines_max - 1` have left the window.
        let last_to_leave = times[times.len() - declines_max];
        let until = rule.window_ms.map(|window| last_to_leave.plus_millis(window));
        verdict.refuse(until, By::Rule(rule));
    } else {
        let left = (declines_max - times.len()) as u32;
        if !times.is_empty() && verdict.left.is_none_or(|(so_far, _)| left < so_far) {
            verdict.left = Some((left, By::Rule(rule)));
        }
    }
}

/// What the codes themselves say.
fn codes<'r>(
    question: &RetryQuestion,
    at: Timestamp,
    rules: &'r RetryRules,
    verdict: &mut Verdict<'r>,
) {
    let failed = |past: &&PastAttempt| matches!(past.status, Status::Declined | Status::Error);
    for past in question.history.iter().filter(failed) {
        for code in past.codes {
            let row = meaning(code, question.network);
            match row.retryable {
                // What is wrong with the card is wrong for every payment with it; what is wrong
                // with the request or the route is wrong for this payment there.
                Retryable::Hard if concerns_card(row) || same_try(past, question) => {
                    verdict.refuse(None, By::Decline(row));
                }
                Retryable::Advice { wait_ms: Some(wait_ms) }
                    if at < past.at.plus_millis(wait_ms) =>
                {
                    let until = past.at.plus_millis(wait_ms);
                    // Named is what stands against it to the end, though it may begin on the way.
                    let waits = |rule: &&RetryRule| {
                        rule.kind == RuleKind::Wait
                            && applies(rule, question, until.plus_millis(-1))
                            && rule.names_row(row)
                    };
                    let by = rules.iter().find(waits).map_or(By::Decline(row), By::Rule);
                    verdict.wait(until, by);
                }
                _ => {}
            }
        }
    }
}

fn concerns_card(row: &Decline) -> bool {
    matches!(row.class, DeclineClass::User | DeclineClass::FraudDnr)
}

fn same_try(past: &PastAttempt, question: &RetryQuestion) -> bool {
    past.same_payment && past.gateway == question.gateway
}

fn correct_first(question: &RetryQuestion) -> bool {
    let declined = |past: &&PastAttempt| past.same_payment && past.status == Status::Declined;
    let last = question.history.iter().filter(declined).max_by_key(|past| past.at);
    last.is_some_and(|past| {
        past.codes.iter().any(|code| {
            let row = meaning(code, question.network);
            row.retryable == (Retryable::Advice { wait_ms: None })
        })
    })
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
