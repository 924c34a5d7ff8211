//! The engine as the operator of a simulated network: it gets the same inputs that live feeds would give it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use analyst::Incident;
use engine::{Config, Effect, Engine, Input, Routed, journal};
use payments::{Attempt, Timestamp};
use pilot::{Command, Considered, Decision, Intervention, Modes, Target};
use routing::{Arm, Context, Gateway, Policy};
use sim::{Answer, Ask, Operator, RetryRule, Stage};

/// How long after an outcome its feedback comes, and how long a tick waits for what is late.
const BEHIND_MS: i64 = 3_000 + 5_000;

/// The engine, what the data plane obeys, and what was said.
pub struct Piloted {
    /// The engine.
    pub engine: Engine,
    policy: Policy,
    routed: Vec<Routed>,
    /// Every incident's last state, by id.
    pub incidents: BTreeMap<String, Incident>,
    /// Every decision said.
    pub decisions: Vec<Decision>,
    /// Every intervention's last state, by id.
    pub interventions: BTreeMap<String, Intervention>,
    /// The cycle log.
    pub cycles: Vec<(Timestamp, String)>,
    since: Timestamp,
    journal: Option<BufWriter<File>>,
    step: u64,
    fault: Option<io::Error>,
    /// Everything said since it was last taken, where somebody takes it.
    news: Option<Vec<Effect>>,
}

/// Attempts handed over at once while learning.
const BATCH: usize = 4_096;

/// An engine that has seen a stage's quiet history, and whose pilot acts from here on.
pub fn learnt(stage: &Stage, seed: u64) -> Engine {
    let mut engine = taught(stage, watching(seed));
    take_over(&mut engine, stage.from);
    engine
}

/// The engine, once it has seen a stage's quiet history.
pub fn taught(stage: &Stage, mut engine: Engine) -> Engine {
    let mut attempts = stage.world.attempts(stage.learn_from, stage.from).map(|s| s.attempt);
    loop {
        let batch: Vec<_> = attempts.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return engine;
        }
        engine.handle(&Input::Attempts(batch));
    }
}

/// An engine that learns from traffic which nobody turns: its pilot only advises, or it would learn that its fixes fail.
pub fn watching(seed: u64) -> Engine {
    let mut config = Config { seed, ..Config::default() };
    config.pilot.modes = Modes::ADVISE;
    Engine::new(config)
}

/// From here on the pilot acts.
pub fn take_over(engine: &mut Engine, at: Timestamp) {
    let command = Box::new(Command::SetModes(Modes::default()));
    engine.handle(&Input::Command { at, command });
}

/// Capacities that hold throughout: a company knows these of its gateways.
pub fn gateways(stage: &Stage) -> Vec<Gateway> {
    let throughout =
        |capacity: &&sim::Capacity| capacity.from <= stage.from && capacity.until >= stage.to;
    let known = stage.setup.capacities.iter().filter(throughout);
    known
        .map(|capacity| Gateway {
            name: capacity.gateway.clone(),
            capacity_per_s: Some(capacity.per_s),
            ..Gateway::default()
        })
        .collect()
}

impl Piloted {
    /// A learnt engine from an instant on.
    pub fn new(engine: Engine, since: Timestamp) -> Self {
        Self {
            policy: engine.policy(),
            engine,
            routed: Vec::new(),
            incidents: BTreeMap::new(),
            decisions: Vec::new(),
            interventions: BTreeMap::new(),
            cycles: Vec::new(),
            since,
            journal: None,
            step: 0,
            fault: None,
            news: None,
        }
    }

    /// Writes down from now on what the engine is told.
    pub fn record(&mut self, journal: BufWriter<File>) {
        self.journal = Some(journal);
    }

    /// Ends the journal; says if it could not be written.
    pub fn finish(&mut self) -> io::Result<()> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        self.journal.take().map_or(Ok(()), |mut journal| journal.flush())
    }

    /// The engine's answer, and the step written down where that was asked for.
    fn tell(&mut self, input: Input) -> Vec<Effect> {
        let Some(journal) = &mut self.journal else { return self.engine.handle(&input) };
        let (entry, effects) = journal::record(&mut self.engine, self.step, input);
        self.step += 1;
        let written = serde_json::to_writer(&mut *journal, &entry)
            .map_err(io::Error::from)
            .and_then(|()| journal.write_all(b"\n"));
        if let Err(fault) = written {
            self.fault.get_or_insert(fault);
        }
        effects
    }

    /// Keeps everything that is said from now on, and gives what has been kept.
    pub fn take_news(&mut self) -> Vec<Effect> {
        self.news.replace(Vec::new()).unwrap_or_default()
    }

    /// A person's word.
    pub fn command(&mut self, at: Timestamp, command: Command) {
        self.handle(Input::Command { at, command: Box::new(command) });
    }

    fn handle(&mut self, input: Input) {
        for effect in self.tell(input) {
            if let Some(news) = &mut self.news {
                news.push(effect.clone());
            }
            match effect {
                Effect::Incident(incident) if incident.started_at >= self.since => {
                    self.incidents.insert(incident.id.clone(), *incident);
                }
                Effect::Decision(decision) => self.decisions.push(*decision),
                Effect::Intervention(intervention) => {
                    self.interventions.insert(intervention.id.clone(), *intervention);
                }
                Effect::Cycle { at, text, .. } => self.cycles.push((at, text)),
                _ => {}
            }
        }
        // What was learnt makes another policy without an allocation's being told.
        if self.engine.policy_version() != self.policy.terms().version {
            self.policy = self.engine.policy();
        }
    }
}

