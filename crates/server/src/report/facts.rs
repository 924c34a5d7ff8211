//! What is said of an incident, in words, whatever the medium.

use std::collections::BTreeMap;

use analyst::{Breakdown, Incident, Signal, TimelinePoint};
use jiff::tz::TimeZone;
use payments::Timestamp;

use super::operator;
use super::words::{estimate, money, number, percent, rate, span, time};
use crate::backtest::Answer;
use crate::read::visible;

/// Alternatives below this are not worth a line.
const CONFIDENCE_MIN: f64 = 0.005;
const OTHERS_MAX: usize = 3;

/// One incident in words; every text is safe to show.
pub struct Facts {
    /// The slice, or all traffic.
    pub place: String,
    /// Slices that select nearly the same attempts.
    pub aliases: Vec<String>,
    /// From when to when, and how it ended.
    pub since: String,
    /// When, and how long after it began.
    pub detected: String,
    /// `success`, `slow`, `errors`, `volume`.
    pub signal: &'static str,
    /// The same for a heading.
    pub signal_title: &'static str,
    /// Rate seen, interval, rate expected.
    pub seen: String,
    /// Payments first, then money per currency.
    pub cost: Vec<String>,
    /// What the operator would have done, and what that would have saved.
    pub operator: Vec<String>,
    /// The cause with its confidence.
    pub cause: String,
    /// Other explanations.
    pub others: Vec<String>,
    /// What speaks for the cause.
    pub evidence: Vec<String>,
}

impl Facts {
    /// In words, with times in `zone`.
    pub fn new(i: &Incident, answer: Option<&Answer>, zone: &TimeZone) -> Self {
        let (signal, signal_title) = match i.signal {
            Signal::SuccessRate => ("success", "Success rate"),
            Signal::Latency => ("slow", "Slow attempts"),
            Signal::ErrorMix => ("errors", "Errors"),
            Signal::Volume => ("volume", "Volume"),
        };
        let since = match i.resolved_at {
            Some(end) => {
                let lasted = span(end.millis_since(i.started_at));
                let how = i.resolution.as_ref().map(|r| format!(", {}", visible(r)));
                format!(
                    "{} until {} ({lasted}){}",
                    time(i.started_at, zone),
                    time(end, zone),
                    how.unwrap_or_default()
                )
            }
            None => format!("{}, going on at the end of the data", time(i.started_at, zone)),
        };
        let delay = i.detected_at.millis_since(i.started_at);
        let after =
            if delay > 0 { format!(", {} after it began", span(delay)) } else { String::new() };
        Self {
            place: place(i),
            aliases: i.aliases.iter().map(|a| visible(&a.to_string())).collect(),
            since,
            detected: format!("{}{after}", time(i.detected_at, zone)),
            signal,
            signal_title,
            seen: seen(i),
            cost: cost(i),
            operator: answer.map_or_else(Vec::new, |answer| operator::lines(answer, zone)),
            cause: format!("{}, confidence {:.2}", i.cause, i.confidence),
            others: i
                .alternatives
                .iter()
                .filter(|a| a.confidence >= CONFIDENCE_MIN)
                .take(OTHERS_MAX)
                .map(|a| {
                    let slice = visible(&a.slice.to_string());
                    format!("else {} at {slice} ({:.2})", a.cause, a.confidence)
                })
                .collect(),
            // The success rate stands in `seen`.
            evidence: i
                .evidence
                .iter()
                .filter(|e| e.kind != "success_rate")
                .map(|e| visible(&e.text))
                .collect(),
        }
    }
}

/// The slice, or all traffic.
pub fn place(i: &Incident) -> String {
    if i.slice.order() == 0 { "all traffic".into() } else { visible(&i.slice.to_string()) }
}

fn seen(i: &Incident) -> String {
    let (low, high) = i.observed_rate_interval;
    let what = match i.signal {
        Signal::Volume => {
            return format!(
                "{} attempts/s where {} are expected",
                estimate(i.observed_rate),
                estimate(i.baseline_rate)
            );
        }
        Signal::Latency => " of attempts slower than usual",
        Signal::ErrorMix => " of attempts failed with these codes",
        Signal::SuccessRate => "",
    };
    format!(
        "{}{what} (95 % interval {:.1}-{:.1}) where {} is expected",
        percent(i.observed_rate),
        low * 100.0,
        high * 100.0,
        percent(i.baseline_rate)
    )
}

