//! What a choice costs, whether it allocates, and whether its propensity is the draw's exact probability.
//!
//! **Choices.** `Policy::pick` among 6 and among 50 configured gateways with price lists, after an hour's learning over 100 cells and four bands of amounts, so that
//! several are close; the worst case, all alike, beside it. One thread, its CPU time, payments differing in id and issuer. Choices and their propensities are the product's own: the server
//! calls the same function and writes the texts of the answer.
//! **Allocations** are counted by the process's allocator over all those choices, in bytes: none, then, only where it is 0.
//! **Updates.** `Learner::learn` of one outcome, three dimensions and the amount.
//! **Exactness.** A million redraws (ids) over ten frozen snapshots, a floor of exploration among their settings: each gateway's share against the
//! sum of its propensities, in standard deviations; `worst_z` is the largest of all, and the bar that of as many independent ones at 1 in 1,000.

use std::hint::black_box;

use payments::{Currency, Money, Timestamp};
use routing::{
    Context, Exploration, Fee, Gateway, Learner, LearnerSettings, Learning, Outcomes, Policy, Terms,
};
use stats::stream::Stream;

use crate::allocations;
use crate::report::{Options, Report};

const NS_6_MAX: f64 = 1_000.0;
const NS_50_MAX: f64 = 3_000.0;
const NS_UPDATE_MAX: f64 = 2_000.0;
const CHOICES: usize = 400_000;
const UPDATES: usize = 200_000;
const REDRAWS: usize = 1_000_000;
const SNAPSHOTS: usize = 10;
const ISSUERS: usize = 100;

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seed = options.seeds_or(0..1).start;
    let six = policy(seed, 6, false, Exploration::default());
    let fifty = policy(seed, 50, false, Exploration::default());
    let (ns_6, allocations_6) = timed(&six);
    let (ns_50, allocations_50) = timed(&fifty);
    let (ns_50_alike, allocations_alike) = timed(&policy(seed, 50, true, Exploration::default()));
    let allocations = (allocations_6 + allocations_50 + allocations_alike) as f64;
    let ns_update = update(seed);
    let (worst_z, z_max) = redraw(seed);
    let text = format!(
        "a choice among 6: {ns_6:.0} ns, among 50: {ns_50:.0} ns (all alike: {ns_50_alike:.0} ns); an update: {ns_update:.0} ns\n\
         bytes allocated in {} choices: {allocations}\n\
         {REDRAWS} redraws over {SNAPSHOTS} snapshots: the worst share is {worst_z:.2} standard deviations off (bar {z_max:.2})",
        3 * CHOICES
    );
    Ok(Report {
        text,
        figures: [
            ("ns_6", ns_6),
            ("ns_50", ns_50),
            ("ns_50_alike", ns_50_alike),
            ("ns_update", ns_update),
            ("allocations", allocations),
            ("worst_z", worst_z),
        ]
        .into(),
        pass: ns_6 <= NS_6_MAX
            && ns_50 <= NS_50_MAX
            && ns_update <= NS_UPDATE_MAX
            && allocations == 0.0
            && worst_z <= z_max,
    })
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}_{number}")).collect()
}

fn values(issuer: &str) -> [(&str, &str); 5] {
    [
        ("method", "card"),
        ("merchant_id", "m_1"),
        ("network", "VISA"),
        ("issuer", issuer),
        ("country", "IN"),
    ]
}

fn policy(seed: u64, count: usize, alike: bool, exploration: Exploration) -> Policy {
    let mut stream = Stream::named(seed, "bench choose");
    let gateways = names("gateway", count);
    let mut learner = Learner::default();
    for minute in 0..60 {
        for issuer in names("bank", ISSUERS) {
            let values = values(&issuer);
            let counts: Vec<(u64, u64)> = (0..count)
                .map(|g| {
                    let rate = if alike { 0.9 } else { 0.92 - 0.3 * g as f64 / count as f64 };
                    let attempts = if alike { 1 } else { stream.poisson(6.0 / count as f64) };
                    (attempts, stream.binomial(attempts, rate))
                })
                .collect();
            let amount = amount(stream.below(4) as i64);
            let outcomes = gateways.iter().zip(counts).map(|(gateway, (attempts, successes))| {
                Outcomes { gateway, values: &values, amount, attempts, successes }
            });
            learner.learn(Timestamp::from_millis(minute * 60_000), outcomes);
        }
    }
    let fee = |number: usize| Fee {
        method: Some("card".into()),
        from_minor: 0,
        fixed_minor: 300,
        currency: Currency::parse("INR"),
        bps: 190 + number as u32,
    };
    let gateway = |(number, name): (usize, String)| Gateway {
        name,
        fee: vec![fee(if alike { 0 } else { number })],
        ..Gateway::default()
    };
    Policy::new(Terms {
        seed,
        learning: Learning::Explore,
        gateways: gateways.into_iter().enumerate().map(gateway).collect(),
        table: learner.table(),
        exploration,
        ..Terms::default()
    })
}

