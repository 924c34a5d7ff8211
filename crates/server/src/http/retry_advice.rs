//! `POST /v1/retry-advice`: whether, when and where a payment is tried again. A function of its body and the last policy: no lock, no store.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use payments::{
    Attempt, AttemptDraft, Code, EventError, Field, Initiator, PastAttempt, Reason, RetryRules,
    Timestamp,
};
use routing::{Context, RetryRequest};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::{Object, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;
use super::route::{Amount, Question, text};
use super::who::Asker;
use crate::serve::App;
use crate::serve::clock::Clock;
use crate::wire;

/// Earlier attempts of one request: no scheme's limit needs more than a tenth of them.
const ATTEMPTS_MAX: usize = 500;
/// Codes of one attempt.
const CODES_MAX: usize = 8;
/// A region that no rule names.
const OTHER_REGION: &str = "other";

/// A time as events have it.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "occurred_at: RFC 3339 with an offset, or epoch milliseconds")]
enum When<'a> {
    Ms(i64),
    Text(#[serde(borrow)] Cow<'a, str>),
}

/// An earlier attempt with the same card or account at the same merchant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierAttempt<'a> {
    /// When its outcome was known: RFC 3339 with an offset, or epoch milliseconds.
    #[serde(borrow)]
    #[schema(value_type = String)]
    occurred_at: When<'a>,
    #[serde(borrow)]
    gateway: Cow<'a, str>,
    /// `approved`, `declined`, `error`, `timeout`, `unknown` or `abandoned`
    #[serde(borrow)]
    status: Cow<'a, str>,
    /// The response code as received.
    #[schema(value_type = Option<AttemptCode>)]
    code: Option<Code>,
    /// Further codes that came with it, such as a merchant advice code; at most 8 with `code`.
    #[serde(default)]
    #[schema(value_type = Vec<AttemptCode>)]
    codes: Vec<Code>,
    /// Without it, it counts as the same amount.
    amount: Option<Amount>,
    /// `cit` or `mit`; without it, it counts as the same.
    #[serde(borrow)]
    initiator: Option<Cow<'a, str>>,
    /// 1 for the first try.
    #[schema(minimum = 1)]
    attempt_number: Option<u32>,
    /// Without it, it was a try of the payment that asks.
    #[serde(borrow)]
    payment_id: Option<Cow<'a, str>>,
}

/// A response code as received.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the description of payments::Code, which knows no OpenAPI")]
struct AttemptCode {
    /// Vocabulary, such as `iso8583`.
    source: String,
    value: String,
}

/// What advice on retries needs beside the payment.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AttemptLog<'a> {
    /// All attempts with this card at this merchant as far as they are known, in any order; at most 500. The payment's own have to be among them.
    #[serde(borrow)]
    attempts: Vec<EarlierAttempt<'a>>,
    /// `cit` or `mit`: who would start the next attempt.
    #[serde(borrow)]
    initiator: Option<Cow<'a, str>>,
    /// The merchant's region as the rules name it, `US`, `CA` or `EU` (EEA and United Kingdom), else `other`; without it every region's rules hold.
    #[serde(borrow)]
    merchant_region: Option<Cow<'a, str>>,
    /// Without it, the rules for payments without the card hold too.
    card_present: Option<bool>,
    /// As in the event; not used.
    #[serde(borrow)]
    customer_ref: Option<Cow<'a, str>>,
    /// As in the event; not used.
    #[serde(borrow)]
    device_ref: Option<Cow<'a, str>>,
    /// As in the event; not used.
    #[serde(borrow)]
    terminal_ref: Option<Cow<'a, str>>,
}

/// A payment that may be tried again: as `/v1/route` takes it, and what was tried so far. Unknown members are refused.
#[derive(Debug, Deserialize)]
pub struct RetryQuestion<'a> {
    #[serde(borrow, flatten)]
    payment: Question<'a>,
    #[serde(borrow, flatten)]
    log: AttemptLog<'a>,
    #[serde(flatten)]
    unknown: BTreeMap<String, IgnoredAny>,
}

