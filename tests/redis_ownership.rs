//! A Redis belongs to one portal: the processes of another one, with another database, are refused.

use crate::support::components::{RunningComponents, program};
use crate::support::eventually;
use crate::support::moving_address::MovingAddresses;
use crate::support::output_text;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use serde_json::json;
use std::process::Command;

/// Key with the id of the portal that a Redis belongs to.
const PORTAL: &str = "ap:portal";

async fn owner(servers: &TestServers) -> Option<String> {
    redis::cmd("GET").arg(PORTAL).query_async(&mut servers.redis().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_belongs_to_one_portal() {
    let (ours, theirs) = (TestServers::start().await, TestServers::start().await);
    let addresses = MovingAddresses::of(&ours).await;
    let redis_url = addresses.redis_url();
    let mut components = RunningComponents::new(&ours, &[("REDIS_URL", &redis_url)]);
    components.add_all(["writer", "projector", "ingress"]);
    components.wait_until_ready().await;
    let id = owner(&ours).await.unwrap();

    // A process with another database is refused, and so are commands of operators that would mix both.
    let mut other = Command::new(program("writer"));
    other.env("REDIS_URL", ours.redis_url()).env("DATABASE_URL", theirs.database_url());
    let refused = other.output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", output_text(&refused));
    for part in [id.as_str(), "REDIS_URL", "DATABASE_URL", "`ap:portal`"] {
        assert!(output_text(&refused).contains(part), "{part} is not in {}", output_text(&refused));
    }
    for arguments in
        [&["rebuild"][..], &["verify"], &["streams"], &["streams", "repair"], &["dead-letters", "list"]]
    {
        let mut command = theirs.portal(arguments);
        let refused = command.env("REDIS_URL", ours.redis_url()).output().unwrap();
        let text = output_text(&refused);
        assert!(!refused.status.success() && text.contains(&id), "{arguments:?}: {text}");
    }

    // A Redis that lost its data receives the same id again.
    ours.run_redis(&["FLUSHALL"]).await;
    let sue = TestUser::new(&components.url()).await;
    sue.create_auction(json!({})).await;
    eventually("Redis has its owner again", async || (owner(&ours).await == Some(id.clone())).then_some(()))
        .await;

    // A running process ends when its address leads to the Redis of another portal.
    theirs.run_redis(&["SET", PORTAL, "3f333df6-90a4-4fda-8dd3-9485d27cee36"]).await;
    addresses.move_redis_to(&theirs);
    ours.run_redis(&["CLIENT", "KILL", "TYPE", "normal"]).await;
    for component in ["writer", "projector", "ingress"] {
        assert_eq!(components.wait_for_exit(component).await, Some(1), "{component}");
        assert!(components.logs(component).contains("3f333df6-90a4-4fda-8dd3-9485d27cee36"), "{component}");
    }
}
