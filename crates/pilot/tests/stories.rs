//! Single stories: what the pilot says and does in situations that people will ask about.

mod stage;
mod world;

use analyst::{Cause, Signal, Slice};
use pilot::{
    Action, Command, Direction, Freeze, Guardrail, Mode, Pilot, Refusal, Settings, Situation,
    State, words,
};
use stage::{Stage, approve, at_full};

#[test]
fn an_incident_from_alarm_to_home() {
    let mut stage = Stage::new(Settings::default());
    stage.until(120, at_full);
    stage.tick(30);
    stage.shown.clear();
    stage.rates = Some((0.88, 0.88));
    stage.until(240, |pilot| pilot.allocation().overlays.is_empty());
    let mut text = String::new();
    for decision in stage.decisions() {
        let (action, risk) = words(&decision);
        text += &format!("{action}\n  {risk}\n");
    }
    for lesson in &stage.pilot.memory().lessons {
        text += &format!(
            "{} x{}: {} {:?}\n",
            lesson.pattern, lesson.times_seen, lesson.action, lesson.outcome
        );
    }
    for (key, belief) in &stage.pilot.memory().beliefs {
        text += &format!("{key} seen x{}\n", belief.times_seen);
    }
    insta::assert_snapshot!(text);
    assert_eq!(stage.first().state, State::Completed);
    assert!(stage.pages().is_empty());
}

#[test]
fn some_incidents_are_only_told() {
    type Spoil = fn(&mut Situation);
    let spoil: [(Spoil, &str); 6] = [
        (|s| s.incident.cause = Cause::UserRelated, "user_related: another path doesn't help"),
        (
            |s| s.incident.cause = Cause::SuspectedFraud,
            "suspected_fraud: another path doesn't help",
        ),
        (|s| s.incident.signal = Signal::Latency, "slower, approvals intact"),
        (|s| s.incident.signal = Signal::ErrorMix, "other codes, approvals intact"),
        (|s| s.incident.signal = Signal::Volume, "a change of volume only"),
        (
            |s| s.incident.slice = Slice::new([("issuer", "HDFC")]),
            "the slice names no gateway to leave",
        ),
    ];
    for (spoil, reason) in spoil {
        let mut stage = Stage::new(Settings::default());
        spoil(&mut stage.shown[0]);
        stage.tick(20);
        let decisions = stage.decisions();
        assert_eq!(decisions.len(), 1, "said once");
        assert_eq!((decisions[0].action, decisions[0].reason.as_str()), (Action::Alert, reason));
        assert!(stage.pilot.allocation().overlays.is_empty());
    }
}

#[test]
fn more_approvals_than_expected_are_no_incident_to_act_on() {
    let mut stage = Stage::new(Settings::default());
    stage.shown[0].incident.observed_rate = 0.95;
    stage.tick(1);
    assert_eq!(words(&stage.decisions()[0]).0, "no_action - more approvals than expected");
}

#[test]
fn approval_is_bound_to_the_plan_and_checked_again() {
    let mut stage = Stage::with_mode(Mode::Approve);
    stage.tick(5);
    let itv = stage.first();
    assert_eq!((itv.state, stage.share()), (State::Pending, 0.0));
    assert!(stage.decisions()[0].needs_approval);
    let wrong = Command::Approve {
        intervention_id: itv.id.clone(),
        plan_hash: "0".repeat(32),
        by: "ana".into(),
    };
    assert!(matches!(stage.command(wrong), Err(Refusal::OtherPlan { .. })));
    stage.command(approve(&itv)).unwrap();
    let second = stage.command(approve(&itv));
    assert!(matches!(second, Err(Refusal::WrongState { .. })), "one approval wins: {second:?}");
    assert_eq!(stage.share(), 0.0, "it begins with the next cycle");
    stage.tick(1);
    assert_eq!((stage.first().state, stage.share()), (State::Active, 0.05));
    assert!(matches!(stage.command(approve(&itv)), Err(Refusal::WrongState { .. })));
}

