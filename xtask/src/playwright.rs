//! What a run of Playwright came to, from the report that it writes as JSON.

use serde_json::Value;

use crate::outcome::{Named, Outcome};

/// The tests of the report, each counted; those that failed are named with what they said, and so are those that held only when tried again.
///
/// `None` where the report isn't one.
pub fn read(report: &str) -> Option<Outcome> {
    let report: Value = serde_json::from_str(report).ok()?;
    let mut outcome = Outcome::default();
    for suite in report["suites"].as_array()? {
        walk(suite, "", &mut outcome);
    }
    // What fails outside of any test: a file that can't be read, no test found.
    for error in report["errors"].as_array()? {
        outcome.failed += 1;
        outcome.named.push(Named { what: "playwright FAILED".into(), said: lines(error) });
    }
    Some(outcome)
}

fn walk(suite: &Value, above: &str, outcome: &mut Outcome) {
    for spec in suite["specs"].as_array().into_iter().flatten() {
        let text = |key: &str| spec[key].as_str().unwrap_or_default();
        let name = format!("{}:{} {above}{}", text("file"), spec["line"], text("title"));
        for test in spec["tests"].as_array().into_iter().flatten() {
            let ending = match test["status"].as_str() {
                Some("expected") => {
                    outcome.passed += 1;
                    continue;
                }
                Some("skipped") => {
                    outcome.skipped += 1;
                    continue;
                }
                Some("flaky") => {
                    outcome.passed += 1;
                    "FLAKY"
                }
                _ => {
                    outcome.failed += 1;
                    "FAILED"
                }
            };
            let errors = test["results"].as_array().into_iter().flatten();
            let first = errors.flat_map(|result| result["errors"].as_array()).flatten().next();
            let said = first.map(lines).unwrap_or_default();
            outcome.named.push(Named { what: format!("{name} ... {ending}"), said });
        }
    }
    for inner in suite["suites"].as_array().into_iter().flatten() {
        let above = format!("{above}{}: ", inner["title"].as_str().unwrap_or_default());
        walk(inner, &above, outcome);
    }
}

/// An error's lines without their colours.
fn lines(error: &Value) -> Vec<String> {
    let message = error["message"].as_str().unwrap_or_default();
    let plain = message.split('\u{1b}').enumerate().map(|(i, part)| {
        if i == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) }
    });
    let plain = plain.collect::<String>();
    plain.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{
      "suites": [{
        "title": "live.spec.ts", "file": "live.spec.ts",
        "specs": [
          { "title": "moves on", "file": "live.spec.ts", "line": 7, "tests": [{ "status": "expected", "results": [{ "errors": [] }] }] },
          { "title": "is fresh", "file": "live.spec.ts", "line": 9, "tests": [{ "status": "unexpected", "results": [
            { "errors": [{ "message": "Error: \u001b[2mexpect(\u001b[22m\u001b[31mlocator\u001b[39m) failed\n\nTimeout: 2000ms" }] }] }] }
        ],
        "suites": [{
          "title": "with an issuer",
          "specs": [
            { "title": "signs in", "file": "live.spec.ts", "line": 20, "tests": [{ "status": "flaky", "results": [
              { "errors": [{ "message": "late" }] }, { "errors": [] }] }] },
            { "title": "signs out", "file": "live.spec.ts", "line": 30, "tests": [{ "status": "skipped", "results": [] }] }
          ]
        }]
      }],
      "errors": [{ "message": "no such file" }]
    }"#;

    #[test]
    fn each_test_counts_and_what_failed_is_named() {
        let outcome = read(REPORT).expect("it is a report");
        assert_eq!(outcome.to_string(), "2 passed, 2 failed, 1 skipped");
        let told = [
            "live.spec.ts:9 is fresh ... FAILED",
            "    Error: expect(locator) failed",
            "    Timeout: 2000ms",
            "live.spec.ts:20 with an issuer: signs in ... FLAKY",
            "    late",
            "playwright FAILED",
            "    no such file",
        ];
        assert_eq!(outcome.told(), told);
    }

    #[test]
    fn what_is_no_report_is_not_taken_for_one() {
        for text in ["", "{", "{}", r#"{"suites": []}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