/// One of four bands.
fn amount(band: i64) -> Option<Money> {
    Currency::parse("INR").map(|currency| Money { minor: 150_000 << (2 * band), currency })
}

fn context<'a>(id: &'a str, values: &'a [(&'a str, &'a str)], band: usize) -> Context<'a> {
    let amount = amount(band as i64);
    Context { values, amount, ..Context::at(Timestamp::from_millis(3_600_000), id) }
}

/// Nanoseconds of a choice, and bytes allocated for all.
fn timed(policy: &Policy) -> (f64, u64) {
    let ids = names("pay", 1_000);
    let issuers = names("bank", ISSUERS);
    let values: Vec<_> = issuers.iter().map(|issuer| values(issuer)).collect();
    let choose = |number: usize| {
        let context =
            context(&ids[number % ids.len()], &values[number % values.len()], number / 7 % 4);
        black_box(policy.pick(black_box(&context)).is_ok());
    };
    (0..CHOICES / 10).for_each(choose);
    let counted = allocations::bytes();
    let mut fastest = f64::INFINITY;
    for part in 0..10 {
        let began = cpu_ns();
        (part * CHOICES / 10..(part + 1) * CHOICES / 10).for_each(choose);
        fastest = fastest.min((cpu_ns() - began) / (CHOICES / 10) as f64);
    }
    (fastest, allocations::bytes() - counted)
}

fn update(seed: u64) -> f64 {
    let mut stream = Stream::named(seed, "bench choose updates");
    let mut learner = Learner::new(LearnerSettings::default());
    let issuers = names("bank", ISSUERS);
    let gateways = names("gateway", 6);
    let mut once = |learner: &mut Learner, number: usize| {
        let values = values(&issuers[stream.below(ISSUERS as u64) as usize]);
        let gateway = &gateways[stream.below(6) as usize];
        let successes = u64::from(stream.bernoulli(0.9));
        let amount = amount(number as i64 % 4);
        let outcomes = Outcomes { gateway, values: &values, amount, attempts: 1, successes };
        learner.learn(Timestamp::from_millis(number as i64 * 10), [outcomes]);
    };
    (0..UPDATES / 10).for_each(|number| once(&mut learner, number));
    let mut fastest = f64::INFINITY;
    for part in 1..10 {
        let began = cpu_ns();
        (part * UPDATES / 10..(part + 1) * UPDATES / 10).for_each(|n| once(&mut learner, n));
        fastest = fastest.min((cpu_ns() - began) / (UPDATES / 10) as f64);
    }
    fastest
}

/// The largest deviation of a share from its propensity, in standard deviations, and what it may be.
fn redraw(seed: u64) -> (f64, f64) {
    let mut worst = 0.0_f64;
    let mut compared = 0.0;
    for snapshot in 0..SNAPSHOTS {
        let floor = if snapshot % 2 == 0 { 0.0 } else { 0.01 };
        let exploration = Exploration { floor, boldness: 3.0, ..Exploration::default() };
        let policy = policy(seed + snapshot as u64, 6, snapshot % 3 == 0, exploration);
        let issuer = format!("bank_{snapshot}");
        let values = values(&issuer);
        let mut drawn = std::collections::BTreeMap::<String, (f64, f64)>::new();
        let draws = REDRAWS / SNAPSHOTS;
        for number in 0..draws {
            let id = format!("pay_{snapshot}_{number}");
            if let Ok(picked) = policy.pick(&context(&id, &values, snapshot % 4)) {
                let counts = drawn.entry(picked.gateway.to_owned()).or_default();
                *counts = (counts.0 + 1.0, picked.propensity);
            }
        }
        for (times, propensity) in drawn.into_values() {
            let n = draws as f64;
            let deviation = (n * propensity * (1.0 - propensity)).sqrt().max(1e-9);
            let z = if propensity < 1.0 { (times - n * propensity).abs() / deviation } else { 0.0 };
            worst = worst.max(z);
            compared += 1.0;
        }
    }
    // P(|z| > x) < exp(-x^2 / 2), for each of them.
    (worst, (2.0 * libm::log(compared * 1_000.0)).sqrt())
}

fn cpu_ns() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
