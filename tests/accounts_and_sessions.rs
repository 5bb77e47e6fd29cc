//! People sign up, in and out, at any ingress; nobody learns from the portal who has an account, and nothing is left of
//! whoever is deleted.

use crate::support::components::Roles;
use crate::support::sse_connection::SseConnection;
use crate::support::test_user::{Answer, TestUser};
use crate::support::{database, eventually, own_address};
use auction_local_servers::{LocalServerOptions, LocalServers};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery";

/// Two ingresses that believe tokens alone, and hardly ever look a token up again: what one learns from the other, it
/// was told.
struct Portal {
    servers: LocalServers,
    roles: Roles,
    other: String,
    _directory: TempDir,
}

impl Portal {
    async fn start(settings: &[(&'static str, &str)]) -> Portal {
        let directory = tempfile::tempdir().unwrap();
        let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
        let mut all = vec![
            ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "false"),
            ("AUCTION__INGRESS__TOKEN_RECHECK_SECONDS", "3600"),
        ];
        all.extend(settings);
        let mut roles = Roles::none(&servers, &all);
        for role in ["writer", "projector", "auctioneer", "ingress"] {
            roles.add(role);
        }
        let other = own_address();
        roles.add_with("ingress", &[("AUCTION__INGRESS__LISTEN", &other)]);
        let portal = Portal { servers, roles, other: format!("http://{other}"), _directory: directory };
        for url in [portal.url(), portal.other.clone()] {
            eventually("the ingress is ready", || async {
                let answer = reqwest::get(format!("{url}/readyz")).await;
                answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
            })
            .await;
        }
        portal
    }

    fn url(&self) -> String {
        self.roles.url()
    }

    async fn count(&self, query: &str) -> i64 {
        let database = database(self.servers.database_url()).await;
        database.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn end(self) {
        assert!(self.roles.terminate().iter().all(|code| *code == Some(0)));
        self.servers.stop().await.unwrap();
    }
}

async fn sign_up(at: &str, email: &str, role: &str) -> Answer {
    let body = json!({"email": email, "name": "Ada Lovelace", "password": PASSWORD, "role": role});
    TestUser::nobody(at).post("/sign-up", body, &[("prefer", "wait=30")]).await
}

async fn sign_in(at: &str, email: &str, password: &str) -> Answer {
    TestUser::nobody(at).post("/sign-in", json!({"email": email, "password": password}), &[]).await
}

/// Somebody with a new account, who has signed in.
async fn somebody(at: &str, email: &str, role: &str) -> TestUser {
    let user = sign_up(at, email, role).await.is(201).text("user");
    let signed_in = sign_in(at, email, PASSWORD).await;
    assert_eq!(signed_in.is(200).text("user"), user);
    assert_eq!(signed_in.header("cache-control"), "no-store");
    TestUser::with_token(at, Some(signed_in.text("token")))
}

fn is_invalid_token(answer: &Answer) {
    answer.is_problem(401, "invalid_token");
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{answer:?}");
    assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1, "{answer:?}");
}

#[tokio::test]
async fn people_sign_up_in_and_out_at_any_ingress() {
    let portal = Portal::start(&[]).await;
    let (here, there) = (portal.url(), portal.other.clone());
    let sue = somebody(&here, "sue@example.org", "seller").await;
    let ada = somebody(&here, "Ada@example.org", "bidder").await;
    let account = ada.get("/account", &[]).await;
    assert_eq!(
        (account.is(200).text("email"), account.text("role")),
        ("Ada@example.org".to_owned(), "bidder".to_owned())
    );
    let offer =
        json!({"title": "Vase", "currency": "EUR", "opening_bid": 100, "ends_at": "2099-01-01T00:00:00Z"});
    ada.post("/auctions", offer.clone(), &[]).await.is_problem(403, "sellers_only");
    let auction = sue.post("/auctions", offer, &[("prefer", "wait=30")]).await.is(201).text("auction");
    let bid = format!("/auction/{auction}/bid");
    let also_ada = TestUser::with_token(&there, ada.token.clone());
    for (n, at) in [&ada, &also_ada].into_iter().enumerate() {
        let body = json!({"amount": 100 + n});
        at.send_json(Method::PUT, &bid, body, &[("prefer", "wait=30")]).await.is(201);
    }
    // Nobody is believed who only says so.
    let somebody = TestUser::nobody(&here);
    let said = somebody.get("/account", &[("x-user-id", &account.text("user"))]).await;
    said.is_problem(401, "caller_not_trusted");
    let unknown = somebody.get("/account", &[]).await;
    assert_eq!(
        unknown.is_problem(401, "caller_unknown").header("www-authenticate"),
        "Bearer realm=\"auction portal\""
    );
    is_invalid_token(&somebody.get("/account", &[("authorization", "Bearer aps_nonsense")]).await);
    // A second token; the first is given back, and the second stays.
    let again = sign_in(&there, "ada@EXAMPLE.org", PASSWORD).await;
    let second = TestUser::with_token(&there, Some(again.is(200).text("token")));
    second.get("/account", &[]).await.is(200);
    ada.post("/sign-out", json!({}), &[]).await.is(204);
    is_invalid_token(&ada.get("/account", &[]).await);
    eventually("the other ingress has heard", || async {
        (also_ada.get("/account", &[]).await.status == 401).then_some(())
    })
    .await;
    second.get("/account", &[]).await.is(200);
    second.post("/sign-out", json!({"everywhere": true}), &[]).await.is(204);
    is_invalid_token(&second.get("/account", &[]).await);
    assert_eq!(portal.count("SELECT count(*) FROM sessions").await, 1, "sue's");
    portal.end().await;
}

/// What an answer shows, without what is another every time.
fn shape(answer: &Answer) -> (u16, Vec<String>, Vec<String>) {
    let members = answer.body.as_object().unwrap().keys().cloned().collect();
    let headers = answer.headers.keys().map(ToString::to_string).collect();
    (answer.status.as_u16(), members, headers)
}

async fn timed(at: &str, email: &str, password: &str) -> Duration {
    let began = Instant::now();
    sign_in(at, email, password).await.is_problem(401, "wrong_credentials");
    began.elapsed()
}

#[tokio::test]
async fn no_answer_tells_whether_somebody_has_an_account() {
    let portal = Portal::start(&[]).await;
    let here = portal.url();
    let free = sign_up(&here, "ada@example.org", "bidder").await;
    let taken = sign_up(&here, "ADA@example.org", "bidder").await;
    assert_eq!(free.is(201).status, 201);
    assert_eq!(shape(&free), shape(&taken));
    let pending = |answer: Answer| (shape(&answer), answer.header("location").len());
    let at_once = async |email: &str| {
        let body = json!({"email": email, "name": "Ada", "password": PASSWORD});
        pending(TestUser::nobody(&here).post("/sign-up", body, &[]).await)
    };
    let free = at_once("bob@example.org").await;
    assert_eq!(free.0.0, 202);
    assert_eq!(free, at_once("ada@example.org").await);
    assert_eq!(portal.count("SELECT count(*) FROM accounts").await, 2, "ada's and bob's");
    assert_eq!(portal.count("SELECT count(*) FROM accounts WHERE claims = 2").await, 1);
    // In words, and in time.
    let (wrong, unknown) = (
        sign_in(&here, "ada@example.org", "wrong horse battery").await,
        sign_in(&here, "eve@example.org", "wrong horse battery").await,
    );
    assert_eq!((shape(&wrong), &wrong.body), (shape(&unknown), &unknown.body));
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        wrong.push(timed(&here, "ada@example.org", "wrong horse battery").await);
        unknown.push(timed(&here, "eve@example.org", "wrong horse battery").await);
    }
    wrong.sort_unstable();
    unknown.sort_unstable();
    // Without a hash to compare with it would take a small part of it.
    assert!(unknown[3] > wrong[3] / 2, "{unknown:?}, {wrong:?}");
    portal.end().await;
}

