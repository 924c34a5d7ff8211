//! Two routing policies beside each other: the one in force, and a candidate that earns its share.
//!
//! The statistics are the pilot's ([`pilot::rollout`]); here is what they are shown and what follows. The data plane says which group a payment fell into,
//! behind its choice ([`Tried`]); outcomes come with attempts; the clock judges. All of it is input, and so in the journal.
//!
//! **What the candidate knows** is what the incumbent knows: one learner, fed by every outcome, read under two sets of rules. A learner of its own would be
//! starved at a share of 1 % and judged for that. It learns as soon as one of the two asks for it.
//!
//! **A lease.** The data plane routes by a candidate for [`LEASE_MS`] after the engine looked last, and then by the incumbent alone: a control plane that is
//! gone watches nothing.

use std::borrow::Cow;

use payments::{Attempt, DeclineClass, Status, Timestamp};
use pilot::rollout::{Group, Plan, Rollout, Seen, Split, Stop, Turn};
use routing::{Gateway, Learning};
use serde::{Deserialize, Serialize};

use crate::Routing;

/// How long a candidate is obeyed without a word from the engine.
pub const LEASE_MS: i64 = 30 * 60_000;
/// A lease is renewed once this much of it has gone.
const RENEWED_AFTER_MS: i64 = LEASE_MS / 3;

/// A person's or the configuration's word about a roll-out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutOrder {
    /// A candidate begins.
    Begin {
        /// What it says. Its seed doesn't count: draws are keyed by the one in force. Without gateways it has those that are configured.
        routing: Box<Routing>,
        /// How it is rolled out.
        plan: Plan,
        /// Who wants it.
        by: String,
    },
    /// The incumbent has everything again, at once.
    RollBack {
        /// Why.
        reason: String,
        /// Who wants it.
        by: String,
    },
    /// The configuration is equal to the candidate now.
    Adopt,
}

/// A first attempt that the data plane routed while a roll-out ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Number of the roll-out, and of the changes of stage that it had behind it: of another stage it says nothing about this one.
    pub rollout: u64,
    /// Likewise.
    pub stage: u32,
    /// The payment.
    pub payment_id: String,
    /// Its group.
    pub group: Group,
    /// When.
    pub at: Timestamp,
}

/// A roll-out: under way, or the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolledOut {
    /// From 1.
    pub number: u64,
    /// The candidate.
    pub routing: Routing,
    /// Who wanted it.
    pub by: String,
    /// Since when.
    pub began_at: Timestamp,
    /// Changes of stage.
    pub turns: Vec<Turn>,
    /// Where it is, and what it has shown.
    pub rollout: Rollout,
    /// Until when the data plane may follow it without hearing more.
    pub leased_until: Timestamp,
}

impl RolledOut {
    /// Its name.
    pub fn id(&self) -> String {
        format!("ro_{}", self.number)
    }

    /// Changes of stage behind it.
    pub fn stage(&self) -> u32 {
        self.turns.len() as u32
    }
}

/// A roll-out began, or changed its stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutNews {
    /// Its number.
    pub number: u64,
    /// The change; none: it began.
    pub turn: Option<Turn>,
}

/// Who is in which group, for the data plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Number of the roll-out.
    pub rollout: u64,
    /// Changes of stage behind it.
    pub stage: u32,
    /// The split.
    pub split: Split,
    /// Whether the candidate routes its group; in the A/A stage the incumbent does.
    pub is_live: bool,
    /// From then on the incumbent routes everything.
    pub until: Timestamp,
}

/// The last roll-out and what is counted about all of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rollouts {
    last: Option<Box<RolledOut>>,
    /// Grows with every change of what the data plane is to do.
    version: u64,
    /// Since it was last asked, within one input.
    #[serde(skip)]
    news: Vec<RolloutNews>,
}

impl Rollouts {
    /// The last one.
    pub fn last(&self) -> Option<&RolledOut> {
        self.last.as_deref()
    }

