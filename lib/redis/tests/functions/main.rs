//! Tests of the functions for redis-cli: they display what is on the streams, whatever it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod bodies;
mod finding;
mod limits;
mod loading;
mod operator;
mod random_bodies;
mod ranges;

use auction_redis::functions::CODE;
use auction_testkit::local_servers::{TestRedis, redis};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisError, cmd};
use std::time::Duration;

/// Stream that most tests use.
const STREAM: &str = "ap:{00}:cmd:bid";

/// Empty Redis database with the functions.
struct Cli(TestRedis);

impl Cli {
    async fn new() -> Cli {
        let redis = redis().await;
        redis.query::<String>(cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(CODE)).await;
        Cli(redis)
    }

    async fn connection(&self) -> MultiplexedConnection {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
        self.0.client().get_multiplexed_async_connection_with_config(&config).await.unwrap()
    }

    async fn add(&self, id: &str, fields: &[(&[u8], &[u8])]) -> String {
        let mut add = cmd("XADD");
        add.arg(STREAM).arg(id);
        for (name, value) in fields {
            add.arg(*name).arg(*value);
        }
        add.query_async(&mut self.connection().await).await.unwrap()
    }

    async fn add_body(&self, body: &[u8]) -> String {
        self.add("*", &[(b"body", body)]).await
    }

    async fn try_call(&self, function: &str, args: &[&str]) -> Result<Vec<String>, RedisError> {
        let mut connection = self.connection().await;
        let mut call = cmd("FCALL_RO");
        call.arg(function).arg(1).arg(STREAM).arg(args);
        call.query_async(&mut connection).await
    }

    async fn call(&self, function: &str, args: &[&str]) -> Vec<String> {
        self.try_call(function, args).await.unwrap()
    }

    /// Returns the displayed body of the newest entry.
    async fn newest_body(&self) -> String {
        let line = self.call("ap_tail", &["1"]).await.remove(0);
        let (_, body) = line.split_once(r#","body":"#).unwrap();
        body.strip_suffix('}').unwrap().to_owned()
    }
}
