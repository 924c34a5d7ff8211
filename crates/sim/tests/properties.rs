//! What a simulated network promises, checked on the attempts themselves.

use std::collections::{BTreeMap, BTreeSet};

use payments::{Attempt, Status, Timestamp};
use sim::{
    DIMENSIONS, Dispersion, FailureKind, Incident, Kind, Retries, Sample, Shape, World, WorldConfig,
};

/// A Monday, 00:00 UTC.
const MONDAY: Timestamp = Timestamp::from_millis(1_789_948_800_000);

fn minute(minutes: i64) -> Timestamp {
    MONDAY.plus_millis(minutes * 60_000)
}

fn draw(world: &World, from: i64, to: i64) -> Vec<Sample> {
    world.attempts(minute(from), minute(to)).collect()
}

fn approved(sample: &Sample) -> bool {
    sample.attempt.status == Status::Approved
}

fn counts(sample: &Sample) -> bool {
    !matches!(sample.attempt.status, Status::Unknown | Status::Abandoned)
}

fn outage(severity: f64, blame: FailureKind) -> Kind {
    Kind::Outage { severity, blame }
}

fn in_slice(world: &World, sample: &Sample, pairs: &[(&str, &str)]) -> bool {
    let values = world.leaf_values(sample.leaf);
    pairs.iter().all(|(dimension, value)| {
        let at = DIMENSIONS.iter().position(|name| name == dimension).unwrap();
        values[at] == Some(*value)
    })
}

/// Successes against the sum of true chances, in standard deviations.
fn misfit(samples: &[Sample], variance_factor: f64) -> f64 {
    let (mut seen, mut mean, mut variance) = (0.0, 0.0, 0.0);
    for sample in samples.iter().filter(|s| counts(s)) {
        seen += f64::from(u8::from(approved(sample)));
        mean += sample.p_true;
        variance += sample.p_true * (1.0 - sample.p_true);
    }
    (seen - mean) / (variance * variance_factor).sqrt()
}

#[test]
fn the_same_seed_gives_the_same_attempts_however_the_span_is_cut() {
    let mut world = World::at_rate(30.0, 11).unwrap();
    let kind = outage(0.8, FailureKind::Issuer);
    world.add(Incident::on([("issuer", "SBI")], minute(8), minute(20), kind)).unwrap();
    let surge = Kind::Volume { factor: 2.0 };
    world.add(Incident::on([("method", "upi")], minute(5), minute(25), surge)).unwrap();
    let whole = draw(&world, 0, 30);
    let mut parts = draw(&world, 0, 9);
    parts.extend(draw(&world, 9, 10));
    parts.extend(draw(&world.clone(), 10, 30));
    assert_eq!(whole, parts);
    assert!(whole.is_sorted_by_key(|s| s.attempt.occurred_at));
    assert_ne!(whole[..50], draw(&World::at_rate(30.0, 12).unwrap(), 0, 30)[..50]);
    let ids: BTreeSet<&str> = whole.iter().map(|s| s.attempt.attempt_id.as_str()).collect();
    assert_eq!(ids.len(), whole.len());
}

#[test]
fn every_attempt_passes_the_strict_parser() {
    let mut world = World::at_rate(40.0, 31).unwrap();
    for kind in [
        Kind::RetryStorm { copies: 1.0 },
        Kind::CardTesting { factor: 0.5 },
        Kind::Latency { factor: 15.0 },
        Kind::CodesRenamed { from: FailureKind::User, to: FailureKind::Gateway },
    ] {
        world.add(Incident::on([("method", "card")], minute(5), minute(15), kind)).unwrap();
    }
    for Sample { attempt, .. } in draw(&world, 0, 20) {
        let json = serde_json::to_vec(&attempt).unwrap();
        let parsed = payments::parse_event(&json);
        assert_eq!(parsed.map(|p| p.attempt), Ok(attempt));
    }
}

