//! Connections: accepted, bounded in time, and ended gracefully.
//!
//! What `axum::serve` leaves open is how long the head of a request may take: a peer that sends a byte now and then would hold its connection for ever. Here it
//! has [`HEAD_MAX`], the wait for the next request on a connection included. How long a body may take is bounded with the answer (`http::request`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How long the head of a request may take, from the end of the one before.
pub const HEAD_MAX: Duration = Duration::from_secs(60);
/// After an error of the listener, e.g. when no file descriptors are left.
const AGAIN: Duration = Duration::from_millis(100);

/// Ends a connection whose peer doesn't even read.
#[derive(Clone, Default)]
pub struct HangUp(Arc<Notify>);

impl HangUp {
    /// At once, whatever is unsent.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// What a connection reads at once, heads included: by itself it would come to 400 KiB on each that sends large bodies.
const BUFFER_BYTES: usize = 64 << 10;

/// Who is at the other end; each request has it with it.
#[derive(Clone)]
pub struct Peer {
    /// Where it asks from.
    pub from: SocketAddr,
    /// Ends its connection.
    pub hang_up: HangUp,
}

/// Serves until `until` ends, then finishes what was begun.
pub async fn serve(listener: TcpListener, router: Router, until: impl Future<Output = ()>) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(BUFFER_BYTES);
    let graceful = GracefulShutdown::new();
    let mut until = std::pin::pin!(until);
    loop {
        let (stream, from) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            },
            () = &mut until => break,
        };
        // Small answers go at once.
        let _ = stream.set_nodelay(true);
        let router = TowerToHyperService::new(router.clone());
        let hang_up = HangUp::default();
        let peer = Peer { from, hang_up: hang_up.clone() };
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            router.call(request)
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke off");
                    }
                }
                () = hang_up.0.notified() => tracing::debug!("a peer reads too slowly"),
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}
