//! Reading a scenario.

use super::events::{happening, name_of, room, shape, slice};
use super::words::{Fault, Problem, Words, fault, prose, quoted, time_text};
use super::{CAUSES, Event, Expect, Line, Network, Place, Scenario, What};
use crate::config::WorldConfig;
use crate::incident::{Pairs, Shape};

const BYTES_MAX: usize = 64 * 1024;
const EVENTS_MAX: usize = 50;
const PROBLEMS_MAX: usize = 50;
const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

pub(super) const STATEMENTS: &str =
    "scenario:, about:, world:, learn:, start:, run:, feedback:, capacity:, at ..., expect:";

/// A scenario in the making.
struct Draft {
    scenario: Scenario,
    /// Statements that may stand once, as seen.
    seen: Vec<&'static str>,
    config: WorldConfig,
}

impl Scenario {
    /// Reads a scenario, or says everything that is wrong with it.
    ///
    /// ```
    /// let text = "\
    /// scenario: PayU fails on Visa
    /// world: small
    /// run: 45m
    /// at 10m for 30m: outage on gateway=PAYU network=VISA lose 35 points blame gateway
    /// ";
    /// let scenario = sim::Scenario::parse(text).unwrap();
    /// let stage = scenario.stage(7).unwrap();
    /// assert_eq!(stage.truth[0].cause, "network_or_system_failure");
    /// assert!(sim::Scenario::parse("at 10m: rain").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        if text.len() > BYTES_MAX {
            let found = format!("{} bytes", text.len());
            return Err(vec![Problem { line: 0, found, allowed: format!("{BYTES_MAX} bytes") }]);
        }
        let mut draft = Draft {
            scenario: Self {
                name: String::new(),
                about: Vec::new(),
                world: Network::MEDIUM,
                learn_ms: DAY_MS,
                start_min: 14 * 60,
                run_ms: 3_600_000,
                feedback_ms: 3 * SECOND_MS,
                capacities: Vec::new(),
                events: Vec::new(),
                expect: Vec::new(),
            },
            seen: Vec::new(),
            config: WorldConfig::default(),
        };
        let mut problems = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            if let Err(Fault { found, allowed }) = draft.statement(number, line) {
                problems.push(Problem { line: number, found, allowed });
            }
            if problems.len() == PROBLEMS_MAX {
                return Err(problems);
            }
        }
        // What a broken line would have said can't be judged.
        if problems.is_empty() {
            problems = draft.faults();
        }
        if problems.is_empty() { Ok(draft.scenario) } else { Err(problems) }
    }
}

impl Draft {
    fn statement(&mut self, number: usize, line: &str) -> Result<(), Fault> {
        if let Some(rest) = line.strip_prefix("at ") {
            return self.event(number, rest);
        }
        let Some((name, rest)) = line.split_once(':') else {
            return fault(quoted(line), STATEMENTS);
        };
        let rest = rest.trim();
        let mut words = Words::new(rest);
        let scenario = &mut self.scenario;
        let once = match name {
            "scenario" => "scenario",
            "world" => "world",
            "learn" => "learn",
            "start" => "start",
            "run" => "run",
            "feedback" => "feedback",
            "about" | "capacity" | "expect" => "",
            _ => return fault(quoted(name), STATEMENTS),
        };
        if !once.is_empty() {
            if self.seen.contains(&once) {
                return fault(format!("a second `{once}:`"), "one of them");
            }
            self.seen.push(once);
        }
        match name {
            "scenario" => {
                scenario.name = prose(rest)?;
                return Ok(());
            }
            "about" => {
                if scenario.about.len() == EVENTS_MAX {
                    return fault("one more line of `about:`", format!("{EVENTS_MAX} of them"));
                }
                scenario.about.push(prose(rest)?);
                return Ok(());
            }
            "world" => scenario.world = world(&mut words)?,
            "learn" => scenario.learn_ms = words.time(60 * SECOND_MS, 28 * DAY_MS)?,
            "start" => scenario.start_min = clock(&mut words)?,
            "run" => scenario.run_ms = words.time(10 * SECOND_MS, 7 * DAY_MS)?,
            "feedback" => scenario.feedback_ms = words.time(0, 3_600_000)?,
            "capacity" => {
                let gateway = name_of(&mut words, &self.config, "gateway", 0)?;
                if scenario.capacities.iter().any(|(known, _)| *known == gateway) {
                    return fault(format!("a second capacity of {gateway}"), "one per gateway");
                }
                scenario.capacities.push((gateway, room(&mut words)?));
            }
            _ => {
                if scenario.expect.len() == EVENTS_MAX {
                    return fault("one more `expect:`", format!("{EVENTS_MAX} of them"));
                }
                scenario.expect.push(expect(&mut words, number, &self.config)?);
            }
        }
        words.end()
    }

