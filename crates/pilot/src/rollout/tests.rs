//! Properties of roll-outs, on payments whose truth is known.

use proptest::prelude::*;
use stats::stream::Stream;

use super::*;

/// Chances of an approval at the incumbent and at the candidate, and of a suspicion of fraud.
#[derive(Clone, Copy, Debug)]
struct Truth {
    approved: [f64; 2],
    fraud: [f64; 2],
}

const SAME: Truth = Truth { approved: [0.88; 2], fraud: [0.01; 2] };

fn at(s: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + s as i64 * 1_000)
}

/// Ten payments a second, judged after five; stops when the roll-out does, or after so many.
fn played(plan: &Plan, truth: Truth, seed: u64, payments: u64) -> (Rollout, Vec<Turn>) {
    let plan = Plan { salt: seed, maturity_ms: 5_000, ..plan.clone() };
    let mut rollout = Rollout::new(plan).expect("a plan");
    let mut stream = Stream::named(seed, "roll-out");
    let mut turns = Vec::new();
    for n in 0..payments {
        let now = at(n / 10);
        let id = format!("p_{n}");
        let group = rollout.split().group(&id);
        let is_candidate = rollout.is_candidate_live() && group == Group::Candidate;
        rollout.decided(&id, group, now);
        let of = usize::from(is_candidate);
        let approved = stream.bernoulli(truth.approved[of]);
        let fraud_declined = stream.bernoulli(truth.fraud[of]);
        rollout.outcome(&id, || Seen { approved, fraud_declined, ..Seen::default() });
        turns.extend(rollout.advance(now));
        if matches!(rollout.stage(), Stage::Stopped(_)) {
            break;
        }
    }
    (rollout, turns)
}

fn small() -> Plan {
    Plan { same_payments: 1_000, steps: vec![0.1, 0.5], step_payments_min: 50, ..Plan::default() }
}

#[test]
fn a_better_candidate_goes_all_the_way_and_leaves_its_uplift() {
    let truth = Truth { approved: [0.80, 0.88], ..SAME };
    let (rollout, turns) = played(&small(), truth, 1, 60_000);
    let stages: Vec<&Stage> = turns.iter().map(|turn| &turn.to).collect();
    assert_eq!(stages, [&Stage::Step(0), &Stage::Step(1), &Stage::Whole]);
    let report = rollout.report();
    assert_eq!(report.share, 0.98);
    let (low, high) = report.uplift_interval;
    assert!(low < 0.08 && 0.08 < high && high - low < 0.25, "{report:?}");
    assert!(report.ln_better > log(20.0));
}

#[test]
fn harm_takes_it_back() {
    let truth = Truth { approved: [0.88, 0.80], ..SAME };
    let (rollout, turns) = played(&small(), truth, 2, 200_000);
    assert_eq!(rollout.stage(), &Stage::Stopped(Stop::Harm), "{turns:?}");
    assert_eq!(turns.len(), 2, "no step was followed by another: {turns:?}");
    assert_eq!(rollout.split().candidate, 0.0);
}

#[test]
fn a_guard_takes_back_what_success_would_keep() {
    let truth = Truth { approved: [0.85, 0.86], fraud: [0.01, 0.06] };
    let (rollout, _) = played(&small(), truth, 3, 200_000);
    assert_eq!(rollout.stage(), &Stage::Stopped(Stop::Guard(Guard::FraudDeclined)));
}

#[test]
fn what_shows_nothing_is_never_promoted_and_ends() {
    let plan = Plan { step_payments_max: 2_000, ..small() };
    let mut ended = 0;
    for seed in 0..30 {
        let (rollout, turns) = played(&plan, SAME, seed, 6_000);
        match rollout.stage() {
            Stage::Stopped(Stop::Inconclusive) if turns.len() == 2 => ended += 1,
            // Nobody is safe from the one in twenty; but it was shown, or it was stopped.
            Stage::Stopped(_) => {}
            _ => assert!(rollout.report().ln_better > 0.0, "{turns:?}"),
        }
    }
    assert!(ended >= 24, "{ended} of 30");
}

