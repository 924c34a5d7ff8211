//! `/v1/calibration`: how sure the operator said it was, against how often it helped.
//!
//! **Cases.** Plans that nobody was let follow count as their hindsight says (`engine::Hindsight`: would they have helped), so that the curve fills in shadow mode too. Of the others: experiments that are over. One *helped* where its test showed benefit (the e-value that lets a plan take its last step), *harmed* where it showed harm.
//! Most others end because the outage does, before the test could tell: they are undecided, counted, and in no rate. That favours neither side knowingly, but where many are undecided the
//! curve is about the others alone; so a second error counts every undecided plan as one that didn't help: the truth lies between the two.
//!
//! **Method.** Ten equal bins; per bin the mean of what was said, the share that helped, and its 95 % Wilson interval (Wilson 1927), which keeps its promise at a handful of
//! cases. Expected calibration error: the bins' distances, weighed by their cases (Naeini, Cooper, Hauskrecht 2015).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::Verdict;
use serde::{Deserialize, Serialize};
use stats::Z_95;
use store::Kind;
use utoipa::ToSchema;

use super::objects::read_newest;
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::serve::App;

const BINS: usize = 10;

/// Plans that were said with about the same confidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Bin {
    from: f64,
    to: f64,
    helped: u64,
    harmed: u64,
    /// Over before their test could tell; in no rate.
    undecided: u64,
    /// Mean confidence of those that helped or harmed.
    said: Option<f64>,
    /// Share of these that helped.
    rate: Option<f64>,
    /// 95 % Wilson interval of that.
    rate_low: Option<f64>,
    rate_high: Option<f64>,
}

/// What was said against what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Calibration {
    /// Plans that helped or harmed.
    decided: u64,
    helped: u64,
    harmed: u64,
    undecided: u64,
    /// How many of these nobody was let follow: judged by what came of leaving them.
    in_hindsight: u64,
    /// Expected calibration error of the decided; null where there are none.
    ece: Option<f64>,
    /// ... if no undecided plan had helped.
    ece_undecided_harmed: Option<f64>,
    /// Ten, from 0 to 1.
    bins: Vec<Bin>,
}

/// What of an experiment as it is stored counts here.
#[derive(Clone, Debug, Deserialize)]
struct Experiment {
    verdict: String,
    /// Not told by versions before.
    confidence: Option<f64>,
    outcome: Option<pilot::Outcome>,
}

/// What of a decision as it is stored counts here.
#[derive(Clone, Debug, Deserialize)]
struct Unfollowed {
    confidence: f64,
    /// Not told by versions before.
    hindsight: Option<Judged>,
}

#[derive(Clone, Debug, Deserialize)]
struct Judged {
    verdict: Verdict,
}

impl Unfollowed {
    /// Confidence and what came of it, once it is judged.
    fn case(&self) -> Option<(f64, Verdict)> {
        let verdict = self.hindsight.as_ref()?.verdict;
        Some((self.confidence.clamp(0.0, 1.0), verdict))
    }
}

impl Experiment {
    /// Confidence and what came of it, once it is over.
    fn case(&self) -> Option<(f64, Verdict)> {
        let end = match self.outcome? {
            // Where the arms don't have their sizes, nothing that they say counts.
            _ if self.verdict == "sample_ratio_mismatch" => Verdict::Undecided,
            pilot::Outcome::Helped => Verdict::Helped,
            pilot::Outcome::Harmed => Verdict::Harmed,
            pilot::Outcome::NoEffect => Verdict::Undecided,
        };
        Some((self.confidence?.clamp(0.0, 1.0), end))
    }
}

impl Calibration {
    fn of(cases: &[(f64, Verdict)]) -> Self {
        let mut bins: Vec<Bin> = (0..BINS)
            .map(|i| Bin {
                from: i as f64 / BINS as f64,
                to: (i + 1) as f64 / BINS as f64,
                ..Bin::default()
            })
            .collect();
        let mut sums = [(0.0, 0.0); BINS];
        for (said, end) in cases {
            let place = ((said * BINS as f64) as usize).min(BINS - 1);
            let bin = &mut bins[place];
            match end {
                Verdict::Helped => bin.helped += 1,
                Verdict::Harmed => bin.harmed += 1,
                Verdict::Undecided => bin.undecided += 1,
            }
            sums[place].1 += said;
            if *end != Verdict::Undecided {
                sums[place].0 += said;
            }
        }
        for (bin, (said, _)) in bins.iter_mut().zip(sums) {
            let decided = bin.helped + bin.harmed;
            if decided > 0 {
                let (low, high) = wilson(bin.helped, decided);
                bin.said = Some(said / decided as f64);
                bin.rate = Some(bin.helped as f64 / decided as f64);
                (bin.rate_low, bin.rate_high) = (Some(low), Some(high));
            }
        }
        let sum = |count: fn(&Bin) -> u64| bins.iter().map(count).sum::<u64>();
        let (helped, harmed) = (sum(|bin| bin.helped), sum(|bin| bin.harmed));
        let undecided = sum(|bin| bin.undecided);
        // |sum of what was said - helped| is a bin's distance times its cases.
        let error = |said: fn(&(f64, f64)) -> f64, n: u64| {
            let distances =
                bins.iter().zip(&sums).map(|(bin, sums)| (said(sums) - bin.helped as f64).abs());
            (n > 0).then(|| distances.sum::<f64>() / n as f64)
        };
        Self {
            decided: helped + harmed,
            helped,
            harmed,
            undecided,
            in_hindsight: 0,
            ece: error(|sums| sums.0, helped + harmed),
            ece_undecided_harmed: error(|sums| sums.1, cases.len() as u64),
            bins,
        }
    }
}

