//! The question, the answer, and the judgement between them.
//!
//! Three things can stand against another try, and the strictest wins: the outcome isn't known (a
//! second try could charge twice), a code that says never, and a scheme's limit. Where a fact is
//! missing (no amount, no initiator, no region) the stricter reading holds. Adding a decline to the
//! history therefore never makes an answer more lenient. Cost: rules times history, without
//! allocation but for the times that a limit counts.

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
        /// When the question may be asked again; `None` means never with this card.
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
    if let Some(since) = this_payment().filter(|past| is_open(past)).map(|past| past.at).min() {
        return RetryAnswer::ReconcileFirst { since };
    }
    let mut verdict = Verdict { refused: None, wait: (question.now, None), left: None };
    for rule in rules.iter().filter(|rule| applies(rule, question)) {
        match rule.kind {
            RuleKind::Never => never(rule, question, &mut verdict),
            RuleKind::Count => count(rule, question, &mut verdict),
            RuleKind::Wait | RuleKind::Fee => {}
        }
    }
    codes(question, rules, &mut verdict);
    verdict.answer(correct_first(question))
}

/// The strictest judgement so far.
struct Verdict<'r> {
    refused: Option<(Option<Timestamp>, By<'r>)>,
    wait: (Timestamp, Option<By<'r>>),
    left: Option<(u32, By<'r>)>,
}

impl<'r> Verdict<'r> {
    fn refuse(&mut self, until: Option<Timestamp>, by: By<'r>) {
        let stricter = match (&self.refused, until) {
            (None, _) => true,
            (Some((None, _)), _) => false,
            (Some((Some(_), _)), None) => true,
            (Some((Some(so_far), _)), Some(until)) => until > *so_far,
        };
        if stricter {
            self.refused = Some((until, by));
        }
    }

    fn wait(&mut self, not_before: Timestamp, by: By<'r>) {
        if not_before > self.wait.0 {
            self.wait = (not_before, Some(by));
        }
    }

    fn answer(self, correct_first: bool) -> RetryAnswer<'r> {
        let (not_before, waits_for) = self.wait;
        if let Some((until, by)) = self.refused {
            return RetryAnswer::Refused { by, until: until.map(|until| until.max(not_before)) };
        }
        RetryAnswer::Allowed {
            not_before,
            by: waits_for.or(self.left.map(|(_, by)| by)),
            left: self.left.map(|(left, _)| left),
            correct_first,
        }
    }
}

/// Whether nobody knows yet what became of the attempt.
fn is_open(past: &PastAttempt) -> bool {
    match past.status {
        Status::Timeout | Status::Unknown => true,
        Status::Error => past.codes.iter().any(|c| decline(&c.source, &c.value).outcome_unknown),
        Status::Approved | Status::Declined | Status::Abandoned => false,
    }
}

fn applies(rule: &RetryRule, question: &RetryQuestion) -> bool {
    let made_by = |name: &str| is_named(name, rule.network);
    rule.in_force(question.now)
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
fn meaning(code: &Code, network: Option<&str>) -> &'static Decline {
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

fn never<'r>(rule: &'r RetryRule, question: &RetryQuestion, verdict: &mut Verdict<'r>) {
    for past in question.history.iter().filter(|past| past.status == Status::Declined) {
        if !speaks_of(rule, past, question.network) {
            continue;
        }
        match rule.window_ms.map(|window| past.at.plus_millis(window)) {
            None => verdict.refuse(None, By::Rule(rule)),
            Some(until) if question.now < until => {
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

fn count<'r>(rule: &'r RetryRule, question: &RetryQuestion, verdict: &mut Verdict<'r>) {
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
    let window_starts_after = rule.window_ms.map(|window| question.now.plus_millis(-window));
    let mut times: Vec<Timestamp> = question
        .history
        .iter()
        .filter(|past| past.status == Status::Declined)
        .filter(counted)
        .filter(|past| speaks_of(rule, past, question.network))
        .map(|past| past.at)
        .filter(|&at| run_starts_after.is_none_or(|start| at > start))
        .filter(|&at| window_starts_after.is_none_or(|start| at > start))
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
fn codes<'r>(question: &RetryQuestion, rules: &'r RetryRules, verdict: &mut Verdict<'r>) {
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
                Retryable::Advice { wait_ms: Some(wait_ms) } => {
                    let waits = |rule: &&RetryRule| {
                        rule.kind == RuleKind::Wait
                            && applies(rule, question)
                            && rule.names_row(row)
                    };
                    let by = rules.iter().find(waits).map_or(By::Decline(row), By::Rule);
                    verdict.wait(past.at.plus_millis(wait_ms), by);
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
