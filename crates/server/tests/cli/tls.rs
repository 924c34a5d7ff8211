//! Commands ask a server behind TLS, and only one that the system's roots vouch for.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::Bench;

/// OpenSSL's own server, on files.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(bench: &Bench) -> Option<Self> {
        let made = Command::new("openssl")
            .current_dir(bench.path())
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .output();
        let Ok(made) = made else {
            let said = b"\nSKIP tests: TLS of commands; to get it: apt-get install openssl\n";
            let _ = std::io::stdout().write_all(said);
            return None;
        };
        assert!(made.status.success(), "{made:?}");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let child = Command::new("openssl")
            .current_dir(bench.path())
            .args(["s_server", "-WWW", "-cert", "cert.pem", "-key", "key.pem", "-quiet"])
            .args(["-accept", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(30), "it doesn't listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, port })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_behind_tls_is_asked_if_its_certificate_is_vouched_for() {
    let bench = Bench::new();
    let Some(server) = Server::start(&bench) else { return };
    std::fs::create_dir(bench.path().join("v1")).expect("made");
    bench.file("v1/memory", r#"{"beliefs": {}, "lessons": []}"#);
    let url = format!("https://localhost:{}", server.port);
    let args = ["export", "memory", "--url", &url];
    let root = bench.path().join("cert.pem");
    let ran = bench.run_with(&args, &[("SSL_CERT_FILE", root.to_str().expect("UTF-8"))]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["lessons"], serde_json::json!([]));
    let ran = bench.run(&args);
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(ran.err.contains("certificate"), "{}", ran.err);
}