#[test]
fn an_outage_moves_no_attempt_outside_its_slice_and_time() {
    let quiet = World::at_rate(40.0, 5).unwrap();
    let mut bad = quiet.clone();
    let slice = [("gateway", "PAYU"), ("network", "VISA")];
    let kind = outage(0.9, FailureKind::Gateway);
    bad.add(Incident::on(slice, minute(10), minute(20), kind)).unwrap();
    let (before, after) = (draw(&quiet, 0, 40), draw(&bad, 0, 40));
    let firsts = |samples: &[Sample]| -> BTreeMap<String, Attempt> {
        let first = samples.iter().filter(|s| s.attempt.attempt_number == 1);
        first.map(|s| (s.attempt.attempt_id.clone(), s.attempt.clone())).collect()
    };
    let inside = |a: &Attempt| {
        a.gateway == "PAYU"
            && a.network.as_deref() == Some("VISA")
            && a.occurred_at >= minute(10)
            && a.occurred_at < minute(21)
    };
    let (old, new) = (firsts(&before), firsts(&after));
    assert!(old.keys().eq(new.keys()), "the same payments");
    let (mut hit, mut flipped) = (0, 0);
    for (old, new) in old.values().zip(new.values()) {
        hit += u32::from(inside(old) && old.status == Status::Approved);
        if old != new {
            assert!(inside(old) && old.status == Status::Approved, "{old:?} became {new:?}");
            assert_ne!(new.status, Status::Approved);
            flipped += 1;
        }
    }
    assert!(f64::from(flipped) > 0.8 * f64::from(hit) && hit > 100, "{flipped} of {hit}");
    // What is new besides are retries.
    let known: BTreeSet<&str> = before.iter().map(|s| s.attempt.attempt_id.as_str()).collect();
    for sample in after.iter().filter(|s| !known.contains(s.attempt.attempt_id.as_str())) {
        assert!(sample.attempt.attempt_number > 1);
    }
}

#[test]
fn rates_match_the_true_chances() {
    let mut world = World::at_rate(60.0, 2).unwrap();
    let kind = outage(0.5, FailureKind::Issuer);
    world.add(Incident::on([("issuer", "HDFC")], minute(60), minute(120), kind)).unwrap();
    let slow = Kind::Latency { factor: 20.0 };
    world.add(Incident::on([("gateway", "PAYTM")], minute(30), minute(150), slow)).unwrap();
    let samples = draw(&world, 0, 240);
    assert!(misfit(&samples, 1.5).abs() < 4.0, "{}", misfit(&samples, 1.5));
    for pairs in [[("issuer", "HDFC")], [("gateway", "PAYTM")], [("method", "upi")]] {
        let slice: Vec<Sample> =
            samples.iter().filter(|s| in_slice(&world, s, &pairs)).cloned().collect();
        assert!(misfit(&slice, 1.5).abs() < 4.0, "{pairs:?} {}", misfit(&slice, 1.5));
        let hit: Vec<Sample> = slice.into_iter().filter(|s| s.p_true < s.p_null).collect();
        assert!(hit.len() > 1_000);
        assert!(misfit(&hit, 1.5).abs() < 4.0, "{pairs:?} {}", misfit(&hit, 1.5));
    }
}

#[test]
fn a_week_has_the_configured_mean_rate_and_a_visible_day() {
    let world = World::at_rate(1.0, 9).unwrap();
    let mut by_hour = [0.0_f64; 24];
    for sample in world.attempts(minute(0), minute(7 * 24 * 60)) {
        let hour = sample.attempt.occurred_at.as_millis() / 3_600_000 % 24;
        by_hour[hour as usize] += 1.0;
    }
    let rate = by_hour.iter().sum::<f64>() / (7.0 * 86_400.0);
    assert!((rate - 1.0).abs() < 0.02, "{rate}");
    let low = by_hour.iter().copied().fold(f64::MAX, f64::min);
    let high = by_hour.iter().copied().fold(0.0, f64::max);
    assert!(high > 3.0 * low, "{by_hour:?}");
}