impl Piloted {
    /// What happened, a line each.
    pub fn log(&self, stage: &Stage) -> Vec<String> {
        let s = |at: Timestamp| (at.as_millis() - stage.from.as_millis()) / 1_000;
        let mut lines: Vec<(i64, String)> = Vec::new();
        for incident in self.incidents.values() {
            let end =
                incident.resolved_at.map_or_else(|| "open".into(), |at| format!("{} s", s(at)));
            lines.push((
                s(incident.detected_at),
                format!(
                    "{} {} {} {:.2}, until {end}",
                    incident.id, incident.slice, incident.cause, incident.confidence
                ),
            ));
        }
        for decision in &self.decisions {
            let held: Vec<String> = decision
                .held
                .iter()
                .map(|held| format!("{:?}: {}", held.guardrail, held.detail))
                .collect();
            lines.push((
                s(decision.at),
                format!(
                    "{} {} {:.0} % of {} conf {:.2}{}{}{}",
                    decision.incident_id,
                    decision.action,
                    decision.share * 100.0,
                    decision.slice,
                    decision.confidence,
                    if decision.needs_approval { ", waits" } else { "" },
                    if held.is_empty() {
                        String::new()
                    } else {
                        format!(", held {}", held.join("; "))
                    },
                    if decision.reason.is_empty() {
                        String::new()
                    } else {
                        format!(" - {}", decision.reason)
                    } + &weighed(&decision.considered),
                ),
            ));
        }
        for intervention in self.interventions.values() {
            if let Some(at) = intervention.ended_at {
                lines.push((
                    s(at),
                    format!(
                        "{} {:?}: {}",
                        intervention.id, intervention.state, intervention.reason
                    ),
                ));
            }
        }
        lines.sort();
        lines.into_iter().map(|(at, line)| format!("{at:>6} s  {line}")).collect()
    }
}

/// What a decision's id says of its part in an intervention: the witness reads it again.
pub fn part_of(decision_id: &str) -> Option<(&str, Arm)> {
    let (_, part) = decision_id.split_once('~')?;
    let (intervention, arm) = part.split_once('~')?;
    Some((intervention, if arm == "t" { Arm::Treatment } else { Arm::Control }))
}

impl Operator for Piloted {
    fn route(&mut self, ask: &Ask<'_>) -> Answer {
        let context = Context {
            attempt_number: ask.attempt_number,
            values: ask.values,
            amount: Some(ask.amount),
            candidates: ask.candidates,
            ..Context::at(ask.at, ask.payment_id)
        };
        let Ok(choice) = self.policy.choose(&context) else { return Answer::default() };
        let gateway = ask.candidates.iter().position(|name| *name == choice.gateway);
        let mut answer = Answer {
            gateway: gateway.unwrap_or(0),
            propensity: Some(choice.propensity),
            retry: choice.retry.map(|retry| RetryRule {
                attempts_max: retry.attempts_max,
                delay_s_min: retry.delay_s_min,
            }),
            decision_id: None,
        };
        if let Some(part) = choice.assignment {
            let arm = if part.arm == Arm::Treatment { "t" } else { "c" };
            let id = self.policy.decision_id(&context);
            let decision_id = format!("{id}~{}~{arm}", part.intervention_id);
            self.routed.push(Routed {
                decision_id: decision_id.clone(),
                attempt_number: ask.attempt_number,
                at: ask.at,
                intervention_id: part.intervention_id,
                arm: part.arm,
            });
            answer.decision_id = Some(decision_id);
        }
        answer
    }

    fn observe(&mut self, attempts: &mut Vec<Attempt>, until: Timestamp) {
        if !self.routed.is_empty() {
            let routed = std::mem::take(&mut self.routed);
            self.handle(Input::Routed(routed));
        }
        let attempts = std::mem::take(attempts);
        if !attempts.is_empty() {
            self.handle(Input::Attempts(attempts));
        }
        self.handle(Input::Advance(until.plus_millis(-BEHIND_MS)));
    }
}

/// ` [moving {gateway: payu} weighed: stripe 0.98, adyen 0.41]`; nothing where nothing was.
fn weighed(plans: &[Considered]) -> String {
    let Some(first) = plans.first() else { return String::new() };
    let said: Vec<String> =
        plans.iter().map(|plan| format!("{} {:.2}", names(&plan.to), plan.confidence)).collect();
    format!(" [moving {} weighed: {}]", first.slice, said.join(", "))
}

/// `stripe + adyen`.
pub fn names(to: &[Target]) -> String {
    let names: Vec<&str> = to.iter().map(|target| target.gateway.as_str()).collect();
    names.join(" + ")
}
