//! A connection of one owner on a real Redis: nothing is taken for the answer to something else.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, redis};
use redis::{Value, cmd, pipe};
use std::time::Duration;
use stream_worker::value::text;
use stream_worker::{DedicatedConnection, StreamError};

async fn connect(redis: &TestRedis, deadline: Duration) -> DedicatedConnection {
    DedicatedConnection::open(&redis.client(), deadline).await.unwrap()
}

fn said(error: &StreamError) -> String {
    error.to_string()
}

#[tokio::test]
async fn many_large_answers_come_in_order_and_an_error_is_one_of_them() {
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
async fn who_gave_up_an_answer_is_not_given_it_for_another() {
    let redis = redis().await;
    let mut connection = connect(&redis, Duration::from_secs(30)).await;
    let mut wait = cmd("BLPOP");
    wait.arg("nothing").arg(20);
    let given_up = tokio::time::timeout(Duration::from_millis(50), connection.send_one(&wait)).await;
    assert!(given_up.is_err());
    let error = connection.send_one(&cmd("PING")).await.unwrap_err();
    assert!(said(&error).contains("was not awaited"), "{error}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_an_error() {
    let redis = redis().await;
    let mut connection = connect(&redis, Duration::from_millis(100)).await;
    let mut wait = cmd("BLPOP");
    wait.arg("nothing").arg(20);
    let error = connection.send_one(&wait).await.unwrap_err();
    assert!(said(&error).contains("no answer in time"), "{error}");
}

#[tokio::test]
async fn a_connection_that_was_closed_says_so() {
    let redis = redis().await;
    let mut connection = connect(&redis, Duration::from_secs(30)).await;
    connection.send_one(&cmd("QUIT")).await.unwrap();
    assert!(connection.send_one(&cmd("PING")).await.is_err());
}

#[tokio::test]
async fn user_and_database_of_the_address_are_used() {
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
    let who = connection.send_one(cmd("ACL").arg("WHOAMI")).await.unwrap();
    assert_eq!(text(&who), Some("clerk"));
    let client = connection.send_one(cmd("CLIENT").arg("INFO")).await.unwrap();
    assert!(text(&client).unwrap().contains(" db=3 "), "{client:?}");
    let refused = DedicatedConnection::open(&url("wrong"), Duration::from_secs(30)).await.err().unwrap();
    assert!(said(&refused).contains("WRONGPASS"), "{refused}");
}
