//! On a terminal: the day as it happens, and the keys to meddle with it.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use analyst::IncidentStatus;
use engine::Effect;
use payments::Timestamp;
use pilot::{Command, Intervention, State};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use sim::{FailureKind, Kind};

use super::panels::{Scene, draw};
use super::plain::ended;
use super::show::{Live, Show, Viewer, Wish};
use super::summary::{self, clock};
use crate::read::visible;
use crate::report::estimate;

/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(100);
/// How much faster time passes while nothing happens.
const QUIET_FACTOR: u32 = 20;
/// Simulated time per picture while learning.
const LEARN_MS: i64 = 20 * 60_000;
/// Lines of the cycle log that are kept.
const LOG_MAX: usize = 400;
/// What a key breaks: how much of it, and for how long.
const SEVERITY: f64 = 0.7;
const BROKEN_MS: i64 = 10 * 60_000;
/// Whose word the keys are.
const PERSON: &str = "local";

/// Plays the day on the terminal's alternate screen, then prints how it went.
pub fn run(show: &mut Show, speed: u32) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let played = play(show, &mut terminal, speed);
    ratatui::try_restore()?;
    played?;
    if !show.learning() {
        summary::write(show, &mut anstream::AutoStream::auto(io::stdout()))?;
    }
    Ok(())
}

fn play(show: &mut Show, terminal: &mut DefaultTerminal, speed: u32) -> anyhow::Result<()> {
    while show.learning() {
        show.learn(show.now().plus_millis(LEARN_MS));
        let scene = Scene {
            now: Some(show.now()),
            what: "learning from quiet days".into(),
            share: show.learnt_share(),
            ..Scene::default()
        };
        terminal.draw(|frame| draw(&scene, frame))?;
        if let Some(KeyCode::Char('q') | KeyCode::Esc) = pressed(Duration::ZERO)? {
            return Ok(());
        }
    }
    let mut screen = Screen {
        terminal,
        speed,
        paused: false,
        ahead: false,
        log: VecDeque::new(),
        due: Instant::now(),
        drawn: None,
        broken: 0,
    };
    show.run(&mut screen)?;
    Ok(())
}

/// The key that is pressed within so long; Ctrl+C counts as `q`.
fn pressed(wait: Duration) -> io::Result<Option<KeyCode>> {
    if !event::poll(wait)? {
        return Ok(None);
    }
    let Event::Key(key) = event::read()? else { return Ok(None) };
    if key.kind != KeyEventKind::Press {
        return Ok(None);
    }
    let is_stop = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    Ok(Some(if is_stop { KeyCode::Char('q') } else { key.code }))
}

struct Screen<'t> {
    terminal: &'t mut DefaultTerminal,
    speed: u32,
    paused: bool,
    ahead: bool,
    log: VecDeque<String>,
    /// When the next simulated second may pass.
    due: Instant,
    drawn: Option<Instant>,
    /// Things that keys have broken.
    broken: usize,
}

impl Viewer for Screen<'_> {
    fn look(&mut self, live: &Live<'_>, news: &[Effect]) -> anyhow::Result<Wish> {
        news.iter().for_each(|effect| self.note(effect));
        self.due += self.pace(live);
        // Who falls behind doesn't catch up.
        self.due = self.due.max(Instant::now());
        loop {
            let draws = self.drawn.is_none_or(|at| at.elapsed() >= FRAME);
            if draws {
                self.drawn = Some(Instant::now());
                let scene = self.scene(live);
                self.terminal.draw(|frame| draw(&scene, frame))?;
            }
            let rest = self.due.saturating_duration_since(Instant::now());
            let wait = if self.paused { FRAME } else { rest.min(FRAME) };
            // Looking for keys costs more than a quiet second does.
            if (draws || !wait.is_zero())
                && let Some(key) = pressed(wait)?
                && let Some(wish) = self.wish(key, live)
            {
                return Ok(wish);
            }
            if !self.paused && Instant::now() >= self.due {
                return Ok(Wish::GoOn);
            }
        }
    }
}

