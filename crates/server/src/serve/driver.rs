//! The engine's thread: one step after another, and questions in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use engine::{Input, snapshot};
use tokio::sync::{mpsc, oneshot};

use super::clock::wall;
use super::core::{Applied, Core, json};
use super::in_force::InForce;
use crate::telemetry::TARGET;

/// Steps that may wait for the engine; the writer waits then, and so do those who write.
const WAITING_MAX: usize = 64;

/// What the engine's thread is told.
pub enum Order {
    /// Take this step.
    Step(i64, Box<Input>),
    /// Say where you stand.
    Snapshot,
    /// A question; it reads.
    Ask(Box<dyn FnOnce(&Core) + Send>),
    /// The kill switch was engaged or cleared by its latch: publish the policy again.
    Publish,
}

/// What it answers, in the order of steps.
pub enum Answer {
    /// A step was taken.
    Applied(Box<Applied>),
    /// Where it stands.
    Snapshot(store::Snapshot),
}

/// The way to the engine.
#[derive(Clone)]
pub struct Engine {
    orders: mpsc::Sender<Order>,
}

/// What the data plane reads, and the latch above it.
pub struct Plane {
    /// The policy in force, and the one on trial.
    pub policy: ArcSwap<InForce>,
    /// Engaged: no overlay, no exploration, whatever the engine thinks.
    pub latch: AtomicBool,
    /// The newest roll-out that a person took back: its candidate is obeyed no more, whatever the engine thinks.
    pub withdrawn: AtomicU64,
}

impl Engine {
    /// Hands over an order; false if the engine is gone.
    pub async fn tell(&self, order: Order) -> bool {
        self.orders.send(order).await.is_ok()
    }

    /// Asks; none if the engine is gone.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Core) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let question = Box::new(move |core: &Core| drop(reply.send(question(core))));
        self.orders.send(Order::Ask(question)).await.ok()?;
        answer.await.ok()
    }
}

/// Starts the thread.
pub fn start(
    core: Core,
    plane: Arc<Plane>,
    answers: mpsc::UnboundedSender<Answer>,
) -> std::io::Result<(Engine, JoinHandle<()>)> {
    let (orders, inbox) = mpsc::channel(WAITING_MAX);
    let thread = std::thread::Builder::new()
        .name("engine".into())
        .spawn(move || run(core, &plane, inbox, &answers))?;
    Ok((Engine { orders }, thread))
}

fn run(
    mut core: Core,
    plane: &Plane,
    mut inbox: mpsc::Receiver<Order>,
    answers: &mpsc::UnboundedSender<Answer>,
) {
    while let Some(order) = inbox.blocking_recv() {
        let answer = match order {
            Order::Step(step, input) => {
                let span = tracing::debug_span!(target: TARGET, "step", step);
                let applied = span.in_scope(|| core.apply(step, &input));
                if applied.is_other_policy {
                    publish(&core, plane);
                }
                Answer::Applied(Box::new(applied))
            }
            Order::Snapshot => match snapshot::save(&core.engine) {
                Ok(body) => Answer::Snapshot(store::Snapshot {
                    step: core.step,
                    at: wall(),
                    body,
                    beside: json(&core.beside),
                }),
                Err(error) => {
                    tracing::error!(%error, "the engine's state can't be saved");
                    continue;
                }
            },
            Order::Ask(question) => {
                question(&core);
                continue;
            }
            Order::Publish => {
                publish(&core, plane);
                continue;
            }
        };
        if answers.send(answer).is_err() {
            return;
        }
    }
}

fn publish(core: &Core, plane: &Plane) {
    let killed = plane.latch.load(Ordering::Acquire);
    let mut in_force = core.beside.in_force(&core.engine, killed);
    let withdrawn = plane.withdrawn.load(Ordering::Acquire);
    in_force.trial = in_force.trial.filter(|(trial, _)| trial.rollout > withdrawn);
    plane.policy.store(Arc::new(in_force));
}
