//! `/v1/session`: browsers, logged in by a cookie that no script can read.
//!
//! **Login** is OpenID Connect's code flow with PKCE, state and nonce, all three made of one secret that waits in a cookie of ten minutes; nothing is kept here
//! meanwhile. **The cookie** holds 32 random bytes, of which the store has the hash; it is `HttpOnly`, `SameSite=Lax`, and under https `Secure` with the
//! `__Host-` prefix. **Other sites** can make a browser send it, so whatever changes something also needs `X-CSRF-Token` (from `GET /v1/me`, which they can't
//! read), and an `Origin`, where there is one, that is ours.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use payments::Timestamp;
use serde::Deserialize;
use url::Url;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Body, Query};
use super::probes::Me;
use super::problem::Problem;
use super::who::{Kind, Principal, hash, is_from_here, unauthorised};
use crate::people::Asked;
use crate::people::key::{hex, random};
use crate::people::token::{Claimed, Use};
use crate::serve::App;
use crate::serve::clock::wall;

const SESSION: &str = "pointsman_session";
const LOGIN: &str = "pointsman_login";
/// How long a login may take.
const LOGIN_S: i64 = 600;
/// Browsers of one person.
const SESSIONS_MAX: u32 = 20;

fn is_https(app: &App) -> bool {
    app.settings.load().public_url().is_some_and(|url| url.starts_with("https://"))
}

fn name(app: &App, plain: &str) -> String {
    if is_https(app) { format!("__Host-{plain}") } else { plain.to_owned() }
}

fn read(app: &App, headers: &HeaderMap, plain: &str) -> Option<String> {
    let wanted = name(app, plain);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == wanted).map(|cookie| cookie.value().to_owned())
}

/// The secret in the session's cookie.
pub fn secret(app: &App, headers: &HeaderMap) -> Option<String> {
    read(app, headers, SESSION)
}

fn set(app: &App, plain: &str, value: &str, lasts_s: i64) -> (HeaderName, HeaderValue) {
    let cookie = Cookie::build((name(app, plain), value))
        .path("/")
        .http_only(true)
        .secure(is_https(app))
        .same_site(SameSite::Lax)
        .max_age(cookie::time::Duration::seconds(lasts_s))
        .build();
    let value = HeaderValue::from_str(&cookie.to_string());
    (header::SET_COOKIE, value.unwrap_or(HeaderValue::from_static("")))
}

/// The URL by which this browser reaches us, without a slash at its end.
fn base(app: &App, headers: &HeaderMap) -> Result<String, Problem> {
    if let Some(url) = app.settings.load().public_url() {
        return Ok(url.to_owned());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_from_here(headers) {
        return Ok(format!("http://{host}"));
    }
    let detail = "browsers that come from elsewhere need server.public_url in the configuration";
    Err(Problem::impossible("no_public_url", detail))
}

fn is_own_origin(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let parsed = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    let own = base(app, headers).ok().and_then(|url| parsed(&url));
    own.is_some() && origin.to_str().ok().and_then(parsed) == own
}

/// Refuses what a page of another site may have made a browser send.
pub fn is_no_other_site(app: &App, who: &Principal, request: &Parts) -> Result<(), Problem> {
    let Kind::Browser { csrf_token, .. } = &who.kind else { return Ok(()) };
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method) {
        return Ok(());
    }
    let headers = &request.headers;
    let shown = headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
    // Hashed, so that how long the comparison takes tells nothing.
    let is_shown = shown.is_some_and(|shown| hash(shown) == hash(csrf_token));
    if is_shown && is_own_origin(app, headers) {
        return Ok(());
    }
    let detail = "a browser's session needs X-CSRF-Token (csrf_token of GET /v1/me), and no Origin but its own";
    Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail))
}

/// A token of the issuer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// A JWT, as it would be sent with `Authorization`
    token: String,
}

fn no_issuer() -> Problem {
    let detail = "no issuer is configured here (auth.oidc); ask with a key instead";
    Problem::impossible("no_issuer", detail)
}

/// Begin a session with a token
///
/// The answer sets the cookie. It ends when the token does, or `auth.session_ttl` is over.
#[utoipa::path(
    post, path = "/v1/session", tag = "session", request_body = Begin,
    responses(
        (status = 200, body = Me),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Body(Begin { token }): Body<Begin>,
) -> Result<Response, Problem> {
    if !is_own_origin(&app, &headers) {
        let detail = "a page of another site logs nobody in here";
        return Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail));
    }
    if app.people.tokens().is_none() {
        return Err(no_issuer());
    }
    let claimed = app.people.claimed(&token, Use::Bearer).await.ok_or_else(unauthorised)?;
    let end = claimed.expires_at;
    let (cookie, who) = enter(&app, claimed, Some(end)).await?;
    Ok(([cookie], Json(Me::of(who))).into_response())
}

/// Stores a session; its cookie, and who it is.
async fn enter(
    app: &App,
    claimed: Claimed,
    end: Option<Timestamp>,
) -> Result<((HeaderName, HeaderValue), Principal), Problem> {
    let secret = hex(&random::<32>().map_err(|_| {
        Problem::unavailable("no_entropy", "the operating system gives no random numbers")
    })?);
    let now = wall();
    let longest = now.plus_millis(app.people.session_ms());
    let expires_at = end.map_or(longest, |end| end.min(longest));
    let session = store::Session {
        hash: hash(&secret),
        subject: claimed.subject,
        role: claimed.role.map(|role| role.as_str().to_owned()),
        scopes: claimed.scopes,
        tenant: claimed.tenant.unwrap_or_default(),
        created_at: now,
        expires_at,
    };
    if app.people.is_disabled(&session.subject) {
        return Err(unauthorised());
    }
    let mut work = app.store.begin().await?;
    work.add_session(&session, SESSIONS_MAX).await?;
    let object = format!("session:{}", &session.hash[..16]);
    work.append_audit(now, &session.subject, "log_in", &object, "{}").await?;
    work.commit().await?;
    app.read_people().await?;
    let who = app.people.by_cookie(&secret).ok_or_else(unauthorised)?;
    let lasts_s = expires_at.millis_since(now) / 1_000;
    Ok((set(app, SESSION, &secret, lasts_s), who))
}

