//! Whatever happens, no guardrail is ever broken.
//!
//! Random sequences of situations that appear, move and vanish, of feedback that is good, bad, late or missing, of commands and of jumps in time. After each step everything that can be
//! checked from outside is checked, by a model of its own that shares no code with the pilot.

mod world;

use std::collections::BTreeMap;

use analyst::{Cause, Slice};
use payments::Timestamp;
use pilot::{
    Action, Authority, Command, Direction, Freeze, Intervention, Limits, Mode, Modes, Network,
    Pilot, Settings, Situation, State,
};
use proptest::prelude::*;
use routing::{Arm, Directive};
use stats::stream::Stream;
use world::{Scenario, T0_MS, network, situation};

const HOUR_MS: i64 = 3_600_000;

#[derive(Clone, Debug)]
enum Step {
    Tick { seconds: i64 },
    Jump { minutes: i64 },
    Show { incident: usize, slice: usize, share: f64, rate: f64, confidence: f64, cause: usize },
    Spoil { incident: usize, path: usize, suspect: bool, load: f64 },
    Vanish { incident: usize },
    Feedback { treated: f64, untreated: f64, known: f64, seconds: i64 },
    Network { suspect_share: f64, silent: bool },
    Approve { which: usize, right: bool },
    Reject { which: usize },
    RollBack { which: usize },
    Kill { engaged: bool },
    Modes { reroute: usize, others: usize },
    Limits { shift: f64, ttl_min: i64 },
    Freeze { minutes: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let share = prop_oneof![0.001..0.2_f64, 0.2..1.0_f64];
    prop_oneof![
        6 => (1_i64..20).prop_map(|seconds| Step::Tick { seconds }),
        1 => (1_i64..300).prop_map(|minutes| Step::Jump { minutes }),
        6 => (0_usize..3, 0_usize..7, share, 0.0..0.95_f64, prop_oneof![Just(0.97), 0.0..1.0_f64], 0_usize..6)
            .prop_map(|(incident, slice, share, rate, confidence, cause)| Step::Show { incident, slice, share, rate, confidence, cause }),
        2 => (0_usize..3, 0_usize..3, any::<bool>(), 0.0..110.0_f64)
            .prop_map(|(incident, path, suspect, load)| Step::Spoil { incident, path, suspect, load }),
        1 => (0_usize..3).prop_map(|incident| Step::Vanish { incident }),
        10 => (prop_oneof![Just(0.95), 0.0..1.0_f64], 0.0..1.0_f64, prop_oneof![Just(1.0), 0.0..1.0_f64], 5_i64..60)
            .prop_map(|(treated, untreated, known, seconds)| Step::Feedback { treated, untreated, known, seconds }),
        1 => (0.0..0.7_f64, any::<bool>()).prop_map(|(suspect_share, silent)| Step::Network { suspect_share, silent }),
        5 => (0_usize..2, any::<bool>()).prop_map(|(which, right)| Step::Approve { which, right }),
        2 => (0_usize..2).prop_map(|which| Step::Reject { which }),
        1 => (0_usize..2).prop_map(|which| Step::RollBack { which }),
        1 => any::<bool>().prop_map(|engaged| Step::Kill { engaged }),
        1 => (0_usize..4, 0_usize..4).prop_map(|(reroute, others)| Step::Modes { reroute, others }),
        1 => (0.01..0.6_f64, 1_i64..60).prop_map(|(shift, ttl_min)| Step::Limits { shift, ttl_min }),
        1 => (1_i64..30).prop_map(|minutes| Step::Freeze { minutes }),
    ]
}

fn slices() -> [Slice; 7] {
    let none: [(&str, &str); 0] = [];
    [
        Slice::new([("gateway", "razorpay")]),
        Slice::new([("gateway", "razorpay"), ("network", "VISA")]),
        Slice::new([("gateway", "razorpay"), ("network", "MASTERCARD")]),
        Slice::new([("gateway", "razorpay"), ("network", "VISA"), ("issuer", "HDFC")]),
        Slice::new([("issuer", "HDFC"), ("network", "VISA")]),
        Slice::new([("gateway", "payu")]),
        Slice::new(none),
    ]
}

const MODES: [Mode; 4] = [Mode::Shadow, Mode::Advise, Mode::Approve, Mode::Auto];
const CAUSES: [Cause; 6] = [
    Cause::UserRelated,
    Cause::IssuerDegradation,
    Cause::NetworkOrSystemFailure,
    Cause::Misconfiguration,
    Cause::SuspectedFraud,
    Cause::Unknown,
];

/// What the test knows by itself.
struct Model {
    now: Timestamp,
    limits: Limits,
    modes: Modes,
    freezes: Vec<Freeze>,
    killed: bool,
    network: Network,
    shown: BTreeMap<usize, Situation>,
    /// Slice shares as last shown, per intervention.
    sizes: BTreeMap<String, f64>,
    before: BTreeMap<String, Intervention>,
    starts: Vec<(Slice, i64)>,
    directions: Vec<(Slice, Direction, i64)>,
    version: u64,
}

fn overlaps(a: &Slice, b: &Slice) -> bool {
    a.pairs().all(|(d, v)| b.get(d).is_none_or(|other| other == v))
}

impl Model {
    fn situations(&self) -> Vec<Situation> {
        self.shown.values().cloned().collect()
    }

