//! `POST /v1/route`: where a payment goes. On the path of every payment: no lock, no store.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use payments::{Currency, Money, RetryRules, Timestamp, holds_pan};
use pilot::rollout::Group;
use routing::{Choice, Context, Policy, RetryAdvice};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::ask::raw;
use super::problem::Problem;
use super::who::{Asker, Principal};
use crate::serve::App;
use crate::serve::in_force::{Chooser, InForce, Place};
use crate::serve::record::Record;

/// Payments of one batch.
const PAYMENTS_MAX: usize = 1_000;
const CANDIDATES_MAX: usize = routing::GATEWAYS_MAX;
const ATTRIBUTES_MAX: usize = 16;
const TEXT_MAX: usize = 128;

/// What is to be paid.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub struct Amount {
    /// Minor units, 0 to 2^53-1.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub(crate) minor: i64,
    /// ISO 4217.
    #[schema(value_type = String)]
    pub(crate) currency: Currency,
}

/// A payment that asks for a gateway: the event's fields without an outcome. Unknown members are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Question<'a> {
    #[serde(borrow)]
    pub(crate) payment_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) merchant_id: Cow<'a, str>,
    pub(crate) amount: Amount,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    /// 1 for the first try.
    #[schema(minimum = 1)]
    pub(crate) attempt_number: Option<u32>,
    #[serde(borrow)]
    pub(crate) network: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) issuer: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) country: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) bin: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) mcc: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) ip_country: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) attributes: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// Gateways to choose from, in order of preference.
    #[serde(borrow, default)]
    pub(crate) candidates: Vec<Cow<'a, str>>,
    /// Probability of fraud, 0 to 1: what it is expected to cost at each gateway is taken off (`liability`).
    #[schema(minimum = 0, maximum = 1)]
    pub(crate) risk: Option<f64>,
    /// What the merchant earns, in hundredths of a percent of the amount; without it a success is worth the whole amount.
    pub(crate) margin_bps: Option<i64>,
    /// The gateway that holds the customer (a stored token): kept while it is worth at most `routing.sticky_loss_max` less than the best.
    #[serde(borrow)]
    pub(crate) sticky: Option<Cow<'a, str>>,
}

/// A gateway and what it is worth here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ranked {
    gateway: String,
    score: f64,
}

impl From<routing::Ranked> for Ranked {
    fn from(ranked: routing::Ranked) -> Self {
        Self { gateway: ranked.gateway, score: ranked.score }
    }
}

/// How retries of this payment are to be made: as an intervention says, and never more often than the schemes' rules allow.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retry {
    pub(crate) attempts_max: u32,
    pub(crate) delay_s_min: u32,
}

/// Where the payment goes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Answer {
    pub(crate) decision_id: String,
    pub(crate) gateway: String,
    /// Probability of this gateway over seed and experiment salt, overlays included.
    pub(crate) propensity: f64,
    ranking: Vec<Ranked>,
    /// `learned`, `experiment`, `overlay` or `fallback`
    #[schema(value_type = String)]
    reason: routing::Reason,
    policy_version: u64,
    /// Which policy chose: the configured one, or the one on trial while one is rolled out.
    policy: Chooser,
    /// `candidate`, `incumbent` or `hold_out` while a policy is rolled out; in its first stage the incumbent chooses for all of them.
    #[schema(value_type = Option<String>)]
    rollout_group: Option<Group>,
    experiment_id: Option<String>,
    pub(crate) retry: Option<Retry>,
}

/// Payments that ask for gateways.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Questions<'a> {
    #[serde(borrow)]
    #[schema(value_type = Vec<Question>)]
    payments: Vec<&'a RawValue>,
}

/// Choices in the order of the payments; a bad item is `{"error": problem}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Answers {
    #[schema(value_type = Vec<serde_json::Value>)]
    decisions: Vec<Item>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item {
    Choice(Answer),
    Error { error: serde_json::Value },
}

