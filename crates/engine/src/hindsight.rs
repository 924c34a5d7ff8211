//! Plans that nobody followed, judged by what came of leaving them.
//!
//! **Problem.** In shadow nothing is obeyed, so no experiment says whether a plan was right; but before anybody lets it act they want to know. **Method.** The slice's payments stayed where they
//! were, and others of the same context went to the gateways that the plan names. From the decision on, for ten minutes or until the incident is over, both are counted: the success rate that the slice
//! had, against the one that its own mix of payments would have met elsewhere (the baseline's expectation for that mix, shifted in log-odds by how the target did against its own expectation meanwhile).
//! What each payment moved would have gained is the difference, with a normal interval of 95 % from the over-dispersed counts and the baseline's own doubt; a plan *would have helped* where all of it lies above
//! zero, *would have harmed* where all of it lies below. **Assumption.** The target takes the payments as it took its own: that they would have overloaded it is what the guardrail for headroom is there for, and isn't seen here.
//!
//! One plan per incident is judged at a time, the first that is said: the same plan said again five minutes later is no second case.

use std::collections::BTreeMap;

use analyst::logistic::{logit, shift};
use analyst::{Analyst, Incident};
use payments::Timestamp;
use pilot::{Decision, Mode};
use serde::{Deserialize, Serialize};
use stats::Z_95;

use crate::standing::CHOSEN;

/// How long a plan is watched: an intervention that helps has shown it by then, and outcomes are remembered so long.
const WATCHED_MS: i64 = 10 * 60_000;

/// What would have come of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Payments would have been gained.
    Helped,
    /// Payments would have been lost.
    Harmed,
    /// The counts don't say.
    Undecided,
}

/// A plan that nobody followed, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hindsight {
    /// When it was judged.
    pub at: Timestamp,
    /// What would have come of it.
    pub verdict: Verdict,
    /// Attempts with an outcome that stayed where the plan would have taken them from.
    pub attempts: f64,
    /// Success rate of these.
    pub rate: f64,
    /// Success rate that they would have met where the plan would have taken them.
    pub rate_elsewhere: f64,
    /// Approvals that each payment moved would have gained.
    pub gain: f64,
    /// 95 % interval of that.
    pub gain_low: f64,
    /// Its upper end.
    pub gain_high: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Watched {
    decision: Decision,
    /// What the cycle said.
    text: String,
    is_over: bool,
}

/// A decision, what its cycle said, and what would have come of it.
pub(crate) type Judged = (Decision, String, Hindsight);

/// Plans that are watched, by incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hindsights {
    open: BTreeMap<String, Watched>,
}

impl Hindsights {
    /// A decision was said: it is watched if it names gateways and its mode lets nobody follow it.
    pub fn note(&mut self, decision: &Decision, text: &str) {
        let is_left = matches!(decision.mode, Mode::Shadow | Mode::Advise)
            && decision.needs_approval
            && decision.intervention_id.is_none()
            && !decision.to.is_empty();
        if is_left {
            self.open.entry(decision.incident_id.clone()).or_insert_with(|| Watched {
                decision: decision.clone(),
                text: text.to_owned(),
                is_over: false,
            });
        }
    }

    /// The analyst has news.
    pub fn tell(&mut self, incident: &Incident) {
        if incident.resolved_at.is_some()
            && let Some(watched) = self.open.get_mut(&incident.id)
        {
            watched.is_over = true;
        }
    }

    /// What is open ended without a word.
    pub fn forget_incidents(&mut self) {
        self.open.clear();
    }

    /// Judges what is due.
    pub fn judge(&mut self, analyst: &Analyst, now: Timestamp) -> Vec<Judged> {
        let is_due = |watched: &Watched| {
            watched.is_over || now.millis_since(watched.decision.at) >= WATCHED_MS
        };
        if !self.open.values().any(is_due) {
            return Vec::new();
        }
        let (due, open): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.open).into_iter().partition(|(_, watched)| is_due(watched));
        self.open = open;
        due.into_values()
            .map(|watched| {
                let hindsight = hindsight(analyst, &watched.decision, now);
                (watched.decision, watched.text, hindsight)
            })
            .collect()
    }
}

/// A rate and its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    is: f64,
    variance: f64,
}

fn hindsight(analyst: &Analyst, decision: &Decision, now: Timestamp) -> Hindsight {
    let loads = analyst.loads(CHOSEN);
    let [across] = analyst.across(&decision.slice, CHOSEN, [decision.at], &loads);
    let names = decision.to.iter().map(|to| to.gateway.as_str());
    let prospects = analyst.prospects(&decision.slice, CHOSEN, names);
    let stayed = across.iter().find(|path| path.named).filter(|path| path.attempts >= 1.0);
    let elsewhere = decision
        .to
        .iter()
        .map(|to| {
            let path = across.iter().find(|path| path.value == to.gateway)?;
            let prospect = prospects.iter().find(|prospect| prospect.value == to.gateway)?;
            let counts = Counts {
                attempts: path.attempts,
                successes: path.successes,
                expected: path.expected_successes,
                dispersion: path.dispersion,
            };
            counts.shifted(prospect.baseline_rate, path.baseline_sd).map(|rate| (to.share, rate))
        })
        .collect::<Option<Vec<_>>>();
    let attempts = stayed.map_or(0.0, |path| path.attempts);
    let here = stayed.map(|path| rate(path.attempts, path.successes, path.dispersion));
    let there = elsewhere.map(|rates| Rate {
        is: rates.iter().map(|(share, rate)| share * rate.is).sum(),
        variance: rates.iter().map(|(share, rate)| share * share * rate.variance).sum(),
    });
    judge(now, attempts, here, there)
}

