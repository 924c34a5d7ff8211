//! The pilot's state, and the one cycle that moves it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use payments::Timestamp;
use routing::{Allocation, Arm, Directive, Overlay};
use serde::{Deserialize, Serialize};
use stats::window::fingerprint;

use crate::act::{Act, Page};
use crate::course::{Course, context_of};
use crate::intervention::{Authority, State};
use crate::ledger::Ledger;
use crate::memory::{Memory, Recollection};
use crate::propose::Said;
use crate::{Action, Command, Experiment, Intervention, Network, Refusal, Settings, Situation};

/// Interventions and experiments that are over and still shown.
const SHOWN_MAX: usize = 200;

/// Decides, acts within its guardrails, and learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pilot {
    pub(crate) settings: Settings,
    pub(crate) now: Timestamp,
    pub(crate) killed: Option<String>,
    pub(crate) courses: Vec<Course>,
    over: VecDeque<(Intervention, Option<Experiment>)>,
    pub(crate) ledger: Ledger,
    pub(crate) recollection: Recollection,
    allocation: Allocation,
    pub(crate) said: BTreeMap<String, Said>,
    /// What was paged and still holds, so that it is paged once.
    paged: BTreeSet<String>,
    /// Incidents and actions that a person turned down.
    pub(crate) turned_down: BTreeSet<(String, Action)>,
    /// Asked for, and nobody decided in time: not asked for again.
    pub(crate) lapsed: BTreeSet<(String, Action)>,
    pub(crate) counters: Counters,
}

/// The last number of each kind of id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub intervention: u64,
    pub experiment: u64,
    pub decision: u64,
}

