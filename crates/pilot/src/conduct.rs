//! What happens to interventions each cycle, before anything new is considered.
//!
//! Guards and TTL run in every state. For one in force the order is: time, harm, mismatched arms, telemetry, the incident itself, the targets, and only then
//! the next step, out or home. Whatever takes back comes before whatever widens, and needs no permission; freeze windows don't hold it.

use analyst::Slice;

use crate::act::Act;
use crate::course::{Course, moved, reserved};
use crate::guardrails::{Check, Guardrail, Held, at_start, telemetry_is_lost, ttl_initial};
use crate::intervention::{Direction, State};
use crate::ledger::{Deed, covers};
use crate::{Limits, Mode, Network, Pilot, Situation};

/// How often a running experiment is told.
const TELL_MS: i64 = 10_000;
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
            let action = self.courses[place].plan.action;
            self.lapsed.insert((incident_id, action));
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
        if !approved && self.mode_of(place) == Mode::Auto {
            // It waits because the pilot was unsure; by now it may be sure enough of this very plan.
            if let Some(confidence) = self.confidence_now(place, situation) {
                self.courses[place].confidence = confidence;
            }
        }
        let share = limits.share_of_step(self.courses[place].plan.steps[0]);
        let held = self.with_check(place, situation, network, share, approved, at_start);
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

    pub(crate) fn mode_of(&self, place: usize) -> Mode {
        self.courses[place].plan.action.mode(&self.settings.modes)
    }

    /// Comes into force with its first step.
    pub(crate) fn begin(&mut self, place: usize, situation: &Situation, acts: &mut Vec<Act>) {
        let now = self.now;
        let limits = &self.settings.limits;
        let course = &mut self.courses[place];
        assert_eq!(course.plan.hash(), course.plan_hash, "what begins is what was approved");
        course.measure(situation);
        course.holds = situation.holds;
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
        let is_blind = self.is_blind(place, network, silent, &limits, acts);
        if !self.courses[place].is_active() {
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
        if !is_blind {
            self.step(place, situation, network, &evidence, acts);
            self.renew(place, situation, &evidence, acts);
        }
        let course = &self.courses[place];
        if course.is_active() && now.millis_since(course.told_at) >= TELL_MS {
            self.tell(place, acts);
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
        // Whoever is at the very slice now speaks for it, whichever incident began it.
        let open = || situations.iter().filter(|s| !s.is_over());
        if let Some(situation) = open().find(|s| s.incident.slice == *slice) {
            return Moving::Same(situation);
        }
        let own = open().find(|s| s.incident.id == course.plan.incident_id);
        let Some(situation) = own else { return Moving::Over };
        let is: &Slice = &situation.incident.slice;
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
}