/// Of roll-outs without any difference, in A/A and after, at most alpha is stopped in each, and alpha promoted beyond the first step.
#[test]
fn without_a_difference_it_errs_as_seldom_as_it_says() {
    let plan = Plan { same_payments: 1_000, ..small() };
    let (mut same, mut stopped, mut promoted) = (0, 0, 0);
    let runs = 200;
    for seed in 0..runs {
        let (_, turns) = played(&plan, SAME, 1_000 + seed, 3_000);
        same += u32::from(turns.first().is_some_and(|turn| turn.to != Stage::Step(0)));
        let later = turns.get(1).map(|turn| &turn.to);
        stopped += u32::from(matches!(later, Some(Stage::Stopped(_))));
        promoted += u32::from(later == Some(&Stage::Step(1)));
    }
    // 5 % of 200, and three standard errors.
    let most = 10 + 9;
    assert!(same <= most && stopped <= most && promoted <= most, "{same} {stopped} {promoted}");
}

#[test]
fn halves_that_differ_end_it_before_it_begins() {
    let mut rollout = Rollout::new(small()).expect("a plan");
    let mut turn = None;
    for n in 0..1_000_u64 {
        let id = format!("p_{n}");
        let group = rollout.split().group(&id);
        rollout.decided(&id, group, at(n));
        // A measurement that loses a fifth of the approvals of one half.
        let approved = n % 10 != 0 && !(group == Group::Candidate && n % 5 == 1);
        rollout.outcome(&id, || Seen { approved, ..Seen::default() });
        turn = turn.or(rollout.advance(at(n)));
    }
    assert_eq!(turn.map(|turn| turn.to), Some(Stage::Stopped(Stop::NotTheSame)));
}

#[test]
fn a_data_plane_that_splits_otherwise_is_found_out() {
    let mut rollout = Rollout::new(small()).expect("a plan");
    let mut stream = Stream::named(5, "other split");
    let mut turn = None;
    for n in 0..2_000_u64 {
        let group = if stream.bernoulli(0.35) { Group::Candidate } else { Group::Incumbent };
        rollout.decided(&format!("p_{n}"), group, at(n));
        turn = turn.or(rollout.advance(at(n)));
    }
    assert_eq!(turn.map(|turn| turn.to), Some(Stage::Stopped(Stop::SampleRatio)));
}

/// Of a payment whose outcome is lost nothing is known: it brings no stage further, and where one side's are lost the other isn't promoted for it.
#[test]
fn lost_telemetry_promotes_nobody() {
    let lost = |lost_of: fn(Group, &mut Stream) -> bool| {
        let mut rollout = Rollout::new(Plan { maturity_ms: 5_000, ..small() }).expect("a plan");
        let mut stream = Stream::named(7, "lost");
        let mut turns = Vec::new();
        for n in 0..20_000_u64 {
            let (id, now) = (format!("p_{n}"), at(n / 10));
            let group = rollout.split().group(&id);
            rollout.decided(&id, group, now);
            let is_late = n > 2_000;
            if !(is_late && lost_of(group, &mut stream)) {
                let approved = stream.bernoulli(0.88);
                rollout.outcome(&id, || Seen { approved, ..Seen::default() });
            }
            turns.extend(rollout.advance(now).map(|turn| turn.to));
        }
        turns
    };
    // All of them, and a tenth of the incumbent's: the candidate seems better by nine points.
    for turns in [lost(|_, _| true), lost(|group, s| group != Group::Candidate && s.bernoulli(0.1))]
    {
        assert_eq!(turns, [Stage::Step(0), Stage::Stopped(Stop::Unheard)]);
    }
}