    fn frozen(&self) -> bool {
        self.freezes.iter().any(|f| f.from <= self.now && self.now < f.to)
    }

    fn mode(&self, action: Action) -> Mode {
        match action {
            Action::Reroute => self.modes.reroute,
            Action::SuppressPath => self.modes.suppress_path,
            _ => self.modes.adjust_retry,
        }
    }

    fn check(&mut self, pilot: &Pilot, was_cycle: bool) {
        let now = self.now;
        let overlays = &pilot.allocation().overlays;
        let all: BTreeMap<String, Intervention> =
            pilot.interventions().into_iter().map(|i| (i.id.clone(), i)).collect();
        if self.killed {
            assert!(overlays.is_empty(), "the kill switch empties the allocation");
        }
        let active: Vec<&Intervention> =
            all.values().filter(|i| i.state == State::Active).collect();
        assert_eq!(active.len(), overlays.len(), "what is active is in force, and nothing else is");
        let mut shifted = 0.0;
        for overlay in overlays {
            let itv = &all[&overlay.intervention_id];
            let started = itv.started_at.expect("it began").as_millis();
            assert_eq!(itv.state, State::Active);
            assert!(itv.slice.order() > 0, "an empty slice never means everything");
            assert!(overlay.share > 0.0 && overlay.share <= 1.0 - self.limits.probe_share + 1e-9);
            assert!(overlay.expires_at > now, "nothing outlives its time");
            assert!(overlay.expires_at.as_millis() <= started + 4 * HOUR_MS);
            assert!(matches!(self.mode(itv.action), Mode::Auto | Mode::Approve));
            if let Some(situation) = self.shown.values().find(|s| s.incident.slice == itv.slice) {
                if was_cycle {
                    self.sizes.insert(itv.id.clone(), situation.share);
                }
                if let Directive::Reroute { to } = &overlay.directive {
                    for (gateway, _) in to {
                        let path = situation.paths.iter().find(|p| p.gateway == *gateway);
                        let is_fit = path.is_some_and(|p| !p.suspect && !p.hit);
                        assert!(is_fit || !was_cycle, "{gateway} is no target");
                    }
                }
            }
            if let Directive::Reroute { to } = &overlay.directive {
                assert!((to.iter().map(|(_, w)| w).sum::<f64>() - 1.0).abs() < 1e-9);
                assert!(to.iter().all(|(g, w)| *w > 0.0 && Some(g) != overlay.from.as_ref()));
            }
            if !matches!(overlay.directive, Directive::Retry { .. }) {
                assert!(overlay.from.is_some(), "payments leave a gateway that is named");
                shifted += overlay.share * self.sizes.get(&itv.id).copied().unwrap_or(0.0);
                for other in overlays.iter().filter(|o| o.intervention_id != itv.id) {
                    let theirs = &all[&other.intervention_id];
                    let moves = !matches!(other.directive, Directive::Retry { .. });
                    assert!(
                        !moves || !overlaps(&itv.slice, &theirs.slice),
                        "no payment is shifted twice"
                    );
                }
            }
        }
        assert!(shifted <= self.limits.shift_share_max + 1e-9, "{shifted} is shifted");
        let changed = pilot.allocation().version != self.version;
        assert!(pilot.allocation().version >= self.version);
        self.version = pilot.allocation().version;
        for itv in all.values() {
            self.check_change(itv, changed);
        }
        self.before = all;
    }

