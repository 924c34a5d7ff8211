//! The next step of a running intervention: out, home, or out again; and the renewal of its time. What allows a step is in `ramp` and `guardrails`.

use crate::act::Act;
use crate::course::{moved, reserved};
use crate::decision::percent;
use crate::experiment::Evidence;
use crate::guardrails::{
    Guardrail, Held, at_step, at_turn, ceiling_of, may_come_back, share_left, step_allows,
    ttl_renewed,
};
use crate::intervention::{Authority, Direction, State};
use crate::ledger::Deed;
use crate::ramp::{AGAIN_E, may_return, next_home, next_out, step_of};
use crate::{Mode, Network, Pilot, Situation};

/// A step smaller than this part of a wider one isn't worth its test.
const STEP_PART_MIN: f64 = 1.05;

impl Pilot {
    /// Out or home, if its test allows.
    pub(crate) fn step(
        &mut self,
        place: usize,
        situation: Option<&Situation>,
        network: &Network,
        evidence: &Evidence,
        acts: &mut Vec<Act>,
    ) {
        let now = self.now;
        let limits = self.settings.limits.clone();
        let course = &mut self.courses[place];
        let id = course.plan.intervention_id.clone();
        let steps = course.plan.steps.clone();
        let share = course.share;
        let is_over = situation.is_none();
        course.is_over = is_over;
        let is_person = course.authority != Authority::Pilot;
        let age_ms = now.millis_since(course.step_since());
        if is_over && course.mends_cause {
            // It stays until its time is up: nobody can see from here whether the cause would come back.
            return;
        }
        if is_over && !course.plan.action.moves_payments() {
            return self.end(&id, State::Completed, "the incident is over".into(), acts);
        }
        if course.direction == Direction::Out
            && step_allows(&limits, step_of(&limits, &steps, share), evidence)
        {
            course.proven = course.proven.max(share);
        }
        match course.direction {
            Direction::Out
                if (is_over
                    || evidence.home >= limits.home_e && course.plan.action.moves_payments())
                    && may_come_back(&limits, &self.ledger, &course.plan.slice, now) =>
            {
                course.turn(Direction::Home, now);
                course.reason =
                    if is_over { "the incident is over" } else { "the path is well again" }.into();
                self.ledger.write(&course.plan.slice, Deed::Turned, Direction::Home, now);
                if is_over {
                    // The first step home waits like the others: nothing of the path was tested since.
                    course.move_to(share, now);
                    self.tell(place, acts);
                } else {
                    self.go_home(place, situation, acts);
                }
            }
            Direction::Out => self.grow(place, situation, network, evidence, acts),
            Direction::Home if evidence.benefit >= AGAIN_E => {
                // What its test has proven is taken again at once, where there is still room for it.
                let one_more = next_out(&limits, &steps, share).unwrap_or(share);
                let mut next = one_more;
                let mut held = Vec::new();
                if let Some(situation) = situation {
                    for wanted in [course.proven.max(one_more), one_more] {
                        next = wanted;
                        held = self.with_check(
                            place,
                            situation,
                            network,
                            wanted,
                            is_person,
                            |check| at_turn(check).into_iter().chain(at_step(check)).collect(),
                        );
                        if held.is_empty() {
                            break;
                        }
                    }
                }
                if held.is_empty() && situation.is_some() {
                    let course = &mut self.courses[place];
                    course.turn(Direction::Out, now);
                    course.reason = "the path failed again".into();
                    self.ledger.write(&course.plan.slice, Deed::Turned, Direction::Out, now);
                    course.move_to(next, now);
                    self.tell(place, acts);
                    self.say_course(place, situation, acts);
                } else {
                    self.hold(place, held, acts);
                }
            }
            Direction::Home if may_return(&limits, evidence, is_over, age_ms) => {
                self.go_home(place, situation, acts)
            }
            Direction::Home => {}
        }
    }

