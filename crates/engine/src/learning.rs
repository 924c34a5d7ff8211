//! What the ordinary choice learns from: what each tick counted, and what the analyst makes of it.
//!
//! Only where `routing.learning` asks for it; elsewhere nothing is counted and the table stays empty. What incidents hold is
//! learnt as well: where payments go is a question about now, not about what is normal.
//!
//! What has arrived of ticks that aren't judged yet waits for those who come late; the choice doesn't: its table is that of a copy which has learnt it already.
//! Nothing of the copy is kept, so what is learnt for good doesn't depend on who came first.

use std::borrow::Cow;
use std::collections::BTreeMap;

use analyst::{Analyst, Counted, Incident, IncidentStatus, Slice};
use payments::Timestamp;
use routing::{Learner, LearnerSettings, Learning as How, Outcomes, Table, amount_end};
use serde::{Deserialize, Serialize};
use stats::window::Ticks;

use crate::Routing;
use crate::load::{Load, gateway_of};

/// The learner and its pace.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Learning {
    learner: Learner,
    /// Grows with every change of the table.
    version: u64,
    load: Load,
    /// Incidents that opened the posteriors of their slice, by id.
    open: BTreeMap<String, Slice>,
}

impl Learning {
    /// One that knows nothing yet; payments have these dimensions.
    pub fn new(dimensions: &[String]) -> Self {
        let settings = LearnerSettings::of(dimensions.iter().map(String::as_str));
        Self { learner: Learner::new(settings), ..Self::default() }
    }

    /// A tick was judged.
    pub fn tick(&mut self, routing: &Routing, analyst: &Analyst, at: Timestamp) {
        if routing.learning == How::Off {
            return;
        }
        let counted = analyst.newest_by_name(amount_end);
        self.load.tick(&routing.gateways, &counted, at);
        self.learner.learn(at, outcomes(&counted));
        self.version += 1;
    }

    /// An incident opened, moved to another slice, or is over: its slice isn't what it was.
    pub fn tell(&mut self, how: How, incident: &Incident) {
        if how == How::Off {
            return;
        }
        let slice = &incident.slice;
        let is_over = incident.status == IncidentStatus::Resolved;
        let known = self.open.get(&incident.id);
        if is_over == known.is_none() || !is_over && known == Some(slice) {
            return;
        }
        self.learner.reopen(&slice.pairs().map(|(d, v)| (d.to_owned(), v.to_owned())).collect());
        self.version += 1;
        if is_over {
            self.open.remove(&incident.id);
        } else {
            self.open.insert(incident.id.clone(), slice.clone());
        }
    }

    /// What is open ended without a word.
    pub fn forget_incidents(&mut self) {
        self.open.clear();
    }

    /// What the policy looks up, by all that has arrived.
    pub fn table(&self, how: How, analyst: &Analyst, ticks: &Ticks) -> Table {
        if how == How::Off {
            return Table::default();
        }
        let mut ahead = Cow::Borrowed(&self.learner);
        for (tick, counted) in analyst.arrived_by_name(amount_end) {
            let ended = Timestamp::from_millis(ticks.start_ms(tick + 1));
            ahead.to_mut().learn(ended, outcomes(&counted));
        }
        ahead.table()
    }

    /// Shares of their payments that gateways have room for, where not for all.
    pub fn admitted(&self) -> &BTreeMap<String, f64> {
        self.load.admitted()
    }

    /// Grows with every change of the table.
    pub fn version(&self) -> u64 {
        self.version
    }
}

fn outcomes<'a>(counted: &'a [Counted<'a>]) -> impl Iterator<Item = Outcomes<'a>> {
    counted.iter().filter_map(|counted| {
        let gateway = gateway_of(counted)?;
        let Counted { values, amount, attempts, successes } = counted;
        Some(Outcomes {
            gateway,
            values,
            amount: *amount,
            attempts: *attempts,
            successes: *successes,
        })
    })
}