#[test]
fn what_nobody_listened_to_is_passed_over() {
    let mut rollout = Rollout::new(small()).expect("a plan");
    for n in 0..2_000 {
        let id = format!("p_{n}");
        rollout.decided(&id, rollout.split().group(&id), at(1));
    }
    rollout.pass_over();
    assert_eq!(rollout.advance(at(10_000)), None);
    assert_eq!(rollout.report().groups.iter().map(|group| group.payments).sum::<u64>(), 0);
    rollout.decided("p_1", Group::Incumbent, at(10_001));
    rollout.outcome("p_1", || Seen { approved: true, ..Seen::default() });
    rollout.advance(at(20_000));
    assert_eq!(rollout.report().groups.iter().map(|group| group.payments).sum::<u64>(), 1);
}

#[test]
fn a_person_ends_it_once() {
    let mut rollout = Rollout::new(small()).expect("a plan");
    let person = |why: &str| Stop::Person(why.into());
    let turn = rollout.stop(person("enough"), at(1)).expect("a turn");
    assert_eq!(turn.to, Stage::Stopped(person("enough")));
    assert_eq!(rollout.stop(person("again"), at(2)), None);
    rollout.decided("p_1", Group::Incumbent, at(3));
    assert_eq!(rollout.advance(at(300)), None);
}

#[test]
fn plans_that_cannot_be_meant_are_refused() {
    let wrong = |plan: Plan| Rollout::new(plan).map(|_| ()).expect_err("refused").to_string();
    let base = Plan::default;
    let said = [
        wrong(Plan { steps: vec![0.5, 0.2], ..base() }),
        wrong(Plan { steps: vec![0.99], ..base() }),
        wrong(Plan { hold_out: 0.0, ..base() }),
        wrong(Plan { alpha: 1.0, ..base() }),
        wrong(Plan { step_payments_max: 5, ..base() }),
        wrong(Plan { steps: vec![], ..base() }),
        wrong(Plan { same_payments: 0, ..base() }),
        wrong(Plan { maturity_ms: 1, ..base() }),
        wrong(Plan { guards: vec![Guard::FraudDeclined; 9], ..base() }),
    ];
    insta::assert_snapshot!(said.join("\n"), @r"
    steps: 0.2 doesn't follow; shares grow, each above 0 and below what the hold-out leaves
    steps: 0.99 doesn't follow; shares grow, each above 0 and below what the hold-out leaves
    hold_out: 0; allowed are shares above 0 and at most 0.5: it proves the uplift
    alpha: 1; allowed is a probability above 0 and at most 0.5
    step_payments_max: 5 is below step_payments_min
    steps: 0 of them; allowed are 1 to 20
    same_payments: 0; the A/A stage needs payments to compare
    maturity_ms: 1; allowed are 1 s to a day, 1000 to 86400000
    guards: 9 of them; at most 8
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn payments_are_conserved_whatever_arrives(
        kinds in prop::collection::vec((0_u64..200, 0_u8..4), 1..400), same_payments in 1_u64..100,
    ) {
        let plan = Plan { same_payments, maturity_ms: 5_000, ..small() };
        let mut rollout = Rollout::new(plan).expect("a plan");
        for (n, (payment, kind)) in kinds.into_iter().enumerate() {
            let (id, now) = (format!("p_{payment}"), at(n as u64));
            match kind {
                0 | 1 => rollout.decided(&id, rollout.split().group(&id), now),
                2 => rollout.outcome(&id, || Seen { approved: true, ..Seen::default() }),
                _ => { rollout.advance(now); }
            }
            prop_assert_eq!(rollout.places.len(), rollout.waiting.len());
            for (place, waiting) in rollout.waiting.iter().enumerate() {
                prop_assert_eq!(rollout.places[&waiting.payment], rollout.left + place as u64);
            }
            let report = rollout.report();
            prop_assert!(report.control.0 + report.candidate.0 <= rollout.left);
            prop_assert!(report.control.1 <= report.control.0 && report.candidate.1 <= report.candidate.0);
        }
        // Saved and read again it is the same.
        let bytes = postcard::to_stdvec(&rollout).expect("bytes");
        let back: Rollout = postcard::from_bytes(&bytes).expect("a roll-out");
        prop_assert_eq!(back, rollout);
    }
}
