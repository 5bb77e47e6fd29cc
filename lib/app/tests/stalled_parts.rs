//! Every part of a process shows in its health while the operation that it waits for does not return, in
//! paused time.

use crate::consume::projector;
use crate::running_task::until;
use crate::test_portal::{TestPortal, decider_config};
use async_trait::async_trait;
use auction_app::auctioneer::closing::{self, ClosingSchedule};
use auction_app::consume::{SubscriptionConfig, run_consumer};
use auction_app::ingress::decision_monitor::{DecisionStatus, run_decision_monitor};
use auction_app::ingress::load_shedding::{LoadLimits, LoadShedder, run_load_monitor};
use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::decision_probe::{DecisionProbe, PartitionDecisions};
use auction_app::ports::commands::load_probe::{Load, LoadProbe};
use auction_app::ports::events::heads::HeadReader;
use auction_app::ports::notifications::outbox::{
    AttemptRecord, ClaimRequest, DeliveryChannel, Outbox, OutboxMessage,
};
use auction_app::ports::notifications::transport::{SendResult, Transport};
use auction_app::writer::partition_writer::{self, PartitionWriter};
use auction_app::writer::snapshots::snapshots;
use auction_app::writer::unknown_kinds::UnknownKinds;
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::locks::Locks;
use auction_simulation::streams::partitions;
use auction_simulation::world::{Server, World};
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::P;
use auction_testkit::memory::{MemoryParkedEvents, MemoryRevocations, MemoryViews};
use auction_wire::{PartitionCount, Positions};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use worker_runtime::Supervisor;
use worker_runtime::health::{Health, HealthStatus};
use worker_runtime::shutdown::{ShutdownSignal, shutdown_pair};

/// Port whose operations return nothing while the server is silent.
#[derive(Clone)]
struct Silent(World);

impl Silent {
    async fn answer<T>(&self, value: T) -> Result<T, Unavailable> {
        self.0.wait_until_responsive(Server::Postgres).await;
        Ok(value)
    }
}

impl LoadProbe for Silent {
    async fn sample(&mut self) -> Result<Load, Unavailable> {
        self.answer(Load { undecided: 0, memory_percent: 0 }).await
    }
}

impl DecisionProbe for Silent {
    async fn sample(&mut self) -> Result<Vec<PartitionDecisions>, Unavailable> {
        self.answer(Vec::new()).await
    }
}

#[async_trait]
impl HeadReader for Silent {
    async fn heads(&self) -> Result<Positions, Unavailable> {
        self.answer(Positions::default()).await
    }
}

impl Outbox for Silent {
    async fn claim(&self, _: &ClaimRequest) -> Result<Vec<OutboxMessage>, Unavailable> {
        self.answer(Vec::new()).await
    }

    async fn record(&self, _: &[AttemptRecord]) -> Result<(), Unavailable> {
        self.answer(()).await
    }
}

impl Transport for Silent {
    async fn send(&self, _: &OutboxMessage) -> SendResult {
        unreachable!("there is no message")
    }
}

/// Tasks of the parts, with their health.
struct Parts {
    health: Health,
    stop: ShutdownSignal,
    tasks: JoinSet<()>,
}

impl Parts {
    fn supervisor(&self, name: &str) -> Supervisor {
        Supervisor::new(self.health.register(name), self.stop.clone())
    }

    fn start_partition_parts(&mut self, portal: &TestPortal) {
        let stores = FaultyPort::new(portal.store.clone(), &portal.world);
        let (streams, of_writer) = (portal.streams.event_connector(10), stores.clone());
        let supervisor = self.supervisor("projector");
        let subscription = SubscriptionConfig { component: "projector", partition: P, supervisor };
        self.tasks.spawn(async move {
            let (parking, handler) = (MemoryParkedEvents::default(), projector(&MemoryViews::default()));
            run_consumer(&stores, &streams, &parking, subscription, handler).await.unwrap();
        });
        let (streams, supervisor) = (portal.command_streams(10), self.supervisor("writer"));
        self.tasks.spawn(async move {
            let (snapshots, _receiver) = snapshots();
            let unknown_kinds = UnknownKinds::new(Duration::ZERO);
            let writer = PartitionWriter {
                partition: P,
                config: decider_config(),
                snapshots,
                unknown_kinds,
                supervisor,
            };
            partition_writer::run(&of_writer, &streams, None::<&Locks>, writer).await.unwrap();
        });
        let queue = FaultyPort::new(portal.streams.clone(), &portal.world);
        let (deletions, supervisor) = (portal.store.clone(), self.supervisor("closing"));
        self.tasks.spawn(async move {
            let (schedule, departed) = (ClosingSchedule::default(), Notify::new());
            closing::run(
                &queue,
                &deletions,
                &MemoryRevocations,
                &schedule,
                &departed,
                partitions(),
                supervisor,
            )
            .await;
        });
    }

    fn start_process_parts(&mut self, port: &Silent) {
        let limits = LoadLimits { undecided: 1, memory_percent: 1 };
        let monitor = run_load_monitor(port.clone(), limits, LoadShedder::default(), self.supervisor("load"));
        self.tasks.spawn(monitor);
        let status = DecisionStatus::new(Duration::ZERO);
        self.tasks.spawn(run_decision_monitor(port.clone(), status, self.supervisor("decisions")));
        let second = Duration::from_secs(1);
        let config = DispatcherConfig {
            max_concurrent: 1,
            max_concurrent_per_endpoint: 1,
            attempt_timeout: second,
            poll_interval: second,
        };
        let (channel, schedule) = (DeliveryChannel::Webhook, RetrySchedule { second });
        let dispatcher = OutboxDispatcher::new(port.clone(), port.clone(), channel, config, schedule);
        self.tasks.spawn(dispatcher.run(Wakeup::default(), self.supervisor("dispatcher")));
        let (heads, supervisor) = (port.clone(), self.supervisor("positions"));
        let waiter = Arc::new(ConsistencyWaiter::new(PartitionCount::new(1).unwrap()));
        self.tasks.spawn(async move { waiter.run(&MemoryViews::default(), &heads, supervisor).await });
    }

    fn not_up(&self) -> Vec<String> {
        let checks = self.health.report().checks.into_iter();
        checks.filter(|(_, check)| check.status != HealthStatus::Up).map(|(name, _)| name).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn every_part_is_not_ready_while_its_operation_does_not_return() {
    let (portal, (trigger, stop)) = (TestPortal::calm(), shutdown_pair());
    let mut parts = Parts { health: Health::default(), stop, tasks: JoinSet::new() };
    parts.start_partition_parts(&portal);
    parts.start_process_parts(&Silent(portal.world.clone()));
    let all: Vec<String> = parts.health.report().checks.into_keys().collect();
    assert_eq!(all.len(), 7);
    until("all parts are up", async || parts.not_up().is_empty()).await;
    // Idle parts stay ready.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(parts.not_up(), [""; 0]);
    portal.world.silence(Server::Postgres, Duration::from_secs(30));
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(parts.not_up(), all);
    until("all parts are up again", async || parts.not_up().is_empty()).await;
    trigger.stop();
    parts.tasks.join_all().await;
}