impl Pilot {
    /// A pilot that has done nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            now: Timestamp::from_millis(i64::MIN),
            killed: None,
            courses: Vec::new(),
            over: VecDeque::new(),
            ledger: Ledger::default(),
            recollection: Recollection::default(),
            allocation: Allocation::default(),
            said: BTreeMap::new(),
            paged: BTreeSet::new(),
            turned_down: BTreeSet::new(),
            lapsed: BTreeSet::new(),
            counters: Counters::default(),
        }
    }

    /// Takes over beliefs and lessons that were exported.
    pub fn recall(&mut self, memory: Memory) {
        self.recollection = Recollection::of(memory);
    }

    /// A payment was put into an arm.
    pub fn decided(&mut self, intervention_id: &str, arm: Arm, at: Timestamp) {
        if let Some(trial) = self.active(intervention_id).and_then(|course| course.trial.as_mut()) {
            trial.decided(arm, at);
        }
    }

    /// The outcome of the first attempt of a payment that was put into an arm at `decided_at` became known.
    pub fn outcome(
        &mut self,
        intervention_id: &str,
        arm: Arm,
        decided_at: Timestamp,
        approved: bool,
    ) {
        if let Some(trial) = self.active(intervention_id).and_then(|course| course.trial.as_mut()) {
            trial.outcome(arm, decided_at, approved);
        }
    }

    fn active(&mut self, id: &str) -> Option<&mut Course> {
        self.courses
            .iter_mut()
            .find(|course| course.is_active() && course.plan.intervention_id == id)
    }

    /// One look at everything, once per tick. Time never runs backwards here.
    pub fn cycle(
        &mut self,
        now: Timestamp,
        situations: &[Situation],
        network: &Network,
    ) -> Vec<Act> {
        let now = now.max(self.now);
        self.now = now;
        let mut acts = Vec::new();
        self.ledger.forget(now);
        for situation in situations.iter().filter(|situation| !situation.is_over()) {
            self.recollection.see(&situation.incident, &self.settings.memory_key, now);
        }
        let going_on = |id: &str| situations.iter().any(|s| s.incident.id == id && !s.is_over());
        self.recollection.settle(going_on, now);
        self.said.retain(|id, _| going_on(id));
        self.turned_down.retain(|(id, _)| going_on(id));
        self.lapsed.retain(|(id, _)| going_on(id));

        let narrowing = self.conduct(situations, network, &mut acts);
        self.keep_caps(&mut acts);
        self.propose(situations, network, &narrowing, &mut acts);
        self.bury();
        self.publish(&mut acts);
        acts
    }

    /// What a person says. Acts as at `now`.
    pub fn command(&mut self, command: &Command, now: Timestamp) -> Result<Vec<Act>, Refusal> {
        let now = now.max(self.now);
        self.now = now;
        let mut acts = Vec::new();
        match command {
            Command::Approve { intervention_id, plan_hash, by } => {
                if let Some(reason) = &self.killed {
                    return Err(Refusal::Killed(reason.clone()));
                }
                let course = self.find(intervention_id)?;
                wants(course, State::Pending, "only a pending one can be approved")?;
                if now >= course.expires_at {
                    return Err(Refusal::Expired(intervention_id.clone()));
                }
                if course.plan_hash != *plan_hash {
                    return Err(Refusal::OtherPlan {
                        id: intervention_id.clone(),
                        is: course.plan_hash.clone(),
                        named: plan_hash.clone(),
                    });
                }
                if course.approved_by.is_some() {
                    let wanted = "a person has approved it already";
                    let id = intervention_id.clone();
                    return Err(Refusal::WrongState { id, state: course.state, wanted });
                }
                course.approved_by = Some(by.clone());
                course.authority = Authority::Person(by.clone());
                course.reason = format!("approved by {by}");
                acts.push(Act::Intervention(Box::new(course.intervention())));
            }
            Command::Reject { intervention_id, reason, by } => {
                let course = self.find(intervention_id)?;
                wants(course, State::Pending, "only a pending one can be rejected")?;
                let (incident, action) = (course.plan.incident_id.clone(), course.plan.action);
                self.end(
                    intervention_id,
                    State::Rejected,
                    format!("rejected by {by}: {reason}"),
                    &mut acts,
                );
                self.turned_down.insert((incident, action));
            }
            Command::RollBack { intervention_id, reason, by } => {
                let course = self.find(intervention_id)?;
                wants(course, State::Active, "only an active one can be rolled back")?;
                let (incident, action) = (course.plan.incident_id.clone(), course.plan.action);
                self.end(
                    intervention_id,
                    State::RolledBack,
                    format!("rolled back by {by}: {reason}"),
                    &mut acts,
                );
                self.turned_down.insert((incident, action));
            }
            Command::KillSwitch { engaged: true, reason, by } => {
                self.killed = Some(format!("{reason} ({by})"));
                self.roll_all_back(&mut acts);
            }
            Command::KillSwitch { engaged: false, .. } => self.killed = None,
            Command::SetModes(modes) => self.settings.modes = *modes,
            Command::SetLimits(limits) => {
                limits.check()?;
                self.settings.limits = limits.clone();
                self.keep_caps(&mut acts);
            }
            Command::SetFreezes(freezes) => self.settings.freezes = freezes.clone(),
        }
        self.keep_modes(&mut acts);
        self.keep_time(&mut acts);
        self.bury();
        self.publish(&mut acts);
        Ok(acts)
    }

    fn find(&mut self, id: &str) -> Result<&mut Course, Refusal> {
        if let Some((over, _)) = self.over.iter().find(|(over, _)| over.id == id) {
            let wanted = "it is over";
            return Err(Refusal::WrongState { id: id.into(), state: over.state, wanted });
        }
        self.courses
            .iter_mut()
            .find(|course| course.plan.intervention_id == id)
            .ok_or_else(|| Refusal::Unknown(id.into()))
    }

    /// What the data plane obeys.
    pub fn allocation(&self) -> &Allocation {
        &self.allocation
    }

    /// Whether the kill switch is engaged, and why.
    pub fn killed(&self) -> Option<&str> {
        self.killed.as_deref()
    }

    /// What it was told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Interventions, newest first: open ones, and some that are over.
    pub fn interventions(&self) -> Vec<Intervention> {
        let open = self.courses.iter().rev().map(Course::intervention);
        open.chain(self.over.iter().rev().map(|(over, _)| over.clone())).collect()
    }

    /// Experiments, newest first: running ones, and some that are over.
    pub fn experiments(&self) -> Vec<Experiment> {
        let limits = &self.settings.limits;
        let open = self.courses.iter().rev().filter_map(|course| course.experiment(limits));
        open.chain(self.over.iter().rev().filter_map(|(_, over)| over.clone())).collect()
    }

    /// What was learnt.
    pub fn memory(&self) -> Memory {
        self.recollection.memory(self.now)
    }

    /// Pages once while the matter lasts.
    pub(crate) fn page(
        &mut self,
        matter: &str,
        why: String,
        incident_id: Option<&str>,
        acts: &mut Vec<Act>,
    ) {
        if self.paged.insert(matter.into()) {
            acts.push(Act::Page(Page { why, incident_id: incident_id.map(Into::into) }));
        }
    }

    /// A matter is settled: it may be paged again.
    pub(crate) fn unpage(&mut self, matter: &str) {
        self.paged.remove(matter);
    }

    /// Moves what is over out of the way.
    fn bury(&mut self) {
        let limits = self.settings.limits.clone();
        let (open, over): (Vec<Course>, Vec<Course>) =
            std::mem::take(&mut self.courses).into_iter().partition(Course::is_open);
        self.courses = open;
        for course in over {
            self.over.push_back((course.intervention(), course.experiment(&limits)));
        }
        while self.over.len() > SHOWN_MAX {
            self.over.pop_front();
        }
    }

    /// Tells the data plane, if anything changed for it.
    fn publish(&mut self, acts: &mut Vec<Act>) {
        let overlays = self.overlays();
        if overlays != self.allocation.overlays {
            self.allocation = Allocation { version: self.allocation.version + 1, overlays };
            acts.push(Act::Allocation(self.allocation.clone()));
        }
    }

    /// Those that move payments first, narrow slices before wide ones; the first that fits decides.
    fn overlays(&self) -> Vec<Overlay> {
        if self.killed.is_some() {
            return Vec::new();
        }
        let mut active: Vec<&Course> =
            self.courses.iter().filter(|course| course.is_active()).collect();
        active.sort_by_key(|course| {
            (!course.plan.action.moves_payments(), usize::MAX - course.plan.slice.order())
        });
        active.into_iter().filter_map(|course| self.overlay(course)).collect()
    }

    fn overlay(&self, course: &Course) -> Option<Overlay> {
        let plan = &course.plan;
        let directive = match (plan.action, plan.retry) {
            (Action::Reroute, _) => Directive::Reroute {
                to: course.to.iter().map(|to| (to.gateway.clone(), to.share)).collect(),
            },
            (Action::SuppressPath, _) => Directive::Suppress,
            (Action::AdjustRetry, Some(retry)) => Directive::Retry {
                attempts_max: retry.attempts_max,
                delay_s_min: retry.delay_s_min,
            },
            (Action::AdjustRetry, None) | (Action::Alert | Action::NoAction, _) => return None,
        };
        Some(Overlay {
            intervention_id: plan.intervention_id.clone(),
            experiment_id: course.experiment_id.clone(),
            when: context_of(&plan.slice),
            from: plan.from.clone(),
            directive,
            share: course.share,
            holds: course.holds,
            salt: fingerprint(self.settings.seed, &plan.intervention_id),
            expires_at: course.expires_at,
        })
    }
}

fn wants(course: &Course, state: State, wanted: &'static str) -> Result<(), Refusal> {
    if course.state == state {
        Ok(())
    } else {
        let id = course.plan.intervention_id.clone();
        Err(Refusal::WrongState { id, state: course.state, wanted })
    }
}