    fn check_change(&mut self, itv: &Intervention, allocation_changed: bool) {
        let now_ms = self.now.as_millis();
        let before = self.before.get(&itv.id).cloned();
        let was_active = before.as_ref().is_some_and(|b| b.state == State::Active);
        if let Some(before) = &before {
            assert_eq!(before.plan_hash, itv.plan_hash, "a plan is bound to its content");
            assert!(
                itv.to.iter().all(|to| before.to.iter().any(|b| b.gateway == to.gateway)),
                "targets are only left"
            );
            if !matches!(before.state, State::Pending | State::Active) {
                assert_eq!(before.state, itv.state, "what is over stays over");
            }
        }
        let is_active = itv.state == State::Active;
        let grew = is_active && itv.stage > before.as_ref().map_or(0.0, |b| b.stage) + 1e-9;
        if grew {
            assert!(allocation_changed && !self.frozen() && !self.killed);
            assert!(self.network.suspect_share <= 0.5 || itv.authority != Authority::Pilot);
            let heard = self
                .network
                .last_attempt_at
                .is_some_and(|at| now_ms - at.as_millis() < self.limits.silence_ms);
            assert!(heard, "nothing grows in silence");
            self.check_headroom(itv, before.as_ref());
        }
        if is_active && !was_active {
            assert!((itv.stage - 0.05).abs() < 1e-9, "the first step");
            match itv.authority {
                Authority::Pilot => assert_eq!(self.mode(itv.action), Mode::Auto),
                Authority::Person(_) => {}
            }
            for (window, max) in [(HOUR_MS, 3), (24 * HOUR_MS, 10)] {
                let recent = self
                    .starts
                    .iter()
                    .filter(|(s, at)| *s == itv.slice && now_ms - at < window)
                    .count();
                assert!(recent < max, "{recent} interventions before this one");
            }
            self.starts.push((itv.slice.clone(), now_ms));
            self.directed(&itv.slice, Direction::Out);
        } else if grew {
            let e = itv.arms[1].e_benefit;
            assert!(
                e >= 3.0
                    || itv.direction == Direction::Out
                        && before.is_some_and(|b| b.direction == Direction::Home),
                "{e}: inconclusive never promotes"
            );
        }
        let turned = was_active && is_active && self.before[&itv.id].direction != itv.direction;
        if turned {
            self.directed(&itv.slice, itv.direction);
        }
        if was_active && !is_active {
            self.directed(&itv.slice, Direction::Home);
        }
    }

    fn check_headroom(&self, itv: &Intervention, before: Option<&Intervention>) {
        let Some(situation) = self.shown.values().find(|s| s.incident.slice == itv.slice) else {
            return;
        };
        for to in itv.to.iter().filter(|_| itv.action == Action::Reroute) {
            let path = situation.paths.iter().find(|p| p.gateway == to.gateway).expect("a path");
            let free = (path.capacity_per_s.unwrap_or(f64::INFINITY) - path.load_per_s).max(0.0);
            let sent = |share: f64| share * to.share * situation.attempts_per_s;
            let shown = before.map_or(0.0, |b| sent(b.stage));
            assert!(sent(itv.stage) <= free + shown + 1e-6, "{} has no room", to.gateway);
        }
    }

