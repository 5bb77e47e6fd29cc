//! Every endpoint in docs/reference/permissions.md is called with every role, at an ingress that accepts
//! tokens only. Another test checks that the page matches the sources; no test can check that the
//! permissions themselves are right.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{eventually, output_text, root};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Codes of the problems with which the access check refuses callers.
const ACCESS_REFUSALS: [&str; 7] = [
    "authentication_required",
    "untrusted_identity_header",
    "invalid_token",
    "role_not_granted",
    "seller_role_required",
    "operator_role_required",
    "service_role_required",
];

struct Endpoint {
    method: String,
    path: String,
    /// Expected result per caller: `yes`, or status and code.
    expected: Vec<String>,
}

fn table() -> (Vec<String>, Vec<Endpoint>) {
    let page = std::fs::read_to_string(root().join("docs/reference/permissions.md")).unwrap();
    let mut rows = page.lines().filter(|endpoint| endpoint.starts_with('|')).map(|endpoint| {
        endpoint
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').to_owned())
            .collect::<Vec<_>>()
    });
    let callers = rows.next().unwrap()[2..].to_vec();
    let endpoints = rows.skip(1).map(|row| Endpoint {
        method: row[0].clone(),
        path: row[1].clone(),
        expected: row[2..].to_vec(),
    });
    (callers, endpoints.collect())
}

