//! Open incidents as the pilot is shown them.
//!
//! The analyst says what broke; here it is completed by what the same payments would meet at each gateway. That comparison costs a
//! walk over the slice's cells, so it is made again every few seconds and whenever the incident is told anew, not every tick.

use std::collections::BTreeMap;

use analyst::{Across, Analyst, Flow, Incident, IncidentStatus, Loads, Prospect, Slice};
use payments::{Money, Timestamp};
use pilot::{Network, Outcomes, Path, Situation};
use routing::{Gateway, Learning};
use serde::{Deserialize, Serialize};

use crate::Routing;

/// How far back outcomes elsewhere count.
const LOOK_BACK_MS: i64 = 10 * 60_000;
/// How far back the slice's own outcomes count, where there are so many.
const RECENT_MS: i64 = 2 * 60_000;
const RECENT_MIN: f64 = 30.0;
/// Standard deviations that the last minutes have to be worse by to count alone.
const LUCK_SD: f64 = 4.0;
/// How often the comparison is made again.
const REFRESH_MS: i64 = 5_000;
/// How often what the baseline expects elsewhere is: it moves with the season.
const PROSPECTS_MS: i64 = 60_000;
/// A gateway whose usual traffic is held by incidents to this part looks bad.
const HELD_SHARE: f64 = 0.5;
/// The dimension that can be chosen.
pub(crate) const CHOSEN: &str = "gateway";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Standing {
    situation: Situation,
    /// All attempts per second when the slice's own were last counted with nothing moved.
    all_per_s: f64,
    due_ms: i64,
    prospects: Vec<Prospect>,
    prospects_due_ms: i64,
}

/// Open incidents, by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standings {
    open: BTreeMap<u32, Standing>,
    network: Option<Network>,
    network_due_ms: i64,
}

impl Standings {
    /// Takes in what the analyst tells of an incident.
    pub fn tell(&mut self, incident: &Incident) {
        let number = number(&incident.id);
        match self.open.get_mut(&number) {
            Some(standing) => {
                let moved = standing.situation.incident.slice != incident.slice;
                standing.situation.incident = incident.clone();
                if moved {
                    standing.all_per_s = 0.0;
                    standing.prospects_due_ms = i64::MIN;
                }
                standing.due_ms = i64::MIN;
            }
            None if incident.status == IncidentStatus::Resolved => {}
            None => {
                let situation = Situation {
                    incident: incident.clone(),
                    attempts_per_s: 0.0,
                    usual_per_s: 0.0,
                    share: 0.0,
                    holds: 0.0,
                    money_per_minute: Vec::new(),
                    paths: Vec::new(),
                    attempts_per_payment: 1.0,
                };
                let standing = Standing {
                    situation,
                    all_per_s: 0.0,
                    due_ms: i64::MIN,
                    prospects: Vec::new(),
                    prospects_due_ms: i64::MIN,
                };
                self.open.insert(number, standing);
            }
        }
    }

    /// Whether anything is open.
    pub fn any(&self) -> bool {
        !self.open.is_empty()
    }

    /// The situations now; one that is over stays while an intervention still moves its traffic. `moved` says whether an intervention is moving an incident's traffic, which then can't be counted where it
    /// would be.
    pub fn situations(
        &mut self,
        analyst: &Analyst,
        routing: &Routing,
        now: Timestamp,
        moved: impl Fn(&str) -> bool,
    ) -> Vec<Situation> {
        self.open.retain(|_, standing| {
            !standing.situation.is_over() || moved(&standing.situation.incident.id)
        });
        let mut loads = None;
        for standing in self.open.values_mut() {
            if standing.due_ms > now.as_millis() {
                continue;
            }
            standing.due_ms = now.as_millis() + REFRESH_MS;
            let loads = loads.get_or_insert_with(|| analyst.loads(CHOSEN));
            refresh(standing, analyst, loads, routing, now, &moved);
        }
        self.open.values().map(|standing| standing.situation.clone()).collect()
    }

    /// The whole network now.
    pub fn network(
        &mut self,
        analyst: &Analyst,
        now: Timestamp,
        last: Option<Timestamp>,
    ) -> Network {
        if self.network.is_none() || self.network_due_ms <= now.as_millis() {
            self.network_due_ms = now.as_millis() + REFRESH_MS;
            let held = analyst.held_shares(CHOSEN);
            let bad = held.values().filter(|share| **share >= HELD_SHARE).count();
            let flow = analyst.flow(&analyst::Slice::default());
            let most = flow.money_per_minute.iter().max_by_key(|money| money.minor);
            self.network = Some(Network {
                attempts_per_s: flow.all_per_s,
                suspect_share: bad as f64 / held.len().max(1) as f64,
                last_attempt_at: None,
                main_currency: most.map(|money| money.currency),
            });
        }
        let mut network = self.network.clone().unwrap_or(Network {
            attempts_per_s: 0.0,
            suspect_share: 0.0,
            last_attempt_at: None,
            main_currency: None,
        });
        network.last_attempt_at = last;
        network
    }
}

