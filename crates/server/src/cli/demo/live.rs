//! On a terminal: the server as it works, and the keys to meddle with it.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use pilot::State;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::front::{Front, Word};
use super::panels::{Scene, draw};
use super::plain::lines;
use super::summary::clock;
use crate::read::visible;

/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(200);
/// Lines of the cycle log that are kept.
const LOG_MAX: usize = 400;

/// Shows it on the terminal's alternate screen until `q` or the end.
pub fn run(front: &mut Front, is_over: impl Fn() -> bool) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let mut screen = Screen { front, log: VecDeque::new(), broken: 0 };
    let shown = (|| {
        while !is_over() {
            let scene = screen.scene();
            terminal.draw(|frame| draw(&scene, frame))?;
            match pressed(FRAME)? {
                Some(KeyCode::Char('q') | KeyCode::Esc) => return Ok(()),
                Some(key) => screen.obey(key, &scene),
                None => {}
            }
        }
        anyhow::Ok(())
    })();
    ratatui::try_restore()?;
    shown
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

struct Screen<'f> {
    front: &'f mut Front,
    log: VecDeque<String>,
    /// Things that keys have broken.
    broken: usize,
}

impl Screen<'_> {
    fn scene(&mut self) -> Scene {
        for event in self.front.news() {
            self.log.extend(lines(&event));
        }
        let over = self.log.len().saturating_sub(LOG_MAX);
        self.log.drain(..over);
        Scene { log: self.log.iter().cloned().collect(), ..self.front.scene() }
    }

    fn obey(&mut self, key: KeyCode, scene: &Scene) {
        let Some(word) = self.word(key, scene) else { return };
        let now = clock(self.front.now());
        match &word {
            Word::Strike(dimension, name) => {
                self.broken += 1;
                self.note(format!("{now} you broke {dimension} {}", visible(name)));
            }
            Word::Repair => self.note(format!("{now} everything is repaired")),
            _ => {}
        }
        let waiting = scene.interventions.iter().find(|one| one.state == State::Pending);
        if let Err(why) = self.front.say(word, waiting) {
            self.note(visible(&why));
        }
    }

    fn note(&mut self, line: String) {
        self.log.extend([String::new(), line]);
    }

    fn word(&self, key: KeyCode, scene: &Scene) -> Option<Word> {
        let next = |dimension: &'static str| {
            let names = self.front.outages()?.names(dimension);
            let name = names.get(self.broken % names.len().max(1))?.clone();
            Some(Word::Strike(dimension, name))
        };
        match key {
            KeyCode::Char('r') => Some(Word::Repair),
            KeyCode::Char('o') => next("gateway"),
            KeyCode::Char('b') => next("issuer"),
            KeyCode::Char(digit @ '1'..='9') => {
                let place = digit as usize - '1' as usize;
                let gateway = scene.routes.get(place)?.slice.get("gateway")?.to_owned();
                Some(Word::Strike("gateway", gateway))
            }
            KeyCode::Char('a') => Some(Word::Approve),
            KeyCode::Char('x') => Some(Word::Reject),
            KeyCode::Char('k') => Some(Word::Switch),
            _ => None,
        }
    }
}
