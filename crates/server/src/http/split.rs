//! A body of events, split into single ones.
//!
//! JSON (one object or an array of them), NDJSON, and CloudEvents in structured, batch and binary mode; gzip, with a bound on what it
//! unpacks to. What can't be split is an error of the request; what can, is judged event by event.

use std::borrow::Cow;
use std::io::Read;

use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

use super::problem::Problem;

/// What a body may hold, packed or not.
pub const BYTES_MAX: usize = 32 << 20;
/// Records of one body.
pub const RECORDS_MAX: usize = 100_000;
/// The type of our events in CloudEvents.
const EVENT_TYPE: &str = "pointsman.attempt.v1";

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An object or an array.
    Json,
    /// An object per line.
    Lines,
    /// A CloudEvent.
    Structured,
    /// An array of CloudEvents.
    Batch,
    /// A CloudEvent whose attributes are headers.
    Binary,
}

/// What the headers say of the body.
pub fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let content_type = text(header::CONTENT_TYPE.as_str()).unwrap_or("application/json");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" | "text/json" => {}
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
            return Ok(Form::Lines);
        }
        "application/cloudevents+json" => return Ok(Form::Structured),
        "application/cloudevents-batch+json" => return Ok(Form::Batch),
        other => {
            return Err(Problem::unsupported(format!(
                "content type {}; allowed are application/json, application/x-ndjson, application/cloudevents+json and \
                 application/cloudevents-batch+json",
                payments::excerpt(other)
            )));
        }
    }
    let Some(version) = text("ce-specversion") else { return Ok(Form::Json) };
    if version != "1.0" {
        let version = payments::excerpt(version);
        return Err(Problem::malformed(format!("ce-specversion {version}; allowed is 1.0")));
    }
    match text("ce-type") {
        Some(EVENT_TYPE) => {}
        other => {
            let got = payments::excerpt(other.unwrap_or("(none)"));
            return Err(Problem::malformed(format!("ce-type {got}; allowed is {EVENT_TYPE}")));
        }
    }
    for name in ["ce-id", "ce-source"] {
        if text(name).is_none_or(str::is_empty) {
            return Err(Problem::malformed(format!(
                "{name} is missing; CloudEvents 1.0 requires it"
            )));
        }
    }
    Ok(Form::Binary)
}

/// Unpacks, if it is packed.
pub fn unpacked<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Cow<'a, [u8]>, Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok());
    match encoding.unwrap_or("identity") {
        "identity" => Ok(Cow::Borrowed(body)),
        "gzip" | "x-gzip" => {
            let mut out = Vec::new();
            let mut reader = MultiGzDecoder::new(body).take(BYTES_MAX as u64 + 1);
            reader
                .read_to_end(&mut out)
                .map_err(|e| Problem::malformed(format!("the body is no gzip: {e}")))?;
            if out.len() > BYTES_MAX {
                return Err(over());
            }
            Ok(Cow::Owned(out))
        }
        other => Err(Problem::unsupported(format!(
            "content encoding {}; allowed are gzip and identity",
            payments::excerpt(other)
        ))),
    }
}

/// 413.
pub fn over() -> Problem {
    Problem::too_large(format!(
        "a body holds at most {} MiB, unpacked, and {RECORDS_MAX} records; send it in parts",
        BYTES_MAX >> 20
    ))
}

/// The single events, each with its index. Blank lines are none, yet count as lines.
pub fn split(form: Form, body: &[u8]) -> Result<Vec<(usize, &[u8])>, Problem> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let events: Vec<(usize, &[u8])> = match form {
        Form::Lines => {
            let lines = body.split(|byte| *byte == b'\n').enumerate();
            lines.filter(|(_, line)| !line.trim_ascii().is_empty()).take(RECORDS_MAX + 1).collect()
        }
        Form::Structured | Form::Binary => vec![(0, whole(body)?)],
        Form::Batch => array(body)?,
        Form::Json if body.trim_ascii_start().first() == Some(&b'[') => array(body)?,
        Form::Json => vec![(0, whole(body)?)],
    };
    if events.len() > RECORDS_MAX { Err(over()) } else { Ok(events) }
}

fn whole(body: &[u8]) -> Result<&[u8], Problem> {
    let raw: &RawValue = serde_json::from_slice(body).map_err(no_json)?;
    if !raw.get().starts_with('{') {
        return Err(Problem::malformed(
            "the body: want an event as a JSON object, or an array of them",
        ));
    }
    Ok(raw.get().as_bytes())
}

fn array(body: &[u8]) -> Result<Vec<(usize, &[u8])>, Problem> {
    let list: Vec<&RawValue> = serde_json::from_slice(body).map_err(no_json)?;
    Ok(list.into_iter().map(|raw| raw.get().as_bytes()).enumerate().collect())
}

fn no_json(error: serde_json::Error) -> Problem {
    // The parser's words name a place and a token class, never the text.
    Problem::malformed(format!("the body is no JSON that can be split into events: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(n, v): &(&'static str, &'static str)| (n.parse().unwrap(), v.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn forms_are_told_by_headers() {
        let of = |pairs: &[(&'static str, &'static str)]| form(&headers(pairs)).ok();
        assert_eq!(of(&[]), Some(Form::Json));
        assert_eq!(of(&[("content-type", "application/json; charset=utf-8")]), Some(Form::Json));
        assert_eq!(of(&[("content-type", "application/x-ndjson")]), Some(Form::Lines));
        assert_eq!(
            of(&[("content-type", "application/cloudevents-batch+json")]),
            Some(Form::Batch)
        );
        let binary = [
            ("ce-specversion", "1.0"),
            ("ce-type", EVENT_TYPE),
            ("ce-id", "1"),
            ("ce-source", "/s"),
        ];
        assert_eq!(of(&binary), Some(Form::Binary));
        assert_eq!(of(&binary[..3]), None);
        assert_eq!(of(&[("content-type", "text/csv")]), None);
    }

    #[test]
    fn indexes_count_lines_and_items() {
        let indexes = |form, body: &'static str| {
            split(form, body.as_bytes()).map(|e| e.iter().map(|e| e.0).collect::<Vec<_>>()).ok()
        };
        assert_eq!(indexes(Form::Lines, "{}\n\n{}\r\nx\n"), Some(vec![0, 2, 3]));
        assert_eq!(indexes(Form::Json, " [{}, 1, []]"), Some(vec![0, 1, 2]));
        assert_eq!(indexes(Form::Json, "{}"), Some(vec![0]));
        assert_eq!(indexes(Form::Json, "{} {}"), None);
        assert_eq!(indexes(Form::Json, "7"), None);
        assert_eq!(indexes(Form::Batch, "{}"), None);
        assert_eq!(indexes(Form::Json, "[]"), Some(vec![]));
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let zeros = vec![b' '; 1 << 20];
        (0..33).for_each(|_| packer.write_all(&zeros).unwrap());
        let bomb = packer.finish().unwrap();
        let gzip = headers(&[("content-encoding", "gzip")]);
        assert!(bomb.len() < 1 << 20);
        assert!(unpacked(&gzip, &bomb).is_err());
        assert!(unpacked(&gzip, b"nothing packed").is_err());
        assert!(unpacked(&headers(&[("content-encoding", "br")]), b"").is_err());
    }
}
