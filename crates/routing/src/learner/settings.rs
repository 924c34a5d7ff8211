//! What a learner is told once.

use serde::{Deserialize, Serialize};

use super::effects::MEMORIES;
use crate::bands::{AMOUNT, HOUR};
use crate::table::DIMENSIONS_MAX;

/// Dimensions whose values make a cell, as far as they are told apart.
const CELL: [&str; 3] = ["method", "network", "issuer"];

/// What a memory supposes of what passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Standard deviation of a gateway's effect, in log odds.
    pub deviation: f64,
    /// Half of it is gone after this time.
    pub half_life_ms: i64,
}

/// Standard deviations of lasting effects, in log odds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lasting {
    /// Of a gateway against all.
    pub gateway: f64,
    /// Of a gateway at one value.
    pub value: f64,
    /// Of a gateway in one cell.
    pub cell: f64,
    /// Half of an effect is gone after this time.
    pub half_life_ms: i64,
}

impl Default for Lasting {
    fn default() -> Self {
        Self { gateway: 0.5, value: 0.25, cell: 0.2, half_life_ms: 2 * 86_400_000 }
    }
}

/// What a learner is told once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnerSettings {
    /// Dimensions that effects are told apart by, [`crate::AMOUNT`] and [`crate::HOUR`] among them. The gateway isn't one.
    pub dimensions: Vec<String>,
    /// The values of the first so many make a cell.
    pub in_cell: usize,
    /// What is supposed of what passes.
    pub memories: [Memory; MEMORIES],
    /// What is supposed of what lasts.
    pub lasting: Lasting,
    /// Share of a gateway's passing deviation that passes at each value.
    pub passing_at_values: f64,
    /// Share of a gateway's weights that is dealt out anew with each attempt.
    pub dealt: f64,
    /// How soon a gateway that led is thought to be back, as a share of the pace at which things pass there.
    pub returns: f64,
    /// Values kept per dimension.
    pub values_max: usize,
    /// Cells kept.
    pub cells_max: usize,
}

impl Default for LearnerSettings {
    fn default() -> Self {
        let memory = |deviation, minutes: i64| Memory { deviation, half_life_ms: minutes * 60_000 };
        Self {
            dimensions: CELL.into_iter().chain([AMOUNT, HOUR]).map(Into::into).collect(),
            in_cell: CELL.len(),
            memories: [memory(0.1, 60), memory(0.4, 30), memory(0.8, 8), memory(1.5, 30)],
            lasting: Lasting::default(),
            passing_at_values: 0.4,
            dealt: 0.02,
            returns: 0.25,
            values_max: 1_000,
            cells_max: 5_000,
        }
    }
}

impl LearnerSettings {
    /// The defaults where payments have these dimensions: those that make cells first, then the amount and the hour, then the others as far as there is room.
    pub fn of<'a>(dimensions: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let has = |name: &&str| dimensions.clone().into_iter().any(|own| own == *name);
        let cell: Vec<&str> = CELL.into_iter().filter(has).collect();
        let others =
            dimensions.clone().into_iter().filter(|own| *own != "gateway" && !CELL.contains(own));
        let all = cell.iter().copied().chain([AMOUNT, HOUR]).chain(others);
        Self {
            dimensions: all.take(DIMENSIONS_MAX).map(Into::into).collect(),
            in_cell: cell.len(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_first_and_what_is_beyond_the_room_is_left_out() {
        let of = |dimensions: &[&str]| {
            let settings = LearnerSettings::of(dimensions.iter().copied());
            format!("{} {}", settings.in_cell, settings.dimensions.join(" "))
        };
        assert_eq!(
            of(&["gateway", "issuer", "country", "method"]),
            "2 method issuer @amount @hour country"
        );
        assert_eq!(of(&[]), "0 @amount @hour");
        let many = of(&["a", "b", "c", "method", "network", "issuer", "d"]);
        assert_eq!(many, "3 method network issuer @amount @hour a b c");
    }
}
