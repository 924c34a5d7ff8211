//! What people are told of a roll-out: that a policy has everything but its hold-out, that it has become the configured one, or that it was taken back and why.
//!
//! A step forward is what a roll-out is for; it is in the stream and in the audit log, and nobody is told. What ended by itself is a warning: the payments are back
//! already, and somebody has to look at the policy. What people did themselves is a note to the others.

use analyst::Slice;
use engine::RolledOut;
use pilot::rollout::{Stage, Stop, Turn};

use super::Severity;
use super::notice::{Kind, Notice};
use crate::report::percent;
use crate::wire::{self, rfc3339};

impl Notice {
    /// A roll-out has changed its stage; of most changes nobody has to know.
    pub fn rollout(rolled_out: &RolledOut, turn: &Turn) -> Option<Self> {
        let id = rolled_out.id();
        let (kind, severity, title) = match &turn.to {
            Stage::Same | Stage::Step(_) => return None,
            Stage::Whole => {
                let rest = 1.0 - rolled_out.rollout.plan().hold_out;
                let title = format!("the roll-out {id} is whole: {} of payments", percent(rest));
                (Kind::RolloutWhole, Severity::Info, title)
            }
            Stage::Stopped(Stop::Adopted) => {
                let title = format!("the policy of the roll-out {id} is the configured one now");
                (Kind::RolloutAdopted, Severity::Info, title)
            }
            Stage::Stopped(stop) => {
                let title = match (stop, wire::ended(stop).1) {
                    (Stop::Person(_), by_whom) => format!("the roll-out {id} was {by_whom}"),
                    (_, why) => format!("the roll-out {id} was taken back: {why}"),
                };
                (Kind::RolloutRolledBack, severity(stop), title)
            }
        };
        let (_, state) = kind.as_str().split_once('.')?;
        Some(Self {
            id: format!("{id}-{state}"),
            about: id,
            kind,
            severity,
            previous_severity: None,
            title,
            text: details(rolled_out, turn),
            slice: slice(&turn.to),
            incident_id: None,
            intervention_id: None,
        })
    }
}

fn severity(stop: &Stop) -> Severity {
    match stop {
        Stop::Person(_) | Stop::KillSwitch | Stop::Adopted => Severity::Info,
        Stop::SampleRatio
        | Stop::NotTheSame
        | Stop::Harm
        | Stop::Guard(_)
        | Stop::Inconclusive
        | Stop::Unheard
        | Stop::Gateway(_) => Severity::Warning,
    }
}

/// A roll-out is about all payments, unless a gateway ended it that is gone.
fn slice(stage: &Stage) -> Slice {
    match stage {
        Stage::Stopped(Stop::Gateway(name)) => Slice::new([("gateway", name.as_str())]),
        _ => Slice::default(),
    }
}

