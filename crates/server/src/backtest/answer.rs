//! The operator's answer to each incident of a file, and what it comes to.

use std::collections::BTreeMap;
use std::io;

use analyst::Incident;
use payments::{Money, Timestamp};
use pilot::{Decision, Limits};

use super::operator::{Move, Words};
use super::passed::passed;
use super::saved::{Effect, Saved, SavedMoney, effect, lost_after, saved};
use crate::read::Loaded;

/// What would have been done about an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What it would have done, or its last word where it would have moved nothing.
    pub decision: Decision,
    /// When it would have acted, or where it wouldn't have, when it first said so.
    pub at: Timestamp,
    /// What would have been moved, in order of time, and what that would have done.
    pub moves: Vec<(Move, Effect)>,
    /// Payments lost after that.
    pub lost_after: f64,
    /// What would have been saved.
    pub saved: Saved,
}

impl Answer {
    /// Payments sent elsewhere.
    pub fn moved(&self) -> f64 {
        self.moves.iter().map(|(_, effect)| effect.moved).sum()
    }

    /// Whether a person would have had to agree first.
    pub fn needs_approval(&self) -> bool {
        self.moves.iter().any(|(it, _)| it.needs_approval())
    }
}

/// Answers by incident id.
pub type Answers = BTreeMap<String, Answer>;

/// Works out the answers; walks over the file if payments would have been moved.
pub fn answers(
    file: &mut Loaded,
    incidents: &[Incident],
    words: &Words,
    limits: &Limits,
    end: Timestamp,
) -> io::Result<Answers> {
    let moves: Vec<Vec<Move>> = incidents.iter().map(|i| words.moves(i, end)).collect();
    let all: Vec<&Move> = moves.iter().flatten().collect();
    let mut passed = passed(file, &all)?.into_iter();
    let mut answers = Answers::new();
    for (incident, moves) in incidents.iter().zip(&moves) {
        let moves: Vec<(Move, Effect)> = moves
            .iter()
            .zip(passed.by_ref())
            .map(|(it, passed)| (it.clone(), effect(it, &passed, file.tick_ms, limits)))
            .collect();
        let (Some(decision), Some(first_at)) =
            (words.answer(&incident.id), words.first_at(&incident.id))
        else {
            continue;
        };
        let at = moves.first().map_or(first_at, |(it, _)| it.from);
        let lost_after = lost_after(incident, at);
        let effects: Vec<Effect> = moves.iter().map(|(_, effect)| *effect).collect();
        let saved = saved(incident, &effects, lost_after);
        let decision = decision.clone();
        answers.insert(incident.id.clone(), Answer { decision, at, moves, lost_after, saved });
    }
    Ok(answers)
}

/// All of it together: incidents are taken as independent, so their intervals add up by squares.
pub fn total(answers: &Answers) -> Saved {
    let mut total = Saved::default();
    let mut sides = (0.0_f64, 0.0_f64);
    let mut money: BTreeMap<&str, (Money, f64, f64)> = BTreeMap::new();
    for Answer { saved, .. } in answers.values() {
        total.payments += saved.payments;
        sides.0 = sides.0.hypot(saved.payments - saved.interval.0);
        sides.1 = sides.1.hypot(saved.interval.1 - saved.payments);
        for SavedMoney { amount, interval_minor } in &saved.money {
            let none = (Money { minor: 0, ..*amount }, 0.0, 0.0);
            let sum = money.entry(amount.currency.as_str()).or_insert(none);
            sum.0.minor += amount.minor;
            sum.1 = sum.1.hypot((amount.minor - interval_minor.0) as f64);
            sum.2 = sum.2.hypot((interval_minor.1 - amount.minor) as f64);
        }
    }
    total.interval = (total.payments - sides.0, total.payments + sides.1);
    total.money = money
        .into_values()
        .map(|(amount, low, high)| SavedMoney {
            amount,
            interval_minor: (amount.minor - low as i64, amount.minor + high as i64),
        })
        .collect();
    total
}
