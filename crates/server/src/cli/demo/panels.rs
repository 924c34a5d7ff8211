//! The picture: routes, open incidents, experiments with their arms, and the cycle log.

use analyst::{Incident, IncidentStatus, SliceStats};
use payments::Timestamp;
use pilot::{Direction, Intervention, State};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Table};

use super::plain::columns;
use super::summary::clock;
use crate::read::visible;
use crate::report::{estimate, percent, place};

/// What keys there are.
const KEYS: &str = "1-9 break it  o any  b bank  r repair  a approve  x reject  k kill  q";

/// From this width on there is room for latencies.
const WIDE: u16 = 110;

/// All that is to be seen.
#[derive(Default)]
pub struct Scene {
    /// Now.
    pub now: Option<Timestamp>,
    /// What is going on, in a word or two.
    pub what: String,
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
    let [head, middle, experiments, log, foot] = Layout::vertical([
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
    let shown = if middle.width >= WIDE { COLUMNS.len() } else { COLUMNS.len() - 2 };
    let width = COLUMNS[..shown].iter().map(|(_, width, _)| width).sum::<u16>() + 12;
    let [left, right] =
        Layout::horizontal([Constraint::Length(width), Constraint::Min(10)]).areas(middle);
    routes(scene, shown, frame, left);
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

/// Name of a column, its width, and its place among [`columns`].
type Column = (&'static str, u16, usize);
const COLUMNS: [Column; 6] = [
    ("gateway", 14, 0),
    ("attempts", 8, 1),
    ("  success", 9, 2),
    (" expected", 9, 3),
    ("      p50", 9, 4),
    ("      p95", 9, 5),
];

fn routes(scene: &Scene, columns_shown: usize, frame: &mut Frame, area: Rect) {
    let shown = &COLUMNS[..columns_shown];
    let rows = scene.routes.iter().enumerate().map(|(place, route)| {
        let low = matches!((route.success_rate, route.baseline_rate), (Some(seen), Some(expected)) if seen < expected - 0.1 && route.attempts >= 20);
        let style = if low { Style::new().red() } else { Style::new() };
        let gateway = route.slice.get("gateway").unwrap_or("-");
        let note = match moved_from(scene, gateway) {
            Some(stage) => format!(" -{:.0} %", stage * 100.0),
            None if takes_over(scene, gateway) => " takes".into(),
            None => String::new(),
        };
        let figures = columns(route);
        let cells = shown.iter().map(|(_, _, at)| figures[*at].clone());
        Row::new([format!("{}", place + 1)].into_iter().chain(cells).chain([note])).style(style)
    });
    let widths = [2].into_iter().chain(shown.iter().map(|(_, width, _)| *width)).chain([8]);
    let names = [""].into_iter().chain(shown.iter().map(|(name, ..)| *name)).chain([" moved"]);
    let table = Table::new(rows, widths.map(Constraint::Length))
        .column_spacing(0)
        .header(Row::new(names).dim())
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

#[cfg(test)]
mod tests {
    use analyst::Slice;
    use pilot::{Action, Authority, Target};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn scene() -> Scene {
        let at = Timestamp::from_millis(1_781_049_600_000);
        let route = |gateway: &str, rate: f64| SliceStats {
            slice: Slice::new([("gateway", gateway)]),
            attempts: 240,
            success_rate: Some(rate),
            baseline_rate: Some(0.84),
            failure_rate: Some(1.0 - rate),
            latency_ms_mean: None,
            latency_ms_p50: Some(1_240.0),
            latency_ms_p95: Some(4_100.0),
            latency_ms_p99: None,
            errors: Vec::new(),
            e_value: 1.0,
        };
        let intervention = Intervention {
            id: "itv_1".into(),
            incident_id: "inc_1".into(),
            action: Action::Reroute,
            slice: Slice::new([("gateway", "PAYU")]),
            from: Some("PAYU".into()),
            to: vec![Target { gateway: "STRIPE".into(), share: 1.0 }],
            retry: None,
            stage: 0.2,
            direction: Direction::Out,
            state: State::Active,
            plan_hash: String::new(),
            authority: Authority::Pilot,
            created_at: at,
            started_at: Some(at),
            expires_at: at.plus_millis(29 * 60_000),
            ended_at: None,
            arms: Vec::new(),
            held: Vec::new(),
            experiment_id: Some("x_1".into()),
            reason: String::new(),
        };
        Scene {
            now: Some(at),
            what: "live".into(),
            routes: vec![route("PAYU", 0.31), route("STRIPE", 0.9)],
            interventions: vec![intervention],
            log: vec!["00:00 inc_1".into(), "Diagnosis: unknown at {gateway: PAYU}".into()],
            ..Scene::default()
        }
    }

    fn drawn(width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        terminal.draw(|frame| draw(&scene(), frame)).expect("it draws");
        terminal.backend().to_string()
    }

    #[test]
    fn everything_has_its_place_on_a_small_terminal() {
        insta::assert_snapshot!(drawn(80, 24));
    }

    #[test]
    fn a_wide_one_has_room_for_latencies() {
        let text = drawn(150, 44);
        assert!(
            text.contains("p95") && text.contains("4100 ms") && text.contains("-20 %"),
            "{text}"
        );
        assert!(!drawn(80, 24).contains("p95"));
    }
}
