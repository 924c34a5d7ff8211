//! `pointsman evaluate`: what another policy would have earned on a log of past payments.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use serde_json::{Value, json};
use stats::off_policy::{Estimate, Estimator};

use super::progress::Progress;
use super::recorded::Recorded;
use super::{Exit, Format, complain};
use crate::evaluate::{self, Candidate, Counted, Evaluation, Judged, Verdict, of_log, of_policy};
use crate::read::visible;
use crate::report::{number, percent};

const BOLD: Style = Style::new().bold();
const WARN: Style = AnsiColor::Yellow.on_default();

/// `evaluate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman evaluate attempts.ndjson --policy learnt.toml
  pointsman evaluate attempts.csv.gz --policy learnt.toml --map time=created,status=outcome,gateway=psp,propensity=p
  pointsman evaluate attempts.parquet --policy learnt.toml --format json | jq .policies[0].uplift

The log is read as `backtest` reads it; its first attempts need a propensity, the
probability with which their gateway was chosen (POST /v1/route answers it). The policy
is a file with [routing] and [[gateways]] as in pointsman.toml; it learns as the log goes
by. Retries teach it but aren't judged: they aren't independent decisions.

Each estimate has an interval that holds whenever one looks, and for comparison the usual
one, which holds for a log whose length was fixed beforehand.")]
pub struct Args {
    #[command(flatten)]
    recorded: Recorded,
    /// The policy to judge
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads, judges, prints.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    judged(&args.recorded, &[&args.policy], args.format)
}

/// The same for one policy or two.
pub fn judged(recorded: &Recorded, policies: &[&Path], format: Format) -> anyhow::Result<Exit> {
    let (wish, zone) = match recorded.wish() {
        Ok(asked) => asked,
        Err(wrong) => {
            complain(&wrong);
            return Ok(Exit::Usage);
        }
    };
    let Some(candidates) = candidates(policies) else { return Ok(Exit::Input) };
    let mut file = match recorded.read(wish, zone) {
        Ok(file) => file,
        Err(problem) => {
            complain(&problem.to_string());
            return Ok(Exit::Input);
        }
    };
    for problem in file.skipped.first.iter().take(SKIPPED_MAX) {
        complain(&problem.to_string());
    }
    if file.counted {
        complain(&format!(
            "{}: holds counts of attempts; a policy is judged on single decisions, one attempt a row, each with its propensity",
            file.name
        ));
        return Ok(Exit::Input);
    }
    let sorting = "reading the temporary files of the sort";
    let counted = evaluate::count(&mut file).context(sorting)?;
    if counted.decisions == 0 {
        complain(&without_decisions(&file.name, &counted));
        return Ok(Exit::Input);
    }
    let judging = Progress::new("judging");
    let tell = &mut |done| judging.rows(done, counted.attempts);
    let evaluation = evaluate::judge(&mut file, counted, &candidates, tell).context(sorting)?;
    drop(judging);
    let told = Told {
        log: &file.name,
        skipped: file.skipped.total,
        candidates: &candidates,
        evaluation: &evaluation,
    };
    match format {
        Format::Json => println!("{}", told.json()),
        Format::Text => {
            let mut text = Vec::new();
            told.text(&mut text)?;
            let mut out = anstream::AutoStream::auto(io::stdout());
            out.write_all(&text)?;
            out.flush()?;
        }
    }
    Ok(Exit::Ok)
}

/// How many rows that could not be read are told one by one.
const SKIPPED_MAX: usize = 10;

/// The policies of these files; none: what is wrong has been said.
pub fn candidates(files: &[&Path]) -> Option<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for file in files {
        match evaluate::read(file) {
            Ok(candidate) => candidates.push(candidate),
            Err(wrong) => wrong.iter().for_each(|wrong| complain(wrong)),
        }
    }
    (candidates.len() == files.len()).then_some(candidates)
}

fn without_decisions(name: &str, counted: &Counted) -> String {
    if counted.without_propensity == 0 {
        return format!(
            "{name}: holds no first attempt with a known outcome; nothing can be judged"
        );
    }
    format!(
        "{name}: propensity: none of {} first attempts has one. Without propensities nobody can tell the policy's doing from the log's: all that could be counted is how often a policy agrees with the log. Route by POST /v1/route with routing.learning = \"explore\" and send its propensity with the attempt, or map the column that holds it (--map propensity=COLUMN)",
        number(counted.without_propensity)
    )
}

/// What is printed.
struct Told<'a> {
    log: &'a str,
    skipped: u64,
    candidates: &'a [Candidate],
    evaluation: &'a Evaluation,
}