fn judge(at: Timestamp, attempts: f64, here: Option<Rate>, there: Option<Rate>) -> Hindsight {
    let gain = here.zip(there).map(|(here, there)| {
        let half = Z_95 * (here.variance + there.variance).sqrt();
        let gain = there.is - here.is;
        (gain, (gain - half).max(-1.0), (gain + half).min(1.0))
    });
    // Nothing was counted: nothing is known.
    let (gain, gain_low, gain_high) = gain.unwrap_or((0.0, -1.0, 1.0));
    let verdict = if gain_low > 0.0 {
        Verdict::Helped
    } else if gain_high < 0.0 {
        Verdict::Harmed
    } else {
        Verdict::Undecided
    };
    let rate = here.map_or(0.0, |rate| rate.is);
    let rate_elsewhere = there.map_or(0.0, |rate| rate.is);
    Hindsight { at, verdict, attempts, rate, rate_elsewhere, gain, gain_low, gain_high }
}

/// What was counted at a gateway.
struct Counts {
    attempts: f64,
    successes: f64,
    expected: f64,
    dispersion: f64,
}

impl Counts {
    /// What a mix of which the baseline expects this would have met here; none where nothing was counted.
    fn shifted(&self, baseline_rate: f64, baseline_sd: f64) -> Option<Rate> {
        if self.attempts < 1.0 {
            return None;
        }
        let seen = rate(self.attempts, self.successes, self.dispersion);
        let expected = (self.expected / self.attempts).clamp(1e-3, 1.0 - 1e-3);
        let is = shift(baseline_rate.clamp(1e-3, 1.0 - 1e-3), logit(seen.is) - logit(expected));
        // The counts' error in log-odds, and what the baseline doubts of the two mixes' difference.
        let steep = is * (1.0 - is);
        let seen_steep = seen.is * (1.0 - seen.is);
        let sd2 = seen.variance / (seen_steep * seen_steep) + baseline_sd * baseline_sd;
        Some(Rate { is, variance: steep * steep * sd2 })
    }
}

/// Jeffreys' estimate, with the variance of over-dispersed counts.
fn rate(attempts: f64, successes: f64, dispersion: f64) -> Rate {
    let is = (successes + 0.5) / (attempts + 1.0);
    Rate { is, variance: dispersion.max(1.0) * is * (1.0 - is) / (attempts + 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn counts(attempts: f64, successes: f64, expected: f64) -> Counts {
        Counts { attempts, successes, expected, dispersion: 1.0 }
    }

    #[test]
    fn a_target_that_does_as_expected_gives_the_slices_own_expectation() {
        let there = counts(1e6, 9e5, 9e5).shifted(0.8, 0.0).expect("counted");
        assert!((there.is - 0.8).abs() < 1e-3, "{there:?}");
        let worse = counts(1e6, 8e5, 9e5).shifted(0.8, 0.0).expect("counted");
        assert!(worse.is < 0.7, "{worse:?}");
        assert_eq!(counts(0.0, 0.0, 0.0).shifted(0.8, 0.1), None);
    }

    #[test]
    fn a_plan_is_decided_where_the_counts_are_clear_and_not_before() {
        let there = counts(400.0, 360.0, 360.0).shifted(0.9, 0.05);
        let verdict = |attempts: f64, share: f64| {
            judge(at(), attempts, Some(rate(attempts, attempts * share, 1.2)), there).verdict
        };
        assert_eq!(verdict(300.0, 0.4), Verdict::Helped);
        assert_eq!(verdict(3_000.0, 0.98), Verdict::Harmed);
        assert_eq!(verdict(300.0, 0.89), Verdict::Undecided);
        assert_eq!(verdict(4.0, 0.5), Verdict::Undecided);
        assert_eq!(judge(at(), 0.0, None, there).verdict, Verdict::Undecided);
        assert_eq!(
            judge(at(), 300.0, Some(rate(300.0, 10.0, 1.0)), None).verdict,
            Verdict::Undecided
        );
    }

    #[test]
    fn the_interval_holds_the_gain_and_shrinks_with_counts() {
        let there = counts(400.0, 360.0, 360.0).shifted(0.9, 0.05);
        let mut width = f64::INFINITY;
        for attempts in [10.0, 100.0, 1_000.0, 10_000.0] {
            let h = judge(at(), attempts, Some(rate(attempts, attempts * 0.5, 1.2)), there);
            assert!(h.gain_low <= h.gain && h.gain <= h.gain_high);
            assert!(h.gain_high - h.gain_low < width);
            width = h.gain_high - h.gain_low;
        }
    }
}
