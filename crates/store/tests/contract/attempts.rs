//! Attempts: each id once, unknown outcomes replaced once, roll-ups that agree.

use std::collections::BTreeMap;

use payments::{Attempt, Code, Currency, Initiator, Money, Status, Timestamp};
use store::{Sql, Store, Verdict, open};

use crate::Case;

/// Every case.
pub fn all() -> Vec<Case> {
    vec![
        ("each id once, in any cut", |s, _| Box::pin(once(s))),
        ("an unknown outcome is replaced once", |s, _| Box::pin(replaced_once(s))),
        ("roll-ups agree with the rows", |s, _| Box::pin(rollups_agree(s))),
        ("attempts of a time are read for what payers do", |s, _| Box::pin(tried(s))),
        ("a payment is found among many", |s, _| Box::pin(among_many(s))),
        ("every field comes back", |s, _| Box::pin(fields(s))),
        ("work that is dropped has not happened", |s, _| Box::pin(dropped(s))),
        ("counting goes on after opening again", |s, url| Box::pin(again(s, url))),
        ("forgetting the old keeps the rest", |s, _| Box::pin(forgetting(s))),
    ]
}

/// An attempt of the first minutes of 2026.
pub fn attempt(id: &str, s: i64, status: Status) -> Attempt {
    Attempt {
        attempt_id: id.into(),
        payment_id: format!("p_{id}"),
        attempt_number: 1,
        occurred_at: Timestamp::from_millis(1_767_225_600_000 + s * 1_000),
        merchant_id: "m_1".into(),
        amount: Money::of_attempt(100, Currency::parse("INR").expect("known")).ok(),
        gateway: "payu".into(),
        method: "card".into(),
        network: Some("VISA".into()),
        issuer: Some("HDFC".into()),
        country: None,
        bin: None,
        status,
        code: None,
        latency_ms: Some(200),
        decision_id: None,
        propensity: None,
        initiator: None,
        mcc: None,
        customer_ref: None,
        device_ref: None,
        terminal_ref: None,
        ip_country: None,
        attributes: BTreeMap::new(),
    }
}

async fn put(store: &Sql, attempts: &[Attempt]) -> Vec<Verdict> {
    let mut work = store.begin().await.expect("begun");
    let verdicts = work.attempts(attempts).await.expect("stored");
    work.commit().await.expect("committed");
    verdicts
}

/// Attempts by status over the whole hour.
async fn sums(store: &Sql, slice: &[(&str, &str)]) -> ([i64; 6], i64) {
    let slice: Vec<(String, String)> =
        slice.iter().map(|(d, v)| ((*d).into(), (*v).into())).collect();
    let from = Timestamp::from_millis(1_767_225_600_000);
    let series =
        store.series(&slice, from, from.plus_millis(3_600_000), 3_600_000).await.expect("summed");
    series.first().map_or(([0; 6], 0), |sums| (sums.attempts, sums.latency_ms))
}

async fn once(store: Sql) {
    let many: Vec<Attempt> =
        (0..1_000).map(|i| attempt(&format!("a{i}"), i / 10, Status::Approved)).collect();
    assert!(put(&store, &many).await.iter().all(|v| *v == Verdict::New));
    assert!(put(&store, &many[500..]).await.iter().all(|v| *v == Verdict::Duplicate));
    let mut twice = vec![attempt("b", 1, Status::Declined), attempt("c", 1, Status::Declined)];
    twice.push(attempt("b", 2, Status::Approved));
    twice.push(many[7].clone());
    let verdicts = put(&store, &twice).await;
    assert_eq!(verdicts, [Verdict::New, Verdict::New, Verdict::Duplicate, Verdict::Duplicate]);
    assert_eq!(store.attempts_count().await.expect("counted"), 1_002);
    assert_eq!(sums(&store, &[]).await.0, [1_000, 2, 0, 0, 0, 0]);
}

