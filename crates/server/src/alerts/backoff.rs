//! How long until a delivery is tried again: twice as long each time, up to a bound, with jitter.
//!
//! Half of the wait is fixed and half is drawn, so that many deliveries that failed together don't come back together.

/// The first wait.
const FIRST_MS: i64 = 1_000;
/// The longest.
const MOST_MS: i64 = 5 * 60_000;

/// Milliseconds after so many tries; `draw` is any number, evenly drawn.
pub fn wait_ms(tries: i64, draw: u64) -> i64 {
    let doublings = u32::try_from((tries - 1).clamp(0, 20)).unwrap_or(0);
    let whole = FIRST_MS.saturating_mul(1 << doublings).min(MOST_MS);
    let half = whole / 2;
    half + i64::try_from(draw % (half.unsigned_abs() + 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_bound() {
        let most: Vec<i64> = [1, 2, 3, 9, 10, 1_000_000].map(|n| wait_ms(n, 0) * 2).to_vec();
        assert_eq!(most, [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
        for draw in [0, 1, 499, 500, 501, u64::MAX] {
            assert!((500..=1_000).contains(&wait_ms(1, draw)), "{draw}");
        }
        assert_eq!(wait_ms(1, 500), 1_000);
    }
}
