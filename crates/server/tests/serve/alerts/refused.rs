//! Where alerts don't go.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use super::{Receiver, WHSEC, alert, state, webhook};
use crate::support::{Place, Running};

fn given_up(server: &Running, channel: &str) -> Value {
    let answer = server.post(&format!("/v1/channels/{channel}/test"), "");
    let id = answer.json()["alert_id"].as_str().expect("an id").to_owned();
    let told =
        alert(server, "given up", |a| a["id"] == id.as_str() && state(a, channel) == "given_up");
    told["deliveries"][0].clone()
}

#[test]
fn nothing_connects_to_this_machine_by_address_or_by_name() {
    let (place, secrets) = (Place::new(), Place::new());
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    listener.set_nonblocking(true).expect("set");
    let port = listener.local_addr().expect("an address").port();
    let secret = secrets.path().join("whsec");
    std::fs::write(&secret, WHSEC).expect("written");
    let hosts = [
        ("literal", "127.0.0.1"),
        ("number", "2130706433"),
        ("mapped", "[::ffff:127.0.0.1]"),
        ("name", "localhost"),
        ("metadata", "169.254.169.254"),
    ];
    let channels: String = hosts
        .iter()
        .map(|(name, host)| {
            let secret = secret.display();
            format!("[channels.{name}]\ntype = \"webhook\"\nurl = \"https://{host}:{port}/x\"\nsecret_file = \"{secret}\"\n")
        })
        .collect();
    let server = place.start(&channels);
    for (name, _) in hosts {
        let delivery = given_up(&server, name);
        assert!(delivery["detail"].as_str().expect("why").contains("is refused"), "{delivery}");
        assert_eq!(delivery["tries"], 1);
    }
    assert!(listener.accept().is_err(), "nobody came");
    // The same where private addresses are allowed: it comes, and finds no TLS.
    server.kill();
    let server = place.start(&format!("[alerts]\nallow = [\"127.0.0.0/8\", \"::1\"]\n{channels}"));
    assert_eq!(server.post("/v1/channels/name/test", "").status, 202);
    let since = std::time::Instant::now();
    while listener.accept().is_err() {
        assert!(since.elapsed() < Duration::from_secs(60), "{}", server.said());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let (place, secrets) = (Place::new(), Place::new());
    let (receiver, inner) = (Receiver::new(), Receiver::new());
    receiver.answer([(302, vec![("location", inner.url("/secret"))])]);
    let server = place.start(&webhook(&secrets, &receiver, "", ""));
    let delivery = given_up(&server, "web");
    assert!(delivery["detail"].as_str().expect("why").contains("redirects aren't followed"));
    assert_eq!((receiver.got("/web").len(), inner.got("/").len()), (1, 0));
}

#[test]
fn plain_http_is_for_this_network_and_a_secret_for_the_environment() {
    let place = Place::new();
    place.config(
        "[channels.a]\ntype = \"slack\"\nurl = \"http://hooks.example/T0\"\n[channels.b]\ntype = \"webhook\"\nurl = \"https://x.example\"\nsecret = \"whsec_inthefile\"\n",
    );
    let output = place.command(&["check"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("channels.b: secret: belongs into the environment"), "{said}");
    assert!(!said.contains("inthefile"), "{said}");
    place.config("[channels.a]\ntype = \"slack\"\nurl = \"http://hooks.example/T0\"\n");
    let output = place.command(&["check"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("channels.a.url: wants https://") && !said.contains("T0"), "{said}");
}
