//! Weighted choice in constant time: Walker's alias method, with Vose's linear construction
//! (1991, "A linear algorithm for generating random numbers with a given distribution").

#[derive(Clone, Debug)]
pub(crate) struct Alias {
    /// Threshold within the column and the other index that shares it.
    columns: Vec<(u32, u32)>,
}

impl Alias {
    /// Weights are not negative and have a positive sum.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let n = weights.len();
        let total: f64 = weights.iter().sum();
        let mut scaled: Vec<f64> = weights.iter().map(|w| w * n as f64 / total).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..n).partition(|&i| scaled[i] < 1.0);
        let mut columns: Vec<(u32, u32)> = (0..n).map(|i| (u32::MAX, i as u32)).collect();
        while let (Some(&s), Some(&l)) = (small.last(), large.last()) {
            small.pop();
            columns[s] = ((scaled[s] * 4_294_967_296.0) as u32, l as u32);
            scaled[l] -= 1.0 - scaled[s];
            if scaled[l] < 1.0 {
                large.pop();
                small.push(l);
            }
        }
        Self { columns }
    }

    /// The index that 64 random bits choose.
    #[inline]
    pub(crate) fn pick(&self, bits: u64) -> usize {
        let product = u128::from(bits) * self.columns.len() as u128;
        let column = (product >> 64) as usize;
        let within = (product >> 32) as u32;
        let (threshold, other) = self.columns[column];
        if within < threshold { column } else { other as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats::stream::Stream;

    #[test]
    fn picks_follow_the_weights() {
        let weights = [5.0, 0.0, 1.0, 3.0, 0.5, 0.5];
        let alias = Alias::new(&weights);
        let mut stream = Stream::named(1, "alias");
        let mut counts = [0_u32; 6];
        let runs = 400_000;
        for _ in 0..runs {
            counts[alias.pick(stream.next_u64())] += 1;
        }
        assert_eq!(counts[1], 0);
        for (weight, count) in weights.iter().zip(counts) {
            let expected = weight / 10.0 * f64::from(runs);
            let slack = 5.0 * libm::sqrt(expected) + 1.0;
            assert!((f64::from(count) - expected).abs() < slack, "{count} for {expected}");
        }
    }
}
