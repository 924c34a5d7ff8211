//! A row of block characters: rates over time in one line of text.

use analyst::TimelinePoint;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Seen and expected rates at most `width` columns wide, on one common scale from zero.
pub fn pair(points: &[TimelinePoint], width: usize) -> (String, String) {
    let cells = squeeze(points, width);
    let rate = |part: f64, n: u64| if n == 0 { f64::NAN } else { part / n as f64 };
    let seen: Vec<f64> = cells.iter().map(|c| rate(c.1 as f64, c.0)).collect();
    let expected: Vec<f64> = cells.iter().map(|c| rate(c.2, c.0)).collect();
    let top = seen.iter().chain(&expected).copied().filter(|r| r.is_finite()).fold(0.0, f64::max);
    let draw = |rates: &[f64]| rates.iter().map(|r| block(*r, top)).collect();
    (draw(&seen), draw(&expected))
}

/// Rates of (attempts, successes), at most `width` columns wide.
pub fn line(periods: &[(u64, u64)], width: usize) -> String {
    let per = periods.len().div_ceil(width.max(1)).max(1);
    let rates: Vec<f64> = periods
        .chunks(per)
        .map(|c| {
            let n: u64 = c.iter().map(|p| p.0).sum();
            if n == 0 { f64::NAN } else { c.iter().map(|p| p.1).sum::<u64>() as f64 / n as f64 }
        })
        .collect();
    let top = rates.iter().copied().filter(|r| r.is_finite()).fold(0.0, f64::max);
    rates.iter().map(|r| block(*r, top)).collect()
}

fn squeeze(points: &[TimelinePoint], width: usize) -> Vec<(u64, u64, f64)> {
    let per = points.len().div_ceil(width.max(1)).max(1);
    points
        .chunks(per)
        .map(|c| {
            c.iter().fold((0, 0, 0.0), |sum, p| {
                (sum.0 + p.attempts, sum.1 + p.successes, sum.2 + p.expected)
            })
        })
        .collect()
}

/// A space where there were no attempts.
fn block(rate: f64, top: f64) -> char {
    if !rate.is_finite() {
        return ' ';
    }
    if top <= 0.0 {
        return BLOCKS[0];
    }
    let step = (rate / top * BLOCKS.len() as f64).ceil().clamp(1.0, BLOCKS.len() as f64);
    BLOCKS[step as usize - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_no_wider_than_asked_and_shows_the_fall() {
        let periods: Vec<(u64, u64)> =
            (0..100).map(|i| if i < 50 { (10, 8) } else { (10, 1) }).collect();
        let line = line(&periods, 20);
        assert_eq!(line, "██████████▁▁▁▁▁▁▁▁▁▁");
    }

    #[test]
    fn no_attempts_leave_a_gap() {
        assert_eq!(line(&[(1, 1), (0, 0), (1, 1)], 10), "█ █");
        assert_eq!(line(&[], 10), "");
    }
}
