//! Instants of business time.
//!
//! Events carry an RFC 3339 time with an offset, or epoch milliseconds: both name one instant.
//! A time without offset doesn't, so [`Timestamp::parse`] refuses it. Files of counts often hold
//! civil time only; [`Timestamp::parse_civil`] reads those with a time zone that the caller states.
//! Digits beyond milliseconds are cut off, a leap second (`:60`) reads as `:59`.

use std::fmt;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An instant in milliseconds since the Unix epoch, UTC.
///
/// Events carry millisecond precision (CONTRACT 1), so an integer is exact, orders cheaply and
/// serialises without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Date and time are there, the offset isn't.
    #[error("has no offset from UTC, such as Z or +05:30")]
    NoOffset,
    /// Neither RFC 3339 nor an integer.
    #[error("is no RFC 3339 time")]
    Malformed,
    /// A field is out of range, e.g. 30 February.
    #[error("does not exist in the calendar")]
    NotInCalendar,
    /// Outside the years 0000 to 9999.
    #[error("is outside the years 0000 to 9999")]
    OutOfRange,
}

impl Timestamp {
    /// The last millisecond that RFC 3339 can write.
    const MAX_MS: i64 = 253_402_300_799_999;
    /// The first millisecond of the year 0000.
    const MIN_MS: i64 = -62_167_219_200_000;

    /// From milliseconds since the epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms` milliseconds, saturating.
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant, saturating; negative if it is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// From milliseconds since the epoch, if RFC 3339 can write the instant.
    pub fn from_epoch_ms(ms: i64) -> Result<Self, TimeError> {
        if (Self::MIN_MS..=Self::MAX_MS).contains(&ms) {
            Ok(Self(ms))
        } else {
            Err(TimeError::OutOfRange)
        }
    }

    /// Reads RFC 3339 with any offset, or an integer of milliseconds since the epoch.
    ///
    /// ```
    /// use payments::{TimeError, Timestamp};
    /// let at = Timestamp::parse("2020-02-13T18:00:00+05:30").unwrap();
    /// assert_eq!(at.to_string(), "2020-02-13T12:30:00Z");
    /// assert_eq!(Timestamp::parse("1581597000000"), Ok(at));
    /// assert_eq!(Timestamp::parse("2020-02-13T18:00:00"), Err(TimeError::NoOffset));
    /// ```
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        if let Some(ms) = integer(text) {
            return Self::from_epoch_ms(ms.ok_or(TimeError::OutOfRange)?);
        }
        let (civil, rest) = civil_prefix(text.as_bytes(), Precision::Second)?;
        let offset = match rest {
            b"" => return Err(TimeError::NoOffset),
            b"Z" | b"z" => Offset::UTC,
            &[sign @ (b'+' | b'-'), a, b, b':', c, d] => {
                let (hours, minutes) = (number(&[a, b])?, number(&[c, d])?);
                if hours > 23 || minutes > 59 {
                    return Err(TimeError::NotInCalendar);
                }
                let seconds = (hours * 60 + minutes) * 60;
                let seconds = if sign == b'-' { -seconds } else { seconds };
                Offset::from_seconds(seconds).map_err(|_| TimeError::NotInCalendar)?
            }
            _ => return Err(TimeError::Malformed),
        };
        let at = offset.to_timestamp(civil).map_err(|_| TimeError::OutOfRange)?;
        Self::from_epoch_ms(at.as_millisecond())
    }

    /// Reads the times of mapped files: all that [`Timestamp::parse`] reads, and civil times
    /// `YYYY-MM-DD`, `YYYY-MM-DD HH`, `YYYY-MM-DD HH:MM[:SS[.fff]]` (with `T` or a space), which
    /// are taken in `zone`. A time that the zone skips in spring reads as after the gap, one that
    /// it repeats in autumn as its first pass.
    pub fn parse_civil(text: &str, zone: &TimeZone) -> Result<Self, TimeError> {
        match Self::parse(text) {
            Err(TimeError::NoOffset | TimeError::Malformed) => {}
            other => return other,
        }
        let (civil, rest) = civil_prefix(text.as_bytes(), Precision::Any)?;
        if !rest.is_empty() {
            return Err(TimeError::Malformed);
        }
        let at = zone.to_timestamp(civil).map_err(|_| TimeError::OutOfRange)?;
        Self::from_epoch_ms(at.as_millisecond())
    }
}