/// Choose a gateway
#[utoipa::path(
    post, path = "/v1/route", tag = "route",
    request_body(content = Question, content_type = "application/json"),
    responses(
        (status = 200, body = Answer),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`no_eligible_gateway`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one(
    State(app): State<Arc<App>>,
    Asker(who): Asker,
    body: Bytes,
) -> Result<Json<Answer>, Problem> {
    who.needs_scope("route")?;
    let in_force = app.plane.policy.load_full();
    choose(&app, &in_force, &body).map(Json)
}

/// Choose gateways for up to 1,000 payments
#[utoipa::path(
    post, path = "/v1/route/batch", tag = "route",
    request_body(content = Questions, content_type = "application/json"),
    responses(
        (status = 200, body = Answers),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn batch(
    State(app): State<Arc<App>>,
    Asker(who): Asker,
    body: Bytes,
) -> Result<Json<Answers>, Problem> {
    who.needs_scope("route")?;
    let questions: Questions<'_> = read(&body)?;
    if questions.payments.len() > PAYMENTS_MAX {
        let got = questions.payments.len();
        return Err(Problem::too_large(format!("{got} payments; at most {PAYMENTS_MAX} at once")));
    }
    let in_force = app.plane.policy.load_full();
    let decisions = questions.payments.iter().map(|payment| {
        match choose(&app, &in_force, payment.get().as_bytes()) {
            Ok(answer) => Item::Choice(answer),
            Err(problem) => Item::Error { error: problem.value() },
        }
    });
    Ok(Json(Answers { decisions: decisions.collect() }))
}

/// A routing choice with every term of its score
///
/// Choices are written behind their answers: one may be there a moment later, and is lost where the recorder was full (counted).
#[utoipa::path(
    get, path = "/v1/route/decisions/{decision_id}", tag = "route",
    params(("decision_id" = String, Path)),
    responses(
        (status = 200, body = serde_json::Value),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn recorded(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(decision_id): Path<String>,
) -> Result<Response, Problem> {
    who.needs(super::who::Role::Viewer)?;
    let choice = app.store.choice(&decision_id).await?;
    let choice = choice.ok_or_else(|| Problem::not_found("routing choice", &decision_id))?;
    Ok(json(raw(choice.body)?.get().to_owned()))
}

/// Text that is JSON already.
pub fn json(text: String) -> Response {
    let mut response = (StatusCode::OK, text).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A body, read as this; what can't be is said.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|e| {
        let what = payments::excerpt(&e.to_string());
        if e.is_data() {
            Problem::impossible("invalid", format!("the body: {what}"))
        } else {
            Problem::malformed(format!("the body: {what}"))
        }
    })
}

fn choose(app: &App, in_force: &InForce, body: &[u8]) -> Result<Answer, Problem> {
    weigh(app, in_force, &read(body)?)
}

/// The same for whoever asks from within this process.
pub fn answer_to(app: &App, question: &Question<'_>) -> Result<Answer, Problem> {
    weigh(app, &app.plane.policy.load_full(), question)
}

fn weigh(app: &App, in_force: &InForce, question: &Question<'_>) -> Result<Answer, Problem> {
    let checked = question.checked()?;
    let context = checked.context(app.clock.now());
    let (policy, chooser, place) = in_force.of(context.payment_id, context.at);
    let choice = policy
        .choose(&context)
        .map_err(|e| Problem::impossible("no_eligible_gateway", e.to_string()))?;
    let decision_id = policy.decision_id(&context);
    app.metrics.choices.inc();
    app.metrics.routed(place.map(|place| place.group));
    record(app, (policy, chooser, place), question, &context, &decision_id, &choice);
    let retry = routing::narrowed(choice.retry, &context, &choice.gateway, RetryRules::published());
    Ok(answer(decision_id, choice, retry, chooser, place))
}

fn record(
    app: &App,
    (policy, chooser, place): (&Arc<Policy>, Chooser, Option<Place>),
    question: &Question<'_>,
    context: &Context<'_>,
    decision_id: &str,
    choice: &Choice,
) {
    let Some(amount) = context.amount else { return };
    let Ok(room) = app.records.try_reserve() else {
        app.metrics.choices_dropped.inc();
        return;
    };
    room.send(Box::new(Record {
        decision_id: decision_id.to_owned(),
        at: context.at,
        payment_id: context.payment_id.to_owned(),
        attempt_number: context.attempt_number,
        values: context.values.iter().map(|(d, v)| ((*d).into(), (*v).into())).collect(),
        amount,
        candidates: context.candidates.iter().map(|name| (*name).into()).collect(),
        risk: question.risk,
        margin_bps: question.margin_bps,
        sticky: question.sticky.as_deref().map(Into::into),
        choice: choice.clone(),
        policy: policy.clone(),
        chooser,
        place,
    }));
}

fn answer(
    decision_id: String,
    choice: Choice,
    retry: Option<RetryAdvice>,
    policy: Chooser,
    place: Option<Place>,
) -> Answer {
    Answer {
        decision_id,
        gateway: choice.gateway,
        propensity: choice.propensity,
        ranking: choice.ranking.into_iter().map(Into::into).collect(),
        reason: choice.reason,
        policy_version: choice.policy_version,
        policy,
        rollout_group: place.map(|place| place.group),
        experiment_id: choice.assignment.and_then(|part| part.experiment_id),
        retry: retry.map(|r| Retry { attempts_max: r.attempts_max, delay_s_min: r.delay_s_min }),
    }
}

/// A payment that was checked, with what its context borrows.
pub struct Checked<'q> {
    question: &'q Question<'q>,
    values: Vec<(&'q str, &'q str)>,
    candidates: Vec<&'q str>,
    amount: Money,
}

