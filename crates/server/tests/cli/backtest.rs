//! `backtest` on files of every form: the same payments give the same answer.

use std::io::Write;
use std::sync::Arc;

use crate::support::{Bench, COUNTS_MAP, counts};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

/// What must not depend on how the file is packed or ordered.
fn essence(json: &Value) -> (Value, Value) {
    let s = &json["summary"];
    let of = ["rows", "attempts", "successes", "from", "to", "dimensions", "skipped"]
        .map(|k| s[k].clone());
    (Value::from(of.to_vec()), json["incidents"].clone())
}

#[test]
fn packing_order_and_delimiter_change_nothing() {
    let bench = Bench::new();
    let text = counts(100);
    bench.file("plain.csv", &text);
    let expected = essence(&bench.backtest("plain.csv", &["--map", COUNTS_MAP]).json());
    assert_eq!(expected.0[0], 300);

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    bench.file("gzip", gzip.finish().unwrap());
    bench.file("zstd", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let (head, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    bench.file("reversed", format!("{head}\r\n{}", rows.join("\r\n")));
    bench.file("semicolons", text.replace(',', ";"));
    for name in ["gzip", "zstd", "reversed", "semicolons"] {
        let ran = bench.backtest(name, &["--map", COUNTS_MAP]);
        assert_eq!(essence(&ran.json()), expected, "{name}");
    }
}

#[test]
fn parquet_reads_like_csv_with_every_common_codec() {
    let bench = Bench::new();
    let text = counts(50);
    bench.file("plain.csv", &text);
    let expected = essence(&bench.backtest("plain.csv", &["--map", COUNTS_MAP]).json());
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    for (n, codec) in codecs.into_iter().enumerate() {
        let name = format!("{n}.anything");
        bench.file(&name, parquet_of(&text, codec));
        let ran = bench.backtest(&name, &["--map", COUNTS_MAP]);
        assert_eq!(ran.json()["summary"]["format"], "parquet");
        assert_eq!(essence(&ran.json()), expected, "{codec}");
    }
    let whole = parquet_of(&text, Compression::SNAPPY);
    bench.file("cut", &whole[..whole.len() - 20]);
    assert_eq!(bench.backtest("cut", &["--map", COUNTS_MAP]).code, 3);
}

/// The counts with civil time stamps in nanoseconds, as pandas writes them.
fn parquet_of(text: &str, codec: Compression) -> Vec<u8> {
    let schema = "message m { required int64 hr (TIMESTAMP(NANOS,false)); required int64 t; required int64 success; optional binary pg (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(codec).build());
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, schema, properties).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
    let nanos = |hour: &str| {
        let at: jiff::civil::DateTime = format!("{}:00", hour).parse().unwrap();
        at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond() * 1_000_000
    };
    let mut group = writer.next_row_group().unwrap();
    for column in 0..4 {
        let mut w = group.next_column().unwrap().unwrap();
        if column == 3 {
            let values: Vec<ByteArray> = rows.iter().map(|r| ByteArray::from(r[3])).collect();
            w.typed::<ByteArrayType>()
                .write_batch(&values, Some(&vec![1; rows.len()]), None)
                .unwrap();
        } else {
            let value =
                |r: &Vec<&str>| if column == 0 { nanos(r[0]) } else { r[column].parse().unwrap() };
            let values: Vec<i64> = rows.iter().map(value).collect();
            w.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
        }
        w.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    out
}

#[test]
fn the_summary_says_how_the_file_was_read() {
    let bench = Bench::new();
    bench.file("p.csv", counts(48));
    let ran = bench.backtest("p.csv", &[]);
    let s = ran.json()["summary"].clone();
    assert_eq!(s["map"], "time=hr,attempts=t,successes=success,gateway=pg");
    assert_eq!(s["map_guessed"], true);
    assert_eq!((s["rows"].as_u64(), s["attempts"].as_u64()), (Some(144), Some(48 * 350)));
    assert_eq!(s["success_rate"], 0.8);
    assert_eq!(
        (s["from"].as_str(), s["to"].as_str()),
        (Some("2020-02-01T00:00:00Z"), Some("2020-02-03T00:00:00Z"))
    );
    assert_eq!((s["tz"].as_str(), s["bucket_s"].as_f64()), (Some("UTC"), Some(3600.0)));
    let ran = bench.backtest("p.csv", &["--tz", "Asia/Kolkata"]);
    assert_eq!(ran.json()["summary"]["from"], "2020-01-31T18:30:00Z");
}

#[test]
fn rows_of_one_bucket_are_added_up() {
    let bench = Bench::new();
    let text = "time,attempts,successes,gateway,minor,currency\n\
        2020-02-13 18,5,3,A,500,INR\n2020-02-13 19,1,1,A,1,INR\n2020-02-13 18,7,7,A,700,INR\n";
    bench.file("p.csv", text);
    let s = bench.backtest("p.csv", &[]).json()["summary"].clone();
    assert_eq!(
        [&s["rows"], &s["attempts"], &s["successes"]].map(|n| n.as_u64()),
        [Some(3), Some(13), Some(11)]
    );
}

#[test]
fn usage_errors_exit_with_two() {
    let bench = Bench::new();
    bench.file("p.csv", counts(2));
    for more in [
        &["--map", "nonsense"][..],
        &["--map", "time=hr,time=hr"],
        &["--tz", "Mars/Olympus"],
        &["--format", "pdf"],
        &["--nonsense"],
    ] {
        let mut args = vec!["backtest", "p.csv"];
        args.extend(more);
        let ran = bench.run(&args);
        assert_eq!(ran.code, 2, "{more:?}");
        assert!(!ran.err.is_empty() && ran.out.is_empty(), "{more:?}");
    }
}

#[test]
fn standard_input_and_an_output_file_work() {
    let bench = Bench::new();
    let output = assert_cmd::Command::cargo_bin("pointsman")
        .unwrap()
        .current_dir(bench.path())
        .args(["backtest", "-", "--format", "html", "-o", "report.html"])
        .write_stdin(counts(30))
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    let page = std::fs::read_to_string(bench.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("</html>"));
}

#[test]
fn labels_are_scored_and_wrong_labels_are_refused() {
    let bench = Bench::new();
    bench.file("p.csv", counts(30));
    bench.file("t.csv", "start,end,slice\n2020-02-01 05,2020-02-01 09,{gateway: PAYU, network: VISA}\n2020-02-01 05,2020-02-01 09,gateway=PAYU\n");
    let json = bench.backtest("p.csv", &["--truth", "t.csv"]).json();
    assert_eq!(json["summary"]["truth"]["labels"], 2);
    assert_eq!(json["summary"]["truth"]["by_label"][0]["slice"]["network"], "VISA");
    bench.file("t.csv", "start,end,slice\n2020-02-01 05,2020-02-01 04,gateway=PAYU\n");
    let ran = bench.backtest("p.csv", &["--truth", "t.csv"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("t.csv:2: end: must be after start"), "{}", ran.err);
}

#[test]
fn the_other_commands_answer() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.run(&["completions", shell]).out.contains("backtest"), "{shell}");
    }
    assert!(bench.run(&["man"]).out.contains(".TH"));
    assert!(bench.run(&["man", "backtest"]).out.contains("map"));
    assert!(bench.run(&["--version"]).out.starts_with("pointsman "));
    assert_eq!(bench.run(&[]).code, 2);
    assert_eq!(bench.run(&["check"]).code, 0);
    bench.file("pointsman.toml", "[store]\nurll = \"x\"\n");
    let ran = bench.run(&["check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("did you mean store.url?"), "{}", ran.err);
    let ran = bench.run_with(&["check", "--config", "none.toml"], &[]);
    assert_eq!(ran.code, 1);
}
