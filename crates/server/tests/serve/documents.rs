//! What the documents say of the server is what it does.

use std::collections::BTreeSet;

use crate::support::{EVENT_CLOCK, HOUR, Place};

#[test]
fn every_metric_is_documented_and_every_documented_one_exists() {
    // A feed has its metrics whether its broker is there or not.
    let feed = "[sources.kafka]\nbrokers = \"127.0.0.1:1\"\ntopic = \"t\"\ngroup = \"g\"\n";
    let channel = "[channels.chat]\ntype = \"slack\"\nurl = \"https://127.0.0.1:1/x\"\n";
    let server = Place::new().start(&format!("{EVENT_CLOCK}{feed}{channel}"));
    server.events(&HOUR[..100]);
    let text = server.get("/metrics").body;
    let served: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let page = include_str!("../../../../docs/reference/metrics.md");
    let documented: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(served, documented);
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_page_of_the_interface_needs_no_script_and_no_network() {
    let server = Place::new().start("");
    let page = server.get("/docs");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("/v1/interventions/{id}/approve"));
    assert!(!page.body.contains("<script") && !page.body.contains("http://"));
}
