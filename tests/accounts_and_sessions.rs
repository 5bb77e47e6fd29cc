//! Users sign up, sign in and sign out at any ingress. Responses do not reveal who has an account, and all
//! personal data of a deleted user is erased.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::sse_connection::SseConnection;
use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{eventually, free_address, wait_until_ready};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct horse battery";

/// A portal with two ingresses that accept tokens only. They recheck cached tokens once per hour, so
/// that an ingress learns of a sign-out at the other one only by its announcement.
struct Portal {
    servers: TestServers,
    components: RunningComponents,
    other: String,
}

impl Portal {
    async fn start(settings: &[(&'static str, &str)]) -> Portal {
        let servers = TestServers::start().await;
        let mut all = vec![
            ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "false"),
            ("AUCTION__INGRESS__TOKEN_REVALIDATE_SECONDS", "3600"),
        ];
        all.extend(settings);
        let mut components = RunningComponents::new(&servers, &all);
        components.add_all(["writer", "projector", "auctioneer", "ingress"]);
        let other = free_address();
        components.add_with_settings("ingress", &[("AUCTION__INGRESS__LISTEN", &other)]);
        let portal = Portal { servers, components, other: format!("http://{other}") };
        portal.components.wait_until_ready().await;
        wait_until_ready(&portal.other).await;
        portal
    }

    fn url(&self) -> String {
        self.components.url()
    }

    async fn count(&self, query: &str) -> i64 {
        let database = self.servers.database().await;
        database.query_one(query, &[]).await.unwrap().get(0)
    }
}

async fn sign_up(at: &str, email: &str, role: &str) -> HttpResponse {
    let body = json!({"email": email, "name": "Ada Lovelace", "password": PASSWORD, "role": role});
    TestUser::anonymous(at).post("/sign-up", body, &[("prefer", "wait=30")]).await
}

async fn sign_in(at: &str, email: &str, password: &str) -> HttpResponse {
    TestUser::anonymous(at).post("/sign-in", json!({"email": email, "password": password}), &[]).await
}

/// Creates an account and signs in.
async fn signed_in_user(at: &str, email: &str, role: &str) -> TestUser {
    let user = sign_up(at, email, role).await.assert_status(201).text("user");
    let signed_in = sign_in(at, email, PASSWORD).await;
    assert_eq!(signed_in.assert_status(200).text("user"), user);
    assert_eq!(signed_in.header("cache-control"), "no-store");
    TestUser::with_token(at, Some(signed_in.text("token")))
}

fn assert_invalid_token(answer: &HttpResponse) {
    answer.assert_problem(401, "invalid_token");
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{answer:?}");
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1, "{answer:?}");
}

#[tokio::test]
async fn accounts_work_across_ingress_processes() {
    // The cases count accounts and sessions, so each depends on those before it.
    let portal = Portal::start(&[]).await;
    sign_up_is_validated_and_idempotent(&portal).await;
    personal_data_stays_in_accounts_and_is_erased_on_deletion(&portal).await;
    responses_do_not_reveal_whether_an_account_exists(&portal).await;
    live_notifications_end_after_sign_out(&portal).await;
    sessions_work_across_ingress_processes(&portal).await;
    portal.components.terminate();
}

