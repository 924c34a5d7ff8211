//! Everything beside attempts.

use payments::Timestamp;
use sqlx::Connection;
use store::{
    ApiKey, Choice, Claim, Error, Event, KillSwitch, Kind, Object, Snapshot, Sql, Store, Wanted,
    audit_verify, open,
};

use crate::Case;

/// Every case.
pub fn all() -> Vec<Case> {
    vec![
        ("the journal grows by one", |s, _| Box::pin(journal(s))),
        ("two snapshots and the journal behind them", |s, _| Box::pin(snapshots(s))),
        ("objects in pages, newest first", |s, _| Box::pin(objects(s))),
        ("events go on from the last", |s, _| Box::pin(events(s))),
        ("the first choice stays", |s, _| Box::pin(choices(s))),
        ("the kill switch is latched", |s, url| Box::pin(kill_switch(s, url))),
        ("keys by their hash", |s, _| Box::pin(keys(s))),
        ("a claim is answered once", |s, _| Box::pin(claims(s))),
        ("the audit log is a chain", |s, _| Box::pin(audit(s))),
        ("one writer at a time", |s, _| Box::pin(one_writer(s))),
        ("a newer schema is refused", |s, url| Box::pin(newer(s, url))),
    ]
}

fn at(s: i64) -> Timestamp {
    Timestamp::from_millis(s * 1_000)
}