    fn directed(&mut self, slice: &Slice, direction: Direction) {
        let now_ms = self.now.as_millis();
        self.directions.push((slice.clone(), direction, now_ms));
        if direction == Direction::Out {
            let recent =
                self.directions.iter().filter(|(s, _, at)| s == slice && now_ms - at < HOUR_MS);
            let recent: Vec<Direction> = recent.map(|(_, direction, _)| *direction).collect();
            let flips = recent.windows(2).filter(|pair| pair[0] != pair[1]).count();
            assert!(flips <= 2, "{flips} flips within the hour");
        }
    }
}

fn drive(steps: &[Step], seed: u64, snapshots: bool) -> Vec<String> {
    let mut stream = Stream::named(seed, "guardrails");
    let settings = Settings { seed, ..Settings::default() };
    let now = Timestamp::from_millis(T0_MS);
    let mut model = Model {
        now,
        limits: settings.limits.clone(),
        modes: settings.modes,
        freezes: Vec::new(),
        killed: false,
        network: network(now),
        shown: BTreeMap::new(),
        sizes: BTreeMap::new(),
        before: BTreeMap::new(),
        starts: Vec::new(),
        directions: Vec::new(),
        version: 0,
    };
    let mut pilot = Pilot::new(settings);
    let mut log = Vec::new();
    let mut silent = false;
    for step in steps {
        let mut command = None;
        let mut ticks = 1;
        let mut feedback = None;
        match step.clone() {
            Step::Tick { seconds } => ticks = seconds,
            Step::Jump { minutes } => model.now = model.now.plus_millis(minutes * 60_000),
            Step::Show { incident, slice, share, rate, confidence, cause } => {
                let slice = slices()[slice].clone();
                model.shown.retain(|id, s| *id == incident || s.incident.slice != slice);
                let scenario = Scenario { confidence, ..Scenario::outage(40.0 * share, 0.3) };
                let mut shown = situation(&scenario, (200.0, 200.0 * rate), 60);
                shown.incident.id = format!("inc_{incident}");
                shown.incident.cause = CAUSES[cause];
                shown.incident.started_at = model.now.plus_millis(-60_000);
                shown.share = share;
                shown.attempts_per_payment = 1.0 + 3.0 * share;
                let from = slice.get("gateway").map(str::to_owned);
                for path in &mut shown.paths {
                    path.hit = Some(&path.gateway) == from.as_ref();
                    let rate = if path.hit { rate } else { 0.88 };
                    path.successes = path.attempts * rate;
                }
                shown.incident.slice = slice;
                model.shown.insert(incident, shown);
            }
            Step::Spoil { incident, path, suspect, load } => {
                if let Some(shown) = model.shown.get_mut(&incident) {
                    shown.paths[path].suspect = suspect;
                    shown.paths[path].load_per_s = load;
                }
            }
            Step::Vanish { incident } => {
                model.shown.remove(&incident);
            }
            Step::Feedback { treated, untreated, known, seconds } => {
                ticks = seconds;
                feedback = Some((treated, untreated, known));
            }
            Step::Network { suspect_share, silent: is_silent } => {
                model.network.suspect_share = suspect_share;
                silent = is_silent;
            }
            Step::Approve { which, right } => {
                let pending = nth(&pilot, State::Pending, which);
                command = pending.map(|i| Command::Approve {
                    plan_hash: if right { i.plan_hash } else { "00".into() },
                    intervention_id: i.id,
                    by: "ana".into(),
                });
            }
            Step::Reject { which } => {
                let (reason, by) = ("no".into(), "ana".into());
                command = nth(&pilot, State::Pending, which).map(|i| Command::Reject {
                    intervention_id: i.id,
                    reason,
                    by,
                });
            }
            Step::RollBack { which } => {
                let (reason, by) = ("no".into(), "ana".into());
                command = nth(&pilot, State::Active, which).map(|i| Command::RollBack {
                    intervention_id: i.id,
                    reason,
                    by,
                });
            }
            Step::Kill { engaged } => {
                model.killed = engaged;
                command =
                    Some(Command::KillSwitch { engaged, reason: "drill".into(), by: "ana".into() });
            }
            Step::Modes { reroute, others } => {
                model.modes = Modes {
                    reroute: MODES[reroute],
                    adjust_retry: MODES[others],
                    suppress_path: MODES[others],
                    alert: Mode::Auto,
                };
                command = Some(Command::SetModes(model.modes));
            }
            Step::Limits { shift, ttl_min } => {
                model.limits.shift_share_max = shift;
                model.limits.ttl_ms = ttl_min * 60_000;
                command = Some(Command::SetLimits(model.limits.clone()));
            }
            Step::Freeze { minutes } => {
                let to = model.now.plus_millis(minutes * 60_000);
                model.freezes = vec![Freeze { from: model.now, to, reason: "sale".into() }];
                command = Some(Command::SetFreezes(model.freezes.clone()));
            }
        }
        if let Some(command) = command {
            let answer = pilot.command(&command, model.now);
            if let Command::Approve { plan_hash, .. } = &command {
                assert!(answer.is_err() || plan_hash != "00", "another plan isn't approved");
            }
            log.push(format!("{answer:?}"));
            model.check(&pilot, false);
        }
        for _ in 0..ticks {
            model.now = model.now.plus_millis(1_000);
            if !silent {
                model.network.last_attempt_at = Some(model.now);
            }
            let acts = pilot.cycle(model.now, &model.situations(), &model.network);
            log.extend(acts.iter().map(|act| format!("{act:?}")));
            model.check(&pilot, true);
            if let Some((treated, untreated, known)) = feedback {
                for overlay in pilot.allocation().overlays.clone() {
                    for _ in 0..10 {
                        let is_treated = stream.uniform() < overlay.share;
                        let (arm, rate) = if is_treated {
                            (Arm::Treatment, treated)
                        } else {
                            (Arm::Control, untreated)
                        };
                        pilot.decided(&overlay.intervention_id, arm, model.now);
                        if stream.bernoulli(known) {
                            pilot.outcome(
                                &overlay.intervention_id,
                                arm,
                                model.now,
                                stream.bernoulli(rate),
                            );
                        }
                    }
                }
            }
        }
        if snapshots {
            let bytes = postcard::to_stdvec(&pilot).expect("its state can be written");
            let text = serde_json::to_string(&pilot).expect("as JSON too");
            let back: Pilot = postcard::from_bytes(&bytes).expect("and read");
            assert_eq!(serde_json::from_str::<Pilot>(&text).expect("likewise"), back);
            pilot = back;
        }
    }
    log
}

fn nth(pilot: &Pilot, state: State, which: usize) -> Option<Intervention> {
    pilot.interventions().into_iter().filter(|i| i.state == state).nth(which)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_guardrail_is_ever_broken(steps in prop::collection::vec(step(), 1..80), seed in 0_u64..1_000) {
        drive(&steps, seed, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn same_inputs_same_acts_from_any_snapshot(steps in prop::collection::vec(step(), 1..60), seed in 0_u64..1_000) {
        prop_assert_eq!(drive(&steps, seed, false), drive(&steps, seed, true));
    }
}

/// The test above tests something: over its sequences interventions do begin, grow, turn and end in all ways.
#[test]
fn the_sequences_reach_every_state() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut log = String::new();
    for seed in 0..50 {
        let steps =
            prop::collection::vec(step(), 79).new_tree(&mut runner).expect("a value").current();
        log += &drive(&steps, seed, false).join("\n");
    }
    for word in [
        "state: Pending",
        "state: Active",
        "state: Completed",
        "state: Rejected",
        "state: RolledBack",
        "state: Expired",
        "stage: 0.2,",
        "stage: 0.5,",
        "stage: 0.98,",
        "direction: Home",
        "outcome: Helped",
        "outcome: Harmed",
        "action: AdjustRetry",
        "Person(",
        "OtherPlan",
        "telemetry is lost",
        "guardrail: Freeze",
        "guardrail: Cooldown",
        "guardrail: KillSwitch",
        "guardrail: SuspectShare",
        "guardrail: Overlap",
        "guardrail: EmptySlice",
        "guardrail: Confidence",
        "guardrail: Mode",
        "guardrail: Actions",
        "guardrail: ShiftShare",
        "guardrail: TurnedDown",
        "guardrail: FailedFixes",
    ] {
        assert!(log.contains(word), "never reached: {word}");
    }
}
