//! The world: who pays where, with what chance, drawn once from a seed.
//!
//! A *leaf* is one combination of dimension values that occurs. Its chance of success is a sum of log
//! odds: method, gateway, issuer, network, merchant, and pairwise interactions (a gateway that is weak with one
//! bank is the rule, not the exception). Built once; after that only incidents change.

use payments::{Currency, Timestamp};
use stats::stream::Stream;
use thiserror::Error;

use crate::alias::Alias;
use crate::config::{Method, WorldConfig};
use crate::failure::{FailureKind, quiet_mix};
use crate::incident::{Incident, Kind, Pairs};
use crate::latency::{Quantiles, normal_knots};
use crate::populate::{Instrument, Leaf, Merchant, instruments, leaves, merchants, validate};
use crate::season::Waves;

/// Incidents of a world at most.
pub const INCIDENTS_MAX: usize = 255;

/// The dimensions of every leaf, in the order of [`World::leaf_values`]; the last is an attribute.
pub const DIMENSIONS: [&str; 7] =
    ["gateway", "method", "network", "issuer", "country", "merchant_id", "sub_type"];

/// What can be wrong with a world or an incident.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum WorldError {
    /// A configuration that describes no network.
    #[error("world: {0}")]
    Config(String),
    /// A slice that no traffic falls into.
    #[error("incident on {slice}: no traffic falls into it; {hint}")]
    EmptySlice {
        /// As given.
        slice: String,
        /// What is allowed.
        hint: String,
    },
    /// An incident that makes no sense.
    #[error("incident: {0}")]
    Incident(String),
}

/// Gateway x issuer, or several of them too small to burst: the unit that has weather of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Route {
    pub(crate) mean: f64,
    /// Payments in a block of 10 s at the mean volume.
    pub(crate) payments: f64,
    /// Correlation of outcomes within a block, times `payments`.
    pub(crate) correlation: f64,
}

/// An incident with what the generator needs to know about it.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) incident: Incident,
    pub(crate) hits: Vec<bool>,
    /// Share of the ordinary payments that fall into its slice.
    pub(crate) share: f64,
    pub(crate) leaves: Vec<u32>,
    pub(crate) alias: Alias,
}

/// A simulated payment network. Build it from a configuration and a seed, add incidents, then draw
/// [`attempts`](World::attempts) or [`ticks`](World::ticks) over any span of time.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) config: WorldConfig,
    pub(crate) root: Stream,
    pub(crate) issuers: Vec<String>,
    pub(crate) instruments: Vec<Instrument>,
    pub(crate) merchants: Vec<Merchant>,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) alias: Alias,
    weights: Vec<f64>,
    pub(crate) routes: Vec<Route>,
    pub(crate) latency: Vec<Quantiles>,
    /// Per gateway: median, 95th and 99th percentile of its ordinary latency.
    pub(crate) slow: Vec<[f64; 3]>,
    pub(crate) mixes: [[f64; 6]; 4],
    pub(crate) waves: Waves,
    pub(crate) payments_per_s: f64,
    pub(crate) placed: Vec<Placed>,
}

impl World {
    /// Draws a world.
    pub fn new(config: WorldConfig, seed: u64) -> Result<Self, WorldError> {
        validate(&config)?;
        let root = Stream::named(seed, "sim");
        let currencies = config
            .countries
            .iter()
            .map(|c| {
                Currency::parse(&c.currency)
                    .ok_or_else(|| WorldError::Config(format!("`{}` is no currency", c.currency)))
            })
            .collect::<Result<_, _>>()?;
        let knots = normal_knots();
        let latency: Vec<Quantiles> = config
            .gateways
            .iter()
            .map(|g| Quantiles::log_normal(&knots, g.latency_ms_p50, g.latency_sigma))
            .collect();
        let at = |share: f64| (share * 4_294_967_296.0) as u32;
        let slow = latency.iter().map(|q| [0.5, 0.95, 0.99].map(|share| q.at(at(share)))).collect();
        let issuers: Vec<String> = config
            .banks
            .iter()
            .map(|b| b.name.clone())
            .chain(config.wallets.iter().cloned())
            .collect();
        let instruments = instruments(&config, &mut root.fork("instruments"));
        let merchants = merchants(&config, &knots, &mut root.fork("merchants"));
        let (leaves, weights) = leaves(&config, &root, &instruments, issuers.len());
        if leaves.is_empty() {
            return Err(WorldError::Config("no gateway carries any method with a share".into()));
        }
        let waves = Waves::new(&root, config.season, config.drift, config.gateways.len());
        let mut world = Self {
            alias: Alias::new(&weights),
            mixes: Method::ALL.map(quiet_mix),
            payments_per_s: 0.0,
            placed: Vec::new(),
            routes: Vec::new(),
            config,
            root,
            issuers,
            instruments,
            merchants,
            currencies,
            leaves,
            weights,
            latency,
            slow,
            waves,
        };
        world.payments_per_s = world.config.attempts_per_s / world.attempts_per_payment();
        world.pool_small_routes();
        world.routes = world.routes();
        Ok(world)
    }