/// The members of both parts, and no others.
impl PartialSchema for RetryQuestion<'_> {
    fn schema() -> RefOr<Schema> {
        let members = |schema| match schema {
            RefOr::T(Schema::Object(object)) => object,
            _ => Object::new(),
        };
        let mut whole = members(Question::schema());
        let log = members(AttemptLog::schema());
        whole.description = Some(
            "A payment that may be tried again: as `/v1/route` takes it, and what was tried so far. `attempt_number` is the next one's."
                .into(),
        );
        whole.required.extend(log.required);
        whole.properties.extend(log.properties);
        whole.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        RefOr::T(Schema::Object(whole))
    }
}

impl ToSchema for RetryQuestion<'_> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Question::schemas(schemas);
        AttemptLog::schemas(schemas);
    }
}

/// Whether, when and where a payment may be tried again
///
/// By the schemes' dated rules, the meaning of the codes, the pilot's overlays and the policy. It reads nothing but this body: attempts that aren't in it don't count.
#[utoipa::path(
    post, path = "/v1/retry-advice", tag = "route",
    request_body(content = RetryQuestion, content_type = "application/json"),
    responses(
        (status = 200, body = wire::RetryAdvice),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`no_eligible_gateway`, or a member that can't be"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn retry_advice(
    State(app): State<Arc<App>>,
    Asker(who): Asker,
    body: Bytes,
) -> Result<Json<wire::RetryAdvice>, Problem> {
    who.needs_scope("route")?;
    let asked: RetryQuestion<'_> = serde_json::from_slice(&body).map_err(|e| {
        Problem::malformed(format!("the body: {}", payments::excerpt(&e.to_string())))
    })?;
    if let Some(name) = asked.unknown.keys().next() {
        let name = payments::excerpt(name);
        return Err(Problem::malformed(format!("the body: unknown field `{name}`")));
    }
    advise(&app, &asked).map(Json)
}

fn advise(app: &App, asked: &RetryQuestion<'_>) -> Result<wire::RetryAdvice, Problem> {
    let in_force = app.plane.policy.load_full();
    let checked = asked.payment.checked()?;
    let log = &asked.log;
    log.check()?;
    let attempts = log.read(asked.payment.payment_id(), &app.clock)?;
    let history: Vec<PastAttempt<'_>> =
        attempts.iter().map(|attempt| attempt.past(asked.payment.payment_id())).collect();
    let latest = history.iter().map(|past| past.at);
    // Events come in before their clock has got there.
    let now = latest.fold(app.clock.now(), Timestamp::max);
    let own = attempts.iter().filter(|earlier| earlier.is_of(asked.payment.payment_id()));
    let numbers = own.map(|earlier| earlier.attempt.attempt_number);
    let made = numbers.clone().max().unwrap_or(0).max(numbers.count() as u32);
    let attempt_number = match asked.payment.attempt_number {
        Some(number) if number <= made => {
            return invalid(format!(
                "attempt_number is {number}, but {made} were made; it is the next one's, or left out"
            ));
        }
        number => number.unwrap_or(made.saturating_add(1)),
    };
    let request = RetryRequest {
        context: Context { attempt_number, ..checked.context(now) },
        initiator: log.initiator()?,
        region: log.merchant_region.as_deref(),
        card_present: log.card_present,
        history: &history,
    };
    // A retry is routed by whichever policy routed the payment.
    let (policy, ..) = in_force.of(asked.payment.payment_id(), now);
    let advice = routing::advise(policy, &request, RetryRules::published())
        .map_err(|e| Problem::impossible("no_eligible_gateway", e.to_string()))?;
    Ok(wire::RetryAdvice::new(advice, attempt_number, policy.terms().version))
}

fn invalid<T>(detail: String) -> Result<T, Problem> {
    Err(Problem::impossible("invalid", detail))
}

/// What is wrong with a member, at its place.
fn at_fault(place: &str, error: &EventError) -> Problem {
    let code = if error.reason == Reason::CardNumber { "card_number" } else { "invalid" };
    Problem::impossible(code, format!("{place}{error}"))
}

