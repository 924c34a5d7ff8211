//! The gateways that a policy knows by number, so that a choice compares numbers and not names.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::{Gateway, Terms};

/// Names to columns: configured gateways first, in order, then those learnt of, then those seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    names: Vec<String>,
    numbers: FxHashMap<String, u16>,
    /// By column: which of the configured ones.
    configured: Vec<Option<u16>>,
    /// Configured ones that take a method, for each method that any of them names.
    by_method: FxHashMap<String, Vec<u16>>,
    /// Those that take any.
    any: Vec<u16>,
    /// Seen, by method.
    seen: FxHashMap<String, Vec<u16>>,
}

impl Known {
    pub fn new(terms: &Terms) -> Self {
        let mut known = Self::default();
        for (at, gateway) in (0..).zip(&terms.gateways) {
            let column = known.add(&gateway.name);
            known.configured[usize::from(column)].get_or_insert(at);
        }
        let gateways: Vec<(u16, &Gateway)> =
            terms.gateways.iter().map(|g| (known.numbers[&g.name], g)).collect();
        let takers = |method: Option<&str>| {
            let mut columns = Vec::new();
            for (column, gateway) in &gateways {
                if gateway.takes(method) && !columns.contains(column) {
                    columns.push(*column);
                }
            }
            columns
        };
        let methods = gateways.iter().flat_map(|(_, gateway)| &gateway.methods);
        known.by_method = methods.map(|m| (m.clone(), takers(Some(m)))).collect();
        known.any = takers(None);
        for name in &terms.table.gateways {
            known.add(name);
        }
        known.seen = Self::numbered(&mut known, &terms.seen);
        known
    }

    fn numbered(
        known: &mut Self,
        seen: &BTreeMap<String, Vec<String>>,
    ) -> FxHashMap<String, Vec<u16>> {
        let mut numbered = FxHashMap::default();
        for (method, names) in seen {
            let mut columns: Vec<u16> = Vec::new();
            for name in names {
                let column = known.add(name);
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
            numbered.insert(method.clone(), columns);
        }
        numbered
    }

    fn add(&mut self, name: &str) -> u16 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u16;
        self.names.push(name.to_owned());
        self.configured.push(None);
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// One more than there are gateways: the last is for any other.
    pub fn width(&self) -> usize {
        self.names.len() + 1
    }

    pub fn number(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    pub fn name(&self, column: u16) -> &str {
        &self.names[usize::from(column)]
    }

    /// Which of the configured ones stands in a column.
    pub fn configured(&self, column: u16) -> Option<usize> {
        self.configured.get(usize::from(column)).copied().flatten().map(usize::from)
    }

    /// Columns of the configured gateways that take a method.
    pub fn takers(&self, method: Option<&str>) -> &[u16] {
        method.and_then(|method| self.by_method.get(method)).unwrap_or(&self.any)
    }

    /// Columns of those seen for it.
    pub fn seen(&self, method: Option<&str>) -> &[u16] {
        method.and_then(|method| self.seen.get(method)).map_or(&[], Vec::as_slice)
    }
}
