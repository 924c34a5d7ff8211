//! Properties of [`may_retry`], and the scheme rules as cases.

use proptest::prelude::*;

use super::*;
use crate::Currency;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn code(source: &str, value: &str) -> Vec<Code> {
    vec![Code { source: source.into(), value: value.into() }]
}

fn rupees(minor: i64) -> Option<Money> {
    Some(Money { minor, currency: Currency::parse("INR").unwrap() })
}

fn past(at: Timestamp, codes: &[Code]) -> PastAttempt<'_> {
    PastAttempt {
        at,
        status: Status::Declined,
        codes,
        amount: rupees(49_900),
        initiator: Some(Initiator::Mit),
        gateway: "payu",
        same_payment: true,
    }
}

fn question<'a>(
    network: &'a str,
    history: &'a [PastAttempt<'a>],
    now: Timestamp,
) -> RetryQuestion<'a> {
    RetryQuestion {
        network: Some(network),
        gateway: "payu",
        initiator: Some(Initiator::Mit),
        amount: rupees(49_900),
        region: None,
        card_present: Some(false),
        history,
        now,
    }
}

fn ask(question: &RetryQuestion) -> RetryAnswer<'static> {
    may_retry(question, RetryRules::published())
}

/// The rule's name if refused, with the end of the refusal.
fn refused(answer: RetryAnswer) -> Option<(&'static str, Option<Timestamp>)> {
    match answer {
        RetryAnswer::Refused { by: By::Rule(rule), until } => Some((rule.name, until)),
        RetryAnswer::Refused { by: By::Decline(_), until } => Some(("decline", until)),
        RetryAnswer::Refused { by: By::Approved, until } => Some(("approved", until)),
        _ => None,
    }
}

#[test]
fn visa_allows_15_reattempts_before_19_may_2025_and_20_after() {
    let funds = code("iso8583", "51");
    for (now, limit, name) in [
        (at("2025-05-18T23:59:59Z"), 15, "visa_reattempts_15"),
        (at("2025-05-19T00:00:00Z"), 20, "visa_reattempts_20"),
    ] {
        let history: Vec<_> =
            (0..=limit).map(|day| past(now.plus_millis(-(day + 1) * DAY), &funds)).collect();
        let (allowed, one_more) = (&history[..limit as usize], &history[..]);
        assert!(matches!(
            ask(&question("VISA", allowed, now)),
            RetryAnswer::Allowed { left: Some(1), .. }
        ));
        // The oldest decline leaves the rolling window first, unless the limit is raised before.
        let leaves = history[limit as usize].at.plus_millis(30 * DAY);
        let raised = at("2025-05-19T00:00:00Z");
        let until = if now < raised { raised } else { leaves };
        assert_eq!(refused(ask(&question("VISA", one_more, now))), Some((name, Some(until))));
        assert_eq!(refused(ask(&question("VISA", one_more, until))), None);
    }
}

#[test]
fn a_limit_that_is_raised_lets_go_on_that_day() {
    let (funds, raised) = (code("iso8583", "51"), at("2025-05-19T00:00:00Z"));
    let now = raised.plus_millis(-DAY);
    let history: Vec<_> = (0..17).map(|h| past(now.plus_millis(-(h + 1) * HOUR), &funds)).collect();
    let answer = ask(&question("visa", &history, now));
    assert_eq!(refused(answer), Some(("visa_reattempts_15", Some(raised))));
    let then = ask(&question("visa", &history, raised));
    assert!(matches!(then, RetryAnswer::Allowed { left: Some(4), .. }), "{then:?}");
}

#[test]
fn a_wait_that_ends_under_another_limit_is_judged_by_that_one() {
    let advice = [code("iso8583", "51"), code("mastercard_mac", "30")].concat();
    let now = at("2022-09-30T12:00:00Z");
    let mut history: Vec<_> = (0..9).map(|h| past(now.plus_millis(h * HOUR), &[])).collect();
    history.push(past(now.plus_millis(-238 * HOUR), &advice));
    // Two hours' wait leads into the day on which ten declines in 24 hours became too many.
    let answer = ask(&question("mastercard", &history, now));
    assert!(
        matches!(answer, RetryAnswer::Allowed { not_before, .. } if not_before == now.plus_millis(2 * HOUR)),
        "{answer:?}"
    );
}

