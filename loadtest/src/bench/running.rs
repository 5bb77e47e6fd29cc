//! A portal in which everything runs, each role as a process.

use crate::Failure;
use crate::bench::consumers::Consumers;
use crate::bench::environment::{BenchEnvironment, Process, answers, quiet};
use auction_testkit::free_address::own_address;
use std::net::SocketAddr;

/// A portal in which everything runs but the ingress.
pub(crate) struct Running {
    pub(crate) bench: BenchEnvironment,
    writer: Process,
    consumers: Consumers,
    /// Events so far.
    begin: u64,
}

impl Running {
    /// On servers of its own, with so many users and auctions.
    pub(crate) async fn start(users: usize, auctions: usize) -> Result<Running, Failure> {
        Running::start_on(BenchEnvironment::with_auctions(users, auctions).await?).await
    }

    /// The same on servers that are there.
    pub(crate) async fn start_on(bench: BenchEnvironment) -> Result<Running, Failure> {
        let writer = bench.writer()?;
        let consumers = Consumers::start(&bench).await?;
        let begin = bench.events().await?;
        quiet()?;
        Ok(Running { bench, writer, consumers, begin })
    }

    /// The process of a role.
    pub(crate) fn process(&self, role: &str) -> Option<&Process> {
        if role == "writer" { Some(&self.writer) } else { self.consumers.process(role) }
    }

    /// Waits until so many bids can be read.
    pub(crate) async fn readable(&mut self, bids: usize) -> Result<(), Failure> {
        self.consumers.reached(self.begin + bids as u64).await
    }

    /// Waits until all are told.
    pub(crate) async fn told(&self) -> Result<(), Failure> {
        self.consumers.told(&self.bench).await
    }

    /// Looks whether all bids were accepted, and stops everything.
    pub(crate) async fn stop(self, bids: usize) -> Result<(), Failure> {
        self.told().await?;
        self.bench.all_accepted(bids).await?;
        self.end().await
    }

    /// Stops everything.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.consumers.end()?;
        self.writer.end()?;
        self.bench.stop().await
    }
}

/// An ingress that believes its callers and counts nobody.
pub(crate) async fn start_ingress(bench: &BenchEnvironment) -> Result<(Process, SocketAddr), Failure> {
    let listen = own_address()?;
    let settings = [
        ("AUCTION__INGRESS__LISTEN", listen.to_string()),
        ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true".to_owned()),
        ("AUCTION__LIMITS__ON", "false".to_owned()),
        // How much it takes is what is measured.
        ("AUCTION__INGRESS__MOST_UNDECIDED", u32::MAX.to_string()),
    ];
    let ingress = bench.process("ingress", &settings)?;
    answers(listen).await?;
    Ok((ingress, listen))
}
