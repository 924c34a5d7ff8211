//! False pages in weeks without any incident, and how soon real ones are found at that setting.
//!
//! **Traffic.** The simulated network at 20 attempts/s: six dimensions, daily and weekly seasons, outcomes
//! over-dispersed in blocks of 10 s (variance x 1.5 for a route), retries. A week is learnt, the next is
//! judged; a page is an incident opened in the judged week, whatever the signal. Every page is printed.
//!
//! **Counts, not events.** Two weeks are 24 million attempts, so the analyst gets them counted, row by row as
//! the engine would hand them over, in ticks of 10 s. Success rates of slices are judged every 5 to
//! 30 s anyway, and shorter ticks would only judge the few busiest slices (20 a second and more) oftener; the time scales of
//! learning are the same. Codes are one per cause; latencies are drawn within the class that the
//! simulation counted (below its median, its p95, its p99, beyond).
//!
//! **Delays** come from worlds of their own seeds: three days learnt, then an outage at an hour drawn from the seed.

mod delays;
mod feed;

use std::fmt::Write;
use std::sync::Mutex;
use std::time::Instant;

use analyst::{IncidentStatus, News};
use payments::Timestamp;
use serde::{Deserialize, Serialize};
use sim::World;

use crate::kept::Kept;
use crate::report::{Options, Report};
use feed::Feed;

const ATTEMPTS_PER_S: f64 = 20.0;
const BUDGET_PER_WEEK: f64 = 1.0;
const DAY_MS: i64 = 86_400_000;
const LEARNT_DAYS: i64 = 7;
const JUDGED_DAYS: i64 = 7;
/// A Monday, 00:00 UTC.
const START_MS: i64 = 1_789_948_800_000;

/// One null week.
#[derive(Serialize, Deserialize)]
struct Week {
    seed: u64,
    pages: Vec<String>,
    attempts: u64,
    seconds: f64,
}

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seeds = options.seeds_or(0..200);
    let kept = Kept::open("budget", options.keep.as_deref())?;
    let weeks = each(seeds.clone(), |seed| {
        let week = kept.part(&format!("week {seed}"), || week(seed))?;
        eprintln!("seed {seed}: {} pages, {:.0} s", week.pages.len(), week.seconds);
        Ok(week)
    })?;
    let pages: usize = weeks.iter().map(|week| week.pages.len()).sum();
    let attempts: u64 = weeks.iter().map(|week| week.attempts).sum();
    let seconds: f64 = weeks.iter().map(|week| week.seconds).sum();
    let mean = pages as f64 / weeks.len() as f64;
    let squares: f64 = weeks.iter().map(|week| (week.pages.len() as f64 - mean).powi(2)).sum();
    let error = (squares / (weeks.len() as f64 - 1.0).max(1.0) / weeks.len() as f64).sqrt();
    let mut text = String::new();
    writeln!(
        text,
        "{} null weeks, {ATTEMPTS_PER_S} attempts/s, budget {BUDGET_PER_WEEK} a week, ticks of {} s, {LEARNT_DAYS} days learnt, {:.2e} attempts judged",
        weeks.len(),
        feed::TICK_MS / 1_000,
        attempts as f64
    )?;
    writeln!(
        text,
        "pages a week {mean:.2} +- {error:.2}; {:.1} s of one core per seed",
        seconds / weeks.len() as f64
    )?;
    for week in weeks.iter().filter(|week| !week.pages.is_empty()) {
        for page in &week.pages {
            writeln!(text, "  seed {:>3}: {page}", week.seed)?;
        }
    }
    text.push_str(&delays::table(seeds.start)?);
    Ok(Report { text, figures: [("false_pages_per_week", mean)].into(), pass: mean <= 1.0 })
}

/// Every seed's answer, in order of seeds; two at a time.
fn each<T: Send>(
    seeds: std::ops::Range<u64>,
    answer: impl Fn(u64) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, answers) = (Mutex::new(seeds), Mutex::new(Vec::new()));
    let take = || next.lock().ok().and_then(|mut seeds| seeds.next());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = take() {
                    let answer = answer(seed);
                    if let Ok(mut answers) = answers.lock() {
                        answers.push((seed, answer));
                    }
                }
            });
        }
    });
    let mut answers = answers.into_inner().map_err(|_| anyhow::anyhow!("a seed panicked"))?;
    answers.sort_by_key(|(seed, _)| *seed);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn week(seed: u64) -> anyhow::Result<Week> {
    let start = Instant::now();
    let world = World::at_rate(ATTEMPTS_PER_S, seed)?;
    let mut feed = Feed::new(&world, BUDGET_PER_WEEK, seed);
    let from = Timestamp::from_millis(START_MS);
    let judged = from.plus_millis(LEARNT_DAYS * DAY_MS);
    let to = judged.plus_millis(JUDGED_DAYS * DAY_MS);
    let (mut pages, mut told) = (Vec::new(), std::collections::BTreeSet::new());
    let mut attempts = 0;
    feed.play(&world, from, to, |news, at, count| {
        attempts += if at > judged { count } else { 0 };
        let mut raised = String::new();
        for news in news {
            if let News::Finding(found) = &news {
                let _ = write!(
                    raised,
                    "; raised by {:?} {:?} {}: R {:.1e} of {:.1e}, {:.4} for {:.4}",
                    found.tier,
                    found.signal,
                    found.slice,
                    found.e_value,
                    found.threshold,
                    found.observed,
                    found.expected
                );
            }
            let News::Incident(incident) = news else { continue };
            if incident.status == IncidentStatus::Resolved || !told.insert(incident.id.clone()) {
                continue;
            }
            let hours = (incident.detected_at.as_millis() - judged.as_millis()) as f64 / 3.6e6;
            let page = format!(
                "{:?} {} at {hours:+.1} h: {:.4} for {:.4}, lost {:.0}{raised}",
                incident.signal,
                incident.slice,
                incident.observed_rate,
                incident.baseline_rate,
                incident.impact.lost_payments,
            );
            eprintln!("seed {seed}, {:.0} s: {page}", start.elapsed().as_secs_f64());
            if hours > 0.0 {
                pages.push(page);
            }
        }
        true
    });
    Ok(Week { seed, pages, attempts, seconds: start.elapsed().as_secs_f64() })
}
