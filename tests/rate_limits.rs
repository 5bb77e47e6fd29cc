//! Callers over their rate limit are answered 429, counted across all ingresses. Other callers are not
//! affected, and all calls are allowed while the counters are unavailable.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{free_address, output_text, wait_until_ready};
use uuid::Uuid;

/// Settings of ingresses that trust a local gateway to report client addresses. The rates are low, so that a
/// slow test run regains almost no quota.
const SETTINGS: [(&str, &str); 6] = [
    ("AUCTION__RATE_LIMITS__ENABLED", "true"),
    ("AUCTION__RATE_LIMITS__USER_RATE", "1"),
    ("AUCTION__RATE_LIMITS__USER_BURST", "10"),
    ("AUCTION__RATE_LIMITS__IP_RATE", "1"),
    ("AUCTION__RATE_LIMITS__IP_BURST", "40"),
    ("AUCTION__RATE_LIMITS__TRUSTED_PROXIES", "127.0.0.0/8"),
];

async fn start(servers: &TestServers, trusted: &str) -> (RunningComponents, String) {
    let mut settings = SETTINGS.to_vec();
    settings.push(("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", trusted));
    let mut components = RunningComponents::new(servers, &settings);
    components.add("writer");
    components.add("ingress");
    let other = free_address();
    components.add_with_settings("ingress", &[("AUCTION__INGRESS__LISTEN", &other)]);
    let other = format!("http://{other}");
    components.wait_until_ready().await;
    wait_until_ready(&other).await;
    (components, other)
}

async fn call(at: &str, user: &str, address: &str) -> HttpResponse {
    TestUser::anonymous(at).get("/subscriptions", &[("x-user-id", user), ("x-forwarded-for", address)]).await
}

fn assert_refused(response: &HttpResponse) {
    response.assert_problem(429, "too_many_requests");
    let wait: u64 = response.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{response:?}");
}

#[tokio::test]
async fn rate_limits_count_users_and_addresses_across_ingresses() {
    let mut servers = TestServers::start().await;
    let (components, other) = start(&servers, "true").await;
    let first = components.url();
    let (ada, bob) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    let (mut passed, mut refused) = (0, 0);
    for n in 0..16 {
        let response = call(if n % 2 == 0 { &first } else { &other }, &ada, "203.0.113.1").await;
        assert_eq!(
            response.header("ratelimit-policy"),
            "\"user\";q=10;w=10, \"address\";q=40;w=40",
            "{response:?}"
        );
        if response.status == 429 {
            assert_refused(&response);
            assert!(response.header("ratelimit").starts_with("\"user\";r=0;t="), "{response:?}");
            refused += 1;
        } else {
            let left = 9 - passed;
            assert!(response.header("ratelimit").starts_with(&format!("\"user\";r={left};")), "{response:?}");
            passed += 1;
        }
    }
    assert!((10..=11).contains(&passed), "{passed} passed, {refused} were refused");
    assert_eq!(
        call(&first, &bob, "203.0.113.1").await.status,
        404,
        "another user, who is unknown, is not limited"
    );
    // Many users share one address.
    let mut last = call(&first, &bob, "203.0.113.2").await;
    for _ in 0..60 {
        last = call(&other, &Uuid::now_v7().to_string(), "203.0.113.2").await;
        if last.status == 429 {
            break;
        }
    }
    assert_refused(&last);
    assert_eq!(
        call(&first, &Uuid::now_v7().to_string(), "203.0.113.3").await.status,
        404,
        "another address is not limited"
    );
    // While Redis is unavailable, all calls are allowed without delay.
    servers.kill_redis().await;
    for _ in 0..20 {
        let response = call(&first, &ada, "203.0.113.1").await;
        assert_eq!((response.status.as_u16(), response.header("ratelimit")), (404, ""), "{response:?}");
    }
}

#[tokio::test]
async fn api_key_has_its_own_limit_and_bad_tokens_count_by_address() {
    let servers = TestServers::start().await;
    let (components, _) = start(&servers, "false").await;
    let create = ["api-keys", "create", "harness", "--per-second", "100"];
    let output = servers.portal(&create).output().unwrap();
    assert!(output.status.success(), "{}", output_text(&output));
    let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let harness = TestUser::with_token(&components.url(), Some(key));
    let user = Uuid::now_v7().to_string();
    // The first call counts for its address, because the key is not cached yet.
    for n in 0..60 {
        let response = harness.get("/subscriptions", &[("x-user-id", &user)]).await;
        assert_eq!(response.status, 404, "call {n} exceeds the limits of users and addresses: {response:?}");
        assert!(n == 0 || response.header("ratelimit-policy") == "\"service\";q=100;w=1", "{response:?}");
    }
    let mut guesses = 0;
    loop {
        let token = format!("aps_{guesses:043}");
        let response = TestUser::with_token(&components.url(), Some(token)).get("/account", &[]).await;
        if response.status == 429 {
            assert_refused(&response);
            break;
        }
        response.assert_problem(401, "invalid_token");
        guesses += 1;
        assert!(guesses < 60, "guesses of tokens are not limited");
    }
}