#[tokio::test]
async fn a_known_token_goes_on_while_postgres_is_away() {
    let mut portal = Portal::start(&[("AUCTION__INGRESS__TOKEN_RECHECK_SECONDS", "1")]).await;
    let here = portal.url();
    let sue = somebody(&here, "sue@example.org", "seller").await;
    let offer =
        json!({"title": "Vase", "currency": "EUR", "opening_bid": 100, "ends_at": "2099-01-01T00:00:00Z"});
    let auction = sue.post("/auctions", offer, &[("prefer", "wait=30")]).await.is(201).text("auction");
    let ada = somebody(&here, "ada@example.org", "bidder").await;
    let new = sign_in(&here, "ada@example.org", PASSWORD).await.text("token");
    ada.get("/account", &[]).await.is(200);
    portal.servers.kill_postgres().await;
    let began = Instant::now();
    let bid = format!("/auction/{auction}/bid");
    let mut taken = Vec::new();
    // Long enough for what is known to be looked at again, in vain.
    while began.elapsed() < Duration::from_secs(5) {
        let placed = ada.send_json(Method::PUT, &bid, json!({"amount": 100 + taken.len()}), &[]).await;
        taken.push(placed.is(202).header("location").to_owned());
    }
    let stranger = TestUser::with_token(&here, Some(new));
    let refused = stranger.send_json(Method::PUT, &bid, json!({"amount": 100}), &[]).await;
    refused.is_problem(503, "temporarily_unavailable");
    portal.servers.start_postgres().await.unwrap();
    let last = taken.last().unwrap();
    let decided = ada.get(last, &[("prefer", "wait=30, return=representation")]).await;
    assert_eq!(decided.is(200).text("kind"), "place_bid");
    eventually("the stranger is let in", || async {
        (stranger.get("/account", &[]).await.status == 200).then_some(())
    })
    .await;
    portal.end().await;
}

