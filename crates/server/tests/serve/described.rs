//! Every call answers as `/openapi.json` says it does, whatever it is asked: Schemathesis makes requests of the description, right ones and wrong ones.

use std::process::Command;

use crate::oidc::{cached, skip};
use crate::people::create;
use crate::support::{EVENT_CLOCK, HOUR, Place};

/// The version that `xtask` fetches.
const VERSION: &str = "schemathesis-4.32.5";
/// Which checks are off for which calls, and why.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/schemathesis.toml");

#[test]
fn every_call_answers_as_described() {
    let Some(st) = cached(&format!("{VERSION}/bin/st")) else {
        skip("the description is not held against the server, Schemathesis isn't there");
        return;
    };
    let place = Place::new();
    let config = format!(
        "{EVENT_CLOCK}[limits]\nrequests_per_s = 0\nevents_per_s = 0\n\
         [[gateways]]\nname = \"PAYU\"\n[[gateways]]\nname = \"RAZORPAY\"\n"
    );
    place.config(&config);
    let (_, key) = create(&place, &["--role", "admin"]);
    let server = place.start(&config);
    // Lists that hold something say more than empty ones.
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    for lines in HOUR.chunks(5_000) {
        let answer = server.ask("POST", "/v1/events", &headers, lines.join("\n").as_bytes());
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let done = Command::new(st)
        .current_dir(place.path())
        .args(["--no-color", "--config-file", CONFIG, "run"])
        .arg(format!("http://{}/openapi.json", server.address))
        .args(["--header", &format!("Authorization: {bearer}")])
        .output()
        .expect("ran");
    let said = String::from_utf8_lossy(&done.stdout);
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\n{complained}\n{}", server.said());
    assert!(said.contains("passed") || said.contains("No issues found"), "{said}");
    assert_eq!(server.stop(), 0, "it still stands");
}
