//! Properties of the estimates on logs whose truth is known.

use proptest::prelude::*;

use super::*;
use crate::stream::Stream;

/// Two contexts, three actions: chances of reward, the log's and the target's shares.
const CHANCES: [[f64; 3]; 2] = [[0.9, 0.8, 0.6], [0.3, 0.7, 0.75]];
const LOG: [[f64; 3]; 2] = [[0.8, 0.15, 0.05], [0.9, 0.08, 0.02]];
const TARGET: [[f64; 3]; 2] = [[0.7, 0.3, 0.0], [0.0, 0.5, 0.5]];

fn truth(shares: &[[f64; 3]; 2]) -> f64 {
    let value = |context: usize| -> f64 {
        (0..3).map(|action| shares[context][action] * CHANCES[context][action]).sum()
    };
    0.5 * (value(0) + value(1))
}

/// Decisions as each of the targets sees them.
fn play<const N: usize>(
    n: usize,
    targets: [&[[f64; 3]; 2]; N],
    stream: &mut Stream,
    mut each: impl FnMut([Logged; N]),
) {
    let mut means = Means::default();
    for _ in 0..n {
        let context = usize::from(stream.bernoulli(0.5));
        let action = stream.weighted(&LOG[context]);
        let reward = f64::from(u8::from(stream.bernoulli(CHANCES[context][action])));
        let predicted: Vec<f64> = (0..3).map(|action| means.mean(context as u32, action)).collect();
        let least = predicted.iter().copied().fold(1.0, f64::min);
        let most = predicted.iter().copied().fold(0.0, f64::max);
        each(targets.map(|target| {
            let weights: Vec<f64> = (0..3).map(|a| target[context][a] / LOG[context][a]).collect();
            Logged {
                reward,
                weight: weights[action],
                weight_max: weights.iter().copied().fold(0.0, f64::max),
                predicted: predicted[action],
                expected: (0..3).map(|a| target[context][a] * predicted[a]).sum(),
                predicted_range: (least, most),
            }
        }));
        means.add(context as u32, action as u32, reward);
    }
}

#[test]
fn the_estimates_find_the_truth_and_the_intervals_hold_it() {
    let mut stream = Stream::named(1, "off policy");
    let mut sums = OffPolicy::new(20.0);
    play(40_000, [&TARGET], &mut stream, |[logged]| sums.push(&logged));
    let truth = truth(&TARGET);
    for estimator in [Estimator::Ips, Estimator::Snips, Estimator::DoublyRobust] {
        let estimate = sums.estimate(estimator, 0.05);
        assert!((estimate.value - truth).abs() < 0.03, "{estimator:?} {estimate:?} {truth}");
        assert!(estimate.interval.0 < truth && truth < estimate.interval.1, "{estimate:?}");
        let wide = estimate.interval.1 - estimate.interval.0;
        assert!(
            wide < 3.0 * (estimate.fixed_n.1 - estimate.fixed_n.0),
            "{estimator:?} {estimate:?}"
        );
    }
    // Weights of 25 are dropped: valid, but wider.
    let (switched, doubly) =
        (sums.estimate(Estimator::SwitchDr, 0.05), sums.estimate(Estimator::DoublyRobust, 0.05));
    assert!(switched.interval.0 < truth && truth < switched.interval.1);
    assert!(switched.interval.1 - switched.interval.0 > doubly.interval.1 - doubly.interval.0);
    let (mean, error) = sums.mean_weight();
    assert!((mean - 1.0).abs() < 4.0 * error);
    assert!(sums.effective_size() < 0.4 * sums.decisions());
}

#[test]
fn no_interval_ever_misses_more_often_than_it_may() {
    let truth = truth(&TARGET);
    let mut missed = [0; 4];
    for seed in 0..300 {
        let mut stream = Stream::named(seed, "coverage");
        let mut sums = OffPolicy::new(20.0);
        let mut ever = [false; 4];
        play(2_000, [&TARGET], &mut stream, |[logged]| {
            sums.push(&logged);
            for (ever, estimator) in ever.iter_mut().zip(Estimator::ALL) {
                *ever |= sums.misses(estimator, truth, 0.05);
            }
        });
        missed.iter_mut().zip(ever).for_each(|(missed, ever)| *missed += u32::from(ever));
    }
    assert!(missed.iter().all(|missed| *missed <= 15 + 11), "{missed:?} of 300");
}

#[test]
fn what_is_logged_is_evaluated_as_it_was() {
    let mut stream = Stream::named(2, "logged");
    let (mut sums, mut paid, mut n) = (OffPolicy::new(10.0), 0.0, 0.0);
    play(5_000, [&LOG], &mut stream, |[logged]| {
        sums.push(&logged);
        paid += logged.reward;
        n += 1.0;
    });
    assert!((sums.estimate(Estimator::Ips, 0.05).value - paid / n).abs() < 1e-9);
    assert!((sums.estimate(Estimator::Snips, 0.05).value - paid / n).abs() < 1e-9);
    assert!((sums.effective_size() - n).abs() < 1e-6);
}

#[test]
fn a_contrast_is_narrower_than_the_two_intervals_and_nothing_where_policies_agree() {
    let mut stream = Stream::named(4, "contrast");
    let other = [LOG[0], TARGET[1]];
    let (mut contrast, mut same) = (Contrast::default(), Contrast::default());
    let mut apart = [OffPolicy::new(10.0), OffPolicy::new(10.0)];
    play(40_000, [&other, &LOG], &mut stream, |[a, b]| {
        let agree = a.weight_max == 1.0;
        contrast.push(&a, &b, agree);
        same.push(&b, &b, true);
        apart[0].push(&a);
        apart[1].push(&b);
    });
    let difference = truth(&other) - truth(&LOG);
    let found = contrast.estimate(0.05);
    assert!(
        found.interval.0 < difference && difference < found.interval.1,
        "{found:?} {difference}"
    );
    let [a, b] = apart.map(|sums| sums.estimate(Estimator::DoublyRobust, 0.05).interval);
    assert!(found.interval.1 - found.interval.0 < (a.1 - a.0) + (b.1 - b.0));
    let none = same.estimate(0.05);
    assert!(none.value == 0.0 && none.interval.1 - none.interval.0 < 0.01, "{none:?}");
}

proptest! {
    #[test]
    fn values_stay_above_the_deficit(
        weight in 0.0..100.0_f64, more in 0.0..50.0_f64, reward in any::<bool>(), predicted in 0.0..=1.0_f64,
        higher in 0.0..=1.0_f64, expected in 0.0..=1.0_f64,
    ) {
        let highest = predicted.max(higher);
        let reward = f64::from(u8::from(reward));
        let value = controlled(weight, weight + more, (reward, predicted, expected, highest));
        prop_assert!(value >= -DEFICIT_MAX - 1e-9);
    }
}