async fn sessions_work_across_ingress_processes(portal: &Portal) {
    let (first, second) = (portal.url(), portal.other.clone());
    let sue = signed_in_user(&first, "sue@example.org", "seller").await;
    let ada = signed_in_user(&first, "Ada@example.org", "bidder").await;
    let account = ada.get("/account", &[]).await;
    assert_eq!(
        (account.assert_status(200).text("email"), account.text("role")),
        ("Ada@example.org".to_owned(), "bidder".to_owned())
    );
    let auction_request =
        json!({"title": "Vase", "currency": "EUR", "opening_bid": 100, "ends_at": "2099-01-01T00:00:00Z"});
    ada.post("/auctions", auction_request.clone(), &[]).await.assert_problem(403, "seller_role_required");
    let auction = sue
        .post("/auctions", auction_request, &[("prefer", "wait=30")])
        .await
        .assert_status(201)
        .text("auction");
    let bid = format!("/auction/{auction}/bid");
    let also_ada = TestUser::with_token(&second, ada.token.clone());
    for (n, at) in [&ada, &also_ada].into_iter().enumerate() {
        let body = json!({"amount": 100 + n});
        at.send_json(Method::PUT, &bid, body, &[("prefer", "wait=30")]).await.assert_status(201);
    }
    // X-User-Id alone is not accepted.
    let anonymous = TestUser::anonymous(&first);
    let claimed = anonymous.get("/account", &[("x-user-id", &account.text("user"))]).await;
    claimed.assert_problem(401, "untrusted_identity_header");
    let unknown = anonymous.get("/account", &[]).await;
    assert_eq!(
        unknown.assert_problem(401, "authentication_required").header("www-authenticate"),
        "Bearer realm=\"auction portal\""
    );
    assert_invalid_token(&anonymous.get("/account", &[("authorization", "Bearer aps_invalid")]).await);
    // The first token is signed out; the second stays valid.
    let again = sign_in(&second, "ada@EXAMPLE.org", PASSWORD).await;
    let with_second_token = TestUser::with_token(&second, Some(again.assert_status(200).text("token")));
    with_second_token.get("/account", &[]).await.assert_status(200);
    ada.post("/sign-out", json!({}), &[]).await.assert_status(204);
    assert_invalid_token(&ada.get("/account", &[]).await);
    eventually("the other ingress refuses the token", || async {
        (also_ada.get("/account", &[]).await.status == 401).then_some(())
    })
    .await;
    with_second_token.get("/account", &[]).await.assert_status(200);
    with_second_token.post("/sign-out", json!({"all_sessions": true}), &[]).await.assert_status(204);
    assert_invalid_token(&with_second_token.get("/account", &[]).await);
    assert_eq!(
        portal.count("SELECT count(*) FROM sessions").await,
        2,
        "only sue and Ada Lovelace have a session"
    );
}

/// Returns the parts of a response that do not differ between users: status and names of members and headers.
fn shape(answer: &HttpResponse) -> (u16, Vec<String>, Vec<String>) {
    let members = answer.body.as_object().unwrap().keys().cloned().collect();
    let headers = answer.headers.keys().map(ToString::to_string).collect();
    (answer.status.as_u16(), members, headers)
}

async fn timed(at: &str, email: &str, password: &str) -> Duration {
    let began = Instant::now();
    sign_in(at, email, password).await.assert_problem(401, "invalid_credentials");
    began.elapsed()
}

async fn responses_do_not_reveal_whether_an_account_exists(portal: &Portal) {
    let url = portal.url();
    let free = sign_up(&url, "dan@example.org", "bidder").await;
    let taken = sign_up(&url, "DAN@example.org", "bidder").await;
    assert_eq!(free.assert_status(201).status, 201);
    assert_eq!(shape(&free), shape(&taken));
    let pending = |answer: HttpResponse| (shape(&answer), answer.header("location").len());
    let without_wait = async |email: &str| {
        let body = json!({"email": email, "name": "Ada", "password": PASSWORD});
        pending(TestUser::anonymous(&url).post("/sign-up", body, &[]).await)
    };
    let free = without_wait("bob@example.org").await;
    assert_eq!(free.0.0, 202);
    assert_eq!(free, without_wait("dan@example.org").await);
    assert_eq!(portal.count("SELECT count(*) FROM accounts").await, 4, "dan and bob have new accounts");
    assert_eq!(portal.count("SELECT count(*) FROM accounts WHERE duplicate_sign_ups = 2").await, 1);
    // Sign-in responses are equal in content and in duration.
    let (wrong, unknown) = (
        sign_in(&url, "dan@example.org", "wrong horse battery").await,
        sign_in(&url, "eve@example.org", "wrong horse battery").await,
    );
    assert_eq!((shape(&wrong), &wrong.body), (shape(&unknown), &unknown.body));
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        wrong.push(timed(&url, "dan@example.org", "wrong horse battery").await);
        unknown.push(timed(&url, "eve@example.org", "wrong horse battery").await);
    }
    wrong.sort_unstable();
    unknown.sort_unstable();
    // Without hashing for unknown addresses, the response would take a small part of this time.
    assert!(unknown[3] > wrong[3] / 2, "{unknown:?}, {wrong:?}");
}

