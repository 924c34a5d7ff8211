//! The picture: routes, open incidents, experiments with their arms, and the cycle log.

use analyst::{Incident, IncidentStatus, SliceStats};
use payments::Timestamp;
use pilot::{Direction, Intervention, State};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Gauge, Paragraph, Row, Table};

use super::plain::columns;
use super::summary::clock;
use crate::read::visible;
use crate::report::{estimate, percent, place};

/// What keys there are.
const KEYS: &str =
    "1-9 break it  o any  b bank  r repair  a approve  x reject  k kill  space  f ahead  q";

/// All that is to be seen.
#[derive(Default)]
pub struct Scene {
    /// Now.
    pub now: Option<Timestamp>,
    /// What is going on, in a word or two.
    pub what: String,
    /// How far it is, 0 to 1.
    pub share: f64,
    /// Whether the kill switch is engaged.
    pub killed: bool,
    /// Gateways in the order of their keys.
    pub routes: Vec<SliceStats>,
    /// Incidents, open ones are shown.
    pub incidents: Vec<Incident>,
    /// Interventions that wait or are in force.
    pub interventions: Vec<Intervention>,
    /// Lines of the cycle log.
    pub log: Vec<String>,
}

/// Draws it.
pub fn draw(scene: &Scene, frame: &mut Frame) {
    let table_lines = (scene.routes.len() as u16 + 3).clamp(5, 12);
    let tests: u16 = scene.interventions.iter().take(3).map(|_| 3).sum();
    let [head, bar, middle, experiments, log, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(table_lines),
        Constraint::Length(tests.max(1) + 2),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let at = scene.now.map_or_else(String::new, clock);
    let mut title = vec![Span::from(format!("Pointsman  {at} UTC  {}", scene.what)).bold()];
    if scene.killed {
        title.push(Span::from("  KILL SWITCH ENGAGED: nothing is moved").red().bold());
    }
    frame.render_widget(Line::from(title), head);
    frame.render_widget(Gauge::default().ratio(scene.share.clamp(0.0, 1.0)).label(""), bar);
    let [left, right] =
        Layout::horizontal([Constraint::Length(70), Constraint::Min(10)]).areas(middle);
    routes(scene, frame, left);
    incidents(&scene.incidents, frame, right);
    tested(scene, frame, experiments);
    cycles(&scene.log, frame, log);
    frame.render_widget(Line::from(KEYS).dim(), foot);
}

/// The gateway from which most is moved, and what it loses of its traffic by that.
fn moved_from(scene: &Scene, gateway: &str) -> Option<f64> {
    let of = |one: &&Intervention| one.from.as_deref() == Some(gateway) && one.stage > 0.0;
    scene.interventions.iter().filter(of).map(|one| one.stage).reduce(f64::max)
}

fn takes_over(scene: &Scene, gateway: &str) -> bool {
    scene
        .interventions
        .iter()
        .filter(|one| one.stage > 0.0)
        .any(|one| one.to.iter().any(|to| to.gateway == gateway && to.share >= 0.1))
}

fn routes(scene: &Scene, frame: &mut Frame, area: Rect) {
    let rows = scene.routes.iter().enumerate().map(|(place, r)| {
        let low = matches!((r.success_rate, r.baseline_rate), (Some(seen), Some(expected)) if seen < expected - 0.1 && r.attempts >= 20);
        let style = if low { Style::new().red() } else { Style::new() };
        let gateway = r.slice.get("gateway").unwrap_or("-");
        let note = match moved_from(scene, gateway) {
            Some(stage) => format!(" -{:.0} %", stage * 100.0),
            None if takes_over(scene, gateway) => " takes".into(),
            None => String::new(),
        };
        let cells = columns(r).map(Cell::from);
        Row::new([Cell::from(format!("{}", place + 1))].into_iter().chain(cells).chain([Cell::from(note)]))
            .style(style)
    });
    let widths = [2, 14, 8, 9, 9, 9, 9, 8].map(Constraint::Length);
    let header =
        ["", "gateway", "attempts", "  success", " expected", "      p50", "      p95", " moved"];
    let table = Table::new(rows, widths)
        .column_spacing(0)
        .header(Row::new(header).dim())
        .block(Block::bordered().title("routes, last 60 s"));
    frame.render_widget(table, area);
}

fn incidents(all: &[Incident], frame: &mut Frame, area: Rect) {
    let open: Vec<&Incident> =
        all.iter().filter(|i| i.status != IncidentStatus::Resolved).collect();
    let mut lines: Vec<Line> = Vec::new();
    for i in open.iter().rev() {
        lines.push(Line::from(place(i)).red().bold());
        lines.push(Line::from(format!(
            "  {} for {}, {} lost",
            percent(i.observed_rate),
            percent(i.baseline_rate),
            estimate(i.impact.lost_payments),
        )));
    }
    if lines.is_empty() {
        lines.push(Line::from("none").dim());
    }
    let title = format!("incidents ({} of {})", open.len(), all.len());
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

/// Interventions with their arms.
fn tested(scene: &Scene, frame: &mut Frame, area: Rect) {
    let mut lines: Vec<Line> = Vec::new();
    for one in &scene.interventions {
        let state = match (one.state, one.direction) {
            (State::Pending, _) => "waits for approval (a, x)".into(),
            (_, Direction::Out) => format!("{:.0} % out", one.stage * 100.0),
            (_, Direction::Home) => format!("{:.0} % going home", one.stage * 100.0),
        };
        let to: Vec<&str> = one.to.iter().map(|to| to.gateway.as_str()).collect();
        let minutes = scene.now.map_or(0, |now| one.expires_at.millis_since(now) / 60_000);
        lines.push(
            Line::from(format!(
                "{} {} {} to {}: {state}, {minutes} min left",
                visible(&one.id),
                one.action,
                visible(&one.slice.to_string()),
                visible(&to.join(", ")),
            ))
            .bold(),
        );
        for arm in &one.arms {
            let rate = arm.successes as f64 / arm.attempts.max(1) as f64;
            let shown = if arm.attempts == 0 { "-".into() } else { percent(rate) };
            lines.push(Line::from(format!(
                "  {:<10}{:>7} payments{:>9} approved  e-benefit {:.3e}  e-harm {:.2}",
                format!("{:?}", arm.name).to_lowercase(),
                arm.attempts,
                shown,
                arm.e_benefit,
                arm.e_harm,
            )));
        }
    }
    if lines.is_empty() {
        lines.push(Line::from("nothing is moved").dim());
    }
    let block = Block::bordered().title("experiments");
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn cycles(log: &[String], frame: &mut Frame, area: Rect) {
    let inner = area.height.saturating_sub(2) as usize;
    let width = usize::from(area.width.saturating_sub(2)).max(20);
    let lines: Vec<Line> = log
        .iter()
        .flat_map(|l| {
            let strong = l.starts_with("Diagnosis:") || l.contains("is over");
            let options = textwrap::Options::new(width).subsequent_indent("  ");
            let parts = textwrap::wrap(l, options).into_iter().map(|part| part.into_owned());
            parts
                .map(move |part| if strong { Line::from(part).bold() } else { Line::from(part) })
                .collect::<Vec<_>>()
        })
        .collect();
    let from = lines.len().saturating_sub(inner);
    let shown = Paragraph::new(lines[from..].to_vec());
    frame.render_widget(shown.block(Block::bordered().title("cycle log")), area);
}