impl AttemptLog<'_> {
    fn check(&self) -> Result<(), Problem> {
        let pseudonyms = [
            ("customer_ref", &self.customer_ref),
            ("device_ref", &self.device_ref),
            ("terminal_ref", &self.terminal_ref),
        ];
        for (name, value) in pseudonyms {
            value.as_deref().map_or(Ok(()), |value| text(name, value))?;
        }
        let Some(region) = self.merchant_region.as_deref() else { return Ok(()) };
        let mut named: Vec<&str> =
            RetryRules::published().iter().filter_map(|rule| rule.region).collect();
        named.push(OTHER_REGION);
        if !named.contains(&region) {
            named.sort_unstable();
            named.dedup();
            return invalid(format!(
                "merchant_region is `{}`; allowed are {}",
                payments::excerpt(region),
                named.join(", ")
            ));
        }
        Ok(())
    }

    fn initiator(&self) -> Result<Option<Initiator>, Problem> {
        match self.initiator.as_deref() {
            None => Ok(None),
            Some("cit") => Ok(Some(Initiator::Cit)),
            Some("mit") => Ok(Some(Initiator::Mit)),
            Some(other) => invalid(format!(
                "initiator is `{}`; allowed are cit and mit",
                payments::excerpt(other)
            )),
        }
    }

    fn read(&self, payment_id: &str, clock: &Clock) -> Result<Vec<Earlier>, Problem> {
        if self.attempts.len() > ATTEMPTS_MAX {
            let got = self.attempts.len();
            return invalid(format!("attempts: {got} of them; at most {ATTEMPTS_MAX}"));
        }
        let future_from = clock.future_from();
        let read = |(at, attempt): (usize, &EarlierAttempt<'_>)| {
            let place = format!("attempts[{at}].");
            if attempt.codes.len() >= CODES_MAX {
                return invalid(format!("{place}codes: at most {CODES_MAX} with code"));
            }
            let earlier = attempt.read(payment_id).map_err(|error| at_fault(&place, &error))?;
            if future_from.is_some_and(|from| earlier.attempt.occurred_at > from) {
                let allowed = clock.future_allowed();
                return invalid(format!("{place}occurred_at lies ahead; allowed is {allowed}"));
            }
            Ok(earlier)
        };
        self.attempts.iter().enumerate().map(read).collect()
    }
}

/// An earlier attempt that was checked.
struct Earlier {
    attempt: Attempt,
    codes: Vec<Code>,
}

impl Earlier {
    fn is_of(&self, payment_id: &str) -> bool {
        self.attempt.payment_id == payment_id
    }

    fn past(&self, payment_id: &str) -> PastAttempt<'_> {
        PastAttempt {
            at: self.attempt.occurred_at,
            status: self.attempt.status,
            codes: &self.codes,
            amount: self.attempt.amount,
            initiator: self.attempt.initiator,
            gateway: &self.attempt.gateway,
            same_payment: self.is_of(payment_id),
        }
    }
}

impl EarlierAttempt<'_> {
    /// By the rules of the event's fields.
    fn read(&self, payment_id: &str) -> Result<Earlier, EventError> {
        let mut draft = AttemptDraft::default();
        let occurred_at = match &self.occurred_at {
            When::Ms(ms) => Cow::Owned(ms.to_string()),
            When::Text(text) => Cow::Borrowed(text.as_ref()),
        };
        draft.set(Field::OccurredAt, &occurred_at)?;
        draft.set(Field::Gateway, &self.gateway)?;
        draft.set(Field::Status, &self.status)?;
        draft.set(Field::PaymentId, self.payment_id.as_deref().unwrap_or(payment_id))?;
        if let Some(number) = self.attempt_number {
            draft.set(Field::AttemptNumber, &number.to_string())?;
        }
        if let Some(initiator) = self.initiator.as_deref() {
            draft.set(Field::Initiator, initiator)?;
        }
        if let Some(amount) = &self.amount {
            draft.set(Field::AmountMinor, &amount.minor.to_string())?;
            draft.set(Field::AmountCurrency, amount.currency.as_str())?;
        }
        let codes: Vec<Code> = self.code.iter().chain(&self.codes).cloned().collect();
        // Each of them has to agree with the status.
        for code in &codes {
            let mut with = draft.clone();
            with.set(Field::CodeSource, &code.source)?;
            with.set(Field::CodeValue, &code.value)?;
            with.finish_mapped(payment_id)?;
        }
        Ok(Earlier { attempt: draft.finish_mapped(payment_id)?, codes })
    }
}
