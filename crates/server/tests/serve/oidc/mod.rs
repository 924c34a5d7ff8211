//! People, as real issuers vouch for them: tokens, sessions, four eyes, tenants.

mod approvals;
mod cognito;
mod four_eyes;
mod sessions;
mod tenants;
mod tokens;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::support::{Answer, Running, now_ms};

/// The version that `xtask` fetches.
const VERSION: &str = "oauth2-mock-server-8.2.3";

/// A real issuer; it goes with its value.
pub struct Issuer {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// `iss` of its tokens.
    pub url: String,
}

/// What `xtask` has put into the cache.
pub fn cached(name: &str) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("POINTSMAN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("pointsman")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/pointsman")))?;
    Some(cache.join(name)).filter(|path| path.exists())
}

/// A part that isn't installed: seen past the test's own capture, and counted.
pub fn skip(what: &str) {
    let text = format!("\nSKIP tests: {what}; to get it: cargo xtask setup\n");
    let _ = std::io::stdout().write_all(text.as_bytes());
}

impl Issuer {
    /// Starts one, or says why that is skipped.
    pub fn start(for_what: &str) -> Option<Self> {
        let has_node =
            Command::new("node").arg("--version").output().is_ok_and(|o| o.status.success());
        let Some(place) = cached(VERSION).filter(|_| has_node) else {
            skip(&format!("{for_what}, the issuer or Node.js isn't there"));
            return None;
        };
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/oidc/issuer.mjs"))
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let input = child.stdin.take().expect("piped");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("read");
        let url = serde_json::from_str(&line).expect("its URL");
        Some(Self { child, pipes: Mutex::new((input, output)), url })
    }

    /// Tells it something.
    fn tell(&self, command: &Value) -> Value {
        let mut pipes = self.pipes.lock().expect("whole");
        writeln!(pipes.0, "{command}").expect("written");
        let mut line = String::new();
        pipes.1.read_line(&mut line).expect("read");
        serde_json::from_str(&line).expect("an answer")
    }

    /// What a token of somebody says.
    pub fn claims(&self, subject: &str, roles: &[&str]) -> Value {
        let now = now_ms() / 1_000;
        json!({"iss": self.url, "sub": subject, "aud": "pointsman", "iat": now, "nbf": now - 5,
            "exp": now + 3_600, "roles": roles})
    }

    /// A token of these claims, by the newest key.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(claims, json!({}))
    }

    /// The same with other members of the header, or by another key.
    pub fn sign_as(&self, claims: &Value, header: Value) -> String {
        let kid = header["by"].clone();
        let mut command = json!({"command": "sign", "claims": claims, "header": header});
        if kid.is_string() {
            command["kid"] = kid;
        }
        let token = self.tell(&command);
        token.as_str().expect("a token").to_owned()
    }

    /// A token of somebody.
    pub fn token(&self, subject: &str, roles: &[&str]) -> String {
        self.sign(&self.claims(subject, roles))
    }

    /// Another key from now on; its id.
    pub fn rotate(&self, algorithm: &str) -> String {
        let kid = self.tell(&json!({"command": "rotate", "alg": algorithm}));
        kid.as_str().expect("an id").to_owned()
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> i64 {
        self.tell(&json!({"command": "asked"})).as_i64().expect("a count")
    }

    /// `host:port`
    pub fn address(&self) -> String {
        self.url.replace("http://localhost", "127.0.0.1")
    }

    /// The configuration that trusts it.
    pub fn config(&self) -> String {
        format!("[auth.oidc]\nissuer = \"{}\"\naudience = \"pointsman\"\n", self.url)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request with a credential.
pub fn ask(server: &Running, credential: &str, method: &str, path: &str, body: &str) -> Answer {
    ask_with(server, credential, method, path, &[], body)
}

/// The same with more headers.
pub fn ask_with(
    server: &Running,
    credential: &str,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
    body: &str,
) -> Answer {
    let bearer = format!("Bearer {credential}");
    let mut headers =
        vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
    headers.extend(more);
    server.ask(method, path, &headers, body.as_bytes())
}
