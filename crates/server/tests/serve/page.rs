//! The control room as the binary serves it.

use crate::support::Place;

#[test]
fn the_page_runs_nothing_but_what_is_served_here() {
    let server = Place::new().start("");
    let page = server.get("/incidents/inc_1");
    let is_built = page.status == 200;
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/dist/index.html");
    assert!(
        is_built || !std::path::Path::new(dist).exists(),
        "it was built, and isn't in the binary"
    );
    assert!(is_built || page.status == 501, "{page:?}");
    if !is_built {
        assert!(page.body.contains("make page"), "it says how to build it: {page:?}");
    }
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next());
    let nonce = nonce.expect("a nonce");
    assert!(!page.body.contains("__NONCE__"), "the nonce is put in");
    let again = server.get("/");
    assert!(!again.header("content-security-policy").is_some_and(|p| p.contains(nonce)), "once");
    if is_built {
        let from = page.body.find("/assets/").expect("it has a script");
        let name = page.body[from..].split('"').next().expect("a name");
        let script = server.get(name);
        assert_eq!((script.status, script.header("content-type").is_some()), (200, true));
        assert!(script.header("cache-control").is_some_and(|kept| kept.contains("immutable")));
    }
    assert_eq!(server.get("/assets/nothing.js").status, 404);
    assert_eq!(server.get("/v1/nothing").status, 404);
}
