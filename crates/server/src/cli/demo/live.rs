//! On a terminal: routes, open incidents and the cycle log, live.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use analyst::{Incident, IncidentStatus};
use engine::Effect;
use ratatui::DefaultTerminal;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Cell, Gauge, Paragraph, Row, Table, Wrap};

use super::plain::columns;
use super::show::Show;
use super::summary::{self, clock};
use crate::read::visible;
use crate::report::{estimate, percent, place, span};

/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(100);
/// Simulated time per step while running ahead or learning.
const AHEAD_MS: i64 = 20 * 60_000;
/// Lines of the cycle log that are kept.
const LOG_MAX: usize = 400;

/// Plays the day on the terminal's alternate screen, then prints how it went.
pub fn run(seed: u64, learn_days: u32, speed: u32) -> anyhow::Result<()> {
    let mut show = Show::new(seed, learn_days)?;
    let mut terminal = ratatui::try_init()?;
    let played = play(&mut show, &mut terminal, speed);
    ratatui::try_restore()?;
    if played? {
        summary::write(&show, &mut anstream::AutoStream::auto(io::stdout()))?;
    }
    Ok(())
}

#[derive(Default)]
struct View {
    paused: bool,
    ahead: bool,
    log: VecDeque<String>,
    ended: Vec<String>,
}

/// Whether the day was played to its end.
fn play(show: &mut Show, terminal: &mut DefaultTerminal, speed: u32) -> anyhow::Result<bool> {
    let mut view = View::default();
    while !show.over() {
        let started = Instant::now();
        if !view.paused {
            let step = if show.learning() || view.ahead {
                AHEAD_MS
            } else {
                i64::from(speed) * FRAME.as_millis() as i64
            };
            let mut until = show.now().plus_millis(step);
            if show.learning() {
                until = until.min(show.starts_at());
            }
            for effect in show.play(until) {
                view.note(&effect);
            }
        }
        terminal.draw(|frame| view.draw(show, frame))?;
        let rest = FRAME.saturating_sub(started.elapsed());
        if event::poll(if view.ahead || show.learning() { Duration::ZERO } else { rest })?
            && let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
        {
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(false),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Ok(false);
                }
                KeyCode::Char(' ') => view.paused = !view.paused,
                KeyCode::Char('f') => view.ahead = !view.ahead,
                _ => {}
            }
        }
    }
    Ok(true)
}

impl View {
    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Finding(_) => {}
            Effect::Cycle { at, incident_id, text } => {
                self.log.push_back(format!("{} {}", clock(*at), visible(incident_id)));
                self.log.extend(text.lines().map(visible));
                self.log.push_back(String::new());
            }
            Effect::Incident(i) if i.status == IncidentStatus::Resolved => {
                let end = i.resolved_at.map_or_else(|| "?".into(), clock);
                self.log.push_back(format!(
                    "{end} {} is over: {} payments lost",
                    visible(&i.id),
                    estimate(i.impact.lost_payments)
                ));
                self.log.push_back(String::new());
                self.ended.push(i.id.clone());
            }
            _ => {}
        }
        while self.log.len() > LOG_MAX {
            self.log.pop_front();
        }
    }

    fn draw(&self, show: &Show, frame: &mut Frame) {
        let routes = show.routes();
        let table_lines = routes.len() as u16 + 3;
        let [head, bar, middle, log, foot] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(table_lines.clamp(5, 12)),
            Constraint::Min(4),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        let what = if show.learning() { "learning from quiet days" } else { "watching the day" };
        let title = format!("Pointsman  {} UTC  {what}", clock(show.now()));
        frame.render_widget(Line::from(title).bold(), head);
        let share = if show.learning() {
            show.learnt_share()
        } else {
            let all = show.ends_at().millis_since(show.starts_at()) as f64;
            show.now().millis_since(show.starts_at()) as f64 / all
        };
        frame.render_widget(Gauge::default().ratio(share.clamp(0.0, 1.0)).label(""), bar);
        let [left, right] =
            Layout::horizontal([Constraint::Min(58), Constraint::Percentage(48)]).areas(middle);
        Self::routes(&routes, frame, left);
        incidents(&show.incidents(), frame, right);
        self.cycles(frame, log);
        let state = if self.paused {
            "paused"
        } else if self.ahead {
            "running ahead"
        } else {
            ""
        };
        frame.render_widget(
            Line::from(format!("q quits  space pauses  f runs ahead  {state}")).dim(),
            foot,
        );
    }

    fn routes(routes: &[analyst::SliceStats], frame: &mut Frame, area: Rect) {
        let rows = routes.iter().map(|r| {
            let low = matches!((r.success_rate, r.baseline_rate), (Some(seen), Some(expected)) if seen < expected - 0.1 && r.attempts >= 20);
            let style = if low { Style::new().red() } else { Style::new() };
            Row::new(columns(r).map(Cell::from)).style(style)
        });
        let widths = [14, 8, 9, 9, 9, 9].map(Constraint::Length);
        let header =
            ["gateway       ", "attempts", "  success", " expected", "      p50", "      p95"];
        let table = Table::new(rows, widths)
            .column_spacing(0)
            .header(Row::new(header).dim())
            .block(Block::bordered().title("routes, last 60 s"));
        frame.render_widget(table, area);
    }

    fn cycles(&self, frame: &mut Frame, area: Rect) {
        let inner = area.height.saturating_sub(2) as usize;
        let width = usize::from(area.width.saturating_sub(2)).max(20);
        let lines: Vec<Line> = self
            .log
            .iter()
            .flat_map(|l| {
                let strong = l.starts_with("Diagnosis:") || l.contains("is over");
                textwrap::wrap(l, textwrap::Options::new(width).subsequent_indent("  "))
                    .into_iter()
                    .map(|part| part.into_owned())
                    .map(
                        move |part| if strong { Line::from(part).bold() } else { Line::from(part) },
                    )
                    .collect::<Vec<_>>()
            })
            .collect();
        let from = lines.len().saturating_sub(inner);
        let log =
            Paragraph::new(lines[from..].to_vec()).block(Block::bordered().title("cycle log"));
        frame.render_widget(log, area);
    }
}

fn incidents(all: &[Incident], frame: &mut Frame, area: Rect) {
    let open: Vec<&Incident> =
        all.iter().filter(|i| i.status != IncidentStatus::Resolved).collect();
    let mut lines: Vec<Line> = Vec::new();
    for i in open.iter().rev() {
        lines.push(Line::from(place(i)).red().bold());
        lines.push(Line::from(format!(
            "  {} for {}, {} lost, since {}",
            percent(i.observed_rate),
            percent(i.baseline_rate),
            estimate(i.impact.lost_payments),
            span(i.detected_at.millis_since(i.started_at))
        )));
    }
    if lines.is_empty() {
        lines.push(Line::from("none").dim());
    }
    let title = format!("open incidents ({}; {} so far)", open.len(), all.len());
    let list =
        Paragraph::new(lines).wrap(Wrap { trim: false }).block(Block::bordered().title(title));
    frame.render_widget(list, area);
}