/// Variance of each slice's successes over blocks of 10 s, against that of independent draws with the true chances.
fn dispersion(factor: f64, slices: &[&[(&str, &str)]]) -> Vec<f64> {
    let config = WorldConfig {
        attempts_per_s: 60.0,
        dispersion: Dispersion { success: factor, volume: 1.0 },
        retries: Retries { share: 0.0, ..WorldConfig::default().retries },
        ..WorldConfig::default()
    };
    let world = World::new(config, 4).unwrap();
    // Blocks are those of the attempt's start.
    let mut blocks: Vec<BTreeMap<i64, (f64, f64)>> = vec![BTreeMap::new(); slices.len()];
    for sample in world.attempts(minute(0), minute(300)).filter(counts) {
        let latency = i64::from(sample.attempt.latency_ms.unwrap());
        let block = (sample.attempt.occurred_at.as_millis() - latency) / 10_000;
        for (slice, blocks) in slices.iter().zip(&mut blocks) {
            if in_slice(&world, &sample, slice) {
                let (excess, variance) = blocks.entry(block).or_default();
                *excess += f64::from(u8::from(approved(&sample))) - sample.p_true;
                *variance += sample.p_true * (1.0 - sample.p_true);
            }
        }
    }
    let factor = |blocks: &BTreeMap<i64, (f64, f64)>| {
        let squares: f64 = blocks.values().map(|(excess, _)| excess * excess).sum();
        squares / blocks.values().map(|(_, variance)| variance).sum::<f64>()
    };
    blocks.iter().map(factor).collect()
}

#[test]
fn blocks_of_ten_seconds_are_over_dispersed_as_configured() {
    let (gateway, issuer) = (("gateway", "RAZORPAY"), ("issuer", "HDFC"));
    let slices = [&[][..], &[gateway], &[issuer], &[gateway, issuer]];
    for factor in [1.0, 1.5] {
        // 1,800 blocks: a standard error of 0.03 to 0.06.
        let seen = dispersion(factor, &slices);
        assert!(seen.iter().all(|seen| (seen - factor).abs() < 0.2), "{factor} {seen:?}");
    }
}

#[test]
fn retries_belong_to_a_payment_that_failed() {
    let world = World::at_rate(20.0, 8).unwrap();
    let mut last: BTreeMap<String, Attempt> = BTreeMap::new();
    let mut retries = 0;
    for Sample { attempt, .. } in world.attempts(minute(0), minute(60)) {
        if attempt.attempt_number > 1 && attempt.occurred_at > minute(5) {
            retries += 1;
            let before = &last[&attempt.payment_id];
            assert_eq!(before.attempt_number + 1, attempt.attempt_number);
            assert!(matches!(before.status, Status::Declined | Status::Error | Status::Timeout));
            assert_eq!((&before.issuer, &before.amount), (&attempt.issuer, &attempt.amount));
        }
        last.insert(attempt.payment_id.clone(), attempt);
    }
    assert!(retries > 500, "{retries}");
}

/// The slice's samples in a quiet world and in one with the incident, with the number of all attempts in each.
fn beside(pairs: &[(&'static str, &'static str)], kind: Kind) -> [(Vec<Sample>, f64); 2] {
    let quiet = World::at_rate(40.0, 21).unwrap();
    let mut world = quiet.clone();
    world.add(Incident::on(pairs.to_vec(), minute(10), minute(70), kind)).unwrap();
    [quiet, world].map(|world| {
        let all = draw(&world, 12, 70);
        let total = all.len() as f64;
        (all.into_iter().filter(|s| in_slice(&world, s, pairs)).collect(), total)
    })
}

fn share(samples: &[Sample], test: impl Fn(&Sample) -> bool) -> f64 {
    samples.iter().filter(|s| test(s)).count() as f64 / samples.len() as f64
}

fn code(value: &'static str) -> impl Fn(&Sample) -> bool {
    move |s| s.attempt.code.as_ref().is_some_and(|c| c.value == value)
}

fn growth(before: &[Sample], after: &[Sample]) -> f64 {
    after.len() as f64 / before.len() as f64
}

#[test]
fn volume_changes_without_success() {
    let [(before, _), (after, _)] = beside(&[("method", "upi")], Kind::Volume { factor: 3.0 });
    assert!((growth(&before, &after) - 3.0).abs() < 0.1);
    assert!((share(&before, approved) - share(&after, approved)).abs() < 0.02);
    let [(before, _), (after, _)] = beside(&[("method", "upi")], Kind::Volume { factor: 0.25 });
    assert!((growth(&before, &after) - 0.25).abs() < 0.02);
    let known: BTreeSet<&str> = before.iter().map(|s| s.attempt.attempt_id.as_str()).collect();
    assert!(after.iter().all(|s| known.contains(s.attempt.attempt_id.as_str())));
}

