//! What happens to interventions each cycle, before anything new is considered.
//!
//! Guards and TTL run in every state. For one in force the order is: time, harm, mismatched arms, telemetry, the incident itself, the targets, and only then
//! the next step, out or home. Whatever takes back comes before whatever widens, and needs no permission; freeze windows don't hold it.

use analyst::Slice;

use crate::act::Act;
use crate::course::{Course, moved, reserved};
use crate::decide::targets::normalise;
use crate::experiment::Evidence;
use crate::guardrails::{
    Check, Guardrail, Held, at_start, at_step, at_turn, ceiling_of, share_left, step_allows,
    telemetry_is_lost, ttl_initial, ttl_renewed,
};
use crate::intervention::{Authority, Direction, State};
use crate::ledger::{Deed, covers};
use crate::memory::Outcome;
use crate::ramp::{AGAIN_E, may_return, next_home, next_out, step_of};
use crate::{Action, Limits, Mode, Network, Pilot, Situation};

/// How often a running experiment is told.
const TELL_MS: i64 = 10_000;
/// A step smaller than this part of a wider one isn't worth its test.
const STEP_PART_MIN: f64 = 1.05;
/// Below this part of the first step an intervention isn't worth keeping.
const FIRST_STEP_PART_MIN: f64 = 0.5;
/// Part of a wider incident that an intervention has to hold to be kept.
const PART_MIN: f64 = 0.5;

