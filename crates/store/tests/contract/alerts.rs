//! The outbox: told once, in order, and settled with what it is about.

use payments::Timestamp;
use store::{Alert, Delivery, DeliveryState, Recipient, Silence, Sql, Stage, Store, Wanted};

use crate::Case;

/// Every case.
pub fn all() -> Vec<Case> {
    vec![
        ("an alert is told once", |s, _| Box::pin(once(s))),
        ("what is about one thing goes in order", |s, _| Box::pin(in_order(s))),
        ("an acknowledgement ends an escalation", |s, _| Box::pin(escalation(s))),
        ("what is repeated ends with its matter", |s, _| Box::pin(repeated(s))),
        ("a silence ends and what it covered is due", |s, _| Box::pin(silence(s))),
        ("old alerts go, what waits stays", |s, _| Box::pin(forgotten(s))),
    ]
}

fn at(s: i64) -> Timestamp {
    Timestamp::from_millis(s * 1_000)
}

fn alert(id: &str, about: &str, stage: Stage) -> Alert {
    Alert {
        id: id.into(),
        at: at(1),
        about: about.into(),
        kind: "x".into(),
        stage,
        body: format!("{{\"id\":\"{id}\"}}"),
        place: 0,
    }
}

fn to(channel: &str, from_s: i64, escalates: bool) -> Recipient {
    Recipient { channel: channel.into(), from: at(from_s), escalates }
}

async fn put(store: &Sql, alert: &Alert, to: &[Recipient]) -> bool {
    let mut work = store.begin().await.expect("begun");
    let is_new = work.alert(alert, to).await.expect("put");
    work.commit().await.expect("committed");
    is_new
}

async fn note(store: &Sql, delivery: Delivery) {
    let mut work = store.begin().await.expect("begun");
    work.delivery(&delivery).await.expect("noted");
    work.commit().await.expect("committed");
}

async fn due(store: &Sql, channel: &str, s: i64) -> Vec<String> {
    let due = store.due(channel, at(s), 9).await.expect("read");
    due.into_iter().map(|due| due.delivery.alert_id).collect()
}

async fn only(store: &Sql, channel: &str, s: i64) -> store::Due {
    let mut due = store.due(channel, at(s), 9).await.expect("read");
    assert_eq!(due.len(), 1, "{due:?}");
    due.remove(0)
}

fn ended(delivery: Delivery, state: DeliveryState) -> Delivery {
    Delivery { state, next_at: None, tries: 1, done_at: Some(at(5)), ..delivery }
}

async fn states(store: &Sql, id: &str) -> Vec<(String, DeliveryState)> {
    let wanted = Wanted { limit: 99, ..Wanted::default() };
    let all = store.alerts(&wanted).await.expect("read");
    let (_, deliveries) = all.into_iter().find(|(alert, _)| alert.id == id).expect("there");
    deliveries.into_iter().map(|delivery| (delivery.channel, delivery.state)).collect()
}

async fn once(store: Sql) {
    let opened = alert("inc_1-opened", "inc_1", Stage::Firing);
    assert!(put(&store, &opened, &[to("a", 1, false), to("b", 1, false)]).await);
    assert!(!put(&store, &opened, &[to("c", 1, false)]).await);
    assert_eq!(due(&store, "a", 1).await, ["inc_1-opened"]);
    assert!(due(&store, "a", 0).await.is_empty());
    assert!(due(&store, "c", 9).await.is_empty());
    let found = only(&store, "a", 1).await;
    assert_eq!(
        (found.alert.body.as_str(), found.alert.stage),
        (opened.body.as_str(), Stage::Firing)
    );
    note(&store, ended(found.delivery, DeliveryState::Delivered)).await;
    assert!(due(&store, "a", 9).await.is_empty());
    assert_eq!(store.open_deliveries().await.expect("read"), [("b".to_string(), 1)]);
    let mut work = store.begin().await.expect("begun");
    work.alert(&alert("inc_2-opened", "inc_2", Stage::Firing), &[to("a", 1, false)])
        .await
        .expect("put");
    drop(work);
    assert!(due(&store, "a", 9).await.is_empty(), "a work that is dropped told nothing");
    let wanted = Wanted { status: Some("resolved".into()), limit: 9, ..Wanted::default() };
    assert!(store.alerts(&wanted).await.expect("read").is_empty());
}

