//! How fast routing leaves a gateway that fails, and comes back to it: the whole server over HTTP, with outcomes that come late.
//!
//! **Scene.** Six gateways, eight payments per second of event time, routed one second at a time; each outcome is sent with its own event 5 to 25 s later. The pilot only watches
//! (`shadow`): what moves is the ordinary choice, which explores, all else of it at its default. Fifteen minutes of calm make a favourite, then its success rate falls to 0.2 for ten minutes, then it is what it was.
//! **Shares** are those of 200 probes per second, payments that are asked for and never made. The favourite carries half of them or more before.
//! **Figures.** `outcomes_to_15`: outcomes of the favourite since its fall that had been told when its share was below 15 % for the first time. `back_s`: from its
//! recovery until it has half its former share, over a minute's probes. The worst of the seeds counts.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use stats::stream::Stream;

use crate::report::{Options, Report};
use crate::served::{Program, Served, key};

const OUTCOMES_MAX: f64 = 40.0;
const BACK_S_MAX: f64 = 300.0;
/// A Monday, 09:00 UTC.
const START_MS: i64 = 1_789_981_200_000;
const PER_S: u64 = 8;
const PROBES: usize = 200;
const CALM_S: i64 = 900;
const FAILS_S: i64 = 600;
const RATES: [f64; 6] = [0.93, 0.86, 0.84, 0.84, 0.8, 0.75];
const FALLEN: f64 = 0.2;
const CONFIG: &str = r#"
[clock]
source = "event"
[routing]
learning = "explore"
[[gateways]]
name = "g0"
[[gateways]]
name = "g1"
[[gateways]]
name = "g2"
[[gateways]]
name = "g3"
[[gateways]]
name = "g4"
[[gateways]]
name = "g5"
"#;

struct Measured {
    share_before: f64,
    outcomes_to_15: f64,
    back_s: f64,
}

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let mut text = String::from("seed  share before  outcomes to 15 %  back after s\n");
    let (mut outcomes, mut back) = (0.0_f64, 0.0_f64);
    for seed in options.seeds_or(0..5) {
        let measured = measure(seed)?;
        text += &format!(
            "{seed:4}  {:12.2}  {:16}  {:12}\n",
            measured.share_before, measured.outcomes_to_15, measured.back_s
        );
        ensure!(measured.share_before >= 0.5, "seed {seed}: the favourite has less than half");
        outcomes = outcomes.max(measured.outcomes_to_15);
        back = back.max(measured.back_s);
    }
    Ok(Report {
        text,
        figures: [("outcomes_to_15", outcomes), ("back_s", back)].into(),
        pass: outcomes <= OUTCOMES_MAX && back <= BACK_S_MAX,
    })
}

fn measure(seed: u64) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir().context("no folder for the store")?;
    std::fs::write(folder.path().join("pointsman.toml"), CONFIG)?;
    let admin = key(folder.path(), ["--role", "admin"])?;
    let server = Served::start(Program::Pointsman, folder.path(), &admin)?;
    let mut play = Play::new(&server, seed);
    let mut before = 0.0;
    for second in 0..CALM_S {
        let share = play.second(second, false)?;
        if second >= CALM_S - 60 {
            before += share / 60.0;
        }
    }
    let mut to_15 = None;
    play.told_of_favourite = 0;
    for second in CALM_S..CALM_S + FAILS_S {
        let share = play.second(second, true)?;
        if share < 0.15 && to_15.is_none() {
            to_15 = Some(play.told_of_favourite);
        }
    }
    let Some(to_15) = to_15 else { bail!("seed {seed}: the favourite is never left") };
    let mut last = VecDeque::new();
    for second in 0..2 * BACK_S_MAX as i64 {
        let share = play.second(CALM_S + FAILS_S + second, false)?;
        last.push_back(share);
        if last.len() > 60 {
            last.pop_front();
        }
        let of_minute = last.iter().sum::<f64>() / last.len() as f64;
        if of_minute >= 0.5 * before || share >= 0.5 * before && last.len() >= 60 {
            return Ok(Measured {
                share_before: before,
                outcomes_to_15: f64::from(to_15),
                back_s: second as f64,
            });
        }
    }
    Ok(Measured { share_before: before, outcomes_to_15: f64::from(to_15), back_s: f64::INFINITY })
}

