//! The start: where the engine stood, and what it has been told since.

use std::time::Instant;

use anyhow::{Context, Result};
use engine::{Config, Engine, Input, RolloutOrder, snapshot};
use pilot::Command;
use store::{Progress, Snapshot, Store};

use super::beside::Beside;
use super::clock::Clock;
use super::code;
use super::core::{Applied, Core, json};

/// The configuration that the engine was last told by file.
pub const TOLD: &str = "engine_config";
/// Steps read at once.
const STEPS: u32 = 64;

/// The engine as it was, and what of its answers the store doesn't have.
pub struct Recovered {
    /// The engine.
    pub core: Core,
    /// Answers to steps that were durable, themselves not.
    pub unstored: Vec<Applied>,
    /// How far the store is.
    pub progress: Progress,
    /// The step of the newest snapshot.
    pub saved_step: i64,
    /// What the configuration asks for that the engine doesn't know yet.
    pub wishes: Vec<Input>,
    /// Whether it has become the policy that is rolled out.
    pub adopts: bool,
}

/// Brings the engine back: the newest snapshot that can be read, and the journal from there.
pub async fn recover(store: &dyn Store, config: Config, clock: &Clock) -> Result<Recovered> {
    let since = Instant::now();
    let progress = store.progress().await.context("the store can't be read")?;
    let told = store.fact(TOLD).await.context("the store can't be read")?;
    let snapshots = store.snapshots().await.context("the store can't be read")?;
    let saved_step = snapshots.first().map_or(0, |snapshot| snapshot.step);
    let known: Option<Config> = told.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let mut core = snapshots.iter().find_map(load).unwrap_or_else(|| Core {
        engine: Engine::new(known.clone().unwrap_or_else(|| config.clone())),
        beside: Beside::default(),
        step: 0,
    });
    let from = core.step;
    let mut unstored = Vec::new();
    loop {
        let steps = store.journal(core.step, STEPS).await.context("the journal can't be read")?;
        if steps.is_empty() {
            break;
        }
        for step in steps {
            if step.step != core.step + 1 {
                anyhow::ensure!(
                    core.step == 0,
                    "the journal has no step {}; restore a backup",
                    core.step + 1
                );
                // No snapshot can be read by this program, and the journal doesn't go back to the beginning.
                tracing::warn!(
                    from = step.step,
                    "the engine starts from the journal that is left: its snapshots are of another version; baselines are learnt again"
                );
            }
            let input = code::decode(&step.body).with_context(|| format!("step {}", step.step))?;
            let applied = core.apply(step.step, &input);
            match &step.digest {
                Some(digest) if *digest != applied.digest => tracing::warn!(
                    step = step.step,
                    "replaying gave another answer than was recorded; another version of the engine?"
                ),
                _ => {}
            }
            if step.step > progress.effects {
                unstored.push(applied);
            }
        }
    }
    if let Some(latest) = core.beside.latest {
        clock.see(latest);
    }
    tracing::info!(
        snapshot_step = from,
        replayed = core.step - from,
        ms = since.elapsed().as_millis() as u64,
        "the engine is where it was"
    );
    let adopts = core.engine.adopts(&config.routing);
    let wishes = wishes(known.as_ref(), &config, clock, adopts);
    Ok(Recovered { core, unstored, progress, saved_step, wishes, adopts })
}

fn load(snapshot: &Snapshot) -> Option<Core> {
    let engine = match snapshot::load(&snapshot.body) {
        Ok(engine) => engine,
        Err(error) => {
            tracing::warn!(step = snapshot.step, %error, "a snapshot can't be used");
            return None;
        }
    };
    let beside = serde_json::from_str(&snapshot.beside).ok()?;
    Some(Core { engine, beside, step: snapshot.step })
}

/// What of the configuration changed since the engine was told: what people set at run time stays until the file says otherwise.
pub fn wishes(known: Option<&Config>, config: &Config, clock: &Clock, adopts: bool) -> Vec<Input> {
    let Some(known) = known else { return Vec::new() };
    let at = clock.now();
    let command = |command| Input::Command { at, command: Box::new(command) };
    let mut wishes = Vec::new();
    if known.pilot.modes != config.pilot.modes {
        wishes.push(command(Command::SetModes(config.pilot.modes)));
    }
    if known.pilot.limits != config.pilot.limits {
        wishes.push(command(Command::SetLimits(config.pilot.limits.clone())));
    }
    if known.routing.gateways != config.routing.gateways {
        wishes.push(Input::Gateways(config.routing.gateways.clone()));
    }
    if adopts {
        wishes.push(Input::Rollout { at, order: Box::new(RolloutOrder::Adopt) });
    }
    let is_routing_other = known.routing.learning != config.routing.learning
        || known.routing.exploration != config.routing.exploration;
    if known.analysis != config.analysis
        || known.clock != config.clock
        || known.seed != config.seed
        || known.routing.seed != config.routing.seed
        || is_routing_other && !adopts
        || known.pilot.memory_key != config.pilot.memory_key
    {
        tracing::warn!(
            "analysis.*, alerts.*, clock.*, routing.* and memory.key of a store stay as they were when it was made; \
             what changed there has no effect until a new store is used; another routing earns its way in by `pointsman policy promote`"
        );
    }
    wishes
}

/// What is told from now on, as the fact that the next start compares with.
pub fn fact(known: Option<&str>, config: &Config, adopts: bool) -> String {
    let known: Option<Config> = known.and_then(|text| serde_json::from_str(text).ok());
    let Some(mut told) = known else { return json(config) };
    told.pilot.modes = config.pilot.modes;
    told.pilot.limits = config.pilot.limits.clone();
    told.routing.gateways.clone_from(&config.routing.gateways);
    if adopts {
        told.routing.learning = config.routing.learning;
        told.routing.exploration.clone_from(&config.routing.exploration);
    }
    json(&told)
}
