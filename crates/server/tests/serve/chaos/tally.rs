//! What the rounds came to.

use std::collections::BTreeMap;
use std::time::Duration;

/// Counted over all rounds.
#[derive(Default)]
pub struct Tally {
    /// Attempts that were acknowledged and aren't there.
    pub lost: u64,
    /// Attempts that count twice.
    pub double: u64,
    /// Answers that differ from an uninterrupted run's.
    pub different: Vec<String>,
    /// The longest time until it took attempts again.
    pub back: Duration,
    /// Rounds of each kind.
    pub rounds: BTreeMap<&'static str, u64>,
    /// Writes that power losses took back.
    pub taken_back: u64,
    /// Attempts sent, each at least once.
    pub attempts: u64,
}

/// It has to be back by then.
pub const BACK_MAX: Duration = Duration::from_secs(5);

impl Tally {
    /// A round of this kind; it was back after so long.
    pub fn round(&mut self, kind: &'static str, back: Duration) {
        *self.rounds.entry(kind).or_default() += 1;
        self.back = self.back.max(back);
    }

    /// Whether nothing went wrong.
    pub fn passes(&self) -> bool {
        self.lost == 0 && self.double == 0 && self.different.is_empty() && self.back <= BACK_MAX
    }

    /// For people, and in the last line for programs.
    pub fn say(&self) {
        for (kind, rounds) in &self.rounds {
            println!("{kind}: {rounds}");
        }
        println!("{} attempts; {} unsynced writes taken back", self.attempts, self.taken_back);
        for different in &self.different {
            println!("differs from an uninterrupted run: {different}");
        }
        let figures = serde_json::json!({
            "lost": self.lost,
            "double": self.double,
            "different": self.different.len(),
            "back_s_max": self.back.as_secs_f64(),
            "rounds": self.rounds.values().sum::<u64>(),
        });
        let json = serde_json::json!({"bench": "chaos", "figures": figures, "pass": self.passes()});
        println!("{json}");
    }
}