#[test]
fn visa_category_1_is_never_tried_again() {
    let now = at("2026-01-01T00:00:00Z");
    for (source, value) in [("iso8583", "14"), ("visa", "R1"), ("visa_category", "category_1")] {
        let codes = code(source, value);
        let old = [past(now.plus_millis(-900 * DAY), &codes)];
        assert_eq!(refused(ask(&question("Visa", &old, now))), Some(("visa_category_1", None)));
    }
}

#[test]
fn visa_counts_customer_and_merchant_apart_since_19_may_2025() {
    let funds = code("iso8583", "51");
    for (now, apart) in [(at("2025-05-18T00:00:00Z"), false), (at("2025-06-18T00:00:00Z"), true)] {
        let history: Vec<_> =
            (0..21).map(|h| past(now.plus_millis(-(h + 1) * HOUR), &funds)).collect();
        let mut question = question("visa", &history, now);
        assert!(refused(ask(&question)).is_some());
        question.initiator = Some(Initiator::Cit);
        assert_eq!(refused(ask(&question)).is_none(), apart);
        question.initiator = None;
        assert!(refused(ask(&question)).is_some(), "not knowing takes the stricter reading");
    }
}

#[test]
fn visa_counts_the_same_amount_and_starts_afresh_after_an_approval() {
    let (funds, now) = (code("iso8583", "51"), at("2026-01-01T00:00:00Z"));
    let mut history: Vec<_> = (0..21)
        .map(|h| PastAttempt {
            same_payment: false,
            ..past(now.plus_millis(-(h + 1) * HOUR), &funds)
        })
        .collect();
    assert!(refused(ask(&question("visa", &history, now))).is_some());
    let other = RetryQuestion { amount: rupees(100), ..question("visa", &history, now) };
    assert_eq!(refused(ask(&other)), None);
    history[10].status = Status::Approved;
    assert_eq!(refused(ask(&question("visa", &history, now))), None);
}

#[test]
fn mastercard_stops_after_10_declines_in_24_hours_and_names_the_fee_of_the_day() {
    let declined = code("iso8583", "05");
    for (now, fee) in [
        (at("2022-12-01T00:00:00Z"), "0.10"),
        (at("2023-12-01T00:00:00Z"), "0.15"),
        (at("2024-12-01T00:00:00Z"), "0.30"),
        (at("2025-12-01T00:00:00Z"), "0.50"),
    ] {
        let history: Vec<_> =
            (0..10).map(|h| past(now.plus_millis(-(h + 1) * HOUR), &declined)).collect();
        assert_eq!(refused(ask(&question("MASTERCARD", &history[..9], now))), None);
        let answer = ask(&question("MASTERCARD", &history, now));
        let RetryAnswer::Refused { by: By::Rule(rule), until } = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(rule.fee.unwrap().amount, fee);
        assert_eq!(until, Some(history[9].at.plus_millis(DAY)));
    }
    let before_the_rule = at("2022-09-30T00:00:00Z");
    let history: Vec<_> =
        (0..10).map(|h| past(before_the_rule.plus_millis(-h * HOUR), &declined)).collect();
    assert_eq!(refused(ask(&question("mastercard", &history, before_the_rule))), None);
}

#[test]
fn the_strictest_refusal_is_the_answer() {
    let (declined, lost) = (code("iso8583", "05"), code("iso8583", "41"));
    let now = at("2026-01-01T00:00:00Z");
    let mut history: Vec<_> =
        (0..10).map(|h| past(now.plus_millis(-(h + 1) * HOUR), &declined)).collect();
    let for_a_day = refused(ask(&question("mastercard", &history, now)));
    assert!(for_a_day.is_some_and(|(_, until)| until.is_some()));
    history[3].codes = &lost;
    assert_eq!(refused(ask(&question("mastercard", &history, now))), Some(("decline", None)));
}

#[test]
fn mastercard_35_in_30_days_holds_where_it_was_introduced() {
    let (declined, now) = (code("iso8583", "05"), at("2024-03-01T00:00:00Z"));
    let history: Vec<_> =
        (0..35).map(|n| past(now.plus_millis(-(n + 1) * 20 * HOUR), &declined)).collect();
    let mut question = question("mastercard", &history, now);
    for (region, name) in [
        (Some("US"), Some("mastercard_30d_us_2024")),
        (None, Some("mastercard_30d_us_2024")),
        (Some("CA"), None),
    ] {
        question.region = region;
        assert_eq!(refused(ask(&question)).map(|(name, _)| name), name, "{region:?}");
    }
}

