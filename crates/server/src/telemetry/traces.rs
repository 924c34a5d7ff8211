//! Spans by OTLP over HTTP, in protobuf ([OTLP 1.x](https://opentelemetry.io/docs/specs/otlp/)).
//!
//! What is traced: each request (route, method, status, request id), each transaction of the writer, each step of the engine. No span holds anything of
//! an event. Spans are sent in batches by a thread of their own, and dropped where the collector is slower; nothing waits for it.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, Request, Response};
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The target of spans that are for traces alone.
pub const TARGET: &str = "pointsman::traces";
/// How long a collector may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Whose spans go to a collector. `OTEL_EXPORTER_OTLP_HEADERS` of the environment is sent along (keys of hosted collectors).
pub fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::default())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(ANSWER_MAX)
        .build()?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource =
        Resource::builder().with_service_name("pointsman").with_attribute(version).build();
    global::set_text_map_propagator(TraceContextPropagator::new());
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// What hands spans over.
pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let tracer = provider.tracer("pointsman");
    let ours = Targets::new().with_target(TARGET, LevelFilter::DEBUG);
    tracing_opentelemetry::layer().with_tracer(tracer).with_filter(ours)
}

/// The caller's span (W3C Trace Context), if it names one. What else the caller sends along (`tracestate`, any text) goes nowhere.
pub fn parent(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|known| known.extract(&TraceParent(headers)))
}

struct TraceParent<'a>(&'a HeaderMap);

impl Extractor for TraceParent<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).filter(|_| name == "traceparent");
        value.and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// The HTTP client of the other commands; it blocks the exporter's own thread, and nobody else.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Default for Client {
    fn default() -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(ANSWER_MAX));
        Self(config.tls_config(crate::tls::config()).build().into())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.0.run(request.map(|body| body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
