//! The files in `examples/` are what the simulator writes today.

#![allow(clippy::disallowed_methods, reason = "it reads the files it checks")]

use std::io::Read;
use std::path::Path;

#[path = "../examples/write_example.rs"]
#[allow(dead_code)]
mod write_example;

#[test]
fn the_shipped_example_is_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let example = write_example::example().unwrap();
    let read = |name: &str| std::fs::read(directory.join(name)).unwrap();
    let (mut payments, packed) = (String::new(), read("payments.csv.gz"));
    assert!(packed.len() < 1_500_000);
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut payments).unwrap();
    let hint = "run `cargo run --release -p sim --example write_example`";
    assert!(payments == example.payments, "payments.csv.gz is stale: {hint}");
    assert!(read("truth.csv") == example.labels.as_bytes(), "truth.csv is stale: {hint}");
    assert!(read("README.md") == example.readme.as_bytes(), "README.md is stale: {hint}");
}
