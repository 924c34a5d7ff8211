//! Chaos: mishap after mishap under load, and nothing that was acknowledged is lost, nothing counts twice, and the engine is where an
//! uninterrupted one is.
//!
//! `make chaos` plays 200 rounds (`ROUNDS=` takes another number), the tests ten. Half of them on SQLite: `kill -9`, power loss, a full disk,
//! jumps of the clock; half on PostgreSQL fed by Kafka: `kill -9`, the database stopped, the broker stopped. Every round delivers some attempts
//! twice, and all out of order. The servers run on the events' clock, so that what they say can be compared to the letter.

mod broker;
mod disk;
mod lines;
mod power;
mod tally;

use serde_json::Value;
use stats::stream::Stream;

use crate::support::Running;
use tally::Tally;

const SEED: u64 = 20_261_126;

#[test]
fn chaos() {
    let rounds = std::env::var("ROUNDS").map_or(10, |text| text.parse().expect("ROUNDS: a number"));
    let mut tally = Tally::default();
    let mut stream = Stream::named(SEED, "chaos");
    disk::play(rounds - rounds / 2, &mut stream, &mut tally);
    broker::play(rounds / 2, &mut stream, &mut tally);
    tally.say();
    assert!(tally.passes());
}

/// Attempts in the roll-ups, which are written with the rows.
fn stored(server: &Running, rounds: usize) -> u64 {
    let series = server.get(&format!("/v1/series?{}", lines::span(rounds))).json();
    let points = series["data"].as_array().expect("points");
    points.iter().map(|point| point["attempts"].as_u64().expect("a count")).sum()
}

/// All that a server says of the whole play, by name.
fn told(server: &Running, rounds: usize) -> Vec<(String, String)> {
    let lists = ["incidents", "decisions", "interventions", "experiments"];
    let lists = lists.map(|list| format!("/v1/{list}?limit=500"));
    let series = format!("/v1/series?{}", lines::span(rounds));
    let others = [series, "/v1/memory".into(), "/v1/policy".into()];
    lists.into_iter().chain(others).map(|path| (path.clone(), server.get(&path).body)).collect()
}

/// Holds what two servers say against one another.
fn compare(one: &Running, other: &Running, rounds: usize, tally: &mut Tally) {
    for ((path, want), (_, got)) in told(one, rounds).into_iter().zip(told(other, rounds)) {
        if want != got {
            tally.different.push(format!("{path}\n want {want}\n got  {got}"));
        }
    }
}

/// Says once more what was acknowledged: whatever isn't known any more was lost.
fn say_again(server: &Running, acknowledged: &[String], tally: &mut Tally) {
    for lines in acknowledged.chunks(1_000) {
        let answer = server.events(lines);
        tally.lost += answer["accepted"].as_u64().expect("a count");
        let Value::Number(rejected) = &answer["rejected_count"] else { panic!("{answer}") };
        assert_eq!(rejected.as_u64(), Some(0), "{answer}");
    }
}
