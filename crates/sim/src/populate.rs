//! Filling the world: instruments, merchants, contracts, and the leaves they make together.

use libm::{exp, pow};
use stats::stream::Stream;

use crate::config::{Method, WorldConfig};
use crate::latency::Quantiles;
use crate::world::WorldError;

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

#[derive(Clone, Debug)]
pub(crate) struct Merchant {
    pub(crate) name: String,
    pub(crate) mcc: &'static str,
    pub(crate) amounts: Quantiles,
}

/// Refuses what describes no network.
pub(crate) fn validate(config: &WorldConfig) -> Result<(), WorldError> {
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

pub(crate) fn instruments(config: &WorldConfig, draws: &mut Stream) -> Vec<Instrument> {
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

pub(crate) fn merchants(config: &WorldConfig, knots: &[f64], draws: &mut Stream) -> Vec<Merchant> {
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
pub(crate) fn leaves(
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
