//! How an intervention ends: told, written down, learnt from.

use crate::Pilot;
use crate::act::Act;
use crate::intervention::{Direction, State};
use crate::ledger::Deed;
use crate::memory::Outcome;

impl Pilot {
    /// Ends an intervention, and learns from it.
    pub(crate) fn end(&mut self, id: &str, state: State, reason: String, acts: &mut Vec<Act>) {
        let now = self.now;
        let Some(place) = self.courses.iter().position(|course| course.plan.intervention_id == id)
        else {
            return;
        };
        let limits = self.settings.limits.clone();
        let course = &mut self.courses[place];
        let was_active = course.is_active();
        course.state = state;
        course.ended_at = Some(now);
        course.reason = reason;
        course.held.clear();
        self.unpage(&format!("approval of {id}"));
        self.unpage(&format!("telemetry of {id}"));
        self.tell(place, acts);
        if !was_active {
            return;
        }
        let course = &self.courses[place];
        self.ledger.write(&course.plan.slice, Deed::Ended, Direction::Home, now);
        let outcome = course.outcome(&limits);
        let incident = course.plan.incident_id.clone();
        let lesson = self.recollection.learn(&course.pattern, course.plan.action, outcome);
        acts.push(Act::Lesson(lesson));
        let helped = course.benefit_max >= limits.promote_e(usize::MAX);
        let failed = match state {
            State::RolledBack => outcome == Outcome::Harmed && !helped,
            State::Expired => !helped,
            // The arms were alike, and the incident goes on: that was no fix.
            State::Completed => !helped && course.direction == Direction::Home && !course.is_over,
            _ => false,
        };
        if failed {
            self.ledger.failed(&incident, now);
            let failures = self.ledger.failures(&incident);
            if failures >= limits.failed_fixes_max {
                let why = format!("{failures} fixes of {incident} failed: a person decides");
                self.page(&format!("fixes of {incident}"), why, Some(&incident), acts);
            }
        }
    }

    /// Tells of an intervention and its experiment.
    pub(crate) fn tell(&mut self, place: usize, acts: &mut Vec<Act>) {
        let limits = &self.settings.limits;
        let course = &mut self.courses[place];
        course.told_at = self.now;
        acts.push(Act::Intervention(Box::new(course.intervention())));
        acts.extend(course.experiment(limits).map(|news| Act::Experiment(Box::new(news))));
    }
}
