//! Requests that the ingress refuses, before they become commands.

use crate::support::test_user::TestUser;
use serde_json::json;
use uuid::Uuid;

pub(super) async fn invalid_input_is_named_and_has_no_effect(url: &str) {
    let sue = TestUser::new(url).await;
    let invalid = json!({"title": " ", "currency": "usd", "opening_bid": 0, "ends_at": "2099-01-01T00:00:00Z",
        "soft_close": {"extend_by_seconds": 0, "within_seconds": 5, "at_most": 1}});
    let refused = sue.post("/auctions", invalid, &[]).await;
    refused.assert_problem(400, "invalid_request");
    let at: Vec<&str> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["at"].as_str().unwrap())
        .collect();
    assert_eq!(at, ["title", "currency", "opening_bid", "soft_close.extend_by_seconds"]);

    let auction = sue.create_auction(json!({})).await;
    let bid = format!("/auction/{auction}/bid");
    let json_type = [("content-type", "application/json")];
    let put =
        |body: &str, headers| sue.send(reqwest::Method::PUT, &bid, Some(body.as_bytes().to_vec()), headers);
    for body in [
        "",
        "{",
        "{\"amount\": -1}",
        "{\"amount\": 1.5}",
        "{\"amount\": 5, \"amonut\": 6}",
        "{\"amount\": 9007199254740993}",
    ] {
        put(body, &json_type).await.assert_problem(400, "invalid_request");
    }
    put("{\"amount\": 1}", &[("content-type", "text/plain")])
        .await
        .assert_problem(415, "unsupported_media_type");
    put(&" ".repeat(60 * 1024), &json_type).await.assert_problem(400, "invalid_request");
    let too_large = put(&" ".repeat(64 * 1024 + 1), &json_type).await;
    assert_eq!(too_large.assert_problem(413, "body_too_large").body["limit_bytes"], 64 * 1024);
    put("{\"amount\": 1}", &[("content-type", "application/json"), ("idempotency-key", "")])
        .await
        .assert_problem(400, "invalid_request");
    sue.get("/auctions?limit=0", &[]).await.assert_problem(400, "invalid_request");
    sue.get("/auctions?colour=red", &[]).await.assert_problem(400, "invalid_request");
    sue.get("/nothing", &[]).await.assert_problem(404, "unknown_route");
    sue.get("/auction/%ff", &[]).await.assert_problem(404, "unknown_route");
    let wrong_method = sue.post(&format!("/auction/{auction}"), json!({}), &[]).await;
    wrong_method.assert_problem(405, "wrong_method");
    assert_eq!(wrong_method.header("allow"), "GET,HEAD");
    let anonymous = TestUser::anonymous(url);
    anonymous.bid(&auction, 10_000).await.assert_problem(401, "authentication_required");
    let guessable = [("idempotency-key", "1")];
    anonymous.post("/users", json!({}), &guessable).await.assert_problem(400, "invalid_request");
    let mut invalid_id = TestUser::anonymous(url);
    invalid_id.id = Some("me".to_owned());
    invalid_id.bid(&auction, 10_000).await.assert_problem(401, "authentication_required");
    sue.get(&format!("/user/{}", Uuid::new_v4()), &[]).await.assert_problem(403, "not_your_account");
    anonymous.get("/livez", &[]).await.assert_status(200);
}
