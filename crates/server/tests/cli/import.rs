//! `pointsman import`: history teaches a new store; serve goes on from there.

use crate::support::{Bench, COUNTS_MAP, counts};

#[test]
fn a_file_teaches_a_new_store_once() {
    let bench = Bench::new();
    bench.file("hours.csv", counts(14 * 24));
    let ran = bench.run(&["import", "hours.csv", "--map", COUNTS_MAP, "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!(json["rows"], 14 * 24 * 3);
    assert_eq!(json["attempts"], 14 * 24 * 350);
    assert_eq!(json["from"], "2020-02-01T00:00:00Z");
    assert!(json["watched"].as_u64().is_some_and(|n| n >= 3), "{json}");
    assert!(bench.path().join("pointsman.db").exists());

    let again = bench.run(&["import", "hours.csv", "--map", COUNTS_MAP]);
    assert_eq!(again.code, 3);
    assert!(again.err.contains("has a history of its own already"), "{}", again.err);
}

#[test]
fn it_says_what_it_did_and_what_comes_next() {
    let bench = Bench::new();
    bench.file("hours.csv", counts(48));
    let ran = bench.run(&["import", "hours.csv", "--map", COUNTS_MAP]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("144 rows, 16800 attempts from 2020-02-01T00:00:00Z"), "{}", ran.out);
    assert!(ran.out.ends_with("next: pointsman serve\n"), "{}", ran.out);
}

#[test]
fn what_can_t_be_read_leaves_the_store_as_it_was() {
    let bench = Bench::new();
    bench.file("empty.csv", "hr,t,success,pg\n");
    let map = ["--map", COUNTS_MAP];
    for (args, code, said) in [
        (vec!["import", "none.csv"], 3, "none.csv"),
        (vec!["import", "empty.csv", map[0], map[1]], 3, "no row could be read"),
        (vec!["import", "empty.csv", "--map", "time"], 2, "--map"),
        (vec!["import", "empty.csv", "--tz", "Mars/Base"], 2, "Mars/Base"),
    ] {
        let ran = bench.run(&args);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
    bench.file("hours.csv", counts(48));
    assert_eq!(bench.run(&["import", "hours.csv", map[0], map[1]]).code, 0);
}
