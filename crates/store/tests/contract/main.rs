//! The contract of a store, on SQLite and on PostgreSQL: the same cases, each on a store of its own.

mod alerts;
mod attempts;
mod cases;
mod people;
#[allow(dead_code, reason = "the server's tests stop and start it as well")]
mod postgres;

use std::future::Future;
use std::pin::Pin;

use store::{Sql, open};

/// A case: a fresh store and its URL.
pub type Case = (&'static str, fn(Sql, String) -> Pin<Box<dyn Future<Output = ()> + Send>>);

fn all() -> Vec<Case> {
    let mut all = cases::all();
    all.extend(attempts::all());
    all.extend(alerts::all());
    all.extend(people::all());
    all
}

async fn run(case: Case, url: String) {
    let (name, check) = case;
    println!("{name}");
    let store = open(&url).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    check(store, url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    for case in all() {
        let dir = tempfile::tempdir().expect("a directory");
        run(case, format!("sqlite:{}", dir.path().join("a store.db").display())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql() {
    let Some(mut cluster) = postgres::Cluster::start() else { return };
    for case in all() {
        let url = cluster.database().await;
        run(case, url).await;
    }
}

#[tokio::test]
async fn a_url_of_neither_is_refused_without_its_password() {
    let error = open("mysql://me:secret@db/x").await.err().expect("refused").to_string();
    assert_eq!(
        error,
        "store.url mysql://me@db/x: allowed are sqlite:PATH and postgres://user@host/database"
    );
}
