//! A stage for stories: a pilot, a clock, and one slice whose payments fare as told.

#![allow(dead_code, reason = "each test uses its part")]

use payments::Timestamp;
use pilot::{
    Act, Command, Decision, Intervention, Mode, Network, Pilot, Refusal, Settings, Situation,
};
use routing::Arm;
use stats::stream::Stream;

use crate::world::{Scenario, T0_MS, network, situation};

/// A pilot, a clock and a slice whose payments fare as told.
pub struct Stage {
    pub pilot: Pilot,
    pub now: Timestamp,
    pub network: Network,
    pub shown: Vec<Situation>,
    pub stream: Stream,
    /// Success rates of treated and untreated first attempts; `None`: outcomes never come.
    pub rates: Option<(f64, f64)>,
    /// Above this share outcomes never come either.
    pub blind_above: f64,
    pub acts: Vec<Act>,
}

pub fn struck() -> Situation {
    situation(&Scenario::outage(20.0, 0.47), (120.0, 50.0), 60)
}

impl Stage {
    pub fn new(settings: Settings) -> Self {
        let now = Timestamp::from_millis(T0_MS + 60_000);
        Self {
            pilot: Pilot::new(settings),
            now,
            network: network(now),
            shown: vec![struck()],
            stream: Stream::named(1, "stories"),
            rates: Some((0.88, 0.41)),
            blind_above: 1.0,
            acts: Vec::new(),
        }
    }

    pub fn with_mode(mode: Mode) -> Self {
        let mut settings = Settings::default();
        settings.modes.reroute = mode;
        Self::new(settings)
    }

    pub fn tick(&mut self, seconds: i64) -> &mut Self {
        for _ in 0..seconds {
            self.now = self.now.plus_millis(1_000);
            self.network.last_attempt_at = Some(self.now);
            self.acts.extend(self.pilot.cycle(self.now, &self.shown, &self.network));
            for overlay in self.pilot.allocation().overlays.clone() {
                for _ in 0..20 {
                    let is_treated = self.stream.bernoulli(overlay.share);
                    let arm = if is_treated { Arm::Treatment } else { Arm::Control };
                    self.pilot.decided(&overlay.intervention_id, arm, self.now);
                    if let Some((treated, untreated)) = self.rates
                        && overlay.share <= self.blind_above
                    {
                        let approved =
                            self.stream.bernoulli(if is_treated { treated } else { untreated });
                        self.pilot.outcome(&overlay.intervention_id, arm, self.now, approved);
                    }
                }
            }
        }
        self
    }

    pub fn until(&mut self, seconds: i64, done: impl Fn(&Pilot) -> bool) -> i64 {
        for second in 0..seconds {
            if done(&self.pilot) {
                return second;
            }
            self.tick(1);
        }
        panic!("not within {seconds} s: {:#?}", self.pilot.interventions());
    }

    pub fn command(&mut self, command: Command) -> Result<(), Refusal> {
        self.acts.extend(self.pilot.command(&command, self.now)?);
        Ok(())
    }

    pub fn first(&self) -> Intervention {
        self.pilot.interventions().pop().expect("there is an intervention")
    }

    pub fn last(&self) -> Intervention {
        self.pilot.interventions().remove(0)
    }

    pub fn pages(&self) -> Vec<String> {
        let page = |act: &Act| match act {
            Act::Page(page) => Some(page.why.clone()),
            _ => None,
        };
        self.acts.iter().filter_map(page).collect()
    }

    pub fn decisions(&self) -> Vec<Decision> {
        let decision = |act: &Act| match act {
            Act::Decision(decision) => Some((**decision).clone()),
            _ => None,
        };
        self.acts.iter().filter_map(decision).collect()
    }

    pub fn share(&self) -> f64 {
        self.pilot.allocation().overlays.first().map_or(0.0, |overlay| overlay.share)
    }
}

pub fn at_full(pilot: &Pilot) -> bool {
    pilot.allocation().overlays.first().is_some_and(|overlay| overlay.share > 0.9)
}

pub fn approve(itv: &Intervention) -> Command {
    Command::Approve {
        intervention_id: itv.id.clone(),
        plan_hash: itv.plan_hash.clone(),
        by: "ana".into(),
    }
}