fn refresh(
    standing: &mut Standing,
    analyst: &Analyst,
    loads: &Loads,
    routing: &Routing,
    now: Timestamp,
    moved: &impl Fn(&str) -> bool,
) {
    let situation = &mut standing.situation;
    let slice = &situation.incident.slice;
    let since = situation.incident.started_at.max(now.plus_millis(-LOOK_BACK_MS));
    let recent = now.plus_millis(-RECENT_MS);
    let [mut across, lately] = analyst.across(slice, CHOSEN, [since, recent.max(since)], loads);
    let mut meanwhile = BTreeMap::new();
    if recent > since {
        // What the slice itself does by now: an outage that is over must not look like one for ten minutes more.
        let hit = lately.iter().find(|path| path.named && path.attempts >= RECENT_MIN);
        if let (Some(hit), Some(known)) = (hit, across.iter_mut().find(|path| path.named))
            && tells_more(hit, known)
        {
            *known = hit.clone();
            meanwhile = lately.iter().map(|path| (path.value.clone(), outcomes(path))).collect();
        }
    }
    situation.attempts_per_payment = analyst.attempts_per_payment(slice).unwrap_or(1.0);
    let flow = analyst.flow(slice);
    let typical = typical(&flow);
    if standing.prospects_due_ms <= now.as_millis() {
        standing.prospects_due_ms = now.as_millis() + PROSPECTS_MS;
        let values = across.iter().map(|across| across.value.as_str());
        standing.prospects = analyst.prospects(slice, CHOSEN, values);
    }
    let prospect = |across: &Across| standing.prospects.iter().find(|p| p.value == across.value);
    situation.paths = across
        .iter()
        .filter_map(|across| {
            let meanwhile = meanwhile.get(&across.value).copied();
            let path = path(across, prospect(across)?, &routing.gateways, slice, typical);
            Some(Path { meanwhile, ..path })
        })
        .collect();
    if standing.all_per_s <= 0.0 || !moved(&situation.incident.id) {
        standing.all_per_s = flow.all_per_s;
        situation.attempts_per_s = flow.attempts_per_s;
        situation.usual_per_s = flow.usual_per_s;
        situation.share = flow.attempts_per_s / flow.all_per_s.max(1e-9);
        situation.holds = holds(analyst, routing, slice, &flow);
        situation.money_per_minute = flow.money_per_minute;
    } else {
        // Part of it goes elsewhere: it keeps its share of all traffic.
        situation.attempts_per_s = situation.share * flow.all_per_s;
    }
}

/// What its gateway keeps of its context's payments while a test runs: what it has now, where what is learnt might leave it meanwhile.
fn holds(analyst: &Analyst, routing: &Routing, slice: &Slice, flow: &Flow) -> f64 {
    if routing.learning == Learning::Off || slice.get(CHOSEN).is_none() {
        return 0.0;
    }
    let context = analyst.flow(&slice.without(CHOSEN));
    let share = flow.attempts_per_s / context.attempts_per_s.max(1e-9);
    share.clamp(0.0, 1.0) * routing.exploration.kept_for_tests
}

/// Whether the last minutes count alone: when they look better, or so much worse that it isn't luck. An incident that stays open is looked
/// at every few seconds for hours; the worst of many short looks is always bad.
fn tells_more(recent: &Across, whole: &Across) -> bool {
    let loss = |path: &Across| (path.expected_successes - path.successes) / path.attempts.max(1.0);
    let rate = (recent.expected_successes / recent.attempts.max(1.0)).clamp(0.01, 0.99);
    let variance = recent.dispersion.max(1.0) * rate * (1.0 - rate) / recent.attempts.max(1.0);
    let worse = loss(recent) - loss(whole);
    worse <= 0.0 || worse * worse >= LUCK_SD * LUCK_SD * variance
}

fn outcomes(across: &Across) -> Outcomes {
    Outcomes {
        attempts: across.attempts,
        successes: across.successes,
        expected_successes: across.expected_successes,
    }
}

fn path(
    across: &Across,
    prospect: &Prospect,
    gateways: &[Gateway],
    slice: &Slice,
    typical: Option<Money>,
) -> Path {
    let configured = gateways.iter().find(|gateway| gateway.name == across.value);
    Path {
        gateway: across.value.clone(),
        hit: across.named,
        attempts: across.attempts,
        successes: across.successes,
        expected_successes: across.expected_successes,
        meanwhile: None,
        baseline_rate: prospect.baseline_rate,
        baseline_sd: across.baseline_sd,
        dispersion: across.dispersion,
        suspect: across.suspect,
        eligible_share: prospect.open_to,
        load_per_s: across.load_per_s,
        capacity_per_s: configured.and_then(|gateway| gateway.capacity_per_s),
        fee_minor: configured.map_or(0.0, |gateway| fee_minor(gateway, slice, typical)),
    }
}

/// What a payment of the slice asks for on average, in the currency that most money is asked for in.
fn typical(flow: &Flow) -> Option<Money> {
    let most = flow.money_per_minute.iter().max_by_key(|money| money.minor)?;
    let per_minute = flow.attempts_per_s * 60.0;
    (per_minute > 0.0).then(|| Money { minor: (most.minor as f64 / per_minute) as i64, ..*most })
}

/// What a gateway keeps of that.
fn fee_minor(gateway: &Gateway, slice: &Slice, typical: Option<Money>) -> f64 {
    let minor = typical.map_or(0.0, |money| money.minor as f64);
    gateway.fee_share(slice.get("method"), typical) * minor
}

/// `inc_12` is 12.
fn number(id: &str) -> u32 {
    id.rsplit('_').next().and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX)
}
