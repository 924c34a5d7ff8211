//! What is said about the causes found: which are worth saying, their counts, their other names.
//!
//! **Ripples.** A cause that explains a small share of the failures is true, perhaps, and beside the
//! point while the others last.
//!
//! **Aliases.** When all cards of a gateway are VISA, `{gateway: A}` and `{gateway: A, network:
//! VISA}` are one finding under two names. Which name is meant, the data can't say; so all are told.

use std::collections::BTreeMap;

use super::catalogue::conjunctions;
use super::{Conditions, LeafCell, LocaliseSettings, RootCause, Scored, selects};

/// The causes that explain enough, strongest first, with counts over all their cells.
pub(super) fn report(
    mut causes: Vec<Scored>,
    cells: &[&LeafCell],
    dimensions: usize,
    settings: &LocaliseSettings,
) -> Vec<RootCause> {
    causes.sort_by(|a, b| {
        b.score_nats.total_cmp(&a.score_nats).then_with(|| a.conditions.cmp(&b.conditions))
    });
    // A cell shared by two causes counts for the stronger.
    let mut excess = vec![0.0; causes.len()];
    for cell in cells {
        if let Some(at) = causes.iter().position(|cause| selects(&cause.conditions, cell)) {
            excess[at] += cell.bad as f64 - cell.expected_bad;
        }
    }
    let total: f64 = excess.iter().map(|e| e.max(0.0)).sum();
    causes
        .into_iter()
        .zip(excess)
        .filter(|(_, excess)| *excess > 0.0 && *excess >= settings.excess_share_min * total)
        .map(|(cause, _)| {
            let members: Vec<&LeafCell> =
                cells.iter().copied().filter(|cell| selects(&cause.conditions, cell)).collect();
            RootCause {
                score_nats: cause.score_nats,
                attempts: members.iter().map(|cell| cell.attempts).sum(),
                bad: members.iter().map(|cell| cell.bad).sum(),
                expected_bad: members.iter().map(|cell| cell.expected_bad).sum(),
                aliases: aliases(&cause.conditions, &members, cells, dimensions, settings),
                conditions: cause.conditions,
            }
        })
        .collect()
}

/// Slices whose attempts overlap those of `own` by at least `alias_overlap_min` (intersection
/// over union), plainest first, then by overlap. A longer name of the same attempts is left out:
/// adding conditions that exclude nothing never says more.
fn aliases(
    own: &Conditions,
    members: &[&LeafCell],
    cells: &[&LeafCell],
    dimensions: usize,
    settings: &LocaliseSettings,
) -> Vec<Conditions> {
    let size: u64 = members.iter().map(|cell| cell.attempts).sum();
    let enough = settings.alias_overlap_min * size as f64;

    // An alias keeps almost all attempts of the slice, so each of its conditions does.
    let kept_by: Vec<Option<u32>> = (0..dimensions)
        .map(|d| {
            let mut attempts: BTreeMap<u32, u64> = BTreeMap::new();
            for cell in members {
                *attempts.entry(cell.values[d]).or_default() += cell.attempts;
            }
            attempts.into_iter().find(|&(_, n)| n as f64 >= enough).map(|(value, _)| value)
        })
        .collect();
    let usable: Vec<usize> = (0..dimensions).filter(|&d| kept_by[d].is_some()).collect();
    let mut found: Vec<(usize, f64, Conditions)> = Vec::new();
    for set in conjunctions(usable.len(), settings) {
        let conditions: Conditions = set
            .iter()
            .filter_map(|&i| kept_by[usable[i]].map(|value| (usable[i], value)))
            .collect();
        if conditions == *own {
            continue;
        }
        let attempts_of = |cells: &[&LeafCell]| -> u64 {
            cells.iter().filter(|cell| selects(&conditions, cell)).map(|cell| cell.attempts).sum()
        };
        let shared = attempts_of(members);
        if (shared as f64) < enough {
            continue;
        }
        let overlap = shared as f64 / (size + attempts_of(cells) - shared) as f64;
        if overlap >= settings.alias_overlap_min {
            found.push((conditions.len(), overlap, conditions));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    let mut kept: Vec<Conditions> = Vec::new();
    for (_, overlap, conditions) in found {
        let longer_name = |plain: &Conditions| plain.iter().all(|pair| conditions.contains(pair));
        if overlap >= 1.0 && (longer_name(own) || kept.iter().any(longer_name)) {
            continue;
        }
        kept.push(conditions);
    }
    kept
}