#[test]
fn a_mix_shift_degrades_no_slice() {
    let shift = Kind::MixShift { share: 0.3 };
    let [(before, all), (after, all_after)] = beside(&[("issuer", "SBI")], shift);
    assert!(growth(&before, &after) > 2.0);
    assert!((all_after / all - 1.0).abs() < 0.04, "{all} {all_after}");
    assert!(after.iter().all(|s| s.p_true == s.p_null));
}

#[test]
fn latency_codes_fraud_and_storms_do_what_they_say() {
    let slow = |s: &Sample| s.attempt.latency_ms.is_some_and(|ms| ms > 3_000);
    let [(before, _), (after, _)] = beside(&[("gateway", "PAYTM")], Kind::Latency { factor: 4.0 });
    assert!(share(&after, slow) > 2.0 * share(&before, slow));

    let rename = Kind::CodesRenamed { from: FailureKind::User, to: FailureKind::Issuer };
    let [(before, _), (after, _)] = beside(&[("gateway", "PAYU")], rename);
    assert_eq!(share(&before, approved), share(&after, approved));
    assert_eq!(share(&after, code("51")), 0.0);
    assert!(share(&after, code("91")) > 2.0 * share(&before, code("91")));

    let testing = Kind::CardTesting { factor: 2.0 };
    let [(before, _), (after, _)] = beside(&[("merchant_id", "merchant_01")], testing);
    assert!(share(&after, code("59")) > 10.0 * share(&before, code("59")));

    let storm = Kind::RetryStorm { copies: 2.0 };
    let [(before, _), (after, _)] = beside(&[("merchant_id", "merchant_02")], storm);
    assert!((2.8..3.3).contains(&growth(&before, &after)), "{}", growth(&before, &after));
    assert!(share(&after, code("94")) > 0.2);
}

#[test]
fn an_outage_flaps_as_it_was_told() {
    let mut world = World::at_rate(40.0, 6).unwrap();
    let flapping = Shape::Flapping { on_ms: 60_000, off_ms: 60_000 };
    let incident =
        Incident::on([("method", "upi")], minute(0), minute(10), outage(1.0, FailureKind::Network));
    world.add(incident.shaped(flapping)).unwrap();
    let samples = draw(&world, 0, 10);
    for sample in samples.iter().filter(|s| s.attempt.method == "upi" && counts(s)) {
        let latency = i64::from(sample.attempt.latency_ms.unwrap());
        let start = sample.attempt.occurred_at.as_millis() - latency - MONDAY.as_millis();
        assert_eq!(sample.p_true == 0.0, start >= 0 && start / 60_000 % 2 == 0);
    }
}

#[test]
fn set_outage_starts_deepens_and_ends() {
    let mut world = World::at_rate(40.0, 3).unwrap();
    world.set_outage("HDFC", "VISA", 0.5, minute(5)).unwrap();
    world.set_outage("HDFC", "VISA", 1.0, minute(10)).unwrap();
    world.set_outage("HDFC", "VISA", 0.0, minute(15)).unwrap();
    let pairs = [("issuer", "HDFC"), ("network", "VISA")];
    let samples = draw(&world, 0, 20);
    let lost = |from: i64, to: i64| {
        let hit: Vec<f64> = samples
            .iter()
            .filter(|s| in_slice(&world, s, &pairs))
            .filter(|s| s.attempt.occurred_at >= minute(from) && s.attempt.occurred_at < minute(to))
            .map(|s| 1.0 - s.p_true / s.p_null)
            .collect();
        hit.iter().sum::<f64>() / hit.len() as f64
    };
    assert_eq!(lost(0, 5), 0.0);
    assert!((lost(6, 10) - 0.5).abs() < 0.02 && (lost(11, 15) - 1.0).abs() < 0.02);
    assert_eq!(lost(16, 20), 0.0);
    let error = world.set_outage("HDFK", "VISA", 0.5, minute(5)).unwrap_err().to_string();
    assert!(error.contains("issuer is one of") && error.contains("HDFC"), "{error}");
}
