//! Somebody who is alerted: a small server that keeps what it is sent, and answers as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::support::Running;

/// How long an alert may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub at: Instant,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// A status, and headers with it.
type Reply = (u16, Vec<(&'static str, String)>);

#[derive(Default)]
struct Kept {
    got: Vec<Got>,
    /// The next answers; then `always`.
    answers: VecDeque<Reply>,
    always: Option<Reply>,
}

/// It listens until it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    _runtime: tokio::runtime::Runtime,
}

impl Receiver {
    pub fn new() -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let router = Router::new().fallback(take).with_state(kept.clone());
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("bound");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, kept, _runtime: runtime }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers so, one after another, and then 200.
    pub fn answer(&self, replies: impl IntoIterator<Item = Reply>) {
        self.kept.lock().expect("kept").answers.extend(replies);
    }

    /// Answers so from now on.
    pub fn always(&self, status: u16) {
        self.kept.lock().expect("kept").always = Some((status, Vec::new()));
    }

    /// What came to a path so far.
    pub fn got(&self, path: &str) -> Vec<Got> {
        let kept = self.kept.lock().expect("kept");
        kept.got.iter().filter(|got| got.path.starts_with(path)).cloned().collect()
    }

    /// Waits for a request to a path that is so.
    pub fn wait(&self, server: &Running, path: &str, is_so: impl Fn(&Got) -> bool) -> Got {
        let since = Instant::now();
        loop {
            if let Some(got) = self.got(path).into_iter().find(&is_so) {
                return got;
            }
            let seen = || self.got(path);
            assert!(since.elapsed() < PATIENCE, "not alerted: {:#?}; {}", seen(), server.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

async fn take(
    State(kept): State<Arc<Mutex<Kept>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let mut kept = kept.lock().expect("kept");
    kept.got.push(Got {
        path: uri.path().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
        at: Instant::now(),
    });
    let next = kept.answers.pop_front().or_else(|| kept.always.clone());
    let (status, headers) = next.unwrap_or((200, Vec::new()));
    let mut response = StatusCode::from_u16(status).expect("a status").into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().expect("a value"));
    }
    response
}
