//! Secrets and card numbers, put in wherever something can be put in, are found nowhere: not in the store's files, not in the log, not in traces, metrics or answers.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::alerts::WHSEC;
use crate::people::create;
use crate::support::{Answer, EVENT_CLOCK, Place, Running, small};
use crate::telemetry::collector;

/// Card numbers of schemes' own examples, as people write them.
const CARDS: [&str; 4] =
    ["4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011-1111-1111-1117"];
/// Where secrets are sent that nobody has to keep.
const SENT: [&str; 6] = [
    "canary_bearer_5b1f",
    "eyJhbGciOiJub25lIn0.canary_token_77aa.x",
    "canary_cookie_90ce",
    "canary_query_31d0",
    "canary_unknown_6e44",
    "canary_password_18f7",
];
/// Where the configuration holds them.
const CONFIGURED: [&str; 7] = [
    "canary_hook_path_2d61",
    "canary_hook_password_03bb",
    "canary_routing_key_1f00d",
    "canary_client_secret_bead",
    "canary_rabbit_password_64",
    "canary_sasl_password_c001",
    "canary_otlp_header_5eed",
];

/// The forms in which a text may be found again.
fn forms(text: &str) -> Vec<Vec<u8>> {
    use base64::Engine;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let mut forms = vec![text.as_bytes().to_vec()];
    if digits.len() >= 13 {
        forms.push(digits.into_bytes());
    }
    // Behind a whole number of triplets, base64 of a part is a part of base64.
    let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(text);
    forms.push(coded.as_bytes()[..coded.len() / 4 * 4].to_vec());
    forms
}

fn assert_none(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        for form in forms(secret) {
            let found = bytes.windows(form.len()).position(|window| window == form);
            if let Some(at) = found {
                let around = &bytes[at.saturating_sub(160)..(at + 160).min(bytes.len())];
                panic!("{secret} in {place}: {}", String::from_utf8_lossy(around));
            }
        }
    }
}

/// Every file of the server's folder but its configuration, which people write.
fn assert_none_in_files(folder: &Path, secrets: &[String]) {
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name != "pointsman.toml" {
            assert_none(&name, &std::fs::read(&path).expect("read"), secrets);
            seen.push(name);
        }
    }
    for name in ["pointsman.db", "log", "stdout"] {
        assert!(seen.iter().any(|seen| seen == name), "{name} of {seen:?}");
    }
}

fn config(endpoint: &str) -> String {
    format!(
        "{EVENT_CLOCK}[telemetry]\notlp_endpoint = \"{endpoint}\"\n[limits]\nrequests_per_s = 0\n\
         [alerts]\nallow_private = true\n\
         [channels.chat]\ntype = \"slack\"\n[channels.hook]\ntype = \"webhook\"\n\
         url = \"http://me:canary_hook_password_03bb@127.0.0.1:9/canary_hook_path_2d61?t=canary_hook_path_2d61\"\n\
         [channels.duty]\ntype = \"pagerduty\"\nurl = \"http://127.0.0.1:9/pd\"\n\
         [sources.rabbitmq]\nqueue = \"attempts\"\n\
         [sources.kafka]\nbrokers = \"127.0.0.1:9\"\ntopic = \"t\"\ngroup = \"g\"\n\
         properties = {{ \"security.protocol\" = \"SASL_PLAINTEXT\", \"sasl.mechanism\" = \"PLAIN\", \"sasl.username\" = \"me\" }}\n\
         [auth.oidc]\nissuer = \"http://127.0.0.1:9/\"\naudience = \"pointsman\"\nclient_id = \"pointsman\"\n"
    )
}