#[test]
fn merchant_advice_waits_and_stops() {
    let now = at("2026-01-01T00:00:00Z");
    for (advice, hours) in
        [("24", 1), ("25", 24), ("26", 48), ("27", 96), ("28", 144), ("29", 192), ("30", 240)]
    {
        let codes = [code("iso8583", "51"), code("mastercard_mac", advice)].concat();
        let history = [past(now, &codes)];
        let answer = ask(&question("mastercard", &history, now));
        let RetryAnswer::Allowed { not_before, by: Some(By::Rule(rule)), .. } = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(not_before, now.plus_millis(hours * HOUR));
        assert_eq!(rule.kind, RuleKind::Wait);
    }
    // Ten days that begin before anybody charges for ignoring them: named is what holds in the end.
    let before = at("2023-10-05T00:00:00Z");
    let codes = code("mastercard_mac", "30");
    let history = [past(before, &codes)];
    let answer = ask(&question("mastercard", &history, before));
    let RetryAnswer::Allowed { by: Some(By::Rule(rule)), .. } = answer else {
        panic!("{answer:?}")
    };
    assert!(rule.name.starts_with("mastercard_mac_wait"), "{}", rule.name);
    for advice in ["03", "21"] {
        let codes = code("mastercard_mac", advice);
        let history = [past(now, &codes)];
        let answer = ask(&question("mastercard", &history, now.plus_millis(DAY)));
        assert_eq!(refused(answer), Some(("mastercard_mac_03_21", None)));
        let later = ask(&question("mastercard", &history, now.plus_millis(31 * DAY)));
        assert_eq!(refused(later), Some(("decline", None)), "no fee, yet no more sense");
    }
}

#[test]
fn stripe_recommends_8_retries_of_a_charge() {
    let (codes, now) = (code("stripe", "insufficient_funds"), at("2026-01-01T00:00:00Z"));
    let history: Vec<_> = (0..9).map(|n| past(now.plus_millis(-n * DAY), &codes)).collect();
    let ask_at_stripe = |history| {
        refused(ask(&RetryQuestion { gateway: "stripe", ..question("rupay", history, now) }))
    };
    assert_eq!(ask_at_stripe(&history[..8]), None);
    assert_eq!(ask_at_stripe(&history), Some(("stripe_recommended_8", None)));
}

#[test]
fn what_may_have_gone_through_is_reconciled_first() {
    let (now, none) = (at("2026-01-01T00:00:00Z"), vec![]);
    for status in [Status::Timeout, Status::Unknown] {
        let history = [PastAttempt { status, ..past(now, &none) }];
        assert_eq!(
            ask(&question("visa", &history, now)),
            RetryAnswer::ReconcileFirst { since: now }
        );
    }
    let sent = code("transport", "read_timeout");
    let history = [PastAttempt { status: Status::Error, ..past(now, &sent) }];
    assert_eq!(ask(&question("visa", &history, now)), RetryAnswer::ReconcileFirst { since: now });
    let not_sent = code("transport", "connect_refused");
    let history = [PastAttempt { status: Status::Error, ..past(now, &not_sent) }];
    assert!(matches!(ask(&question("visa", &history, now)), RetryAnswer::Allowed { .. }));
    let approved = [PastAttempt { status: Status::Approved, ..past(now, &none) }];
    assert_eq!(refused(ask(&question("visa", &approved, now))), Some(("approved", None)));
}

#[test]
fn what_is_wrong_with_the_route_may_be_tried_on_another() {
    let (codes, now) = (code("transport", "http_401"), at("2026-01-01T00:00:00Z"));
    let history = [PastAttempt { status: Status::Error, ..past(now, &codes) }];
    assert_eq!(refused(ask(&question("visa", &history, now))), Some(("decline", None)));
    let elsewhere = RetryQuestion { gateway: "razorpay", ..question("visa", &history, now) };
    assert!(matches!(ask(&elsewhere), RetryAnswer::Allowed { .. }));
}

#[test]
fn wrong_data_is_corrected_first() {
    let (codes, now) = (code("iso8583", "55"), at("2026-01-01T00:00:00Z"));
    let history = [past(now, &codes)];
    let answer = ask(&question("visa", &history, now));
    assert!(matches!(answer, RetryAnswer::Allowed { correct_first: true, left: Some(20), .. }));
}

