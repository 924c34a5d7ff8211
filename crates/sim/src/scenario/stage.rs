//! One performance of a scenario: the world that the seed draws, what happens in it, and the truth about that.

use payments::Timestamp;

use super::words::Problem;
use super::{Event, Expect, Line, Loss, Place, Room, Scenario, What};
use crate::closed::{Capacity, Setup};
use crate::failure::FailureKind;
use crate::incident::{Incident, Kind, Pairs};
use crate::world::World;

/// Wednesday 2026-09-23, 00:00 in the networks' own time.
const MIDNIGHT_MS: i64 = 1_790_121_600_000 - 330 * 60_000;

/// A scenario, ready to be played.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The network with all that happens in it. Before `from` it is quiet, and the same for every scenario of the same ground and seed.
    pub world: World,
    /// For [`crate::play`].
    pub setup: Setup,
    /// Where the quiet history begins; it ends at `from`.
    pub learn_from: Timestamp,
    /// Where the scenario begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// What really happens, in order of the start.
    pub truth: Vec<Culprit>,
    /// No traffic may move.
    pub is_decoy: bool,
}

/// Something that happens, as an operator should see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Culprit {
    /// Where.
    pub slice: Pairs,
    /// Other names for nearly the same attempts.
    pub aliases: Vec<Pairs>,
    /// Why, in the words of the event contract.
    pub cause: &'static str,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Nothing that routing could mend: no traffic may move for it.
    pub is_decoy: bool,
    /// Attempts per second of the slice in its middle, were nothing the matter.
    pub attempts_per_s: f64,
}

impl Scenario {
    /// The network of a seed with the scenario's events.
    ///
    /// Refused is what only the network can refuse: a slice without traffic, more points lost than are approved.
    pub fn stage(&self, seed: u64) -> Result<Stage, Problem> {
        let wrong =
            |line: Line, found: String, allowed: String| Problem { line: line.0, found, allowed };
        let mut world = World::new(self.world.config(), seed)
            .map_err(|e| wrong(Line(0), "a network that can't be".into(), e.to_string()))?;
        let from = Timestamp::from_millis(MIDNIGHT_MS + self.start_min * 60_000);
        let to = from.plus_millis(self.run_ms);
        let mut setup = Setup { feedback_delay_ms: self.feedback_ms, ..Setup::over(from, to) };
        let middle = from.plus_millis(self.run_ms / 2);
        for (gateway, room) in &self.capacities {
            let slice = [("gateway".into(), gateway.clone())].into();
            let per_s = room.per_s(world.slice_per_s(&slice, middle));
            setup.capacities.push(Capacity::of(gateway, per_s));
        }
        let mut truth = Vec::new();
        for event in &self.events {
            let (starts_at, ends_at) = event.times(from);
            let middle = starts_at.plus_millis(event.for_ms / 2);
            let slice = world
                .resolve(&event.place, middle)
                .map_err(|nearest| wrong(event.line, event.place.to_string(), nearest))?;
            let hits = world.hits(&slice);
            let attempts_per_s = world.slice_per_s(&slice, middle);
            let rate = if attempts_per_s > 0.0 { world.expected_rate(&hits, middle) } else { 0.0 };
            match event.kind(rate) {
                Ok(Some(kind)) => {
                    let incident = Incident::on(slice.clone(), starts_at, ends_at, kind);
                    world
                        .add(incident.shaped(event.shape))
                        .map_err(|e| wrong(event.line, event.place.to_string(), e.to_string()))?;
                }
                Ok(None) => {
                    let gateway = slice.get("gateway").cloned().unwrap_or_default();
                    let What::Capacity(room) = event.what else { continue };
                    if attempts_per_s == 0.0 {
                        let allowed = "a gateway that traffic goes to".into();
                        return Err(wrong(event.line, gateway, allowed));
                    }
                    setup.capacities.push(Capacity {
                        gateway,
                        per_s: room.per_s(attempts_per_s),
                        from: starts_at,
                        until: ends_at,
                    });
                }
                Err((found, allowed)) => return Err(wrong(event.line, found, allowed)),
            }
            truth.push(Culprit {
                aliases: world.aliases(&slice),
                slice,
                cause: event.cause(),
                from: starts_at,
                to: ends_at,
                is_decoy: event.is_decoy(),
                attempts_per_s,
            });
        }
        let truth = self.expected(&world, truth, (from, to))?;
        let is_decoy = truth.iter().all(|culprit| culprit.is_decoy);
        let learn_from = from.plus_millis(-self.learn_ms);
        Ok(Stage { world, setup, learn_from, from, to, truth, is_decoy })
    }

