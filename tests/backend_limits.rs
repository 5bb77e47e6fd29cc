//! What the backends cannot carry is refused at start with numbers, and one address cannot take everything.

use crate::support::components::{RunningComponents, program};
use crate::support::free_address;
use crate::support::output_text;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output};
use std::time::Duration;

fn start(servers: &TestServers, component: &str, settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program(component));
    command.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
    command.env("AUCTION__INGRESS__LISTEN", free_address()).envs(settings.iter().copied());
    command.output().unwrap()
}

fn assert_refused(output: &Output, parts: &[&str]) {
    let text = output_text(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[tokio::test]
async fn process_is_refused_by_name_when_a_backend_cannot_carry_it() {
    let servers = TestServers::with_postgres_settings(&["max_connections=20"]).await;
    // Two sessions for each of 8 partitions, and two more.
    let needed = ["postgres: ", "18 connections", "8 partitions", "allows 17", "max_connections"];
    assert_refused(&start(&servers, "writer", &[]), &needed);
    let mut redis = servers.redis().await;
    let mut limit = redis::cmd("CONFIG");
    limit.arg("SET").arg("maxclients").arg(24).exec_async(&mut redis).await.unwrap();
    let needed = ["redis: ", "26 connections", "8 partitions", "allows 24", "maxclients"];
    assert_refused(&start(&servers, "promoter", &[]), &needed);
    // Replicas are required only by a setting.
    let replication = [("AUCTION__REQUIRE_REPLICATION", "true"), ("AUCTION__PARTITIONS", "1")];
    let missing = [
        "min-replicas-to-write is 0",
        "\"redis_no_replica\" in `allow_weak_durability`",
        "synchronous_standby_names is empty",
        "\"postgres_no_synchronous_standby\" in `allow_weak_durability`",
    ];
    assert_refused(&start(&servers, "projector", &replication), &missing);
}

/// Reads until the server closes the connection, or has sent the status line.
fn status_line(connection: &mut TcpStream) -> String {
    let mut line = vec![0; 12];
    let count = connection.read(&mut line).unwrap_or_default();
    String::from_utf8_lossy(&line[..count]).into_owned()
}

#[tokio::test]
async fn one_address_cannot_take_all_connections_and_live_streams() {
    let servers = TestServers::start().await;
    let settings = [
        ("AUCTION__RATE_LIMITS__ENABLED", "true"),
        // Without a proxy, every peer would be a gateway.
        ("AUCTION__RATE_LIMITS__TRUSTED_PROXIES", "127.0.0.2/32"),
        ("AUCTION__RATE_LIMITS__MAX_CONNECTIONS_PER_IP", "8"),
        ("AUCTION__RATE_LIMITS__MAX_LIVE_STREAMS_PER_IP", "2"),
    ];
    let mut components = RunningComponents::new(&servers, &settings);
    components.add_all(["ingress", "writer", "projector"]);
    components.wait_until_ready().await;
    let url = components.url();
    let sue = TestUser::new(&url).await;
    let auction = sue.create_auction(json!({})).await;
    let address = url.trim_start_matches("http://").to_owned();
    let live = format!("GET /auction/{auction}/live HTTP/1.1\r\nHost: x\r\n\r\n");
    let open = |request: &str| {
        let mut connection = TcpStream::connect(&address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // A refused connection may already be closed.
        let _ = connection.write_all(request.as_bytes());
        connection
    };
    let mut streams: Vec<TcpStream> = (0..3).map(|_| open(&live)).collect();
    let lines: Vec<String> = streams.iter_mut().map(status_line).collect();
    assert_eq!(lines.iter().filter(|line| *line == "HTTP/1.1 200").count(), 2, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| *line == "HTTP/1.1 503").count(), 1, "{lines:?}");
    let healthy = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut idle: Vec<TcpStream> = (0..12).map(|_| open(healthy)).collect();
    let lines: Vec<String> = idle.iter_mut().map(status_line).collect();
    let served = lines.iter().filter(|line| *line == "HTTP/1.1 200").count();
    assert!((1..=5).contains(&served), "{lines:?}");
    // Once its connections have ended, the address is served again.
    drop((streams, idle));
    crate::support::wait_until_ready(&url).await;
}