#[tokio::test]
async fn cached_token_is_accepted_while_postgres_is_unavailable() {
    let mut portal = Portal::start(&[("AUCTION__INGRESS__TOKEN_REVALIDATE_SECONDS", "1")]).await;
    let url = portal.url();
    let sue = signed_in_user(&url, "sue@example.org", "seller").await;
    let auction_request =
        json!({"title": "Vase", "currency": "EUR", "opening_bid": 100, "ends_at": "2099-01-01T00:00:00Z"});
    let auction = sue
        .post("/auctions", auction_request, &[("prefer", "wait=30")])
        .await
        .assert_status(201)
        .text("auction");
    let ada = signed_in_user(&url, "ada@example.org", "bidder").await;
    let new = sign_in(&url, "ada@example.org", PASSWORD).await.text("token");
    ada.get("/account", &[]).await.assert_status(200);
    portal.servers.kill_postgres().await;
    let began = Instant::now();
    let bid = format!("/auction/{auction}/bid");
    let mut accepted = Vec::new();
    // Longer than the recheck interval, so that rechecks of the cached token fail.
    while began.elapsed() < Duration::from_secs(3) {
        let placed = ada.send_json(Method::PUT, &bid, json!({"amount": 100 + accepted.len()}), &[]).await;
        accepted.push(placed.assert_status(202).header("location").to_owned());
    }
    let not_cached = TestUser::with_token(&url, Some(new));
    let refused = not_cached.send_json(Method::PUT, &bid, json!({"amount": 100}), &[]).await;
    refused.assert_problem(503, "temporarily_unavailable");
    portal.servers.start_postgres().await.unwrap();
    let last = accepted.last().unwrap();
    let decided = ada.get(last, &[("prefer", "wait=30, return=representation")]).await;
    assert_eq!(decided.assert_status(200).text("kind"), "place_bid");
    eventually("the token that was not cached is accepted", || async {
        (not_cached.get("/account", &[]).await.status == 200).then_some(())
    })
    .await;
    portal.components.terminate();
}

/// Returns all Redis keys, events, outcomes and other stored rows, except accounts and sessions, as one text.
async fn dump_stored_data(portal: &Portal) -> String {
    let mut redis = portal.servers.redis().await;
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await.unwrap();
    let mut all = String::new();
    for key in keys {
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut redis).await.unwrap();
        let range: Result<redis::Value, _> =
            redis::cmd("XRANGE").arg(&key).arg("-").arg("+").query_async(&mut redis).await;
        all.push_str(&format!("{key} {} {range:?}\n", String::from_utf8_lossy(&dump)));
    }
    let database = portal.servers.database().await;
    for table in ["events", "command_outcomes", "users", "deletions", "snapshots"] {
        for row in database.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap() {
            all.push_str(row.get(0));
        }
        for column in ["body", "outcome"] {
            let bodies = format!("SELECT encode({column}, 'escape') FROM {table}");
            for row in database.query(&bodies, &[]).await.unwrap_or_default() {
                all.push_str(row.get(0));
            }
        }
    }
    all
}

async fn personal_data_stays_in_accounts_and_is_erased_on_deletion(portal: &Portal) {
    let (first, second) = (portal.url(), portal.other.clone());
    let ada = signed_in_user(&first, "ada.lovelace@example.org", "bidder").await;
    let also_ada = TestUser::with_token(&second, ada.token.clone());
    let account = also_ada.get("/account", &[]).await;
    let user = account.assert_status(200).text("user");
    let stored = dump_stored_data(portal).await;
    assert!(stored.contains(&user), "{stored}");
    for personal in ["lovelace", "Lovelace", "example.org", PASSWORD, "argon2id", &ada.token.clone().unwrap()]
    {
        assert!(!stored.contains(personal), "{personal} in {stored}");
    }
    let deleted = ada.send(Method::DELETE, &format!("/user/{user}"), None, &[("prefer", "wait=30")]).await;
    deleted.assert_status(200);
    eventually("the account is erased", || async {
        (portal.count("SELECT count(*) FROM accounts").await == 1).then_some(())
    })
    .await;
    assert_eq!(portal.count("SELECT count(*) FROM sessions").await, 0);
    for at in [&ada, &also_ada] {
        eventually("the token is refused", || async {
            (at.get("/account", &[]).await.body["code"] == "invalid_token").then_some(())
        })
        .await;
    }
    sign_in(&first, "ada.lovelace@example.org", PASSWORD).await.assert_problem(401, "invalid_credentials");
    signed_in_user(&first, "ada.lovelace@example.org", "bidder").await;
}

