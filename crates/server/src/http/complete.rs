//! What holds for every call, added to its description: how one shows who one is, and which answers any call may get.

use axum::http::StatusCode;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

use super::who::PUBLIC;

const BEARER: &str = "bearer";
const SESSION: &str = "session";

/// Completes a description.
pub fn complete(api: &mut OpenApi) {
    let components = api.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme(BEARER, bearer);
    let cookie = ApiKeyValue::new("pointsman_session");
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for (path, item) in &mut api.paths.paths {
        let operations =
            [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().filter_map(Option::as_mut) {
            answers(operation);
            // A server without keys and issuer answers its own machine without any.
            let none: [&str; 0] = [];
            operation.security = Some(if PUBLIC.contains(&path.as_str()) {
                Vec::new()
            } else {
                vec![
                    SecurityRequirement::new(BEARER, none),
                    SecurityRequirement::new(SESSION, none),
                    SecurityRequirement::default(),
                ]
            });
        }
    }
}

fn answers(operation: &mut Operation) {
    let answers = &mut operation.responses.responses;
    // Who asks, and how often, is looked at before anything else.
    for status in ["4XX", "5XX"] {
        answers.entry(status.into()).or_insert_with(|| RefOr::T(problem()));
    }
    for (status, answer) in answers {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            answer.description = words(status).into();
        }
    }
}

fn problem() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().content("application/problem+json", content).build()
}

fn words(status: &str) -> &'static str {
    match status {
        "4XX" => "what is wrong with the request",
        "5XX" => "what the server can't do now",
        _ => status
            .parse()
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok()?.canonical_reason())
            .unwrap_or_default(),
    }
}