async fn in_order(store: Sql) {
    put(&store, &alert("one", "inc_1", Stage::Firing), &[to("a", 1, false)]).await;
    put(&store, &alert("two", "inc_1", Stage::Resolved), &[to("a", 1, false)]).await;
    put(&store, &alert("other", "inc_2", Stage::Firing), &[to("a", 1, false)]).await;
    assert_eq!(due(&store, "a", 2).await, ["one", "other"]);
    let first = store.due("a", at(2), 1).await.expect("read").remove(0);
    assert!(first.is_superseded && !first.is_known);
    let later =
        Delivery { next_at: Some(at(100)), tries: 1, detail: Some("no".into()), ..first.delivery };
    note(&store, later.clone()).await;
    assert_eq!(due(&store, "a", 99).await, ["other"], "a resolution waits for its alarm");
    note(&store, ended(later, DeliveryState::GivenUp)).await;
    let second = store.due("a", at(99), 1).await.expect("read").remove(0);
    assert_eq!((second.delivery.alert_id.as_str(), second.is_known), ("two", true));
}

async fn escalation(store: Sql) {
    let both = [to("a", 1, false), to("boss", 60, true)];
    put(&store, &alert("one", "inc_1", Stage::Firing), &both).await;
    put(&store, &alert("two", "inc_2", Stage::Firing), &both).await;
    put(&store, &alert("ack", "inc_1", Stage::Acknowledged), &[]).await;
    assert_eq!(due(&store, "boss", 60).await, ["two"]);
    assert_eq!(
        states(&store, "one").await,
        [("a".to_string(), DeliveryState::Waiting), ("boss".to_string(), DeliveryState::Needless)]
    );
    put(&store, &alert("worse", "inc_1", Stage::Firing), &both).await;
    assert_eq!(states(&store, "worse").await.len(), 1, "somebody is on it already");
    put(&store, &alert("over", "inc_2", Stage::Resolved), &[]).await;
    assert!(due(&store, "boss", 99).await.is_empty());
}

async fn repeated(store: Sql) {
    put(&store, &alert("one", "inc_1", Stage::Firing), &[to("am", 1, false)]).await;
    let first = only(&store, "am", 1).await.delivery;
    let again = Delivery { state: DeliveryState::Repeating, next_at: Some(at(60)), ..first };
    note(&store, again.clone()).await;
    assert_eq!(due(&store, "am", 60).await, ["one"]);
    put(&store, &alert("two", "inc_1", Stage::Resolved), &[to("am", 61, false)]).await;
    // Sent meanwhile, and noted late: it stays ended.
    note(&store, again).await;
    let last = only(&store, "am", 999).await;
    assert_eq!((last.delivery.alert_id.as_str(), last.is_known), ("two", true));
}

async fn silence(store: Sql) {
    let silence = |id: &str, until_s| Silence {
        id: id.into(),
        slice: "{\"gateway\":\"payu\"}".into(),
        reason: "planned".into(),
        by: "ann".into(),
        from: at(1),
        until: at(until_s),
        ended_by: None,
        place: 0,
    };
    let mut work = store.begin().await.expect("begun");
    work.add_silence(&silence("s1", 100)).await.expect("kept");
    work.add_silence(&silence("s2", 2)).await.expect("kept");
    work.commit().await.expect("committed");
    let active = store.active_silences(at(5)).await.expect("read");
    assert_eq!(active, [Silence { place: 1, ..silence("s1", 100) }]);
    put(&store, &alert("one", "inc_1", Stage::Firing), &[to("a", 1, false)]).await;
    let first = only(&store, "a", 1).await.delivery;
    let (state, silence_id) = (DeliveryState::Silenced, Some("s1".into()));
    note(&store, Delivery { state, silence_id, next_at: Some(at(100)), ..first }).await;
    assert!(due(&store, "a", 99).await.is_empty());
    let mut work = store.begin().await.expect("begun");
    assert!(work.end_silence("s1", "bob", at(10)).await.expect("ended"));
    assert!(!work.end_silence("s1", "bob", at(11)).await.expect("said"));
    assert!(!work.end_silence("s9", "bob", at(11)).await.expect("said"));
    work.commit().await.expect("committed");
    assert_eq!(due(&store, "a", 10).await, ["one"]);
    let all = store.silences(None, 9).await.expect("read");
    assert_eq!(all.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["s2", "s1"]);
    assert_eq!((all[1].until, all[1].ended_by.as_deref()), (at(10), Some("bob")));
    assert_eq!(store.silences(Some(2), 9).await.expect("read").len(), 1);
}

async fn forgotten(store: Sql) {
    put(&store, &alert("done", "inc_1", Stage::Firing), &[to("a", 1, false)]).await;
    put(&store, &alert("waits", "inc_2", Stage::Firing), &[to("b", 1, false)]).await;
    let first = only(&store, "a", 1).await.delivery;
    note(&store, ended(first, DeliveryState::Delivered)).await;
    let mut work = store.begin().await.expect("begun");
    work.forget_alerts(at(50)).await.expect("forgotten");
    work.commit().await.expect("committed");
    let left = store.alerts(&Wanted { limit: 9, ..Wanted::default() }).await.expect("read");
    assert_eq!(
        left.iter().map(|(a, d)| (a.id.as_str(), d.len())).collect::<Vec<_>>(),
        [("waits", 1)]
    );
}
