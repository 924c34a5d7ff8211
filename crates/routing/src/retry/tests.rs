//! Properties of [`advise`] over generated policies and histories, and what each part of it adds as cases.

use std::collections::BTreeMap;

use payments::Code;
use proptest::prelude::*;

use super::*;
use crate::worlds::{self, GATEWAYS, NOW_MS};
use crate::{Allocation, Directive, Gateway, Overlay, Table, Terms};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// 2026, when every rule of the tests is in force.
const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

fn code(source: &str, value: &str) -> Vec<Code> {
    vec![Code { source: source.into(), value: value.into() }]
}

/// A try of the payment at this gateway, so long ago.
fn tried<'a>(gateway: &'a str, status: Status, codes: &'a [Code], ago_ms: i64) -> PastAttempt<'a> {
    PastAttempt {
        at: NOW.plus_millis(-ago_ms),
        status,
        codes,
        amount: None,
        initiator: None,
        gateway,
        same_payment: true,
    }
}

fn request<'a>(history: &'a [PastAttempt<'a>]) -> RetryRequest<'a> {
    let context = Context {
        attempt_number: history.len() as u32 + 1,
        values: &[("method", "card"), ("network", "VISA")],
        ..Context::at(NOW, "p")
    };
    RetryRequest { context, initiator: None, region: None, card_present: None, history }
}

fn gateways(names: &[&str]) -> Terms {
    let gateway = |name: &&str| Gateway { name: (*name).into(), ..Gateway::default() };
    Terms { gateways: names.iter().map(gateway).collect(), ..Terms::default() }
}

fn asked(terms: Terms, history: &[PastAttempt<'_>]) -> Advice<'static> {
    let policy = Policy::new(terms);
    advise(&policy, &request(history), RetryRules::published()).unwrap()
}

fn limiting(from: Option<&str>, attempts_max: u32, delay_s_min: u32, share: f64) -> Overlay {
    Overlay {
        intervention_id: format!("i_{}", from.unwrap_or("any")),
        experiment_id: None,
        when: BTreeMap::from([("method".into(), "card".into())]),
        from: from.map(Into::into),
        directive: Directive::Retry { attempts_max, delay_s_min },
        share,
        holds: 0.0,
        salt: 7,
        expires_at: NOW.plus_millis(HOUR),
    }
}

fn under(overlays: Vec<Overlay>, history: &[PastAttempt<'_>]) -> Advice<'static> {
    let allocation = Allocation { version: 1, overlays };
    asked(Terms { allocation, ..gateways(&["a", "b"]) }, history)
}

#[test]
fn a_gateway_whose_path_failed_is_left_while_another_remains() {
    let (refused, issuer) = (code("transport", "connect_refused"), code("iso8583", "91"));
    let none = [];
    for (status, codes, gateway) in [
        (Status::Error, &refused[..], "b"),
        (Status::Error, &none, "b"),
        (Status::Declined, &issuer, "a"),
        (Status::Error, &issuer, "a"),
        (Status::Declined, &none, "a"),
        (Status::Abandoned, &none, "a"),
    ] {
        let history = [tried("a", status, codes, MINUTE)];
        let advice = asked(gateways(&["a", "b"]), &history);
        assert_eq!((advice.retry, advice.gateway.as_deref()), (true, Some(gateway)), "{status:?}");
        let at = history[0].at;
        let left_out = vec![("a".to_owned(), Avoidance::PathFailed { at })];
        assert_eq!(advice.avoided, if gateway == "b" { left_out } else { vec![] });
        assert_eq!(asked(gateways(&["a"]), &history).gateway.as_deref(), Some("a"), "the only one");
    }
    let long_ago = [tried("a", Status::Error, &none, PATH_MEMORY_MS)];
    assert_eq!(asked(gateways(&["a", "b"]), &long_ago).gateway.as_deref(), Some("a"));
    let both = [tried("a", Status::Error, &none, 2), tried("b", Status::Error, &none, 1)];
    assert_eq!(asked(gateways(&["a", "b"]), &both).gateway.as_deref(), Some("a"));
    let answered_since =
        [tried("a", Status::Error, &none, 2), tried("a", Status::Declined, &issuer, 1)];
    assert_eq!(asked(gateways(&["a", "b"]), &answered_since).gateway.as_deref(), Some("a"));
}

#[test]
fn what_is_wrong_with_one_route_is_tried_on_another_or_never() {
    let unauthorised = code("transport", "http_401");
    let history = [tried("a", Status::Error, &unauthorised, 1)];
    let advice = asked(gateways(&["a", "b"]), &history);
    assert_eq!(advice.gateway.as_deref(), Some("b"));
    assert!(matches!(advice.avoided[..], [(_, Avoidance::Refused { until: None, .. })]));
    let advice = asked(gateways(&["a"]), &history);
    assert_eq!((advice.retry, advice.reason), (false, RetryReason::DeclineFinal));
    assert_eq!((advice.gateway, advice.not_before, advice.attempts_left), (None, None, Some(0)));
}

#[test]
fn a_limit_names_its_rule_and_when_it_leaves_room() {
    let funds = code("iso8583", "51");
    let history: Vec<_> =
        (1..=21).map(|hours| tried("a", Status::Declined, &funds, hours * HOUR)).collect();
    let advice = asked(gateways(&["a", "b"]), &history);
    assert_eq!((advice.retry, advice.reason), (false, RetryReason::SchemeLimit));
    assert_eq!(advice.not_before, Some(history[20].at.plus_millis(30 * 24 * HOUR)));
    assert!(matches!(advice.by, Some(By::Rule(rule)) if rule.name == "visa_reattempts_20"));
    let advice = asked(gateways(&["a", "b"]), &history[..20]);
    assert_eq!((advice.retry, advice.attempts_left), (true, Some(1)));
    assert_eq!((advice.reason, advice.not_before), (RetryReason::MayRetry, Some(NOW)));
    let stolen = code("iso8583", "43");
    let advice = asked(gateways(&["a", "b"]), &[tried("a", Status::Declined, &stolen, 1)]);
    assert!(!advice.retry && advice.not_before.is_none(), "{advice:?}");
}

#[test]
fn the_gateway_that_may_soonest_says_when_to_ask_again() {
    let codes = code("stripe", "insufficient_funds");
    let mut history: Vec<_> =
        (1..=21).map(|hours| tried("stripe", Status::Declined, &codes, hours * HOUR)).collect();
    let advice = asked(gateways(&["stripe", "b"]), &history);
    // At stripe never again, by its own advice; elsewhere when the scheme's window has moved on.
    assert_eq!(advice.reason, RetryReason::SchemeLimit);
    assert_eq!(advice.not_before, Some(history[20].at.plus_millis(30 * 24 * HOUR)));
    history.truncate(12);
    assert_eq!(asked(gateways(&["stripe", "b"]), &history).gateway.as_deref(), Some("b"));
}

#[test]
fn what_may_have_gone_through_is_asked_about_first() {
    let (sent, none) = (code("transport", "read_timeout"), []);
    for (status, codes) in
        [(Status::Timeout, &none[..]), (Status::Unknown, &none), (Status::Error, &sent)]
    {
        let history = [tried("b", status, codes, MINUTE), tried("a", Status::Declined, &none, 1)];
        let advice = asked(gateways(&["a", "b"]), &history);
        assert_eq!((advice.retry, advice.reason), (false, RetryReason::OutcomeUnknown));
        assert_eq!((advice.gateway, advice.attempts_left), (None, None));
        let at = history[0].at;
        assert_eq!(advice.inquire, [Inquiry { gateway: "b".into(), at }]);
    }
    let approved = [tried("a", Status::Approved, &none, 1)];
    assert_eq!(asked(gateways(&["a"]), &approved).reason, RetryReason::Approved);
}

#[test]
fn an_overlay_narrows_how_often_and_how_soon() {
    let issuer = code("iso8583", "91");
    let history = [tried("a", Status::Declined, &issuer, MINUTE)];
    let advice = under(vec![limiting(Some("a"), 3, 300, 1.0)], &history);
    assert_eq!((advice.retry, advice.reason), (true, RetryReason::Wait));
    assert_eq!(advice.not_before, Some(history[0].at.plus_millis(300_000)));
    assert_eq!((advice.attempts_left, advice.overlays.len()), (Some(2), 1));
    let advice = under(vec![limiting(None, 1, 0, 1.0)], &history);
    assert_eq!((advice.retry, advice.reason), (false, RetryReason::OverlayLimit));
    assert_eq!((advice.gateway.is_none(), advice.attempts_left), (true, Some(0)));
    let control = under(vec![limiting(None, 1, 900, 0.0)], &history);
    assert_eq!((control.reason, control.overlays.len()), (RetryReason::MayRetry, 0));
    let allocation = Allocation { version: 1, overlays: vec![limiting(None, 1, 900, 1.0)] };
    let killed = Terms { allocation, kill_switch: true, ..gateways(&["a", "b"]) };
    assert_eq!(asked(killed, &history).reason, RetryReason::MayRetry);
}

#[test]
fn the_overlay_of_the_last_try_holds_wherever_the_next_one_goes() {
    let none = [];
    let history = [tried("a", Status::Error, &none, MINUTE)];
    let overlays = vec![limiting(Some("a"), 5, 600, 1.0), limiting(Some("b"), 3, 120, 1.0)];
    let advice = under(overlays, &history);
    assert_eq!(advice.gateway.as_deref(), Some("b"));
    assert_eq!(advice.not_before, Some(history[0].at.plus_millis(600_000)), "the longest wait");
    assert_eq!(advice.attempts_left, Some(2), "the smallest ceiling");
    assert_eq!(advice.overlays.len(), 2);
}

#[test]
fn a_code_that_asks_for_a_wait_or_a_correction_says_so() {
    let codes = [code("iso8583", "51"), code("mastercard_mac", "24")].concat();
    let history = [tried("a", Status::Declined, &codes, MINUTE)];
    let advice = asked(gateways(&["a"]), &history);
    assert_eq!((advice.retry, advice.reason), (true, RetryReason::Wait));
    assert_eq!(advice.not_before, Some(history[0].at.plus_millis(HOUR)));
    let wrong = code("iso8583", "55");
    let advice = asked(gateways(&["a"]), &[tried("a", Status::Declined, &wrong, 1)]);
    assert_eq!((advice.retry, advice.reason), (true, RetryReason::CorrectFirst));
}

#[test]
fn an_expectation_is_told_only_where_something_is_learnt() {
    let history = [tried("a", Status::Declined, &[], 1)];
    let learns = Terms { learning: Learning::Exploit, ..gateways(&["a", "b"]) };
    assert_eq!(asked(gateways(&["a"]), &history).success_rate, None);
    assert_eq!(asked(learns.clone(), &history).success_rate, None);
    let table = Table { gateways: vec!["a".into()], attempts: vec![40.0], ..Table::default() };
    assert!(asked(Terms { table, ..learns }, &history).success_rate.is_some());
}

#[test]
fn an_answer_never_advises_more_than_the_rules_allow() {
    let told = |network, overlay: Option<(u32, u32)>| {
        let values = [("network", network)];
        let context = Context { values: &values, ..Context::at(NOW, "p") };
        let overlay =
            overlay.map(|(attempts_max, delay_s_min)| RetryAdvice { attempts_max, delay_s_min });
        let told = narrowed(overlay, &context, "a", RetryRules::published());
        told.map(|told| (told.attempts_max, told.delay_s_min))
    };
    assert_eq!(told("rupay", None), None);
    assert_eq!(told("rupay", Some((40, 30))), Some((40, 30)));
    assert_eq!(told("VISA", None), Some((21, 0)));
    assert_eq!(told("VISA", Some((2, 60))), Some((2, 60)));
    assert_eq!(told("mastercard", Some((40, 60))), Some((10, 60)));
}

const CODES: [(&str, &str); 10] = [
    ("iso8583", "51"),
    ("iso8583", "91"),
    ("iso8583", "55"),
    ("iso8583", "43"),
    ("iso8583", "ZZ"),
    ("transport", "connect_refused"),
    ("transport", "http_401"),
    ("mastercard_mac", "25"),
    ("mastercard_mac", "03"),
    ("stripe", "insufficient_funds"),
];

/// Gateway, status, code, minutes ago, same payment: enough to build an attempt from.
type Facts = (usize, usize, usize, i64, bool);

fn facts() -> impl Strategy<Value = Facts> {
    let ago = prop_oneof![0i64..90, 0i64..50_000];
    (0..GATEWAYS.len(), 0usize..40, 0..CODES.len() + 2, ago, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_never_says_yes_where_the_rules_say_no_nor_names_an_earlier_time(
        terms in worlds::terms(),
        payment in worlds::payment(),
        network in prop::sample::select(&["visa", "mastercard", "rupay"][..]),
        history in prop::collection::vec(facts(), 0..40),
        soft in any::<bool>(),
    ) {
        // The overlays of such a world end when it does.
        let ahead = NOW.as_millis() - NOW_MS;
        let mut terms = terms;
        for overlay in &mut terms.allocation.overlays {
            overlay.expires_at = overlay.expires_at.plus_millis(ahead);
        }
        let policy = Policy::new(terms);
        let codes = CODES.map(|(source, value)| code(source, value));
        let history: Vec<_> = history
            .iter()
            .map(|&(gateway, status, which, minutes, same)| PastAttempt {
                same_payment: same,
                ..tried(
                    GATEWAYS[gateway],
                    match status {
                        0 if !soft => Status::Approved,
                        1 if !soft => Status::Timeout,
                        2..12 => Status::Error,
                        12 => Status::Abandoned,
                        _ => Status::Declined,
                    },
                    codes.get(if soft { which % 3 } else { which }).map_or(&[], Vec::as_slice),
                    minutes * MINUTE,
                )
            })
            .collect();
        let mut values = payment.values.clone();
        values.push(("network", network));
        let tries = history.iter().filter(|past| past.same_payment).count() as u32;
        let context = Context {
            at: NOW,
            values: &values,
            attempt_number: tries + 1,
            ..payment.context("p")
        };
        let request = RetryRequest { context, ..request(&history) };
        let rules = RetryRules::published();
        let eligible = policy.explain(&context);
        let Ok(advice) = advise(&policy, &request, rules) else {
            prop_assert!(eligible.is_err());
            return Ok(());
        };
        let eligible: Vec<String> = eligible.unwrap().into_iter().map(|term| term.gateway).collect();
        let allowed = |gateway: &str| match request.ask(gateway, NOW, rules) {
            RetryAnswer::Allowed { not_before, left, .. } => Some((not_before, left)),
            _ => None,
        };
        for (gateway, why) in &advice.avoided {
            prop_assert!(eligible.contains(gateway));
            let is_refused = matches!(why, Avoidance::Refused { .. });
            prop_assert_eq!(is_refused, allowed(gateway).is_none());
        }
        let Some(gateway) = &advice.gateway else {
            prop_assert!(!advice.retry && advice.ranking.is_empty() && advice.success_rate.is_none());
            let is_narrowed = !advice.overlays.is_empty();
            prop_assert!(is_narrowed || eligible.iter().all(|gateway| allowed(gateway).is_none()));
            return Ok(());
        };
        prop_assert!(advice.retry);
        let (not_before, left) = allowed(gateway).expect("the rules allow it there");
        prop_assert!(advice.not_before.is_some_and(|at| at >= not_before && at >= NOW));
        prop_assert!(advice.attempts_left.is_none_or(|left| left > 0));
        if let (Some(told), Some(left), true) = (advice.attempts_left, left, advice.overlays.is_empty()) {
            prop_assert_eq!(told, left);
        }
        let last = history.iter().filter(|past| past.same_payment).map(|past| past.at).max();
        for Narrowing { retry, .. } in &advice.overlays {
            prop_assert!(context.attempt_number <= retry.attempts_max);
            let rested = last.map(|last| last.plus_millis(i64::from(retry.delay_s_min) * 1_000));
            prop_assert!(advice.not_before >= rested);
        }
        let offered: Vec<&str> = advice.ranking.iter().map(|r| r.gateway.as_str()).collect();
        prop_assert!(offered.iter().all(|name| eligible.iter().any(|own| own == name)));
        prop_assert!(advice.avoided.iter().all(|(gateway, _)| !offered.contains(&gateway.as_str())));
        prop_assert_eq!(offered.len() + advice.avoided.len(), eligible.len());
        let choice = policy.choose(&Context { candidates: &offered, ..context }).unwrap();
        prop_assert_eq!(&choice.gateway, gateway, "what the data plane chooses of the ranking");
    }
}
