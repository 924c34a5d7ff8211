//! Quantiles of latency from a fixed array of counts.
//!
//! **Problem.** Quantiles for every slice and tick, to be added across slices, ticks and machines, without keeping values.
//!
//! **Method.** Logarithmic bins as in DDSketch (Masson, Rim and Lee 2019, VLDB), with its linearly interpolated mapping: the bin of a
//! value is the leading bits of its binary form, 16 bins per octave, found with two integer instructions. Whole milliseconds
//! below 32 have a bin each; the last of the 256 bins begins at 507,904 ms and takes everything beyond. The
//! bin fits a `u8`, so an attempt carries its latency in one byte and a cell counts it in one addition.
//!
//! **Guarantee.** A quantile is within 1/33 (3.1 %) of the sample quantile, relative, up to 8.7 minutes; exact below 32 ms.
//! Counts are integers: merging is addition, exact, in any order.
//!
//! **Cost.** 1 ns per value, 256 counters per full sketch; a quantile walks the counters once. (The
//! `sketches-ddsketch` crate stores growing vectors and floats; a cube of 10^5 slices wants bare counters.)

/// Number of bins.
pub const BINS: usize = 256;

const EXACT: u32 = 32;
const PER_OCTAVE_BITS: u32 = 4;

/// The bin of a latency.
///
/// ```
/// use stats::sketch::{bin_lower, bin_upper, latency_bin};
/// let bin = latency_bin(1_234);
/// assert!(bin_lower(bin) <= 1_234 && 1_234 <= bin_upper(bin));
/// ```
#[inline]
pub const fn latency_bin(ms: u32) -> u8 {
    if ms < EXACT {
        return ms as u8;
    }
    let octave = 31 - ms.leading_zeros(); // at least 5
    let lead = (ms >> (octave - PER_OCTAVE_BITS)) & 15;
    let bin = ((octave - 3) << PER_OCTAVE_BITS) + lead;
    if bin > 255 { 255 } else { bin as u8 }
}

/// Smallest latency of a bin.
pub const fn bin_lower(bin: u8) -> u32 {
    let bin = bin as u32;
    if bin < EXACT {
        return bin;
    }
    let octave = (bin >> PER_OCTAVE_BITS) + 3;
    ((bin & 15) + 16) << (octave - PER_OCTAVE_BITS)
}

/// Largest latency of a bin; the last bin is taken to be as wide as the one before it.
pub const fn bin_upper(bin: u8) -> u32 {
    if bin == 255 { (1 << 19) - 1 } else { bin_lower(bin + 1) - 1 }
}

/// The value that stands for a bin: the harmonic mean of its ends, off by at most 1/33 of any value in it.
pub const fn bin_mid(bin: u8) -> f64 {
    let (lower, upper) = (bin_lower(bin) as f64, bin_upper(bin) as f64);
    if bin == 0 { 0.0 } else { 2.0 * lower * upper / (lower + upper) }
}

/// The `q` quantile of counted bins in ascending order: the value at rank ceil(q n), as DDSketch defines it. `None` without any.
pub fn quantile(bins: impl IntoIterator<Item = (u8, u64)> + Clone, q: f64) -> Option<f64> {
    quantile_bin(bins, q).map(bin_mid)
}

/// The bin that holds the `q` quantile.
pub fn quantile_bin(bins: impl IntoIterator<Item = (u8, u64)> + Clone, q: f64) -> Option<u8> {
    debug_assert!((0.0..=1.0).contains(&q), "a quantile lies in 0..=1, got {q}");
    let total: u64 = bins.clone().into_iter().map(|(_, count)| count).sum();
    if total == 0 {
        return None;
    }
    let rank = (libm::ceil(q * total as f64) as u64).clamp(1, total);
    let mut below = 0;
    for (bin, count) in bins {
        below += count;
        if below >= rank {
            return Some(bin);
        }
    }
    None
}

/// All 256 counters of a dense sketch as (bin, count) pairs.
pub fn dense<C: Copy + Into<u64>>(
    counts: &[C; BINS],
) -> impl Iterator<Item = (u8, u64)> + Clone + '_ {
    (0..=255_u8).zip(counts.iter().map(|count| (*count).into()))
}

/// Share of the counted values that lie in a bin above `cut`: what a detector of "slower than usual" expects. It
/// is not 1 - q of the quantile that chose the cut, because bins are discrete.
pub fn share_above(bins: impl IntoIterator<Item = (u8, u64)>, cut: u8) -> Option<f64> {
    let (mut total, mut above) = (0, 0);
    for (bin, count) in bins {
        total += count;
        above += if bin > cut { count } else { 0 };
    }
    (total > 0).then(|| above as f64 / total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(values: &[u32]) -> [u32; BINS] {
        let mut counts = [0; BINS];
        for ms in values {
            counts[usize::from(latency_bin(*ms))] += 1;
        }
        counts
    }

    #[test]
    fn bins_tile_the_range() {
        for bin in 0..255 {
            assert_eq!(latency_bin(bin_lower(bin)), bin);
            assert_eq!(latency_bin(bin_upper(bin)), bin);
            assert_eq!(bin_upper(bin) + 1, bin_lower(bin + 1));
        }
        assert_eq!(bin_lower(255), 507_904);
        assert_eq!(latency_bin(u32::MAX), 255);
    }

    proptest! {
        #[test]
        fn a_bin_is_within_its_error(ms in 1_u32..524_288) {
            let mid = bin_mid(latency_bin(ms));
            prop_assert!((mid - f64::from(ms)).abs() <= f64::from(ms) / 33.0 + 1e-9);
        }

        #[test]
        fn quantiles_keep_the_relative_error(
            mut values in prop::collection::vec(0_u32..400_000, 1..400),
            q in 0.0..=1.0_f64,
        ) {
            let got = quantile(dense(&counted(&values)), q).unwrap();
            values.sort_unstable();
            let rank = (libm::ceil(q * values.len() as f64) as usize).clamp(1, values.len());
            let exact = f64::from(values[rank - 1]);
            prop_assert!((got - exact).abs() <= exact / 33.0 + 1e-9, "{got} for {exact}");
        }

        #[test]
        fn merging_is_addition(
            a in prop::collection::vec(0_u32..1_000_000, 0..200),
            b in prop::collection::vec(0_u32..1_000_000, 0..200),
        ) {
            let (mut sum, other) = (counted(&a), counted(&b));
            for (into, from) in sum.iter_mut().zip(other) { *into += from; }
            prop_assert_eq!(sum, counted(&[a, b].concat()));
        }
    }

    #[test]
    fn no_values_have_no_quantile() {
        assert_eq!(quantile(dense(&[0_u32; BINS]), 0.5), None);
        assert_eq!(share_above(dense(&[0_u32; BINS]), 7), None);
    }

    #[test]
    fn the_share_above_a_cut_is_counted() {
        let counts = counted(&[1, 2, 3, 4]);
        assert_eq!(share_above(dense(&counts), 2), Some(0.5));
    }
}