async fn journal(store: Sql) {
    let mut work = store.begin().await.expect("begun");
    for step in 1..=3 {
        work.step(step, &[step as u8, 0, 255]).await.expect("written");
    }
    work.commit().await.expect("committed");
    let mut work = store.begin().await.expect("begun");
    work.effects_of(2, "abc").await.expect("noted");
    work.commit().await.expect("committed");
    let progress = store.progress().await.expect("read");
    assert_eq!((progress.step, progress.effects, progress.event), (3, 2, 0));
    let steps = store.journal(1, 10).await.expect("read");
    assert_eq!(steps.iter().map(|s| s.step).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(
        (steps[0].body.as_slice(), steps[0].digest.as_deref()),
        (&[2, 0, 255][..], Some("abc"))
    );
    let mut work = store.begin().await.expect("begun");
    assert!(work.step(3, b"again").await.is_err(), "a step is written once");
}

async fn snapshots(store: Sql) {
    for step in 1..=9 {
        let mut work = store.begin().await.expect("begun");
        work.step(step, b"x").await.expect("written");
        if step % 3 == 0 {
            let snapshot = Snapshot {
                step,
                at: at(step),
                body: vec![step as u8; 70_000],
                beside: "{}".into(),
            };
            work.snapshot(&snapshot).await.expect("kept");
        }
        work.commit().await.expect("committed");
    }
    let kept = store.snapshots().await.expect("read");
    assert_eq!(kept.iter().map(|s| s.step).collect::<Vec<_>>(), [9, 6]);
    assert_eq!(kept[1].body, vec![6; 70_000]);
    let steps = store.journal(0, 100).await.expect("read");
    assert_eq!(steps.iter().map(|s| s.step).collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!(store.progress().await.expect("read").step, 9);
}

fn object(id: &str, s: i64, status: &str) -> Object {
    Object {
        id: id.into(),
        at: at(s),
        status: status.into(),
        body: format!("{{\"id\":\"{id}\"}}"),
        acknowledged: None,
        place: 0,
    }
}

async fn objects(store: Sql) {
    let mut work = store.begin().await.expect("begun");
    for i in 1..=5 {
        work.object(Kind::Incident, &object(&format!("inc_{i}"), i, "open")).await.expect("kept");
    }
    work.object(Kind::Decision, &object("inc_1", 1, "")).await.expect("another kind");
    work.commit().await.expect("committed");
    let mut work = store.begin().await.expect("begun");
    assert!(work.acknowledge(Kind::Incident, "inc_2", "ann", at(9)).await.expect("said"));
    assert!(work.acknowledge(Kind::Incident, "inc_2", "bob", at(10)).await.expect("said"));
    assert!(!work.acknowledge(Kind::Incident, "inc_9", "ann", at(9)).await.expect("said"));
    work.object(Kind::Incident, &object("inc_2", 2, "resolved")).await.expect("kept");
    work.commit().await.expect("committed");
    let two = store.object(Kind::Incident, "inc_2").await.expect("read").expect("there");
    assert_eq!((two.status.as_str(), two.place), ("resolved", 2));
    assert_eq!(two.acknowledged, Some(("ann".into(), at(9))), "the first, and kept by an update");
    let ids = |list: Vec<Object>| list.into_iter().map(|o| o.id).collect::<Vec<_>>();
    let wanted = Wanted { limit: 2, ..Wanted::default() };
    let page = store.objects(Kind::Incident, &wanted).await.expect("read");
    let last = page[1].place;
    assert_eq!(ids(page), ["inc_5", "inc_4"]);
    let wanted = Wanted { before: Some(last), limit: 9, ..Wanted::default() };
    assert_eq!(
        ids(store.objects(Kind::Incident, &wanted).await.expect("read")),
        ["inc_3", "inc_2", "inc_1"]
    );
    let wanted = Wanted {
        status: Some("open".into()),
        since: Some(at(2)),
        until: Some(at(4)),
        limit: 9,
        ..Wanted::default()
    };
    assert_eq!(ids(store.objects(Kind::Incident, &wanted).await.expect("read")), ["inc_3"]);
}

async fn events(store: Sql) {
    let mut work = store.begin().await.expect("begun");
    for id in 1..=10 {
        let event = Event { id, at: at(id), kind: "incident".into(), body: "{}".into() };
        work.event(&event).await.expect("appended");
    }
    work.commit().await.expect("committed");
    assert_eq!(
        store.events(7, 2).await.expect("read").iter().map(|e| e.id).collect::<Vec<_>>(),
        [8, 9]
    );
    let mut work = store.begin().await.expect("begun");
    work.prune(at(3), 5).await.expect("pruned");
    work.commit().await.expect("committed");
    assert_eq!(store.oldest_event().await.expect("read"), Some(6));
    let mut work = store.begin().await.expect("begun");
    work.prune(at(1_000), 5).await.expect("pruned");
    work.commit().await.expect("committed");
    assert_eq!(store.progress().await.expect("read").event, 10, "the last one stays");
}

async fn choices(store: Sql) {
    let choice = |body: &str| Choice { decision_id: "d_1".into(), at: at(1), body: body.into() };
    for body in ["first", "second"] {
        let mut work = store.begin().await.expect("begun");
        work.choices(vec![choice(body)]).await.expect("kept");
        work.commit().await.expect("committed");
    }
    assert_eq!(store.choice("d_1").await.expect("read"), Some(choice("first")));
    assert_eq!(store.choice("d_2").await.expect("read"), None);
}

async fn kill_switch(store: Sql, url: String) {
    assert_eq!(store.kill_switch().await.expect("read"), KillSwitch::default());
    let engaged = KillSwitch {
        engaged: true,
        reason: "drill".into(),
        by: "ann".into(),
        at_ms: 5,
        clear_requested: Some(("bob".into(), 9)),
    };
    let mut work = store.begin().await.expect("begun");
    work.set_kill_switch(&engaged).await.expect("set");
    work.set_fact("config", "{}").await.expect("set");
    work.set_fact("config", "{1}").await.expect("set again");
    work.commit().await.expect("committed");
    drop(store);
    let store = open(&url).await.expect("opened again");
    assert_eq!(store.kill_switch().await.expect("read"), engaged);
    assert_eq!(store.fact("config").await.expect("read").as_deref(), Some("{1}"));
}

async fn keys(store: Sql) {
    let key = ApiKey {
        id: "k1".into(),
        hash: "ff".into(),
        name: "feed".into(),
        tenant: "default".into(),
        role: None,
        scopes: vec!["events".into(), "route".into()],
        created_at: at(1),
        created_by: "local".into(),
        expires_at: Some(at(100)),
        revoked_at: None,
    };
    let mut work = store.begin().await.expect("begun");
    work.add_key(&key).await.expect("kept");
    work.commit().await.expect("committed");
    assert_eq!(store.key_by_hash("ff").await.expect("read"), Some(key.clone()));
    assert_eq!(store.key_by_hash("00").await.expect("read"), None);
    let mut work = store.begin().await.expect("begun");
    assert!(work.revoke_key("k1", at(7)).await.expect("revoked"));
    assert!(!work.revoke_key("k1", at(8)).await.expect("said"));
    work.commit().await.expect("committed");
    assert_eq!(store.keys().await.expect("read")[0].revoked_at, Some(at(7)));
}

async fn claims(store: Sql) {
    let mut work = store.begin().await.expect("begun");
    let first = work.claim("ann", "/v1/x", "k", "h", at(1)).await.expect("claimed");
    assert_eq!(first, Claim::First);
    work.commit().await.expect("committed");
    let mut work = store.begin().await.expect("begun");
    assert_eq!(work.claim("ann", "/v1/x", "k", "h", at(2)).await.expect("said"), Claim::InFlight);
    assert_eq!(work.claim("ann", "/v1/x", "k", "i", at(2)).await.expect("said"), Claim::OtherBody);
    assert_eq!(work.claim("bob", "/v1/x", "k", "i", at(2)).await.expect("said"), Claim::First);
    work.answer("ann", "/v1/x", "k", Some((200, "{}"))).await.expect("kept");
    let answered = Claim::Answered { status: 200, body: "{}".into() };
    assert_eq!(work.claim("ann", "/v1/x", "k", "h", at(3)).await.expect("said"), answered);
    work.release_claims().await.expect("released");
    assert_eq!(work.claim("bob", "/v1/x", "k", "j", at(4)).await.expect("said"), Claim::First);
    work.answer("bob", "/v1/x", "k", None).await.expect("freed");
    assert_eq!(work.claim("bob", "/v1/x", "k", "l", at(5)).await.expect("said"), Claim::First);
    work.commit().await.expect("committed");
}

async fn audit(store: Sql) {
    for i in 0..5 {
        let mut work = store.begin().await.expect("begun");
        work.append_audit(at(i), "ann", "approve", &format!("itv_{i}"), "{}").await.expect("kept");
        work.commit().await.expect("committed");
    }
    let entries = store.audit(0, 100).await.expect("read");
    assert_eq!(entries.len(), 5);
    assert_eq!(audit_verify(None, &entries), Ok(()));
    assert_eq!(audit_verify(Some(&entries[2]), &store.audit(3, 9).await.expect("read")), Ok(()));
}

async fn one_writer(store: Sql) {
    let store = std::sync::Arc::new(store);
    let writers = (0..8).map(|i| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..5 {
                let mut work = store.begin().await.expect("begun");
                work.append_audit(at(n), "w", "do", &i.to_string(), "").await.expect("kept");
                work.commit().await.expect("committed");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("done");
    }
    assert_eq!(audit_verify(None, &store.audit(0, 100).await.expect("read")), Ok(()));
}

async fn newer(store: Sql, url: String) {
    drop(store);
    let mut connection = sqlx::AnyConnection::connect(&url).await.expect("connected");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'later', TRUE, $1, 0)",
    )
    .bind(vec![0_u8])
    .execute(&mut connection)
    .await
    .expect("as a newer program does");
    match open(&url).await {
        Err(Error::NewerSchema { found: 99, known }) if known < 99 => {}
        other => panic!("{:?}", other.err()),
    }
}
