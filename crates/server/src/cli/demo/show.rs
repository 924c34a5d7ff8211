//! The simulated day with the operator in its path: learnt from quiet days, then played second by second.

use analyst::{Incident, SliceStats};
use engine::{Effect, Input};
use payments::{Attempt, Timestamp};
use pilot::{Command, Intervention, State};
use sim::{Answer, Ask, Day, Operator, Setup, Truth, play};

use crate::piloted::{Piloted, take_over, watching};

const DAY_MS: i64 = 86_400_000;
/// Attempts handed over at once while learning.
const BATCH: usize = 4_096;
/// The operator hears of an outcome after so long, and waits a little for stragglers: the time its words belong to.
const HEARD_MS: i64 = 8_000;

/// Who watches, and may interfere.
pub trait Viewer {
    /// Called after every simulated second, with what was said in it.
    fn look(&mut self, live: &Live<'_>, news: &[Effect]) -> anyhow::Result<Wish>;
}

/// What happens next.
#[derive(Debug)]
pub enum Wish {
    /// The next second.
    GoOn,
    /// Nothing more.
    Stop,
    /// Something breaks, from now on.
    Break(Box<sim::Incident>),
    /// Whatever is broken is mended.
    Repair,
    /// A word to the pilot.
    Tell(Box<Command>),
}

/// The day as it stands.
pub struct Live<'a> {
    /// Now.
    pub now: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// When it began.
    pub starts_at: Timestamp,
    /// The network's gateways, for who wants to break one.
    pub world: &'a sim::World,
    piloted: &'a Piloted,
}

impl Live<'_> {
    /// The gateways' rolling figures, by name.
    pub fn routes(&self) -> Vec<SliceStats> {
        let mut routes = self.piloted.engine.routes(&["gateway"]);
        routes.sort_by(|a, b| a.slice.get("gateway").cmp(&b.slice.get("gateway")));
        routes
    }

    /// Incidents of the day so far.
    pub fn incidents(&self) -> Vec<Incident> {
        self.piloted.incidents.values().cloned().collect()
    }

    /// Interventions that wait or are in force.
    pub fn interventions(&self) -> Vec<Intervention> {
        let mut all = self.piloted.engine.pilot().interventions();
        all.retain(|one| matches!(one.state, State::Pending | State::Active));
        all
    }

    /// Whether the kill switch is engaged.
    pub fn is_killed(&self) -> bool {
        self.piloted.engine.pilot().killed().is_some()
    }

    /// The time that the pilot has come to.
    pub fn heard_until(&self) -> Timestamp {
        self.now.plus_millis(-HEARD_MS)
    }
}

/// The day, the engine that operates it, and how far both are.
pub struct Show {
    day: Day,
    piloted: Piloted,
    now: Timestamp,
    learn_from: Timestamp,
    raised_while_learning: usize,
    /// Approvals that moving payments has gained, by true chances.
    pub gained: f64,
    /// Payments that were moved.
    pub moved: u64,
}

impl Show {
    /// Stands at the beginning of the quiet days; the day is cut after `hours`.
    pub fn new(seed: u64, learn_days: u32, hours: u32) -> anyhow::Result<Self> {
        let mut day = Day::demo(seed)?;
        day.ends_at = day.starts_at.plus_millis(i64::from(hours) * 3_600_000);
        let learn_from = day.starts_at.plus_millis(-i64::from(learn_days) * DAY_MS);
        let mut engine = watching(seed);
        if learn_days == 0 {
            take_over(&mut engine, day.starts_at);
        }
        let piloted = Piloted::new(engine, day.starts_at);
        Ok(Self {
            piloted,
            now: learn_from,
            learn_from,
            day,
            raised_while_learning: 0,
            gained: 0.0,
            moved: 0,
        })
    }

    /// Learns from the quiet days until `until`; nothing can be moved in them.
    pub fn learn(&mut self, until: Timestamp) {
        let until = until.min(self.day.starts_at);
        let mut batch = Vec::with_capacity(BATCH);
        let engine = &mut self.piloted.engine;
        for sample in self.day.world.attempts(self.now, until) {
            batch.push(sample.attempt);
            if batch.len() == BATCH {
                engine.handle(&Input::Attempts(std::mem::take(&mut batch)));
            }
        }
        engine.handle(&Input::Attempts(batch));
        engine.handle(&Input::Advance(until));
        if until >= self.day.starts_at {
            take_over(engine, until);
        }
        self.now = until;
        self.raised_while_learning = engine.incidents().len();
    }