/// The score interval of a proportion.
fn wilson(successes: u64, n: u64) -> (f64, f64) {
    let (p, n) = (successes as f64 / n as f64, n as f64);
    let spread = Z_95 * Z_95 / n;
    let middle = (p + spread / 2.0) / (1.0 + spread);
    let half = Z_95 / (1.0 + spread) * (p * (1.0 - p) / n + spread / (4.0 * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// How often plans helped, by how sure the operator was
///
/// Of the newest 5,000 experiments that are over, and of the newest 5,000 decisions those that nobody was let follow.
#[utoipa::path(
    get, path = "/v1/calibration", tag = "memory", operation_id = "calibration",
    responses((status = 200, body = Calibration), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn calibration(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<Calibration>, Problem> {
    who.needs(Role::Viewer)?;
    let experiments = read_newest::<Experiment>(&app, Kind::Experiment, None).await?;
    let mut cases: Vec<_> = experiments.filter_map(|experiment| experiment.case()).collect();
    let decisions = read_newest::<Unfollowed>(&app, Kind::Decision, None).await?;
    let unfollowed = decisions.filter_map(|decision| decision.case());
    let before = cases.len();
    cases.extend(unfollowed);
    let in_hindsight = (cases.len() - before) as u64;
    Ok(Json(Calibration { in_hindsight, ..Calibration::of(&cases) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Option<f64>, b: f64) {
        assert!((a.unwrap() - b).abs() < 1e-3, "{a:?} is not {b}");
    }

    #[test]
    fn what_was_said_is_held_against_what_came() {
        let mut cases = vec![(0.95, Verdict::Helped); 9];
        cases.push((0.95, Verdict::Harmed));
        cases.extend([(0.62, Verdict::Helped), (0.68, Verdict::Harmed), (1.0, Verdict::Undecided)]);
        let told = Calibration::of(&cases);
        assert_eq!((told.decided, told.helped, told.harmed, told.undecided), (12, 10, 2, 1));
        let (high, middle) = (&told.bins[9], &told.bins[6]);
        assert_eq!((high.helped, high.harmed, high.undecided), (9, 1, 1));
        close(high.said, 0.95);
        close(high.rate, 0.9);
        // Wilson's interval of 9 in 10, as any table has it.
        close(high.rate_low, 0.596);
        close(high.rate_high, 0.982);
        close(middle.said, 0.65);
        close(middle.rate, 0.5);
        // 10 * 0.05 and 2 * 0.15, of 12.
        close(told.ece, 0.8 / 12.0);
        close(told.ece_undecided_harmed, (1.5 + 0.3) / 13.0);
        assert_eq!(told.bins[0].rate, None);
    }

    #[test]
    fn without_cases_nothing_is_claimed() {
        let told = Calibration::of(&[]);
        assert_eq!((told.decided, told.ece, told.ece_undecided_harmed), (0, None, None));
        assert_eq!(told.bins.len(), 10);
        let undecided = Calibration::of(&[(0.9, Verdict::Undecided)]);
        assert_eq!((undecided.ece, undecided.bins[9].rate), (None, None));
        close(undecided.ece_undecided_harmed, 0.9);
    }

    #[test]
    fn only_what_is_over_and_can_be_trusted_counts() {
        let case = |text: &str| serde_json::from_str::<Experiment>(text).unwrap().case();
        let running = r#"{"verdict": "benefit", "confidence": 0.9, "outcome": null}"#;
        assert_eq!(case(running), None);
        assert_eq!(case(r#"{"verdict": "benefit"}"#), None, "stored by a version before");
        let over = r#"{"verdict": "recovered", "confidence": 0.9, "outcome": "helped"}"#;
        assert_eq!(case(over), Some((0.9, Verdict::Helped)));
        let lopsided =
            r#"{"verdict": "sample_ratio_mismatch", "confidence": 0.9, "outcome": "helped"}"#;
        assert_eq!(case(lopsided), Some((0.9, Verdict::Undecided)));
    }

    #[test]
    fn a_plan_that_nobody_followed_counts_as_hindsight_says() {
        let case = |text: &str| serde_json::from_str::<Unfollowed>(text).unwrap().case();
        assert_eq!(case(r#"{"confidence": 0.9, "hindsight": null}"#), None);
        assert_eq!(case(r#"{"confidence": 0.9}"#), None, "stored by a version before");
        let judged = r#"{"confidence": 0.9, "hindsight": {"verdict": "harmed", "gain": -0.2}}"#;
        assert_eq!(case(judged), Some((0.9, Verdict::Harmed)));
    }
}