struct Play<'a> {
    server: &'a Served,
    seed: u64,
    stream: Stream,
    /// Events by the second in which they are sent.
    due: BTreeMap<i64, Vec<Value>>,
    made: u64,
    told_of_favourite: u32,
}

impl<'a> Play<'a> {
    fn new(server: &'a Served, seed: u64) -> Self {
        let stream = Stream::named(seed, "bench steer");
        Self { server, seed, stream, due: BTreeMap::new(), made: 0, told_of_favourite: 0 }
    }

    /// Routes what comes in a second, tells what is known by its end; the favourite's share of the probes.
    fn second(&mut self, second: i64, is_fallen: bool) -> anyhow::Result<f64> {
        let payments: Vec<Value> = (0..PER_S).map(|_| self.payment()).collect();
        let decisions = self.route(&payments)?;
        for (payment, decision) in payments.into_iter().zip(decisions) {
            let gateway = decision["gateway"].as_str().context("a choice without gateway")?;
            let number: usize = gateway.trim_start_matches('g').parse()?;
            let rate = if is_fallen && number == 0 { FALLEN } else { RATES[number] };
            let known = second + 5 + self.stream.below(21) as i64;
            let is_approved = self.stream.bernoulli(rate);
            let mut event = payment;
            event["attempt_id"] = json!(format!("att_{}_{}", self.seed, self.made));
            self.made += 1;
            event["gateway"] = json!(gateway);
            event["status"] = json!(if is_approved { "approved" } else { "declined" });
            event["occurred_at"] =
                json!(START_MS + known * 1_000 + self.stream.below(1_000) as i64);
            event["decision_id"] = decision["decision_id"].clone();
            event["propensity"] = decision["propensity"].clone();
            event["made_fallen"] = json!(is_fallen);
            self.due.entry(known).or_default().push(event);
        }
        let mut events = self.due.remove(&second).unwrap_or_default();
        events.sort_by_key(|event| event["occurred_at"].as_i64());
        let of_fallen = |event: &&Value| event["gateway"] == "g0" && event["made_fallen"] == true;
        self.told_of_favourite += events.iter().filter(of_fallen).count() as u32;
        if !events.is_empty() {
            let lines: Vec<String> = events.iter().map(Value::to_string).collect();
            self.server.post("/v1/events", "application/x-ndjson", &lines.join("\n"))?;
        }
        let probes: Vec<Value> = (0..PROBES).map(|_| self.payment()).collect();
        let chosen = self.route(&probes)?;
        let favourite = chosen.iter().filter(|choice| choice["gateway"] == "g0").count();
        Ok(favourite as f64 / PROBES as f64)
    }

    fn payment(&mut self) -> Value {
        let issuer = ["HDFC", "ICICI", "SBI", "AXIS"][self.stream.weighted(&[0.4, 0.3, 0.2, 0.1])];
        let network = ["VISA", "RUPAY"][self.stream.weighted(&[0.7, 0.3])];
        let id = format!("pay_{}_{:x}", self.seed, self.stream.next_u64() >> 20);
        json!({
            "payment_id": id, "merchant_id": "m_1", "amount": {"minor": 150_000, "currency": "INR"},
            "method": "card", "network": network, "issuer": issuer, "country": "IN"
        })
    }

    fn route(&self, payments: &[Value]) -> anyhow::Result<Vec<Value>> {
        let body = json!({ "payments": payments }).to_string();
        let mut answer = self.server.post("/v1/route/batch", "application/json", &body)?;
        match answer["decisions"].take() {
            Value::Array(decisions) => Ok(decisions),
            other => bail!("decisions are no list: {other}"),
        }
    }
}