/// An ingress that is killed between storing an account and sending its command leaves an account without a
/// user.
#[tokio::test]
async fn account_is_swept_when_its_command_was_never_sent() {
    let portal = Portal::start(&[
        ("AUCTION__RETENTION__PENDING_SIGN_UPS_SECONDS", "1"),
        ("AUCTION__RETENTION__INTERVAL_MS", "100"),
    ])
    .await;
    let url = portal.url();
    let bob = signed_in_user(&url, "bob@example.org", "bidder").await;
    let insert = "INSERT INTO accounts \
                  (user_id, email, name, password_hash, role, state, command_id, created_at) \
                  VALUES (gen_random_uuid(), 'ada@example.org', 'Ada', '', 'bidder', 'provisional', \
                  gen_random_uuid(), 1)";
    portal.servers.database().await.execute(insert, &[]).await.unwrap();
    eventually("the account is deleted", || async {
        (portal.count("SELECT count(*) FROM accounts WHERE state = 'provisional'").await == 0).then_some(())
    })
    .await;
    bob.get("/account", &[]).await.assert_status(200);
    signed_in_user(&url, "ada@example.org", "bidder").await;
    portal.components.terminate();
}

async fn sign_up_is_validated_and_idempotent(portal: &Portal) {
    let anonymous = TestUser::anonymous(&portal.url());
    let invalid = json!({"email": "ada", "name": " ", "password": "short"});
    let refused = anonymous.post("/sign-up", invalid, &[]).await;
    assert_eq!(refused.assert_problem(400, "invalid_request").body["errors"].as_array().unwrap().len(), 3);
    let key = "8e03978e-40d5-43dd-bc93-6894a57f9324";
    let body = json!({"email": "kit@example.org", "name": "Ada", "password": PASSWORD});
    let headers = [("idempotency-key", key), ("prefer", "wait=30")];
    let first = anonymous.post("/sign-up", body.clone(), &headers).await;
    let second = anonymous.post("/sign-up", body, &headers).await;
    assert_eq!(first.assert_status(201).text("user"), second.assert_status(201).text("user"));
    let other = json!({"email": "kit@example.org", "name": "Ada", "password": "another horse battery"});
    anonymous.post("/sign-up", other, &headers).await.assert_problem(422, "idempotency_key_reused");
    assert_eq!(portal.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(portal.count("SELECT duplicate_sign_ups::bigint FROM accounts").await, 0);
}

async fn live_notifications_end_after_sign_out(portal: &Portal) {
    sign_up(&portal.url(), "liv@example.org", "bidder").await.assert_status(201);
    let signed_in = sign_in(&portal.url(), "liv@example.org", PASSWORD).await;
    let bearer = format!("Bearer {}", signed_in.text("token"));
    let url = format!("{}/notifications/live", portal.url());
    let mut live = SseConnection::open(&url, &[("authorization", &bearer)]).await;
    assert_eq!(live.next().await.unwrap().name, "inbox");
    // The sign-out at the other ingress is announced to this one.
    let at_other = TestUser::anonymous(&portal.other);
    let signed_out = at_other.send(Method::POST, "/sign-out", None, &[("authorization", &bearer)]).await;
    assert!(signed_out.status.is_success(), "{signed_out:?}");
    // The connection ends at the next heartbeat.
    let next = tokio::time::timeout(Duration::from_secs(30), live.next()).await.expect("the connection ends");
    assert!(next.is_none(), "{next:?}");
}
