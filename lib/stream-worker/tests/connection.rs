//! Dedicated connections on a real Redis: a reply never goes to the wrong command.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, redis};
use redis::{Value, cmd, pipe};
use std::time::Duration;
use stream_worker::DedicatedConnection;
use stream_worker::value::text;

async fn connect(redis: &TestRedis, deadline: Duration) -> DedicatedConnection {
    DedicatedConnection::open(&redis.client(), deadline).await.unwrap()
}

#[tokio::test]
async fn connection_returns_many_large_replies_and_errors_in_order() {
    let redis = redis().await;
    let mut connection = connect(&redis, Duration::from_secs(30)).await;
    let mut commands = pipe();
    for n in 0..5000 {
        commands.cmd("ECHO").arg(format!("{n}{}", "x".repeat(n)));
    }
    commands.cmd("NONSENSE");
    commands.cmd("ECHO").arg("the last");
    let replies = connection.send(&commands).await.unwrap();
    for (n, reply) in replies[..5000].iter().enumerate() {
        assert_eq!(text(reply).unwrap(), format!("{n}{}", "x".repeat(n)));
    }
    assert!(matches!(replies[5000], Value::ServerError(_)), "{:?}", replies[5000]);
    assert_eq!(text(&replies[5001]), Some("the last"));
}

#[tokio::test]
async fn connection_is_unusable_after_a_dropped_exchange() {
    let redis = redis().await;
    let mut connection = connect(&redis, Duration::from_secs(30)).await;
    let mut wait = cmd("BLPOP");
    wait.arg("nothing").arg(20);
    let dropped = tokio::time::timeout(Duration::from_millis(50), connection.send_one(&wait)).await;
    assert!(dropped.is_err());
    let error = connection.send_one(&cmd("PING")).await.unwrap_err();
    assert!(error.to_string().contains("was not awaited"), "{error}");
}

#[tokio::test]
async fn connection_reports_a_reply_after_its_deadline() {
    let redis = redis().await;
    let mut connection = connect(&redis, Duration::from_millis(100)).await;
    let mut wait = cmd("BLPOP");
    wait.arg("nothing").arg(20);
    let error = connection.send_one(&wait).await.unwrap_err();
    assert!(error.to_string().contains("no reply within the deadline"), "{error}");
}

#[tokio::test]
async fn connection_reports_that_the_server_closed_it() {
    let redis = redis().await;
    let mut connection = connect(&redis, Duration::from_secs(30)).await;
    connection.send_one(&cmd("QUIT")).await.unwrap();
    assert!(connection.send_one(&cmd("PING")).await.is_err());
}

#[tokio::test]
async fn connection_uses_user_and_database_of_the_url() {
    let redis = redis().await;
    let mut acl = cmd("ACL");
    acl.arg(&["SETUSER", "clerk", "on", ">secret", "+@all", "~*", "&*"]);
    redis.query::<()>(&mut acl).await;
    let url = |password: &str| {
        let info = redis.client().get_connection_info().clone();
        let settings = info.redis_settings().clone().set_username("clerk").set_password(password).set_db(3);
        redis::Client::open(info.set_redis_settings(settings)).unwrap()
    };
    let mut connection = DedicatedConnection::open(&url("secret"), Duration::from_secs(30)).await.unwrap();
    let user = connection.send_one(cmd("ACL").arg("WHOAMI")).await.unwrap();
    assert_eq!(text(&user), Some("clerk"));
    let client = connection.send_one(cmd("CLIENT").arg("INFO")).await.unwrap();
    assert!(text(&client).unwrap().contains(" db=3 "), "{client:?}");
    let refused = DedicatedConnection::open(&url("wrong"), Duration::from_secs(30)).await.err().unwrap();
    assert!(refused.to_string().contains("WRONGPASS"), "{refused}");
}
