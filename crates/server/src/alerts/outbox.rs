//! The outbox: a notice becomes an alert in the store, with a delivery for each channel that it goes to.

use payments::Timestamp;
use store::{Alert, Recipient, Stage, Work};

use super::notice::{Kind, Notice};
use crate::config::Channel;
use crate::serve::clock::wall;
use crate::serve::core::json;

/// The channels there are.
#[derive(Debug, Default)]
pub struct Outbox {
    channels: Vec<Channel>,
}

impl Outbox {
    /// With these channels.
    pub fn new(channels: Vec<Channel>) -> Self {
        Self { channels }
    }

    /// The channels.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Stores a notice as part of a unit of work; false: it was told before.
    pub async fn put(&self, work: &mut dyn Work, notice: &Notice) -> store::Result<bool> {
        let now = wall();
        work.alert(&alert(notice, now), &self.recipients(notice, now)).await
    }

    /// Stores a notice for one channel alone, whatever that wants to hear.
    pub async fn put_for(
        &self,
        channel: &Channel,
        work: &mut dyn Work,
        notice: &Notice,
    ) -> store::Result<bool> {
        let now = wall();
        let to = Recipient { channel: channel.name.clone(), from: now, escalates: false };
        work.alert(&alert(notice, now), &[to]).await
    }

    /// To whom a notice goes, and when. What ends a matter is offered to all: the sender knows who was told that it began.
    fn recipients(&self, notice: &Notice, now: Timestamp) -> Vec<Recipient> {
        let stage = notice.kind.stage();
        let recipient = |channel: &Channel| {
            let ends = matches!(stage, Stage::Acknowledged | Stage::Resolved);
            if !ends && notice.severity < channel.severity_min {
                return None;
            }
            let wait_ms = channel.escalate_after_ms.filter(|_| !ends);
            // Nobody could acknowledge what is said once.
            if wait_ms.is_some() && stage == Stage::Notice {
                return None;
            }
            let (name, from) = (channel.name.clone(), now.plus_millis(wait_ms.unwrap_or(0)));
            Some(Recipient { channel: name, from, escalates: wait_ms.is_some() })
        };
        if notice.kind == Kind::Test {
            return Vec::new();
        }
        self.channels.iter().filter_map(recipient).collect()
    }
}

/// A notice as it is stored.
pub fn alert(notice: &Notice, at: Timestamp) -> Alert {
    Alert {
        id: notice.id.clone(),
        at,
        about: notice.about.clone(),
        kind: notice.kind.as_str().into(),
        stage: notice.kind.stage(),
        body: json(notice),
        place: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;
    use crate::config::Target;

    #[test]
    fn a_notice_goes_where_it_is_wanted() {
        let channel = |name: &str, severity_min, escalate_after_ms| Channel {
            name: name.into(),
            target: Target::Slack,
            url: "https://hooks.example/".parse().unwrap(),
            severity_min,
            escalate_after_ms,
        };
        let outbox = Outbox::new(vec![
            channel("all", Severity::Info, None),
            channel("worst", Severity::Critical, None),
            channel("boss", Severity::Error, Some(60_000)),
        ]);
        let at = Timestamp::from_millis(1_000);
        let to = |notice: &Notice| -> Vec<(String, i64, bool)> {
            let recipients = outbox.recipients(notice, at).into_iter();
            recipients.map(|r| (r.channel, r.from.as_millis(), r.escalates)).collect()
        };
        let now = |name: &str| (name.to_string(), 1_000, false);
        let mut blind = Notice::blind("store", at, "x");
        assert_eq!(to(&blind), [now("all"), now("worst"), ("boss".into(), 61_000, true)]);
        blind.severity = Severity::Warning;
        assert_eq!(to(&blind), [now("all")]);
        assert_eq!(
            to(&Notice::acknowledged("inc_1", "ann")),
            [now("all"), now("worst"), now("boss")]
        );
        let page = pilot::Page { why: "x".into(), incident_id: None };
        assert_eq!(to(&Notice::page(1, 0, &page, analyst::Slice::default())), [now("all")]);
        assert!(to(&Notice::test("all", "ann", at)).is_empty());
    }
}