impl Checked<'_> {
    /// What routing is asked at this instant.
    pub fn context(&self, at: Timestamp) -> Context<'_> {
        Context {
            attempt_number: self.question.attempt_number.unwrap_or(1),
            values: &self.values,
            amount: Some(self.amount),
            candidates: &self.candidates,
            risk: self.question.risk,
            margin_bps: self.question.margin_bps,
            sticky: self.question.sticky.as_deref(),
            ..Context::at(at, &self.question.payment_id)
        }
    }
}

impl Question<'_> {
    /// The payment that asks.
    pub fn payment_id(&self) -> &str {
        &self.payment_id
    }

    /// The same, if each of its members can be.
    pub fn checked(&self) -> Result<Checked<'_>, Problem> {
        self.check()?;
        let amount = Money::of_attempt(self.amount.minor, self.amount.currency)
            .map_err(|e| Problem::impossible("invalid", format!("amount.minor: {e}")))?;
        Ok(Checked {
            question: self,
            values: self.values(),
            candidates: self.candidates.iter().map(AsRef::as_ref).collect(),
            amount,
        })
    }

    /// Dimension and value, as the event would have them.
    fn values(&self) -> Vec<(&str, &str)> {
        let mut values: Vec<(&str, &str)> =
            vec![("method", self.method.as_ref()), ("merchant_id", self.merchant_id.as_ref())];
        let optional = [
            ("network", &self.network),
            ("issuer", &self.issuer),
            ("country", &self.country),
            ("bin", &self.bin),
            ("mcc", &self.mcc),
            ("ip_country", &self.ip_country),
        ];
        values.extend(optional.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
        values.extend(self.attributes.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
        values
    }

    fn check(&self) -> Result<(), Problem> {
        text("payment_id", &self.payment_id)?;
        text("merchant_id", &self.merchant_id)?;
        text("method", &self.method)?;
        let optional = [
            ("network", &self.network),
            ("issuer", &self.issuer),
            ("country", &self.country),
            ("mcc", &self.mcc),
            ("ip_country", &self.ip_country),
            ("sticky", &self.sticky),
        ];
        for (name, value) in optional {
            value.as_deref().map_or(Ok(()), |value| text(name, value))?;
        }
        let invalid = |detail: String| Err(Problem::impossible("invalid", detail));
        if let Some(bin) = self.bin.as_deref()
            && !((6..=8).contains(&bin.len()) && bin.bytes().all(|b| b.is_ascii_digit()))
        {
            return invalid("bin: allowed are the first 6 to 8 digits of the card number".into());
        }
        if self.attempt_number == Some(0) {
            return invalid("attempt_number is 0; the first is 1".into());
        }
        if self.attributes.len() > ATTRIBUTES_MAX {
            return invalid(format!("attributes: {} of them; at most 16", self.attributes.len()));
        }
        for (name, value) in &self.attributes {
            text("a name of attributes", name)?;
            text("a value of attributes", value)?;
        }
        if self.candidates.len() > CANDIDATES_MAX {
            return invalid(format!("candidates: at most {CANDIDATES_MAX}"));
        }
        self.candidates.iter().try_for_each(|name| text("candidates", name))?;
        match self.risk {
            Some(risk) if !(0.0..=1.0).contains(&risk) => {
                invalid(format!("risk is {risk}; allowed is 0 to 1"))
            }
            _ => Ok(()),
        }
    }
}

/// What a string may hold.
pub fn text(field: &str, value: &str) -> Result<(), Problem> {
    let characters = value.chars().take(TEXT_MAX + 1).count();
    if characters == 0 || characters > TEXT_MAX {
        let detail = format!("{field}: a string of 1 to {TEXT_MAX} characters is allowed");
        return Err(Problem::impossible("invalid", detail));
    }
    if holds_pan(value) {
        let detail = format!("{field} holds a card number; no card number is accepted anywhere");
        return Err(Problem::impossible("card_number", detail));
    }
    Ok(())
}
