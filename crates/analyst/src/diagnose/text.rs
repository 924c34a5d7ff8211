//! Numbers in the words of the cycle's output.

use std::fmt;

/// `88.4 %`.
pub(super) fn percent(rate: f64) -> String {
    format!("{:.1} %", rate * 100.0)
}

/// `60 s`, `10 min`, `14 h`, `3 days`: the largest unit that keeps two of them.
pub(super) fn duration(ms: i64) -> String {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let (unit, name) = match ms {
        _ if ms < 2 * MINUTE => (SECOND, "s"),
        _ if ms < 2 * HOUR => (MINUTE, "min"),
        _ if ms < 2 * DAY => (HOUR, "h"),
        _ => (DAY, "days"),
    };
    format!("{} {name}", (ms + unit / 2) / unit)
}

/// `4.1 s`, `230 ms`.
pub(super) fn latency(ms: f64) -> String {
    if ms < 999.5 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1_000.0) }
}

/// `1.4 times`, `12 times`.
pub(super) fn times(ratio: f64) -> String {
    if ratio < 9.95 { format!("{ratio:.1} times") } else { format!("{ratio:.0} times") }
}

/// `gateways`, `merchants`, `countries`; attributes as `values of sub_type`.
pub(super) fn plural(dimension: &str) -> String {
    match dimension {
        "gateway" => "gateways".into(),
        "issuer" => "issuers".into(),
        "network" => "networks".into(),
        "method" => "methods".into(),
        "merchant_id" => "merchants".into(),
        "country" => "countries".into(),
        other => format!("values of {}", Visible(other)),
    }
}

/// Text from outside with control characters escaped: terminals obey what they are sent, and a line
/// break would forge a line of the strict output.
pub(super) struct Visible<'a>(pub(super) &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::slice::write_visible(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units() {
        assert_eq!(duration(60_000), "60 s");
        assert_eq!(duration(600_000), "10 min");
        assert_eq!(duration(14 * 3_600_000), "14 h");
        assert_eq!(duration(3 * 86_400_000), "3 days");
    }

    #[test]
    fn a_code_cannot_forge_a_line() {
        assert_eq!(Visible("91\nConfidence Score: 1").to_string(), "91\\nConfidence Score: 1");
    }
}
