//! `pointsman backup` of a server that writes, and `restore` into a new store: one moment of everything, and it goes on from there.

use std::path::Path;

use crate::postgres::Cluster;
use crate::support::{EVENT_CLOCK, HOUR, Place, Running};

fn told(server: &Running) -> [String; 4] {
    [
        "/v1/incidents?limit=500",
        "/v1/decisions?limit=500",
        "/v1/memory",
        "/v1/series?from=2026-09-21T09:00:00Z&to=2026-09-21T10:00:00Z",
    ]
    .map(|path| server.get(path).body)
}

fn done(place: &Place, args: &[&str]) {
    let output = place.command(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn refused(place: &Place, args: &[&str], why: &str) {
    let output = place.command(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{args:?}: {said}");
    assert!(said.contains(why), "{args:?}: {said}");
}

/// A backup in the middle of the hour, while the rest of it is written; restored, it takes the rest and is where the first one is.
fn there_and_back(config: &str, restored_config: &str) {
    let place = Place::new();
    let server = place.start(config);
    let (first, rest) = HOUR.split_at(HOUR.len() / 2);
    first.chunks(3_000).for_each(|lines| drop(server.events(lines)));
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| done(&place, &["backup", "half.backup"]));
        rest.chunks(500).for_each(|lines| drop(server.events(lines)));
        copying.join().expect("joined");
    });
    let whole = told(&server);
    assert_eq!(server.stop(), 0);
    refused(&place, &["backup", "half.backup"], "exists; name a new file");
    refused(&place, &["restore", "half.backup"], "not overwritten");

    let other = Place::new();
    other.config(restored_config);
    let file = place.path().join("half.backup");
    done(&other, &["restore", file.to_str().expect("UTF-8")]);
    done(&other, &["audit", "verify"]);
    let server = other.start(restored_config);
    for lines in HOUR.chunks(2_000) {
        let answer = server.events(lines);
        let known = answer["duplicates"].as_u64().expect("a count");
        let new = answer["accepted"].as_u64().expect("a count");
        assert_eq!(known + new, lines.len() as u64, "{answer}");
    }
    assert_eq!(told(&server), whole);
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_sqlite_store_there_and_back() {
    there_and_back(EVENT_CLOCK, EVENT_CLOCK);
}

#[test]
fn a_postgresql_store_there_and_back() {
    let Some(mut cluster) = Cluster::start() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut config = || {
        let url = runtime.block_on(cluster.database());
        format!("{EVENT_CLOCK}[store]\nurl = \"{url}\"\n")
    };
    there_and_back(&config(), &config());
}

#[test]
fn a_backup_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    assert_eq!(place.start("").stop(), 0);
    done(&place, &["backup", "all.backup"]);
    let mode = std::fs::metadata(place.path().join("all.backup")).expect("there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn what_is_no_backup_becomes_no_store() {
    let place = Place::new();
    refused(&place, &["backup", "none.backup"], "there is no such file");
    refused(&place, &["restore", "none.backup"], "there is no such file");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(place.path().join(name), bytes).expect("written");
    };
    write("text.backup", b"hello");
    refused(&place, &["restore", "text.backup"], "no sound backup");
    assert_eq!(place.start("").stop(), 0);
    done(&place, &["backup", "all.backup"]);
    let mut bytes = std::fs::read(place.path().join("all.backup")).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    write("torn.backup", &bytes);
    std::fs::rename(place.path().join("pointsman.db"), place.path().join("old")).expect("moved");
    refused(&place, &["restore", "torn.backup"], "no sound backup");
    assert!(!Path::new(&place.path().join("pointsman.db")).exists());
    done(&place, &["restore", "all.backup"]);
    assert_eq!(place.start("").stop(), 0);
}
