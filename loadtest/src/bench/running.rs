//! A portal with all components, each as a process.

use crate::Failure;
use crate::bench::consumers::Consumers;
use crate::bench::environment::{BenchEnvironment, Process, sync_disks, wait_for_listener};
use auction_testkit::free_address::own_address;
use std::net::SocketAddr;

/// A portal with all components except the ingress.
pub(crate) struct RunningPortal {
    pub(crate) bench: BenchEnvironment,
    writer: Process,
    consumers: Consumers,
    /// Number of events at the start.
    begin: u64,
}

impl RunningPortal {
    /// Starts the portal on its own servers, with this many users and auctions.
    pub(crate) async fn start(users: usize, auctions: usize) -> Result<RunningPortal, Failure> {
        RunningPortal::start_on(BenchEnvironment::with_auctions(users, auctions).await?).await
    }

    /// Starts the portal on existing servers.
    pub(crate) async fn start_on(bench: BenchEnvironment) -> Result<RunningPortal, Failure> {
        let writer = bench.writer()?;
        let consumers = Consumers::start(&bench).await?;
        let begin = bench.events().await?;
        sync_disks()?;
        Ok(RunningPortal { bench, writer, consumers, begin })
    }

    pub(crate) fn process(&self, component: &str) -> Option<&Process> {
        if component == "writer" { Some(&self.writer) } else { self.consumers.process(component) }
    }

    /// Waits until this many bids are in the read models.
    pub(crate) async fn wait_until_readable(&mut self, bids: usize) -> Result<(), Failure> {
        self.consumers.wait_for_events(self.begin + bids as u64).await
    }

    /// Waits until the notifier has handled all events.
    pub(crate) async fn wait_until_notified(&self) -> Result<(), Failure> {
        self.consumers.wait_until_notified(&self.bench).await
    }

    /// Verifies that all bids were accepted, and stops everything.
    pub(crate) async fn stop(self, bids: usize) -> Result<(), Failure> {
        self.wait_until_notified().await?;
        self.bench.verify_all_accepted(bids).await?;
        self.end().await
    }

    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.consumers.end()?;
        self.writer.end()?;
        self.bench.stop().await
    }
}

/// Starts an ingress that trusts `X-User-Id` and has no rate limits.
pub(crate) async fn start_ingress(bench: &BenchEnvironment) -> Result<(Process, SocketAddr), Failure> {
    let listen = own_address()?;
    let settings = [
        ("AUCTION__INGRESS__LISTEN", listen.to_string()),
        ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true".to_owned()),
        ("AUCTION__RATE_LIMITS__ENABLED", "false".to_owned()),
        // No load shedding: the benchmark measures the maximum.
        ("AUCTION__INGRESS__MAX_COMMAND_BACKLOG", u32::MAX.to_string()),
    ];
    let ingress = bench.process("ingress", &settings)?;
    wait_for_listener(listen).await?;
    Ok((ingress, listen))
}