    /// `10m for 30m: outage on ...`
    fn event(&mut self, number: usize, rest: &str) -> Result<(), Fault> {
        if self.scenario.events.len() == EVENTS_MAX {
            return fault("one more event", format!("{EVENTS_MAX} of them"));
        }
        let Some((when, what)) = rest.split_once(':') else {
            return fault("no `:`", "`at 10m for 30m: ...`");
        };
        let mut words = Words::new(when);
        let at_ms = words.time(0, 7 * DAY_MS)?;
        words.expect("for")?;
        let for_ms = words.time(SECOND_MS, 7 * DAY_MS)?;
        words.end()?;
        let mut words = Words::new(what);
        let (what, place) = happening(&mut words, &self.config)?;
        let shape = shape(&mut words)?;
        words.end()?;
        let line = Line(number);
        self.scenario.events.push(Event { line, at_ms, for_ms, what, place, shape });
        Ok(())
    }

    /// What no line alone can be blamed for.
    fn faults(&self) -> Vec<Problem> {
        let Self { scenario, .. } = self;
        let mut problems = Vec::new();
        let mut problem = |line, found: String, allowed: String| {
            problems.push(Problem { line, found, allowed });
        };
        if scenario.name.is_empty() {
            problem(0, "no name".into(), "`scenario: NAME`, once".into());
        }
        let run = time_text(scenario.run_ms);
        let merchants = usize::from(scenario.world.merchants);
        for event in &scenario.events {
            let line = event.line.0;
            let end = event.at_ms + event.for_ms;
            if end > scenario.run_ms {
                let end = time_text(end);
                problem(
                    line,
                    format!("an end at {end}"),
                    format!("an end within the run of {run}"),
                );
            }
            if matches!(event.what, What::Capacity(_)) && event.shape != Shape::Step {
                problem(
                    line,
                    "a capacity with a shape".into(),
                    "a capacity from start to end".into(),
                );
            }
            let Place::Slice(slice) = &event.place else { continue };
            if let Some(found) = unknown_merchant(slice, merchants) {
                problem(line, found, format!("merchant_01 to merchant_{merchants:02}"));
            }
        }
        for expect in &scenario.expect {
            match expect {
                Expect::Decoy(line) if scenario.expect.len() > 1 => {
                    problem(line.0, "more than `expect: decoy`".into(), "that alone".into());
                }
                Expect::Cause(line, _, None) if scenario.events.is_empty() => {
                    problem(line.0, "a cause, but no event".into(), "`at SLICE`".into());
                }
                Expect::Cause(line, _, Some(slice)) => {
                    if let Some(found) = unknown_merchant(slice, merchants) {
                        problem(line.0, found, format!("merchant_01 to merchant_{merchants:02}"));
                    }
                }
                _ => {}
            }
        }
        problems
    }
}

fn unknown_merchant(slice: &Pairs, merchants: usize) -> Option<String> {
    let name = slice.get("merchant_id")?;
    let is_known = (1..=merchants).any(|i| *name == format!("merchant_{i:02}"));
    (!is_known).then(|| quoted(name))
}

fn world(words: &mut Words<'_>) -> Result<Network, Fault> {
    let mut world = Network::MEDIUM;
    let sizes = [Network::SMALL, Network::MEDIUM, Network::LARGE];
    let start = words.peek().unwrap_or_default();
    if start.ends_with("/s") {
        world.attempts_per_s = words.per_s(0.1, 10_000.0)?;
    } else {
        match words.one_of(&["small", "medium", "large"]) {
            Ok(size) => world = sizes[size],
            Err(_) => return words.refuse("small, medium, large, or a rate like 60/s"),
        }
    }
    while words.peek().is_some() {
        match words.one_of(&["merchants", "retries", "season"])? {
            0 => world.merchants = whole(words, 1.0, 500.0)? as u16,
            1 => world.retries_percent = words.percent(90.0)?,
            _ => world.season = words.one_of(&["on", "off"])? == 0,
        }
    }
    Ok(world)
}

fn whole(words: &mut Words<'_>, low: f64, high: f64) -> Result<f64, Fault> {
    match words.peek() {
        Some(word) if word.bytes().all(|b| b.is_ascii_digit()) => words.plain(low, high),
        _ => words.refuse(format!("a whole number of {low} to {high}")),
    }
}

/// `14:30`
fn clock(words: &mut Words<'_>) -> Result<i64, Fault> {
    let minutes = words.peek().and_then(|word| {
        let (hour, minute) = word.split_once(':')?;
        let digits = |text: &str| {
            let is_plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i64>().ok().filter(|_| is_plain)
        };
        let (hour, minute) = (digits(hour)?, digits(minute)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    });
    match minutes {
        Some(minutes) => {
            words.take();
            Ok(minutes)
        }
        None => words.refuse("a time of day, 00:00 to 23:59"),
    }
}

fn expect(words: &mut Words<'_>, number: usize, config: &WorldConfig) -> Result<Expect, Fault> {
    let line = Line(number);
    if words.eat("decoy") {
        return Ok(Expect::Decoy(line));
    }
    let Ok(cause) = words.one_of(&CAUSES) else {
        return words.refuse(format!("decoy, {}", CAUSES.join(", ")));
    };
    let slice = if words.eat("at") { Some(slice(words, config)?) } else { None };
    Ok(Expect::Cause(line, CAUSES[cause], slice))
}
