//! Amazon Cognito's tokens, as `moto` plays it: the issuer's name leads elsewhere than its keys, an access token has `client_id` for an audience, and roles are groups.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Issuer, ask, cached, skip};
use crate::support::{Place, try_ask};

struct Cognito {
    child: Child,
    address: String,
}

impl Cognito {
    fn start() -> Option<Self> {
        let Some(place) = cached("moto-5.2.5/bin/moto_server") else {
            skip("tokens of Amazon Cognito, moto isn't there");
            return None;
        };
        let port = {
            let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            held.local_addr().expect("an address").port()
        };
        let child = Command::new(place)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto runs");
        let cognito = Self { child, address: format!("127.0.0.1:{port}") };
        let since = Instant::now();
        while std::net::TcpStream::connect(&cognito.address).is_err() {
            assert!(since.elapsed() < Duration::from_secs(90), "moto doesn't start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(cognito)
    }

    fn call(&self, action: &str, body: Value) -> Value {
        let target = format!("AWSCognitoIdentityProviderService.{action}");
        let headers = [
            ("x-amz-target", target.as_str()),
            ("content-type", "application/x-amz-json-1.1"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=x",
            ),
        ];
        let answer = try_ask(&self.address, "POST", "/", &headers, body.to_string().as_bytes());
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{action}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or_default()
    }
}

impl Drop for Cognito {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn tokens_of_amazon_cognito_count() {
    let Some(cognito) = Cognito::start() else { return };
    let made = cognito.call("CreateUserPool", json!({"PoolName": "people"}));
    let pool = made["UserPool"]["Id"].as_str().expect("an id").to_owned();
    let client = |name: &str| {
        let made = cognito.call(
            "CreateUserPoolClient",
            json!({"UserPoolId": pool, "ClientName": name, "ExplicitAuthFlows": ["USER_PASSWORD_AUTH"]}),
        );
        made["UserPoolClient"]["ClientId"].as_str().expect("an id").to_owned()
    };
    let (ours, other) = (client("ours"), client("other"));
    cognito.call("CreateGroup", json!({"UserPoolId": pool, "GroupName": "approver"}));
    let password = "Aa1!aaaaaaaa";
    let who = |more: Value| {
        let mut body = json!({"UserPoolId": pool, "Username": "ann"});
        body.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
        body
    };
    cognito.call("AdminCreateUser", who(json!({})));
    cognito.call("AdminSetUserPassword", who(json!({"Password": password, "Permanent": true})));
    cognito.call("AdminAddUserToGroup", who(json!({"GroupName": "approver"})));
    let token = |client: &str| {
        let answer = cognito.call(
            "InitiateAuth",
            json!({"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
                "AuthParameters": {"USERNAME": "ann", "PASSWORD": password}}),
        );
        let result = &answer["AuthenticationResult"];
        let text = |name: &str| result[name].as_str().expect("a token").to_owned();
        (text("AccessToken"), text("IdToken"))
    };
    let config = format!(
        "[auth.oidc]\nissuer = \"https://cognito-idp.us-east-1.amazonaws.com/{pool}\"\n\
         jwks_url = \"http://{}/{pool}/.well-known/jwks.json\"\naudience = \"{ours}\"\n\
         audience_claim = \"client_id\"\nroles_claim = \"cognito:groups\"\n",
        cognito.address
    );
    let place = Place::new();
    let server = place.start(&config);
    let (access, id) = token(&ours);
    let answer = ask(&server, &access, "GET", "/v1/me", "");
    assert_eq!(answer.status, 200, "{answer:?} {}", server.said());
    let me = answer.json();
    assert_eq!(me["role"], "approver", "{me}");
    assert_eq!(me["name"].as_str().map(str::len), Some(36), "Cognito's own id of a person: {me}");
    let (elsewhere, _) = token(&other);
    assert_eq!(ask(&server, &elsewhere, "GET", "/v1/me", "").status, 401, "another client's");
    assert_eq!(
        ask(&server, &id, "GET", "/v1/me", "").status,
        401,
        "an ID token is none to ask with"
    );
    if let Some(issuer) = Issuer::start("a token of another issuer") {
        let token = issuer.token("ann", &["admin"]);
        assert_eq!(ask(&server, &token, "GET", "/v1/me", "").status, 401);
    }
}