    /// The default network at another rate.
    pub fn at_rate(attempts_per_s: f64, seed: u64) -> Result<Self, WorldError> {
        Self::new(WorldConfig { attempts_per_s, ..WorldConfig::default() }, seed)
    }

    /// What it was built from.
    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// How many leaves there are.
    pub fn leaf_count(&self) -> usize {
        self.leaves.len()
    }

    /// A leaf's dimension values, in the order of [`DIMENSIONS`].
    pub fn leaf_values(&self, leaf: usize) -> [Option<&str>; 7] {
        let leaf = &self.leaves[leaf];
        let instrument = &self.instruments[usize::from(leaf.instrument)];
        [
            Some(&self.config.gateways[usize::from(leaf.gateway)].name),
            Some(instrument.method.name()),
            instrument.network.map(|n| self.config.networks[usize::from(n)].name.as_str()),
            Some(&self.issuers[usize::from(instrument.issuer)]),
            Some(&self.config.countries[usize::from(leaf.country)].code),
            Some(&self.merchants[usize::from(leaf.merchant)].name),
            instrument.sub_type,
        ]
    }

    /// Leaves that differ from this one in the gateway alone, itself included: where its payments can go.
    pub(crate) fn siblings(&self, leaf: u32) -> std::ops::Range<u32> {
        let Leaf { siblings_at, siblings, .. } = self.leaves[leaf as usize];
        siblings_at..siblings_at + u32::from(siblings)
    }

    /// A leaf's share of all payments in quiet times.
    pub fn leaf_share(&self, leaf: usize) -> f64 {
        self.weights[leaf]
    }

    /// A leaf's success rate without season, drift, bursts and incidents.
    pub fn leaf_rate(&self, leaf: usize) -> f64 {
        rate(self.leaves[leaf].odds)
    }