    /// Whether no traffic may move, in any network: what [`Stage::is_decoy`] says of the staged one.
    pub fn is_decoy(&self) -> bool {
        match self.expect.first() {
            Some(Expect::Decoy(_)) => true,
            Some(Expect::Cause(..)) => false,
            None => self.events.iter().all(Event::is_decoy),
        }
    }

    /// What the scenario says itself goes before what its events say.
    fn expected(
        &self,
        world: &World,
        mut happened: Vec<Culprit>,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Culprit>, Problem> {
        let mut said = Vec::new();
        for expect in &self.expect {
            let (line, cause, slice) = match expect {
                Expect::Decoy(_) => {
                    happened.iter_mut().for_each(|culprit| culprit.is_decoy = true);
                    break;
                }
                Expect::Cause(line, cause, slice) => (line, *cause, slice),
            };
            let slice = match (slice, happened.first()) {
                (Some(slice), _) => slice.clone(),
                (None, Some(first)) => first.slice.clone(),
                (None, None) => Pairs::new(),
            };
            if world.slice_per_s(&slice, from) == 0.0 {
                let found = Place::Slice(slice).to_string();
                let allowed = "a slice that traffic falls into".into();
                return Err(Problem { line: line.0, found, allowed });
            }
            // Its time is that of what happens there, else of all that happens.
            let own: Vec<&Culprit> = happened.iter().filter(|c| c.slice == slice).collect();
            let timed = if own.is_empty() { happened.iter().collect() } else { own };
            let from = timed.iter().map(|c| c.from).min().unwrap_or(from);
            let to = timed.iter().map(|c| c.to).max().unwrap_or(to);
            let middle = from.plus_millis((to.as_millis() - from.as_millis()) / 2);
            said.push(Culprit {
                attempts_per_s: world.slice_per_s(&slice, middle),
                aliases: world.aliases(&slice),
                slice,
                cause,
                from,
                to,
                is_decoy: false,
            });
        }
        let mut truth = if said.is_empty() { happened } else { said };
        truth.sort_by_key(|culprit| culprit.from);
        Ok(truth)
    }
}

impl Room {
    /// In attempts per second, for a gateway of this ordinary load.
    fn per_s(self, load: f64) -> f64 {
        match self {
            Self::PerS(per_s) => per_s,
            Self::Times(factor) => factor * load,
        }
    }
}

impl Event {
    fn times(&self, from: Timestamp) -> (Timestamp, Timestamp) {
        (from.plus_millis(self.at_ms), from.plus_millis(self.at_ms + self.for_ms))
    }

    /// What happens to a slice that is expected to approve at this rate; none where only the setup changes.
    fn kind(&self, rate: f64) -> Result<Option<Kind>, (String, String)> {
        let severity = |loss: Loss| match loss {
            Loss::Severity(severity) => Ok(severity),
            // Without traffic there is no rate; the empty slice is refused by the world.
            Loss::Points(_) if rate == 0.0 => Ok(0.0),
            Loss::Points(points) if points <= 100.0 * rate => Ok(points / (100.0 * rate)),
            Loss::Points(points) => Err((
                format!("{points} points lost"),
                format!("at most {:.1}, what the slice approves", 100.0 * rate),
            )),
        };
        Ok(Some(match self.what {
            What::Outage(loss, blame) => Kind::Outage { severity: severity(loss)?, blame },
            What::Latency(factor) => Kind::Latency { factor },
            What::Codes(from, to) => Kind::CodesRenamed { from, to },
            What::Volume(factor) => Kind::Volume { factor },
            What::MixShift(percent) => Kind::MixShift { share: percent / 100.0 },
            What::CardTesting(factor) => Kind::CardTesting { factor },
            What::RetryStorm(copies) => Kind::RetryStorm { copies },
            What::Capacity(_) => return Ok(None),
            What::Misrouting(percent, loss) => {
                Kind::Misrouting { share: percent / 100.0, severity: severity(loss)? }
            }
        }))
    }

    fn cause(&self) -> &'static str {
        match self.what {
            What::Outage(_, blame) => blame.cause(),
            What::Latency(_) | What::Capacity(_) => "network_or_system_failure",
            What::CardTesting(_) => "suspected_fraud",
            What::RetryStorm(_) | What::Codes(..) | What::Misrouting(..) => "misconfiguration",
            What::Volume(_) | What::MixShift(_) => "unknown",
        }
    }

    /// Whether nothing is broken that routing could mend.
    fn is_decoy(&self) -> bool {
        matches!(
            self.what,
            What::Codes(..)
                | What::Volume(_)
                | What::MixShift(_)
                | What::CardTesting(_)
                | What::Outage(_, FailureKind::User | FailureKind::Fraud)
        )
    }
}