    /// The one under way.
    pub fn current(&self) -> Option<&RolledOut> {
        self.last().filter(|last| last.rollout.is_under_way())
    }

    fn current_mut(&mut self) -> Option<&mut RolledOut> {
        self.last.as_deref_mut().filter(|last| last.rollout.is_under_way())
    }

    /// Grows with every change of what the data plane is to do.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What the data plane is to do.
    pub fn trial(&self) -> Option<Trial> {
        let current = self.current()?;
        Some(Trial {
            rollout: current.number,
            stage: current.stage(),
            split: current.rollout.split(),
            is_live: current.rollout.is_candidate_live(),
            until: current.leased_until,
        })
    }

    /// How far anything follows what is learnt.
    pub fn learning(&self, incumbent: Learning) -> Learning {
        match self.current().map(|current| current.routing.learning) {
            Some(candidate) if incumbent == Learning::Off => candidate,
            _ => incumbent,
        }
    }

    /// What is learnt for: the configuration, and where a candidate asks for more, that too.
    pub fn learns<'a>(&self, configured: &'a Routing) -> Cow<'a, Routing> {
        let Some(current) = self.current() else { return Cow::Borrowed(configured) };
        let mut routing = configured.clone();
        routing.learning = self.learning(configured.learning);
        // A gateway's room is one, whoever sends there: the configuration's word counts, the candidate's where it has none.
        let limited = current.routing.gateways.iter().filter(|more| more.capacity_per_s.is_some());
        for more in limited {
            match routing.gateways.iter_mut().find(|own| own.name == more.name) {
                Some(own) if own.capacity_per_s.is_some() => {}
                Some(own) => own.capacity_per_s = more.capacity_per_s,
                None => routing.gateways.push(more.clone()),
            }
        }
        Cow::Owned(routing)
    }

    /// What there is to say.
    pub fn news(&mut self) -> Vec<RolloutNews> {
        std::mem::take(&mut self.news)
    }

    /// A word about it; why it is refused.
    pub fn order(
        &mut self,
        order: &RolloutOrder,
        routing: &mut Routing,
        is_killed: bool,
        at: Timestamp,
    ) -> Result<(), String> {
        match order {
            RolloutOrder::Begin { routing: candidate, plan, by } => {
                if let Some(current) = self.current() {
                    let (id, by) = (current.id(), &current.by);
                    return Err(format!("{id} of {by} is under way; roll it back first"));
                }
                if is_killed {
                    let why =
                        "the kill switch is engaged: nothing new is tried until it is cleared";
                    return Err(why.into());
                }
                if let Some(unknown) = unknown(&candidate.gateways, &routing.gateways) {
                    return Err(format!("gateways: {unknown} is not configured here"));
                }
                let rollout = Rollout::new(plan.clone()).map_err(|wrong| wrong.to_string())?;
                self.last = Some(Box::new(RolledOut {
                    number: self.last().map_or(0, |last| last.number) + 1,
                    routing: Routing { seed: routing.seed, ..(**candidate).clone() },
                    by: by.clone(),
                    began_at: at,
                    turns: Vec::new(),
                    rollout,
                    leased_until: at.plus_millis(LEASE_MS),
                }));
                self.version += 1;
                let number = self.last().map_or(0, |last| last.number);
                self.news.push(RolloutNews { number, turn: None });
            }
            RolloutOrder::RollBack { reason, by } => {
                if self.current().is_none() {
                    return Err("no roll-out is under way".into());
                }
                self.stop(Stop::Person(format!("{by}: {reason}")), at);
            }
            RolloutOrder::Adopt => {
                let Some(current) = self.current() else {
                    return Err("no roll-out is under way".into());
                };
                *routing = effective(&current.routing, routing);
                self.stop(Stop::Adopted, at);
            }
        }
        Ok(())
    }

    /// It ends, if one is under way.
    pub fn stop(&mut self, why: Stop, at: Timestamp) {
        let Some(current) = self.current_mut() else { return };
        let turn = current.rollout.stop(why, at);
        self.turned(turn);
    }

    /// These are the gateways from now on.
    pub fn configured(&mut self, gateways: &[Gateway], at: Option<Timestamp>) {
        let Some(current) = self.current() else { return };
        if let Some(gone) = unknown(&current.routing.gateways, gateways).map(Into::into) {
            let at = at.unwrap_or(current.began_at);
            self.stop(Stop::Gateway(gone), at);
        } else {
            self.version += 1;
        }
    }

    /// The data plane put payments into groups.
    pub fn tried(&mut self, tried: &[Tried]) {
        let Some(current) = self.current_mut() else { return };
        let (rollout, stage) = (current.number, current.stage());
        for one in tried {
            if one.rollout == rollout && one.stage == stage {
                current.rollout.decided(&one.payment_id, one.group, one.at);
            }
        }
    }

    /// An attempt's outcome, perhaps of a payment that waits for it.
    #[inline]
    pub fn attempt(&mut self, attempt: &Attempt, routing: &Routing) {
        if self.last.is_some() {
            self.outcome(attempt, routing);
        }
    }

    fn outcome(&mut self, attempt: &Attempt, routing: &Routing) {
        let Some(current) = self.current_mut() else { return };
        if attempt.attempt_number != 1 || attempt.status == Status::Unknown {
            return;
        }
        // One price list for all groups.
        let RolledOut { rollout, routing: candidate, .. } = current;
        let fee = || {
            fee_bps(attempt, &routing.gateways).or_else(|| fee_bps(attempt, &candidate.gateways))
        };
        rollout.outcome(&attempt.payment_id, || Seen {
            approved: attempt.status == Status::Approved,
            latency_ms: attempt.latency_ms,
            fee_bps: fee(),
            fraud_declined: attempt.code.as_ref().is_some_and(|code| {
                payments::decline(&code.source, &code.value).class == DeclineClass::FraudDnr
            }),
        });
    }

    /// Time has reached `at`.
    pub fn tick(&mut self, at: Timestamp) {
        let Some(current) = self.current_mut() else { return };
        let turn = current.rollout.advance(at);
        if current.leased_until.millis_since(at) < LEASE_MS - RENEWED_AFTER_MS {
            current.leased_until = at.plus_millis(LEASE_MS);
            self.version += 1;
        }
        self.turned(turn);
    }

    /// Nobody watched until now.
    pub fn rest(&mut self, at: Timestamp) {
        if let Some(current) = self.current_mut() {
            current.rollout.pass_over();
        }
        self.tick(at);
    }

    fn turned(&mut self, turn: Option<Turn>) {
        let (Some(turn), Some(last)) = (turn, self.last.as_deref_mut()) else { return };
        last.turns.push(turn.clone());
        self.version += 1;
        self.news.push(RolloutNews { number: last.number, turn: Some(turn) });
    }
}

/// A candidate with what it leaves to the configuration.
pub(crate) fn effective(candidate: &Routing, configured: &Routing) -> Routing {
    let mut routing = candidate.clone();
    routing.seed = configured.seed;
    if routing.gateways.is_empty() {
        routing.gateways.clone_from(&configured.gateways);
    }
    routing
}

/// A gateway that isn't configured, where any are.
fn unknown<'a>(named: &'a [Gateway], configured: &[Gateway]) -> Option<&'a str> {
    let is_known = |name: &str| configured.iter().any(|gateway| gateway.name == name);
    let mut names = named.iter().map(|gateway| gateway.name.as_str());
    if configured.is_empty() { None } else { names.find(|name| !is_known(name)) }
}

/// What the price list says of it, where there is one.
fn fee_bps(attempt: &Attempt, gateways: &[Gateway]) -> Option<u32> {
    let gateway = gateways.iter().find(|gateway| gateway.name == attempt.gateway)?;
    if gateway.fee.is_empty() || attempt.amount.is_none() {
        return None;
    }
    let share = gateway.fee_share(Some(&attempt.method), attempt.amount);
    Some((share * 10_000.0).round() as u32)
}
