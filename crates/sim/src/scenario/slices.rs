//! Slices by their traffic, and what a slice may be expected to approve.

use std::collections::BTreeMap;

use payments::Timestamp;

use super::Place;
use crate::arrivals::BLOCK_MS;
use crate::incident::Pairs;
use crate::world::{DIMENSIONS, World};

/// A slice of about so much traffic has at least this share of it, and at most its inverse.
const NEAR_MIN: f64 = 0.6;
/// And at most this share of all traffic, so that all of it may be moved: half is what operators are allowed as a rule.
const SHARE_MAX: f64 = 0.4;

impl World {
    /// All attempts per second that are to be expected at an instant without incidents.
    pub fn attempts_per_s_at(&self, at: Timestamp) -> f64 {
        let block = at.as_millis().div_euclid(BLOCK_MS);
        let middle = (block as f64 + 0.5) * BLOCK_MS as f64;
        self.config.attempts_per_s * self.waves.volume_at(middle)
    }

    /// A leaf's true chance at an instant, with the incidents in force and without any: that of a first attempt, bursts averaged out and
    /// gateways with room.
    pub fn chance_at(&self, leaf: usize, at: Timestamp) -> (f64, f64) {
        let block = at.as_millis().div_euclid(BLOCK_MS);
        let middle = (block as f64 + 0.5) * BLOCK_MS as f64;
        let gateway = usize::from(self.leaves[leaf].gateway);
        let leaf = leaf as u32;
        let p_null = self.null_chance(leaf, self.waves.odds_at(gateway, middle), 1.0);
        let all: Vec<usize> = (0..self.placed.len()).collect();
        let effect = self.effect(&all, leaf, at.as_millis(), (1.0, 0.0), false);
        (p_null * self.kept(leaf, &effect), p_null)
    }

    /// Leaves that differ from this one in the gateway alone, itself included: where its payments can go.
    pub fn leaf_siblings(&self, leaf: usize) -> std::ops::Range<usize> {
        let siblings = self.siblings(leaf as u32);
        siblings.start as usize..siblings.end as usize
    }

    /// Which leaves lie in a slice.
    pub(super) fn hits(&self, slice: &Pairs) -> Vec<bool> {
        (0..self.leaf_count()).map(|leaf| self.in_slice(leaf, slice)).collect()
    }

    /// Attempts per second of a slice that are to be expected at an instant without incidents.
    pub fn slice_per_s(&self, slice: &Pairs, at: Timestamp) -> f64 {
        let leaves = (0..self.leaf_count()).filter(|leaf| self.in_slice(*leaf, slice));
        leaves.map(|leaf| self.leaf_share(leaf)).sum::<f64>() * self.attempts_per_s_at(at)
    }

    /// Success of a slice's first attempts at an instant, without incidents.
    pub(super) fn expected_rate(&self, hits: &[bool], at: Timestamp) -> f64 {
        let (mut share, mut approved) = (0.0, 0.0);
        for leaf in (0..hits.len()).filter(|leaf| hits[*leaf]) {
            share += self.leaf_share(leaf);
            approved += self.leaf_share(leaf) * self.chance_at(leaf, at).1;
        }
        approved / share
    }

    /// The slice that a place means, or what is allowed instead.
    pub(super) fn resolve(&self, place: &Place, at: Timestamp) -> Result<Pairs, String> {
        let (dimensions, per_s) = match place {
            Place::Slice(slice) => return Ok(slice.clone()),
            Place::Sized(dimensions, per_s) => (dimensions, *per_s),
        };
        let columns: Vec<usize> = dimensions
            .iter()
            .filter_map(|d| DIMENSIONS.iter().position(|name| name == d))
            .collect();
        let mut shares: BTreeMap<Vec<&str>, f64> = BTreeMap::new();
        for leaf in 0..self.leaf_count() {
            let values = self.leaf_values(leaf);
            let own: Option<Vec<&str>> = columns.iter().map(|column| values[*column]).collect();
            if let Some(own) = own {
                *shares.entry(own).or_default() += self.leaf_share(leaf);
            }
        }
        let all = self.attempts_per_s_at(at);
        let off = |share: &f64| libm::fabs(libm::log(share * all / per_s));
        let movable = shares.iter().filter(|(_, share)| **share <= SHARE_MAX);
        let nearest = movable.min_by(|(_, a), (_, b)| off(a).total_cmp(&off(b)));
        match nearest {
            Some((values, share)) if off(share) <= -libm::log(NEAR_MIN) => {
                let pairs = dimensions.iter().zip(values);
                Ok(pairs.map(|(d, v)| ((*d).into(), (*v).into())).collect())
            }
            Some((_, share)) => Err(format!("about {:.2}/s, which comes nearest", share * all)),
            None => Err("a slice that holds at most 40 % of all traffic".into()),
        }
    }
}