    /// The incidents, in the order added.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.placed.iter().map(|placed| &placed.incident)
    }

    /// Whether an incident makes sense and hits traffic here.
    pub fn check(&self, incident: &Incident) -> Result<(), WorldError> {
        if let Some(fault) = incident.fault() {
            return Err(WorldError::Incident(fault));
        }
        if self.hit(&incident.slice).next().is_none() {
            return Err(self.empty_slice(&incident.slice));
        }
        Ok(())
    }

    /// Adds an incident and says its index. Nothing outside its slice and time moves.
    pub fn add(&mut self, incident: Incident) -> Result<usize, WorldError> {
        self.check(&incident)?;
        if self.placed.len() == INCIDENTS_MAX {
            return Err(WorldError::Incident(format!("a world holds at most {INCIDENTS_MAX}")));
        }
        let leaves: Vec<u32> = self.hit(&incident.slice).collect();
        let mut hits = vec![false; self.leaves.len()];
        leaves.iter().for_each(|leaf| hits[*leaf as usize] = true);
        let weights: Vec<f64> = leaves.iter().map(|&leaf| self.weights[leaf as usize]).collect();
        let share = weights.iter().sum();
        self.placed.push(Placed { alias: Alias::new(&weights), incident, hits, share, leaves });
        Ok(self.placed.len() - 1)
    }

    /// Drops incidents that were over by then, to make room for others. Their indexes are given to those that stay.
    pub fn forget(&mut self, before: Timestamp) {
        self.placed.retain(|placed| placed.incident.ends_at > before);
    }

    /// Leaves of a slice.
    fn hit(&self, slice: &Pairs) -> impl Iterator<Item = u32> {
        (0_u32..self.leaves.len() as u32).filter(|leaf| self.in_slice(*leaf as usize, slice))
    }

    /// A bank fails on a card network from now on: this share of what it would have approved is refused with the codes of
    /// an unavailable issuer. Ends whatever was set before for the pair; 0 ends it.
    pub fn set_outage(
        &mut self,
        bank: &str,
        network: &str,
        severity: f64,
        at: Timestamp,
    ) -> Result<(), WorldError> {
        let kind = Kind::Outage { severity, blame: FailureKind::Issuer };
        let pairs = [("issuer", bank), ("network", network)];
        self.set(Incident::on(pairs, at, FOREVER, kind))
    }

    /// Ends whatever is going on; what has not begun yet will.
    pub fn repair(&mut self, at: Timestamp) {
        for incident in self.placed.iter_mut().map(|placed| &mut placed.incident) {
            if incident.starts_at <= at && incident.ends_at > at {
                incident.ends_at = at;
            }
        }
    }

    /// Starts an incident that lasts until it is set again; the one before it on the same slice ends.
    /// Any kind of strength zero only ends.
    pub fn set(&mut self, incident: Incident) -> Result<(), WorldError> {
        let at = incident.starts_at;
        let placed = self.placed.len();
        self.add(incident)?;
        let (before, new) = self.placed.split_at_mut(placed);
        let slice = &new[0].incident.slice;
        for old in before.iter_mut().map(|p| &mut p.incident).filter(|old| old.slice == *slice) {
            if old.ends_at > at {
                old.ends_at = at.max(old.starts_at);
            }
        }
        if new[0].incident.kind.is_nothing() {
            self.placed.pop();
        }
        Ok(())
    }

    pub(crate) fn in_slice(&self, leaf: usize, slice: &Pairs) -> bool {
        let values = self.leaf_values(leaf);
        slice.iter().all(|(dimension, value)| {
            DIMENSIONS
                .iter()
                .position(|name| name == dimension)
                .is_some_and(|at| values[at] == Some(value.as_str()))
        })
    }

    fn empty_slice(&self, slice: &Pairs) -> WorldError {
        let text: Vec<String> = slice.iter().map(|(d, v)| format!("{d}: {v}")).collect();
        let unknown = slice.keys().find(|name| !DIMENSIONS.contains(&name.as_str()));
        let hint = match unknown {
            Some(name) => format!("`{name}` is no dimension, use one of {}", DIMENSIONS.join(", ")),
            None => slice
                .iter()
                .filter_map(|(name, value)| {
                    let at = DIMENSIONS.iter().position(|d| d == name)?;
                    let mut known: Vec<&str> =
                        (0..self.leaves.len()).filter_map(|l| self.leaf_values(l)[at]).collect();
                    known.sort_unstable();
                    known.dedup();
                    (!known.contains(&value.as_str()))
                        .then(|| format!("{name} is one of {}", known.join(", ")))
                })
                .next()
                .unwrap_or_else(|| "its values do not occur together".into()),
        };
        WorldError::EmptySlice { slice: format!("{{{}}}", text.join(", ")), hint }
    }

    /// Attempts that a payment takes on average in quiet times.
    fn attempts_per_payment(&self) -> f64 {
        let retries = self.config.retries;
        let mut sum = 0.0;
        for (leaf, weight) in self.leaves.iter().zip(&self.weights) {
            let instrument = &self.instruments[usize::from(leaf.instrument)];
            let mix = &self.mixes[instrument.method as usize];
            let retried: f64 = FailureKind::ALL
                .iter()
                .zip(mix)
                .filter(|(k, _)| k.is_retried())
                .map(|(_, s)| s)
                .sum();
            let user = mix[FailureKind::User as usize] / retried;
            let fresh = rate(leaf.odds);
            let again = user * rate(leaf.odds * retries.odds_after_user) + (1.0 - user) * fresh;
            let stays = 1.0 - f64::from(instrument.abandoned) / 65_536.0;
            let (mut attempts, mut reached, mut chance) = (0.0, 1.0, fresh);
            for _ in 0..retries.attempts_max {
                attempts += reached;
                reached *= stays * (1.0 - chance) * retried * retries.share;
                chance = again;
            }
            sum += weight * attempts;
        }
        sum
    }

    /// Routes too small to burst share the weather: the rest of a gateway, and the rest of these.
    fn pool_small_routes(&mut self) {
        let issuers = self.issuers.len();
        let gateways = self.config.gateways.len();
        let mut payments = vec![0.0; gateways * issuers];
        for (leaf, weight) in self.leaves.iter().zip(&self.weights) {
            payments[usize::from(leaf.route)] += weight * self.payments_per_s * 10.0;
        }
        let (mut pool_of, mut pools) = (vec![0_u16; payments.len()], 1);
        for gateway in 0..gateways {
            let routes = gateway * issuers..(gateway + 1) * issuers;
            let (own, small): (Vec<usize>, Vec<usize>) =
                routes.partition(|&route| payments[route] >= BURST_PAYMENTS_MIN);
            for route in own {
                pool_of[route] = pools;
                pools += 1;
            }
            if small.iter().map(|&route| payments[route]).sum::<f64>() >= BURST_PAYMENTS_MIN {
                for route in small {
                    pool_of[route] = pools;
                }
                pools += 1;
            }
        }
        for leaf in &mut self.leaves {
            leaf.route = pool_of[usize::from(leaf.route)];
        }
    }

    fn routes(&self) -> Vec<Route> {
        let count = self.leaves.iter().map(|leaf| usize::from(leaf.route) + 1).max().unwrap_or(0);
        let mut routes = vec![Route::default(); count];
        let mut shares = vec![0.0; count];
        for (leaf, weight) in self.leaves.iter().zip(&self.weights) {
            shares[usize::from(leaf.route)] += weight;
            routes[usize::from(leaf.route)].mean += weight * rate(leaf.odds);
        }
        for (route, share) in routes.iter_mut().zip(&shares).filter(|(_, share)| **share > 0.0) {
            route.mean /= share;
            route.payments = share * self.payments_per_s * 10.0;
        }
        // A leaf moves with its route by `sway`; the correlation makes up for leaves that differ from the route's mean, so
        // that the variance of a whole route's successes is the configured multiple of the binomial one.
        let mut sway_mean = vec![0.0; count];
        let mut variance = vec![0.0; count];
        for (leaf, weight) in self.leaves.iter().zip(&self.weights) {
            let at = usize::from(leaf.route);
            let p = rate(leaf.odds);
            sway_mean[at] += weight / shares[at] * sway(p, routes[at].mean);
            variance[at] += weight / shares[at] * p * (1.0 - p);
        }
        // Retries are independent: what payments have in excess must do for all attempts.
        let excess = (self.config.dispersion.success - 1.0).max(0.0) * self.config.attempts_per_s
            / self.payments_per_s;
        for (at, route) in routes.iter_mut().enumerate().filter(|(at, _)| shares[*at] > 0.0) {
            let own = route.mean * (1.0 - route.mean) * sway_mean[at] * sway_mean[at];
            route.correlation = excess * variance[at] / own;
        }
        routes
    }
}

/// Payments in a block of 10 s from which on a route bursts on its own: enough for a factor of 1.5 even at night.
const BURST_PAYMENTS_MIN: f64 = 4.0;

/// No end in sight.
const FOREVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// Probability of these odds.
#[inline]
pub(crate) fn rate(odds: f64) -> f64 {
    odds / (1.0 + odds)
}

/// How far a leaf of chance `p` follows its route of mean `mean`: all the way where they agree, never
/// out of [0, 1], and with its own mean kept.
#[inline]
pub(crate) fn sway(p: f64, mean: f64) -> f64 {
    (p / mean).min((1.0 - p) / (1.0 - mean))
}
