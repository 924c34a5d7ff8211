//! The words of a line: read one by one, each refusal with what was found and what is allowed.

use thiserror::Error;

/// Something that a scenario must not say.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: found {found}, allowed: {allowed}")]
pub struct Problem {
    /// Counted from 1; 0 for the whole text.
    pub line: usize,
    /// What stands there.
    pub found: String,
    /// What may.
    pub allowed: String,
}

impl Problem {
    /// As compilers say it, so that editors jump there.
    pub fn in_file(&self, file: &str) -> String {
        format!("{file}:{}: found {}, allowed: {}", self.line, self.found, self.allowed)
    }
}

/// A refusal, before anyone knows of which line.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) found: String,
    pub(super) allowed: String,
}

pub(super) fn fault<T>(found: impl Into<String>, allowed: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { found: found.into(), allowed: allowed.into() })
}

/// What stands there, harmless and short.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(40).is_some() { "..." } else { "" };
    format!("`{short}{more}`")
}

const TEXT_MAX: usize = 200;

/// Text for the reader.
pub(super) fn prose(text: &str) -> Result<String, Fault> {
    let length = text.chars().count();
    if length == 0 || length > TEXT_MAX || text.chars().any(char::is_control) {
        return fault(quoted(text), format!("1 to {TEXT_MAX} printable characters"));
    }
    Ok(text.into())
}

/// A cursor over the words of a line; commas only please the eye.
#[derive(Debug)]
pub(super) struct Words<'t> {
    words: Vec<&'t str>,
    next: usize,
}

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
        Self { words: words.collect(), next: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'t str> {
        self.words.get(self.next).copied()
    }

    pub(super) fn take(&mut self) -> Option<&'t str> {
        let word = self.peek();
        self.next += usize::from(word.is_some());
        word
    }

    fn found(&self) -> String {
        self.peek().map_or_else(|| "the end of the line".into(), quoted)
    }

    pub(super) fn refuse<T>(&self, allowed: impl Into<String>) -> Result<T, Fault> {
        fault(self.found(), allowed)
    }

    /// Takes these words if they are next.
    pub(super) fn eat(&mut self, phrase: &str) -> bool {
        let count = phrase.split(' ').count();
        let is_next = phrase.split(' ').eq(self.words[self.next..].iter().copied().take(count));
        self.next += if is_next { count } else { 0 };
        is_next
    }

    pub(super) fn expect(&mut self, phrase: &str) -> Result<(), Fault> {
        if self.eat(phrase) { Ok(()) } else { self.refuse(format!("`{phrase}`")) }
    }

    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.peek().is_none() { Ok(()) } else { self.refuse("the end of the line") }
    }

    /// One of several words, as its index.
    pub(super) fn one_of(&mut self, words: &[&str]) -> Result<usize, Fault> {
        match self.peek().and_then(|word| words.iter().position(|w| *w == word)) {
            Some(index) => {
                self.next += 1;
                Ok(index)
            }
            None => self.refuse(words.join(", ")),
        }
    }

    /// A number between two others, written with what may stand around it.
    fn number(&mut self, around: (&str, &str), low: f64, high: f64) -> Result<f64, Fault> {
        let (before, after) = around;
        let number = self.peek().and_then(|word| {
            let digits = word.strip_prefix(before)?.strip_suffix(after)?;
            let is_plain = digits.len() <= 12
                && digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
            let number: f64 = digits.parse().ok().filter(|_| is_plain)?;
            (low..=high).contains(&number).then_some(number)
        });
        match number {
            Some(number) => {
                self.next += 1;
                Ok(number)
            }
            None => self.refuse(format!("{before}{low}{after} to {before}{high}{after}")),
        }
    }

    pub(super) fn plain(&mut self, low: f64, high: f64) -> Result<f64, Fault> {
        self.number(("", ""), low, high)
    }

    /// `x3`
    pub(super) fn factor(&mut self, low: f64, high: f64) -> Result<f64, Fault> {
        self.number(("x", ""), low, high)
    }

    /// `5/s`
    pub(super) fn per_s(&mut self, low: f64, high: f64) -> Result<f64, Fault> {
        self.number(("", "/s"), low, high)
    }

    /// `35 %` or `35%`
    pub(super) fn percent(&mut self, high: f64) -> Result<f64, Fault> {
        if self.peek().is_some_and(|word| word.ends_with('%')) {
            return self.number(("", "%"), 0.0, high);
        }
        let number = self.plain(0.0, high)?;
        self.expect("%")?;
        Ok(number)
    }

    /// `30s`, `10m`, `2h`, `1d`
    pub(super) fn time(&mut self, low_ms: i64, high_ms: i64) -> Result<i64, Fault> {
        let time = self.peek().and_then(|word| {
            let unit = word.chars().last()?;
            let unit_ms = UNITS.iter().find(|(name, _)| *name == unit)?.1;
            let digits = &word[..word.len() - unit.len_utf8()];
            let is_plain =
                (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            let time = digits.parse::<i64>().ok().filter(|_| is_plain)? * unit_ms;
            (low_ms..=high_ms).contains(&time).then_some(time)
        });
        match time {
            Some(time) => {
                self.next += 1;
                Ok(time)
            }
            None => {
                self.refuse(format!("a time of {} to {}", time_text(low_ms), time_text(high_ms)))
            }
        }
    }
}

const UNITS: [(char, i64); 4] = [('d', 86_400_000), ('h', 3_600_000), ('m', 60_000), ('s', 1_000)];

/// In the largest unit that fits.
pub(super) fn time_text(ms: i64) -> String {
    let fits = |(_, unit_ms): &&(char, i64)| ms != 0 && ms % unit_ms == 0;
    let (unit, unit_ms) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
    format!("{}{unit}", ms / unit_ms)
}
