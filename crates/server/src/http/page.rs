//! The control room: files that the build put into this binary, and one page for each of its addresses.
//!
//! Names under `/assets/` hold a hash of their content and are kept for ever; the page itself is asked for each time. Nothing but what is served
//! here runs in it: no inline script, no other origin, styles with the nonce of this answer only. A binary that was built without it says how to build it.
//! `/v1/*` and the probes never come here: the page has a list of its own addresses, and everything else is "there is no such path".

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::probes;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

/// First parts of the page's addresses; `web/src/shell/places.ts` has the same.
const PLACES: [&str; 11] = [
    "",
    "health",
    "map",
    "incidents",
    "actions",
    "learning",
    "decisions",
    "routing",
    "settings",
    "break",
    "sign-in",
];
/// Files beside the page.
const BESIDE: [&str; 1] = ["favicon.svg"];
const INDEX: &str = "index.html";
/// Stands in the built page where the nonce goes.
const NONCE: &str = "__NONCE__";
const NOT_BUILT: &str = include_str!("../../templates/not-built.html");

/// Whether the page answers there.
pub fn is_path(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let first = path.split('/').next().unwrap_or_default();
    first == "assets" || PLACES.contains(&first) || BESIDE.contains(&path)
}

/// The page, its files, or no such path.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    if !is_path(path) {
        return probes::nothing(uri).await.into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return probes::other_method(method).await.into_response();
    }
    let name = path.trim_start_matches('/');
    if name.starts_with("assets/") || BESIDE.contains(&name) {
        return match file(name, &headers) {
            Some(response) => response,
            None => probes::nothing(uri).await.into_response(),
        };
    }
    index()
}

fn index() -> Response {
    let built = Files::get(INDEX).and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    let (status, html) = match built {
        Some(html) => (StatusCode::OK, html),
        None => (StatusCode::NOT_IMPLEMENTED, NOT_BUILT.to_owned()),
    };
    let nonce = nonce();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, html.replace(NONCE, &nonce)).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::CACHE_CONTROL, "no-cache");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    response
}

/// A file as it was built, packed where the browser takes that.
fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok());
    let takes_gzip = accepted.is_some_and(|text| text.split(',').any(is_gzip));
    let packed = Files::get(&format!("{name}.gz"));
    let is_packed = takes_gzip && packed.is_some();
    let EmbeddedFile { data, .. } = match packed.filter(|_| takes_gzip) {
        Some(packed) => packed,
        None => Files::get(name)?,
    };
    let mut response = data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let kept = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(response)
}

fn is_gzip(part: &str) -> bool {
    let mut parts = part.split(';').map(str::trim);
    let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
    is_it && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}

/// 128 bits that nobody can guess.
fn nonce() -> String {
    let mut bytes = [0; 16];
    // Without entropy there is a page whose own styles are refused, which is safe.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_is_never_the_page() {
        for path in ["/", "/health", "/incidents/inc_1", "/assets/a-1.js", "/favicon.svg"] {
            assert!(is_path(path), "{path}");
        }
        for path in ["/v1", "/v1/", "/v1/incident", "/metrics", "/healthz", "/x", "/assetsx", ""] {
            assert!(!is_path(path) || path.is_empty(), "{path}");
        }
    }

    #[test]
    fn packed_only_where_it_is_taken() {
        assert!(["gzip", " GZIP;q=0.5", "gzip; q=1"].into_iter().all(is_gzip));
        assert!(!["br", "gzip;q=0", "xgzip", ""].into_iter().any(is_gzip));
    }
}
