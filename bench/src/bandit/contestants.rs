//! Who is compared, each with the eight settings that it may be tuned over, and the one that was best on the tuning seeds.
//!
//! `bench bandit-tune` prints them all again: one setting each for all simulators, by the mean regret over seeds that the comparison never sees.
//! Whoever has fewer settings has them because its method leaves nothing else open.

use routing::{Exploration, LearnerSettings};

use super::ours::Ours;
use super::play::{Bandit, Score, play, score};
use super::rivals::{
    Apart, CountWindow, DecisionTree, DiscountedTs, DiscountedUcb, EpsilonGreedy, Linear, Optimism,
    best_single,
};
use super::vw;
use super::world::World;

/// A policy with its setting.
#[derive(Clone, Debug)]
pub enum Policy {
    /// Boldness, and the share of weights dealt out anew.
    Ours(f64, f64),
    DiscountedTs(f64, Apart),
    DiscountedUcb(f64, f64, Apart),
    EpsilonGreedy(f64, Apart),
    CountWindow(Apart),
    LinUcb(f64, f64),
    LinTs(f64, f64),
    /// Share explored, and minutes of history.
    DecisionTree(f64, f64),
    Vw(String),
    BestSingle,
}

/// Who is compared.
pub struct Contestant {
    pub name: &'static str,
    pub settings: Vec<Policy>,
    /// Which of them is used.
    pub best: usize,
}

const APART: [Apart; 2] = [Apart::Nothing, Apart::First];

fn pairs<A: Copy, B: Copy>(a: &[A], b: &[B], make: impl Fn(A, B) -> Policy) -> Vec<Policy> {
    a.iter().flat_map(|a| b.iter().map(|b| make(*a, *b)).collect::<Vec<_>>()).collect()
}

fn vw(explore: &str, scales: &[&str]) -> Vec<Policy> {
    let learning = ["", "--power_t 0 -l 0.1"];
    let arguments = |scale: &&str| {
        let scale = (*scale).to_owned();
        learning.map(|learning| {
            let bounds = "--cb_min_cost -1 --cb_max_cost 0";
            let bounds = if explore == "--regcb" { bounds } else { "" };
            Policy::Vw(format!("--cb_explore_adf -q CA {explore} {scale} {learning} {bounds}"))
        })
    };
    scales.iter().flat_map(arguments).collect()
}

/// All of them, the product first.
pub fn all() -> Vec<Contestant> {
    let contestant = |name, best, settings| Contestant { name, settings, best };
    vec![
        contestant("pointsman", 0, pairs(&[0.4, 0.2, 0.3, 0.6], &[0.02, 0.005], Policy::Ours)),
        contestant(
            "discounted TS",
            7,
            pairs(&[5.0, 20.0, 60.0, 240.0], &APART, Policy::DiscountedTs),
        ),
        contestant("discounted UCB", 7, {
            let mut all = pairs(&[10.0, 60.0], &APART, |h, a| Policy::DiscountedUcb(h, 0.02, a));
            all.extend(pairs(&[10.0, 60.0], &APART, |h, a| Policy::DiscountedUcb(h, 0.1, a)));
            all
        }),
        contestant(
            "epsilon-greedy 60 s",
            1,
            pairs(&[0.02, 0.05, 0.1, 0.2], &APART, Policy::EpsilonGreedy),
        ),
        contestant(
            "count window 125",
            1,
            [Apart::Nothing, Apart::First, Apart::All].map(Policy::CountWindow).into(),
        ),
        contestant("LinUCB", 6, pairs(&[0.1, 0.3, 0.6, 1.0], &[1.0, 0.998], Policy::LinUcb)),
        contestant("LinTS", 2, pairs(&[0.1, 0.3, 0.6, 1.0], &[1.0, 0.998], Policy::LinTs)),
        contestant(
            "decision tree",
            6,
            pairs(&[0.02, 0.05], &[30.0, 120.0, 480.0, 1_440.0], Policy::DecisionTree),
        ),
        contestant(
            "VW SquareCB",
            2,
            vw(
                "--squarecb",
                &["--gamma_scale 10", "--gamma_scale 30", "--gamma_scale 100", "--gamma_scale 300"],
            ),
        ),
        contestant(
            "VW RegCB",
            2,
            vw(
                "--regcb",
                &[
                    "--mellowness 0.1",
                    "--mellowness 0.01",
                    "--mellowness 0.001",
                    "--mellowness 0.0001",
                ],
            ),
        ),
        contestant("VW bag", 7, vw("--bag", &["3", "5", "10", "5 --epsilon 0.02"])),
        contestant("best single", 0, vec![Policy::BestSingle]),
    ]
}

impl Policy {
    /// How it does in a world.
    pub fn score(&self, world: &World, seed: u64) -> anyhow::Result<Score> {
        let mut bandit: Box<dyn Bandit> = match self {
            Self::Ours(boldness, dealt) => {
                let settings = LearnerSettings { dealt: *dealt, ..LearnerSettings::default() };
                let exploration = Exploration { boldness: *boldness, ..Exploration::default() };
                Box::new(Ours::new(world, seed, settings, exploration))
            }
            Self::DiscountedTs(minutes, apart) => {
                Box::new(DiscountedTs::new(seed, *minutes, *apart))
            }
            Self::DiscountedUcb(minutes, width, apart) => {
                Box::new(DiscountedUcb::new(*minutes, *width, *apart))
            }
            Self::EpsilonGreedy(epsilon, apart) => {
                Box::new(EpsilonGreedy::new(seed, *epsilon, *apart))
            }
            Self::CountWindow(apart) => Box::new(CountWindow::new(seed, *apart)),
            Self::LinUcb(width, kept) => {
                Box::new(Linear::new(world, seed, Optimism::Bound(*width), *kept))
            }
            Self::LinTs(width, kept) => {
                Box::new(Linear::new(world, seed, Optimism::Drawn(*width), *kept))
            }
            Self::DecisionTree(explored, minutes) => {
                Box::new(DecisionTree::new(seed, *explored, *minutes))
            }
            Self::Vw(arguments) => return Ok(score(world, &vw::play(arguments, world)?)),
            Self::BestSingle => return Ok(score(world, &best_single(world))),
        };
        Ok(play(world, bandit.as_mut()))
    }
}
