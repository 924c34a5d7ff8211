//! The ramp: which share comes next, and on what evidence.
//!
//! **Out.** 5 -> 20 -> 50 -> 100 % at a running e-value of 3, 10 and 20. What a threshold e buys: where the treatment is no better, the
//! step is ever taken with probability at most 1/e. What a wrong step costs: a target that is equally bad costs nothing, one that is worse costs its
//! difference on the share moved until the harm test ends it, and the larger the share the sooner that is. At 20 % harm shows four times as fast as at 5 %, so a loss there is not much
//! larger than one at 5 % and a third of chance is cheap against the outage, which goes on meanwhile on all the rest: 1.1 nats. From 50 % on most of the slice rides on the target: 1/10. All of it, with the probe trickle as the only
//! witness that is left: 1/20, the same as for harm. Because evidence carries over, the three together cost what the last one does, 3 nats; the schedule only says how
//! much of it has to be gathered at which share. Evidence of the present step has to be among it (target under load), and inconclusive never promotes.
//!
//! **Home.** In the same steps, each allowed by its own test: either the untouched path is shown to be within a margin of the moved payments (half of what was lost when it began,
//! at e >= 20, since a false return costs a flip), or the analyst holds the incident for over and nothing speaks against it. Each step lasts [`DWELL_MS`] at least: what fails under load does so some time after the load,
//! and payments that stay out a little longer lose nothing.
//! A return that goes wrong shows as benefit of the treatment, tested anew in each step: at [`AGAIN_E`] it goes out again, if the slice isn't flapping.

use crate::Limits;
use crate::experiment::Evidence;

/// How long a step of a return lasts at least.
pub const DWELL_MS: i64 = 30_000;
/// Evidence against the return at which a step of it waits.
const AGAINST_HOME_E: f64 = 2.0;
/// Evidence against the return at which traffic goes out again.
pub const AGAIN_E: f64 = 10.0;

/// Number of the step that a share has reached.
pub fn step_of(limits: &Limits, steps: &[f64], share: f64) -> usize {
    let reached = steps.iter().filter(|step| limits.share_of_step(**step) <= share + 1e-9).count();
    reached.saturating_sub(1)
}

/// The share after this one on the way out.
pub fn next_out(limits: &Limits, steps: &[f64], share: f64) -> Option<f64> {
    steps.iter().map(|step| limits.share_of_step(*step)).find(|next| *next > share + 1e-9)
}

/// The share after this one on the way home; `None` is home.
pub fn next_home(limits: &Limits, steps: &[f64], share: f64) -> Option<f64> {
    steps.iter().rev().map(|step| limits.share_of_step(*step)).find(|next| *next < share - 1e-9)
}

/// Whether the untouched path does well enough for traffic to return, or to return further.
pub fn may_return(limits: &Limits, evidence: &Evidence, is_over: bool, step_age_ms: i64) -> bool {
    let is_well = evidence.home >= limits.home_e || is_over && evidence.benefit < AGAINST_HOME_E;
    is_well && step_age_ms >= DWELL_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_out_and_home() {
        let limits = Limits::default();
        let steps = limits.steps.clone();
        let mut out = vec![0.05];
        while let Some(next) = next_out(&limits, &steps, out[out.len() - 1]) {
            out.push(next);
        }
        assert_eq!(out, [0.05, 0.2, 0.5, 0.98], "the probe trickle stays");
        assert_eq!(next_home(&limits, &steps, 0.98), Some(0.5));
        assert_eq!(next_home(&limits, &steps, 0.3), Some(0.2));
        assert_eq!(next_home(&limits, &steps, 0.05), None);
        assert_eq!(
            [0.05, 0.1, 0.2, 0.6, 0.98].map(|s| step_of(&limits, &steps, s)),
            [0, 0, 1, 2, 3]
        );
    }
}
