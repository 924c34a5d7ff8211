//! What is done about incidents that nothing is done about yet, and what is said of it.
//!
//! Costliest first, because they share the caps. Of an incident's candidates the one with the highest expected gain that every guardrail lets pass acts; else the best that
//! only a person's word is missing for waits for it; else, as the action's mode says, it is shown as advice; else a person is told, or nothing is done, with the reason.

use analyst::{Cause, Slice};
use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::act::Act;
use crate::course::{Course, reserved, size_of};
use crate::decide::{
    Candidate, Considered, Knowledge, Reasons, candidates, considered, outlook, precluded,
    targets::Reserved,
};
use crate::decision::percent;
use crate::experiment::{Expected, Goal, logistic, logit};
use crate::guardrails::{Guardrail, Held, at_start};
use crate::intervention::{Authority, Direction, State};
use crate::memory::pattern;
use crate::{Action, Decision, Gain, Mode, Network, Pilot, Plan, Risk, RiskLevel, Situation};

/// The untouched path is well again when it is within this part of what was lost.
const MARGIN_PART: f64 = 0.5;
const MARGIN_MIN: f64 = 0.02;
/// How soon it is said that other guardrails hold the same plan; twice as long after each time.
const HELD_AGAIN_MS: i64 = 5 * 60_000;
const HELD_DOUBLINGS_MAX: u32 = 8;
/// First attempts under other retry rules may differ by this much.
const RETRY_MARGIN: f64 = 0.05;

/// What was last said of an incident: what a cycle must differ from to be said again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    action: Action,
    slice: Slice,
    needs_approval: bool,
    intervention_id: Option<String>,
    held: Vec<Guardrail>,
    at: Timestamp,
    again: u32,
}

impl Said {
    /// Whether a decision says something else. That other guardrails hold the same is worth a word now and then: near a
    /// threshold they come and go.
    fn differs(&self, next: &Self) -> bool {
        let wait_ms = HELD_AGAIN_MS << self.again.min(HELD_DOUBLINGS_MAX);
        !self.is_about_the_same(next)
            || self.held != next.held && next.at.millis_since(self.at) >= wait_ms
    }

    fn is_about_the_same(&self, next: &Self) -> bool {
        (self.action, &self.slice, self.needs_approval, &self.intervention_id)
            == (next.action, &next.slice, next.needs_approval, &next.intervention_id)
    }

    fn of(decision: &Decision) -> Self {
        let mut held: Vec<Guardrail> = decision.held.iter().map(|held| held.guardrail).collect();
        held.sort_unstable();
        Self {
            action: decision.action,
            slice: decision.slice.clone(),
            needs_approval: decision.needs_approval,
            intervention_id: decision.intervention_id.clone(),
            held,
            at: decision.at,
            again: 0,
        }
    }
}

/// A candidate and what holds it.
struct Judged {
    candidate: Candidate,
    held: Vec<Held>,
}

impl Judged {
    fn passes(&self) -> bool {
        self.held.is_empty()
    }

    fn waits_for_a_person(&self, mode: Mode) -> bool {
        let person = |held: &Held| {
            held.guardrail.yields_to_a_person()
                || held.guardrail == Guardrail::Mode && mode == Mode::Approve
        };
        !self.passes() && self.held.iter().all(person)
    }

    fn is_advice(&self, mode: Mode) -> bool {
        matches!(mode, Mode::Advise | Mode::Shadow)
            && self.held.iter().all(|held| {
                held.guardrail == Guardrail::Mode || held.guardrail.yields_to_a_person()
            })
    }
}

impl Pilot {
    /// Considers every incident that has no intervention in force.
    pub(crate) fn propose(
        &mut self,
        situations: &[Situation],
        network: &Network,
        narrowing: &[String],
        acts: &mut Vec<Act>,
    ) {
        let mut order: Vec<&Situation> = situations.iter().filter(|s| !s.is_over()).collect();
        order.sort_by(|a, b| {
            let cost = |s: &Situation| s.incident.impact.lost_payments_per_minute;
            cost(b).total_cmp(&cost(a)).then_with(|| a.incident.id.cmp(&b.incident.id))
        });
        for situation in order {
            let id = &situation.incident.id;
            if self.courses.iter().any(|course| course.is_open() && course.plan.incident_id == *id)
            {
                continue;
            }
            self.consider(situation, network, narrowing.contains(id), acts);
        }
    }

