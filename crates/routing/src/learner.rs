//! What is known of each gateway in each context: an online Bayesian logistic model of effects that come and go.
//!
//! **Problem.** Success rates differ by gateway and context, most contexts are thin, and all of it drifts, slowly here and at a blow there.
//! The policy needs an expectation for every combination that may be asked for, honest about how little is known of most.
//!
//! **Method.** The log odds of a success are a sum of effects (see [`crate::table`]): of everything, of the value of each dimension
//! (band of amounts and hour among them, [`crate::bands`]), of the cell, each shared and per gateway; each with a part that lasts and one that passes ([`effects`]). Outcomes move the sum to the mode of its
//! posterior, and each effect by its share of the variance: the extended Kalman filter with a diagonal covariance (West, Harrison and Migon 1985),
//! iterated. What strikes every gateway moves what they share; what strikes one stays with it.
//!
//! **Non-stationarity is learnt.** Four such filters run side by side, each supposing another size and half-life of what passes; they
//! are weighted by what they foretold ([`weights`]). In a calm world the calm memory wins and little is explored; where gateways fall and rise
//! a gateway that hasn't been used is soon worth a try again.
//!
//! **Comebacks.** That a gateway which fell is back is a hypothesis of its own ([`comeback`]).
//!
//! **Change points.** When the analyst opens or closes an incident, [`Learner::reopen`] leaves the slice's effects their means and widens what passes.
//!
//! **Guarantee.** One call per tick: the order within it can't reach a result. Memory is bounded: beyond
//! [`LearnerSettings::values_max`] a value counts as `__other__`, beyond [`LearnerSettings::cells_max`] a cell has no effect of its own; what
//! wasn't touched for a week makes room.
//!
//! **What it supposes.** Independent outcomes given the rates; effects that add up on the log odds but for the cell's; errors of different
//! effects as if independent (their sum is thought less certain than it is).
//!
//! **Cost.** An update takes 1 to 2 us with three dimensions and six gateways (`bench choose`), and a look at every gateway that was seen in its places; a table 30 ns per effect.

mod comeback;
mod effects;
mod settings;
mod weights;

use std::collections::BTreeMap;

use payments::{Money, NONE, OTHER, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bands::{self, AMOUNT, AmountBand, HOUR};
use crate::shares::NEW_BELOW;
use crate::table::{DIMENSIONS_MAX, Effect, Place, Row as Learnt, Table, Unseen, expected_rate};
use comeback::Comeback;
use effects::{Each, Effects, Laws, Pace, Rest, Step};
use weights::Weights;

pub use effects::MEMORIES;
pub use settings::{Lasting, LearnerSettings, Memory};

/// Gateways told apart; those beyond count as one other.
const COLUMNS_MAX: usize = 256;
/// Parts a cell's name in the learner; no value that is told apart holds it.
const SEPARATOR: char = '\u{1f}';
/// What wasn't touched for so long makes room.
const STALE_MS: i64 = 7 * 86_400_000;
/// After this many attempts an attempt counts e times less as evidence that a gateway is known.
const KNOWN_BY: f64 = 10_000.0;

/// Attempts with an outcome, counted over one tick.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes<'a> {
    /// Where they went.
    pub gateway: &'a str,
    /// Dimension and value, as in a context; those that make no cell are ignored.
    pub values: &'a [(&'a str, &'a str)],
    /// What each of them was about; any amount of a band does for the band.
    pub amount: Option<Money>,
    /// Attempts that count in rates.
    pub attempts: u64,
    /// Approved of these; more than there are attempts count as all.
    pub successes: u64,
}

/// The effects of one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    shared: Effects,
    /// By number of the gateway, in order.
    own: Vec<(u16, Effects)>,
}

impl Row {
    fn own(&mut self, gateway: u16, at_ms: i64, rest: &Rest) -> &mut Effects {
        let at = match self.own.binary_search_by_key(&gateway, |(number, _)| *number) {
            Ok(at) => at,
            Err(at) => {
                self.own.insert(at, (gateway, Effects::new(at_ms, rest)));
                at
            }
        };
        &mut self.own[at].1
    }
}

/// A gateway that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    name: String,
    weights: Weights,
    attempts: f64,
    comeback: Comeback,
}

