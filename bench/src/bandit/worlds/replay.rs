//! Replay of three real days: hourly success rates per gateway x method x issuer, shrunk towards what is known beyond the cell.
//!
//! **Rates.** A cell's hour leans on the cell's whole record (as if it were 50 attempts), this on gateway x method (20), this on the method (20). What a
//! gateway would have done with a payment that it didn't get is thereby a rate that was seen at it, in that hour as far as it was used.
//! **Traffic.** Method, issuer and merchant are drawn by hour from the record; issuers beyond the 30 largest are one. Eligible are the gateways
//! with 200 attempts of the method or more, from merchants of any name; methods with a single one are left out, for there is nothing to choose.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use stats::stream::Stream;

use super::{amount, delay_ms};
use crate::bandit::world::{Payment, World};

/// The record holds 226,475; fewer make a choice cheaper to learn from than it was.
const DRAWN: usize = 200_000;
const ISSUERS: usize = 30;
const ATTEMPTS_MIN: f64 = 200.0;
const LEAN_HOUR: f64 = 50.0;
const LEAN: f64 = 20.0;

type Counts = (f64, f64);

#[derive(serde::Deserialize)]
struct Line {
    t: f64,
    success: f64,
    mid: String,
    pmt: String,
    pg: String,
    hr: String,
    bank: String,
}

/// The record, ready to be drawn from.
pub struct Record {
    names: [Vec<String>; 3],
    gateways: Vec<String>,
    /// By hour: method, issuer, merchant and how many.
    traffic: Vec<Vec<([u16; 3], f64)>>,
    eligible: Vec<Vec<u16>>,
    /// By hour, method, issuer, gateway.
    rates: BTreeMap<(usize, u16, u16), Vec<f64>>,
}

fn number(names: &mut Vec<String>, name: &str) -> u16 {
    let at = names.iter().position(|own| own == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    at as u16
}

impl Record {
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_path(file).with_context(|| {
            format!(
                "{}: it is `1-Transaction_Failure/transactions.csv` of GitHub Jacob-J-Richards/DS_DA_Projects; set POINTSMAN_DATA",
                file.display()
            )
        })?;
        let lines: Vec<Line> = reader.deserialize().collect::<Result<_, _>>()?;
        ensure!(!lines.is_empty(), "{}: no rows", file.display());
        let mut hours: Vec<String> = lines.iter().map(|l| l.hr.clone()).collect();
        hours.sort_unstable();
        hours.dedup();
        let mut banks = BTreeMap::<&str, f64>::new();
        let mut takes = BTreeMap::<(&str, &str), f64>::new();
        for line in &lines {
            *banks.entry(&line.bank).or_default() += line.t;
            *takes.entry((&line.pmt, &line.pg)).or_default() += line.t;
        }
        let mut largest: Vec<(&str, f64)> = banks.into_iter().collect();
        largest.sort_by(|a, b| b.1.total_cmp(&a.1));
        largest.truncate(ISSUERS);
        takes.retain(|_, t| *t >= ATTEMPTS_MIN);
        let is_choice = |method: &str| takes.keys().filter(|(own, _)| *own == method).count() > 1;

        let mut names: [Vec<String>; 3] = Default::default();
        let mut gateways = Vec::new();
        let mut traffic = vec![BTreeMap::<[u16; 3], f64>::new(); hours.len()];
        let mut of_hour = BTreeMap::<(usize, u16, u16, u16), Counts>::new();
        let mut of_cell = BTreeMap::<(u16, u16, u16), Counts>::new();
        let mut of_gateway = BTreeMap::<(u16, u16), Counts>::new();
        let mut of_method = BTreeMap::<u16, Counts>::new();
        for line in lines.iter().filter(|line| is_choice(&line.pmt)) {
            let hour = hours.binary_search(&line.hr).unwrap_or(0);
            let bank = largest.iter().find(|(bank, _)| *bank == line.bank);
            let method = number(&mut names[0], &line.pmt);
            let issuer = number(&mut names[1], bank.map_or("other", |(bank, _)| bank));
            let merchant = number(&mut names[2], &line.mid);
            *traffic[hour].entry([method, issuer, merchant]).or_default() += line.t;
            if !takes.contains_key(&(line.pmt.as_str(), line.pg.as_str())) {
                continue;
            }
            let gateway = number(&mut gateways, &line.pg);
            for counts in [
                of_hour.entry((hour, method, issuer, gateway)).or_default(),
                of_cell.entry((method, issuer, gateway)).or_default(),
                of_gateway.entry((method, gateway)).or_default(),
                of_method.entry(method).or_default(),
            ] {
                counts.0 += line.t;
                counts.1 += line.success;
            }
        }
        let eligible: Vec<Vec<u16>> = (0..names[0].len() as u16)
            .map(|method| {
                of_gateway.keys().filter(|(m, _)| *m == method).map(|(_, g)| *g).collect()
            })
            .collect();
        let shrunk = |counts: Option<&Counts>, lean: f64, to: f64| {
            let (t, success) = counts.copied().unwrap_or_default();
            (success + lean * to) / (t + lean)
        };
        let mut rates = BTreeMap::new();
        for (hour, drawn) in traffic.iter().enumerate() {
            for [method, issuer, _] in drawn.keys() {
                let (m, i) = (*method, *issuer);
                let mut at = vec![0.0; gateways.len()];
                for g in &eligible[usize::from(m)] {
                    let rate = shrunk(of_method.get(&m), LEAN, 0.7);
                    let rate = shrunk(of_gateway.get(&(m, *g)), LEAN, rate);
                    let rate = shrunk(of_cell.get(&(m, i, *g)), LEAN, rate);
                    at[usize::from(*g)] = shrunk(of_hour.get(&(hour, m, i, *g)), LEAN_HOUR, rate);
                }
                rates.insert((hour, m, i), at);
            }
        }
        let traffic = traffic.into_iter().map(|hour| hour.into_iter().collect()).collect();
        Ok(Self { names, gateways, traffic, eligible, rates })
    }

    /// Payments drawn from the three days, evenly thinned.
    pub fn world(&self, seed: u64) -> World {
        let mut stream = Stream::named(seed, "bandit replay");
        let volumes: Vec<f64> =
            self.traffic.iter().map(|hour| hour.iter().map(|(_, t)| t).sum()).collect();
        let mut at: Vec<(usize, f64)> =
            (0..DRAWN).map(|_| (stream.weighted(&volumes), stream.uniform())).collect();
        at.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let weights: Vec<Vec<f64>> =
            self.traffic.iter().map(|hour| hour.iter().map(|(_, t)| *t).collect()).collect();
        let payments = at.into_iter().map(|(hour, within)| {
            let [method, issuer, merchant] = self.traffic[hour][stream.weighted(&weights[hour])].0;
            Payment {
                at_ms: ((hour as f64 + within) * 3_600_000.0) as i64,
                values: vec![method, issuer, merchant],
                amount_minor: amount(&mut stream, 1.0),
                eligible: self.eligible[usize::from(method)].clone(),
                rates: self.rates[&(hour, method, issuer)].clone(),
                kept: vec![1.0; self.gateways.len()],
                luck: stream.uniform(),
                delay_ms: delay_ms(&mut stream),
            }
        });
        let payments = payments.collect();
        let gateway = |name: &String| routing::Gateway { name: name.clone(), ..Default::default() };
        World {
            dimensions: ["method", "issuer", "merchant_id"].map(Into::into).into(),
            values: self.names.to_vec(),
            gateways: self.gateways.iter().map(gateway).collect(),
            payments,
        }
    }
}
