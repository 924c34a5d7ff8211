//! What is broken in the simulated network, by whom, and until when.

use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};

use payments::Timestamp;
use serde::Serialize;
use sim::{FailureKind, Incident, Kind, Pairs, World, WorldError};
use utoipa::ToSchema;

use crate::wire::rfc3339;

/// Outages that are remembered.
const KEPT: usize = 100;
/// Outages at the same time.
const RUNNING_MAX: usize = 50;
/// Who breaks things when nobody does.
pub const SCHEDULE: &str = "schedule";

/// One outage.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Outage {
    /// Names it.
    pub id: String,
    /// Where; empty: everywhere.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub slice: Pairs,
    /// Share of approvals that fail instead, 0 to 1.
    pub severity: f64,
    /// RFC 3339
    pub starts_at: String,
    /// RFC 3339
    pub ends_at: String,
    /// `schedule`, or who asked for it.
    pub by: String,
}

/// What the network's thread is told.
#[derive(Debug)]
pub enum Wish {
    /// Something breaks.
    Break(Box<Incident>),
    /// What is broken is mended.
    Repair,
}

struct Kept {
    outages: Vec<(Outage, Timestamp, Timestamp)>,
    count: u64,
    wishes: Sender<Wish>,
    now: Timestamp,
}

/// The way to the simulated network.
pub struct Outages {
    /// As it is when nothing is broken: says what can be.
    quiet: World,
    kept: Mutex<Kept>,
}

impl Outages {
    /// Of a network that is told by `wishes`, now.
    pub fn new(quiet: World, now: Timestamp, wishes: Sender<Wish>) -> Self {
        let kept = Kept { outages: Vec::new(), count: 0, wishes, now };
        Self { quiet, kept: Mutex::new(kept) }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network has come so far.
    pub fn is(&self, now: Timestamp) {
        self.kept().now = now;
    }

    /// Names of its gateways or issuers, most traffic first.
    pub fn names(&self, dimension: &str) -> Vec<String> {
        let config = self.quiet.config();
        match dimension {
            "gateway" => config.gateways.iter().map(|one| one.name.clone()).collect(),
            "issuer" => config.banks.iter().map(|one| one.name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// Something breaks from now on, for so long.
    pub fn strike(
        &self,
        slice: Pairs,
        severity: f64,
        lasts_ms: i64,
        by: &str,
    ) -> Result<Outage, WorldError> {
        let now = self.kept().now;
        let kind = Kind::Outage { severity, blame: blame(&slice) };
        let incident = Incident::on(slice, now, now.plus_millis(lasts_ms), kind);
        self.quiet.check(&incident)?;
        if self.running().len() >= RUNNING_MAX {
            let why = format!("{RUNNING_MAX} outages run already; mend them first");
            return Err(WorldError::Incident(why));
        }
        let mut kept = self.kept();
        let outage = kept.note(&incident, by);
        // A network that has stopped breaks no more.
        let _ = kept.wishes.send(Wish::Break(Box::new(incident)));
        Ok(outage)
    }

    /// The schedule breaks something.
    pub fn note(&self, incident: &Incident) {
        self.kept().note(incident, SCHEDULE);
    }

    /// Ends all that runs.
    pub fn repair(&self) {
        let mut kept = self.kept();
        let now = kept.now;
        let running =
            kept.outages.iter_mut().filter(|(_, from, until)| *from <= now && now < *until);
        for (outage, _, until) in running {
            (outage.ends_at, *until) = (rfc3339(now), now);
        }
        let _ = kept.wishes.send(Wish::Repair);
    }

    /// What is broken now, newest first.
    pub fn running(&self) -> Vec<Outage> {
        let kept = self.kept();
        let runs = |(_, from, until): &&(Outage, Timestamp, Timestamp)| {
            *from <= kept.now && kept.now < *until
        };
        kept.outages.iter().rev().filter(runs).map(|(outage, ..)| outage.clone()).collect()
    }
}

impl Kept {
    fn note(&mut self, incident: &Incident, by: &str) -> Outage {
        self.count += 1;
        let severity = match incident.kind {
            Kind::Outage { severity, .. } => severity,
            _ => 0.0,
        };
        let outage = Outage {
            id: format!("out_{}", self.count),
            slice: incident.slice.clone(),
            severity,
            starts_at: rfc3339(incident.starts_at),
            ends_at: rfc3339(incident.ends_at),
            by: by.into(),
        };
        self.outages.push((outage.clone(), incident.starts_at, incident.ends_at));
        let over = self.outages.len().saturating_sub(KEPT);
        self.outages.drain(..over);
        outage
    }
}

/// Who is to blame decides the codes: a gateway that is named, else a bank, else the network.
fn blame(slice: &Pairs) -> FailureKind {
    if slice.contains_key("gateway") {
        FailureKind::Gateway
    } else if slice.contains_key("issuer") {
        FailureKind::Issuer
    } else {
        FailureKind::Network
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(&str, &str)]) -> Pairs {
        of.iter().map(|(d, v)| ((*d).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn what_runs_is_listed_until_it_is_over_or_mended() {
        let at = |s: i64| Timestamp::from_millis(1_790_000_000_000 + s * 1_000);
        let (wishes, told) = std::sync::mpsc::channel();
        let outages = Outages::new(World::at_rate(5.0, 1).unwrap(), at(0), wishes);
        let payu = pairs(&[("gateway", "PAYU")]);
        let one = outages.strike(payu.clone(), 0.5, 60_000, "ann").unwrap();
        outages.is(at(30));
        let two = outages.strike(pairs(&[("issuer", "HDFC")]), 0.5, 60_000, "bob").unwrap();
        assert_eq!(outages.running(), [two.clone(), one]);
        outages.is(at(60));
        assert_eq!(outages.running(), [two]);
        outages.repair();
        assert_eq!(outages.running(), []);
        let said: Vec<Wish> = told.try_iter().collect();
        assert!(matches!(&said[..], [Wish::Break(_), Wish::Break(_), Wish::Repair]), "{said:?}");
        let nowhere = outages.strike(pairs(&[("gateway", "NOWHERE")]), 0.5, 1_000, "ann");
        assert!(nowhere.unwrap_err().to_string().contains("gateway is one of"));
        assert!(outages.strike(payu, 1.5, 1_000, "ann").is_err());
        assert!(told.try_iter().next().is_none(), "what was refused breaks nothing");
    }
}