impl Screen<'_> {
    /// How long a simulated second lasts.
    fn pace(&self, live: &Live<'_>) -> Duration {
        if self.ahead {
            return Duration::ZERO;
        }
        let busy = live.interventions().iter().any(|one| one.state == State::Active)
            || live.incidents().iter().any(|i| i.status != IncidentStatus::Resolved);
        let factor = if busy { 1 } else { QUIET_FACTOR };
        Duration::from_secs(1) / (self.speed * factor)
    }

    fn wish(&mut self, key: KeyCode, live: &Live<'_>) -> Option<Wish> {
        let waiting = || live.interventions().into_iter().find(|one| one.state == State::Pending);
        match key {
            KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Stop),
            KeyCode::Char(' ') => {
                self.paused = !self.paused;
                None
            }
            KeyCode::Char('f') => {
                self.ahead = !self.ahead;
                None
            }
            KeyCode::Char('r') => {
                self.say(live.now, "everything is repaired".into());
                Some(Wish::Repair)
            }
            KeyCode::Char('o') => self.breaks(live, self.broken, "gateway"),
            KeyCode::Char('b') => self.breaks(live, self.broken, "issuer"),
            KeyCode::Char(digit @ '1'..='9') => {
                let place = digit as usize - '1' as usize;
                let routes = live.routes();
                let gateway = routes.get(place)?.slice.get("gateway")?.to_owned();
                Some(self.outage(live, "gateway", &gateway))
            }
            KeyCode::Char('a') => waiting().map(|one| tell(approval(&one))),
            KeyCode::Char('x') => waiting().map(|one| {
                let reason = "turned down in the demonstration".into();
                tell(Command::Reject { intervention_id: one.id, reason, by: PERSON.into() })
            }),
            KeyCode::Char('k') => Some(tell(Command::KillSwitch {
                engaged: !live.is_killed(),
                reason: "a key of the demonstration".into(),
                by: PERSON.into(),
            })),
            _ => None,
        }
    }

    /// Breaks one value of a dimension after the other.
    fn breaks(&mut self, live: &Live<'_>, place: usize, dimension: &str) -> Option<Wish> {
        let config = live.world.config();
        let names: Vec<&str> = match dimension {
            "gateway" => config.gateways.iter().map(|one| one.name.as_str()).collect(),
            _ => config.banks.iter().map(|one| one.name.as_str()).collect(),
        };
        let name = (*names.get(place % names.len().max(1))?).to_owned();
        Some(self.outage(live, dimension, &name))
    }

    fn outage(&mut self, live: &Live<'_>, dimension: &str, name: &str) -> Wish {
        self.broken += 1;
        let blame = if dimension == "issuer" { FailureKind::Issuer } else { FailureKind::Gateway };
        let kind = Kind::Outage { severity: SEVERITY, blame };
        let until = live.now.plus_millis(BROKEN_MS);
        self.say(live.now, format!("you broke {dimension} {}", visible(name)));
        let slice = [(dimension, name)];
        Wish::Break(Box::new(sim::Incident::on(slice, live.now, until, kind)))
    }

    fn say(&mut self, at: Timestamp, text: String) {
        self.log.push_back(format!("{} {text}", clock(at)));
        self.log.push_back(String::new());
    }

    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Cycle { at, incident_id, text } => {
                self.log.push_back(format!("{} {}", clock(*at), visible(incident_id)));
                self.log.extend(text.lines().map(visible));
                self.log.push_back(String::new());
            }
            Effect::Incident(i) if i.status == IncidentStatus::Resolved => {
                let end = i.resolved_at.unwrap_or(i.detected_at);
                let lost = estimate(i.impact.lost_payments);
                self.say(end, format!("{} is over: {lost} payments lost", visible(&i.id)));
            }
            Effect::Intervention(one) => {
                if let Some(line) = ended(one) {
                    self.log.extend([line, String::new()]);
                }
            }
            Effect::Refused(why) => self.log.extend([visible(why), String::new()]),
            _ => {}
        }
        while self.log.len() > LOG_MAX {
            self.log.pop_front();
        }
    }

    fn scene(&self, live: &Live<'_>) -> Scene {
        let all = live.ends_at.millis_since(live.starts_at).max(1) as f64;
        let what = if self.paused {
            "paused"
        } else if self.ahead {
            "running ahead"
        } else {
            "live"
        };
        Scene {
            now: Some(live.now),
            what: what.into(),
            share: live.now.millis_since(live.starts_at) as f64 / all,
            killed: live.is_killed(),
            routes: live.routes(),
            incidents: live.incidents(),
            interventions: live.interventions(),
            log: self.log.iter().cloned().collect(),
        }
    }
}

fn tell(command: Command) -> Wish {
    Wish::Tell(Box::new(command))
}

fn approval(one: &Intervention) -> Command {
    Command::Approve {
        intervention_id: one.id.clone(),
        plan_hash: one.plan_hash.clone(),
        by: PERSON.into(),
    }
}
