//! What is kept true of interventions in force while the world changes under them: fit targets, caps, modes, time. Everything here takes back; nothing asks for permission.

use crate::act::Act;
use crate::course::reserved;
use crate::decide::targets::normalise;
use crate::guardrails::{ceiling_of, share_left};
use crate::intervention::State;
use crate::{Action, Mode, Pilot, Situation};

/// Below this part of the first step an intervention isn't worth keeping.
const FIRST_STEP_PART_MIN: f64 = 0.5;

impl Pilot {
    /// Targets that turned suspect or full are left; false if none is left and it was rolled back.
    pub(crate) fn keep_targets(
        &mut self,
        place: usize,
        situation: &Situation,
        acts: &mut Vec<Act>,
    ) -> bool {
        let now = self.now;
        let limits = self.settings.limits.clone();
        let course = &self.courses[place];
        if !course.plan.action.moves_payments() {
            return true;
        }
        let id = course.plan.intervention_id.clone();
        let is_fit =
            |gateway: &str| situation.path(gateway).is_some_and(|path| !path.hit && !path.suspect);
        let others_fit = situation.paths.iter().all(|path| path.hit || !path.suspect);
        let left = course.to.iter().filter(|to| is_fit(&to.gateway)).count();
        let picks_freely = course.plan.action == Action::SuppressPath;
        if left == 0 || picks_freely && !others_fit {
            self.end(&id, State::RolledBack, "its targets are suspect".into(), acts);
            return false;
        }
        let mut is_news = false;
        if left < course.to.len() {
            let course = &mut self.courses[place];
            course.to.retain(|to| is_fit(&to.gateway));
            normalise(&mut course.to);
            course.measure_targets(situation);
            is_news = true;
        }
        let reserved = reserved(&mut self.courses, Some(&id), now);
        let course = &mut self.courses[place];
        let settled = course.settled(now);
        let ceiling =
            ceiling_of(course.plan.action, &course.to, situation, &reserved, &limits, settled);
        // What growth leaves free of the headroom is there for the noise of a measured load.
        if ceiling < limits.headroom_use * course.share {
            if ceiling < FIRST_STEP_PART_MIN * course.plan.steps[0] {
                self.end(&id, State::RolledBack, "its targets have no headroom left".into(), acts);
                return false;
            }
            course.move_to(ceiling, now);
            is_news = true;
        }
        if is_news {
            self.tell(place, acts);
        }
        true
    }

    /// Shares shrink until the caps hold: slices grow by themselves. The oldest keep most.
    pub(crate) fn keep_caps(&mut self, acts: &mut Vec<Act>) {
        let now = self.now;
        let limits = self.settings.limits.clone();
        let mut others = Vec::new();
        for place in 0..self.courses.len() {
            let course = &self.courses[place];
            if !course.is_active() || !course.plan.action.moves_payments() {
                continue;
            }
            let left =
                share_left(&limits, &others, course.size.share, &course.size.money_per_minute);
            if course.share > left {
                let id = course.plan.intervention_id.clone();
                if left < FIRST_STEP_PART_MIN * course.plan.steps[0] {
                    self.end(&id, State::RolledBack, "the caps leave no room for it".into(), acts);
                    continue;
                }
                self.courses[place].move_to(left, now);
                self.courses[place].reason = "taken back to what the caps leave".into();
                self.tell(place, acts);
            }
            others.push(self.courses[place].moved());
        }
    }

    /// What may no longer act doesn't.
    pub(crate) fn keep_modes(&mut self, acts: &mut Vec<Act>) {
        for place in 0..self.courses.len() {
            let course = &self.courses[place];
            if course.is_open() && matches!(self.mode_of(place), Mode::Shadow | Mode::Advise) {
                let id = course.plan.intervention_id.clone();
                let state = if course.is_active() { State::RolledBack } else { State::Expired };
                self.end(&id, state, "its action's mode no longer lets it act".into(), acts);
            }
        }
    }

    /// What is past its time ends.
    pub(crate) fn keep_time(&mut self, acts: &mut Vec<Act>) {
        for place in 0..self.courses.len() {
            let course = &self.courses[place];
            if course.is_open() && self.now >= course.expires_at {
                let id = course.plan.intervention_id.clone();
                self.end(&id, State::Expired, "its time was up".into(), acts);
            }
        }
    }

    /// The kill switch: everything goes home at once.
    pub(crate) fn roll_all_back(&mut self, acts: &mut Vec<Act>) {
        for place in 0..self.courses.len() {
            let course = &self.courses[place];
            let id = course.plan.intervention_id.clone();
            let state = match course.state {
                State::Active => State::RolledBack,
                State::Pending => State::Rejected,
                _ => continue,
            };
            self.end(&id, state, "the kill switch was engaged".into(), acts);
        }
    }
}
