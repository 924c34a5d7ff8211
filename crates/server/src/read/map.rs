//! Which column means what.
//!
//! `--map key=column,...` says it; without it columns are recognised by names that exporters use,
//! and the report says how they were read.

use std::fmt;

use payments::Field;

use super::names::{known, plain};
use super::{Problem, visible};

/// The most attributes a row may carry.
const ATTRIBUTES_MAX: usize = 16;

/// What a column is read as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A field of the event.
    Field(Field),
    /// Attempts counted in the row.
    Attempts,
    /// Those approved.
    Successes,
    /// Any other key.
    Attribute(String),
}

/// The event's own dimensions, in the order of `analysis.dimensions`.
pub const DIMENSIONS: [Field; 6] = [
    Field::Gateway,
    Field::Method,
    Field::Network,
    Field::Issuer,
    Field::Country,
    Field::MerchantId,
];

impl Key {
    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "attempts" => return Ok(Self::Attempts),
            "successes" => return Ok(Self::Successes),
            "amount" => {
                return Err("`amount` is in two parts here: map `minor` (minor units, e.g. cents) and `currency`".into());
            }
            _ => {}
        }
        if let Some(field) = Field::from_map_key(name) {
            return Ok(Self::Field(field));
        }
        if is_attribute(name) {
            return Ok(Self::Attribute(name.into()));
        }
        Err(format!(
            "`{}` is no key: one of time, attempts, successes, minor, currency, status, code, an event's field, or an attribute of the form [a-z][a-z0-9_]{{0,31}}",
            visible(name)
        ))
    }

    /// Its name, as `--map` takes it.
    pub fn name(&self) -> &str {
        match self {
            Self::Field(Field::OccurredAt) => "time",
            Self::Field(Field::AmountMinor) => "minor",
            Self::Field(Field::AmountCurrency) => "currency",
            Self::Field(Field::CodeValue) => "code",
            Self::Field(Field::CodeSource) => "code_source",
            Self::Field(field) => field.as_str(),
            Self::Attempts => "attempts",
            Self::Successes => "successes",
            Self::Attribute(name) => name,
        }
    }
}

fn is_attribute(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.len() <= 32
}

/// What the user asked for: pairs of key and column name, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish(Vec<(Key, String)>);

impl Wish {
    /// From the texts of `--map`.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut pairs: Vec<(Key, String)> = Vec::new();
        for pair in texts.into_iter().flat_map(|t| t.split(',')) {
            let Some((key, column)) = pair.split_once('=') else {
                return Err(format!("`{}` is not of the form key=column", visible(pair)));
            };
            let (key, column) = (Key::parse(key.trim())?, column.trim());
            if column.is_empty() {
                return Err(format!("`{}=` names no column", key.name()));
            }
            if pairs.iter().any(|(k, _)| *k == key) {
                return Err(format!("`{}` is mapped twice", key.name()));
            }
            pairs.push((key, column.into()));
        }
        let attributes = pairs.iter().filter(|(k, _)| matches!(k, Key::Attribute(_))).count();
        if attributes > ATTRIBUTES_MAX {
            return Err(format!(
                "{attributes} attributes; an attempt has at most {ATTRIBUTES_MAX}"
            ));
        }
        Ok(Self(pairs))
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Keys with the columns they are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pairs: Vec<(Key, usize)>,
    columns: Vec<String>,
    guessed: bool,
    /// A currency that holds for the whole file.
    pub currency: Option<String>,
}

impl Mapping {
    /// Finds the wished columns, or guesses them where nothing was wished.
    pub fn find(wish: &Wish, columns: &[String]) -> Result<Self, Problem> {
        let mut mapping = Self {
            pairs: Vec::new(),
            columns: columns.to_vec(),
            guessed: wish.is_empty(),
            currency: None,
        };
        if wish.is_empty() {
            mapping.guess();
        }
        for (key, name) in &wish.0 {
            match columns.iter().filter(|c| *c == name).count() {
                1 => {
                    let at = columns.iter().position(|c| c == name).expect("counted");
                    mapping.pairs.push((key.clone(), at));
                }
                0 if *key == Key::Field(Field::AmountCurrency)
                    && payments::Currency::parse(name).is_some() =>
                {
                    mapping.currency = Some(name.clone());
                }
                0 => return Err(unknown_column(key, name, columns)),
                n => {
                    return Err(Problem::new(
                        "unknown_column",
                        format!("{n} columns are named so: which one is meant can't be told"),
                    )
                    .at(key.name())
                    .got(name.as_bytes())
                    .on(1));
                }
            }
        }
        mapping.complete()?;
        Ok(mapping)
    }

    /// The column a key is read from.
    pub fn column(&self, key: &Key) -> Option<usize> {
        self.pairs.iter().find(|(k, _)| k == key).map(|(_, at)| *at)
    }

