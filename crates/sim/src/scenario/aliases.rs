//! Other names of a slice: those that select nearly the same attempts.
//!
//! When all cards of a network belong to one country, the network and the network in that country are one thing, and
//! whoever names either is right. A name is an alias if the traffic that both select is at least 95 % of what either does. Such a name keeps almost all of
//! the slice, so each of its pairs does: only pairs that hold on 95 % of the slice can be part of one, and they are few.

use crate::incident::Pairs;
use crate::world::{DIMENSIONS, World};

/// Intersection over union, by traffic.
const OVERLAP_MIN: f64 = 0.95;
const PAIRS_MAX: usize = 3;

impl World {
    /// The aliases of a slice, shortest first, itself left out.
    pub fn aliases(&self, slice: &Pairs) -> Vec<Pairs> {
        let hits = self.hits(slice);
        let inside: Vec<usize> = (0..hits.len()).filter(|leaf| hits[*leaf]).collect();
        let total: f64 = inside.iter().map(|leaf| self.leaf_share(*leaf)).sum();
        let common = self.common_pairs(&inside, total);
        let selects: Vec<Vec<bool>> =
            common.iter().map(|pair| self.hits(&[pair.clone()].into())).collect();
        let mut aliases = Vec::new();
        for chosen in 0_u32..1 << common.len() {
            if chosen.count_ones() as usize > PAIRS_MAX {
                continue;
            }
            let chosen: Vec<usize> =
                (0..common.len()).filter(|pair| chosen >> pair & 1 == 1).collect();
            let pairs: Pairs = chosen.iter().map(|pair| common[*pair].clone()).collect();
            if pairs == *slice {
                continue;
            }
            let (mut both, mut either) = (0.0, 0.0);
            for leaf in 0..hits.len() {
                let selected = chosen.iter().all(|pair| selects[*pair][leaf]);
                let share = self.leaf_share(leaf);
                both += if selected && hits[leaf] { share } else { 0.0 };
                either += if selected || hits[leaf] { share } else { 0.0 };
            }
            if both >= OVERLAP_MIN * either {
                aliases.push(pairs);
            }
        }
        aliases.sort_by_key(|alias| (alias.len(), alias.clone()));
        aliases
    }

    /// Pairs that hold on nearly all of these leaves' traffic.
    fn common_pairs(&self, leaves: &[usize], total: f64) -> Vec<(String, String)> {
        let mut common = Vec::new();
        for (column, dimension) in DIMENSIONS.iter().enumerate() {
            let mut shares: std::collections::BTreeMap<&str, f64> =
                std::collections::BTreeMap::new();
            for leaf in leaves {
                if let Some(value) = self.leaf_values(*leaf)[column] {
                    *shares.entry(value).or_default() += self.leaf_share(*leaf);
                }
            }
            let most = shares.iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
            if let Some((value, _)) = most.filter(|(_, share)| **share >= OVERLAP_MIN * total) {
                common.push(((*dimension).into(), (*value).into()));
            }
        }
        common
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domestic_network_has_its_country_as_alias() {
        let world = World::at_rate(20.0, 1).unwrap();
        let slice = |pairs: &[(&str, &str)]| -> Pairs {
            pairs.iter().map(|(d, v)| ((*d).into(), (*v).into())).collect()
        };
        let aliases = world.aliases(&slice(&[("network", "RUPAY")]));
        assert!(
            aliases.contains(&slice(&[("country", "IN"), ("network", "RUPAY")])),
            "{aliases:?}"
        );
        assert!(aliases.contains(&slice(&[("method", "card"), ("network", "RUPAY")])));
        assert!(!aliases.contains(&slice(&[("method", "card")])));
        let wallet = world.aliases(&slice(&[("issuer", "AMAZONPAY")]));
        assert!(wallet.contains(&slice(&[("issuer", "AMAZONPAY"), ("method", "wallet")])));
    }
}
