//! Whether, when and where a payment may be tried again, on the wire.

use payments::{By, Counts, RetryRule, RuleKind, Timestamp};
use routing::{Advice, Avoidance, RetryReason};
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;
use crate::http::route::{Ranked, Retry};

/// A try that has to be cleared up before anything else.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Inquiry {
    /// Whom to ask what became of it.
    gateway: String,
    occurred_at: String,
}

/// An eligible gateway that is left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AvoidedGateway {
    gateway: String,
    /// `refused`: a rule or code forbids it there; `path_failed`: its own path failed this payment within the last hour, and another gateway may be tried.
    reason: &'static str,
    /// The rule or code, or when its path failed.
    detail: String,
    /// `refused`: until when; null: for ever.
    until: Option<String>,
}

/// What a scheme charges for a reattempt against the rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RetryFee {
    /// Decimal, in units of the currency: a fee can be a fraction of a cent.
    amount: &'static str,
    /// Where card and merchant are in different countries, if it differs.
    cross_border: Option<&'static str>,
    /// ISO 4217.
    currency: &'static str,
}

/// What an answer rests on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RetryGround {
    /// The name of the scheme's rule, `source/value` of the code, or the intervention's id.
    rule: String,
    /// `rule`, `code` or `intervention`
    kind: &'static str,
    says: String,
    /// Where that comes from.
    source: String,
    /// How sure the source makes us; null but for rules.
    confidence: Option<&'static str>,
    /// First day on which the rule is in force, UTC; null but for rules.
    effective_from: Option<String>,
    /// First day on which it no longer is; null while no end is known.
    effective_until: Option<String>,
    fee: Option<RetryFee>,
}

/// Whether, when and where a payment may be tried again.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetryAdvice {
    /// Whether it may be tried again, from `not_before` on.
    retry: bool,
    /// The earliest time. Without `retry`: when it is worth asking again; null where that is never, or not known.
    not_before: Option<String>,
    /// Where; null if it must not be tried.
    gateway: Option<String>,
    /// The gateways that were chosen from, best first: as `candidates` of `/v1/route`, with `attempt_number`, they give `gateway` again while the policy is the same.
    ranking: Vec<Ranked>,
    /// What is expected there of payments like this, whether or not they were declined before; null where nothing is learnt.
    success_rate: Option<f64>,
    /// Yes: `may_retry`, `wait`, `correct_first`. No: `approved`, `outcome_unknown`, `decline_final`, `scheme_never`, `scheme_limit`, `overlay_limit`, or `wait` where a limit ends before it.
    #[schema(value_type = String)]
    reason: RetryReason,
    /// The same in words.
    text: String,
    /// What the answer rests on, or else the limit that is nearest.
    rules: Vec<RetryGround>,
    /// Tries that the nearest limit leaves, the next one included; null where no limit is known, or an outcome isn't.
    attempts_left: Option<u32>,
    /// Eligible gateways that are left out.
    avoided: Vec<AvoidedGateway>,
    /// Tries that may have gone through: their gateways have to be asked before anything else.
    inquire: Vec<Inquiry>,
    /// Of the next attempt.
    attempt_number: u32,
    policy_version: u64,
}

impl RetryAdvice {
    /// Of what routing advises for the attempt of this number.
    pub fn new(advice: Advice<'_>, attempt_number: u32, policy_version: u64) -> Self {
        let text = text(&advice, attempt_number);
        let overlays = advice.overlays.iter().map(|narrowing| {
            let advised = Retry {
                attempts_max: narrowing.retry.attempts_max,
                delay_s_min: narrowing.retry.delay_s_min,
            };
            overlay(&narrowing.intervention_id, &advised)
        });
        Self {
            rules: advice.by.iter().filter_map(ground).chain(overlays).collect(),
            retry: advice.retry,
            not_before: advice.not_before.map(rfc3339),
            gateway: advice.gateway,
            ranking: advice.ranking.into_iter().map(Into::into).collect(),
            success_rate: advice.success_rate,
            reason: advice.reason,
            text,
            attempts_left: advice.attempts_left,
            avoided: advice.avoided.into_iter().map(avoided).collect(),
            inquire: advice
                .inquire
                .into_iter()
                .map(|open| Inquiry { gateway: open.gateway, occurred_at: rfc3339(open.at) })
                .collect(),
            attempt_number,
            policy_version,
        }
    }
}

fn text(advice: &Advice<'_>, attempt_number: u32) -> String {
    let at = advice.not_before.map(rfc3339).unwrap_or_default();
    let by = advice.by.as_ref().map(name).unwrap_or_default();
    let gateway = advice.gateway.as_deref().unwrap_or_default();
    let asked = advice.not_before.map_or_else(
        || ", and no time is known at which that changes".to_owned(),
        |at| format!("; ask again at {}", rfc3339(at)),
    );
    match advice.reason {
        RetryReason::MayRetry => format!("attempt {attempt_number} may be made now, at {gateway}"),
        RetryReason::Wait if advice.retry => {
            format!("attempt {attempt_number} may be made from {at} on, at {gateway}")
        }
        RetryReason::CorrectFirst => format!(
            "attempt {attempt_number} may be made from {at} on, at {gateway}, once what the last decline asks for has been corrected or authenticated"
        ),
        RetryReason::Wait => format!("not now, by {by}{asked}"),
        RetryReason::Approved => "the payment is approved".to_owned(),
        RetryReason::OutcomeUnknown => {
            let gateways: Vec<&str> =
                advice.inquire.iter().map(|open| open.gateway.as_str()).collect();
            format!(
                "an earlier try may have gone through and another could charge twice: ask {} what became of it first",
                gateways.join(", ")
            )
        }
        RetryReason::DeclineFinal => format!("never with the same request, by {by}"),
        RetryReason::SchemeNever => match advice.not_before {
            None => format!("never, by {by}"),
            Some(_) => format!("forbidden by {by}{asked}"),
        },
        RetryReason::SchemeLimit => format!("the limit of {by} is reached{asked}"),
        RetryReason::OverlayLimit => {
            "an intervention limits the attempts of this payment while something is wrong"
                .to_owned()
        }
    }
}