    fn go_home(&mut self, place: usize, situation: Option<&Situation>, acts: &mut Vec<Act>) {
        let now = self.now;
        let course = &mut self.courses[place];
        match next_home(&self.settings.limits, &course.plan.steps, course.share) {
            Some(next) => {
                course.move_to(next, now);
                course.held.clear();
                self.tell(place, acts);
                self.say_course(place, situation, acts);
            }
            None => {
                let id = course.plan.intervention_id.clone();
                let why = format!("traffic is home again: {}", course.reason);
                self.end(&id, State::Completed, why, acts);
            }
        }
    }

    /// The next step out, as far as its test, the caps and the targets' room allow.
    fn grow(
        &mut self,
        place: usize,
        situation: Option<&Situation>,
        network: &Network,
        evidence: &Evidence,
        acts: &mut Vec<Act>,
    ) {
        let Some(situation) = situation else { return };
        let now = self.now;
        let limits = self.settings.limits.clone();
        let course = &self.courses[place];
        let id = course.plan.intervention_id.clone();
        let (share, steps) = (course.share, course.plan.steps.clone());
        let Some(next) = next_out(&limits, &steps, share) else {
            return self.hold(place, Vec::new(), acts);
        };
        let step = step_of(&limits, &steps, share);
        if !step_allows(&limits, step, evidence) {
            let detail = format!(
                "the step to {} waits for e >= {} of benefit, it is {:.1}",
                percent(next),
                limits.promote_e(step),
                evidence.benefit
            );
            return self.hold(place, vec![Held { guardrail: Guardrail::Steps, detail }], acts);
        }
        let is_person = course.authority != Authority::Pilot;
        if !is_person && self.mode_of(place) != Mode::Auto {
            let detail = "the mode asks for approval now: it stays as it is".to_owned();
            return self.hold(place, vec![Held { guardrail: Guardrail::Mode, detail }], acts);
        }
        // Where the caps or the targets leave room for a part of the step, that part is taken.
        let others = moved(&self.courses, Some(&id));
        let reserved = reserved(&mut self.courses, Some(&id), now);
        let course = &mut self.courses[place];
        let settled = course.settled(now);
        let mut room =
            ceiling_of(course.plan.action, &course.to, situation, &reserved, &limits, settled);
        if course.plan.action.moves_payments() {
            room = room.min(share_left(
                &limits,
                &others,
                course.size.share,
                &course.size.money_per_minute,
            ));
        }
        let fits = next.min(room);
        let wanted = if fits >= share * STEP_PART_MIN { fits } else { next };
        let held = self.with_check(place, situation, network, wanted, is_person, at_step);
        if !held.is_empty() {
            return self.hold(place, held, acts);
        }
        let course = &mut self.courses[place];
        course.move_to(wanted, now);
        course.held.clear();
        course.reason = format!("its test allowed the step (e = {:.1})", evidence.benefit);
        self.tell(place, acts);
        self.say_course(place, Some(situation), acts);
    }

    fn hold(&mut self, place: usize, held: Vec<Held>, acts: &mut Vec<Act>) {
        let course = &mut self.courses[place];
        let names = |held: &[Held]| held.iter().map(|held| held.guardrail).collect::<Vec<_>>();
        let is_news = names(&held) != names(&course.held);
        course.held = held;
        if is_news {
            acts.push(Act::Intervention(Box::new(course.intervention())));
        }
    }

    pub(crate) fn renew(
        &mut self,
        place: usize,
        situation: Option<&Situation>,
        evidence: &Evidence,
        acts: &mut Vec<Act>,
    ) {
        let course = &mut self.courses[place];
        let Some(started_at) = course.started_at.filter(|_| course.is_active()) else { return };
        if course.direction == Direction::Home || situation.is_none() {
            return;
        }
        let limits = &self.settings.limits;
        let later = ttl_renewed(limits, started_at, course.expires_at, evidence.fresh, self.now);
        if let Some(later) = later {
            course.expires_at = later;
            if let Some(trial) = &mut course.trial {
                trial.renew(self.now);
            }
            self.tell(place, acts);
        }
    }
}
