//! The world: who pays where, with what chance, drawn once from a seed.
//!
//! A *leaf* is one combination of dimension values that occurs. Its chance of success is a sum of log
//! odds: method, gateway, issuer, network, merchant, and pairwise interactions (a gateway that is weak with one
//! bank is the rule, not the exception). Built once; after that only incidents change.

use libm::{exp, pow};
use payments::{Currency, Timestamp};
use stats::stream::Stream;
use thiserror::Error;

use crate::alias::Alias;
use crate::config::{Method, WorldConfig};
use crate::failure::{FailureKind, quiet_mix};
use crate::incident::{Incident, Kind, Pairs};
use crate::latency::{Quantiles, normal_knots};
use crate::season::Waves;

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

/// What the payer uses.
#[derive(Clone, Debug)]
pub(crate) struct Instrument {
    pub(crate) method: Method,
    pub(crate) sub_type: Option<&'static str>,
    pub(crate) network: Option<u8>,
    pub(crate) issuer: u8,
    pub(crate) bin: Option<String>,
    share: f64,
    logit: f64,
    pace: f64,
    /// In 1/65536.
    pub(crate) abandoned: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) odds: f64,
    pub(crate) pace: f32,
    pub(crate) route: u16,
    pub(crate) merchant: u16,
    pub(crate) instrument: u16,
    pub(crate) gateway: u8,
    pub(crate) country: u8,
    /// Leaves `siblings_at..` differ in the gateway alone: where a retry can fail over to.
    pub(crate) siblings_at: u32,
    pub(crate) siblings: u8,
}

/// Gateway x issuer: the unit that has weather of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Route {
    pub(crate) mean: f64,
    /// Payments in a block of 10 s at the mean volume.
    pub(crate) payments: f64,
    /// Correlation of outcomes within a block, times `payments`.
    pub(crate) correlation: f64,
}

#[derive(Clone, Debug)]
pub(crate) struct Merchant {
    pub(crate) name: String,
    pub(crate) mcc: &'static str,
    pub(crate) amounts: Quantiles,
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