fn name(by: &By<'_>) -> String {
    match by {
        By::Rule(rule) => rule.name.to_owned(),
        By::Decline(row) => format!("{}/{}", row.source, row.value),
        By::Approved => "approved".to_owned(),
    }
}

fn avoided((gateway, why): (String, Avoidance<'_>)) -> AvoidedGateway {
    match why {
        Avoidance::Refused { by, until } => AvoidedGateway {
            gateway,
            reason: "refused",
            detail: match &by {
                By::Decline(row) => format!("{} ({})", name(&by), row.meaning),
                By::Rule(_) | By::Approved => name(&by),
            },
            until: until.map(rfc3339),
        },
        Avoidance::PathFailed { at } => AvoidedGateway {
            gateway,
            reason: "path_failed",
            detail: format!("the try at {} failed on its path", rfc3339(at)),
            until: None,
        },
    }
}

fn day(at: Timestamp) -> String {
    rfc3339(at).chars().take(10).collect()
}

/// An approval needs no ground.
fn ground(by: &By<'_>) -> Option<RetryGround> {
    match by {
        By::Rule(rule) => Some(RetryGround {
            rule: rule.name.to_owned(),
            kind: "rule",
            says: says(rule),
            source: rule.source.to_owned(),
            confidence: Some(rule.confidence),
            effective_from: Some(day(rule.effective)),
            effective_until: rule.until.map(day),
            fee: rule.fee.map(|fee| RetryFee {
                amount: fee.amount,
                cross_border: fee.cross_border,
                currency: fee.currency,
            }),
        }),
        By::Decline(row) => Some(RetryGround {
            rule: name(by),
            kind: "code",
            says: row.meaning.to_owned(),
            source: row.source_doc.to_owned(),
            confidence: None,
            effective_from: None,
            effective_until: None,
            fee: None,
        }),
        By::Approved => None,
    }
}

fn overlay(intervention_id: &str, advised: &Retry) -> RetryGround {
    RetryGround {
        rule: intervention_id.to_owned(),
        kind: "intervention",
        says: format!(
            "at most {} attempts, {} s apart at least",
            advised.attempts_max, advised.delay_s_min
        ),
        source: format!("/v1/interventions/{intervention_id}"),
        confidence: None,
        effective_from: None,
        effective_until: None,
        fee: None,
    }
}

/// A rule in words, made of what it decides by.
fn says(rule: &RetryRule) -> String {
    let window = rule.window_ms.map_or(String::new(), |ms| match ms / 3_600_000 {
        hours if hours % 24 == 0 && hours > 24 => format!(" in {} days", hours / 24),
        hours => format!(" in {hours} hours"),
    });
    let of = if rule.per_payment { "payment" } else { "card and merchant" };
    let amount = if rule.same_amount { " of the same amount" } else { "" };
    let (limit, network) = (rule.limit, rule.network);
    match (rule.kind, rule.counts) {
        (RuleKind::Never, _) => format!("{network}: no reattempt after such a decline{window}"),
        (RuleKind::Count, Counts::Reattempts) => {
            format!("{network}: at most {limit} reattempts{amount}{window} per {of}")
        }
        (RuleKind::Count, Counts::Declines) => {
            format!("{network}: at most {limit} declines{amount}{window} per {of}")
        }
        (RuleKind::Wait, _) => format!("{network}: not before the wait that the code names"),
        (RuleKind::Fee, _) => format!("{network}: a reattempt costs a fee"),
    }
}

#[cfg(test)]
mod tests {
    use payments::{RetryRules, declines};

    use super::*;

    #[test]
    fn rules_are_said_by_what_they_decide_by() {
        let rules = RetryRules::published();
        let said = |name: &str| says(rules.get(name).expect("a rule of that name"));
        assert_eq!(
            said("visa_reattempts_20"),
            "visa: at most 20 reattempts of the same amount in 30 days per card and merchant"
        );
        assert_eq!(
            said("mastercard_24h_2025"),
            "mastercard: at most 10 declines in 24 hours per card and merchant"
        );
        assert_eq!(said("stripe_recommended_8"), "stripe: at most 8 reattempts per payment");
        assert_eq!(
            said("mastercard_mac_03_21"),
            "mastercard: no reattempt after such a decline in 30 days"
        );
    }

    #[test]
    fn every_ground_names_its_source() {
        let rules = RetryRules::published().iter().map(By::Rule);
        for by in rules.chain(declines().iter().map(By::Decline)) {
            let ground = ground(&by).expect("a ground");
            assert!(!ground.source.is_empty() && !ground.says.is_empty(), "{by:?}");
            assert_eq!(ground.effective_from.is_some(), ground.kind == "rule");
        }
        assert!(ground(&By::Approved).is_none());
    }
}