#[test]
fn what_changed_since_the_approval_is_seen() {
    let mut stage = Stage::with_mode(Mode::Approve);
    stage.tick(5);
    let itv = stage.first();
    stage.command(approve(&itv)).unwrap();
    for path in &mut stage.shown[0].paths {
        path.suspect = !path.hit;
    }
    stage.tick(1);
    let over = stage.pilot.interventions().into_iter().find(|i| i.id == itv.id).unwrap();
    assert_eq!(over.state, State::Expired);
    assert_eq!(stage.share(), 0.0);
}

#[test]
fn approvals_expire_and_page_when_stuck() {
    let mut stage = Stage::with_mode(Mode::Approve);
    stage.tick(1);
    let itv = stage.first();
    stage.tick(8 * 60);
    assert_eq!(stage.pages(), ["approval of itv_1 still waits"]);
    stage.tick(8 * 60);
    assert_eq!(stage.first().state, State::Expired);
    assert!(stage.pages().iter().any(|why| why.contains("nobody decided")));
    assert!(matches!(stage.command(approve(&itv)), Err(Refusal::WrongState { .. })));
}

#[test]
fn a_plan_that_nobody_decided_on_is_not_asked_for_again() {
    let mut stage = Stage::with_mode(Mode::Approve);
    stage.tick(40 * 60);
    assert_eq!(stage.pilot.interventions().len(), 1);
    let last = stage.decisions().pop().expect("it is said");
    assert_eq!((last.action, last.needs_approval), (Action::Alert, false));
}

/// What is left alone has been weighed: how sure it was of moving the payments can be checked afterwards.
#[test]
fn a_reroute_that_is_not_made_was_weighed() {
    let mut stage = Stage::new(Settings::default());
    stage.shown[0].incident.slice = Slice::new([("issuer", "HDFC")]);
    stage.shown[0].paths.iter_mut().for_each(|path| path.hit = false);
    stage.tick(5);
    let decision = &stage.decisions()[0];
    assert_eq!(decision.action, Action::Alert);
    assert!(!decision.considered.is_empty(), "it was weighed");
    for weighed in &decision.considered {
        assert_eq!(weighed.slice.get("issuer"), Some("HDFC"));
        assert_eq!(weighed.slice.get("gateway"), Some(weighed.from.as_str()));
        assert!(weighed.to.iter().all(|to| to.gateway != weighed.from));
        assert!((0.0..=1.0).contains(&weighed.confidence));
    }
    let targets = decision.considered.iter().map(|weighed| &weighed.to[..]);
    let alone: Vec<&str> = targets
        .filter_map(|to| if let [only] = to { Some(only.gateway.as_str()) } else { None })
        .collect();
    let paths = &stage.shown[0].paths;
    let left = &decision.considered[0].from;
    let others = paths.iter().filter(|path| path.gateway != *left && path.eligible_share > 0.0);
    let mut want: Vec<&str> = others.map(|path| path.gateway.as_str()).collect();
    let mut got = alone.clone();
    want.sort_unstable();
    got.sort_unstable();
    assert_eq!(got, want, "each other gateway once by itself");
}

#[test]
fn what_a_person_turned_down_is_not_asked_again() {
    let mut stage = Stage::with_mode(Mode::Approve);
    stage.tick(1);
    let id = stage.first().id;
    stage
        .command(Command::Reject {
            intervention_id: id,
            reason: "planned".into(),
            by: "ana".into(),
        })
        .unwrap();
    stage.tick(120);
    assert_eq!(stage.pilot.interventions().len(), 1);
    let held = &stage.decisions().pop().unwrap().held;
    assert!(held.iter().any(|held| held.guardrail == Guardrail::TurnedDown));
}

#[test]
fn unsure_waits_and_acts_alone_once_sure() {
    let mut stage = Stage::new(Settings::default());
    stage.shown[0].incident.confidence = 0.2;
    for path in stage.shown[0].paths.iter_mut().filter(|path| !path.hit) {
        (path.attempts, path.successes, path.expected_successes) = (0.0, 0.0, 0.0);
    }
    stage.tick(5);
    let itv = stage.first();
    assert_eq!(itv.state, State::Pending);
    assert!(itv.held.iter().all(|held| held.guardrail == Guardrail::Confidence));
    stage.shown[0].incident.confidence = 0.97;
    stage.tick(1);
    assert_eq!((stage.first().id, stage.first().state), (itv.id, State::Active));
}

