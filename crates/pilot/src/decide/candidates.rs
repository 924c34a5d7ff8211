//! The admissible actions of an incident.
//!
//! Traffic moves only for a loss of approvals, and only where the slice names the gateway to leave. Slow but successful, other codes but as many approvals, more or less traffic: a person
//! is told, no payment is touched. Payers without funds and fraudsters aren't helped by another gateway.

use analyst::{Cause, Signal};
use payments::{RetryRules, Timestamp, attempts_max};

use super::gain::{self, Valued};
use super::targets::{self, Reserved};
use super::{Durations, Outlook};
use crate::{Action, Limits, Retry, Situation, Target};

/// Attempts per payment from which on retries are a storm; ordinary traffic makes 1.1 to 1.5.
const STORM_ATTEMPTS_PER_PAYMENT: f64 = 2.5;
/// A path below this part of its baseline is as good as dead.
const DEAD_PART: f64 = 0.1;
/// Weight of the router's next best against its best, where both are eligible.
const NEXT_BEST_WEIGHT: f64 = 1e-3;
/// Share of a slice from which on one target suffices.
const SUFFICIENT_SHARE: f64 = 0.9;

/// An action with its content and its worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What.
    pub action: Action,
    /// Where to, best first.
    pub to: Vec<Target>,
    /// How to retry.
    pub retry: Option<Retry>,
    /// What it is worth.
    pub valued: Valued,
    /// Success rate expected of those treated.
    pub treatment_rate: f64,
    /// What else is to be said of it.
    pub reason: String,
}

/// Candidates, best first, and why there aren't others.
pub struct Reasons {
    /// The candidates.
    pub candidates: Vec<Candidate>,
    /// Why no traffic action is among them.
    pub why_not: String,
    /// Whether a person should be told when nothing is done.
    pub tell: bool,
}

/// What past cases of the pattern say, per action.
pub type Lesson<'a> = &'a dyn Fn(Action) -> f64;

/// Why no traffic may be touched, whatever the outlook.
pub fn precluded(situation: &Situation) -> Option<Reasons> {
    let incident = &situation.incident;
    if matches!(incident.cause, Cause::UserRelated | Cause::SuspectedFraud) {
        return Some(told(format!("{}: another path doesn't help", incident.cause)));
    }
    if is_storm(situation) {
        return None;
    }
    if incident.signal != Signal::SuccessRate {
        let what = match incident.signal {
            Signal::Latency => "slower, approvals intact",
            Signal::ErrorMix => "other codes, approvals intact",
            Signal::Volume | Signal::SuccessRate => "a change of volume only",
        };
        return Some(told(what.into()));
    }
    if !loses_approvals(situation) {
        return Some(Reasons {
            candidates: Vec::new(),
            why_not: "more approvals than expected".into(),
            tell: false,
        });
    }
    None
}

fn loses_approvals(situation: &Situation) -> bool {
    let incident = &situation.incident;
    incident.signal == Signal::SuccessRate && incident.observed_rate < incident.baseline_rate
}

/// Retries that our own settings make in such numbers that they are the trouble.
fn is_storm(situation: &Situation) -> bool {
    situation.incident.cause == Cause::Misconfiguration
        && situation.attempts_per_payment >= STORM_ATTEMPTS_PER_PAYMENT
}

/// All candidates of a situation that isn't [`precluded`].
pub fn candidates(
    situation: &Situation,
    outlook: &Outlook,
    durations: &Durations,
    reserved: &Reserved,
    limits: &Limits,
    lesson: Lesson<'_>,
    now: Timestamp,
) -> Reasons {
    let mut candidates = Vec::new();
    let mut why_not = Vec::new();
    let rerouted = if loses_approvals(situation) {
        rerouted(situation, outlook, reserved, limits, lesson)
    } else {
        Err("approvals are intact".into())
    };
    match rerouted {
        Ok(candidate) => {
            candidates.extend(suppressed(situation, outlook, reserved, limits, lesson, &candidate));
            candidates.push(candidate);
        }
        Err(why) => why_not.push(why),
    }
    candidates.extend(retried(situation, outlook, durations, lesson, now));
    candidates.retain(|candidate| {
        let gains = candidate.valued.gain.value() > 0.0 && candidate.valued.confidence >= 0.5;
        if !gains {
            let confidence = candidate.valued.confidence;
            why_not.push(format!("{} isn't expected to help ({confidence:.2})", candidate.action));
        }
        gains
    });
    candidates.sort_by(|a, b| {
        b.valued.gain.value().total_cmp(&a.valued.gain.value()).then(a.action.cmp(&b.action))
    });
    Reasons { candidates, why_not: why_not.join("; "), tell: true }
}

fn told(why_not: String) -> Reasons {
    Reasons { candidates: Vec::new(), why_not, tell: true }
}

fn rerouted(
    situation: &Situation,
    outlook: &Outlook,
    reserved: &Reserved,
    limits: &Limits,
    lesson: Lesson<'_>,
) -> Result<Candidate, String> {
    let slice = &situation.incident.slice;
    let Some(from) = slice.get("gateway") else {
        return Err("the slice names no gateway to leave".into());
    };
    let to = targets::choose(situation, outlook, reserved, limits.headroom_use);
    if to.is_empty() {
        let objections: Vec<String> = situation
            .paths
            .iter()
            .filter(|path| !path.hit)
            .map(|path| {
                targets::objection(path, reserved)
                    .unwrap_or_else(|| format!("{} is no better", path.gateway))
            })
            .collect();
        let detail =
            if objections.is_empty() { "there is none".into() } else { objections.join(", ") };
        return Err(format!("no gateway to take over from {from}: {detail}"));
    }
    let ttl_min = limits.ttl_ms as f64 / 60_000.0;
    let valued = gain::of_moving(situation, outlook, &to, ttl_min, lesson(Action::Reroute));
    let treatment_rate = treated_rate(situation, outlook, &to);
    Ok(Candidate {
        action: Action::Reroute,
        to,
        retry: None,
        valued,
        treatment_rate,
        reason: String::new(),
    })
}