    fn consider(
        &mut self,
        situation: &Situation,
        network: &Network,
        narrows: bool,
        acts: &mut Vec<Act>,
    ) {
        let now = self.now;
        let incident = &situation.incident;
        let reserved = reserved(&mut self.courses, None, now);
        let reasons = self.candidates(situation, &reserved);
        let judged: Vec<Judged> = reasons
            .candidates
            .into_iter()
            .map(|candidate| self.judge(candidate, situation, network, &reserved, narrows))
            .collect();
        let mode = |judged: &Judged| judged.candidate.action.mode(&self.settings.modes);
        let acting = judged.iter().position(Judged::passes);
        let lapsed = |j: &Judged| self.lapsed.contains(&(incident.id.clone(), j.candidate.action));
        let waiting = || judged.iter().position(|j| j.waits_for_a_person(mode(j)) && !lapsed(j));
        if let Some(place) = acting.or_else(waiting) {
            let acts_alone = judged[place].passes();
            let chosen = &judged[place];
            let course = self.new_course(&chosen.candidate, situation);
            self.courses.push(course);
            let place = self.courses.len() - 1;
            if acts_alone {
                self.begin(place, situation, acts);
            } else {
                self.courses[place].held.clone_from(&chosen.held);
                self.tell(place, acts);
                self.say_course(place, Some(situation), acts);
            }
            return;
        }
        let advised = judged.iter().find(|j| j.is_advice(mode(j)));
        let best = advised.or(judged.first());
        let mut decision = match best {
            Some(judged) => self.held_decision(judged, advised.is_some(), situation),
            None => {
                let action = if reasons.tell { Action::Alert } else { Action::NoAction };
                self.plain_decision(action, situation, reasons.why_not, Vec::new())
            }
        };
        if !decision.action.moves_payments() && self.is_news(&decision) {
            decision.considered = self.considered(situation, &reserved);
        }
        debug_assert_eq!(decision.incident_id, incident.id);
        self.say(decision, acts);
    }

    /// What was weighed; nothing where the very slice is being moved already.
    fn considered(&self, situation: &Situation, reserved: &Reserved) -> Vec<Considered> {
        let incident = &situation.incident;
        if self.courses.iter().any(|c| c.is_active() && c.plan.slice == incident.slice) {
            return Vec::new();
        }
        let knowledge = Knowledge {
            durations: &self.recollection.durations(incident),
            belief: self.recollection.belief(incident, &self.settings.memory_key, self.now),
            lesson: self.recollection.lesson(incident, Action::Reroute),
            seed: self.settings.seed,
        };
        let limits = &self.settings.limits;
        considered(situation, &knowledge, reserved, limits.headroom_use, limits.ttl_ms, self.now)
    }

    fn candidates(&self, situation: &Situation, reserved: &Reserved) -> Reasons {
        if let Some(reasons) = precluded(situation) {
            return reasons;
        }
        let incident = &situation.incident;
        let durations = self.recollection.durations(incident);
        let belief = self.recollection.belief(incident, &self.settings.memory_key, self.now);
        let outlook = outlook(situation, &durations, belief, self.now, self.settings.seed);
        let lesson = |action: Action| self.recollection.lesson(incident, action);
        let limits = &self.settings.limits;
        candidates(situation, &outlook, &durations, reserved, limits, &lesson, self.now)
    }

    /// What a waiting plan's action is worth by now: the probability that it helps, if it is still a candidate.
    pub(crate) fn confidence_now(&mut self, place: usize, situation: &Situation) -> Option<f64> {
        let reserved = reserved(&mut self.courses, None, self.now);
        let action = self.courses[place].plan.action;
        let reasons = self.candidates(situation, &reserved);
        let candidate = reasons.candidates.iter().find(|candidate| candidate.action == action)?;
        Some(candidate.valued.confidence)
    }

    fn judge(
        &mut self,
        candidate: Candidate,
        situation: &Situation,
        network: &Network,
        reserved: &Reserved,
        narrows: bool,
    ) -> Judged {
        let incident = &situation.incident;
        let others = crate::course::moved(&self.courses, None);
        let limits = &self.settings.limits;
        let mut held = at_start(&crate::guardrails::Check {
            limits,
            modes: &self.settings.modes,
            freezes: &self.settings.freezes,
            killed: self.killed.as_deref(),
            now: self.now,
            ledger: &self.ledger,
            network,
            situation,
            others: &others,
            reserved,
            action: candidate.action,
            slice: &incident.slice,
            to: &candidate.to,
            share: limits.share_of_step(limits.steps[0]),
            settled: 0.0,
            confidence: candidate.valued.confidence,
            approved: false,
            narrows,
        });
        if self.turned_down.contains(&(incident.id.clone(), candidate.action)) {
            let detail = "a person has turned it down for this incident".to_owned();
            held.push(Held { guardrail: Guardrail::TurnedDown, detail });
        }
        Judged { candidate, held }
    }