    /// Plays the day; says whether to its end.
    pub fn run(&mut self, viewer: &mut impl Viewer) -> anyhow::Result<bool> {
        self.piloted.take_news();
        while self.now < self.day.ends_at {
            let setup = Setup::over(self.now, self.day.ends_at);
            let (mut gained, mut moved) = (0.0, 0);
            let mut watched = Watched {
                piloted: &mut self.piloted,
                viewer,
                world: &self.day.world,
                starts_at: self.day.starts_at,
                ends_at: self.day.ends_at,
                now: self.now,
                wish: Ok(Wish::GoOn),
            };
            play(&self.day.world, &setup, &mut watched, &mut |attempted| {
                if attempted.chosen != attempted.natural && !attempted.is_paid {
                    gained += (attempted.p_chosen - attempted.p_natural) * attempted.stays;
                    moved += 1;
                }
            });
            let wish = watched.wish?;
            self.now = watched.now;
            self.gained += gained;
            self.moved += moved;
            match wish {
                Wish::GoOn | Wish::Tell(_) => return Ok(true),
                Wish::Stop => return Ok(false),
                Wish::Break(incident) => drop(self.day.world.add(*incident)?),
                Wish::Repair => self.day.world.repair(self.now),
            }
        }
        Ok(true)
    }

    /// How far it is.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When the quiet days end.
    pub fn starts_at(&self) -> Timestamp {
        self.day.starts_at
    }

    /// Whether the engine is still learning.
    pub fn learning(&self) -> bool {
        self.now < self.day.starts_at
    }

    /// How much of the quiet days is over, 0 to 1.
    pub fn learnt_share(&self) -> f64 {
        let all = self.day.starts_at.millis_since(self.learn_from).max(1);
        (self.now.millis_since(self.learn_from) as f64 / all as f64).min(1.0)
    }

    /// Incidents of the day so far; what was raised while learning is only counted.
    pub fn incidents(&self) -> Vec<Incident> {
        let mut all = self.piloted.engine.incidents();
        all.retain(|i| i.detected_at >= self.day.starts_at);
        all
    }

    /// Interventions that came into force in the day.
    pub fn interventions(&self) -> Vec<&Intervention> {
        let all = self.piloted.interventions.values();
        all.filter(|one| one.started_at.is_some_and(|at| at >= self.day.starts_at)).collect()
    }

    /// Incidents raised on the quiet days.
    pub fn raised_while_learning(&self) -> usize {
        self.raised_while_learning
    }

    /// What really happened in the day, as far as it was played.
    pub fn truth(&self) -> Vec<Truth> {
        self.day.world.truth(self.day.starts_at, self.now.min(self.day.ends_at))
    }
}

/// The engine at work, with somebody looking over its shoulder.
struct Watched<'a, V> {
    piloted: &'a mut Piloted,
    viewer: &'a mut V,
    world: &'a sim::World,
    starts_at: Timestamp,
    ends_at: Timestamp,
    now: Timestamp,
    wish: anyhow::Result<Wish>,
}

impl<V: Viewer> Operator for Watched<'_, V> {
    fn route(&mut self, ask: &Ask<'_>) -> Answer {
        self.piloted.route(ask)
    }

    fn observe(&mut self, attempts: &mut Vec<Attempt>, until: Timestamp) {
        self.piloted.observe(attempts, until);
        self.now = until;
        loop {
            let news = self.piloted.take_news();
            let live = Live {
                now: until,
                ends_at: self.ends_at,
                starts_at: self.starts_at,
                world: self.world,
                piloted: self.piloted,
            };
            let heard = live.heard_until();
            match self.viewer.look(&live, &news) {
                Ok(Wish::Tell(command)) => self.piloted.command(heard, *command),
                wish => {
                    self.wish = wish;
                    return;
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        !matches!(self.wish, Ok(Wish::GoOn))
    }
}
