//! How fast an outage is got round, what of it is recovered, and that nothing happens where nothing helps.

mod world;

use world::{Report, Scenario, run};

const SEEDS: u64 = 20;

fn runs(scenario: &Scenario, until_s: i64) -> Vec<Report> {
    (1..=SEEDS).map(|seed| run(&Scenario { seed, ..scenario.clone() }, until_s)).collect()
}

fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values[values.len() / 2]
}

fn seconds_to_all(reports: &[Report]) -> Vec<i64> {
    reports.iter().map(|report| report.reached_s.get(&980).copied().unwrap_or(i64::MAX)).collect()
}

/// Seconds from detection to 100 %, and the share of the loss that is recovered, by traffic and drop. Bounds have a third of margin.
#[test]
fn outages_are_got_round() {
    for (payments_per_s, drop, seconds_max, recovered_min) in [
        (5.0, 0.2, 200, 0.80),
        (5.0, 0.35, 120, 0.88),
        (5.0, 0.5, 100, 0.90),
        (20.0, 0.2, 100, 0.90),
        (20.0, 0.35, 60, 0.93),
        (20.0, 0.5, 60, 0.93),
        (50.0, 0.2, 80, 0.93),
        (50.0, 0.35, 50, 0.94),
        (50.0, 0.5, 50, 0.94),
    ] {
        let reports = runs(&Scenario::outage(payments_per_s, drop), 1_800);
        let mut seconds = seconds_to_all(&reports);
        seconds.sort_unstable();
        let mean = |of: fn(&Report) -> f64| reports.iter().map(of).sum::<f64>() / SEEDS as f64;
        let recovered = mean(|report| report.recovered);
        println!(
            "{payments_per_s:>3}/s, {:>2} points: 100 % after {} s (median; {} to {}), recovered {:.3} of the outage, {:.3} since detection at {} s",
            drop * 100.0,
            median(seconds.clone()),
            seconds[1],
            seconds[SEEDS as usize - 2],
            recovered,
            mean(|report| report.recovered_since_detection),
            Scenario::outage(payments_per_s, drop).detection_s,
        );
        assert!(median(seconds) <= seconds_max, "{payments_per_s}/s, {drop}");
        assert!(recovered >= recovered_min, "{payments_per_s}/s, {drop}: {recovered}");
    }
}
