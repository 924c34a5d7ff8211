//! What was learnt, as a look-up: how likely a payment succeeds at each gateway, and how sure that is.
//!
//! On the scale of log odds a payment's expectation is a sum of effects: of everything, of the value of each dimension (its band of amounts and its hour among them), and
//! of the cell that the values of some make together; each effect has a part that all gateways share and one per gateway,
//!
//! > log odds = sum over places of (shared + own(gateway)),    variance = sum over places of var own(gateway).
//!
//! What is shared moves no gateway ahead of another, so its variance stays out. A place or a gateway that was never seen has
//! mean 0 and the variance that such effects have: every payment and every gateway has an expectation, and little evidence looks like it.
//!
//! [`Table`] is what the learner hands over and what a snapshot carries; [`Lookup`] is its form for the hot path: values become
//! numbers once, rows lie dense over the gateways, and a payment finds its rows by a hash look-up each, allocating nothing.

use std::f64::consts::PI;

use payments::{NONE, OTHER};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use stats::elementary::exp_each;

use crate::bands::{self, AMOUNT, AmountBand, HOUR};
use crate::context::Context;
use crate::eligible::GATEWAYS_MAX;

/// Dimensions of a cell at most.
pub const DIMENSIONS_MAX: usize = 8;
/// Rows that a payment has at most: everything, one per dimension, the cell.
const ROWS_MAX: usize = DIMENSIONS_MAX + 2;

/// A normal law over an effect on the log odds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Expected.
    pub mean: f64,
    /// Of the error.
    pub variance: f64,
}

/// Where an effect acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// On every payment.
    Everywhere,
    /// On payments with this value of one dimension, by its number.
    Value(u8, String),
    /// On payments with these values of the dimensions that make a cell.
    Cell(Vec<String>),
}

/// The effects of one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Where.
    pub place: Place,
    /// What all gateways share there.
    pub shared: f64,
    /// By gateway, as numbered in [`Table::gateways`]; those never seen there are left out.
    pub own: Vec<(u16, Effect)>,
}

/// Variance of an effect that nothing is known of, by kind of place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unseen {
    /// Of a gateway as a whole.
    pub everywhere: f64,
    /// At one value.
    pub value: f64,
    /// In one cell.
    pub cell: f64,
}

/// Effects by place and gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The dimensions that effects are told apart by; [`AMOUNT`] and [`HOUR`] are taken from the payment itself.
    pub dimensions: Vec<String>,
    /// The values of the first so many make a cell.
    pub in_cell: usize,
    /// Names of the gateways that were seen.
    pub gateways: Vec<String>,
    /// Attempts seen at each, discounted.
    pub attempts: Vec<f64>,
    /// Probability that each is as good as the best again, where it was behind.
    pub back: Vec<f64>,
    /// The effects.
    pub rows: Vec<Row>,
    /// Of what was never seen.
    pub unseen: Unseen,
}

impl Default for Table {
    /// Nothing learnt: any gateway succeeds in one half, or in anything else.
    fn default() -> Self {
        Self {
            dimensions: Vec::new(),
            in_cell: 0,
            gateways: Vec::new(),
            attempts: Vec::new(),
            back: Vec::new(),
            rows: Vec::new(),
            unseen: Unseen { everywhere: 1.0, value: 0.0, cell: 0.0 },
        }
    }
}

/// The expected rate under a normal law of the log odds (MacKay 1992).
pub(crate) fn expected_rate(law: Effect) -> f64 {
    let odds = -law.mean / (1.0 + PI / 8.0 * law.variance).sqrt();
    1.0 / (1.0 + exp_each([odds])[0])
}

/// A number that no value has.
const ABSENT: u32 = u32::MAX;

type Key = [u32; DIMENSIONS_MAX];

/// Where a payment's value of a dimension is found.
#[derive(Clone, Debug)]
enum Field {
    Named(String),
    Amount,
    Hour,
}

/// A dimension: where its value is found, and the number and row of each value.
type Values = (Field, FxHashMap<String, (u32, u32)>);

/// A table for the hot path; its columns are the gateways of the policy, and one for any other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    dimensions: Vec<Values>,
    in_cell: usize,
    cells: FxHashMap<Key, u32>,
    width: usize,
    shared: Vec<f64>,
    /// Row by row; the first three are everywhere, and what is unseen of values and of cells.
    means: Vec<f64>,
    variances: Vec<f64>,
}

const EVERYWHERE: u32 = 0;
const UNSEEN_VALUE: u32 = 1;
const UNSEEN_CELL: u32 = 2;

/// The rows that make up a payment's expectation.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    at: [u32; ROWS_MAX],
    len: usize,
}