/// Everything that lies on a stream, and every event and outcome, as one text.
async fn all_that_is_kept(portal: &Portal) -> String {
    let client = redis::Client::open(portal.servers.redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await.unwrap();
    let mut all = String::new();
    for key in keys {
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query_async(&mut redis).await.unwrap();
        let range: Result<redis::Value, _> =
            redis::cmd("XRANGE").arg(&key).arg("-").arg("+").query_async(&mut redis).await;
        all.push_str(&format!("{key} {} {range:?}\n", String::from_utf8_lossy(&dump)));
    }
    let database = database(portal.servers.database_url()).await;
    for table in ["events", "commands", "users", "deletions", "snapshots"] {
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

#[tokio::test]
async fn nothing_is_left_of_a_deleted_user_and_nothing_was_anywhere_else() {
    let portal = Portal::start(&[]).await;
    let (here, there) = (portal.url(), portal.other.clone());
    let ada = somebody(&here, "ada.lovelace@example.org", "bidder").await;
    let also_ada = TestUser::with_token(&there, ada.token.clone());
    let account = also_ada.get("/account", &[]).await;
    let user = account.is(200).text("user");
    let kept = all_that_is_kept(&portal).await;
    assert!(kept.contains(&user), "{kept}");
    for personal in ["lovelace", "Lovelace", "example.org", PASSWORD, "argon2id", &ada.token.clone().unwrap()]
    {
        assert!(!kept.contains(personal), "{personal} in {kept}");
    }
    let deleted = ada.send(Method::DELETE, &format!("/user/{user}"), None, &[("prefer", "wait=30")]).await;
    deleted.is(200);
    eventually("he is erased", || async {
        (portal.count("SELECT count(*) FROM accounts").await == 0).then_some(())
    })
    .await;
    assert_eq!(portal.count("SELECT count(*) FROM sessions").await, 0);
    for at in [&ada, &also_ada] {
        eventually("his token has ended", || async {
            (at.get("/account", &[]).await.body["code"] == "invalid_token").then_some(())
        })
        .await;
    }
    sign_in(&here, "ada.lovelace@example.org", PASSWORD).await.is_problem(401, "wrong_credentials");
    somebody(&here, "ada.lovelace@example.org", "bidder").await;
    portal.end().await;
}

/// An ingress that was killed between keeping an account and sending its command leaves one behind.
#[tokio::test]
async fn an_account_whose_command_was_never_sent_is_swept_and_its_address_is_free() {
    let portal = Portal::start(&[
        ("AUCTION__RETENTION__SIGN_UPS_SECONDS", "1"),
        ("AUCTION__RETENTION__EVERY_MS", "100"),
    ])
    .await;
    let here = portal.url();
    let bob = somebody(&here, "bob@example.org", "bidder").await;
    let left = "INSERT INTO accounts (user_id, email, name, password_hash, role, state, command_id, created_at) \
                VALUES (gen_random_uuid(), 'ada@example.org', 'Ada', '', 'bidder', 'provisional', gen_random_uuid(), 1)";
    database(portal.servers.database_url()).await.execute(left, &[]).await.unwrap();
    eventually("it is swept", || async {
        (portal.count("SELECT count(*) FROM accounts WHERE state = 'provisional'").await == 0).then_some(())
    })
    .await;
    bob.get("/account", &[]).await.is(200);
    somebody(&here, "ada@example.org", "bidder").await;
    portal.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_up_is_said_at_once_and_a_repeat_has_one_effect() {
    let portal = Portal::start(&[]).await;
    let somebody = TestUser::nobody(&portal.url());
    let wrong = json!({"email": "ada", "name": " ", "password": "short"});
    let refused = somebody.post("/sign-up", wrong, &[]).await;
    assert_eq!(refused.is_problem(400, "invalid_request").body["errors"].as_array().unwrap().len(), 3);
    let key = "8e03978e-40d5-43dd-bc93-6894a57f9324";
    let body = json!({"email": "ada@example.org", "name": "Ada", "password": PASSWORD});
    let headers = [("idempotency-key", key), ("prefer", "wait=30")];
    let first = somebody.post("/sign-up", body.clone(), &headers).await;
    let second = somebody.post("/sign-up", body, &headers).await;
    assert_eq!(first.is(201).text("user"), second.is(201).text("user"));
    let other = json!({"email": "ada@example.org", "name": "Ada", "password": "another horse battery"});
    somebody.post("/sign-up", other, &headers).await.is_problem(422, "idempotency_key_reused");
    assert_eq!(portal.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(portal.count("SELECT claims::bigint FROM accounts").await, 0);
    portal.end().await;
}

#[tokio::test]
async fn who_has_signed_out_hears_nothing_more() {
    let portal = Portal::start(&[]).await;
    sign_up(&portal.url(), "ada@example.org", "bidder").await.is(201);
    let signed_in = sign_in(&portal.url(), "ada@example.org", PASSWORD).await;
    let bearer = format!("Bearer {}", signed_in.text("token"));
    let url = format!("{}/notifications/live", portal.url());
    let mut line = SseConnection::open(&url, &[("authorization", &bearer)]).await;
    assert_eq!(line.next().await.unwrap().name, "inbox");
    // At the other one: it is told to this one.
    let elsewhere = TestUser::nobody(&portal.other);
    let out = elsewhere.send(Method::POST, "/sign-out", None, &[("authorization", &bearer)]).await;
    assert!(out.status.is_success(), "{out:?}");
    // At the next sign of life.
    let next = tokio::time::timeout(Duration::from_secs(30), line.next()).await.expect("it ends");
    assert!(next.is_none(), "{next:?}");
    portal.end().await;
}
