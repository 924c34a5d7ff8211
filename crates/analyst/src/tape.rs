//! What was counted, row by row, while its tick is open and while it lies in the rolling window.
//!
//! Rows are compact (32 bytes) and exact; a tick's rows are summed once, when the watermark has
//! passed it. The rolling statistics of any slice are computed from the rows of the window when
//! someone asks, so that they cost nothing per attempt and no quantile is approximated twice.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::lanes::{CLASSES, UNCODED};
use crate::tries::Try;

/// No latency known.
pub const NO_LATENCY: u32 = u32::MAX;
/// Response codes told apart; further ones count as `__other__`.
const CODES_MAX: usize = 4_096;
/// Currencies told apart.
const CURRENCIES_MAX: usize = 256;
/// No currency.
pub const NO_CURRENCY: u16 = u16::MAX;

/// Nobody wrote down how failures were coded.
pub const NOT_RECORDED: u16 = 0;
/// Failed without a code.
pub const NO_CODE: u16 = 2;

/// Rows that tell shares and rates well enough: a busier window isn't read whole.
pub const SAMPLE_ROWS: usize = 1 << 16;

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Approved.
    Approved,
    /// Declined or error.
    Failed,
    /// No answer in time.
    Timeout,
    /// Unknown or abandoned: volume only.
    Open,
}

/// Attempts of one leaf that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Leaf.
    pub leaf: u32,
    /// Latency, or [`NO_LATENCY`].
    pub latency_ms: u32,
    /// How many.
    pub count: u32,
    /// Response code, [`NO_CODE`] or [`NOT_RECORDED`].
    pub code: u16,
    /// Currency, or [`NO_CURRENCY`].
    pub currency: u16,
    /// What they asked for together, minor units.
    pub minor: i64,
    /// How they ended.
    pub outcome: Outcome,
    /// Which try.
    pub number: Try,
}

/// Response codes by number, with their cause class.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Codes {
    names: Vec<(String, String)>,
    classes: Vec<u8>,
    index: FxHashMap<String, FxHashMap<String, u16>>,
    /// Numbers last given, by a cheap hash; only a short cut.
    #[serde(skip)]
    lately: Vec<u16>,
}

/// Names before these are reserved.
const RESERVED: usize = 3;
const LATELY: usize = 256;

impl Default for Codes {
    fn default() -> Self {
        let reserved = [payments::NONE, payments::OTHER, payments::NONE];
        Self {
            names: reserved.map(|name| (name.to_owned(), name.to_owned())).to_vec(),
            classes: vec![UNCODED as u8; reserved.len()],
            index: FxHashMap::default(),
            lately: Vec::new(),
        }
    }
}

impl Codes {
    /// The number of a code; `class` is asked when it is new.
    #[inline]
    pub fn number(&mut self, source: &str, value: &str, class: impl FnOnce() -> usize) -> u16 {
        let end = |text: &str, from: usize| {
            text.as_bytes().iter().rev().nth(from).map_or(0, |byte| usize::from(*byte))
        };
        let place = (end(value, 0) + 17 * end(value, 1) + 29 * end(source, 0)) % LATELY;
        if let Some(&number) = self.lately.get(place) {
            let (known_source, known_value) = &self.names[usize::from(number)];
            if usize::from(number) >= RESERVED && known_value == value && known_source == source {
                return number;
            }
        }
        let number = self.look_up(source, value, class);
        self.lately.resize(LATELY, 0);
        self.lately[place] = number;
        number
    }

    fn look_up(&mut self, source: &str, value: &str, class: impl FnOnce() -> usize) -> u16 {
        if let Some(&number) = self.index.get(source).and_then(|values| values.get(value)) {
            return number;
        }
        if self.names.len() >= CODES_MAX {
            return 1;
        }
        let number = self.names.len() as u16;
        self.names.push((source.to_owned(), value.to_owned()));
        self.classes.push(class().min(CLASSES - 1) as u8);
        self.index.entry(source.to_owned()).or_default().insert(value.to_owned(), number);
        number
    }

    /// Whether any code was ever received.
    pub fn any(&self) -> bool {
        self.names.len() > RESERVED
    }

    /// Its cause class.
    #[inline]
    pub fn class(&self, code: u16) -> usize {
        usize::from(self.classes[usize::from(code)])
    }

    /// Its source and value.
    pub fn name(&self, code: u16) -> (&str, &str) {
        let (source, value) = &self.names[usize::from(code)];
        (source, value)
    }
}

/// Currencies by number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Currencies {
    known: Vec<payments::Currency>,
}

impl Currencies {
    /// The number of a currency; [`NO_CURRENCY`] past the cap.
    pub fn number(&mut self, currency: payments::Currency) -> u16 {
        if let Some(place) = self.known.iter().position(|&known| known == currency) {
            return place as u16;
        }
        if self.known.len() >= CURRENCIES_MAX {
            return NO_CURRENCY;
        }
        self.known.push(currency);
        (self.known.len() - 1) as u16
    }

    /// The currency behind a number.
    pub fn get(&self, number: u16) -> payments::Currency {
        self.known[usize::from(number)]
    }
}

/// One tick's rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// Number of the tick since the epoch.
    pub number: i64,
    /// Its rows.
    pub rows: Vec<Row>,
}