    /// Adds an incident and says its index. Nothing outside its slice and time moves.
    pub fn add(&mut self, incident: Incident) -> Result<usize, WorldError> {
        if let Some(fault) = incident.fault() {
            return Err(WorldError::Incident(fault));
        }
        if self.placed.len() == 255 {
            return Err(WorldError::Incident("a world holds at most 255".into()));
        }
        let hits: Vec<bool> =
            (0..self.leaves.len()).map(|leaf| self.in_slice(leaf, &incident.slice)).collect();
        let leaves: Vec<u32> =
            (0_u32..).zip(&hits).filter(|(_, hit)| **hit).map(|(i, _)| i).collect();
        if leaves.is_empty() {
            return Err(self.empty_slice(&incident.slice));
        }
        let weights: Vec<f64> = leaves.iter().map(|&leaf| self.weights[leaf as usize]).collect();
        let share = weights.iter().sum();
        self.placed.push(Placed { alias: Alias::new(&weights), incident, hits, share, leaves });
        Ok(self.placed.len() - 1)
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

    fn in_slice(&self, leaf: usize, slice: &Pairs) -> bool {
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

    fn routes(&self) -> Vec<Route> {
        let count = self.config.gateways.len() * self.issuers.len();
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
        let excess = (self.config.dispersion.success - 1.0).max(0.0);
        for (at, route) in routes.iter_mut().enumerate().filter(|(at, _)| shares[*at] > 0.0) {
            let own = route.mean * (1.0 - route.mean) * sway_mean[at] * sway_mean[at];
            route.correlation = excess * variance[at] / own;
        }
        routes
    }
}

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

fn validate(config: &WorldConfig) -> Result<(), WorldError> {
    let fault = |text: &str| Err(WorldError::Config(text.into()));
    if !(1e-3..=1e5).contains(&config.attempts_per_s) {
        return fault("attempts_per_s lies in 0.001 to 100000");
    }
    let gateways = 1..=64;
    if !gateways.contains(&config.gateways.len()) || config.gateways_per_merchant == 0 {
        return fault("a world has 1 to 64 gateways, and merchants that use at least one");
    }
    if config.banks.is_empty() || config.networks.is_empty() || config.countries.is_empty() {
        return fault("a world has banks, networks and countries");
    }
    if config.banks.len() + config.wallets.len() > 250 || config.networks.len() > 20 {
        return fault("a world has at most 250 banks and wallets and 20 networks");
    }
    if config.wallets.is_empty() && config.method_shares[Method::Wallet as usize] > 0.0 {
        return fault("payments by wallet need wallets");
    }
    if config.merchants == 0 {
        return fault("a world has merchants");
    }
    if !(0.0..=0.9).contains(&config.retries.share) || config.retries.attempts_max == 0 {
        return fault("retries.share lies in 0 to 0.9 and attempts_max is at least 1");
    }
    if config.gateways.iter().any(|g| g.timeout_ms > 60_000 || g.latency_ms_p50 <= 0.0) {
        return fault("gateways have a positive latency and a timeout of at most 60 s");
    }
    Ok(())
}

fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=count).map(|rank| pow(rank as f64, -exponent)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

fn instruments(config: &WorldConfig, draws: &mut Stream) -> Vec<Instrument> {
    let banks = zipf(config.banks.len(), config.bank_zipf);
    let wallets = zipf(config.wallets.len(), 1.0);
    let networks: f64 = config.networks.iter().map(|n| n.weight).sum();
    let home = &config.countries[0].code;
    let mut all = Vec::new();
    let mut push = |method: Method,
                    sub_type,
                    network: Option<usize>,
                    issuer: usize,
                    share: f64,
                    logit: f64| {
        // (pace of the answer, share of customers who leave)
        let (pace, leave) = match (method, sub_type) {
            (Method::Card, _) => (1.0, 0.008),
            (Method::Upi, Some("UPI_COLLECT")) => (2.5, 0.03),
            (Method::Upi, _) => (1.4, 0.012),
            (Method::Netbanking, _) => (2.2, 0.025),
            (Method::Wallet, _) => (0.7, 0.005),
        };
        let bin = network.map(|n| {
            let first = b"456"[n.min(2)] as char;
            format!("{first}{:02}{:03}", n, 101 + issuer * 7)
        });
        all.push(Instrument {
            method,
            sub_type,
            network: network.map(|n| n as u8),
            issuer: issuer as u8,
            bin,
            share: share * config.method_shares[method as usize],
            logit: logit + config.interaction_sd * draws.normal(),
            pace,
            abandoned: (leave * 65_536.0) as u32,
        });
    };
    for (b, bank) in config.banks.iter().enumerate() {
        for (n, network) in config.networks.iter().enumerate() {
            if !network.domestic || bank.country == *home {
                let share = banks[b] * network.weight / networks;
                push(Method::Card, None, Some(n), b, share, 1.9 + bank.logit + network.logit);
            }
        }
        if bank.country == *home {
            let logit = bank.logit;
            push(Method::Upi, Some("UPI_INTENT"), None, b, banks[b] * 0.65, 2.0 + logit);
            push(Method::Upi, Some("UPI_COLLECT"), None, b, banks[b] * 0.35, 0.9 + logit);
            push(Method::Netbanking, None, None, b, banks[b], 1.2 + logit);
        }
    }
    for (w, share) in wallets.iter().enumerate() {
        push(Method::Wallet, None, None, config.banks.len() + w, *share, 2.5);
    }
    // Foreign banks and domestic networks leave gaps: scale each method back to its share.
    let total: f64 = config.method_shares.iter().sum();
    for method in Method::ALL {
        let sum: f64 = all.iter().filter(|i| i.method == method).map(|i| i.share).sum();
        let want = config.method_shares[method as usize] / total;
        for instrument in all.iter_mut().filter(|i| i.method == method && sum > 0.0) {
            instrument.share *= want / sum;
        }
    }
    all
}

fn merchants(config: &WorldConfig, knots: &[f64], draws: &mut Stream) -> Vec<Merchant> {
    const MCC: [&str; 6] = ["5411", "5732", "5812", "5651", "4722", "5912"];
    let home = config.countries[0].minor_per_unit;
    (0..config.merchants)
        .map(|i| {
            let median = config.amount_p50 * home * exp(0.6 * draws.normal());
            let sigma = 0.6 + 0.5 * draws.uniform();
            Merchant {
                name: format!("merchant_{:02}", i + 1),
                mcc: MCC[draws.below(6) as usize],
                amounts: Quantiles::log_normal(knots, median, sigma),
            }
        })
        .collect()
}

/// Where a bank's customers pay: mostly at home.
fn country_shares(
    config: &WorldConfig,
    bank: Option<usize>,
    method: Method,
    network_domestic: bool,
) -> Vec<f64> {
    let mut shares = vec![0.0; config.countries.len()];
    let home = bank
        .and_then(|b| config.countries.iter().position(|c| c.code == config.banks[b].country))
        .unwrap_or(0);
    let away: f64 = config.countries.iter().map(|c| c.weight).sum();
    // Cards travel; the other rails do not.
    let travels = if method != Method::Card || network_domestic || away <= 0.0 {
        0.0
    } else if home == 0 {
        0.06
    } else {
        0.6
    };
    for (share, country) in shares.iter_mut().zip(&config.countries) {
        *share = if travels > 0.0 { travels * country.weight / away } else { 0.0 };
    }
    shares[home] += 1.0 - travels;
    shares
}

/// Leaves and their shares of the payments, which sum to one.
fn leaves(
    config: &WorldConfig,
    root: &Stream,
    instruments: &[Instrument],
    issuers: usize,
) -> (Vec<Leaf>, Vec<f64>) {
    let gateways = config.gateways.len();
    let table = |name: &str, rows: usize, columns: usize| -> Vec<f64> {
        let mut draws = root.fork(name);
        (0..rows * columns).map(|_| config.interaction_sd * draws.normal()).collect()
    };
    let by_issuer = table("gateway x issuer", gateways, issuers);
    let by_network = table("gateway x network", gateways, config.networks.len());
    let by_method = table("gateway x method", gateways, 4);
    let by_merchant = table("merchant", usize::from(config.merchants), 1);
    let merchant_shares = zipf(usize::from(config.merchants), config.merchant_zipf);
    let mut draws = root.fork("contracts");
    let (mut leaves, mut weights) = (Vec::new(), Vec::new());
    for (m, merchant_share) in merchant_shares.iter().enumerate() {
        let contracts = contracts(config, &mut draws);
        // Tastes differ: one shop's customers pay by card, another's by UPI.
        let tastes: Vec<f64> = Method::ALL.iter().map(|_| exp(0.4 * draws.normal())).collect();
        for (i, instrument) in instruments.iter().enumerate() {
            let issuer = usize::from(instrument.issuer);
            let bank = (issuer < config.banks.len()).then_some(issuer);
            let domestic =
                instrument.network.is_some_and(|n| config.networks[usize::from(n)].domestic);
            let able: Vec<(usize, f64)> = contracts
                .iter()
                .filter(|(g, _)| config.gateways[*g].methods.contains(&instrument.method))
                .copied()
                .collect();
            let total: f64 = able.iter().map(|(_, w)| w).sum();
            let countries = country_shares(config, bank, instrument.method, domestic);
            for (c, country_share) in countries.iter().enumerate() {
                let share = merchant_share
                    * instrument.share
                    * tastes[instrument.method as usize]
                    * country_share;
                if share < LEAF_SHARE_MIN || able.is_empty() {
                    continue;
                }
                let siblings_at = leaves.len() as u32;
                for (g, weight) in &able {
                    let foreign = if c == 0 { 0.0 } else { -0.3 };
                    let logit = instrument.logit
                        + config.gateways[*g].logit
                        + by_issuer[g * issuers + issuer]
                        + instrument.network.map_or(0.0, |n| {
                            by_network[g * config.networks.len() + usize::from(n)]
                        })
                        + by_method[g * 4 + instrument.method as usize]
                        + by_merchant[m]
                        + foreign;
                    leaves.push(Leaf {
                        odds: exp(logit),
                        pace: instrument.pace as f32,
                        route: (g * issuers + issuer) as u16,
                        merchant: m as u16,
                        instrument: i as u16,
                        gateway: *g as u8,
                        country: c as u8,
                        siblings_at,
                        siblings: able.len() as u8,
                    });
                    weights.push(share * weight / total);
                }
            }
        }
    }
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    (leaves, weights)
}

/// What is rarer than one payment in ten million is left out.
const LEAF_SHARE_MIN: f64 = 1e-7;

/// A merchant's gateways and how it splits traffic between them: drawn by weight, the first one carrying all methods.
fn contracts(config: &WorldConfig, draws: &mut Stream) -> Vec<(usize, f64)> {
    let count = usize::from(config.gateways_per_merchant).min(config.gateways.len());
    // Exponential keys give a weighted sample without replacement (Efraimidis and Spirakis 2006).
    let mut keyed: Vec<(f64, usize)> = config
        .gateways
        .iter()
        .enumerate()
        .map(|(g, gateway)| (draws.exponential() / gateway.weight, g))
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let broad = keyed
        .iter()
        .position(|(_, g)| config.gateways[*g].methods.len() == Method::ALL.len())
        .unwrap_or(0);
    let first = keyed.remove(broad);
    std::iter::once(first)
        .chain(keyed)
        .take(count)
        .map(|(_, g)| (g, config.gateways[g].weight * exp(0.5 * draws.normal())))
        .collect()
}