    fn new_course(&mut self, candidate: &Candidate, situation: &Situation) -> Course {
        let now = self.now;
        self.counters.intervention += 1;
        self.counters.experiment += 1;
        let limits = &self.settings.limits;
        let incident = &situation.incident;
        let moves = candidate.action.moves_payments();
        let plan = Plan {
            intervention_id: format!("itv_{}", self.counters.intervention),
            incident_id: incident.id.clone(),
            action: candidate.action,
            slice: incident.slice.clone(),
            from: incident.slice.get("gateway").map(Into::into),
            to: candidate.to.clone(),
            retry: candidate.retry,
            steps: limits.steps.clone(),
            ttl_ms: limits.ttl_ms,
            ttl_max_ms: limits.ttl_max_ms,
        };
        Course {
            plan_hash: plan.hash(),
            pattern: pattern(incident),
            authority: Authority::Pilot,
            approved_by: None,
            state: State::Pending,
            created_at: now,
            started_at: None,
            expires_at: now.plus_millis(limits.approval_ttl_ms),
            ended_at: None,
            confidence: candidate.valued.confidence,
            gain: candidate.valued.gain,
            expected: expected(candidate, situation, moves),
            share: 0.0,
            holds: 0.0,
            proven: 0.0,
            direction: Direction::Out,
            to: candidate.to.clone(),
            shares: Default::default(),
            size: size_of(situation, &candidate.to),
            experiment_id: Some(format!("x_{}", self.counters.experiment)),
            trial: None,
            evidence: None,
            benefit_max: 1.0,
            held: Vec::new(),
            reason: candidate.reason.clone(),
            is_over: false,
            mends_cause: candidate.action == Action::AdjustRetry
                && incident.cause == Cause::Misconfiguration,
            is_blind: false,
            told_at: now,
            plan,
        }
    }

    /// Says where an intervention stands.
    pub(crate) fn say_course(
        &mut self,
        place: usize,
        situation: Option<&Situation>,
        acts: &mut Vec<Act>,
    ) {
        let limits = &self.settings.limits;
        let course = &self.courses[place];
        let is_pending = course.state == State::Pending;
        let share =
            if is_pending { limits.share_of_step(course.plan.steps[0]) } else { course.share };
        let ends = minutes(course.expires_at, self.now);
        let mut text = format!("{} of all traffic", percent(share * course.size.share));
        if let Some(headroom) = situation.and_then(|s| headroom(course, s)) {
            text += &format!(", {headroom}");
        }
        if is_pending {
            text += &format!(", waits for approval for {ends} min");
        } else {
            text += &format!(", expires in {ends} min");
        }
        text += &format!(", rollback at e >= {}", limits.harm_e);
        let evidence =
            course.evidence.map_or(0.0, |evidence| libm::log(evidence.benefit.max(1e-3)));
        let decision = Decision {
            id: String::new(),
            at: self.now,
            incident_id: course.plan.incident_id.clone(),
            action: course.plan.action,
            slice: course.plan.slice.clone(),
            from: course.plan.from.clone(),
            to: course.to.clone(),
            share,
            retry: course.plan.retry,
            intervention_id: Some(course.plan.intervention_id.clone()),
            experiment_id: course.experiment_id.clone(),
            gain: course.gain,
            confidence: match course.direction {
                Direction::Out => logistic(logit(course.confidence) + evidence.max(0.0)),
                Direction::Home => course.confidence,
            },
            needs_approval: is_pending,
            mode: course.plan.action.mode(&self.settings.modes),
            risk: Risk { level: RiskLevel::of(share * course.size.share), text },
            held: course.held.clone(),
            reason: match course.direction {
                Direction::Home => course.reason.clone(),
                Direction::Out if course.plan.action == Action::Reroute => String::new(),
                Direction::Out => course.reason.clone(),
            },
            considered: Vec::new(),
        };
        self.said.remove(&decision.incident_id);
        self.say(decision, acts);
    }

