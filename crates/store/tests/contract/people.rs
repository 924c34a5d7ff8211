//! Users, sessions, and changes that wait for a second person.

use std::sync::Arc;

use payments::Timestamp;
use store::{Change, Session, Sql, Store, User};

use crate::Case;

/// Every case.
pub fn all() -> Vec<Case> {
    vec![
        ("users are replaced by id", |s, _| Box::pin(users(s))),
        ("sessions end, expire and are few", |s, _| Box::pin(sessions(s))),
        ("a change is taken once", |s, _| Box::pin(changes(s))),
    ]
}

fn at(s: i64) -> Timestamp {
    Timestamp::from_millis(s * 1_000)
}

async fn users(store: Sql) {
    let ann = User {
        id: "u_1".into(),
        subject: "auth0|ann".into(),
        name: "Ann".into(),
        role: Some("admin".into()),
        disabled: false,
        tenant: "default".into(),
        created_at: at(1),
        created_by: "local".into(),
    };
    let bob = User {
        id: "u_2".into(),
        subject: "bob".into(),
        role: None,
        created_at: at(2),
        ..ann.clone()
    };
    let changed = User { disabled: true, role: None, name: "Ann B".into(), ..ann.clone() };
    for user in [&ann, &bob, &changed] {
        let mut work = store.begin().await.expect("begun");
        work.put_user(user).await.expect("kept");
        work.commit().await.expect("committed");
    }
    assert_eq!(store.users().await.expect("read"), [bob.clone(), changed]);
    let mut work = store.begin().await.expect("begun");
    let twin = User { id: "u_3".into(), ..bob };
    assert!(work.put_user(&twin).await.is_err(), "a subject is there once");
    drop(work);
    let mut work = store.begin().await.expect("begun");
    assert!(work.remove_user("u_1").await.expect("removed"));
    assert!(!work.remove_user("u_1").await.expect("said"));
    work.commit().await.expect("committed");
    assert_eq!(store.users().await.expect("read").len(), 1);
}

fn session(hash: &str, subject: &str, from: i64, to: i64) -> Session {
    Session {
        hash: hash.into(),
        subject: subject.into(),
        role: Some("viewer".into()),
        scopes: vec!["events".into(), "route".into()],
        tenant: "default".into(),
        created_at: at(from),
        expires_at: at(to),
    }
}

async fn sessions(store: Sql) {
    let all = [
        session("a", "ann", 1, 100),
        session("b", "ann", 2, 100),
        session("c", "ann", 3, 4),
        session("d", "bob", 4, 100),
        session("e", "ann", 5, 100),
    ];
    let mut work = store.begin().await.expect("begun");
    for session in &all {
        work.add_session(session, 2).await.expect("kept");
    }
    work.commit().await.expect("committed");
    let mut kept = store.sessions().await.expect("read");
    kept.sort_by(|a, b| a.hash.cmp(&b.hash));
    // `a` was pushed out by `c`, which had expired when `d` came.
    assert_eq!(kept, [all[1].clone(), all[3].clone(), all[4].clone()]);
    let mut work = store.begin().await.expect("begun");
    assert!(work.end_session("d").await.expect("ended"));
    assert!(!work.end_session("d").await.expect("said"));
    assert_eq!(work.end_sessions_of("ann").await.expect("ended"), 2);
    work.commit().await.expect("committed");
    assert_eq!(store.sessions().await.expect("read"), []);
}

async fn changes(store: Sql) {
    let change = |id: &str, from: i64, to: i64| Change {
        id: id.into(),
        tenant: "default".into(),
        requested_by: "ann".into(),
        requested_at: at(from),
        expires_at: at(to),
        body: "{}".into(),
    };
    let mut work = store.begin().await.expect("begun");
    work.add_change(&change("c_1", 1, 2)).await.expect("kept");
    work.add_change(&change("c_2", 2, 9)).await.expect("kept");
    work.commit().await.expect("committed");
    assert_eq!(store.changes().await.expect("read"), [change("c_2", 2, 9)]);
    let store = Arc::new(store);
    let takers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut work = store.begin().await.expect("begun");
                let is_mine = work.take_change("c_2").await.expect("said");
                work.commit().await.expect("committed");
                is_mine
            })
        })
        .collect();
    let mut winners = 0;
    for taker in takers {
        winners += i32::from(taker.await.expect("done"));
    }
    assert_eq!(winners, 1);
}
