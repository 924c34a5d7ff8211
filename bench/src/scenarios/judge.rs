//! What the truth says of a run: what was gained, what each intervention did, what was named rightly, and which plans would have helped.

use std::collections::{BTreeMap, HashMap};

use analyst::Slice;
use payments::{NONE, Timestamp};
use pilot::{Action, Considered, Decision, Target};
use routing::Arm;
use serde::{Deserialize, Serialize};
use server::piloted::{Piloted, names, part_of};
use sim::{Attempted, Culprit, Moved, Stage, World, play_moved};

/// How long an intervention lives without fresh evidence: what its first step is compared over.
pub const TTL_MS: i64 = 30 * 60_000;
/// The first step.
const FIRST_STEP: f64 = 0.05;
/// A culprit smaller than this in points lost can't be asked for by name.
const MINUTE_MS: i64 = 60_000;

/// What one intervention did, by true chances.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Effect {
    /// Payments moved.
    pub moved: f64,
    /// Sum of the differences of their chances.
    pub net: f64,
    /// First attempts decided in either arm.
    pub decided: f64,
    from_ms: Option<i64>,
    to_ms: i64,
}

impl Effect {
    /// Whether it lost payments.
    pub fn is_negative(&self) -> bool {
        self.net < -0.5
    }

    /// Whether it lost more than its first step would have lost in its whole life.
    pub fn is_harmful(&self) -> bool {
        if !self.is_negative() || self.moved <= 0.0 {
            return false;
        }
        let lived_ms = (self.to_ms - self.from_ms.unwrap_or(self.to_ms)).max(1_000) as f64;
        let in_ttl = self.decided / lived_ms * TTL_MS as f64;
        let per_payment = -self.net / self.moved;
        -self.net > per_payment * (FIRST_STEP * in_ttl).max(1.0) + 1e-9
    }
}

/// Chances of attempts, by payment and number.
pub type Chances = HashMap<(String, u32), f64>;

/// Effects by intervention, filled by the witness of a run.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// By id.
    pub by_id: BTreeMap<String, Effect>,
    /// What attempts would have met with nobody acting, where that isn't what they would meet now at their natural gateway: limited
    /// gateways are relieved by what is moved away.
    pub untouched: Chances,
}

impl Effects {
    /// Takes in an attempt.
    pub fn see(&mut self, attempted: &Attempted<'_>) {
        let Some((intervention, arm)) = attempted.decision_id.and_then(part_of) else { return };
        if !self.by_id.contains_key(intervention) {
            self.by_id.insert(intervention.to_owned(), Effect::default());
        }
        let Some(effect) = self.by_id.get_mut(intervention) else { return };
        let at_ms = attempted.at.as_millis();
        effect.from_ms.get_or_insert(at_ms);
        effect.to_ms = at_ms;
        if attempted.attempt_number == 1 {
            effect.decided += 1.0;
        }
        if arm == Arm::Treatment && attempted.chosen != attempted.natural && !attempted.is_paid {
            effect.moved += 1.0;
            let untouched = if self.untouched.is_empty() {
                None
            } else {
                let key = (attempted.payment_id.to_owned(), attempted.attempt_number);
                self.untouched.get(&key)
            };
            let else_ = untouched.copied().unwrap_or(attempted.p_natural);
            effect.net += (attempted.p_chosen - else_) * attempted.stays;
        }
    }
}

/// Whether the culprit was named: slice exactly or by an alias, and its cause.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Named {
    /// The slice.
    pub slice: bool,
    /// The cause.
    pub cause: bool,
}

/// How a culprit was named by whatever incident came nearest to it.
pub fn named(culprit: &Culprit, run: &Piloted) -> Named {
    let names: Vec<analyst::Slice> = std::iter::once(&culprit.slice)
        .chain(&culprit.aliases)
        .map(|pairs| analyst::Slice::new(pairs.iter().map(|(d, v)| (d.as_str(), v.as_str()))))
        .collect();
    let in_time = |incident: &&analyst::Incident| {
        incident.started_at < culprit.to
            && incident.resolved_at.is_none_or(|end| end > culprit.from)
    };
    let exact = run.incidents.values().filter(in_time).filter(|incident| {
        names.contains(&incident.slice) || incident.aliases.iter().any(|a| names.contains(a))
    });
    let mut best = Named::default();
    for incident in exact {
        best.slice = true;
        best.cause |= incident.cause.to_string() == culprit.cause;
    }
    if !best.slice {
        // Named elsewhere: the cause may still be the right one, at whatever lost most.
        let costliest = run
            .incidents
            .values()
            .filter(in_time)
            .max_by(|a, b| a.impact.lost_payments.total_cmp(&b.impact.lost_payments));
        best.cause = costliest.is_some_and(|incident| incident.cause.to_string() == culprit.cause);
    }
    best
}

/// A plan to move payments, carried out or not.
#[derive(Clone, Debug)]
pub struct Moving {
    /// When it was said.
    pub at: Timestamp,
    /// Where.
    pub slice: Slice,
    /// The gateway to leave.
    pub from: String,
    /// Where to; all gateways alike where a path is suppressed.
    pub to: Option<Vec<Target>>,
    /// How sure it was.
    pub confidence: f64,
    /// The intervention that carries it out.
    intervention_id: Option<String>,
}