#[test]
fn advice_and_shadow_touch_nothing() {
    for mode in [Mode::Advise, Mode::Shadow] {
        let mut stage = Stage::with_mode(mode);
        stage.tick(30);
        let decisions = stage.decisions();
        assert_eq!(
            (decisions.len(), decisions[0].action, decisions[0].mode),
            (1, Action::Reroute, mode)
        );
        assert!(stage.pilot.interventions().is_empty());
    }
}

#[test]
fn the_kill_switch_empties_the_allocation_at_once_and_is_latched() {
    let mut stage = Stage::new(Settings::default());
    stage.until(120, at_full);
    let kill = |engaged| Command::KillSwitch { engaged, reason: "drill".into(), by: "ana".into() };
    stage.command(kill(true)).unwrap();
    assert!(stage.pilot.allocation().overlays.is_empty());
    assert_eq!(stage.first().state, State::RolledBack);
    stage.tick(300);
    assert!(stage.pilot.allocation().overlays.is_empty());
    assert_eq!(stage.pilot.killed(), Some("drill (ana)"));
    stage.command(kill(false)).unwrap();
    stage.tick(1);
    assert_eq!(stage.share(), 0.05);
}

#[test]
fn harm_rolls_back_in_a_freeze_and_two_failures_ask_for_a_person() {
    let mut stage = Stage::new(Settings::default());
    stage.tick(1);
    let freeze =
        Freeze { from: stage.now, to: stage.now.plus_millis(600_000), reason: "sale".into() };
    stage.command(Command::SetFreezes(vec![freeze])).unwrap();
    stage.rates = Some((0.0, 0.41));
    stage.until(60, |pilot| pilot.allocation().overlays.is_empty());
    assert_eq!(stage.first().state, State::RolledBack);
    stage.tick(120);
    assert_eq!(stage.pilot.interventions().len(), 1, "frozen");
    stage.tick(600);
    assert!(stage.pilot.interventions().len() >= 2);
    stage.until(120, |pilot| pilot.allocation().overlays.is_empty());
    stage.tick(120);
    assert!(
        stage.pages().iter().any(|why| why.contains("a person decides")),
        "{:?}",
        stage.pages()
    );
    assert_eq!(stage.share(), 0.0);
    let harmed = &stage.pilot.memory().lessons[0];
    assert_eq!((harmed.outcome, harmed.times_seen), (pilot::Outcome::Harmed, 2));
}

#[test]
fn lost_telemetry_goes_back_to_what_was_proven() {
    // Nothing proven: home.
    let mut stage = Stage::new(Settings::default());
    stage.rates = None;
    stage.until(120, |pilot| {
        pilot.interventions().first().is_some_and(|i| i.state == State::RolledBack)
    });
    assert!(stage.pages()[0].contains("telemetry is lost"));
    // All the way, but nothing known of the last step yet: the share that a test had allowed to be left.
    let mut stage = Stage::new(Settings::default());
    stage.blind_above = 0.9;
    stage.until(120, at_full);
    stage.until(120, |pilot| pilot.allocation().overlays.first().is_some_and(|o| o.share < 0.9));
    assert_eq!(stage.share(), 0.5);
    stage.blind_above = 1.0;
    stage.until(120, at_full);
}

#[test]
fn a_target_that_turns_suspect_is_left_and_with_the_last_one_the_intervention() {
    let mut stage = Stage::new(Settings::default());
    stage.until(120, at_full);
    let targets = |pilot: &Pilot| {
        pilot.interventions()[0].to.iter().map(|to| to.gateway.clone()).collect::<Vec<_>>()
    };
    assert_eq!(targets(&stage.pilot), ["payu", "stripe"]);
    stage.shown[0].paths[1].suspect = true;
    stage.tick(1);
    assert_eq!((targets(&stage.pilot), stage.share()), (vec!["stripe".into()], 0.98));
    stage.shown[0].paths[2].suspect = true;
    stage.tick(1);
    assert_eq!((stage.first().state, stage.share()), (State::RolledBack, 0.0));
}

