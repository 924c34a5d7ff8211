//! What a terminal sees of the demo: the server's own state, and what it says.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use payments::Timestamp;
use pilot::{Intervention, State};
use serde_json::{Value, json};
use store::Event;
use tokio::runtime::Handle;

use super::panels::Scene;
use crate::cli::client;
use crate::demo::Outages;
use crate::serve::{App, Server};

/// Events read at once.
const CHUNK: usize = 256;

/// The way to a demo that runs.
pub struct Front {
    app: Arc<App>,
    runtime: Handle,
    /// Where it answers.
    pub address: SocketAddr,
    client: client::Server,
    place: i64,
    begun: BTreeSet<String>,
}

/// A word to the server.
#[derive(Debug)]
pub enum Word {
    /// Break something.
    Strike(&'static str, String),
    /// Mend everything.
    Repair,
    /// Approve the plan that waits.
    Approve,
    /// Reject it.
    Reject,
    /// The kill switch, on or off.
    Switch,
}

/// What a key breaks: how much of it, and for how long.
const SEVERITY: f64 = 0.7;
const BROKEN_S: i64 = 300;

impl Front {
    /// To a server that is about to run.
    pub fn new(server: &Server, runtime: Handle) -> Self {
        let (app, address) = (server.app.clone(), server.address);
        let place = app.ring.last();
        Self {
            app,
            runtime,
            address,
            client: client::Server::at(address),
            place,
            begun: BTreeSet::new(),
        }
    }

    /// What was said since it was last asked, in order.
    pub fn news(&mut self) -> Vec<Arc<Event>> {
        let Some(events) = self.app.ring.after(self.place, CHUNK) else {
            // More was said meanwhile than is kept; nobody could have read it.
            self.place = self.app.ring.last();
            return Vec::new();
        };
        self.place = events.last().map_or(self.place, |event| event.id);
        for event in events.iter().filter(|event| event.kind == "intervention") {
            let one = parsed(&event.body);
            if let (Some(id), true) = (one["id"].as_str(), one["started_at"].is_string()) {
                self.begun.insert(id.to_owned());
            }
        }
        events
    }

    /// Interventions that came into force.
    pub fn interventions(&self) -> usize {
        self.begun.len()
    }

    /// Everything as it stands.
    pub fn scene(&self) -> Scene {
        let now = self.app.clock.now();
        let asked = self.app.engine.ask(|core| {
            let mut routes = core.engine.routes(&["gateway"]);
            routes.sort_by(|a, b| a.slice.get("gateway").cmp(&b.slice.get("gateway")));
            (routes, core.engine.incidents(), core.engine.pilot().interventions())
        });
        let (routes, incidents, mut interventions) =
            self.runtime.block_on(asked).unwrap_or_default();
        interventions.retain(|one| matches!(one.state, State::Pending | State::Active));
        let killed = self.app.is_killed();
        let broken = self.outages().map_or(0, |outages| outages.running().len());
        let what = format!("http://{}  {broken} broken", self.address);
        Scene { now: Some(now), what, killed, routes, incidents, interventions, log: Vec::new() }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// The network.
    pub fn outages(&self) -> Option<&Outages> {
        self.app.demo.get().map(AsRef::as_ref)
    }

    /// Says a word, over HTTP as anybody would; what is wrong, if it isn't obeyed.
    pub fn say(&self, word: Word, waiting: Option<&Intervention>) -> Result<(), String> {
        let (method, path, body) = match word {
            Word::Strike(dimension, name) => {
                let slice = json!({dimension: name});
                let body = json!({"slice": slice, "severity": SEVERITY, "duration_s": BROKEN_S});
                ("POST", "/v1/demo/outages".to_owned(), Some(body))
            }
            Word::Repair => ("DELETE", "/v1/demo/outages".to_owned(), None),
            Word::Approve | Word::Reject => {
                let Some(one) = waiting else { return Err("no plan waits".into()) };
                if matches!(word, Word::Approve) {
                    let path = format!("/v1/interventions/{}/approve", one.id);
                    ("POST", path, Some(json!({"plan_hash": one.plan_hash})))
                } else {
                    let path = format!("/v1/interventions/{}/reject", one.id);
                    ("POST", path, Some(json!({"reason": "turned down in the demo"})))
                }
            }
            Word::Switch => {
                let body = json!({"engaged": !self.app.is_killed(), "reason": "a key of the demo"});
                ("POST", "/v1/kill-switch".to_owned(), Some(body))
            }
        };
        self.client.tell(method, &path, body.as_ref()).map(drop).map_err(|(_, why)| why)
    }
}

/// An event's object.
pub fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_default()
}
