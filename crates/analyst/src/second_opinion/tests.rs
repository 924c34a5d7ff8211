//! What the second opinion promises: its rate on ordinary slices, what it finds, and that it replays.

use super::*;

/// An ordinary slice: heavy-tailed evidence, correlated residual, skewed divergence.
fn ordinary(rng: &mut Stream) -> SliceFeatures {
    let residual = rng.normal();
    SliceFeatures([
        0.3 * residual.abs() + 0.4 * rng.exponential(),
        residual,
        0.08 * rng.normal(),
        0.01 * rng.exponential(),
        0.2 * rng.normal(),
    ])
}

fn warmed(contamination: f64, seed: u64, slices: usize) -> (SecondOpinion, Stream) {
    let mut rng = Stream::named(seed, "slices");
    let mut second = SecondOpinion::new(contamination, seed);
    for _ in 0..slices {
        second.observe(&ordinary(&mut rng));
    }
    (second, rng)
}

#[test]
fn ordinary_slices_are_called_outliers_as_often_as_contamination_says() {
    const SLICES: u32 = 15_000;
    for contamination in [0.01, 0.05] {
        let (mut second, mut rng) = warmed(contamination, 21, 2_000);
        let mut outliers = 0_u32;
        for _ in 0..SLICES {
            outliers += u32::from(second.observe(&ordinary(&mut rng)).outlier);
        }
        let rate = f64::from(outliers) / f64::from(SLICES);
        println!("rate {rate:.4} at contamination {contamination}");
        assert!((0.6..1.4).contains(&(rate / contamination)), "{rate} at {contamination}");
    }
}

#[test]
fn planted_outliers_are_found_and_their_feature_is_named() {
    let (mut second, mut rng) = warmed(0.01, 22, 6_000);
    let planted = [
        (Feature::SuccessEvidence, 8.0),
        (Feature::SuccessResidual, -14.0),
        (Feature::LatencyShift, 1.2),
        (Feature::MixDivergence, 0.35),
        (Feature::VolumeRatio, -2.5),
    ];
    let (mut found, mut named) = (0, 0);
    const EACH: usize = 40;
    for (feature, value) in planted {
        for _ in 0..EACH {
            let mut slice = ordinary(&mut rng);
            slice.0[feature as usize] = value;
            let opinion = second.judge(&slice);
            found += usize::from(opinion.outlier);
            named += usize::from(opinion.top_feature == feature);
        }
    }
    let all = planted.len() * EACH;
    println!("{found} of {all} found, {named} named");
    assert!(found * 100 >= all * 95, "{found} of {all} found");
    assert!(named * 100 >= all * 95, "{named} of {all} named");
}

/// What no single signal shows: every feature within its usual range, their combination not.
#[test]
fn several_small_shifts_together_are_odder_than_each_alone() {
    let (mut second, _) = warmed(0.01, 23, 6_000);
    let alone = second.judge(&SliceFeatures([0.4, -2.0, 0.0, 0.01, 0.0]));
    let together = second.judge(&SliceFeatures([1.6, -2.4, 0.22, 0.05, -0.55]));
    assert!(!alone.outlier, "{alone:?}");
    assert!(together.outlier, "{together:?}");
}

#[test]
fn judging_teaches_nothing_however_long_it_lasts() {
    let (mut second, _) = warmed(0.01, 24, 4_000);
    let before = second.clone();
    let incident = SliceFeatures([6.0, -9.0, 0.5, 0.2, 0.0]);
    for _ in 0..3_000 {
        assert!(second.judge(&incident).outlier);
    }
    assert_eq!(second.points, before.points);
    assert_eq!(second.joint_ranks, before.joint_ranks);
    assert_eq!(second.cuts, before.cuts);
}

#[test]
fn nothing_is_an_outlier_before_there_is_anything_to_compare_with() {
    let mut second = SecondOpinion::new(0.01, 1);
    let mut rng = Stream::named(25, "slices");
    for i in 0..1_000 {
        let mut slice = ordinary(&mut rng);
        slice.0[0] = f64::from(i);
        assert!(!second.observe(&slice).outlier);
    }
}

#[test]
fn a_snapshot_goes_on_bit_for_bit() {
    let (mut second, mut rng) = warmed(0.01, 26, 5_000);
    let text = serde_json::to_string(&second).expect("serialises");
    println!("{} bytes of snapshot", text.len());
    let mut again: SecondOpinion = serde_json::from_str(&text).expect("parses");
    assert_eq!(again, second);
    for _ in 0..4_000 {
        let slice = ordinary(&mut rng);
        assert_eq!(again.observe(&slice), second.observe(&slice));
    }
    assert_eq!(again, second);
}

#[test]
fn slices_that_never_vary_are_not_odd_and_what_is_not_a_number_does_no_harm() {
    let mut second = SecondOpinion::new(0.01, 2);
    for _ in 0..3_000 {
        let opinion = second.observe(&SliceFeatures([f64::NAN, 0.0, 0.0, 0.0, 0.0]));
        assert!(!opinion.outlier);
    }
    assert!(second.judge(&SliceFeatures([3.0; FEATURES])).outlier);
}

#[test]
fn an_outlier_is_evidence_that_favours_no_cause() {
    let (mut second, _) = warmed(0.01, 27, 4_000);
    let odd = second.judge(&SliceFeatures([9.0, -15.0, 0.0, 0.0, 0.0]));
    let evidence = odd.evidence().expect("an outlier");
    assert_eq!(evidence.log_bayes_factor, 0.0);
    insta::assert_snapshot!(evidence.text, @"unlike other slices (isolation forest p 0.002, random cut forest p < 0.001), most in success rate");
    let quiet = second.judge(&SliceFeatures([0.3, 0.1, 0.0, 0.005, 0.1]));
    assert_eq!(quiet.evidence(), None);
}
