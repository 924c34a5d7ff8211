//! Counters and gauges of alerts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use store::DeliveryState;

use super::notice::Kind;

/// What was told.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

/// A channel; their number is the configuration's.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ChannelLabel {
    channel: String,
}

/// What a try came to.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    channel: String,
    outcome: &'static str,
}

/// In what the operator is blind.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BlindLabel {
    what: String,
}

/// All of them.
#[derive(Debug, Default)]
pub struct AlertMetrics {
    alerts: Family<KindLabel, Counter>,
    deliveries: Family<OutcomeLabels, Counter>,
    waiting: Family<ChannelLabel, Gauge>,
    blind: Family<BlindLabel, Gauge>,
}

impl AlertMetrics {
    /// All of them, in the registry.
    pub fn new(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register("alerts", "Alerts stored, by what happened", new.alerts.clone());
        registry.register(
            "alert_deliveries",
            "Tries to deliver an alert, by what they came to",
            new.deliveries.clone(),
        );
        registry.register(
            "alert_deliveries_waiting",
            "Deliveries that are still to be made, silenced ones included",
            new.waiting.clone(),
        );
        registry.register(
            "operator_blind",
            "1 while the operator is blind in this respect",
            new.blind.clone(),
        );
        for kind in Kind::ALL {
            let _ = new.alerts.get_or_create(&KindLabel { kind: kind.as_str() });
        }
        new
    }

    /// A channel that is configured has all its series from the beginning.
    pub fn begin(&self, channel: &str) {
        for outcome in ["delivered", "failed", "given_up", "silenced", "needless"] {
            let channel = channel.to_owned();
            let _ = self.deliveries.get_or_create(&OutcomeLabels { channel, outcome });
        }
        self.waiting(channel, 0);
    }

    /// An alert was stored.
    pub fn told(&self, kind: Kind) {
        self.alerts.get_or_create(&KindLabel { kind: kind.as_str() }).inc();
    }

    /// A try has come to this.
    pub fn tried(&self, channel: &str, state: DeliveryState) {
        let outcome = match state {
            DeliveryState::Delivered | DeliveryState::Repeating => "delivered",
            DeliveryState::Waiting => "failed",
            DeliveryState::GivenUp => "given_up",
            DeliveryState::Silenced => "silenced",
            DeliveryState::Needless => "needless",
        };
        self.deliveries
            .get_or_create(&OutcomeLabels { channel: channel.to_owned(), outcome })
            .inc();
    }

    /// So many are still to be delivered.
    pub fn waiting(&self, channel: &str, count: i64) {
        self.waiting.get_or_create(&ChannelLabel { channel: channel.to_owned() }).set(count);
    }

    /// Whether the operator is blind in a respect.
    pub fn blind(&self, what: &str, is_blind: bool) {
        self.blind.get_or_create(&BlindLabel { what: what.to_owned() }).set(i64::from(is_blind));
    }
}
