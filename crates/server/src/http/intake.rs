//! Reading bodies of events within bounds: room is taken before bytes are kept.
//!
//! All bodies that are being read, parsed or stored share [`INTAKE_KIB`]. A body takes room for the length that it announces, at most [`FIRST_BYTES`] of it at once, and for the
//! rest as it comes: who announces much and sends it slowly keeps nobody out. Where there is no room left, what still comes is read and dropped, and nothing of it is
//! kept: the client finds its connection as it was, and an answer that it can read.

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use futures_util::{Stream, StreamExt};
use tokio::sync::SemaphorePermit;

use super::problem::Problem;
use super::split::{BYTES_MAX, over};
use crate::serve::{App, INTAKE_KIB};

/// JSON lines pack to about a tenth.
const UNPACKED_TIMES: usize = 10;
/// What is taken for a body before any of it has come.
const FIRST_BYTES: usize = 1 << 20;

/// A body, and the room it takes until it is stored.
pub async fn receive<'a>(
    app: &'a App,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, SemaphorePermit<'a>), Problem> {
    let times = if headers.contains_key(CONTENT_ENCODING) { UNPACKED_TIMES } else { 1 };
    let announced = body.size_hint().exact().unwrap_or(0);
    if announced > BYTES_MAX as u64 {
        return Err(over());
    }
    let first = (announced as usize).min(FIRST_BYTES);
    let mut frames = body.into_data_stream();
    let Ok(mut held) = app.intake.try_acquire_many(kib(first, times)) else {
        return Err(refuse(frames, 0).await);
    };
    let mut all = Vec::with_capacity(first);
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|_| Problem::malformed("the body broke off"))?;
        let length = all.len() + frame.len();
        if length > BYTES_MAX {
            return Err(over());
        }
        let more = kib(length, times) as usize;
        if more > held.num_permits() {
            let Ok(rest) = app.intake.try_acquire_many((more - held.num_permits()) as u32) else {
                drop((all, held));
                return Err(refuse(frames, length).await);
            };
            held.merge(rest);
        }
        all.extend_from_slice(&frame);
    }
    Ok((all.into(), held))
}

/// What so many bytes take; a packed body is taken for what such bodies unpack to.
fn kib(bytes: usize, times: usize) -> u32 {
    (bytes / 1_024 * times + 1).min(INTAKE_KIB) as u32
}

/// Reads what still comes, and keeps nothing of it.
async fn refuse<E>(
    mut frames: impl Stream<Item = Result<Bytes, E>> + Unpin,
    mut read: usize,
) -> Problem {
    while let Some(Ok(frame)) = frames.next().await {
        read += frame.len();
        if read > BYTES_MAX {
            return over();
        }
    }
    Problem::busy("more is sent than can be stored at once; nothing of this was stored")
}