impl Seen {
    /// How soon it may be back, per millisecond; `attempts` were made in all.
    fn returns_per_ms(&self, supposed: &Supposed, attempts: f64) -> f64 {
        let paces = self.weights.0.iter().zip(supposed.pace.passing);
        let pace: f64 = paces.map(|(weight, pace)| weight * pace).sum();
        supposed.returns * pace * self.attempts / attempts.max(1.0)
    }
}

/// What is known of each gateway in each context; the control plane's, never on the path of a payment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    settings: LearnerSettings,
    at: Option<Timestamp>,
    /// Numbers by name.
    numbers: BTreeMap<String, u16>,
    gateways: Vec<Seen>,
    world: Weights,
    everywhere: Option<Row>,
    /// By dimension and value.
    values: Vec<BTreeMap<String, Row>>,
    /// By all values, parted.
    cells: BTreeMap<String, Row>,
    swept_ms: i64,
    #[serde(skip)]
    scratch: String,
    /// By gateway: rows that it was seen in, and what they expect of it.
    #[serde(skip)]
    met: Vec<(usize, Effect)>,
}

type Path<'a> = [&'a str; DIMENSIONS_MAX];

/// Variances and paces, as the settings have them.
struct Supposed {
    pace: Pace,
    /// Of what gateways share, and of their own: everywhere, at a value, in a cell.
    shared: [Rest; 3],
    own: [Rest; 3],
    returns: f64,
}

impl Supposed {
    fn of(settings: &LearnerSettings) -> Self {
        let LearnerSettings { memories, lasting, passing_at_values: at_values, .. } = settings;
        let rate = |ms: i64| std::f64::consts::LN_2 / ms.max(1) as f64;
        let rest = |lasting: f64, passing: f64| Rest {
            lasting: [lasting * lasting; MEMORIES],
            passing: memories.map(|memory| {
                let deviation = passing * memory.deviation;
                deviation * deviation
            }),
        };
        Self {
            pace: Pace {
                lasting: rate(lasting.half_life_ms),
                passing: memories.map(|memory| rate(memory.half_life_ms)),
            },
            shared: [rest(1.5, 0.5), rest(0.6, 0.5 * at_values), rest(lasting.cell, 0.0)],
            own: [
                rest(lasting.gateway, 1.0),
                rest(lasting.value, *at_values),
                rest(lasting.cell, 0.0),
            ],
            returns: settings.returns,
        }
    }
}

impl Learner {
    /// One that knows nothing yet.
    pub fn new(mut settings: LearnerSettings) -> Self {
        settings.dimensions.retain(|dimension| dimension != "gateway");
        settings.dimensions.truncate(DIMENSIONS_MAX);
        Self { settings, ..Self::default() }
    }

