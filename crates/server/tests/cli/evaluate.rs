//! `evaluate` and `policy`: a log with propensities, policies in files, figures and verdicts out.

use std::fmt::Write;

use serde_json::Value;

use crate::support::Bench;

const B: &str = "[routing]\nlearning = \"off\"\n\n[[gateways]]\nname = \"b\"\n";
const A: &str = "[routing]\nlearning = \"off\"\n\n[[gateways]]\nname = \"a\"\n";

/// Gateway `a` approves 70 %, `b` 85 %; one payment in four goes to `b`.
fn log(rows: u64) -> String {
    let mut text = String::from("time,gateway,method,merchant,status,latency_ms,propensity\n");
    // Knuth's multiplier: what is drawn is the same wherever this runs.
    let mut state = 88_172_645_463_325_252_u64;
    let mut draw = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    for n in 0..rows {
        let (gateway, propensity, rate) =
            if draw() < 0.25 { ("b", 0.25, 0.85) } else { ("a", 0.75, 0.7) };
        let status = if draw() < rate { "approved" } else { "declined" };
        let (hour, minute, second) = (n / 3_600 % 24, n / 60 % 60, n % 60);
        let _ = writeln!(
            text,
            "2026-09-23T{hour:02}:{minute:02}:{second:02}Z,{gateway},card,m_1,{status},400,{propensity}"
        );
    }
    text
}

#[test]
fn a_log_with_propensities_judges_a_policy() {
    let bench = Bench::new();
    bench.file("log.csv", log(8_000));
    bench.file("b.toml", B);
    let ran = bench.run(&["evaluate", "log.csv", "--policy", "b.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!("evaluate", ran.out);

    let ran = bench.run(&["evaluate", "log.csv", "--policy", "b.toml", "--format", "json"]);
    let said = ran.json();
    assert_eq!(said["summary"]["judged"], 8_000);
    assert_eq!(said["policies"][0]["verdict"], "better");
    for estimator in ["ips", "snips", "doubly_robust", "switch_dr"] {
        let estimate = &said["policies"][0]["estimates"][estimator];
        let end = |at: usize| estimate["interval"][at].as_f64().expect("a number");
        assert!(end(0) < 0.85 && 0.85 < end(1), "{estimator}: {estimate}");
    }
    assert_eq!(said["difference"], Value::Null);
}

#[test]
fn two_policies_are_compared_on_one_log() {
    let bench = Bench::new();
    bench.file("log.csv", log(8_000));
    bench.file("a.toml", A);
    bench.file("b.toml", B);
    let said =
        bench.run(&["policy", "compare", "a.toml", "b.toml", "log.csv", "--format", "json"]).json();
    assert_eq!(said["verdict"], "worse");
    let ends = said["difference"]["interval"].as_array().expect("two ends");
    assert!(ends[0].as_f64() < Some(-0.15) && Some(-0.15) < ends[1].as_f64(), "{ends:?}");
    let ran = bench.run(&["policy", "compare", "a.toml", "b.toml", "log.csv"]);
    assert!(ran.out.contains("a.toml less b.toml"), "{}", ran.out);
    assert!(ran.out.contains("a.toml is worse than b.toml by"), "{}", ran.out);
}

#[test]
fn what_cannot_be_judged_is_said() {
    let bench = Bench::new();
    bench.file("b.toml", B);
    let refused = |name: &str, text: &str, policy: &str| {
        bench.file(name, text);
        let ran = bench.run(&["evaluate", name, "--policy", policy]);
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        ran.err
    };
    let without: String =
        log(50).lines().map(|l| l.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    let said = refused("without.csv", &without, "b.toml");
    assert!(said.contains("without.csv: propensity: none of 50 first attempts has one"), "{said}");
    let said = refused("counts.csv", "time,attempts,successes\n2026-09-23 10:00,5,4\n", "b.toml");
    assert!(said.contains("counts.csv: holds counts of attempts"), "{said}");
    let bad = "time,gateway,status,propensity\n2026-09-23T10:00:00Z,a,approved,1.5\n";
    let said = refused("bad.csv", bad, "b.toml");
    assert!(said.contains("bad.csv:2: propensity: ") && said.contains("at most 1"), "{said}");
    bench.file("bad.toml", "[routing]\nlearning = \"bold\"\n");
    let said = refused("log.csv", &log(50), "bad.toml");
    assert!(said.contains("bad.toml: routing.learning: allowed: off, exploit, explore"), "{said}");
    let said = refused("log.csv", &log(50), "none.toml");
    assert!(said.contains("none.toml can't be read"), "{said}");
}

/// What a simulated network's log says of another policy is what that policy earns there.
#[test]
fn a_simulated_log_foretells_what_the_simulation_shows() {
    let bench = Bench::new();
    bench.file(
        "quiet.scenario",
        "scenario: Nothing happens\nworld: small, season off\nlearn: 10m\nrun: 30m\n",
    );
    bench.file("explore.toml", "[routing]\nlearning = \"explore\"\nfloor = 0.1\n");
    bench.file("exploit.toml", "[routing]\nlearning = \"exploit\"\n");
    let simulate = |policy: &str, more: &[&str]| {
        let mut args = vec![
            "policy",
            "simulate",
            "--policy",
            policy,
            "--scenario",
            "quiet.scenario",
            "--format",
            "json",
        ];
        args.extend(more);
        let ran = bench.run(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.json()
    };
    simulate("explore.toml", &["--events", "log.ndjson"]);
    let truth = simulate("exploit.toml", &[]);
    let approved = truth["policy"]["first_attempts_approved"].as_f64().expect("a share");
    let ran =
        bench.run(&["evaluate", "log.ndjson", "--policy", "exploit.toml", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let said = ran.json();
    let estimate = &said["policies"][0]["estimates"]["doubly_robust"];
    let end = |at: usize| estimate["interval"][at].as_f64().expect("a number");
    assert!(end(0) < approved && approved < end(1), "{approved}: {estimate}");
    let value = estimate["value"].as_f64().expect("a value");
    assert!((value - approved).abs() < 0.03, "{approved}: {estimate}");
}