impl Lookup {
    /// `column` says where a gateway of the table is found; `width` counts the columns, the last one being any other gateway's.
    pub fn new(table: &Table, width: usize, column: impl Fn(&str) -> usize) -> Self {
        let columns: Vec<usize> = table.gateways.iter().map(|name| column(name)).collect();
        let mut look = Self { width, ..Self::default() };
        let field = |name: &String| match name.as_str() {
            AMOUNT => Field::Amount,
            HOUR => Field::Hour,
            _ => Field::Named(name.clone()),
        };
        let dimensions = table.dimensions.iter().take(DIMENSIONS_MAX);
        look.dimensions = dimensions.map(|name| (field(name), FxHashMap::default())).collect();
        look.in_cell = table.in_cell.min(look.dimensions.len());
        let Unseen { everywhere, value, cell } = table.unseen;
        for unseen in [everywhere, value, cell] {
            look.push(unseen);
        }
        for row in &table.rows {
            let (at, unseen) = match &row.place {
                Place::Everywhere => (EVERYWHERE as usize, everywhere),
                Place::Value(dimension, name) => {
                    let Some((_, values)) = look.dimensions.get_mut(usize::from(*dimension)) else {
                        continue;
                    };
                    let number = values.len() as u32;
                    let at = look.shared.len();
                    values.insert(name.clone(), (number, at as u32));
                    look.push(value);
                    (at, value)
                }
                Place::Cell(names) => {
                    let mut key = [ABSENT; DIMENSIONS_MAX];
                    for ((number, (_, values)), name) in
                        key[..look.in_cell].iter_mut().zip(&look.dimensions).zip(names)
                    {
                        *number = values.get(name).map_or(ABSENT, |(number, _)| *number);
                    }
                    let at = look.shared.len();
                    look.cells.insert(key, at as u32);
                    look.push(cell);
                    (at, cell)
                }
            };
            debug_assert!(unseen >= 0.0);
            look.shared[at] = row.shared;
            for (gateway, effect) in &row.own {
                let Some(column) = columns.get(usize::from(*gateway)) else { continue };
                look.means[at * width + column] = effect.mean;
                look.variances[at * width + column] = effect.variance;
            }
        }
        look
    }

    fn push(&mut self, variance: f64) {
        self.shared.push(0.0);
        self.means.resize(self.means.len() + self.width, 0.0);
        self.variances.resize(self.variances.len() + self.width, variance);
    }

    /// The rows of a payment.
    pub fn rows(&self, context: &Context<'_>) -> Rows {
        let mut rows = Rows { at: [EVERYWHERE; ROWS_MAX], len: 1 };
        let mut key = [ABSENT; DIMENSIONS_MAX];
        let mut is_whole = true;
        let amount = context.amount.map(AmountBand::of);
        for (at, (field, values)) in self.dimensions.iter().enumerate() {
            let value = match field {
                Field::Named(name) => context.get(name),
                Field::Amount => amount.as_ref().map(AmountBand::as_str),
                Field::Hour => Some(bands::hour(context.at)),
            };
            let found = values.get(value.unwrap_or(NONE)).or_else(|| values.get(OTHER));
            if at < self.in_cell {
                match found {
                    Some((number, _)) => key[at] = *number,
                    None => is_whole = false,
                }
            }
            rows.at[rows.len] = found.map_or(UNSEEN_VALUE, |(_, row)| *row);
            rows.len += 1;
        }
        if self.in_cell > 1 {
            let exact = if is_whole { self.cells.get(&key).copied() } else { None };
            rows.at[rows.len] = exact.unwrap_or(UNSEEN_CELL);
            rows.len += 1;
        }
        rows
    }

    /// Fills in the effect of each column that is asked for.
    pub fn expect(&self, rows: &Rows, columns: &[u16], out: &mut [Effect; GATEWAYS_MAX]) {
        let rows = &rows.at[..rows.len];
        let shared = rows.iter().map(|row| self.shared[*row as usize]).sum::<f64>();
        let mut means = [shared; GATEWAYS_MAX];
        let mut variances = [0.0; GATEWAYS_MAX];
        for row in rows {
            let start = *row as usize * self.width;
            let own = &self.means[start..start + self.width];
            let errors = &self.variances[start..start + self.width];
            for ((mean, variance), column) in means.iter_mut().zip(&mut variances).zip(columns) {
                *mean += own[usize::from(*column)];
                *variance += errors[usize::from(*column)];
            }
        }
        for ((effect, mean), variance) in
            out.iter_mut().zip(means).zip(variances).take(columns.len())
        {
            *effect = Effect { mean, variance };
        }
    }
}
