//! Counters and gauges, as Prometheus reads them. Names are documented in docs/reference/metrics.md, which a test compares.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::atomic::AtomicU64;

use axum::extract::{MatchedPath, Request};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use pilot::rollout::{GROUPS, Group};

use super::writer::Fate;
use crate::alerts::AlertMetrics;
use crate::feeds::FeedMetrics;
use crate::wire;

/// What became of an attempt.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct FateLabel {
    fate: &'static str,
}

/// An HTTP answer.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route's pattern, never the path: bounded.
    pub route: Route,
    /// The status.
    pub status: u16,
}

/// A route's pattern, shared with the router: counting an answer copies no text.
#[derive(Clone, Debug)]
pub struct Route(Option<MatchedPath>);

impl Route {
    /// Of a request.
    pub fn of(request: &Request) -> Self {
        Self(request.extensions().get().cloned())
    }

    /// As text; `none` where no route was found.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("none", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

/// What became of a configuration that was read again.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ReloadLabel {
    result: &'static str,
}

/// Whose a payment is.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct GroupLabel {
    group: &'static str,
}

/// What a roll-out has come to.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct StageLabel {
    stage: &'static str,
}

/// All of them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    attempts: Family<FateLabel, Counter>,
    /// Stored, and too old for the engine.
    pub attempts_too_old: Counter,
    /// Members of events that the contract doesn't know.
    pub unknown_fields: Counter,
    /// Routing answers.
    pub choices: Counter,
    /// Choices written behind their answers.
    pub choices_recorded: Counter,
    /// Choices that were not, because the recorder was full or the store down.
    pub choices_dropped: Counter,
    /// One transaction of the writer, begin to durable.
    pub commit_seconds: Histogram,
    /// Transactions that came to nothing.
    pub commit_errors: Counter,
    /// Events of the stream.
    pub events_sent: Counter,
    /// Listeners now.
    pub stream_clients: Gauge,
    /// Listeners that were too slow.
    pub stream_dropped: Counter,
    /// Requests beyond what their caller may send.
    pub requests_limited: Counter,
    /// Times that a person had to look.
    pub pages: Counter,
    /// Routing choices while a roll-out runs, by group; kept here, so that counting one looks nothing up.
    rollout_choices: [Counter; GROUPS],
    rollout_share: Gauge<f64, AtomicU64>,
    rollout_running: Gauge,
    rollout_turns: Family<StageLabel, Counter>,
    /// Requests by route and status.
    pub requests: Family<RequestLabels, Counter>,
    reloads: Family<ReloadLabel, Counter>,
    /// 1 while the store takes what it is given.
    pub store_up: Gauge<f64, AtomicU64>,
    /// Attempts that wait for the writer.
    pub waiting: Gauge,
    /// Feeds beside HTTP.
    pub feeds: FeedMetrics,
    /// Alerts and their way out.
    pub alerts: AlertMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("pointsman");
        macro_rules! made {
            ($name:literal, $help:literal, $metric:expr) => {{
                let metric = $metric;
                registry.register($name, $help, metric.clone());
                metric
            }};
        }
        Self {
            attempts: made!(
                "attempts",
                "Attempts received, by what became of them",
                Family::default()
            ),
            attempts_too_old: made!(
                "attempts_too_old",
                "Attempts stored, and too old for the engine",
                Counter::default()
            ),
            unknown_fields: made!(
                "event_unknown_fields",
                "Members of events that are not known and were ignored",
                Counter::default()
            ),
            choices: made!("route_choices", "Routing choices answered", Counter::default()),
            choices_recorded: made!(
                "route_choices_recorded",
                "Routing choices written behind their answers",
                Counter::default()
            ),
            choices_dropped: made!(
                "route_choices_dropped",
                "Routing choices not recorded: the recorder was full or the store down",
                Counter::default()
            ),
            commit_seconds: made!(
                "store_commit_seconds",
                "One transaction of the writer, begin to durable",
                Histogram::new(exponential_buckets(0.0005, 2.0, 14))
            ),
            commit_errors: made!(
                "store_commit_errors",
                "Transactions that came to nothing",
                Counter::default()
            ),
            events_sent: made!("stream_events", "Events said on the stream", Counter::default()),
            stream_clients: made!(
                "stream_clients",
                "Listeners of the stream now",
                Gauge::default()
            ),
            stream_dropped: made!(
                "stream_clients_dropped",
                "Listeners dropped for being more than 1 MiB behind",
                Counter::default()
            ),
            requests_limited: made!(
                "http_requests_limited",
                "Requests beyond what their caller may send",
                Counter::default()
            ),
            pages: made!("pages", "Times that a person had to look", Counter::default()),
            rollout_choices: {
                let family = Family::<GroupLabel, Counter>::default();
                registry.register(
                    "rollout_choices",
                    "Routing choices while a policy is rolled out, by group",
                    family.clone(),
                );
                Group::ALL
                    .map(|group| group.as_str())
                    .map(|group| family.get_or_create(&GroupLabel { group }).clone())
            },
            rollout_share: made!(
                "rollout_share",
                "Share of payments that the policy on trial routes",
                Gauge::default()
            ),
            rollout_running: made!(
                "rollout_running",
                "1 while a policy is rolled out",
                Gauge::default()
            ),
            rollout_turns: made!(
                "rollout_turns",
                "Changes of stage of roll-outs, by the stage that began",
                turns()
            ),
            requests: made!("http_requests", "HTTP answers by route and status", Family::default()),
            reloads: made!(
                "config_reloads",
                "Configurations read again on SIGHUP, by what became of them",
                reloads()
            ),
            store_up: made!(
                "store_up",
                "1 while the store takes what it is given",
                Gauge::default()
            ),
            waiting: made!(
                "attempts_waiting",
                "Attempts that wait for the writer",
                Gauge::default()
            ),
            feeds: FeedMetrics::new(&mut registry),
            alerts: AlertMetrics::new(&mut registry),
            registry,
        }
    }
}