/// What became of a running intervention's incident.
enum Moving<'a> {
    Same(&'a Situation),
    /// Related, and the intervention is kept.
    Kept(&'a Situation),
    Over,
    Replace {
        narrows: bool,
        why: String,
    },
}

impl Pilot {
    /// Moves every open intervention. Answers with the incidents whose intervention makes room for a narrower one.
    pub(crate) fn conduct(
        &mut self,
        situations: &[Situation],
        network: &Network,
        acts: &mut Vec<Act>,
    ) -> Vec<String> {
        let mut narrowing = Vec::new();
        self.watch_suspects(network, acts);
        for place in 0..self.courses.len() {
            if self.courses[place].is_active() {
                narrowing.extend(self.run(place, situations, network, acts));
            } else {
                self.wait(place, situations, network, acts);
            }
        }
        narrowing
    }

    fn watch_suspects(&mut self, network: &Network, acts: &mut Vec<Act>) {
        let (is, max) = (network.suspect_share, self.settings.limits.suspect_share_max);
        if is > max {
            let why = format!(
                "{:.0} % of the routes look bad: nothing is done automatically",
                is * 100.0
            );
            self.page("suspect_share", why, None, acts);
        } else {
            self.unpage("suspect_share");
        }
    }

    /// One that waits for a person.
    fn wait(
        &mut self,
        place: usize,
        situations: &[Situation],
        network: &Network,
        acts: &mut Vec<Act>,
    ) {
        let now = self.now;
        let limits = self.settings.limits.clone();
        let course = &self.courses[place];
        let id = course.plan.intervention_id.clone();
        let incident_id = course.plan.incident_id.clone();
        let stuck = format!("approval of {id}");
        if now >= course.expires_at {
            self.page(
                &format!("{stuck}: expired"),
                format!("{stuck}: nobody decided, it has expired"),
                Some(&incident_id),
                acts,
            );
            return self.end(&id, State::Expired, "nobody decided in time".into(), acts);
        }
        let Some(situation) =
            situations.iter().find(|s| s.incident.id == incident_id && !s.is_over())
        else {
            return self.end(&id, State::Expired, "the incident is over".into(), acts);
        };
        if situation.incident.slice != course.plan.slice {
            let why = format!("the incident is at {} now", situation.incident.slice);
            return self.end(&id, State::Expired, why, acts);
        }
        let waited = now.millis_since(course.created_at) as f64;
        if course.approved_by.is_none()
            && waited >= limits.approval_page_share * limits.approval_ttl_ms as f64
        {
            self.page(&stuck, format!("{stuck} still waits"), Some(&incident_id), acts);
        }
        let approved = self.courses[place].approved_by.is_some();
        let share = limits.share_of_step(self.courses[place].plan.steps[0]);
        let held =
            self.with_check(place, situation, network, share, approved, |check| at_start(check));
        let waits =
            |held: &Held| held.guardrail.yields_to_a_person() || held.guardrail == Guardrail::Mode;
        if held.iter().any(|held| held.guardrail == Guardrail::Target) {
            return self.end(&id, State::Expired, "its targets are no longer fit".into(), acts);
        }
        if held.is_empty() && (approved || self.mode_of(place) == Mode::Auto) {
            return self.begin(place, situation, acts);
        }
        let course = &mut self.courses[place];
        let hard: Vec<Held> =
            held.iter().filter(|held| !approved || !waits(held)).cloned().collect();
        let names = |held: &[Held]| held.iter().map(|held| held.guardrail).collect::<Vec<_>>();
        let is_news = names(&course.held) != names(&hard);
        course.held = hard;
        if is_news {
            acts.push(Act::Intervention(Box::new(course.intervention())));
        }
    }

    fn mode_of(&self, place: usize) -> Mode {
        self.courses[place].plan.action.mode(&self.settings.modes)
    }

    /// Comes into force with its first step.
    pub(crate) fn begin(&mut self, place: usize, situation: &Situation, acts: &mut Vec<Act>) {
        let now = self.now;
        let limits = &self.settings.limits;
        let course = &mut self.courses[place];
        assert_eq!(course.plan.hash(), course.plan_hash, "what begins is what was approved");
        course.measure(situation);
        let share = limits.share_of_step(course.plan.steps[0]);
        course.start(share, ttl_initial(limits, now), limits.maturity_ms, now);
        self.ledger.write(&course.plan.slice, Deed::Started, Direction::Out, now);
        self.tell(place, acts);
        self.say_course(place, Some(situation), acts);
    }

    /// One in force.
    fn run(
        &mut self,
        place: usize,
        situations: &[Situation],
        network: &Network,
        acts: &mut Vec<Act>,
    ) -> Option<String> {
        let now = self.now;
        let limits = self.settings.limits.clone();
        let course = &mut self.courses[place];
        let id = course.plan.intervention_id.clone();
        let incident_id = course.plan.incident_id.clone();
        let trial = course.trial.as_mut().expect("one in force has a trial");
        trial.mature(now);
        let evidence = trial.evidence();
        let silent = trial.silent_payments();
        course.evidence = Some(evidence);
        course.benefit_max = course.benefit_max.max(evidence.benefit);

        if now >= course.expires_at {
            self.end(&id, State::Expired, "its time was up".into(), acts);
            return None;
        }
        if evidence.mismatch >= limits.mismatch_e {
            let why = format!(
                "{id}: the arms don't have their sizes (e = {:.0}), nothing they say counts",
                evidence.mismatch
            );
            self.page(&why, why.clone(), Some(&incident_id), acts);
            self.end(&id, State::RolledBack, "sample-ratio mismatch".into(), acts);
            return None;
        }
        if evidence.harm >= limits.harm_e {
            self.end(&id, State::RolledBack, format!("harm at e = {:.0}", evidence.harm), acts);
            return None;
        }
        if self.is_blind(place, network, silent, &limits, acts) {
            return None;
        }
        let situation = match self.moving(place, situations) {
            Moving::Same(situation) => {
                self.courses[place].measure(situation);
                Some(situation)
            }
            Moving::Kept(situation) => Some(situation),
            Moving::Over => None,
            Moving::Replace { narrows, why } => {
                self.end(&id, State::Completed, why, acts);
                return narrows.then_some(incident_id);
            }
        };
        if situation.is_some_and(|situation| !self.keep_targets(place, situation, acts)) {
            return None;
        }
        self.step(place, situation, network, &evidence, acts);
        self.renew(place, situation, &evidence, acts);
        let course = &mut self.courses[place];
        if course.is_active() && now.millis_since(course.told_at) >= TELL_MS {
            course.told_at = now;
            acts.extend(course.experiment(&limits).map(|news| Act::Experiment(Box::new(news))));
        }
        None
    }

    /// Lost telemetry takes it back to what a test has proven, once per loss; nothing grows meanwhile.
    fn is_blind(
        &mut self,
        place: usize,
        network: &Network,
        silent: u32,
        limits: &Limits,
        acts: &mut Vec<Act>,
    ) -> bool {
        let now = self.now;
        let course = &mut self.courses[place];
        let id = course.plan.intervention_id.clone();
        let matter = format!("telemetry of {id}");
        if !telemetry_is_lost(limits, network, silent, now) {
            course.is_blind = false;
            self.unpage(&matter);
            return false;
        }
        if course.is_blind {
            return true;
        }
        course.is_blind = true;
        let (proven, share, incident) =
            (course.proven, course.share, course.plan.incident_id.clone());
        let why = "telemetry is lost: back to what its test had proven";
        self.page(&matter, format!("{id}: {why}"), Some(&incident), acts);
        if proven <= 0.0 {
            self.end(
                &id,
                State::RolledBack,
                "telemetry is lost, nothing was proven yet".into(),
                acts,
            );
        } else if proven < share {
            self.courses[place].move_to(proven, now);
            self.courses[place].reason = why.into();
            self.tell(place, acts);
        }
        true
    }

    fn moving<'a>(&self, place: usize, situations: &'a [Situation]) -> Moving<'a> {
        let course = &self.courses[place];
        let slice = &course.plan.slice;
        let own =
            situations.iter().find(|s| s.incident.id == course.plan.incident_id && !s.is_over());
        let heir = || situations.iter().find(|s| s.incident.slice == *slice && !s.is_over());
        let Some(situation) = own.or_else(heir) else { return Moving::Over };
        let is: &Slice = &situation.incident.slice;
        if is == slice {
            return Moving::Same(situation);
        }
        if situation.incident.aliases.contains(slice) {
            return Moving::Kept(situation);
        }
        let helps = course.proven > 0.0;
        if covers(slice, is) {
            if helps {
                return Moving::Kept(situation);
            }
            return Moving::Replace {
                narrows: true,
                why: format!("the incident is narrower: {is}"),
            };
        }
        if covers(is, slice) {
            let enough = course.size.share >= PART_MIN * situation.share;
            if enough || helps && self.is_cooling(course) {
                return Moving::Kept(situation);
            }
            return Moving::Replace { narrows: false, why: format!("the incident is wider: {is}") };
        }
        Moving::Replace { narrows: false, why: format!("the incident moved to {is}") }
    }

    fn is_cooling(&self, course: &Course) -> bool {
        let since = course.started_at.map_or(0, |at| self.now.millis_since(at));
        since < self.settings.limits.cooldown_ms
    }

    /// Targets that turned suspect or full are left; false if none is left and it was rolled back.
    fn keep_targets(&mut self, place: usize, situation: &Situation, acts: &mut Vec<Act>) -> bool {
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
        if ceiling < course.share {
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

    /// Out or home, if its test allows.
    fn step(
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
        let age_ms = now.millis_since(course.step_since());
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
                if is_over
                    || evidence.home >= limits.home_e && course.plan.action.moves_payments() =>
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
                let next = next_out(&limits, &steps, share).unwrap_or(share);
                let held = match situation {
                    Some(situation) => {
                        self.with_check(place, situation, network, next, false, |check| {
                            at_turn(check).into_iter().chain(at_step(check)).collect()
                        })
                    }
                    None => Vec::new(),
                };
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
            return self.hold(place, Vec::new(), acts);
        }
        if course.authority == Authority::Pilot && self.mode_of(place) != Mode::Auto {
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
        let held = self.with_check(place, situation, network, wanted, true, |check| at_step(check));
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

    fn renew(
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

    /// Runs guardrails on a plan as it would be with this share.
    pub(crate) fn with_check<T>(
        &mut self,
        place: usize,
        situation: &Situation,
        network: &Network,
        share: f64,
        approved: bool,
        run: impl FnOnce(&Check<'_>) -> T,
    ) -> T {
        let now = self.now;
        let id = self.courses[place].plan.intervention_id.clone();
        let others = moved(&self.courses, Some(&id));
        let reserved = reserved(&mut self.courses, Some(&id), now);
        let settled =
            if self.courses[place].is_active() { self.courses[place].settled(now) } else { 0.0 };
        let course = &self.courses[place];
        let mut sized;
        let situation = if situation.incident.slice == course.plan.slice {
            situation
        } else {
            // The incident's slice has moved; what counts here is the plan's.
            sized = situation.clone();
            sized.share = course.size.share;
            sized.attempts_per_s = course.size.attempts_per_s;
            sized.money_per_minute.clone_from(&course.size.money_per_minute);
            &sized
        };
        run(&Check {
            limits: &self.settings.limits,
            modes: &self.settings.modes,
            freezes: &self.settings.freezes,
            killed: self.killed.as_deref(),
            now,
            ledger: &self.ledger,
            network,
            situation,
            others: &others,
            reserved: &reserved,
            action: course.plan.action,
            slice: &course.plan.slice,
            to: &course.to,
            share,
            settled,
            confidence: course.confidence,
            approved,
            narrows: false,
        })
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
