//! A plan: exactly what is to be done, and the hash that an approval is bound to.
//!
//! A person approves one text, not an id behind which the content may change between reading and clicking. The hash is over a canonical text of everything
//! that decides what happens; a plan that runs may only be *narrowed* (fewer targets, less share, an earlier end), never widened. The hash is a fingerprint (SipHash-1-3
//! twice, 128 bits), not a signature: plans come from here, and who may approve is checked elsewhere.

use std::fmt::Write;

use analyst::Slice;
use serde::{Deserialize, Serialize};
use stats::window::fingerprint;

use crate::Action;

/// A gateway and its share of what is moved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The gateway.
    pub gateway: String,
    /// Its weight; the weights of a plan sum to 1.
    pub share: f64,
}

/// How retries are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts per payment at most, the first included.
    pub attempts_max: u32,
    /// Seconds before a retry at least.
    pub delay_s_min: u32,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// `itv_1`, `itv_2`, ...
    pub intervention_id: String,
    /// The incident it answers.
    pub incident_id: String,
    /// What.
    pub action: Action,
    /// Where.
    pub slice: Slice,
    /// The gateway that payments leave.
    pub from: Option<String>,
    /// Where to, best first.
    pub to: Vec<Target>,
    /// How to retry.
    pub retry: Option<Retry>,
    /// Shares of the slice, in order.
    pub steps: Vec<f64>,
    /// Life without fresh evidence.
    pub ttl_ms: i64,
    /// ... and at most.
    pub ttl_max_ms: i64,
}

impl Plan {
    /// Everything that decides what happens, as one text.
    pub fn canonical(&self) -> String {
        let mut text = format!(
            "{:?}|{:?}|{}|{:?}|{:?}|",
            self.intervention_id, self.incident_id, self.action, self.slice, self.from
        );
        for target in &self.to {
            let _ = write!(text, "{:?}={:016x},", target.gateway, target.share.to_bits());
        }
        let _ =
            write!(text, "|{:?}|{:?}|{}|{}", self.retry, self.steps, self.ttl_ms, self.ttl_max_ms);
        text
    }

    /// 32 hex digits.
    pub fn hash(&self) -> String {
        let text = self.canonical();
        format!("{:016x}{:016x}", fingerprint(1, &text), fingerprint(2, &text))
    }
}

#[cfg(test)]
pub(crate) fn example() -> Plan {
    Plan {
        intervention_id: "itv_1".into(),
        incident_id: "inc_1".into(),
        action: Action::Reroute,
        slice: Slice::new([("gateway", "razorpay"), ("network", "VISA")]),
        from: Some("razorpay".into()),
        to: vec![Target { gateway: "payu".into(), share: 1.0 }],
        retry: None,
        steps: vec![0.05, 0.2, 0.5, 1.0],
        ttl_ms: 1_800_000,
        ttl_max_ms: 14_400_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_content_changes_the_hash() {
        let plan = example();
        let changes: [fn(&mut Plan); 10] = [
            |p| p.intervention_id = "itv_2".into(),
            |p| p.incident_id = "inc_2".into(),
            |p| p.action = Action::SuppressPath,
            |p| p.slice = Slice::new([("gateway", "razorpay")]),
            |p| p.from = None,
            |p| p.to[0].share = 0.5,
            |p| p.retry = Some(Retry { attempts_max: 2, delay_s_min: 60 }),
            |p| p.steps = vec![1.0],
            |p| p.ttl_ms += 1,
            |p| p.ttl_max_ms += 1,
        ];
        let mut hashes = vec![plan.hash()];
        for change in changes {
            let mut changed = plan.clone();
            change(&mut changed);
            assert!(!hashes.contains(&changed.hash()));
            hashes.push(changed.hash());
        }
        assert_eq!(plan.hash(), plan.clone().hash());
    }
}
