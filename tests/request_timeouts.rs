//! Every request is answered, whatever its client and the servers do.

use crate::support::components::Roles;
use crate::support::test_user::TestUser;
use auction_local_servers::{LocalServerOptions, LocalServers};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test]
async fn a_body_that_trickles_and_a_server_that_hangs_are_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let in_time = [("AUCTION__INGRESS__BODY_SECONDS", "1"), ("AUCTION__INGRESS__DEADLINE_SECONDS", "2")];
    let mut roles = Roles::none(&servers, &in_time);
    roles.add("ingress");
    roles.ready().await;

    // The body never comes whole.
    let mut client = TcpStream::connect(roles.url().replace("http://", "")).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head =
        "POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    client.write_all(head.as_bytes()).unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap(); // to the end: the connection is closed
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        answer.contains("\"code\":\"body_too_slow\"") && answer.contains("\"within_seconds\":1"),
        "{answer}"
    );

    // Redis takes requests and does not answer.
    let redis = redis::Client::open(servers.redis_url()).unwrap();
    let mut redis = redis.get_multiplexed_async_connection().await.unwrap();
    let _: () = redis::cmd("CLIENT").arg("PAUSE").arg(8000).arg("ALL").query_async(&mut redis).await.unwrap();
    let nobody = TestUser::nobody(&roles.url());
    let late = nobody.get("/auctions", &[]).await;
    late.is_problem(503, "took_too_long");
    assert_eq!((late.header("retry-after"), late.body["within_seconds"].as_u64()), ("1", Some(2)));
    let late = nobody.post("/users", serde_json::json!({}), &[("prefer", "wait=1")]).await;
    late.is_problem(503, "took_too_long");
    drop(roles);
    drop(servers);
}
