//! Retry advice against an oracle written apart: the same answer and the same earliest time, in every case.
//!
//! **Cases.** A million drawn histories of one card at one merchant: every code of the taxonomy, the schemes with rules and others, customer- and
//! merchant-initiated, one to five amounts, all regions, gaps from minutes to months, asked between 2021 and 2027, so across every date on which a rule changes.
//! A third is long enough to reach the limits.
//!
//! **Oracle.** [`oracle`] reads the two data files by itself and shares no code with `payments`: it doesn't derive an end, it tries
//! every instant at which anything can change, one after the other, until nothing stands against a try.
//!
//! **Compared** are the kind of the answer, the earliest time, how many tries the nearest limit leaves, whether something has to be corrected
//! first, and that the rule or code that is named is one of those that stood till then.

mod case;
mod oracle;

use std::fmt::Write;

use payments::{
    By, Initiator, PastAttempt, RetryAnswer, RetryQuestion, RetryRules, Status, Timestamp,
    may_retry,
};
use stats::stream::Stream;

use crate::report::{Options, Report};
use case::{Case, Drawer};
use oracle::{Kind, Oracle};

const CASES: u64 = 1_000_000;
/// Cases of one seed: `--seeds 0..1000` is the default.
const CASES_PER_SEED: u64 = 1_000;

/// How often each kind of answer came, so that a trivial agreement would show.
#[derive(Default)]
struct Tally {
    cases: u64,
    by_kind: [u64; 6],
    mismatches: u64,
    first: Vec<String>,
}

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seeds = options.seeds_or(0..CASES / CASES_PER_SEED);
    let oracle = Oracle::read()?;
    let drawer = Drawer::new(oracle.codes());
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let (seeds, oracle, drawer) = (&seeds, &oracle, &drawer);
        let work = |worker: u64| {
            let own = seeds.clone().filter(move |seed| seed % workers == worker);
            move || own.fold(Tally::default(), |tally, seed| of_seed(seed, oracle, drawer, tally))
        };
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(work(worker))).collect();
        running.into_iter().map(|worker| worker.join().expect("a worker ends")).collect()
    });
    let mut sum = Tally::default();
    for tally in tallies {
        sum.cases += tally.cases;
        sum.mismatches += tally.mismatches;
        sum.by_kind.iter_mut().zip(tally.by_kind).for_each(|(sum, part)| *sum += part);
        sum.first.extend(tally.first);
    }
    let mut text = String::new();
    let names = [
        "now",
        "after a wait",
        "refused for a time",
        "never",
        "reconcile first",
        "approved already",
    ];
    for (name, count) in names.iter().zip(sum.by_kind) {
        writeln!(text, "{name:<20} {count:>9}")?;
    }
    for case in sum.first.iter().take(5) {
        writeln!(text, "{case}")?;
    }
    let figures =
        [("mismatches", sum.mismatches as f64), ("cases", sum.cases as f64)].into_iter().collect();
    let is_diverse = sum.by_kind.iter().all(|count| *count > sum.cases / 1_000);
    Ok(Report { text, figures, pass: sum.mismatches == 0 && is_diverse })
}

fn of_seed(seed: u64, oracle: &Oracle, drawer: &Drawer, mut tally: Tally) -> Tally {
    let mut stream = Stream::named(seed, "bench retries");
    for _ in 0..CASES_PER_SEED {
        let case = drawer.case(&mut stream);
        let expected = oracle.answer(&case);
        let answer = asked(&case, |question| told(&may_retry(question, RetryRules::published())));
        tally.cases += 1;
        let kind = match expected.kind {
            Kind::From { refused: false, at } if at == case.now => 0,
            Kind::From { refused: false, .. } => 1,
            Kind::From { refused: true, .. } => 2,
            Kind::Never => 3,
            Kind::Reconcile { .. } => 4,
            Kind::Approved => 5,
        };
        tally.by_kind[kind] += 1;
        let same = answer.kind == expected.kind
            && answer.left == expected.left
            && answer.correct_first == expected.correct_first
            && answer.by.as_ref().is_none_or(|by| expected.by.contains(by))
            && (answer.by.is_some() || expected.by.is_empty());
        if !same {
            tally.mismatches += 1;
            if tally.first.len() < 5 {
                tally
                    .first
                    .push(format!("seed {seed}: {answer:?}, expected {expected:?}: {case:?}"));
            }
        }
    }
    tally
}

/// An answer in the oracle's words.
#[derive(Debug)]
struct Told {
    kind: Kind,
    by: Option<String>,
    left: Option<u32>,
    correct_first: bool,
}

fn told(answer: &RetryAnswer<'_>) -> Told {
    let name = |by: &By<'_>| match by {
        By::Rule(rule) => rule.name.to_owned(),
        By::Decline(row) => format!("{}/{}", row.source, row.value),
        By::Approved => "approved".to_owned(),
    };
    let none = |kind, by: Option<String>| Told { kind, by, left: None, correct_first: false };
    match answer {
        RetryAnswer::Allowed { not_before, by, left, correct_first } => Told {
            kind: Kind::From { refused: false, at: not_before.as_millis() },
            by: by.as_ref().map(name),
            left: *left,
            correct_first: *correct_first,
        },
        RetryAnswer::Refused { by: By::Approved, .. } => none(Kind::Approved, None),
        RetryAnswer::Refused { by, until: None } => none(Kind::Never, Some(name(by))),
        RetryAnswer::Refused { by, until: Some(until) } => {
            none(Kind::From { refused: true, at: until.as_millis() }, Some(name(by)))
        }
        RetryAnswer::ReconcileFirst { since } => {
            none(Kind::Reconcile { since: since.as_millis() }, None)
        }
    }
}

/// Asks the project about a case.
fn asked<T>(case: &Case, ask: impl FnOnce(&RetryQuestion<'_>) -> T) -> T {
    let initiator = |name: &Option<&str>| {
        name.map(|name| if name == "cit" { Initiator::Cit } else { Initiator::Mit })
    };
    let codes: Vec<Vec<payments::Code>> = case
        .history
        .iter()
        .map(|past| {
            let code = |(source, value): &(String, String)| payments::Code {
                source: source.clone(),
                value: value.clone(),
            };
            past.codes.iter().map(code).collect()
        })
        .collect();
    let money = |amount: &Option<(i64, &str)>| {
        amount.map(|(minor, currency)| payments::Money {
            minor,
            currency: payments::Currency::parse(currency).expect("a currency"),
        })
    };
    let history: Vec<PastAttempt<'_>> = case
        .history
        .iter()
        .zip(&codes)
        .map(|(past, codes)| PastAttempt {
            at: Timestamp::from_millis(past.at),
            status: match past.status {
                "approved" => Status::Approved,
                "declined" => Status::Declined,
                "error" => Status::Error,
                "timeout" => Status::Timeout,
                "unknown" => Status::Unknown,
                _ => Status::Abandoned,
            },
            codes,
            amount: money(&past.amount),
            initiator: initiator(&past.initiator),
            gateway: past.gateway,
            same_payment: past.same_payment,
        })
        .collect();
    ask(&RetryQuestion {
        network: case.network,
        gateway: case.gateway,
        initiator: initiator(&case.initiator),
        amount: money(&case.amount),
        region: case.region,
        card_present: case.card_present,
        history: &history,
        now: Timestamp::from_millis(case.now),
    })
}