impl Moving {
    /// The plans of a decision: what it does, or what it weighed and left.
    pub fn of(decision: &Decision) -> Vec<Self> {
        let weighed = |plan: &Considered| Self {
            at: decision.at,
            slice: plan.slice.clone(),
            from: plan.from.clone(),
            to: Some(plan.to.clone()),
            confidence: plan.confidence,
            intervention_id: None,
        };
        let to = match decision.action {
            Action::Reroute => Some(decision.to.clone()),
            Action::SuppressPath => None,
            _ => return decision.considered.iter().map(weighed).collect(),
        };
        let Some(from) = decision.from.clone() else { return Vec::new() };
        vec![Self {
            at: decision.at,
            slice: decision.slice.clone(),
            from,
            to,
            confidence: decision.confidence,
            intervention_id: decision.intervention_id.clone(),
        }]
    }

    /// The gateways to go to, in words.
    pub fn targets(&self) -> String {
        self.to.as_deref().map_or_else(|| "the others".to_owned(), names)
    }

    /// Whether another is the same but for what has been learnt since: the steps of a ramp and of a return are one plan,
    /// a plan for other targets is another.
    pub fn is_same(&self, other: &Self) -> bool {
        let gateways = |plan: &Self| {
            let mut names: Vec<String> =
                plan.to.iter().flatten().map(|target| target.gateway.clone()).collect();
            names.sort_unstable();
            names
        };
        let is_carried_out = self.intervention_id.is_some();
        is_carried_out && self.intervention_id == other.intervention_id
            || self.slice == other.slice
                && self.from == other.from
                && gateways(self) == gateways(other)
    }
}

/// Plans of a run, each when it was first said for its incident.
pub fn plans(decisions: &[Decision]) -> Vec<Moving> {
    let mut said: Vec<(&str, Moving)> = Vec::new();
    for decision in decisions {
        for plan in Moving::of(decision) {
            let known = said
                .iter()
                .any(|(incident, other)| *incident == decision.incident_id && other.is_same(&plan));
            if !known {
                said.push((&decision.incident_id, plan));
            }
        }
    }
    said.into_iter().map(|(_, plan)| plan).collect()
}

/// Expected gain of a plan over its TTL by true chances: all of the slice moved while it lasts, from the decision on. Where gateways are limited, in payments, played
/// against `untouched`; else a sum over leaves, in no unit.
pub fn true_gain(stage: &Stage, plan: &Moving, untouched: f64) -> f64 {
    let world = &stage.world;
    if !stage.setup.capacities.is_empty() {
        let own = |(dimension, value): (&str, &str)| (dimension.to_owned(), value.to_owned());
        let context = plan.slice.pairs().filter(|(dimension, _)| *dimension != "gateway");
        let to = plan.to.iter().flatten().map(|target| (target.gateway.clone(), target.share));
        let mut moved = Moved {
            context: context.map(own).collect(),
            from: plan.from.clone(),
            to: to.collect(),
            since: plan.at,
            until: plan.at.plus_millis(TTL_MS),
        };
        let played = play_moved(world, &stage.setup, &mut moved, &mut |_| {});
        return played.paid_expected - untouched;
    }
    let mut siblings: BTreeMap<[Option<&str>; 7], Vec<usize>> = BTreeMap::new();
    let without = |leaf: usize| {
        let mut values = world.leaf_values(leaf);
        values[0] = None;
        values
    };
    for leaf in 0..world.leaf_count() {
        siblings.entry(without(leaf)).or_default().push(leaf);
    }
    let mut gain = 0.0;
    for leaf in slice_leaves(world, &plan.slice) {
        let others = &siblings[&without(leaf)];
        let weight = |other: usize| {
            let gateway = world.leaf_values(other)[0].unwrap_or_default();
            if gateway == plan.from {
                return 0.0;
            }
            let Some(to) = &plan.to else { return 1.0 };
            to.iter().find(|t| t.gateway == gateway).map_or(0.0, |t| t.share)
        };
        let total: f64 = others.iter().map(|&other| weight(other)).sum();
        if total <= 0.0 {
            continue;
        }
        for minute in 0..TTL_MS / MINUTE_MS {
            let at = plan.at.plus_millis(minute * MINUTE_MS + MINUTE_MS / 2);
            if at >= stage.to {
                break;
            }
            let there: f64 = others
                .iter()
                .map(|&other| weight(other) / total)
                .zip(others)
                .filter(|(weight, _)| *weight > 0.0)
                .map(|(weight, &other)| weight * world.chance(other, at))
                .sum();
            gain += world.leaf_share(leaf) * (there - world.chance(leaf, at));
        }
    }
    gain
}

fn slice_leaves<'w>(world: &'w World, slice: &'w Slice) -> impl Iterator<Item = usize> + 'w {
    (0..world.leaf_count()).filter(move |&leaf| {
        let values = world.leaf_values(leaf);
        slice.pairs().all(|(dimension, value)| {
            let place = sim::DIMENSIONS.iter().position(|name| *name == dimension);
            place.is_some_and(|d| values[d].unwrap_or(NONE) == value)
        })
    })
}