/// RFC 3339 in UTC, with milliseconds only where they aren't zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_range = Self::from_epoch_ms(self.0).ok();
        let Some(at) = in_range.and_then(|at| jiff::Timestamp::from_millisecond(at.0).ok()) else {
            return write!(f, "{} ms since 1970", self.0);
        };
        let civil = Offset::UTC.to_datetime(at);
        let (date, time) = (civil.date(), civil.time());
        let mut text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
        if time.millisecond() != 0 {
            text.push_str(&format!(".{:03}", time.millisecond()));
        }
        text.push('Z');
        f.pad(&text)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Precision {
    Second,
    Any,
}

/// `Some(None)` is an integer too large for 64 bits.
fn integer(text: &str) -> Option<Option<i64>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok())
}

fn number(digits: &[u8]) -> Result<i32, TimeError> {
    digits.iter().try_fold(0, |sum, digit| match digit {
        b'0'..=b'9' => Ok(sum * 10 + i32::from(digit - b'0')),
        _ => Err(TimeError::Malformed),
    })
}

/// Date and time at the start of `text`, and what follows them.
fn civil_prefix(text: &[u8], precision: Precision) -> Result<(civil::DateTime, &[u8]), TimeError> {
    let lenient = precision == Precision::Any;
    let Some((&[y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2], mut rest)) =
        text.split_first_chunk()
    else {
        return Err(TimeError::Malformed);
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[mo1, mo2])?, number(&[d1, d2])?);
    let (mut hour, mut minute, mut second, mut nanos) = (0, 0, 0, 0);
    'time: {
        let Some((&[b'T' | b't' | b' ', h1, h2], after_hour)) = rest.split_first_chunk() else {
            if lenient {
                break 'time;
            }
            // A bare date lacks the time as well, but the offset is what can't be assumed.
            return Err(if rest.is_empty() { TimeError::NoOffset } else { TimeError::Malformed });
        };
        (hour, rest) = (number(&[h1, h2])?, after_hour);
        let Some((&[b':', m1, m2], after_minute)) = rest.split_first_chunk() else {
            if lenient {
                break 'time;
            }
            return Err(if rest.is_empty() { TimeError::NoOffset } else { TimeError::Malformed });
        };
        (minute, rest) = (number(&[m1, m2])?, after_minute);
        let Some((&[b':', s1, s2], after_second)) = rest.split_first_chunk() else {
            if lenient {
                break 'time;
            }
            return Err(if rest.is_empty() { TimeError::NoOffset } else { TimeError::Malformed });
        };
        (second, rest) = (number(&[s1, s2])?, after_second);
        if let Some(fraction) = rest.strip_prefix(b".") {
            let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if length == 0 {
                return Err(TimeError::Malformed);
            }
            let kept = &fraction[..length.min(3)];
            nanos = number(kept)? * [0, 100_000_000, 10_000_000, 1_000_000][kept.len()];
            rest = &fraction[length..];
        }
    }
    if second == 60 {
        (second, nanos) = (59, 0);
    }
    let in_calendar = |value: i32| i8::try_from(value).map_err(|_| TimeError::NotInCalendar);
    let year = i16::try_from(year).map_err(|_| TimeError::NotInCalendar)?;
    let civil = civil::DateTime::new(
        year,
        in_calendar(month)?,
        in_calendar(day)?,
        in_calendar(hour)?,
        in_calendar(minute)?,
        in_calendar(second)?,
        nanos,
    );
    Ok((civil.map_err(|_| TimeError::NotInCalendar)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> Result<i64, TimeError> {
        Timestamp::parse(text).map(Timestamp::as_millis)
    }

    #[test]
    fn every_offset_names_the_same_instant() {
        let at = ms("2026-02-28T23:30:00.250Z").unwrap();
        assert_eq!(at, 1_772_321_400_250);
        for text in [
            "2026-03-01T05:00:00.250+05:30",
            "2026-02-28t19:30:00.25-04:00",
            "2026-02-28 23:30:00.2509999-00:00",
            "1772321400250",
        ] {
            assert_eq!(ms(text), Ok(at), "{text}");
        }
        assert_eq!(ms("2016-12-31T23:59:60Z"), ms("2016-12-31T23:59:59Z"));
        assert_eq!(ms("-1"), Ok(-1));
    }

    #[test]
    fn without_offset_is_refused() {
        for text in ["2026-02-28T23:30:00", "2026-02-28 23:30", "2026-02-28 23", "2026-02-28"] {
            assert_eq!(ms(text), Err(TimeError::NoOffset), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        use TimeError::{Malformed, NotInCalendar, OutOfRange};
        for (text, error) in [
            ("", Malformed),
            ("yesterday", Malformed),
            ("2026-2-28T23:30:00Z", Malformed),
            ("2026-02-28T23:30Z", Malformed),
            ("2026-02-28T23:30:00.Z", Malformed),
            ("2026-02-28T23:30:00+0530", Malformed),
            ("2026-02-28T23:30:00Z[UTC]", Malformed),
            ("2026-02-28T23:30:00 Z", Malformed),
            ("1772321400.250", Malformed),
            ("1.7e12", Malformed),
            ("+1772321400250", Malformed),
            ("2026-02-30T23:30:00Z", NotInCalendar),
            ("2026-02-28T24:00:00Z", NotInCalendar),
            ("2026-02-28T23:30:61Z", NotInCalendar),
            ("2026-02-28T23:30:00+24:00", NotInCalendar),
            ("0000-01-01T00:00:00+00:01", OutOfRange),
            ("999999999999999", OutOfRange),
            ("99999999999999999999", OutOfRange),
        ] {
            assert_eq!(ms(text), Err(error), "{text}");
        }
    }

    #[test]
    fn civil_times_are_read_in_the_zone_given() {
        let india = TimeZone::fixed(Offset::from_seconds(19_800).unwrap());
        let civil = |text| Timestamp::parse_civil(text, &india).map(|at| at.to_string());
        let noon = Ok("2020-02-13T06:30:00Z".to_owned());
        for text in [
            "2020-02-13 12",
            "2020-02-13T12",
            "2020-02-13 12:00",
            "2020-02-13T12:00:00",
            "2020-02-13 12:00:00.000",
            "2020-02-13T06:30:00Z",
            "1581575400000",
        ] {
            assert_eq!(civil(text), noon, "{text}");
        }
        assert_eq!(civil("2020-02-13"), Ok("2020-02-12T18:30:00Z".to_owned()));
        assert_eq!(civil("2020-02-30 12"), Err(TimeError::NotInCalendar));
        for text in ["13/02/2020", "2020-02-13 12h", "2020-02-13 1", "2020-02-13 12:00 PM", "12"] {
            assert!(civil(text).is_err() || text == "12", "{text}");
        }
    }

    #[test]
    fn a_gap_reads_as_after_it_and_a_fold_as_its_first_pass() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let civil = |text| Timestamp::parse_civil(text, &berlin).unwrap().to_string();
        assert_eq!(civil("2026-03-29 02:30"), "2026-03-29T01:30:00Z");
        assert_eq!(civil("2026-10-25 02:30"), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn display_never_fails() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(Timestamp::MIN_MS).to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            "9223372036854775807 ms since 1970"
        );
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(ms in Timestamp::MIN_MS..=Timestamp::MAX_MS) {
            let at = Timestamp::from_millis(ms);
            prop_assert_eq!(Timestamp::parse(&at.to_string()), Ok(at));
        }

        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _ = Timestamp::parse_civil(&text, &TimeZone::UTC);
        }
    }
}