fn cost(i: &Incident) -> Vec<String> {
    let m = &i.impact;
    let mut out = vec![format!(
        "{} payments lost ({} to {}), {} a minute at the end; {} attempts, {} of all traffic",
        estimate(m.lost_payments),
        estimate(m.lost_payments_low),
        estimate(m.lost_payments_high),
        rate(m.lost_payments_per_minute),
        number(m.attempts),
        percent(m.share)
    )];
    for lost in &m.lost {
        let of = |minor| money(minor, lost.amount.currency);
        out.push(format!(
            "{} lost ({} to {}), {} a minute at the end",
            of(lost.amount.minor),
            of(lost.interval_minor.0),
            of(lost.interval_minor.1),
            of(lost.minor_per_minute)
        ));
    }
    out
}

/// The timeline at even distances: the widest of those it has. What an incident's history keeps
/// is finer towards its end, and a rate over a few attempts beside one over hundreds misleads.
pub fn even(points: &[TimelinePoint]) -> Vec<TimelinePoint> {
    let at = |p: &TimelinePoint| p.at.as_millis();
    // The first distances tell: a silence later on is a distance too, and not a width.
    let early = points.windows(2).take(4).map(|w| at(&w[1]) - at(&w[0]));
    let Some(step) = early.min().filter(|step| *step > 0) else { return points.to_vec() };
    let Some(start) = points.first().map(at) else { return Vec::new() };
    let mut out: Vec<TimelinePoint> = Vec::new();
    for p in points {
        let starts_at = start + (at(p) - start) / step * step;
        match out.last_mut() {
            Some(last) if at(last) == starts_at => {
                last.attempts += p.attempts;
                last.successes += p.successes;
                last.expected += p.expected;
            }
            _ => out.push(TimelinePoint { at: Timestamp::from_millis(starts_at), ..p.clone() }),
        }
    }
    out
}

/// One dimension's values: who was hit and who was not, most loss first.
pub struct Group<'a> {
    /// `merchants`, `issuers`, ...
    pub title: String,
    /// Lower end of the loss above zero.
    pub hit: Vec<&'a Breakdown>,
    /// The others that have attempts here.
    pub spared: Vec<&'a Breakdown>,
    /// Values that have attempts elsewhere only.
    pub absent: Vec<&'a Breakdown>,
}

/// The breakdown by dimension, merchants first. A dimension of which the slice holds one value
/// tells nothing that the slice doesn't, except for merchants: they ask whether it was them.
pub fn groups(parts: &[Breakdown]) -> Vec<Group<'_>> {
    let mut by: BTreeMap<(bool, &str), Vec<&Breakdown>> = BTreeMap::new();
    for part in parts {
        by.entry((part.dimension != "merchant_id", &part.dimension)).or_default().push(part);
    }
    by.into_iter()
        .filter(|((other, _), of)| !other || of.iter().filter(|p| p.attempts > 0).count() > 1)
        .map(|((_, dimension), mut of)| {
            of.sort_by(|a, b| {
                b.lost_payments
                    .total_cmp(&a.lost_payments)
                    .then(b.attempts_all.cmp(&a.attempts_all))
            });
            let (here, absent): (Vec<_>, Vec<_>) = of.into_iter().partition(|p| p.attempts > 0);
            let (hit, spared) = here.into_iter().partition(|p| p.hit);
            Group { title: plural(&visible(dimension)), hit, spared, absent }
        })
        .collect()
}

fn plural(dimension: &str) -> String {
    let name = dimension.strip_suffix("_id").unwrap_or(dimension);
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{name}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn names_of_dimensions_have_plurals() {
        assert_eq!(
            ["merchant_id", "gateway", "country"].map(plural),
            ["merchants", "gateways", "countries"]
        );
    }

    #[test]
    fn a_timeline_that_ends_in_single_ticks_is_evened_out() {
        let point = |s: i64, attempts| TimelinePoint {
            at: Timestamp::from_millis(s * 1_000),
            attempts,
            successes: attempts / 2,
            expected: attempts as f64,
        };
        let points: Vec<TimelinePoint> = (0..6)
            .map(|i| point(i * 600, 100))
            .chain((0..30).map(|i| point(3_600 + i * 40, 2)))
            .collect();
        let even = even(&points);
        assert_eq!(even.len(), 8);
        assert!(even.windows(2).all(|w| w[1].at.millis_since(w[0].at) == 600_000));
        assert_eq!(even.iter().map(|p| p.attempts).sum::<u64>(), 660);
    }

    #[test]
    fn merchants_are_hit_spared_or_absent() {
        let incident = sample::incident();
        let groups = groups(&incident.breakdown);
        let names =
            |parts: &[&Breakdown]| parts.iter().map(|p| p.value.clone()).collect::<Vec<_>>();
        assert_eq!(groups.len(), 1);
        assert_eq!(names(&groups[0].hit), ["urbanclap"]);
        assert_eq!(names(&groups[0].spared), ["zivame"]);
        assert_eq!(names(&groups[0].absent), ["pharmeasytech"]);
    }
}
