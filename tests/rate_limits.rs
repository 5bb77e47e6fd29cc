//! Who calls too often is told to wait, whichever ingress he calls; nobody else is, and nobody while nobody can count.

use crate::support::components::Roles;
use crate::support::test_user::{Answer, TestUser};
use crate::support::{eventually, own_address, portal, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

/// Two ingresses behind a gateway that is trusted and says whose address it is. So little comes back in a second that a
/// slow test does not see it.
const SETTINGS: [(&str, &str); 6] = [
    ("AUCTION__LIMITS__ON", "true"),
    ("AUCTION__LIMITS__USER_PER_SECOND", "1"),
    ("AUCTION__LIMITS__USER_AT_ONCE", "10"),
    ("AUCTION__LIMITS__ADDRESS_PER_SECOND", "1"),
    ("AUCTION__LIMITS__ADDRESS_AT_ONCE", "40"),
    ("AUCTION__LIMITS__TRUSTED_PROXIES", "127.0.0.0/8"),
];

async fn start(servers: &LocalServers, trusted: &str) -> (Roles, String) {
    let mut settings = SETTINGS.to_vec();
    settings.push(("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", trusted));
    let mut roles = Roles::none(servers, &settings);
    roles.add("writer");
    roles.add("ingress");
    let other = own_address();
    roles.add_with("ingress", &[("AUCTION__INGRESS__LISTEN", &other)]);
    let other = format!("http://{other}");
    for url in [roles.url(), other.clone()] {
        eventually("the ingress is ready", || async {
            // It is not counted.
            reqwest::get(format!("{url}/readyz"))
                .await
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(())
        })
        .await;
    }
    (roles, other)
}

async fn servers(directory: &TempDir) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap()
}

async fn call(at: &str, user: &str, address: &str) -> Answer {
    TestUser::nobody(at).get("/subscriptions", &[("x-user-id", user), ("x-forwarded-for", address)]).await
}

fn is_refused(answer: &Answer) {
    answer.is_problem(429, "too_many_requests");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{answer:?}");
}

#[tokio::test]
async fn users_and_addresses_are_counted_over_all_ingresses() {
    let directory = tempfile::tempdir().unwrap();
    let mut servers = servers(&directory).await;
    let (roles, other) = start(&servers, "true").await;
    let here = roles.url();
    let (ada, bob) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    let (mut passed, mut refused) = (0, 0);
    for n in 0..16 {
        let answer = call(if n % 2 == 0 { &here } else { &other }, &ada, "203.0.113.1").await;
        assert_eq!(
            answer.header("ratelimit-policy"),
            "\"user\";q=10;w=10, \"address\";q=40;w=40",
            "{answer:?}"
        );
        if answer.status == 429 {
            is_refused(&answer);
            assert!(answer.header("ratelimit").starts_with("\"user\";r=0;t="), "{answer:?}");
            refused += 1;
        } else {
            let left = 9 - passed;
            assert!(answer.header("ratelimit").starts_with(&format!("\"user\";r={left};")), "{answer:?}");
            passed += 1;
        }
    }
    assert!((10..=11).contains(&passed), "{passed} passed, {refused} were refused");
    assert_eq!(call(&here, &bob, "203.0.113.1").await.status, 404, "somebody else, whom nobody knows");
    // An address with many users.
    let mut last = call(&here, &bob, "203.0.113.2").await;
    for _ in 0..60 {
        last = call(&other, &Uuid::now_v7().to_string(), "203.0.113.2").await;
        if last.status == 429 {
            break;
        }
    }
    is_refused(&last);
    assert_eq!(call(&here, &Uuid::now_v7().to_string(), "203.0.113.3").await.status, 404, "another address");
    // While Redis is away nobody is counted, and nobody waits for it.
    servers.kill_redis().await;
    for _ in 0..20 {
        let answer = call(&here, &ada, "203.0.113.1").await;
        assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (404, ""), "{answer:?}");
    }
    drop(roles);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let (roles, _) = start(&servers, "true").await;
    let somebody = TestUser::nobody(&roles.url());
    let send = async |length: usize| {
        let body = json!({"email": "a".repeat(length)}).to_string().into_bytes();
        let json = [("content-type", "application/json")];
        somebody.send(Method::POST, "/sign-in", Some(body), &json).await
    };
    send(60 * 1024).await.is_problem(400, "invalid_request");
    let refused = send(64 * 1024).await;
    assert_eq!(refused.is_problem(413, "too_large").body["at_most_bytes"], 64 * 1024);
    let described = somebody.get("/openapi.json", &[]).await;
    let answers = &described.body["paths"]["/auction/{id}/bid"]["put"]["responses"];
    assert!(answers["413"].is_object() && answers["429"]["headers"]["Retry-After"].is_object(), "{answers}");
    drop(roles);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_service_key_has_a_limit_of_its_own_and_who_gives_wrong_tokens_has_that_of_his_address() {
    let directory = tempfile::tempdir().unwrap();
    let servers = servers(&directory).await;
    let (roles, _) = start(&servers, "false").await;
    let mut create = portal();
    create.args(["service-keys", "create", "harness", "--per-second", "100"]);
    create.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    let output = create.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let harness = TestUser::with_token(&roles.url(), Some(key));
    let user = Uuid::now_v7().to_string();
    // The first is counted by its address: nobody knew yet whose it is.
    for n in 0..60 {
        let answer = harness.get("/subscriptions", &[("x-user-id", &user)]).await;
        assert_eq!(answer.status, 404, "{n}: more than a user may, and an address: {answer:?}");
        assert!(n == 0 || answer.header("ratelimit-policy") == "\"service\";q=100;w=1", "{answer:?}");
    }
    let mut guesses = 0;
    loop {
        let token = format!("aps_{guesses:043}");
        let answer = TestUser::with_token(&roles.url(), Some(token)).get("/account", &[]).await;
        if answer.status == 429 {
            is_refused(&answer);
            break;
        }
        answer.is_problem(401, "invalid_token");
        guesses += 1;
        assert!(guesses < 60, "an address may guess for ever");
    }
    drop(roles);
    servers.stop().await.unwrap();
}