async fn replaced_once(store: Sql) {
    let first = attempt("a", 5, Status::Unknown);
    let mut last = attempt("a", 65, Status::Declined);
    last.code = Some(Code { source: "iso8583".into(), value: "91".into() });
    last.latency_ms = Some(900);
    assert_eq!(put(&store, std::slice::from_ref(&first)).await, [Verdict::New]);
    let still = attempt("a", 6, Status::Timeout);
    assert_eq!(put(&store, &[still]).await, [Verdict::Duplicate], "no final status");
    let updated = Verdict::Updated { previous: Status::Unknown, occurred_at: first.occurred_at };
    assert_eq!(put(&store, std::slice::from_ref(&last)).await, [updated]);
    assert_eq!(put(&store, &[attempt("a", 7, Status::Approved)]).await, [Verdict::Duplicate]);
    let stored = store.payment("p_a").await.expect("read");
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].status, stored[0].latency_ms), (Status::Declined, Some(900)));
    assert_eq!(stored[0].occurred_at, first.occurred_at);
    assert_eq!(stored[0].code, last.code);
    assert_eq!(sums(&store, &[]).await, ([0, 1, 0, 0, 0, 0], 900));
    // Within one batch, in the order received.
    let both = [attempt("b", 1, Status::Timeout), attempt("b", 2, Status::Approved)];
    let verdicts = put(&store, &both).await;
    assert!(matches!(verdicts[1], Verdict::Updated { previous: Status::Timeout, .. }));
}

async fn rollups_agree(store: Sql) {
    let mut all = Vec::new();
    for i in 0..300 {
        let status = [Status::Approved, Status::Declined, Status::Unknown][i % 3];
        let mut attempt = attempt(&format!("a{i}"), (i as i64) * 7, status);
        attempt.gateway = ["payu", "razorpay"][i % 2].into();
        attempt.issuer = (i % 5 > 0).then(|| format!("bank {}", i % 5));
        all.push(attempt);
    }
    for batch in all.chunks(41) {
        put(&store, batch).await;
    }
    let count = |gateway: &str, status: Status| {
        all.iter().filter(|a| a.gateway == gateway && a.status == status).count() as i64
    };
    for gateway in ["payu", "razorpay"] {
        let expected = [
            count(gateway, Status::Approved),
            count(gateway, Status::Declined),
            0,
            0,
            count(gateway, Status::Unknown),
            0,
        ];
        assert_eq!(sums(&store, &[("gateway", gateway)]).await.0, expected);
    }
    let minutes = store
        .series(&[], all[0].occurred_at, all[0].occurred_at.plus_millis(3_600_000), 60_000)
        .await
        .expect("summed");
    let total: i64 = minutes.iter().flat_map(|m| m.attempts).sum();
    assert_eq!((minutes.len(), total), (35, 300));
    let by_bin = [("bin".into(), "4".into())];
    let unknown = store.series(&by_bin, all[0].occurred_at, all[1].occurred_at, 1).await;
    assert!(unknown.expect_err("no such column").to_string().contains("gateway, method"));
}

