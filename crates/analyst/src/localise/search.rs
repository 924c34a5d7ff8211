//! Choosing the set of causes: greedy peeling from several starts, then joint refit.
//!
//! A cell is explained by one cause only; once its cause is chosen, it says nothing for another.
//! Greedy choice alone can start with a slice that straddles two causes (`{p2p: 1}` over two
//! bitrates), so the best few first choices are each followed to the end and the set with the
//! highest total wins. Refit then asks of every chosen slice, given all others: is there a better
//! one for what is left, and does it still earn its place?

use super::LocaliseSettings;
use super::catalogue::Catalogue;
use super::shift::{Evidence, GRID, ln_mean_exp};

/// A chosen slice and its score given the other chosen ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Choice {
    pub slice: usize,
    pub score_nats: f64,
}

/// Rounds of refit; they end earlier as soon as nothing changes.
const REFITS_MAX: usize = 3;

/// Evidence per candidate, of the cells that no chosen slice explains yet.
#[derive(Clone)]
struct Ledger {
    sums: Vec<[f64; GRID]>,
    explained: Vec<bool>,
}

impl Ledger {
    fn new(catalogue: &Catalogue, evidence: &[Evidence]) -> Self {
        let mut sums = vec![[0.0; GRID]; catalogue.slices.len()];
        for (cell, slice) in catalogue.memberships() {
            add(&mut sums[slice], &evidence[cell], 1.0);
        }
        Self { sums, explained: vec![false; evidence.len()] }
    }

    /// Takes the cells of a chosen slice out of all candidates.
    fn explain(&mut self, slice: usize, catalogue: &Catalogue, evidence: &[Evidence]) {
        for cell in catalogue.members(slice) {
            if !std::mem::replace(&mut self.explained[cell], true) {
                for other in catalogue.slices_of(cell) {
                    add(&mut self.sums[other], &evidence[cell], -1.0);
                }
            }
        }
    }

    /// The best `count` candidates, best first; ties go to the plainer, then to the one listed
    /// first.
    fn best(
        &self,
        count: usize,
        catalogue: &Catalogue,
        settings: &LocaliseSettings,
    ) -> Vec<Choice> {
        let mut best: Vec<Choice> = Vec::with_capacity(count + 1);
        for (slice, sums) in self.sums.iter().enumerate() {
            let price = catalogue.price(slice, settings);
            let floor = if best.len() < count {
                catalogue.threshold_nats
            } else {
                best[best.len() - 1].score_nats
            };
            // The mean over the grid can't exceed its largest term.
            let bound = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max) - price;
            if bound <= floor {
                continue;
            }
            let score_nats = ln_mean_exp(sums) - price;
            if score_nats <= floor {
                continue;
            }
            let at = best.partition_point(|choice| choice.score_nats >= score_nats);
            best.insert(at, Choice { slice, score_nats });
            best.truncate(count);
        }
        best
    }
}

fn add(sum: &mut [f64; GRID], evidence: &Evidence, sign: f64) {
    for (s, e) in sum.iter_mut().zip(evidence) {
        *s += sign * e;
    }
}

/// The set of causes with the highest total score found, strongest first.
pub(super) fn search(
    catalogue: &Catalogue,
    evidence: &[Evidence],
    settings: &LocaliseSettings,
) -> Vec<Choice> {
    let fresh = Ledger::new(catalogue, evidence);
    let mut best_set = Vec::new();
    let mut best_total = 0.0;
    for first in fresh.best(settings.beam.max(1), catalogue, settings) {
        let mut ledger = fresh.clone();
        let mut set = Vec::new();
        let mut next = Some(first);
        while let Some(choice) = next {
            set.push(choice);
            if set.len() == settings.causes_max {
                break;
            }
            ledger.explain(choice.slice, catalogue, evidence);
            next = ledger.best(1, catalogue, settings).pop();
        }
        let total: f64 = set.iter().map(|choice| choice.score_nats).sum();
        if total > best_total {
            best_total = total;
            best_set = set;
        }
    }
    refit(best_set, &fresh, catalogue, evidence, settings)
}

fn refit(
    mut set: Vec<Choice>,
    fresh: &Ledger,
    catalogue: &Catalogue,
    evidence: &[Evidence],
    settings: &LocaliseSettings,
) -> Vec<Choice> {
    for _ in 0..REFITS_MAX {
        if set.len() < 2 {
            break;
        }
        let before: Vec<usize> = set.iter().map(|choice| choice.slice).collect();
        let mut at = 0;
        while at < set.len() {
            let mut ledger = fresh.clone();
            for (other, choice) in set.iter().enumerate() {
                if other != at {
                    ledger.explain(choice.slice, catalogue, evidence);
                }
            }
            match ledger.best(1, catalogue, settings).pop() {
                Some(better) => {
                    set[at] = better;
                    at += 1;
                }
                None => {
                    set.remove(at);
                }
            }
        }
        if before.iter().eq(set.iter().map(|choice| &choice.slice)) {
            break;
        }
    }
    set.sort_by(|a, b| b.score_nats.total_cmp(&a.score_nats).then(a.slice.cmp(&b.slice)));
    set
}