/// Runs an operator command of `portal` and returns its output.
fn operate(servers: &TestServers, args: &[&str]) -> String {
    let output = servers.portal(args).output().unwrap();
    assert!(output.status.success(), "{}", output_text(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn token(url: &str, role: &str, servers: &TestServers) -> String {
    let (email, password) = (format!("{role}@example.org"), "correct horse battery");
    let anonymous = TestUser::anonymous(url);
    let sign_up = json!({"email": email, "name": role, "password": password});
    anonymous.post("/sign-up", sign_up, &[("prefer", "wait=30")]).await.assert_status(201);
    operate(servers, &["accounts", "grant", &email.to_uppercase(), role]);
    anonymous
        .post("/sign-in", json!({"email": email, "password": password}), &[])
        .await
        .assert_status(200)
        .text("token")
}

async fn call(caller: &TestUser, endpoint: &Endpoint) -> HttpResponse {
    let path =
        endpoint.path.replace("{id}", &Uuid::nil().to_string()).replace("{bid}", &Uuid::nil().to_string());
    let mut path = path.replace(['{', '}'], "");
    if path.ends_with("/live") {
        // An invalid cursor ends the request; otherwise the stream would stay open.
        path.push_str("?after=nothing");
    }
    let body = matches!(endpoint.method.as_str(), "PUT" | "POST").then(|| b"{}".to_vec());
    let json = [("content-type", "application/json")];
    caller.send(endpoint.method.parse().unwrap(), &path, body, &json).await
}

fn check(endpoint: &Endpoint, caller: &str, expected: &str, response: &HttpResponse) {
    let message =
        format!("{} {} by {caller}: expected {expected}, got {response:?}", endpoint.method, endpoint.path);
    let code = response.body["code"].as_str().unwrap_or_default();
    if expected == "yes" {
        assert!(!ACCESS_REFUSALS.contains(&code), "{message}");
        return;
    }
    let (status, refusal) = expected.split_once(' ').unwrap();
    assert!(ACCESS_REFUSALS.contains(&refusal), "{message}");
    assert_eq!((response.status.as_str(), code), (status, refusal), "{message}");
    let challenges = response.headers.get_all("www-authenticate").iter().count();
    assert_eq!(challenges, usize::from(status == "401"), "{message}");
}

#[tokio::test]
async fn endpoint_permissions_match_the_table() {
    let servers = TestServers::start().await;
    let mut components =
        RunningComponents::new(&servers, &[("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "false")]);
    components.add_all(["writer", "projector", "ingress"]);
    components.wait_until_ready().await;
    let url = components.url();
    let (callers, endpoints) = table();
    let mut users = Vec::new();
    for caller in &callers {
        let token = match caller.as_str() {
            "anonymous" => None,
            "service" => Some(operate(&servers, &["api-keys", "create", "harness"])),
            role => Some(token(&url, role, &servers).await),
        };
        users.push(TestUser::with_token(&url, token));
    }
    assert_eq!((users.len(), callers[0].as_str()), (5, "anonymous"));
    // Signing out comes last, because it ends the token.
    let (last, first): (Vec<&Endpoint>, Vec<&Endpoint>) =
        endpoints.iter().partition(|endpoint| endpoint.path == "/sign-out");
    assert_eq!(last.len(), 1);
    every_route_is_in_the_table(&users[0], &endpoints).await;
    token_grants_only_its_role(&users[4], &users[1]).await;
    for endpoint in first.into_iter().chain(last) {
        for ((caller, user), expected) in callers.iter().zip(&users).zip(&endpoint.expected) {
            check(endpoint, caller, expected, &call(user, endpoint).await);
        }
    }
    revoked_credentials_are_refused(&servers, &users[4], &users[3]).await;
    drop(components);
}

/// Asserts that revoked API keys, changed roles and ended sessions take effect, also where they are cached.
async fn revoked_credentials_are_refused(servers: &TestServers, service: &TestUser, operator: &TestUser) {
    let refused = async |caller: &TestUser| caller.get("/account", &[]).await.body["code"] == "invalid_token";
    assert!(!refused(service).await);
    let list = operate(servers, &["api-keys", "list"]);
    assert!(list.contains("harness") && list.contains("seller") && !list.contains("revoked"), "{list}");
    operate(servers, &["api-keys", "revoke", "harness"]);
    eventually("the API key is refused", || async { refused(service).await.then_some(()) }).await;
    assert!(operate(servers, &["api-keys", "list"]).contains("revoked"));
    let password = json!({"email": "operator@example.org", "password": "correct horse battery"});
    let signed_in = operator.post("/sign-in", password, &[]).await;
    let operator = TestUser::with_token(&operator.url(""), Some(signed_in.assert_status(200).text("token")));
    operator.get("/promoter/settings", &[]).await.assert_status(200);
    let shown = operate(servers, &["accounts", "show", "operator@example.org"]);
    assert!(shown.contains("role:    operator"), "{shown}");
    // The ingress has cached the old role.
    operate(servers, &["accounts", "grant", "operator@example.org", "bidder"]);
    eventually("the operator role is revoked", || async {
        (operator.get("/promoter/settings", &[]).await.status == 403).then_some(())
    })
    .await;
    operate(servers, &["accounts", "sign-out", "operator@example.org"]);
    eventually("the tokens are refused", || async { refused(&operator).await.then_some(()) }).await;
}

async fn every_route_is_in_the_table(anonymous: &TestUser, endpoints: &[Endpoint]) {
    let described = anonymous.get("/openapi.json", &[]).await;
    let described: BTreeSet<(String, String)> = described.body["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let listed: BTreeSet<(String, String)> =
        endpoints.iter().map(|endpoint| (endpoint.method.clone(), endpoint.path.clone())).collect();
    assert_eq!(described, listed);
}

/// Asserts that an API key with the role seller can act for users, as bidder or seller, and that a user
/// cannot act for other users.
async fn token_grants_only_its_role(service: &TestUser, bidder: &TestUser) {
    let user = Uuid::nil().to_string();
    let get_settings =
        async |who: &TestUser, headers: &[(&str, &str)]| who.get("/promoter/settings", headers).await;
    get_settings(service, &[("x-user-role", "operator")]).await.assert_problem(403, "role_not_granted");
    get_settings(service, &[("x-user-id", &user)]).await.assert_problem(403, "operator_role_required");
    get_settings(bidder, &[("x-user-role", "operator")]).await.assert_problem(403, "role_not_granted");
    let mine = format!("/user/{user}/bids");
    service.get(&mine, &[("x-user-id", &user)]).await.assert_status(200);
    bidder.get(&mine, &[("x-user-id", &user)]).await.assert_problem(401, "untrusted_identity_header");
    let auction =
        service.post("/auctions", json!({}), &[("x-user-id", &user), ("x-user-role", "bidder")]).await;
    auction.assert_problem(403, "seller_role_required");
}