/// End the session
#[utoipa::path(
    delete, path = "/v1/session", tag = "session",
    params(("X-CSRF-Token" = Option<String>, Header, description = "`csrf_token` of GET /v1/me")),
    responses(
        (status = 204),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "the caller has no session"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end(State(app): State<Arc<App>>, who: Principal) -> Result<Response, Problem> {
    let Kind::Browser { session, .. } = &who.kind else {
        return Err(Problem::conflict("the caller has no session, but another credential"));
    };
    let mut work = app.store.begin().await?;
    work.end_session(session).await?;
    let object = format!("session:{}", &session[..16]);
    work.append_audit(wall(), &who.name, "log_out", &object, "{}").await?;
    work.commit().await?;
    app.read_people().await?;
    Ok((StatusCode::NO_CONTENT, [set(&app, SESSION, "", 0)]).into_response())
}

/// Where to afterwards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Login {
    /// A path of this server; `/` if not given
    return_to: Option<String>,
}

/// A path of ours, and nothing that a browser could take for another host.
fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 1_024
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

fn issuer_fails(why: &str) -> Problem {
    tracing::warn!(why, "the issuer can't be asked");
    Problem::unavailable(
        "issuer_unavailable",
        "the issuer can't be asked at the moment; the log says why",
    )
}

/// Log in at the issuer
///
/// Sends the browser to the issuer, from where it comes back to `/v1/session/callback`, which has to be among the client's redirect URIs there.
#[utoipa::path(
    get, path = "/v1/session/login", tag = "session", params(Login),
    responses(
        (status = 303, description = "to the issuer"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "the issuer can't be asked"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(Login { return_to }): Query<Login>,
) -> Result<Response, Problem> {
    let tokens = app.people.tokens().ok_or_else(no_issuer)?;
    let path = return_to.unwrap_or_else(|| "/".into());
    if !is_own_path(&path) {
        return Err(Problem::malformed(
            "return_to: want a path of this server, such as /incidents",
        ));
    }
    let callback = format!("{}/v1/session/callback", base(&app, &headers)?);
    let secret = hex(&random::<32>().map_err(|_| {
        Problem::unavailable("no_entropy", "the operating system gives no random numbers")
    })?);
    let asked = Asked::of(&secret);
    let to = tokens.issuer.login_url(&callback, &asked).await.map_err(|why| issuer_fails(&why))?;
    let kept = format!("{secret}.{}", URL_SAFE_NO_PAD.encode(path));
    let cookie = set(&app, LOGIN, &kept, LOGIN_S);
    Ok((StatusCode::SEE_OTHER, [cookie, location(&to)?]).into_response())
}

fn location(to: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    let value = HeaderValue::from_str(to).map_err(|_| issuer_fails("its address is no header"))?;
    Ok((header::LOCATION, value))
}

/// What the issuer sends the browser back with; it may add more.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    /// RFC 9207
    iss: Option<String>,
}

fn failed() -> Problem {
    let detail = "the login failed, or took too long; begin again at /v1/session/login";
    Problem::new(StatusCode::UNAUTHORIZED, "login_failed", detail)
}

/// Back from the issuer
///
/// The code becomes a token, the token a session; then the browser goes where it wanted to.
#[utoipa::path(
    get, path = "/v1/session/callback", tag = "session", params(Back),
    responses(
        (status = 303, description = "logged in"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn callback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, Problem> {
    let tokens = app.people.tokens().ok_or_else(no_issuer)?;
    let kept = read(&app, &headers, LOGIN).ok_or_else(failed)?;
    let (secret, path) = kept.split_once('.').ok_or_else(failed)?;
    let path = URL_SAFE_NO_PAD.decode(path).ok().and_then(|path| String::from_utf8(path).ok());
    let path = path.filter(|path| is_own_path(path)).ok_or_else(failed)?;
    let asked = Asked::of(secret);
    let is_ours = back.state.is_some_and(|state| hash(&state) == hash(&asked.state));
    let is_from = back.iss.is_none_or(|iss| iss == tokens.issuer.config.issuer);
    if !is_ours || !is_from || back.error.is_some() {
        return Err(failed());
    }
    let code = back.code.ok_or_else(failed)?;
    let address = format!("{}/v1/session/callback", base(&app, &headers)?);
    let token = tokens.issuer.id_token(&code, &address, &asked.verifier).await.map_err(|why| {
        tracing::warn!(why, "a code was not exchanged");
        failed()
    })?;
    let claimed = app.people.claimed(&token, Use::Login(&asked.nonce)).await.ok_or_else(failed)?;
    let (cookie, _) = enter(&app, claimed, None).await?;
    let done = set(&app, LOGIN, "", 0);
    let mut response = (StatusCode::SEE_OTHER, [location(&path)?]).into_response();
    for (name, value) in [cookie, done] {
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_gone_back_to() {
        for own in ["/", "/incidents/inc_1?x=1#top"] {
            assert!(is_own_path(own), "{own}");
        }
        for other in
            ["", "incidents", "//evil.example", "/\\evil.example", "/a\r\nb", "https://x", "/ä"]
        {
            assert!(!is_own_path(other), "{other}");
        }
    }
}