#[test]
fn headroom_bounds_the_share() {
    let mut stage = Stage::new(Settings::default());
    for _ in 0..300 {
        let to = stage.pilot.interventions().first().map_or(Vec::new(), |itv| itv.to.clone());
        let share = stage.share();
        for path in stage.shown[0].paths.iter_mut().filter(|path| !path.hit) {
            let weight = to.iter().find(|to| to.gateway == path.gateway).map_or(0.0, |to| to.share);
            path.load_per_s = 95.0 + 20.0 * share * weight;
        }
        stage.tick(1);
    }
    // 10 free per second, nine of them to be planned with, of 20 to be moved.
    assert!((0.2..=0.45).contains(&stage.share()), "{}", stage.share());
}

#[test]
fn when_most_routes_look_bad_a_person_is_paged_and_nothing_begins() {
    let mut stage = Stage::new(Settings::default());
    stage.network.suspect_share = 0.6;
    stage.tick(60);
    assert_eq!(stage.pages().len(), 1);
    assert_eq!((stage.share(), stage.first().state), (0.0, State::Pending));
}

#[test]
fn a_narrower_incident_replaces_at_once_and_a_proven_one_is_kept() {
    let narrower = Slice::new([("gateway", "razorpay"), ("network", "VISA"), ("issuer", "HDFC")]);
    let mut stage = Stage::new(Settings::default());
    stage.tick(2);
    stage.shown[0].incident.slice = narrower.clone();
    stage.tick(1);
    assert_eq!((stage.first().state, stage.last().state), (State::Completed, State::Active));
    assert_eq!(stage.last().slice, narrower, "without waiting for the cooldown");

    let mut stage = Stage::new(Settings::default());
    stage.until(120, at_full);
    stage.shown[0].incident.slice = narrower;
    stage.tick(10);
    assert_eq!((stage.pilot.interventions().len(), stage.share()), (1, 0.98));
}

#[test]
fn a_wider_incident_replaces_after_the_cooldown() {
    let mut stage = Stage::new(Settings::default());
    stage.until(120, at_full);
    stage.tick(60);
    stage.shown[0].incident.slice = Slice::new([("gateway", "razorpay")]);
    stage.shown[0].share = 0.3;
    stage.tick(1);
    assert_eq!((stage.first().state, stage.share()), (State::Completed, 0.0));
    let held: Vec<Guardrail> =
        stage.decisions().pop().unwrap().held.iter().map(|h| h.guardrail).collect();
    assert_eq!(held, [Guardrail::Cooldown]);
    stage.until(61, |pilot| !pilot.allocation().overlays.is_empty());
    assert_eq!(stage.last().slice, Slice::new([("gateway", "razorpay")]));
}

#[test]
fn the_path_that_recovers_gets_its_traffic_back_and_loses_it_again() {
    let mut stage = Stage::new(Settings::default());
    stage.until(120, at_full);
    stage.rates = Some((0.88, 0.88));
    let is_returning = |pilot: &Pilot| pilot.interventions()[0].direction == Direction::Home;
    let seconds = stage.until(1_500, is_returning);
    assert!(stage.share() <= 0.5, "{}", stage.share());
    stage.rates = Some((0.88, 0.41));
    let again = stage.until(120, |pilot| pilot.interventions()[0].direction == Direction::Out);
    println!("recovery seen by the probe trickle after {seconds} s, its end after {again} s");
    stage.until(120, at_full);
}

#[test]
fn time_is_renewed_by_fresh_evidence_alone_and_ends() {
    let mut stage = Stage::new(Settings::default());
    stage.until(120, at_full);
    let begun = stage.first().started_at.unwrap();
    let hours = |stage: &Stage| stage.now.millis_since(begun) as f64 / 3_600_000.0;
    stage.until(5 * 3_600, |pilot| pilot.interventions()[0].state != State::Active);
    assert_eq!(stage.first().state, State::Expired);
    assert!((3.99..=4.01).contains(&hours(&stage)), "{} h", hours(&stage));
}

