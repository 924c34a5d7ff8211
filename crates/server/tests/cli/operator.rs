//! `sim` and `replay`: an operator's run written down, and told again.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Bench;

const OUTAGE: &str = "scenario: A gateway fails
world: small
run: 8m
at 2m for 5m: outage on gateway=PAYU severity 0.9 blame gateway
";

/// Plays the outage with a journal in `run/`.
fn played() -> Bench {
    let bench = Bench::new();
    bench.file("mine.scenario", OUTAGE);
    let ran = bench.run(&[
        "sim",
        "mine.scenario",
        "--seed",
        "3",
        "--journal",
        "run",
        "--memory",
        "memory.json",
        "--format",
        "json",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = ran.json();
    let number = |name: &str| told[name].as_f64().expect("a number");
    assert!(number("interventions") >= 1.0, "{told}");
    assert!(number("gained") > 0.5 * number("clairvoyant_gained"), "{told}");
    let texts = told["cycles"].as_array().expect("cycles");
    let cycles: Vec<&str> = texts.iter().filter_map(|cycle| cycle["text"].as_str()).collect();
    assert!(cycles.iter().any(|text| text.contains("Proposed Action: reroute 5 %")), "{cycles:?}");
    let memory: Value =
        serde_json::from_str(&read(&bench.path().join("memory.json"))).expect("JSON");
    assert!(memory["beliefs"].as_object().is_some_and(|beliefs| !beliefs.is_empty()), "{memory}");
    bench
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("written")
}

/// What `replay` prints on standard error for this journal; it must end with 3.
fn refused(bench: &Bench, journal: &str) -> String {
    let path = bench.path().join("run/other.ndjson");
    fs::write(path, journal).expect("written");
    let ran = bench.run(&["replay", "run/other.ndjson"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    ran.err
}

#[test]
fn a_run_is_told_again_and_what_was_changed_is_found() {
    let bench = played();
    let ran = bench.run(&["replay", "run/journal.ndjson"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.ends_with(" steps replayed, 0 differ\n"), "{}", ran.out);

    // One answer that was recorded otherwise.
    let journal = read(&bench.path().join("run/journal.ndjson"));
    let mut lines: Vec<String> = journal.lines().map(Into::into).collect();
    let mut entry: Value = serde_json::from_str(&lines[100]).expect("an entry");
    let step = entry["step"].as_u64().expect("a step");
    entry["digest"] = "0000000000000000".into();
    lines[100] = entry.to_string();
    fs::write(bench.path().join("run/changed.ndjson"), lines.join("\n")).expect("written");
    let ran = bench.run(&["replay", "run/changed.ndjson"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with(&format!("step {step}: recorded")), "{}", ran.out);
    assert!(ran.out.ends_with(" differ\n"), "{}", ran.out);

    // Journals that are none.
    assert!(refused(&bench, "").contains("is empty; want a journal"));
    assert!(refused(&bench, "{}\n").contains("line 1: want a journal's header"));
    assert!(
        refused(&bench, &journal.replacen("start.snapshot", "../start.snapshot", 1))
            .contains("not a path")
    );
    let cut = &journal[..journal.len() - 20];
    assert!(refused(&bench, cut).contains("want one entry per line"));

    // A snapshot that is damaged.
    let snapshot = bench.path().join("run/start.snapshot");
    let mut bytes = fs::read(&snapshot).expect("written");
    bytes.truncate(bytes.len() / 2);
    fs::write(&snapshot, bytes).expect("written");
    let ran = bench.run(&["replay", "run/journal.ndjson"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("start.snapshot"), "{}", ran.err);
}

#[test]
fn a_scenario_that_cannot_be_read_is_said_line_by_line() {
    let bench = Bench::new();
    bench.file("bad.scenario", OUTAGE.replace("outage on", "earthquake on"));
    let ran = bench.run(&["sim", "bad.scenario"]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.err.contains("bad.scenario:4: found `earthquake`"), "{}", ran.err);
    let ran = bench.run(&["sim", "no_such"]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    assert!(ran.err.contains("no_such is no scenario that comes with it"), "{}", ran.err);
    let ran = bench.run(&["sim", "--list"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.lines().any(|line| line.starts_with("hard_outage ")), "{}", ran.out);
}