async fn tried(store: Sql) {
    let mut all: Vec<Attempt> =
        (0..4).map(|i| attempt(&format!("a{i}"), i * 60, Status::Declined)).collect();
    all[1].gateway = "razorpay".into();
    all[1].attempt_number = 2;
    all[2].issuer = None;
    put(&store, &all).await;
    let start = all[0].occurred_at;
    let read = async |slice: &[(&str, &str)], minutes: i64, limit: u32| {
        let slice: Vec<(String, String)> =
            slice.iter().map(|(d, v)| ((*d).into(), (*v).into())).collect();
        let until = start.plus_millis(minutes * 60_000);
        store.tries(&slice, start, until, limit).await.expect("read")
    };
    let ids = |tries: &[store::Try]| -> Vec<String> {
        tries.iter().map(|one| one.payment_id.clone()).collect()
    };
    assert_eq!(ids(&read(&[], 9, 9).await), ["p_a3", "p_a2", "p_a1", "p_a0"]);
    assert_eq!(ids(&read(&[], 9, 2).await), ["p_a3", "p_a2"], "the newest");
    let chosen = read(&[("gateway", "razorpay")], 3, 9).await;
    assert_eq!(chosen.iter().map(|one| one.is_chosen).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(
        (chosen[1].attempt_number, chosen[1].gateway.as_str(), chosen[1].at),
        (2, "razorpay", all[1].occurred_at)
    );
    let issuer = all[0].issuer.clone().expect("it has one");
    let none_is_no_value = read(&[("issuer", &issuer)], 9, 9).await;
    assert!(!none_is_no_value[1].is_chosen && none_is_no_value[3].is_chosen);
    let without = read(&[("issuer", "__none__"), ("gateway", "payu")], 9, 9).await;
    assert_eq!(
        without.iter().map(|one| one.is_chosen).collect::<Vec<_>>(),
        [false, true, false, false]
    );
    assert_eq!(sums(&store, &[("issuer", "__none__"), ("gateway", "payu")]).await.0[1], 1);
}

async fn fields(store: Sql) {
    let mut full = attempt("full", 3, Status::Declined);
    full.attempt_number = 2;
    full.country = Some("IN".into());
    full.bin = Some("411111".into());
    full.code = Some(Code { source: "iso8583".into(), value: "05".into() });
    full.decision_id = Some("d_1".into());
    full.propensity = Some(0.1 + 0.2);
    full.initiator = Some(Initiator::Mit);
    full.mcc = Some("5812".into());
    full.customer_ref = Some("c".into());
    full.device_ref = Some("d".into());
    full.terminal_ref = Some("t".into());
    full.ip_country = Some("GB".into());
    full.attributes = BTreeMap::from([("sub_type".into(), "UPI_COLLECT \u{1f600}'\"\\".into())]);
    let mut bare = attempt("bare", 4, Status::Approved);
    (bare.network, bare.issuer, bare.amount, bare.latency_ms) = (None, None, None, None);
    bare.payment_id = full.payment_id.clone();
    put(&store, &[full.clone(), bare.clone()]).await;
    assert_eq!(store.payment(&full.payment_id).await.expect("read"), [full, bare]);
    assert_eq!(store.payment("nobody").await.expect("read"), []);
}

async fn among_many(store: Sql) {
    // More rows than a block of the index has.
    let mut many: Vec<Attempt> =
        (0..70_000).map(|i| attempt(&format!("a{i}"), 0, Status::Declined)).collect();
    many[69_999].payment_id = many[0].payment_id.clone();
    for part in many.chunks(10_000) {
        put(&store, part).await;
    }
    let found = store.payment("p_a0").await.expect("read");
    let ids: Vec<&str> = found.iter().map(|attempt| attempt.attempt_id.as_str()).collect();
    assert_eq!(ids, ["a0", "a69999"]);
    assert_eq!(store.payment("p_a33000").await.expect("read").len(), 1);
}

async fn dropped(store: Sql) {
    let mut work = store.begin().await.expect("begun");
    work.attempts(&[attempt("a", 1, Status::Approved)]).await.expect("stored");
    work.step(1, b"x").await.expect("written");
    drop(work);
    assert_eq!(store.attempts_count().await.expect("counted"), 0);
    assert_eq!(store.progress().await.expect("read").step, 0);
    // The combination of names has to be given its number again.
    assert_eq!(put(&store, &[attempt("a", 1, Status::Approved)]).await, [Verdict::New]);
    assert_eq!(store.payment("p_a").await.expect("read").len(), 1);
}

async fn again(store: Sql, url: String) {
    put(&store, &[attempt("a", 1, Status::Approved)]).await;
    drop(store);
    let store = open(&url).await.expect("opened again");
    let mut other = attempt("b", 2, Status::Approved);
    other.gateway = "stripe".into();
    let verdicts = put(&store, &[attempt("a", 1, Status::Approved), other]).await;
    assert_eq!(verdicts, [Verdict::Duplicate, Verdict::New]);
    assert_eq!(sums(&store, &[("gateway", "stripe")]).await.0[0], 1);
}

async fn forgetting(store: Sql) {
    put(&store, &[attempt("old", 0, Status::Approved), attempt("new", 600, Status::Approved)])
        .await;
    let before = Timestamp::from_millis(1_767_225_600_000 + 300_000);
    let mut work = store.begin().await.expect("begun");
    assert_eq!(work.forget_attempts(before, 100).await.expect("forgotten"), 1);
    work.commit().await.expect("committed");
    assert_eq!(store.payment("p_old").await.expect("read"), []);
    assert_eq!(sums(&store, &[]).await.0[0], 1);
}
