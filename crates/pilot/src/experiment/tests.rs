//! The tests' promises, by simulation of whole trials with late outcomes.

use stats::stream::Stream;

use super::*;

struct World {
    control: f64,
    treatment: f64,
    per_s: f64,
    /// Seconds until an approval, a failure by decline and a failure by timeout are known.
    delays_s: [usize; 3],
    timeouts: f64,
}

const PLAN: Expected = Expected {
    control_rate: 0.68,
    control_payments: 60.0,
    treatment_rate: 0.88,
    margin: 0.1,
    goal: Goal::Better,
};

/// Runs a trial in this world at a fixed share and hands each second's evidence to `until`, which says when to stop.
fn run(
    world: &World,
    expected: Expected,
    share: f64,
    seconds: usize,
    seed: u64,
    mut until: impl FnMut(usize, &Evidence) -> bool,
) {
    let mut stream = Stream::named(seed, "trial");
    let start = Timestamp::from_millis(1_000_000_000);
    let mut trial = Trial::new(expected, share, 60_000, start);
    let mut due: Vec<Vec<(Arm, Timestamp, bool)>> = vec![Vec::new(); seconds + 100];
    for second in 0..seconds {
        let now = start.plus_millis(second as i64 * 1_000);
        for (arm, at, approved) in std::mem::take(&mut due[second]) {
            trial.outcome(arm, at, approved);
        }
        trial.mature(now);
        if until(second, &trial.evidence()) {
            return;
        }
        for _ in 0..stream.poisson(world.per_s) {
            let arm = if stream.bernoulli(share) { Arm::Treatment } else { Arm::Control };
            let rate = if arm == Arm::Treatment { world.treatment } else { world.control };
            let approved = stream.bernoulli(rate);
            let slow = !approved && stream.bernoulli(world.timeouts);
            let delay = world.delays_s[if approved { 0 } else { 1 + usize::from(slow) }];
            trial.decided(arm, now);
            due[second + delay].push((arm, now, approved));
        }
    }
}

fn crossed(
    world: &World,
    expected: Expected,
    share: f64,
    of: fn(&Evidence) -> f64,
    at: f64,
) -> f64 {
    let runs = 200;
    let mut crossed = 0;
    for seed in 0..runs {
        run(world, expected, share, 150, seed, |_, evidence| {
            let is_over = of(evidence) >= at;
            crossed += u64::from(is_over);
            is_over
        });
    }
    crossed as f64 / runs as f64
}

/// Three standard errors above the promise.
fn allowed(alpha: f64) -> f64 {
    alpha + 3.0 * libm::sqrt(alpha * (1.0 - alpha) / 200.0)
}

#[test]
fn arms_that_are_alike_cross_no_more_often_than_promised() {
    let alike = |rate| World {
        control: rate,
        treatment: rate,
        per_s: 20.0,
        delays_s: [2, 1, 30],
        timeouts: 0.5,
    };
    for (rate, share) in [(0.68, 0.05), (0.85, 0.5)] {
        let benefit = crossed(&alike(rate), PLAN, share, |e| e.benefit, 3.0);
        let harm = crossed(&alike(rate), PLAN, share, |e| e.harm, 20.0);
        println!(
            "alike at {rate}, {share} treated: benefit at 3 in {benefit}, harm at 20 in {harm}"
        );
        assert!(benefit <= allowed(1.0 / 3.0), "{rate}, {share}: benefit in {benefit}");
        assert!(harm <= allowed(0.05), "{rate}, {share}: harm in {harm}");
    }
}

/// The untouched path is worse by just the margin: it must not count as well again.
#[test]
fn a_path_at_the_margin_is_not_well_again() {
    let world =
        World { control: 0.78, treatment: 0.88, per_s: 20.0, delays_s: [2, 1, 30], timeouts: 0.5 };
    let home = crossed(&world, PLAN, 0.5, |e| e.home, 20.0);
    assert!(home <= allowed(0.05), "{home}");
    let well = World { control: 0.88, ..world };
    assert!(crossed(&well, PLAN, 0.5, |e| e.home, 20.0) > 0.9);
}

/// Failures of the treatment are known at once, those of the control after thirty seconds: what is known so far says harm, and the test doesn't.
#[test]
fn late_outcomes_of_one_arm_are_no_evidence() {
    let start = Timestamp::from_millis(1_000_000_000);
    let mut trial = Trial::new(PLAN, 0.5, 60_000, start);
    let mut stream = Stream::named(4, "late");
    for second in 0..25 {
        let now = start.plus_millis(second * 1_000);
        for _ in 0..20 {
            let arm = if stream.bernoulli(0.5) { Arm::Treatment } else { Arm::Control };
            let approved = stream.bernoulli(0.68);
            trial.decided(arm, now);
            if approved || arm == Arm::Treatment {
                trial.outcome(arm, now, approved);
            }
        }
        assert!(trial.evidence().harm < 20.0);
    }
}

#[test]
fn never_heard_of_again_is_a_failure_after_the_horizon() {
    let start = Timestamp::from_millis(1_000_000_000);
    let mut trial = Trial::new(PLAN, 0.5, 60_000, start);
    for _ in 0..30 {
        trial.decided(Arm::Treatment, start);
        trial.decided(Arm::Control, start);
        trial.outcome(Arm::Control, start, true);
    }
    trial.mature(start.plus_millis(60_999));
    assert!(trial.evidence().harm < 20.0, "pending counts for the treatment here");
    trial.mature(start.plus_millis(61_000));
    assert!(trial.evidence().harm > 20.0);
    // Too late: it was judged.
    trial.outcome(Arm::Treatment, start, true);
    trial.decided(Arm::Treatment, start);
    assert_eq!(trial.totals, [[0.0, 30.0], [30.0, 0.0]]);
}

#[test]
fn decisions_without_any_outcome_pile_up() {
    let start = Timestamp::from_millis(1_000_000_000);
    let mut trial = Trial::new(PLAN, 0.05, 60_000, start);
    for second in 0..100 {
        trial.decided(Arm::Control, start.plus_millis(second * 1_000));
    }
    trial.mature(start.plus_millis(100_000));
    assert_eq!(trial.silent_payments(), 40);
}

/// What a step showed carries over to the next; what was shown on the way out is no evidence on the way home.
#[test]
fn evidence_carries_over_steps_and_not_over_turns() {
    let start = Timestamp::from_millis(1_000_000_000);
    let mut trial = Trial::new(PLAN, 0.5, 60_000, start);
    let feed = |trial: &mut Trial, second: i64| {
        let at = start.plus_millis(second * 1_000);
        for i in 0..10 {
            trial.decided(Arm::Treatment, at);
            trial.outcome(Arm::Treatment, at, true);
            trial.decided(Arm::Control, at);
            trial.outcome(Arm::Control, at, i % 2 == 0);
        }
    };
    (0..5).for_each(|second| feed(&mut trial, second));
    let before = trial.evidence().benefit;
    trial.step(0.2, start.plus_millis(5_000));
    assert!(trial.evidence().benefit <= 1.0, "nothing of this step is known");
    feed(&mut trial, 5);
    assert!(trial.evidence().benefit > before);
    trial.turn(start.plus_millis(6_000));
    assert!((trial.evidence().benefit - 1.0).abs() < 1e-9);
}