const ENVIRONMENT: [(&str, &str); 8] = [
    ("RUST_LOG", "trace"),
    ("POINTSMAN_CHANNELS__CHAT__URL", "http://127.0.0.1:9/services/canary_hook_path_2d61"),
    ("POINTSMAN_CHANNELS__HOOK__SECRET", WHSEC),
    ("POINTSMAN_CHANNELS__DUTY__ROUTING_KEY", "canary_routing_key_1f00d"),
    ("POINTSMAN_AUTH__OIDC__CLIENT_SECRET", "canary_client_secret_bead"),
    ("POINTSMAN_SOURCES__RABBITMQ__URL", "amqp://me:canary_rabbit_password_64@127.0.0.1:9/%2f"),
    ("POINTSMAN_SOURCES__KAFKA__PROPERTIES__SASL_PASSWORD", "canary_sasl_password_c001"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=canary_otlp_header_5eed"),
];

/// Every call that takes a body, with a text put wherever one fits.
fn bodies(text: &str) -> Vec<(&'static str, &'static str, Value)> {
    let route = |extra: Value| {
        let mut question = json!({"payment_id": "p", "merchant_id": "m", "method": "card", "candidates": ["x"],
            "amount": {"minor": 1, "currency": "INR"}});
        let members = question.as_object_mut().expect("members");
        members.extend(extra.as_object().expect("members").clone());
        question
    };
    let slice = json!({"gateway": text});
    let window =
        json!({"from": "2030-01-01T00:00:00Z", "to": "2030-01-02T00:00:00Z", "reason": text});
    let mut all = vec![
        ("POST", "/v1/kill-switch", json!({"engaged": true, "reason": text})),
        ("POST", "/v1/kill-switch", json!({"engaged": text})),
        ("POST", "/v1/kill-switch", json!({text: true})),
        ("POST", "/v1/interventions/itv_1/approve", json!({"plan_hash": text})),
        ("POST", "/v1/interventions/itv_1/reject", json!({"reason": text})),
        ("POST", "/v1/interventions/itv_1/rollback", json!({"reason": text})),
        ("POST", "/v1/clock", json!({"advance_to": text})),
        ("PATCH", "/v1/settings", json!({"modes": {"reroute": text}})),
        ("PATCH", "/v1/settings", json!({"modes": {text: "auto"}})),
        ("PATCH", "/v1/settings", json!({"guardrails": {"money_max": {text: 1}}})),
        ("PATCH", "/v1/settings", json!({"guardrails": {text: 1}})),
        ("POST", "/v1/keys", json!({"name": text, "role": "viewer"})),
        ("POST", "/v1/keys", json!({"name": "x", "role": text})),
        ("POST", "/v1/keys", json!({"name": "x", "scopes": [text]})),
        ("POST", "/v1/keys", json!({"name": "x", "role": "viewer", "tenant": text})),
        ("POST", "/v1/keys", json!({"name": "x", "role": "viewer", "expires_at": text})),
        ("POST", "/v1/users", json!({"subject": text})),
        ("POST", "/v1/users", json!({"subject": "x", "name": text})),
        ("POST", "/v1/users", json!({"subject": "x", "tenant": text})),
        (
            "POST",
            "/v1/silences",
            json!({"slice": slice, "until": "2030-01-01T00:00:00Z", "reason": "x"}),
        ),
        (
            "POST",
            "/v1/silences",
            json!({"slice": {text: "x"}, "until": "2030-01-01T00:00:00Z", "reason": "x"}),
        ),
        ("POST", "/v1/silences", json!({"slice": {"gateway": "x"}, "until": text, "reason": "x"})),
        (
            "POST",
            "/v1/silences",
            json!({"slice": {"gateway": "x"}, "until": "2030-01-01T00:00:00Z", "reason": text}),
        ),
        ("PUT", "/v1/freezes", json!({"data": [window]})),
        (
            "PUT",
            "/v1/freezes",
            json!({"data": [{"from": text, "to": "2030-01-02T00:00:00Z", "reason": "x"}]}),
        ),
        ("POST", "/v1/session", json!({"token": text})),
        ("POST", "/v1/demo/outages", json!({"slice": slice, "severity": 0.5, "duration_s": 1})),
        ("POST", "/v1/route/batch", json!({"payments": [route(json!({"payment_id": text}))]})),
        ("POST", "/v1/route/batch", json!({"payments": text})),
    ];
    for member in [
        "payment_id",
        "merchant_id",
        "method",
        "network",
        "issuer",
        "country",
        "bin",
        "mcc",
        "ip_country",
        "unknown",
    ] {
        all.push(("POST", "/v1/route", route(json!({member: text}))));
    }
    for extra in [
        json!({"occurred_at": text}),
        json!({"gateway": text}),
        json!({"status": text}),
        json!({"code": {"source": text, "value": "x"}}),
        json!({"codes": [{"source": "x", "value": text}]}),
        json!({"initiator": text}),
        json!({"payment_id": text}),
        json!({text: text}),
    ] {
        let mut tried = json!({"occurred_at": 1_790_000_000, "gateway": "x", "status": "declined"});
        let members = tried.as_object_mut().expect("members");
        members.extend(extra.as_object().expect("members").clone());
        all.push(("POST", "/v1/retry-advice", route(json!({"attempts": [tried]}))));
    }
    for extra in [
        json!({"attempts": text}),
        json!({"attempts": [], "initiator": text}),
        json!({"attempts": [], "merchant_region": text}),
        json!({"attempts": [], "customer_ref": text}),
        json!({"attempts": [], text: text}),
    ] {
        all.push(("POST", "/v1/retry-advice", route(extra)));
    }
    for extra in [
        json!({"attributes": {"x": text}}),
        json!({"attributes": {text: "x"}}),
        json!({"candidates": [text]}),
        json!({"amount": {"minor": text, "currency": "INR"}}),
        json!({"amount": {"minor": 1, "currency": text}}),
        json!({"risk": text}),
        json!({text: text}),
    ] {
        all.push(("POST", "/v1/route", route(extra)));
    }
    all
}

/// Events with a text in each member, whatever becomes of them.
fn events(text: &str, n: usize) -> Vec<String> {
    let whole: Value =
        serde_json::from_str(&small(&format!("e{n}"), 1_790_000_000_000, "approved"))
            .expect("JSON");
    let with = |extra: Value| {
        let mut event = whole.clone();
        let members = event.as_object_mut().expect("members");
        members.extend(extra.as_object().expect("members").clone());
        event.to_string()
    };
    let members = [
        "attempt_id",
        "payment_id",
        "occurred_at",
        "merchant_id",
        "amount",
        "gateway",
        "method",
        "network",
        "issuer",
        "country",
        "bin",
        "status",
        "code",
        "decision_id",
        "initiator",
        "mcc",
        "customer_ref",
        "device_ref",
        "terminal_ref",
        "ip_country",
        "attributes",
        "attempt_number",
        "latency_ms",
        "propensity",
        "unknown",
    ];
    let mut all: Vec<String> = members.iter().map(|member| with(json!({*member: text}))).collect();
    all.extend([
        with(json!({"attributes": {"x": text}})),
        with(json!({"attributes": {text: "x"}})),
        with(json!({"code": {"source": text, "value": "x"}})),
        with(json!({"code": {"source": "iso8583", "value": text}})),
        with(json!({"amount": {"minor": 1, "currency": text}})),
        with(json!({"unknown": {"deep": [text]}})),
        with(json!({text: 1})),
        format!("{{\"attempt_id\":\"{text}\",\"gate"),
        text.to_owned(),
        format!("\"{text}\""),
    ]);
    // Digits as escapes are digits.
    let escaped: String = text.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    all.push(whole.to_string().replace("\"payu\"", &format!("\"{escaped}\"")));
    all
}

struct Canary<'a> {
    server: &'a Running,
    bearer: String,
    secrets: Vec<String>,
    answers: usize,
}

