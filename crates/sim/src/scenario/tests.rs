//! The scenario language: what is read, what is refused, and in which words.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn problems(text: &str) -> String {
    let problems = Scenario::parse(text).expect_err("problems");
    problems.iter().map(|p| p.in_file("x.scenario")).collect::<Vec<_>>().join("\n")
}

fn of(event: &str) -> String {
    format!("scenario: x\n{event}\n")
}

#[test]
fn the_reference_example_reads_as_it_says() {
    let reference = include_str!("../../../../docs/reference/scenarios.md");
    let example: String = reference
        .lines()
        .skip_while(|line| !line.starts_with("    #"))
        .take_while(|line| line.starts_with("    "))
        .map(|line| format!("{}\n", line.trim()))
        .collect();
    let scenario = Scenario::parse(&example).unwrap();
    assert_snapshot!(scenario, @"
    scenario: PayU fails on Visa while a sale is on
    about: The sale is not the cause.
    world: 60/s, merchants 24, retries 35 %, season on
    learn: 1d
    start: 14:00
    run: 45m
    feedback: 3s
    capacity: CASHFREE x1.5
    capacity: RAZORPAY 30/s
    at 0s for 45m: volume on all traffic x2 growing over 5m
    at 5m for 30m: outage on gateway=PAYU network=VISA lose 35 points blame gateway
    expect: network_or_system_failure at gateway=PAYU network=VISA
    ");
    let truth = scenario.stage(1).unwrap().truth;
    assert_eq!(truth.len(), 1);
    assert_eq!(truth[0].to.as_millis() - truth[0].from.as_millis(), 1_800_000);
    // Every event and statement is in the reference, with the words that the parser takes.
    for word in super::parse::STATEMENTS.split(", ").filter(|word| word.ends_with(':')) {
        assert!(reference.contains(&format!("`{word} ")), "{word}");
    }
    for word in super::events::EVENTS.split(", ") {
        assert!(reference.contains(&format!("`{word} ")), "{word}");
    }
}

#[test]
fn defaults_are_those_of_the_reference() {
    let plain = Scenario::parse("scenario: x").unwrap();
    let said = "scenario: x\nworld: medium, merchants 24, retries 35 %, season on\nlearn: 1d\n\
                start: 14:00\nrun: 1h\nfeedback: 3s\n";
    assert_eq!(Scenario::parse(said), Ok(plain.clone()));
    assert!(plain.stage(1).unwrap().is_decoy, "nothing happens");
}

#[test]
fn every_event_reads_back() {
    for event in [
        "outage on all traffic severity 0.25 blame user flapping 40s on 1h off",
        "outage on sub_type=UPI_COLLECT lose 7.5 points blame misconfiguration",
        "latency on country=US x1.5",
        "codes on a gateway slice of about 3/s from user to network",
        "volume on an issuer x method x gateway slice of about 0.5/s x0.3",
        "mix shift of 12.5% to merchant_id=merchant_07 growing over 90s",
        "card testing on network=VISA x2",
        "retry storm on gateway=ADYEN of 0.5 copies",
        "capacity of STRIPE falls to 2.5/s",
        "capacity of STRIPE falls to x0.5",
        "misrouting of 80 % to gateway=PAYTM, method=card severity 1",
    ] {
        let scenario = Scenario::parse(&of(&format!("at 1m for 2m: {event}"))).unwrap();
        let text = scenario.to_string();
        assert_eq!(Scenario::parse(&text), Ok(scenario), "{text}");
    }
}

#[test]
fn refusals_say_where_what_and_what_is_allowed() {
    assert_snapshot!(problems("# nothing\n\n"), @"x.scenario:0: found no name, allowed: `scenario: NAME`, once");
    assert_snapshot!(problems("\
scenario: x
scenario: y
wether: fine
world: huge
world: small, merchants 0
learn: 5y
start: 25:00
run: 1.5h
capacity: PAYU lots
capacity: PAYUU 3/s
about:
expect: rain
just words"), @r"
    x.scenario:2: found a second `scenario:`, allowed: one of them
    x.scenario:3: found `wether`, allowed: scenario:, about:, world:, learn:, start:, run:, feedback:, capacity:, at ..., expect:
    x.scenario:4: found `huge`, allowed: small, medium, large, or a rate like 60/s
    x.scenario:5: found a second `world:`, allowed: one of them
    x.scenario:6: found `5y`, allowed: a time of 1m to 28d
    x.scenario:7: found `25:00`, allowed: a time of day, 00:00 to 23:59
    x.scenario:8: found `1.5h`, allowed: a time of 10s to 7d
    x.scenario:9: found `lots`, allowed: a rate like 30/s, or x1.3 of its ordinary load
    x.scenario:10: found `PAYUU`, allowed: RAZORPAY, PAYU, CASHFREE, PAYTM, STRIPE, ADYEN
    x.scenario:11: found ``, allowed: 1 to 200 printable characters
    x.scenario:12: found `rain`, allowed: decoy, user_related, issuer_degradation, network_or_system_failure, misconfiguration, suspected_fraud, unknown
    x.scenario:13: found `just words`, allowed: scenario:, about:, world:, learn:, start:, run:, feedback:, capacity:, at ..., expect:
    ");
    assert_snapshot!(problems("\
scenario: x
at 5m: outage on gateway=PAYU severity 1 blame gateway
at 5m for 1m outage
at 5m for 1m: earthquake
at 5m for 1m: outage on gatewy=PAYU severity 1 blame gateway
at 5m for 1m: outage on gateway=PAYU gateway=PAYTM severity 1 blame gateway
at 5m for 1m: outage on gateway=PAYUU severity 1 blame gateway
at 5m for 1m: outage on gateway=PAYU severity 2 blame gateway
at 5m for 1m: outage on gateway=PAYU lose 20 blame gateway
at 5m for 1m: outage on gateway=PAYU lose 20 points
at 5m for 1m: outage on gateway=PAYU lose 20 points blame weather
at 5m for 1m: latency on gateway=PAYU 3
at 5m for 1m: volume on x3
at 5m for 1m: volume on a gateway x colour slice of about 3/s x3
at 5m for 1m: misrouting of 50 % to method=card severity 1
at 5m for 1m: volume on all traffic x3 slowly
at 5m for 1m: retry storm on all traffic of 21 copies"), @r"
    x.scenario:2: found the end of the line, allowed: `for`
    x.scenario:3: found no `:`, allowed: `at 10m for 30m: ...`
    x.scenario:4: found `earthquake`, allowed: outage on, latency on, codes on, volume on, mix shift of, card testing on, retry storm on, capacity of, misrouting of
    x.scenario:5: found `gatewy`, allowed: gateway, method, network, issuer, country, merchant_id, sub_type
    x.scenario:6: found `gateway` twice, allowed: each dimension once
    x.scenario:7: found `gateway=PAYUU`, allowed: RAZORPAY, PAYU, CASHFREE, PAYTM, STRIPE, ADYEN
    x.scenario:8: found `2`, allowed: 0 to 1
    x.scenario:9: found `blame`, allowed: `points`
    x.scenario:10: found the end of the line, allowed: `blame`
    x.scenario:11: found `weather`, allowed: user, issuer, network, gateway, fraud, misconfiguration
    x.scenario:12: found `3`, allowed: x1 to x1000
    x.scenario:13: found `x3`, allowed: all traffic, dimension=value, or `a DIMENSION x DIMENSION slice of about 5/s`
    x.scenario:14: found `colour`, allowed: gateway, method, network, issuer, country, merchant_id, sub_type
    x.scenario:15: found a slice without its gateway, allowed: gateway=NAME among its pairs
    x.scenario:16: found `slowly`, allowed: the end of the line, `growing over TIME`, `flapping TIME on TIME off`
    x.scenario:17: found `21`, allowed: 0 to 20
    ");
    assert_snapshot!(problems("\
scenario: x
world: small, merchants 5
run: 10m
at 5m for 6m: volume on all traffic x3
at 1m for 2m: volume on merchant_id=merchant_06 x3
at 1m for 2m: capacity of PAYU falls to x0.5 growing over 1m
expect: decoy
expect: unknown at merchant_id=merchant_5"), @r"
    x.scenario:4: found an end at 11m, allowed: an end within the run of 10m
    x.scenario:5: found `merchant_06`, allowed: merchant_01 to merchant_05
    x.scenario:6: found a capacity with a shape, allowed: a capacity from start to end
    x.scenario:7: found more than `expect: decoy`, allowed: that alone
    x.scenario:8: found `merchant_5`, allowed: merchant_01 to merchant_05
    ");
}

#[test]
fn what_only_a_network_can_refuse_is_refused_by_the_stage() {
    let staged = |event: &str| {
        let text = of(&format!("world: small\nat 5m for 10m: {event}"));
        Scenario::parse(&text).unwrap().stage(1).map(|_| ()).unwrap_err().to_string()
    };
    assert_snapshot!(staged("outage on gateway=STRIPE method=upi severity 1 blame gateway"), @"line 3: found gateway=STRIPE method=upi, allowed: incident on {gateway: STRIPE, method: upi}: no traffic falls into it; its values do not occur together");
    assert_snapshot!(staged("volume on a gateway slice of about 500/s x2"), @"line 3: found a gateway slice of about 500/s, allowed: about 8.02/s, which comes nearest");
    assert_snapshot!(staged("outage on gateway=PAYU lose 95 points blame gateway"), @"line 3: found 95 points lost, allowed: at most 79.9, what the slice approves");
}

#[test]
fn texts_are_bounded() {
    let many = |line: &str, count: usize| of(&line.repeat(count));
    assert!(problems(&"#".repeat(70_000)).contains("allowed: 65536 bytes"));
    assert_eq!(problems(&many("x\n", 1_000)).lines().count(), 50);
    let events = many("at 0m for 1m: volume on all traffic x2\n", 51);
    assert!(problems(&events).contains("found one more event, allowed: 50 of them"));
    let long = problems(&of(&"é".repeat(5_000)));
    assert!(long.len() < 400, "{long}");
}

proptest! {
    #[test]
    fn any_text_is_answered(lines in proptest::collection::vec(
        prop_oneof![
            "[a-z]{0,12}: ?.{0,40}",
            "at [0-9]{0,3}[smhd]? for [0-9]{0,3}[smhd]?: (outage|volume|latency|mix shift of|capacity of) .{0,60}",
            "(world|run|start|learn|feedback|capacity|expect): [a-z0-9:/. %x]{0,20}",
        ], 0..12)) {
        match Scenario::parse(&lines.join("\n")) {
            Ok(scenario) => prop_assert_eq!(Scenario::parse(&scenario.to_string()), Ok(scenario)),
            Err(problems) => {
                prop_assert!(!problems.is_empty() && problems.len() <= 50);
                for problem in problems {
                    let shown = problem.in_file("x");
                    prop_assert!(!shown.chars().any(char::is_control) && shown.len() < 1_000);
                }
            }
        }
    }
}