fn details(rolled_out: &RolledOut, turn: &Turn) -> String {
    let plan = rolled_out.rollout.plan();
    let report = rolled_out.rollout.report();
    let mut parts = Vec::new();
    match &turn.to {
        Stage::Whole => {
            parts.push(format!("{} stay with the configured policy", percent(plan.hold_out)));
            parts.push("it stays so until it is rolled back or the configuration says what the candidate says".into());
        }
        Stage::Stopped(Stop::Adopted) => parts.push("its hold-out has ended too".into()),
        Stage::Same | Stage::Step(_) | Stage::Stopped(_) => {
            parts.push("the configured policy routes everything again".into());
            parts.push(match turn.from {
                Stage::Step(at) => format!(
                    "it was at step {} of {}, {} of payments",
                    at + 1,
                    plan.steps.len(),
                    percent(plan.steps[at])
                ),
                Stage::Whole => format!("it had {} of payments", percent(1.0 - plan.hold_out)),
                Stage::Same | Stage::Stopped(_) => "it had routed no payment yet".into(),
            });
        }
    }
    if let Some(uplift) = report.uplift {
        let (low, high) = report.uplift_interval;
        let points = [uplift, low, high].map(|share| format!("{:+.2}", 100.0 * share));
        let [uplift, low, high] = points;
        parts.push(format!(
            "success less that of the others {uplift} points ({low} to {high}) in that stage"
        ));
    }
    parts.push(format!("begun by {} at {}", rolled_out.by, rfc3339(rolled_out.began_at)));
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use engine::{LEASE_MS, Routing};
    use payments::Timestamp;
    use pilot::rollout::{Group, Guard, Plan, Rollout, Seen};

    use super::*;

    fn rolled_out() -> RolledOut {
        let began_at = Timestamp::from_millis(0);
        let plan = Plan { same_payments: 10, steps: vec![0.05, 0.5], ..Plan::default() };
        RolledOut {
            number: 3,
            routing: Routing::default(),
            by: "ann".into(),
            began_at,
            turns: Vec::new(),
            rollout: Rollout::new(plan).expect("a plan"),
            leased_until: began_at.plus_millis(LEASE_MS),
        }
    }

    fn turn(from: Stage, to: Stage) -> Turn {
        Turn { at: Timestamp::from_millis(9_000), from, to }
    }

    fn told(from: Stage, to: Stage) -> Option<Notice> {
        Notice::rollout(&rolled_out(), &turn(from, to))
    }

    #[test]
    fn nobody_is_told_of_a_step_forward() {
        assert_eq!(told(Stage::Same, Stage::Step(0)), None);
        assert_eq!(told(Stage::Step(0), Stage::Step(1)), None);
        let whole = told(Stage::Step(1), Stage::Whole).expect("told");
        assert_eq!((whole.id.as_str(), whole.severity), ("ro_3-whole", Severity::Info));
        assert_eq!(whole.title, "the roll-out ro_3 is whole: 98.0 % of payments");
    }

    #[test]
    fn what_ended_by_itself_is_a_warning_and_says_why() {
        let guard = Stop::Guard(Guard::SlowerThanMs(2_000));
        let notice = told(Stage::Step(0), Stage::Stopped(guard)).expect("told");
        assert_eq!(
            (notice.id.as_str(), notice.about.as_str(), notice.severity),
            ("ro_3-rolled_back", "ro_3", Severity::Warning)
        );
        assert_eq!(
            notice.title,
            "the roll-out ro_3 was taken back: the candidate has more payments slower than 2000 ms"
        );
        assert_eq!(
            notice.text,
            "the configured policy routes everything again; it was at step 1 of 2, 5.0 % of payments; begun by ann at 1970-01-01T00:00:00Z"
        );
        assert_eq!(notice.slice, Slice::default());
    }

    #[test]
    fn what_people_did_is_a_note() {
        let by = Stop::Person("bob: enough seen".into());
        let notice = told(Stage::Same, Stage::Stopped(by)).expect("told");
        assert_eq!(notice.title, "the roll-out ro_3 was rolled back by bob: enough seen");
        assert!(notice.text.contains("it had routed no payment yet"), "{}", notice.text);
        assert_eq!(notice.severity, Severity::Info);
        let adopted = told(Stage::Whole, Stage::Stopped(Stop::Adopted)).expect("told");
        assert_eq!((adopted.id.as_str(), adopted.severity), ("ro_3-adopted", Severity::Info));
    }

    #[test]
    fn a_gateway_that_is_gone_is_what_it_is_about() {
        let gone = Stop::Gateway("payu".into());
        let notice = told(Stage::Step(1), Stage::Stopped(gone)).expect("told");
        assert_eq!(notice.slice, Slice::new([("gateway", "payu")]));
    }

    #[test]
    fn what_the_stage_has_shown_is_said_with_its_interval() {
        let mut last = rolled_out();
        let mut pay = |from: i64, candidates: i64| {
            for n in from..from + 20 {
                let id = format!("p_{n}");
                let is_tried = n - from < candidates;
                let group = if is_tried { Group::Candidate } else { Group::Incumbent };
                last.rollout.decided(&id, group, Timestamp::from_millis(n));
                last.rollout.outcome(&id, || Seen { approved: is_tried, ..Seen::default() });
            }
            last.rollout.advance(Timestamp::from_millis(from + 60_020))
        };
        let first = pay(0, 10).expect("the first step");
        assert_eq!(first.to, Stage::Step(0));
        assert_eq!(pay(100_000, 1), None);
        let why = Stop::Person("bob: x".into());
        let ended = last.rollout.stop(why, Timestamp::from_millis(200_000)).expect("it ends");
        let text = Notice::rollout(&last, &ended).expect("told").text;
        assert!(text.contains("success less that of the others +100.00 points ("), "{text}");
    }
}