    /// Keys with their columns, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&Key, usize)> {
        self.pairs.iter().map(|(k, at)| (k, *at))
    }

    /// Whether rows are counted: `attempts` and `successes` in each.
    pub fn counted(&self) -> bool {
        self.column(&Key::Attempts).is_some()
    }

    /// Mapped dimensions in the order of `analysis.dimensions`, then attributes.
    pub fn dimensions(&self) -> Vec<(String, usize)> {
        let mut out: Vec<(String, usize)> = Vec::new();
        for dimension in DIMENSIONS {
            if let Some(at) = self.column(&Key::Field(dimension)) {
                out.push((dimension.as_str().into(), at));
            }
        }
        for (key, at) in self.pairs() {
            if let Key::Attribute(name) = key {
                out.push((name.clone(), at));
            }
        }
        out
    }

    /// Whether the columns were recognised by name and not given.
    pub fn guessed(&self) -> bool {
        self.guessed
    }

    /// What a column is called in messages: its key, or its name if it isn't mapped.
    pub fn label(&self, column: usize) -> String {
        self.pairs.iter().find(|(_, at)| *at == column).map_or_else(
            || self.columns.get(column).map_or_else(String::new, |c| super::shown(c.as_bytes())),
            |(key, _)| key.name().to_string(),
        )
    }

    /// Whether a column is read as a number, and so can't hold a card number as text.
    pub fn is_number(&self, column: usize) -> bool {
        self.pairs.iter().any(|(key, at)| {
            *at == column
                && matches!(
                    key,
                    Key::Attempts
                        | Key::Successes
                        | Key::Field(
                            Field::OccurredAt
                                | Field::AmountMinor
                                | Field::LatencyMs
                                | Field::AttemptNumber
                        )
                )
        })
    }

    fn complete(&self) -> Result<(), Problem> {
        let columns = || {
            self.columns.iter().map(|c| super::shown(c.as_bytes())).collect::<Vec<_>>().join(", ")
        };
        let missing = |what: &str, how: &str| {
            Err(Problem::new(
                "unknown_column",
                format!(
                    "no column is read as {what}: say which with --map {how}; the file has: {}",
                    columns()
                ),
            )
            .at(what)
            .on(1))
        };
        if self.column(&Key::Field(Field::OccurredAt)).is_none() {
            return missing("time", "time=COLUMN");
        }
        let (attempts, successes, status) = (
            self.column(&Key::Attempts),
            self.column(&Key::Successes),
            self.column(&Key::Field(Field::Status)),
        );
        match (attempts, successes, status) {
            (Some(_), None, _) => missing("successes", "successes=COLUMN"),
            (None, None, None) => {
                missing("outcome", "status=COLUMN, or attempts=COLUMN,successes=COLUMN")
            }
            _ => Ok(()),
        }
    }

    fn guess(&mut self) {
        for (key, names) in known() {
            let hit =
                names.iter().find_map(|name| self.columns.iter().position(|c| plain(c) == *name));
            if let Some(at) = hit
                && self.pairs.iter().all(|(_, taken)| *taken != at)
            {
                self.pairs.push((key, at));
            }
        }
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, at)) in self.pairs().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}={}", key.name(), super::shown(self.columns[at].as_bytes()))?;
        }
        if let Some(currency) = &self.currency {
            write!(f, ",currency={currency}")?;
        }
        Ok(())
    }
}

fn unknown_column(key: &Key, name: &str, columns: &[String]) -> Problem {
    let near = columns
        .iter()
        .map(|c| (strsim::jaro_winkler(&plain(c), &plain(name)), c))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, c)| {
            format!("; did you mean {}?", super::shown(c.as_bytes()))
        });
    let all = columns.iter().map(|c| super::shown(c.as_bytes())).collect::<Vec<_>>().join(", ");
    Problem::new("unknown_column", format!("there is no such column{near} (the file has: {all})"))
        .at(key.name())
        .got(name.as_bytes())
        .on(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &str) -> Vec<String> {
        names.split(',').map(String::from).collect()
    }

    #[test]
    fn a_map_is_followed_to_the_letter() {
        let wish =
            Wish::parse(["time=hr,attempts=t,successes=success,gateway=pg", "sub_type=sub_type"])
                .unwrap();
        let m = Mapping::find(&wish, &columns("t,success,mid,pmt,pg,sub_type,hr,bank")).unwrap();
        assert!(m.counted() && !m.guessed());
        assert_eq!(m.dimensions(), [("gateway".to_string(), 4), ("sub_type".to_string(), 5)]);
        assert_eq!(
            m.to_string(),
            "time=hr,attempts=t,successes=success,gateway=pg,sub_type=sub_type"
        );
    }

    #[test]
    fn well_known_names_need_no_map() {
        let m =
            Mapping::find(&Wish::default(), &columns("Created At,PSP,Card Network,Status,note"))
                .unwrap();
        assert_eq!(m.to_string(), "time=Created At,status=Status,gateway=PSP,network=Card Network");
    }

    #[test]
    fn an_unknown_column_names_its_neighbour() {
        let wish = Wish::parse(["time=hour,status=status"]).unwrap();
        let p = Mapping::find(&wish, &columns("hours,status")).unwrap_err();
        assert_eq!(p.field.as_deref(), Some("time"));
        assert!(p.detail.contains("did you mean hours?"), "{p}");
    }

    #[test]
    fn what_is_missing_is_asked_for() {
        let p = Mapping::find(&Wish::default(), &columns("a,b")).unwrap_err();
        assert!(p.detail.contains("--map time=COLUMN"), "{p}");
        let p = Mapping::find(&Wish::default(), &columns("time,b")).unwrap_err();
        assert!(p.detail.contains("status=COLUMN"), "{p}");
    }

    #[test]
    fn wrong_maps_are_usage_errors() {
        for wrong in ["time", "time=", "time=a,time=b", "Sub Type=x", "amount=x"] {
            assert!(Wish::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
