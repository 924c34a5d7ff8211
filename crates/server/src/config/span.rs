//! Lengths of time as the configuration writes them: `5s`, `250ms`, `30m`, `4h`, `1d`.

/// Milliseconds.
pub fn parse(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(split);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_written_out() {
        assert_eq!(
            ["5s", "250ms", "30m", "4h", "1d"].map(parse),
            [Some(5_000), Some(250), Some(1_800_000), Some(14_400_000), Some(86_400_000)]
        );
        assert_eq!(["5", "s", "5 s", "-5s", "99999999999999d", ""].map(parse), [None; 6]);
    }
}
