//! How fast the simulator is: `cargo run --release -p sim --example speed`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures time")]

use std::time::Instant;

use payments::{Attempt, Timestamp};
use sim::{Answer, Ask, Operator, Setup, World};

fn timed(what: &str, run: impl FnOnce() -> u64) {
    let start = Instant::now();
    let attempts = run();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{what}: {attempts} attempts in {seconds:.2} s, {:.2} M/s",
        attempts as f64 / seconds / 1e6
    );
}

/// Asked and shown everything, it does nothing.
struct Idle;

impl Operator for Idle {
    fn route(&mut self, _: &Ask<'_>) -> Answer {
        Answer::default()
    }

    fn observe(&mut self, _: &mut Vec<Attempt>, _: Timestamp) {}
}

fn main() -> Result<(), sim::WorldError> {
    let from = Timestamp::from_millis(1_789_948_800_000);
    for (rate, seconds) in [(0.5, 600_000), (20.0, 86_400), (10_000.0, 600)] {
        let world = World::at_rate(rate, 1)?;
        println!("{rate} attempts/s, {} leaves", world.leaf_count());
        let to = from.plus_millis(seconds * 1_000);
        timed("  attempts", || {
            world.attempts(from, to).map(|s| u64::from(s.attempt.attempt_number > 0)).sum()
        });
        let setup = Setup::over(from, to);
        timed("  closed loop", || sim::play(&world, &setup, &mut Idle, &mut |_| {}).attempts);
        timed("  closed loop, nobody looks", || {
            sim::play_untouched(&world, &setup, &mut |_| {}).attempts
        });
        for tick_ms in [1_000, 10_000] {
            timed(&format!("  ticks of {tick_ms} ms"), || {
                let mut ticks = world.ticks(from, to, tick_ms);
                let mut sum = 0;
                while let Some(tick) = ticks.next() {
                    sum += tick.cells.iter().map(|c| u64::from(c.counts.attempts)).sum::<u64>();
                }
                sum
            });
        }
    }
    Ok(())
}
