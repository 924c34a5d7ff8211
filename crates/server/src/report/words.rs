//! Numbers, money and times as people read them.

use jiff::tz::TimeZone;
use payments::{Currency, Timestamp};

/// `226,475`.
pub fn number(n: u64) -> String {
    grouped(&n.to_string())
}

/// A count that is an estimate: whole from ten on, one decimal below.
pub fn estimate(x: f64) -> String {
    if !x.is_finite() {
        return "?".into();
    }
    let (sign, x) = if x < -0.05 { ("-", -x) } else { ("", x.abs()) };
    if x >= 9.95 {
        return format!("{sign}{}", grouped(&format!("{x:.0}")));
    }
    format!("{sign}{x:.1}").replace(".0", "")
}

/// Something per minute: two decimals below one, where a decimal would be most of it.
pub fn rate(x: f64) -> String {
    if x.abs() < 0.995 && x.is_finite() { format!("{x:.2}") } else { estimate(x) }
}

/// `65.9 %`.
pub fn percent(rate: f64) -> String {
    if !rate.is_finite() {
        return "? %".into();
    }
    format!("{:.1} %", rate * 100.0)
}

/// `1,234.56 INR`, with the decimals of the currency.
pub fn money(minor: i64, currency: Currency) -> String {
    let exponent = currency.exponent() as usize;
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    let sign = if minor < 0 { "-" } else { "" };
    let point = if exponent == 0 { "" } else { "." };
    format!("{sign}{}{point}{fraction} {currency}", grouped(whole))
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A length of time with at most two units: `14 h`, `1 h 30 min`, `45 s`.
pub fn span(ms: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let ms = ms.abs();
    let Some(first) = UNITS.iter().position(|(unit, _)| ms >= *unit) else {
        return format!("{ms} ms");
    };
    let (unit, name) = UNITS[first];
    let mut out = format!("{} {name}", ms / unit);
    if let Some((next, name)) = UNITS.get(first + 1)
        && ms % unit / next > 0
    {
        out.push_str(&format!(" {} {name}", ms % unit / next));
    }
    out
}

/// A time in the report's zone, to the minute where seconds are zero.
pub fn time(at: Timestamp, zone: &TimeZone) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.as_millis()) else {
        return at.to_string();
    };
    let local = instant.to_zoned(zone.clone());
    let format = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    local.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_easily() {
        assert_eq!(number(226_475), "226,475");
        assert_eq!(number(12), "12");
        assert_eq!(
            [estimate(2.04), estimate(0.96), estimate(1234.6), estimate(-0.01)],
            ["2", "1", "1,235", "0"]
        );
        assert_eq!(percent(0.6589), "65.9 %");
        assert_eq!(span(14 * 3_600_000), "14 h");
        assert_eq!(span(5_400_000), "1 h 30 min");
        assert_eq!(span(999), "999 ms");
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        let of = |minor, code| money(minor, Currency::parse(code).unwrap());
        assert_eq!(of(123_456, "INR"), "1,234.56 INR");
        assert_eq!(of(-5, "USD"), "-0.05 USD");
        assert_eq!(of(1_000, "JPY"), "1,000 JPY");
        assert_eq!(of(1_234, "KWD"), "1.234 KWD");
    }

    #[test]
    fn times_stand_in_the_zone_of_the_report() {
        let at = Timestamp::parse("2020-02-13T18:00:00Z").unwrap();
        assert_eq!(time(at, &TimeZone::UTC), "2020-02-13 18:00");
        assert_eq!(time(at, &TimeZone::get("Asia/Kolkata").unwrap()), "2020-02-13 23:30");
    }
}