impl Canary<'_> {
    fn check(&mut self, what: &str, answer: &Answer) {
        self.answers += 1;
        assert_ne!(answer.status, 500, "{what}: {answer:?}");
        assert_none(
            &format!("the answer to {what}"),
            format!("{answer:?}").as_bytes(),
            &self.secrets,
        );
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut all =
            vec![("authorization", self.bearer.as_str()), ("content-type", "application/json")];
        all.extend(headers);
        let answer = self.server.ask(method, path, &all, body);
        let excerpt: String = String::from_utf8_lossy(body).chars().take(120).collect();
        self.check(&format!("{method} {path} {excerpt}"), &answer);
    }

    /// The same where nobody, or somebody who is wrong, asks.
    fn ask_as(&mut self, headers: &[(&str, &str)]) {
        for path in ["/v1/me", "/v1/incidents", "/v1/stream", "/nothing"] {
            let answer = self.server.ask("GET", path, headers, b"");
            self.check(&format!("GET {path}"), &answer);
        }
    }
}

#[test]
fn nothing_secret_that_is_put_in_is_found_anywhere() {
    let (endpoint, traced) = collector();
    let place = Place::new();
    place.config("");
    let (_, key) = create(&place, &["--role", "admin"]);
    place.config(&config(&endpoint));
    let server = place.run_with(&["serve", "--listen", "127.0.0.1:0"], &ENVIRONMENT);
    let mut secrets: Vec<String> =
        [&CARDS[..], &SENT, &CONFIGURED].concat().iter().map(|s| (*s).to_owned()).collect();
    secrets.push(key.clone());
    secrets.push(WHSEC.trim_start_matches("whsec_").to_owned());
    let mut canary =
        Canary { server: &server, bearer: format!("Bearer {key}"), secrets, answers: 0 };
    let [bearer, token, cookie, query, unknown, password] = SENT;
    canary.ask_as(&[("authorization", &format!("Bearer {bearer}"))]);
    canary.ask_as(&[("authorization", &format!("Bearer pm_{bearer}"))]);
    canary.ask_as(&[("authorization", &format!("Bearer {token}"))]);
    canary.ask_as(&[("authorization", &format!("Basic {password}"))]);
    canary.ask_as(&[("cookie", &format!("pointsman_session={cookie}; pointsman_login={cookie}"))]);
    canary.ask("POST", "/v1/session", &[], json!({"token": token}).to_string().as_bytes());
    for path in [
        "/v1/incidents",
        "/v1/series",
        "/v1/routes",
        "/v1/audit",
        "/v1/session/callback",
        "/v1/nothing",
    ] {
        canary.ask("GET", &format!("{path}?token={query}&state={query}&code={query}"), &[], b"");
    }
    canary.ask(
        "POST",
        "/v1/events",
        &[],
        small("u1", 1_790_000_000_000, "approved")
            .replacen('{', &format!("{{\"password\":\"{unknown}\","), 1)
            .as_bytes(),
    );
    canary.ask(
        "POST",
        "/v1/route",
        &[],
        format!("{{\"card_holder_password\":\"{password}\",").as_bytes(),
    );
    for (n, card) in CARDS.iter().enumerate() {
        let escaped = card.replace(' ', "%20");
        for path in
            ["incidents", "interventions", "experiments", "payments", "route/decisions", "users"]
        {
            canary.ask("GET", &format!("/v1/{path}/{escaped}"), &[], b"");
        }
        for path in ["keys", "silences", "users", "settings/pending"] {
            canary.ask("DELETE", &format!("/v1/{path}/{escaped}"), &[], b"");
        }
        canary.ask("POST", &format!("/v1/channels/{escaped}/test"), &[], b"");
        canary.ask("POST", &format!("/v1/incidents/{escaped}/ack"), &[], b"");
        let once = [("idempotency-key", "once")];
        canary.ask("POST", &format!("/v1/incidents/{escaped}/ack"), &once, b"");
        canary.ask("GET", &format!("/{escaped}"), &[], b"");
        for path in [
            "/v1/incidents?cursor=",
            "/v1/incidents?status=",
            "/v1/incidents?since=",
            "/v1/series?metric=",
            "/v1/series?slice=gateway:",
            "/v1/series?slice=",
            "/v1/series?step=",
            "/v1/routes?by=",
            "/v1/routes?window=",
            "/v1/audit?after=",
            "/v1/recovered?since=",
            "/v1/alerts?limit=",
            "/v1/session/login?return_to=",
        ] {
            canary.ask("GET", &format!("{path}{escaped}"), &[], b"");
        }
        for header in [
            "idempotency-key",
            "last-event-id",
            "if-match",
            "if-none-match",
            "x-csrf-token",
            "origin",
            "user-agent",
            "referer",
            "accept",
            "traceparent",
            "x-request-id",
            "ce-type",
            "ce-id",
            "ce-specversion",
        ] {
            canary.ask("GET", "/v1/policy", &[(header, card)], b"");
            canary.ask("PATCH", "/v1/settings", &[(header, card)], br#"{"modes": {}}"#);
            canary.ask(
                "POST",
                "/v1/kill-switch",
                &[(header, card)],
                br#"{"engaged": true, "reason": "drill"}"#,
            );
            canary.ask("POST", "/v1/events", &[(header, card)], b"{}");
        }
        let state = format!("x={}", card.replace(' ', ""));
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        canary.ask(
            "GET",
            "/v1/policy",
            &[("traceparent", caller), ("tracestate", &state), ("baggage", &state)],
            b"",
        );
        canary.ask("POST", "/v1/events", &[("content-type", card)], b"{}");
        canary.ask("POST", "/v1/events", &[("content-encoding", card)], b"{}");
        for (method, path, body) in bodies(card) {
            let tag = [("if-match", "*")];
            canary.ask(
                method,
                path,
                if method == "PATCH" { &tag } else { &[] },
                body.to_string().as_bytes(),
            );
        }
        for event in events(card, n) {
            canary.ask("POST", "/v1/events", &[], event.as_bytes());
        }
    }
    assert!(canary.answers > 500, "{}", canary.answers);
    // What was accepted is stored, so that something could have been found.
    canary.ask(
        "POST",
        "/v1/events",
        &[],
        small("findable_canary", 1_790_000_000_000, "approved").as_bytes(),
    );
    for path in [
        "/metrics",
        "/v1/audit?limit=500",
        "/v1/alerts",
        "/v1/channels",
        "/v1/keys",
        "/v1/users",
        "/v1/silences",
        "/v1/settings",
        "/v1/policy",
        "/v1/me",
        "/readyz",
        "/v1/routes",
        "/v1/decisions",
        "/openapi.json",
    ] {
        canary.ask("GET", path, &[], b"");
    }
    let secrets = canary.secrets;
    std::thread::sleep(Duration::from_secs(2));
    assert_none_in_files(place.path(), &secrets);
    let store = std::fs::read(place.path().join("pointsman.db")).expect("read");
    let log = std::fs::read(place.path().join("pointsman.db-wal")).expect("read");
    let findable = |bytes: &[u8]| bytes.windows(15).any(|window| window == b"findable_canary");
    assert!(findable(&store) || findable(&log), "the scan is blind");
    server.stop();
    assert_none_in_files(place.path(), &secrets);
    assert!(
        std::fs::metadata(place.path().join("log")).expect("there").len() > 100_000,
        "the log is verbose"
    );
    let traced = traced.lock().expect("kept");
    let needle = b"POST /v1/route";
    assert!(traced.windows(needle.len()).any(|window| window == needle), "traces came");
    // The collector's own key is meant for it.
    let secrets: Vec<String> = secrets.into_iter().filter(|s| s != CONFIGURED[6]).collect();
    assert_none("the traces", &traced, &secrets);
}

#[test]
fn a_database_password_is_found_nowhere() {
    let place = Place::new();
    place.config("");
    let secret = ["canary_database_password_ab1e".to_owned()];
    let url = format!("postgres://me:{}@127.0.0.1:9/pointsman", secret[0]);
    let set = [("POINTSMAN_STORE__URL", url.as_str()), ("RUST_LOG", "trace")];
    for args in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["check"],
        &["check", "--format", "json"],
        &["keys", "list"],
        &["audit", "list"],
    ] {
        let output = place.command_with(args, &set);
        assert!(!output.status.success(), "{args:?}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.is_empty());
        assert_none(&format!("{args:?}"), &said, &secret);
    }
}
