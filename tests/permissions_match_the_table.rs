//! Every line of docs/who-may-do-what.md, tried with every role, at an ingress that believes tokens alone. That the
//! page says what the sources say is tested beside them; that it says what is right is for people to read.

use crate::support::components::Roles;
use crate::support::test_user::{Answer, TestUser};
use crate::support::{eventually, portal, root, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What the guard says to those whom it does not let in.
const GUARD: [&str; 7] = [
    "caller_unknown",
    "caller_not_trusted",
    "invalid_token",
    "role_not_granted",
    "sellers_only",
    "operators_only",
    "services_only",
];

struct Line {
    method: String,
    path: String,
    /// One for each caller: `yes`, or status and code.
    says: Vec<String>,
}

fn table() -> (Vec<String>, Vec<Line>) {
    let page = std::fs::read_to_string(root().join("docs/who-may-do-what.md")).unwrap();
    let mut rows = page.lines().filter(|line| line.starts_with('|')).map(|line| {
        line.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').to_owned())
            .collect::<Vec<_>>()
    });
    let callers = rows.next().unwrap()[2..].to_vec();
    let lines = rows.skip(1).map(|row| Line {
        method: row[0].clone(),
        path: row[1].clone(),
        says: row[2..].to_vec(),
    });
    (callers, lines.collect())
}

/// What an operator types at the servers, and what is printed.
fn operate(servers: &LocalServers, args: &[&str]) -> String {
    let mut command = portal();
    command.args(args).env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn token(url: &str, role: &str, servers: &LocalServers) -> String {
    let (email, password) = (format!("{role}@example.org"), "correct horse battery");
    let somebody = TestUser::nobody(url);
    let sign_up = json!({"email": email, "name": role, "password": password});
    somebody.post("/sign-up", sign_up, &[("prefer", "wait=30")]).await.is(201);
    operate(servers, &["accounts", "grant", &email.to_uppercase(), role]);
    somebody.post("/sign-in", json!({"email": email, "password": password}), &[]).await.is(200).text("token")
}

async fn try_it(caller: &TestUser, line: &Line) -> Answer {
    let path = line.path.replace("{id}", &Uuid::nil().to_string()).replace("{bid}", &Uuid::nil().to_string());
    let mut path = path.replace(['{', '}'], "");
    if path.ends_with("/live") {
        // Or it would be listened to for ever.
        path.push_str("?after=nothing");
    }
    let body = matches!(line.method.as_str(), "PUT" | "POST").then(|| b"{}".to_vec());
    let json = [("content-type", "application/json")];
    caller.send(line.method.parse().unwrap(), &path, body, &json).await
}

fn check(line: &Line, caller: &str, says: &str, answer: &Answer) {
    let what = format!("{} {} by {caller}: {says}, but {answer:?}", line.method, line.path);
    let code = answer.body["code"].as_str().unwrap_or_default();
    if says == "yes" {
        assert!(!GUARD.contains(&code), "{what}");
        return;
    }
    let (status, refusal) = says.split_once(' ').unwrap();
    assert!(GUARD.contains(&refusal), "{what}");
    assert_eq!((answer.status.as_str(), code), (status, refusal), "{what}");
    let challenges = answer.headers.get_all("www-authenticate").iter().count();
    assert_eq!(challenges, usize::from(status == "401"), "{what}");
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "false")]);
    for role in ["writer", "projector", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let url = roles.url();
    let (callers, lines) = table();
    let mut people = Vec::new();
    for caller in &callers {
        let token = match caller.as_str() {
            "nobody" => None,
            "service" => Some(operate(&servers, &["service-keys", "create", "harness"])),
            role => Some(token(&url, role, &servers).await),
        };
        people.push(TestUser::with_token(&url, token));
    }
    assert_eq!((people.len(), callers[0].as_str()), (5, "nobody"));
    // Signing out is the last thing that one does with a token.
    let (last, first): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.path == "/sign-out");
    assert_eq!(last.len(), 1);
    every_route_has_its_line(&people[0], &lines).await;
    a_token_is_good_for_its_role_and_no_more(&people[4], &people[1]).await;
    for line in first.into_iter().chain(last) {
        for ((caller, person), says) in callers.iter().zip(&people).zip(&line.says) {
            check(line, caller, says, &try_it(person, line).await);
        }
    }
    what_operators_take_away_is_gone(&servers, &people[4], &people[3]).await;
    drop(roles);
    servers.stop().await.unwrap();
}

/// A key that is revoked, and tokens that are ended, also where they are known.
async fn what_operators_take_away_is_gone(servers: &LocalServers, service: &TestUser, operator: &TestUser) {
    let refused = async |who: &TestUser| who.get("/account", &[]).await.body["code"] == "invalid_token";
    assert!(!refused(service).await);
    let list = operate(servers, &["service-keys", "list"]);
    assert!(list.contains("harness") && list.contains("seller") && !list.contains("revoked"), "{list}");
    operate(servers, &["service-keys", "revoke", "harness"]);
    eventually("the key has ended", || async { refused(service).await.then_some(()) }).await;
    assert!(operate(servers, &["service-keys", "list"]).contains("revoked"));
    let password = json!({"email": "operator@example.org", "password": "correct horse battery"});
    let signed_in = operator.post("/sign-in", password, &[]).await;
    let operator = TestUser::with_token(&operator.url(""), Some(signed_in.is(200).text("token")));
    operator.get("/promoter/settings", &[]).await.is(200);
    let shown = operate(servers, &["accounts", "show", "operator@example.org"]);
    assert!(shown.contains("role:    operator"), "{shown}");
    // What the ingress remembers has the old role.
    operate(servers, &["accounts", "grant", "operator@example.org", "bidder"]);
    eventually("he is an operator no more", || async {
        (operator.get("/promoter/settings", &[]).await.status == 403).then_some(())
    })
    .await;
    operate(servers, &["accounts", "sign-out", "operator@example.org"]);
    eventually("his tokens have ended", || async { refused(&operator).await.then_some(()) }).await;
}

async fn every_route_has_its_line(somebody: &TestUser, lines: &[Line]) {
    let described = somebody.get("/openapi.json", &[]).await;
    let described: BTreeSet<(String, String)> = described.body["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let listed: BTreeSet<(String, String)> =
        lines.iter().map(|line| (line.method.clone(), line.path.clone())).collect();
    assert_eq!(described, listed);
}

/// A service key of a seller acts for users, as sellers at most; a user acts for nobody but himself.
async fn a_token_is_good_for_its_role_and_no_more(service: &TestUser, bidder: &TestUser) {
    let user = Uuid::nil().to_string();
    let asks = async |who: &TestUser, headers: &[(&str, &str)]| who.get("/promoter/settings", headers).await;
    asks(service, &[("x-user-role", "operator")]).await.is_problem(403, "role_not_granted");
    asks(service, &[("x-user-id", &user)]).await.is_problem(403, "operators_only");
    asks(bidder, &[("x-user-role", "operator")]).await.is_problem(403, "role_not_granted");
    let mine = format!("/user/{user}/bids");
    service.get(&mine, &[("x-user-id", &user)]).await.is(200);
    bidder.get(&mine, &[("x-user-id", &user)]).await.is_problem(401, "caller_not_trusted");
    let offer =
        service.post("/auctions", json!({}), &[("x-user-id", &user), ("x-user-role", "bidder")]).await;
    offer.is_problem(403, "sellers_only");
}
