//! Writing a scenario: its canonical text, every default said.

use std::fmt::{self, Display, Formatter};

use super::events::BLAMES;
use super::words::time_text;
use super::{Event, Expect, Loss, Place, Room, Scenario, What};
use crate::failure::FailureKind;
use crate::incident::{Pairs, Shape};

pub(super) fn ground(scenario: &Scenario) -> String {
    let world = scenario.world;
    format!(
        "world: {}/s, merchants {}, retries {} %, season {}\nlearn: {}\nstart: {:02}:{:02}\n",
        world.attempts_per_s,
        world.merchants,
        world.retries_percent,
        if world.season { "on" } else { "off" },
        time_text(scenario.learn_ms),
        scenario.start_min / 60,
        scenario.start_min % 60,
    )
}

impl Display for Scenario {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "scenario: {}", self.name)?;
        for line in &self.about {
            writeln!(f, "about: {line}")?;
        }
        f.write_str(&self.ground())?;
        writeln!(f, "run: {}", time_text(self.run_ms))?;
        writeln!(f, "feedback: {}", time_text(self.feedback_ms))?;
        for (gateway, room) in &self.capacities {
            writeln!(f, "capacity: {gateway} {room}")?;
        }
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        for expect in &self.expect {
            match expect {
                Expect::Decoy(_) => writeln!(f, "expect: decoy")?,
                Expect::Cause(_, cause, None) => writeln!(f, "expect: {cause}")?,
                Expect::Cause(_, cause, Some(slice)) => {
                    writeln!(f, "expect: {cause} at {}", slice_text(slice))?;
                }
            }
        }
        Ok(())
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        write!(f, "at {} for {}: ", time_text(self.at_ms), time_text(self.for_ms))?;
        match self.what {
            What::Outage(loss, blame) => {
                write!(f, "outage on {place} {loss} blame {}", blame_text(blame))?;
            }
            What::Latency(factor) => write!(f, "latency on {place} x{factor}")?,
            What::Codes(from, to) => {
                write!(f, "codes on {place} from {} to {}", blame_text(from), blame_text(to))?;
            }
            What::Volume(factor) => write!(f, "volume on {place} x{factor}")?,
            What::MixShift(percent) => write!(f, "mix shift of {percent} % to {place}")?,
            What::CardTesting(factor) => write!(f, "card testing on {place} x{factor}")?,
            What::RetryStorm(copies) => write!(f, "retry storm on {place} of {copies} copies")?,
            What::Capacity(room) => {
                let gateway = match place {
                    Place::Slice(slice) => slice.get("gateway").map_or("", String::as_str),
                    Place::Sized(..) => "",
                };
                write!(f, "capacity of {gateway} falls to {room}")?;
            }
            What::Misrouting(percent, loss) => {
                write!(f, "misrouting of {percent} % to {place} {loss}")?;
            }
        }
        match self.shape {
            Shape::Step => Ok(()),
            Shape::Ramp { over_ms } => write!(f, " growing over {}", time_text(over_ms)),
            Shape::Flapping { on_ms, off_ms } => {
                write!(f, " flapping {} on {} off", time_text(on_ms), time_text(off_ms))
            }
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slice(slice) => f.write_str(&slice_text(slice)),
            Self::Sized(dimensions, per_s) => {
                write!(f, "a {} slice of about {per_s}/s", dimensions.join(" x "))
            }
        }
    }
}

impl Display for Room {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerS(per_s) => write!(f, "{per_s}/s"),
            Self::Times(factor) => write!(f, "x{factor}"),
        }
    }
}

impl Display for Loss {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Points(points) => write!(f, "lose {points} points"),
            Self::Severity(severity) => write!(f, "severity {severity}"),
        }
    }
}

fn slice_text(slice: &Pairs) -> String {
    if slice.is_empty() {
        return "all traffic".into();
    }
    slice.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn blame_text(kind: FailureKind) -> &'static str {
    BLAMES.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| name)
}