    /// Lets time pass up to `at` and takes in what a tick counted. Time doesn't run backwards: an earlier instant discounts nothing.
    pub fn learn<'a>(&mut self, at: Timestamp, outcomes: impl IntoIterator<Item = Outcomes<'a>>) {
        let at = self.at.map_or(at, |before| before.max(at));
        self.at = Some(at);
        let known = outcomes.into_iter().filter(|counted| counted.attempts > 0);
        let known: Vec<(Outcomes<'a>, Option<AmountBand>)> =
            known.map(|o| (o, o.amount.map(AmountBand::of))).collect();
        let mut tick: Vec<(Path<'_>, &str, u64, u64)> = known
            .iter()
            .map(|(o, amount)| {
                let path = self.path(at, o, amount.as_ref());
                (path, o.gateway, o.attempts, o.successes.min(o.attempts))
            })
            .collect();
        if tick.is_empty() {
            return;
        }
        // By name: numbers are given in this order, and sums are rounded in it.
        tick.sort_unstable();
        let supposed = Supposed::of(&self.settings);
        let mut of_tick = tick.as_slice();
        while let Some(first) = of_tick.first() {
            let same = of_tick.partition_point(|other| (other.0, other.1) <= (first.0, first.1));
            let (alike, rest) = of_tick.split_at(same);
            let (n, k) = alike.iter().fold((0, 0), |(n, k), one| (n + one.2, k + one.3));
            self.update(&supposed, first.0, first.1, n as f64, k as f64);
            of_tick = rest;
        }
    }

    fn path<'a>(
        &self,
        at: Timestamp,
        outcomes: &'a Outcomes<'_>,
        amount: Option<&'a AmountBand>,
    ) -> Path<'a> {
        let mut path = [""; DIMENSIONS_MAX];
        for (value, dimension) in path.iter_mut().zip(&self.settings.dimensions) {
            let found = match dimension.as_str() {
                AMOUNT => amount.map(AmountBand::as_str),
                HOUR => Some(bands::hour(at)),
                _ => outcomes.values.iter().find(|(name, _)| name == dimension).map(|(_, v)| *v),
            };
            *value = found.unwrap_or(NONE);
        }
        path
    }

    fn update(&mut self, supposed: &Supposed, path: Path<'_>, gateway: &str, n: f64, k: f64) {
        let at_ms = self.at.map_or(0, |at| at.as_millis());
        let depth = self.settings.dimensions.len();
        self.make_room(depth, at_ms);
        let number = self.number(gateway, at_ms);
        let LearnerSettings { values_max, cells_max, in_cell, .. } = self.settings;

        let mut rows: [Option<(&mut Row, usize)>; DIMENSIONS_MAX + 2] = Default::default();
        let fresh = |kind: usize| Row {
            shared: Effects::new(at_ms, &supposed.shared[kind]),
            own: Vec::new(),
        };
        rows[0] = Some((self.everywhere.get_or_insert_with(|| fresh(0)), 0));
        let mut cell = std::mem::take(&mut self.scratch);
        let places = rows[1..].iter_mut().zip(&mut self.values).zip(path);
        for (at, ((place, values), value)) in places.enumerate() {
            let is_full = values.len() >= values_max && !values.contains_key(value);
            let value = if is_full { OTHER } else { value };
            if at < in_cell {
                cell.push_str(value);
                cell.push(SEPARATOR);
            }
            if !values.contains_key(value) {
                values.insert(value.to_owned(), fresh(1));
            }
            if at < in_cell || tells_apart(values) {
                *place = values.get_mut(value).map(|row| (row, 1));
            }
        }
        if in_cell > 1 {
            if !self.cells.contains_key(&cell) && self.cells.len() < cells_max {
                self.cells.insert(cell.clone(), fresh(2));
            }
            rows[depth + 1] = self.cells.get_mut(&cell).map(|row| (row, 2));
        }
        cell.clear();
        self.scratch = cell;

        for (row, kind) in rows.iter_mut().flatten() {
            row.shared.age(at_ms, &supposed.pace, &supposed.shared[*kind]);
            row.own(number, at_ms, &supposed.own[*kind]).age(
                at_ms,
                &supposed.pace,
                &supposed.own[*kind],
            );
        }
        let own = usize::from(number);
        let (now, best) = now_and_best(&rows, &self.gateways, &self.world, own, &mut self.met);
        // Where no other is known, none is ahead.
        let best = best.unwrap_or(now);
        let attempts = self.gateways.iter().map(|seen| seen.attempts).sum();
        let returns = self.gateways[own].returns_per_ms(supposed, attempts);
        let comeback = &mut self.gateways[own].comeback;
        let rates = [now, best].map(expected_rate);
        if comeback.learn(at_ms, returns, (n, k), rates)
            && let Some((everywhere, _)) = &mut rows[0]
        {
            let own = everywhere.own(number, at_ms, &supposed.own[0]);
            own.reopen(best.mean - now.mean, &supposed.own[0]);
        }

        let mut sum = Laws::default();
        for (row, kind) in rows.iter_mut().flatten() {
            row.shared.add_to(&mut sum);
            row.own(number, at_ms, &supposed.own[*kind]).add_to(&mut sum);
        }
        let step = Step::of(&sum, n, k);
        for (row, kind) in rows.iter_mut().flatten() {
            row.shared.step(&step);
            row.own(number, at_ms, &supposed.own[*kind]).step(&step);
        }
        let dealt = (self.settings.dealt * n).min(0.5);
        self.world.learn(&step.ln_likelihood, 0.02 * dealt, &Weights::default());
        let seen = &mut self.gateways[own];
        seen.weights.learn(&step.ln_likelihood, dealt, &self.world);
        seen.attempts = seen.attempts * (1.0 - (n / KNOWN_BY).min(0.5)) + n;
    }

    fn number(&mut self, gateway: &str, at_ms: i64) -> u16 {
        let next = self.gateways.len();
        let known = self.numbers.get(gateway);
        let name = if known.is_some() || next < COLUMNS_MAX { gateway } else { OTHER };
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let (weights, comeback) = (self.world, Comeback::new(at_ms));
        self.gateways.push(Seen { name: name.to_owned(), weights, attempts: 0.0, comeback });
        self.numbers.insert(name.to_owned(), next as u16);
        next as u16
    }

    /// Gives up what wasn't touched for long where a map is full, at most once an hour.
    fn make_room(&mut self, depth: usize, at_ms: i64) {
        self.values.resize_with(depth, BTreeMap::new);
        let LearnerSettings { values_max, cells_max, .. } = self.settings;
        let is_full = self.cells.len() >= cells_max
            || self.values.iter().any(|values| values.len() >= values_max);
        if !is_full || at_ms.saturating_sub(self.swept_ms) < 3_600_000 {
            return;
        }
        self.swept_ms = at_ms;
        let is_fresh = |row: &Row| at_ms.saturating_sub(row.shared.at_ms) < STALE_MS;
        self.cells.retain(|_, row| is_fresh(row));
        self.values.iter_mut().for_each(|values| values.retain(|_, row| is_fresh(row)));
    }

    /// A slice has changed: what is known of it stays as a guess, and what passes there is wide open: its value, its cells, or, where it names one of
    /// a cell's dimensions at most, each of its values. Conditions on dimensions that effects aren't told apart by are passed over, so a place that holds a part of the
    /// slice is reopened whole; without any other the call does nothing.
    pub fn reopen(&mut self, conditions: &BTreeMap<String, String>) {
        let dimensions = &self.settings.dimensions;
        let position = |name: &String| dimensions.iter().position(|dimension| dimension == name);
        let wanted: Vec<(usize, &String)> = conditions
            .iter()
            .filter_map(|(name, value)| Some((position(name)?, value)))
            .filter(|(at, _)| self.counts(*at))
            .collect();
        let gateway = conditions.get("gateway");
        let number = gateway.map(|name| self.numbers.get(name).copied());
        if wanted.is_empty() && number.is_none() || number == Some(None) {
            return;
        }
        let number = number.flatten();
        let widest = self.settings.memories.iter().fold(0.0_f64, |w, m| w.max(m.deviation));
        let open = |row: &mut Row| {
            let named = |at: &u16| number.is_none_or(|number| number == *at);
            for (_, own) in row.own.iter_mut().filter(|(at, _)| named(at)) {
                for variance in &mut own.passing.variance {
                    *variance = variance.max(widest * widest);
                }
            }
        };
        let of_cell: Vec<_> = wanted.iter().filter(|(at, _)| *at < self.settings.in_cell).collect();
        if wanted.is_empty() {
            self.everywhere.iter_mut().for_each(open);
        } else if of_cell.len() > 1 {
            let fits = |cell: &str| {
                let values: Vec<&str> = cell.split(SEPARATOR).collect();
                of_cell.iter().all(|(at, value)| values.get(*at) == Some(&value.as_str()))
            };
            let cells = self.cells.iter_mut().filter(|(cell, _)| fits(cell));
            cells.map(|(_, row)| row).for_each(open);
        } else {
            for (at, value) in wanted {
                self.values[at].get_mut(value).into_iter().for_each(open);
            }
        }
    }

    /// The look-up for the policy.
    pub fn table(&self) -> Table {
        let supposed = Supposed::of(&self.settings);
        let at_ms = self.at.map_or(0, |at| at.as_millis());
        let attempts = self.gateways.iter().map(|seen| seen.attempts).sum();
        let world = self.world.0;
        let row = |place: Place, row: &Row, kind: usize| {
            let mixed = |effects: &Effects, rest: &Rest, weights: &Each| {
                let mut now = *effects;
                now.age(at_ms, &supposed.pace, rest);
                let (mean, variance) = now.mixed(weights);
                Effect { mean, variance }
            };
            let own = row.own.iter().map(|(gateway, own)| {
                let weights = self.gateways.get(usize::from(*gateway));
                let weights = weights.map_or(&world, |seen| &seen.weights.0);
                (*gateway, mixed(own, &supposed.own[kind], weights))
            });
            Learnt {
                place,
                shared: mixed(&row.shared, &supposed.shared[kind], &world).mean,
                own: own.collect(),
            }
        };
        let unseen = |kind: usize| {
            let (_, variance) = Effects::new(at_ms, &supposed.own[kind]).mixed(&world);
            variance
        };
        let everywhere = self.everywhere.iter().map(|own| row(Place::Everywhere, own, 0));
        // Where a dimension has no effects, nobody differs, and surely.
        let nothing = Effect::default();
        let alike: Vec<_> = (0..self.gateways.len() as u16).map(|at| (at, nothing)).collect();
        let values = (0..).zip(&self.values).flat_map(|(dimension, values)| {
            let place = move |value: &String| Place::Value(dimension, value.clone());
            let (row, alike) = (&row, &alike);
            values.iter().map(move |(value, of)| {
                if self.counts(usize::from(dimension)) {
                    row(place(value), of, 1)
                } else {
                    Learnt { place: place(value), shared: 0.0, own: alike.clone() }
                }
            })
        });
        let place = |cell: &str| {
            let values = cell.strip_suffix(SEPARATOR).unwrap_or(cell).split(SEPARATOR);
            Place::Cell(values.map(Into::into).collect())
        };
        Table {
            dimensions: self.settings.dimensions.clone(),
            in_cell: self.settings.in_cell,
            rows: everywhere
                .chain(values)
                .chain(self.cells.iter().map(|(cell, own)| row(place(cell), own, 2)))
                .collect(),
            attempts: self.gateways.iter().map(|seen| seen.attempts).collect(),
            back: self
                .gateways
                .iter()
                .map(|seen| seen.comeback.at(at_ms, seen.returns_per_ms(&supposed, attempts)))
                .collect(),
            gateways: self.gateways.iter().map(|seen| seen.name.clone()).collect(),
            unseen: Unseen { everywhere: unseen(0), value: unseen(1), cell: unseen(2) },
        }
    }

    /// Whether a dimension has effects: those that make cells always, any other once its values differ.
    fn counts(&self, dimension: usize) -> bool {
        dimension < self.settings.in_cell || self.values.get(dimension).is_some_and(tells_apart)
    }

    /// How far each memory is believed, in the world at large.
    pub fn beliefs(&self) -> [f64; MEMORIES] {
        self.world.0
    }
}