impl Told<'_> {
    fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let Evaluation { counted, judged, log, .. } = self.evaluation;
        writeln!(out, "{BOLD}{}{BOLD:#}", self.log)?;
        row(
            out,
            "judged",
            &format!(
                "{} first attempts of {} attempts; {} retries, {} without a known outcome, {} without propensity, {} unreadable rows",
                number(*judged),
                number(counted.attempts),
                number(counted.retries),
                number(counted.unresolved),
                number(counted.without_propensity),
                number(self.skipped)
            ),
        )?;
        row(
            out,
            "the log itself",
            &format!("{} approved, {}", percent(log.value), between(log.interval)),
        )?;
        warn(out, &of_log(self.evaluation))?;
        for (candidate, judged) in self.candidates.iter().zip(&self.evaluation.policies) {
            writeln!(out, "\n{BOLD}{}{BOLD:#}", candidate.name)?;
            self.one(judged, out)?;
        }
        if let Some(difference) = &self.evaluation.between {
            let [a, b] = self.candidates else { return Ok(()) };
            writeln!(out, "\n{BOLD}{} less {}{BOLD:#}", a.name, b.name)?;
            row(out, "difference", &points(difference))?;
            let verdict = Verdict::of(difference, &self.evaluation.policies);
            row(out, "verdict", &words(verdict, difference, &a.name, &b.name))?;
        }
        Ok(())
    }

    fn one(&self, judged: &Judged, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "  {:<16}{:>8}   {:<18}fixed n", "", "value", "at all times")?;
        for (estimator, estimate) in Estimator::ALL.iter().zip(&judged.estimates) {
            writeln!(
                out,
                "  {:<16}{:>8}   {:<18}{}",
                name_of(*estimator),
                percent(estimate.value),
                between(estimate.interval),
                between(estimate.fixed_n)
            )?;
        }
        row(out, "uplift", &points(&judged.uplift))?;
        row(
            out,
            "effective size",
            &format!(
                "{} decisions; the greatest weight is {:.1}, their mean {:.3}",
                number(judged.effective_size as u64),
                judged.weight_max,
                judged.mean_weight.0
            ),
        )?;
        row(out, "overlap", &format!("{} of where it would go", percent(judged.overlap)))?;
        let verdict = Verdict::of(&judged.uplift, std::slice::from_ref(judged));
        row(out, "verdict", &words(verdict, &judged.uplift, "this policy", "the log's own"))?;
        warn(out, &of_policy(self.evaluation, judged))
    }

    fn json(&self) -> Value {
        let Evaluation { counted, judged, late, log, between, .. } = self.evaluation;
        let policies: Vec<Value> = self
            .candidates
            .iter()
            .zip(&self.evaluation.policies)
            .map(|(candidate, judged)| {
                let estimates: serde_json::Map<String, Value> = Estimator::ALL
                    .iter()
                    .zip(&judged.estimates)
                    .map(|(estimator, estimate)| (estimator.as_str().to_owned(), wire(estimate)))
                    .collect();
                json!({
                    "policy": candidate.name,
                    "estimates": estimates,
                    "uplift": wire(&judged.uplift),
                    "verdict": Verdict::of(&judged.uplift, std::slice::from_ref(judged)),
                    "effective_size": judged.effective_size,
                    "weight_mean": judged.mean_weight.0,
                    "weight_max": judged.weight_max,
                    "overlap": judged.overlap,
                    "warnings": of_policy(self.evaluation, judged),
                })
            })
            .collect();
        json!({
            "log": self.log,
            "summary": {
                "attempts": counted.attempts,
                "retries": counted.retries,
                "unresolved": counted.unresolved,
                "without_propensity": counted.without_propensity,
                "without_latency": counted.without_latency,
                "skipped": self.skipped,
                "judged": judged,
                "late": late,
                "propensity_min": counted.propensity_min,
                "value": wire(log),
                "warnings": of_log(self.evaluation),
            },
            "policies": policies,
            "difference": between.as_ref().map(wire),
            "verdict": between.as_ref().map(|it| Verdict::of(it, &self.evaluation.policies)),
        })
    }
}

/// Widest line behind the label.
const WIDTH: usize = 80;

fn row(out: &mut impl Write, label: &str, text: &str) -> io::Result<()> {
    for (at, line) in textwrap::wrap(&visible(text), WIDTH).iter().enumerate() {
        writeln!(out, "  {:<16}{line}", if at == 0 { label } else { "" })?;
    }
    Ok(())
}

fn warn(out: &mut impl Write, warnings: &[String]) -> io::Result<()> {
    for warning in warnings {
        for (at, line) in textwrap::wrap(warning, WIDTH).iter().enumerate() {
            let label = if at == 0 { "warning" } else { "" };
            writeln!(out, "  {WARN}{label:<16}{line}{WARN:#}")?;
        }
    }
    Ok(())
}

fn name_of(estimator: Estimator) -> &'static str {
    match estimator {
        Estimator::Ips => "IPS",
        Estimator::Snips => "SNIPS",
        Estimator::DoublyRobust => "doubly robust",
        Estimator::SwitchDr => "Switch-DR",
    }
}

/// `87.1 to 89.0 %`.
fn between((low, high): (f64, f64)) -> String {
    format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high)
}

/// `+1.2 points, +0.3 to +2.1`.
fn points(difference: &Estimate) -> String {
    let (low, high) = difference.interval;
    format!(
        "{:+.2} points, {:+.2} to {:+.2} at all times ({:+.2} to {:+.2} at a fixed n)",
        100.0 * difference.value,
        100.0 * low,
        100.0 * high,
        100.0 * difference.fixed_n.0,
        100.0 * difference.fixed_n.1
    )
}

fn words(verdict: Verdict, difference: &Estimate, one: &str, other: &str) -> String {
    let (low, high) = difference.interval;
    match verdict {
        Verdict::Better => {
            format!("{one} is better than {other} by {:.2} points at least", 100.0 * low)
        }
        Verdict::Worse => {
            format!("{one} is worse than {other} by {:.2} points at least", -100.0 * high)
        }
        Verdict::Unfounded => {
            "can't be told: the log doesn't go where the policy would, see the warnings".into()
        }
        Verdict::Undecided => format!(
            "can't be told: {one} may be {:.2} points worse than {other} or {:.2} better",
            -100.0 * low,
            100.0 * high
        ),
    }
}

fn wire(estimate: &Estimate) -> Value {
    let pair = |(low, high): (f64, f64)| json!([low, high]);
    json!({ "value": estimate.value, "interval": pair(estimate.interval), "fixed_n": pair(estimate.fixed_n) })
}