/// Greater is stricter.
fn strictness(answer: RetryAnswer) -> (u8, i64) {
    match answer {
        RetryAnswer::Allowed { not_before, .. } => (0, not_before.as_millis()),
        RetryAnswer::Refused { until: Some(until), .. } => (1, until.as_millis()),
        RetryAnswer::Refused { until: None, .. } => (2, 0),
        RetryAnswer::ReconcileFirst { .. } => (3, 0),
    }
}

const NOW: i64 = 1_767_225_600_000;

/// Status, code, age in hours, amount, initiator, same payment: enough to build an attempt from.
type Facts = (usize, usize, i64, i64, usize, bool);

fn facts() -> impl Strategy<Value = Facts> {
    (0usize..12, 0usize..12, -2i64..900, 1i64..3, 0usize..3, any::<bool>())
}

fn build<'a>(
    (status, which, hours, amount, initiator, same): Facts,
    codes: &'a [Vec<Code>],
) -> PastAttempt<'a> {
    PastAttempt {
        at: Timestamp::from_millis(NOW - hours * HOUR),
        status: match status {
            0 => Status::Approved,
            1 => Status::Error,
            2 => Status::Abandoned,
            3 => Status::Timeout,
            _ => Status::Declined,
        },
        codes: codes.get(which).map_or(&[], Vec::as_slice),
        amount: (amount > 1).then(|| rupees(amount)).flatten(),
        initiator: [None, Some(Initiator::Cit), Some(Initiator::Mit)][initiator],
        gateway: "payu",
        same_payment: same,
    }
}

fn some_codes() -> Vec<Vec<Code>> {
    [
        ("iso8583", "51"),
        ("iso8583", "05"),
        ("iso8583", "91"),
        ("visa", "91"),
        ("iso8583", "55"),
        ("iso8583", "ZZ"),
        ("mastercard_mac", "25"),
        ("mastercard_mac", "02"),
        ("stripe", "insufficient_funds"),
        ("mastercard_mac", "03"),
        ("iso8583", "14"),
    ]
    .map(|(source, value)| code(source, value))
    .to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_more_decline_never_makes_it_more_lenient(
        network in 0usize..3,
        mut history in prop::collection::vec(facts(), 0..60),
        extra in facts(),
        soft in any::<bool>(),
    ) {
        let (codes, network) = (some_codes(), ["visa", "mastercard", "rupay"][network]);
        if soft {
            history.iter_mut().for_each(|facts| *facts = (4, facts.1 % 9, facts.2, 2, 2, true));
        }
        let before: Vec<_> = history.iter().map(|&facts| build(facts, &codes)).collect();
        let declined = PastAttempt { status: Status::Declined, ..build(extra, &codes) };
        let mut after = before.clone();
        after.push(declined);
        let now = Timestamp::from_millis(NOW);
        let strict = |history: &[PastAttempt]| strictness(ask(&question(network, history, now)));
        prop_assert!(strict(&after) >= strict(&before), "{:?} {:?}", strict(&before), strict(&after));
    }

    #[test]
    fn the_order_of_the_history_changes_nothing(
        history in prop::collection::vec(facts(), 0..60),
        turn in 0usize..60,
    ) {
        let codes = some_codes();
        let mut history: Vec<_> = history.iter().map(|&facts| build(facts, &codes)).collect();
        let now = Timestamp::from_millis(NOW);
        let before = strictness(ask(&question("visa", &history, now)));
        let turn = turn % history.len().max(1);
        history.rotate_left(turn);
        prop_assert_eq!(before, strictness(ask(&question("visa", &history, now))));
    }

    #[test]
    fn a_refusal_that_ends_has_ended_by_then(
        network in 0usize..2,
        history in prop::collection::vec(facts(), 20..80),
    ) {
        let (codes, network) = (some_codes(), ["visa", "mastercard"][network]);
        let history: Vec<_> = history
            .iter()
            .map(|&(_, which, hours, ..)| build((4, which % 9, hours, 2, 2, true), &codes))
            .collect();
        let now = Timestamp::from_millis(NOW);
        if let RetryAnswer::Refused { until: Some(until), .. } = ask(&question(network, &history, now)) {
            prop_assert!(until > now);
            let then = |at| ask(&question(network, &history, at));
            let answer = then(until);
            let free = matches!(answer, RetryAnswer::Allowed { not_before, .. } if not_before == until);
            prop_assert!(free, "{:?}", answer);
            let before = then(until.plus_millis(-1));
            let early = matches!(before, RetryAnswer::Allowed { not_before, .. } if not_before < until);
            prop_assert!(!early, "{:?}", before);
        }
    }
}
