//! First step and steps: an intervention begins with the first share and takes the next only when the test of the present one allows it. Inconclusive never promotes.

use crate::Limits;
use crate::experiment::Evidence;

/// Whether the step of this number may be left for the next.
pub(crate) fn allows(limits: &Limits, step: usize, evidence: &Evidence) -> bool {
    // More sure of help than of harm, not a number promotes nothing.
    evidence.benefit >= limits.promote_e(step) && evidence.harm < evidence.benefit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inconclusive_never_promotes() {
        let limits = Limits::default();
        let evidence =
            |benefit| Evidence { benefit, harm: 1.0, home: 1.0, fresh: 1.0, mismatch: 1.0 };
        for (step, needed) in [(0, 3.0), (1, 10.0), (2, 20.0), (3, 20.0)] {
            assert!(!allows(&limits, step, &evidence(needed * 0.999)));
            assert!(allows(&limits, step, &evidence(needed)));
        }
        assert!(!allows(&limits, 0, &evidence(f64::NAN)));
        assert!(!allows(&limits, 0, &Evidence { harm: 10.0, ..evidence(5.0) }));
    }
}