/// Rate of those whom the coin picks: whoever has no eligible target stays.
fn treated_rate(situation: &Situation, outlook: &Outlook, to: &[Target]) -> f64 {
    let eligible: Vec<f64> =
        to.iter().map(|t| situation.path(&t.gateway).map_or(0.0, |p| p.eligible_share)).collect();
    let (loads, covered) = targets::loads(to, &eligible);
    let place = |gateway: &str| situation.paths.iter().position(|path| path.gateway == gateway);
    let places: Vec<(usize, f64)> = to
        .iter()
        .zip(loads)
        .filter_map(|(target, load)| place(&target.gateway).map(|place| (place, load)))
        .collect();
    outlook.mean(|draw| {
        let moved: f64 = places.iter().map(|&(place, load)| load * draw.paths[place]).sum();
        moved + (1.0 - covered) * draw.now
    })
}

/// Taking a dead path out, where no single gateway can take its payments and none that the router may fall to is suspect.
fn suppressed(
    situation: &Situation,
    outlook: &Outlook,
    reserved: &Reserved,
    limits: &Limits,
    lesson: Lesson<'_>,
    reroute: &Candidate,
) -> Option<Candidate> {
    let hit = situation.hit()?;
    let dead = outlook.mean(|draw| f64::from(u8::from(draw.now < DEAD_PART * draw.after))) > 0.95;
    let mut others: Vec<_> = situation.paths.iter().filter(|path| !path.hit).collect();
    let fits = |path: &&&crate::Path| {
        path.eligible_share >= SUFFICIENT_SHARE
            && targets::headroom_per_s(path, reserved) * limits.headroom_use
                >= situation.attempts_per_s
    };
    let all_fit = others.iter().all(|path| targets::objection(path, reserved).is_none());
    if !dead || !all_fit || others.len() < 2 || others.iter().any(|path| fits(&path)) {
        return None;
    }
    // The router sends each payment to its best eligible gateway: weights so steep that the next one counts only where those before it aren't eligible.
    let mean = |path: &crate::Path| {
        let place = situation.paths.iter().position(|other| other.gateway == path.gateway);
        outlook.mean(|draw| place.map_or(0.0, |place| draw.paths[place]))
    };
    others.sort_by(|a, b| mean(b).total_cmp(&mean(a)).then_with(|| a.gateway.cmp(&b.gateway)));
    let mut share = 1.0;
    let mut to = Vec::new();
    for path in others.iter().take(targets::TARGETS_MAX) {
        to.push(Target { gateway: path.gateway.clone(), share });
        share *= NEXT_BEST_WEIGHT;
    }
    targets::normalise(&mut to);
    let ttl_min = limits.ttl_ms as f64 / 60_000.0;
    let valued = gain::of_moving(situation, outlook, &to, ttl_min, lesson(Action::SuppressPath));
    let single_covers = reroute.to.len() == 1;
    let treatment_rate = treated_rate(situation, outlook, &to);
    (!single_covers).then(|| Candidate {
        action: Action::SuppressPath,
        to,
        retry: None,
        valued,
        treatment_rate,
        reason: format!("{} is as good as dead and no single gateway suffices", hit.gateway),
    })
}

fn retried(
    situation: &Situation,
    outlook: &Outlook,
    durations: &Durations,
    lesson: Lesson<'_>,
    now: Timestamp,
) -> Option<Candidate> {
    let incident = &situation.incident;
    let is_storm = is_storm(situation);
    if !is_storm && incident.cause != Cause::IssuerDegradation {
        return None;
    }
    // Long enough that the trouble has ended in six cases of seven, an hour at most.
    let age_min = now.millis_since(incident.started_at) as f64 / 60_000.0;
    let ended_s = durations.remaining_min(age_min, 0.85) * 60.0;
    let delay_s_min = if is_storm { 30 } else { ended_s.clamp(60.0, 3_600.0) as u32 };
    let (network, gateway) = (incident.slice.get("network"), incident.slice.get("gateway"));
    let rules = RetryRules::published();
    let limit = attempts_max(network, gateway.unwrap_or_default(), now, rules);
    let rule = limit.map_or("no scheme's limit applies".to_owned(), |limit| {
        format!("the scheme allows {limit} attempts")
    });
    let retry = Retry { attempts_max: limit.unwrap_or(u32::MAX).min(2), delay_s_min };
    let valued =
        gain::of_retrying(situation, outlook, retry, is_storm, lesson(Action::AdjustRetry));
    let usual = format!("{:.1} attempts per payment", situation.attempts_per_payment);
    Some(Candidate {
        action: Action::AdjustRetry,
        to: Vec::new(),
        retry: Some(retry),
        valued,
        treatment_rate: outlook.mean(|draw| draw.now),
        reason: if is_storm {
            format!("a storm of retries: {usual}")
        } else {
            format!("{usual}; {rule}")
        },
    })
}
