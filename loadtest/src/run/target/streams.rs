//! Load on the command streams, like another ingress: adds commands to the streams and receives outcomes from
//! reply streams.

use super::{RequestResult, Sender};
use crate::Failure;
use crate::commands::{add_commands, command_of, create_auction, create_user};
use crate::run::history::OperationLog;
use crate::run::ids::RunIds;
use crate::run::mix::Operation;
use crate::run::plan::{PlannedAuction, PlannedRequest};
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use auction_app::ingress::command_gateway::{
    CommandGateway, CommandRequest, CommandStatus, HandleKey, OutcomeWaiters,
};
use auction_domain::Timestamp;
use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_redis::RedisPool;
use auction_redis::command_queue::RedisCommandQueue;
use auction_redis::reply;
use auction_wire::api::refusal_status;
use auction_wire::{OutcomeResult, PartitionCount};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

/// How long to wait for an outcome.
const WAIT: Duration = Duration::from_secs(60);

/// Connections to Postgres, for outcomes that were not received.
const POSTGRES_CONNECTIONS: usize = 4;

const REDIS_CONNECTIONS: usize = 4;

/// Client of the streams of a portal.
pub(crate) struct Streams {
    redis: redis::Client,
    partitions: PartitionCount,
    gateway: Arc<CommandGateway>,
    /// Ends the receiver of outcomes when dropped.
    _stop: ShutdownTrigger,
}

impl Streams {
    pub(crate) fn new(
        redis_url: &str,
        database_url: &str,
        partitions: PartitionCount,
    ) -> Result<Streams, Failure> {
        let redis = redis::Client::open(redis_url)?;
        let pool = RedisPool::new(redis.clone(), REDIS_CONNECTIONS)?;
        let queue = RedisCommandQueue::start(redis.clone(), partitions, pool);
        let queries =
            PostgresQueries::new(&PostgresStoreConnector::new(database_url)?, POSTGRES_CONNECTIONS)?;
        // The handles of this gateway are not used.
        let handle_key = HandleKey::new(&[0; 32]).ok_or("the key of handles is too short")?;
        let (stop_trigger, stop) = shutdown_pair();
        let (ingress, waiters) =
            (format!("load-{}", Uuid::now_v7().simple()), Arc::<OutcomeWaiters>::default());
        let (server, name, receivers) = (redis.clone().into(), ingress.clone(), Arc::clone(&waiters));
        let supervisor = Supervisor::without_health("outcomes", stop.clone());
        tokio::spawn(reply::receive(server, partitions, name, receivers, supervisor));
        let (queue, queries) = (Arc::new(queue), Arc::new(queries));
        let gateway = CommandGateway::new(queue, queries, waiters, handle_key, ingress, partitions, stop);
        Ok(Streams { redis, partitions, gateway: Arc::new(gateway), _stop: stop_trigger })
    }

    /// Sends the creations of users and auctions. Does not wait until they are decided.
    pub(crate) async fn set_up(
        &self,
        users: u32,
        planned_auctions: &[PlannedAuction],
        start: Timestamp,
    ) -> Result<RunIds, Failure> {
        let users: Vec<Uuid> = (0..users).map(|_| Uuid::now_v7()).collect();
        let auctions: Vec<Uuid> = planned_auctions.iter().map(|_| Uuid::now_v7()).collect();
        let mut redis = self.redis.get_multiplexed_async_connection().await?;
        let creations = users.iter().map(|user| Ok(create_user(*user)));
        add_commands(&mut redis, self.partitions, creations).await?;
        let creations = auctions.iter().zip(planned_auctions);
        let creations = creations.map(|(auction, planned)| create_auction(*auction, planned, start));
        add_commands(&mut redis, self.partitions, creations).await?;
        Ok(RunIds { users, auctions, began: start })
    }

    /// Sends the due requests, at most this many at once, and logs their outcomes. Returns when the queue has
    /// ended.
    pub(crate) async fn work(
        &self,
        queue: &Arc<Queue>,
        run_ids: &Arc<RunIds>,
        log: &mut OperationLog,
        counts: &Arc<Counts>,
        connections: usize,
    ) -> Result<(), Failure> {
        let worker = || Worker { gateway: Arc::clone(&self.gateway), run_ids: Arc::clone(run_ids) };
        super::work((0..connections).map(|_| worker()).collect(), queue, log, counts).await
    }
}

/// Sends commands, one at a time.
struct Worker {
    gateway: Arc<CommandGateway>,
    run_ids: Arc<RunIds>,
}

impl Sender for Worker {
    async fn send(&mut self, request: &PlannedRequest) -> RequestResult {
        let command = match command_of(&self.run_ids, request) {
            Ok(command) => command,
            Err(failure) => return RequestResult::no_response(failure.to_string()),
        };
        let id = command.id.0;
        let wait = (request.operation != Operation::BidAsync).then_some(WAIT);
        let submission = CommandRequest {
            id: command.id,
            key: command.key,
            actor: command.actor,
            expect: None,
            fingerprint: command.fingerprint,
            repeatable: false,
            trace: String::new(),
            received_at: Timestamp(0),
            body: command.body,
        };
        let result = match self.gateway.submit(submission, wait).await {
            Ok((_, CommandStatus::Decided(outcome))) => http_result(outcome.result),
            Ok((_, CommandStatus::Pending)) if wait.is_none() => {
                RequestResult { status: 202, ..RequestResult::default() }
            }
            Ok((_, status)) => RequestResult::no_response(format!("no outcome within {WAIT:?}: {status:?}")),
            Err(error) => RequestResult::no_response(error.to_string()),
        };
        RequestResult { command: id, ..result }
    }
}

/// Returns the response of an ingress with this outcome.
fn http_result(result: OutcomeResult) -> RequestResult {
    let (status, code, version) = match result {
        OutcomeResult::Accepted { version, .. } => (201, None, version),
        OutcomeResult::Refused { code, class, .. } => (refusal_status(class), Some(code), 0),
        OutcomeResult::Failed { .. } => (500, Some("failed".to_owned()), 0),
    };
    RequestResult { status, code, version, ..RequestResult::default() }
}
