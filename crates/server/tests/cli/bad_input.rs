//! Each kind of bad input gets one clear message with file, line and field; the rest is read.

use std::io::Write;

use serde_json::Value;

use crate::support::{Bench, COUNTS_MAP, counts};

const HEAD: &str = "time,status,gateway,attempt_id,minor,currency,code\n";
const GOOD: &str = "2020-02-13T18:00:00Z,approved,PAYU,a1,100,INR,\n";

/// One bad row between two good ones: it alone is skipped, with this message.
fn one_bad_row(bad: &str, message: &str) {
    let bench = Bench::new();
    let last = GOOD.replace("a1", "a9");
    bench.file("p.csv", format!("{HEAD}{GOOD}{bad}\n{last}"));
    let ran = bench.backtest("p.csv", &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    assert_eq!((&json["summary"]["rows"], &json["summary"]["skipped"]), (&2.into(), &1.into()));
    let skipped = ran.skipped();
    assert!(skipped[0].starts_with(message), "{} is not {message}", skipped[0]);
}

#[test]
fn a_missing_value() {
    one_bad_row(",approved,PAYU,a2,100,INR,", "p.csv:3: time: is missing");
    one_bad_row("2020-02-13T18:00:00Z,,PAYU,a2,100,INR,", "p.csv:3: status: is missing");
    one_bad_row("2020-02-13T18:00:00Z,approved,PAYU,a2,100,,", "p.csv:3: amount.currency: missing");
}

#[test]
fn a_negative_or_overflowing_amount() {
    one_bad_row("2020-02-13T18:00:00Z,approved,PAYU,a2,-5,INR,", "p.csv:3: minor: not allowed");
    one_bad_row(
        "2020-02-13T18:00:00Z,approved,PAYU,a2,9007199254740992,INR,",
        "p.csv:3: minor: not allowed",
    );
    one_bad_row(
        "2020-02-13T18:00:00Z,approved,PAYU,a2,99999999999999999999999,INR,",
        "p.csv:3: minor: not allowed",
    );
}

#[test]
fn an_unknown_currency_and_an_unknown_status() {
    one_bad_row("2020-02-13T18:00:00Z,approved,PAYU,a2,5,INX,", "p.csv:3: currency: not allowed");
    one_bad_row("2020-02-13T18:00:00Z,perhaps,PAYU,a2,5,INR,", "p.csv:3: status: is no outcome");
}

#[test]
fn no_time_and_a_time_to_come() {
    one_bad_row("yesterday,approved,PAYU,a2,5,INR,", "p.csv:3: time: is no RFC 3339 time");
    one_bad_row("2020-02-30T18:00:00Z,approved,PAYU,a2,5,INR,", "p.csv:3: time: does not exist");
    one_bad_row(
        "2999-01-01T00:00:00Z,approved,PAYU,a2,5,INR,",
        "p.csv:3: time: lies in the future",
    );
}

#[test]
fn status_and_code_that_contradict() {
    one_bad_row(
        "2020-02-13T18:00:00Z,approved,PAYU,a2,5,INR,iso8583/05",
        "p.csv:3: code: contradiction",
    );
    one_bad_row(
        "2020-02-13T18:00:00Z,declined,PAYU,a2,5,INR,iso8583/00",
        "p.csv:3: code: contradiction",
    );
}

#[test]
fn a_duplicate_id_is_counted_once() {
    one_bad_row(
        "2020-02-13T18:00:01Z,approved,PAYU,a1,5,INR,",
        "p.csv:3: attempt_id: repeats an attempt id",
    );
}

#[test]
fn a_provisional_outcome_becomes_final_and_is_no_duplicate() {
    let bench = Bench::new();
    bench.file(
        "p.csv",
        "time,status,attempt_id\n2020-02-13T18:00:00Z,timeout,a\n2020-02-13T18:00:09Z,approved,a\n",
    );
    let json = bench.backtest("p.csv", &[]).json();
    let s = &json["summary"];
    assert_eq!(
        [&s["rows"], &s["skipped"], &s["successes"]].map(Value::as_u64),
        [Some(1), Some(0), Some(1)]
    );
}

#[test]
fn nul_bytes_and_other_encodings() {
    one_bad_row(
        "2020-02-13T18:00:00Z,approved,PA\0YU,a2,5,INR,",
        "p.csv:3: gateway: holds a NUL byte",
    );
    let bench = Bench::new();
    let mut bytes = format!("{HEAD}{GOOD}").into_bytes();
    bytes.extend(b"2020-02-13T18:00:00Z,approved,CAF\xc9,a2,5,INR,\n");
    bench.file("p.csv", bytes);
    assert!(
        bench.backtest("p.csv", &[]).skipped()[0].starts_with("p.csv:3: gateway: is no UTF-8 text")
    );
    bench.file("q.csv", b"\xff\xfet\0i\0m\0e\0");
    let ran = bench.backtest("q.csv", &[]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("q.csv: is UTF-16"), "{}", ran.err);
}

#[test]
fn a_card_number_is_refused_and_never_echoed() {
    for cell in ["4111111111111111", "4111 1111 1111 1111", "x4111-1111-1111-1111y"] {
        let bench = Bench::new();
        bench
            .file("p.csv", format!("{HEAD}{GOOD}2020-02-13T18:00:00Z,approved,{cell},a2,5,INR,\n"));
        for format in ["json", "text", "html"] {
            let ran = bench.run(&["backtest", "p.csv", "--format", format]);
            assert_eq!(ran.code, 0);
            assert!(!ran.out.contains(cell) && !ran.err.contains(cell), "{format}");
            assert!(ran.out.contains("card number"), "{format}: {}", ran.out);
        }
    }
    // A header that is a row of data is quoted in the message.
    let bench = Bench::new();
    bench.file("p.csv", "4111111111111111,x\n1,2\n");
    let ran = bench.backtest("p.csv", &[]);
    assert_eq!(ran.code, 3);
    assert!(!ran.err.contains("4111111111111111"), "{}", ran.err);
}

#[test]
fn rows_of_another_width_and_quotes_that_never_close() {
    one_bad_row("2020-02-13T18:00:00Z,approved", "p.csv:3: -: 2 cells where the header has 7");
    let bench = Bench::new();
    let rows: String = (0..200).map(|i| GOOD.replace("a1", &format!("b{i}"))).collect();
    bench.file("p.csv", format!("{HEAD}\"2020{GOOD}{rows}"));
    let ran = bench.backtest("p.csv", &[]);
    assert!(ran.skipped()[0].contains("quote is opened"), "{:?}", ran.skipped());
    assert_eq!(ran.json()["summary"]["rows"], 200);
}

#[test]
fn a_line_of_many_megabytes() {
    let bench = Bench::new();
    let path = bench.path().join("p.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    file.write_all(format!("{HEAD}{GOOD}").as_bytes()).unwrap();
    for _ in 0..64 {
        file.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    file.write_all(format!("\n{}", GOOD.replace("a1", "a2")).as_bytes()).unwrap();
    file.flush().unwrap();
    let ran = bench.backtest("p.csv", &[]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.json()["summary"]["rows"], 2);
    assert_eq!(
        ran.skipped(),
        ["p.csv:3: -: the line has 67108864 bytes; at most 1048576 are read"]
    );
}

#[test]
fn an_unknown_column() {
    let bench = Bench::new();
    bench.file("p.csv", counts(2));
    let ran = bench.backtest("p.csv", &["--map", "time=hour,attempts=t,successes=success"]);
    assert_eq!(ran.code, 3);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("p.csv:1: time: there is no such column"), "{}", ran.err);
    assert!(ran.err.contains("hr, t, success, pg"), "{}", ran.err);
}

#[test]
fn an_empty_file_a_directory_a_file_that_is_not_there() {
    let bench = Bench::new();
    bench.file("empty.csv", "");
    bench.file("blank.csv", "\n\n");
    bench.file("header.csv", HEAD);
    std::fs::create_dir(bench.path().join("dir.csv")).unwrap();
    for (name, message) in [
        ("empty.csv", "empty.csv: the file is empty"),
        ("blank.csv", "blank.csv: the file is empty"),
        ("header.csv", "header.csv: no row could be read"),
        ("dir.csv", "dir.csv: is a directory"),
        ("none.csv", "none.csv: can't be opened: No such file"),
    ] {
        let ran = bench.backtest(name, &[]);
        assert_eq!(ran.code, 3, "{name}");
        assert!(ran.err.contains(message), "{name}: {}", ran.err);
    }
}

#[test]
fn a_truncated_gzip_is_read_as_far_as_it_goes() {
    let bench = Bench::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(counts(600).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    bench.file("whole", &packed);
    bench.file("half", &packed[..packed.len() / 2]);
    bench.file("nothing", &packed[..9]);
    let whole = bench.backtest("whole", &["--map", COUNTS_MAP]).json();
    let rows = whole["summary"]["rows"].as_u64().unwrap();
    assert_eq!((rows, &whole["summary"]["compression"]), (1_800, &"gzip".into()));
    let ran = bench.backtest("half", &["--map", COUNTS_MAP]);
    assert_eq!(ran.code, 0);
    let half = ran.json();
    let read = half["summary"]["rows"].as_u64().unwrap();
    assert!(read > 100 && read < rows, "{read}");
    let detail = half["summary"]["incomplete"]["detail"].as_str().unwrap();
    assert!(detail.contains("can't be read beyond this line"), "{detail}");
    assert_eq!(bench.backtest("nothing", &["--map", COUNTS_MAP]).code, 3);
}

#[test]
fn names_can_neither_drive_a_terminal_nor_a_browser() {
    let bench = Bench::new();
    let evil = "\u{1b}[2J\u{202e}<script>alert(1)</script>";
    bench.file(
        "p.csv",
        counts(30).replace("PAYU", evil).replace("2020-02-01 03,", "\u{1b}]0;x\u{7},"),
    );
    for format in ["text", "json", "html"] {
        let ran = bench.run(&["backtest", "p.csv", "--map", COUNTS_MAP, "--format", format]);
        let whole = format!("{}{}", ran.out, ran.err);
        assert!(!whole.contains('\u{1b}') && !whole.contains('\u{7}'), "{format}");
        assert!(!whole.contains("<script>alert") || format == "json", "{format}");
    }
}

#[test]
fn cells_that_a_spreadsheet_would_run_stay_text() {
    let bench = Bench::new();
    bench.file("p.csv", counts(30).replace("PAYU", "=cmd|' /C calc'!A0"));
    let ran = bench.backtest("p.csv", &["--map", COUNTS_MAP]);
    assert_eq!((ran.code, ran.json()["summary"]["rows"].as_u64()), (0, Some(90)));
}

#[test]
fn counts_that_make_no_sense() {
    let bench = Bench::new();
    bench.file("p.csv", format!("{}2020-02-02 01,5,6,X\n2020-02-02 01,-1,0,X\n2020-02-02 01,1e3,0,X\n2020-02-02 01,,0,X\n", counts(2)));
    let ran = bench.backtest("p.csv", &["--map", COUNTS_MAP]);
    assert_eq!(
        ran.skipped(),
        [
            "p.csv:8: successes: more than the 5 attempts of the row",
            "p.csv:9: attempts: must be a whole number from 0 to 2^40",
            "p.csv:10: attempts: must be a whole number from 0 to 2^40",
            "p.csv:11: attempts: is missing",
        ]
    );
    assert_eq!(ran.json()["summary"]["skipped_reasons"]["count"], 2);
}

#[test]
fn an_event_without_offset() {
    let bench = Bench::new();
    let event = |id: &str, at: &str| {
        format!(
            r#"{{"attempt_id":"{id}","payment_id":"p","merchant_id":"m","method":"card","occurred_at":"{at}","amount":{{"minor":1,"currency":"INR"}},"gateway":"g","status":"approved"}}"#
        )
    };
    let text = format!(
        "{}\n{}\nnot json\n{}\n",
        event("a", "2026-02-13T18:00:00+05:30"),
        event("b", "2026-02-13T18:00:00"),
        event("c", "2999-02-13T18:00:00Z")
    );
    bench.file("e.ndjson", text);
    let ran = bench.backtest("e.ndjson", &[]);
    assert_eq!(ran.json()["summary"]["rows"], 1);
    let skipped = ran.skipped();
    assert!(skipped[0].starts_with("e.ndjson:2: occurred_at: not allowed"), "{skipped:?}");
    assert!(skipped[1].starts_with("e.ndjson:3: event: malformed"), "{skipped:?}");
    assert!(skipped[2].starts_with("e.ndjson:4: occurred_at: lies in the future"), "{skipped:?}");
}

#[test]
fn a_misdated_row_costs_resolution_and_not_an_hour() {
    let bench = Bench::new();
    let rows: String = (0..500)
        .map(|i| format!("2020-02-13T{:02}:{:02}:07Z,approved,PAYU,b{i},1,INR,\n", i / 60, i % 60))
        .collect();
    bench.file("p.csv", format!("{HEAD}1970-01-01T00:00:01Z,approved,PAYU,a0,1,INR,\n{rows}"));
    let started = std::time::Instant::now();
    let json = bench.backtest("p.csv", &[]).json();
    assert_eq!(
        (&json["summary"]["rows"], &json["summary"]["bucket_s"]),
        (&501.into(), &600.0.into())
    );
    assert!(json["summary"]["notes"][0].as_str().unwrap().contains("misdated"), "{json}");
    assert!(started.elapsed().as_secs() < 120);
}

#[test]
fn a_reader_that_is_gone_is_no_fault() {
    let bench = Bench::new();
    bench.file("p.csv", format!("{HEAD}{GOOD}"));
    for args in [&["backtest", "p.csv"][..], &["--help"], &["man"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("pointsman"));
        let output = command.current_dir(bench.path()).args(args).stdout(writer).output();
        let said = String::from_utf8(output.expect("ran").stderr).expect("UTF-8");
        assert_eq!(said, "", "{args:?}");
    }
}
