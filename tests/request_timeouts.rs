//! Every request is answered in time, also when its body arrives slowly or a backend hangs.

use crate::support::components::RunningComponents;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test]
async fn requests_time_out_when_a_body_or_backend_hangs() {
    let servers = TestServers::start().await;
    let timeouts =
        [("AUCTION__INGRESS__BODY_TIMEOUT_SECONDS", "1"), ("AUCTION__INGRESS__REQUEST_TIMEOUT_SECONDS", "2")];
    let mut components = RunningComponents::new(&servers, &timeouts);
    components.add("ingress");
    components.wait_until_ready().await;

    // The body is never completed.
    let mut client = TcpStream::connect(components.url().replace("http://", "")).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head =
        "POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    client.write_all(head.as_bytes()).unwrap();
    let response = tokio::task::spawn_blocking(move || {
        let mut response = String::new();
        client.read_to_string(&mut response).unwrap(); // reads until the server closes the connection
        response
    });
    let response = response.await.unwrap();
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(
        response.contains("\"code\":\"body_timeout\"") && response.contains("\"timeout_seconds\":1"),
        "{response}"
    );

    // Redis accepts requests and does not answer.
    let mut redis = servers.redis().await;
    let _: () = redis::cmd("CLIENT").arg("PAUSE").arg(8000).arg("ALL").query_async(&mut redis).await.unwrap();
    let anonymous = TestUser::anonymous(&components.url());
    let late = anonymous.get("/auctions", &[]).await;
    late.assert_problem(503, "request_timeout");
    assert_eq!((late.header("retry-after"), late.body["timeout_seconds"].as_u64()), ("1", Some(2)));
    let late = anonymous.post("/users", serde_json::json!({}), &[("prefer", "wait=1")]).await;
    late.assert_problem(503, "request_timeout");
    drop(components);
    drop(servers);
}