#[test]
fn retries_of_a_failing_bank_wait_and_a_storm_is_capped() {
    let mut stage = Stage::new(Settings::default());
    let shown = &mut stage.shown[0];
    shown.incident.slice = Slice::new([("issuer", "HDFC"), ("network", "visa")]);
    shown.incident.cause = Cause::IssuerDegradation;
    shown.incident.observed_rate = 0.02;
    shown.incident.impact.attempts = 300;
    shown.paths.iter_mut().for_each(|path| path.hit = false);
    stage.tick(1);
    let decision = stage.decisions().pop().unwrap();
    assert_eq!(decision.action, Action::AdjustRetry, "{decision:?}");
    assert!(decision.reason.contains("the scheme allows 16 attempts"), "{}", decision.reason);

    let mut stage = Stage::new(Settings::default());
    let shown = &mut stage.shown[0];
    shown.incident.cause = Cause::Misconfiguration;
    shown.incident.slice = Slice::new([("merchant_id", "m1")]);
    shown.incident.signal = Signal::Volume;
    shown.attempts_per_payment = 6.0;
    shown.paths.iter_mut().for_each(|path| path.hit = false);
    stage.rates = Some((0.88, 0.88));
    stage.tick(1);
    let decision = stage.decisions().pop().unwrap();
    assert_eq!(decision.action, Action::AdjustRetry, "{decision:?}");
    // It goes when the bank is well; the storm's cap stays, for it may be what keeps the storm away.
    stage.until(300, |pilot| pilot.allocation().overlays[0].share >= 0.9);
    stage.shown.clear();
    stage.tick(600);
    assert_eq!(stage.first().state, State::Active);
    stage.until(1_800, |pilot| pilot.allocation().overlays.is_empty());
    assert_eq!(stage.first().state, State::Expired);
}

#[test]
fn a_dead_path_that_no_single_gateway_can_replace_is_suppressed() {
    let mut stage = Stage::new(Settings::default());
    stage.shown[0].paths[0].successes = 0.0;
    stage.shown[0].incident.observed_rate = 0.0;
    for path in stage.shown[0].paths.iter_mut().filter(|path| !path.hit) {
        path.eligible_share = 0.6;
    }
    stage.rates = Some((0.8, 0.0));
    stage.tick(1);
    let (action, _) = words(&stage.decisions()[0]);
    assert_eq!(
        action,
        "suppress_path razorpay for 5 % of the slice, the router's next best serves (experiment x_1) - razorpay is as good as dead and no single gateway suffices"
    );
    stage.until(60, at_full);
    // None that the router may fall to may be suspect.
    stage.shown[0].paths[2].suspect = true;
    stage.tick(1);
    assert_eq!(stage.first().state, State::RolledBack);
}

#[test]
fn what_a_step_waits_for_is_said() {
    let mut stage = Stage::new(Settings::default());
    stage.rates = Some((0.5, 0.5));
    stage.tick(3);
    let held = stage.first().held;
    assert_eq!(held[0].guardrail, Guardrail::Steps);
    assert!(held[0].detail.starts_with("the step to 20 % waits for e >= 3"), "{}", held[0].detail);
}

#[test]
fn refusals_say_what_to_do() {
    let mut stage = Stage::new(Settings::default());
    let unknown =
        Command::RollBack { intervention_id: "itv_9".into(), reason: "r".into(), by: "ana".into() };
    insta::assert_snapshot!(stage.command(unknown).unwrap_err(), @"there is no intervention itv_9; `GET /v1/interventions` lists them");
    let mut limits = stage.pilot.settings().limits.clone();
    limits.steps = vec![0.5, 0.2];
    insta::assert_snapshot!(stage.command(Command::SetLimits(limits)).unwrap_err(), @"limits.steps is [0.5, 0.2]; at least one share in (0, 1], each larger than the last");
}