/// Whether a dimension's values differ at all: until they do, all that is told of it is told of everything.
fn tells_apart(values: &BTreeMap<String, Row>) -> bool {
    values.len() > 1
}

/// What the rows of a payment expect of one gateway, and of the best of those others that are known in each of its values, if any is.
fn now_and_best(
    rows: &[Option<(&mut Row, usize)>],
    gateways: &[Seen],
    world: &Weights,
    own: usize,
    met: &mut Vec<(usize, Effect)>,
) -> (Effect, Option<Effect>) {
    met.resize(gateways.len(), (0, Effect::default()));
    let (mut wanted, mut shared) = (0, 0.0);
    for (row, kind) in rows.iter().flatten() {
        // In the very cell it needn't be known.
        let counts = usize::from(*kind < 2);
        wanted += counts;
        shared += row.shared.mixed(&world.0).0;
        for (number, effects) in &row.own {
            let at = usize::from(*number);
            let (mean, variance) = effects.mixed(&gateways[at].weights.0);
            let (known, effect) = &mut met[at];
            *known += counts;
            effect.mean += mean;
            effect.variance += variance;
        }
    }
    let at = |number: usize| {
        let Effect { mean, variance } = met[number].1;
        Effect { mean: shared + mean, variance }
    };
    let is_known = |number: &usize| {
        *number != own && met[*number].0 == wanted && gateways[*number].attempts >= NEW_BELOW
    };
    let others = (0..gateways.len()).filter(is_known).map(at);
    let answer = (at(own), others.max_by(|a, b| a.mean.total_cmp(&b.mean)));
    met.clear();
    answer
}

#[cfg(test)]
mod tests;