    /// What is held, or is advice.
    fn held_decision(&self, judged: &Judged, is_advice: bool, situation: &Situation) -> Decision {
        let candidate = &judged.candidate;
        let why: Vec<String> = judged.held.iter().map(|held| held.detail.clone()).collect();
        let why = format!("{} is held: {}", candidate.action, why.join("; "));
        if !is_advice {
            return self.plain_decision(Action::Alert, situation, why, judged.held.clone());
        }
        let limits = &self.settings.limits;
        let share = limits.share_of_step(limits.steps[0]);
        let incident = &situation.incident;
        Decision {
            action: candidate.action,
            from: incident.slice.get("gateway").map(Into::into),
            to: candidate.to.clone(),
            share,
            retry: candidate.retry,
            gain: candidate.valued.gain,
            confidence: candidate.valued.confidence,
            needs_approval: true,
            mode: candidate.action.mode(&self.settings.modes),
            risk: Risk {
                level: RiskLevel::None,
                text: format!(
                    "advice only, it would be {} of all traffic",
                    percent(share * situation.share)
                ),
            },
            reason: candidate.reason.clone(),
            ..self.plain_decision(Action::Alert, situation, String::new(), judged.held.clone())
        }
    }

    fn plain_decision(
        &self,
        action: Action,
        situation: &Situation,
        reason: String,
        held: Vec<Held>,
    ) -> Decision {
        let incident = &situation.incident;
        Decision {
            id: String::new(),
            at: self.now,
            incident_id: incident.id.clone(),
            action,
            slice: incident.slice.clone(),
            from: None,
            to: Vec::new(),
            share: 0.0,
            retry: None,
            intervention_id: None,
            experiment_id: None,
            gain: Gain::NONE,
            confidence: incident.confidence,
            needs_approval: false,
            mode: action.mode(&self.settings.modes),
            risk: Risk { level: RiskLevel::None, text: "no payment is touched".into() },
            held,
            reason,
            considered: Vec::new(),
        }
    }

    /// Whether it differs from what was last said of its incident.
    fn is_news(&self, decision: &Decision) -> bool {
        let said = self.said.get(&decision.incident_id);
        said.is_none_or(|said| said.differs(&Said::of(decision)))
    }

    fn say(&mut self, mut decision: Decision, acts: &mut Vec<Act>) {
        if !self.is_news(&decision) {
            return;
        }
        let mut said = Said::of(&decision);
        if let Some(before) = self.said.get(&decision.incident_id)
            && before.is_about_the_same(&said)
        {
            said.again = before.again + 1;
        }
        self.said.insert(decision.incident_id.clone(), said);
        self.counters.decision += 1;
        decision.id = format!("d_{}", self.counters.decision);
        acts.push(Act::Decision(Box::new(decision)));
    }
}

/// What the arms should show.
fn expected(candidate: &Candidate, situation: &Situation, moves: bool) -> Expected {
    let incident = &situation.incident;
    let (rate, payments) = match situation.hit() {
        Some(path) if path.attempts > 0.0 => {
            let payments = path.attempts / path.dispersion.max(1.0);
            ((path.successes + path.baseline_rate) / (path.attempts + 1.0), payments)
        }
        _ => (incident.observed_rate, incident.impact.attempts as f64),
    };
    let margin = (MARGIN_PART * (candidate.treatment_rate - rate)).max(MARGIN_MIN);
    Expected {
        control_rate: rate,
        control_payments: payments,
        treatment_rate: if moves { candidate.treatment_rate } else { rate },
        margin: if moves { margin } else { RETRY_MARGIN },
        goal: if moves { Goal::Better } else { Goal::NotWorse },
    }
}

/// `payu has 62 % headroom`.
fn headroom(course: &Course, situation: &Situation) -> Option<String> {
    let path = situation.path(&course.to.first()?.gateway)?;
    Some(match path.capacity_per_s {
        Some(capacity) if capacity > 0.0 => {
            let free = (1.0 - path.load_per_s / capacity).max(0.0);
            format!("{} has {:.0} % headroom", path.gateway, free * 100.0)
        }
        _ => format!("{}'s capacity isn't known", path.gateway),
    })
}

fn minutes(to: Timestamp, now: Timestamp) -> i64 {
    (to.millis_since(now) + 30_000).div_euclid(60_000)
}
