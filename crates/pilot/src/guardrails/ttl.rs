//! Time to live: an intervention ends by itself, is renewed by fresh evidence alone, and never lives longer than the maximum.

use payments::Timestamp;

use crate::Limits;

/// When one that begins now ends by itself.
pub(crate) fn initial(limits: &Limits, started_at: Timestamp) -> Timestamp {
    started_at.plus_millis(limits.ttl_ms.min(limits.ttl_max_ms))
}

/// The later end that fresh evidence buys in the second half of a life; `None` if it buys nothing.
pub(crate) fn renewed(
    limits: &Limits,
    started_at: Timestamp,
    expires_at: Timestamp,
    fresh_e: f64,
    now: Timestamp,
) -> Option<Timestamp> {
    let last = started_at.plus_millis(limits.ttl_max_ms);
    let later = now.plus_millis(limits.ttl_ms).min(last);
    let is_due = expires_at.millis_since(now) <= limits.ttl_ms / 2;
    (is_due && fresh_e >= limits.renew_e && later > expires_at).then_some(later)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_renewal_outlives_the_maximum_or_comes_without_evidence(after_ms in 0_i64..20_000_000, fresh in 0.0..100.0_f64) {
            let limits = Limits::default();
            let start = Timestamp::from_millis(0);
            let now = start.plus_millis(after_ms);
            let expires = now.plus_millis(60_000);
            match renewed(&limits, start, expires, fresh, now) {
                Some(later) => {
                    prop_assert!(fresh >= limits.renew_e);
                    prop_assert!(later.millis_since(start) <= limits.ttl_max_ms);
                    prop_assert!(later.millis_since(now) <= limits.ttl_ms);
                }
                None => prop_assert!(fresh < limits.renew_e || expires >= start.plus_millis(limits.ttl_max_ms).min(now.plus_millis(limits.ttl_ms))),
            }
        }
    }

    #[test]
    fn a_young_one_is_not_renewed() {
        let limits = Limits::default();
        let start = Timestamp::from_millis(0);
        assert_eq!(initial(&limits, start), start.plus_millis(1_800_000));
        assert_eq!(
            renewed(&limits, start, initial(&limits, start), 1e9, start.plus_millis(60_000)),
            None
        );
    }
}