/// Both are there from the start: an increase from nothing is none to Prometheus.
fn reloads() -> Family<ReloadLabel, Counter> {
    let family = Family::default();
    for result in ["taken", "refused"] {
        drop(family.get_or_create(&ReloadLabel { result }));
    }
    family
}

fn turns() -> Family<StageLabel, Counter> {
    let family = Family::default();
    for stage in ["step", "whole", "stopped"] {
        drop(family.get_or_create(&StageLabel { stage }));
    }
    family
}

impl Metrics {
    /// A payment was routed while a roll-out ran, or not.
    pub fn routed(&self, group: Option<Group>) {
        if let Some(group) = group {
            self.rollout_choices[group as usize].inc();
        }
    }

    /// Where a roll-out stands; whether it has just changed its stage.
    pub fn rollout(&self, rollout: &wire::Rollout, turned: bool) {
        self.rollout_share.set(rollout.share);
        self.rollout_running.set(i64::from(rollout.stopped.is_none()));
        if turned {
            self.rollout_turns.get_or_create(&StageLabel { stage: rollout.stage }).inc();
        }
    }

    /// Counts attempts by their fates.
    pub fn count(&self, fates: &[Fate]) {
        for fate in fates {
            self.fate(
                match fate {
                    Fate::Accepted => "accepted",
                    Fate::Updated => "updated",
                    Fate::Duplicate => "duplicate",
                    Fate::Future => "rejected",
                },
                1,
            );
        }
    }

    /// Counts attempts of one fate.
    pub fn fate(&self, fate: &'static str, count: u64) {
        self.attempts.get_or_create(&FateLabel { fate }).inc_by(count);
    }

    /// A configuration was read again: `taken` or `refused`.
    pub fn reload(&self, result: &'static str) {
        self.reloads.get_or_create(&ReloadLabel { result }).inc();
    }

    /// As text, in the form of OpenMetrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string doesn't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The same in Prometheus' own text form, 0.0.4: a counter's name there ends in `_total` in its description too, and there is no end mark.
pub fn plain(text: &str) -> String {
    let counters: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut out = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF") {
        let described = ["# HELP ", "# TYPE "].into_iter().find(|start| line.starts_with(start));
        let name = described.and_then(|start| line[start.len()..].split(' ').next());
        if let (Some(start), Some(name)) = (described, name.filter(|name| counters.contains(name)))
        {
            let rest = &line[start.len() + name.len()..];
            out.push_str(&format!("{start}{name}_total{rest}\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_older_form_names_counters_as_their_samples() {
        let text = "# HELP a_b Things.\n# TYPE a_b counter\na_b_total{x=\"y\"} 1\n# HELP a Other.\n# TYPE a gauge\na 2\n# EOF\n";
        assert_eq!(
            super::plain(text),
            "# HELP a_b_total Things.\n# TYPE a_b_total counter\na_b_total{x=\"y\"} 1\n# HELP a Other.\n# TYPE a gauge\na 2\n"
        );
    }
}
