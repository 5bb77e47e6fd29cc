//! Rows 5 and 6: bids come while everything runs, and count when they can be read. And the bare way by HTTP beside it,
//! in which they count when they are published.

use super::decide::checked;
use super::row::Row;
use super::{Measured, TableArgs};
use crate::Failure;
use crate::bench::backlog::give;
use crate::bench::consumers::Consumers;
use crate::bench::cost::Meter;
use crate::bench::placing::{percentile, place_all};
use crate::bench::servers::{Bench, Process, answers, free_address, quiet};
use std::net::SocketAddr;

/// A portal in which everything runs but the ingress.
pub(super) struct Running {
    pub(super) bench: Bench,
    writer: Process,
    consumers: Consumers,
    /// Events so far.
    begin: u64,
}

impl Running {
    pub(super) async fn start(users: usize, auctions: usize) -> Result<Running, Failure> {
        let bench = Bench::with_auctions(users, auctions).await?;
        let writer = bench.writer()?;
        let consumers = Consumers::start(&bench).await?;
        let begin = bench.events().await?;
        quiet()?;
        Ok(Running { bench, writer, consumers, begin })
    }

    /// Waits until so many bids can be read.
    pub(super) async fn readable(&mut self, bids: usize) -> Result<(), Failure> {
        self.consumers.reached(self.begin + bids as u64).await
    }

    /// Waits until all are told.
    pub(super) async fn told(&self) -> Result<(), Failure> {
        self.consumers.told(&self.bench).await
    }

    /// Stops everything, and looks whether all bids were accepted.
    pub(super) async fn stop(self, bids: usize) -> Result<(), Failure> {
        self.told().await?;
        self.consumers.end()?;
        self.writer.end()?;
        checked(&self.bench, bids).await?;
        self.bench.stop().await
    }
}

/// An ingress that believes its callers and counts nobody.
pub(super) async fn start_ingress(bench: &Bench) -> Result<(Process, SocketAddr), Failure> {
    let listen = free_address()?;
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

pub(super) async fn streams(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (crowd, bids) = (arguments.crowd(), arguments.bids);
    let mut running = Running::start(crowd.users, crowd.auctions).await?;
    let meter = Meter::start()?;
    give(&mut running.bench.redis().await?, (0..bids).map(|n| crowd.command(n))).await?;
    running.readable(bids).await?;
    let cost = meter.stop()?;
    running.stop(bids).await?;
    Ok(vec![Measured::rate(Row::Streams, bids as u64, cost)])
}

pub(super) async fn http(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (crowd, bids) = (arguments.crowd(), arguments.bids);
    let mut running = Running::start(crowd.users, crowd.auctions).await?;
    let (ingress, address) = start_ingress(&running.bench).await?;
    let meter = Meter::start()?;
    let took = place_all(address, arguments.connections, crowd, 0..bids).await?;
    let accepted = bids as f64 / meter.stop()?.took.as_secs_f64();
    running.readable(bids).await?;
    let cost = meter.stop()?;
    ingress.end()?;
    running.stop(bids).await?;
    let row = Row::Http;
    Ok(vec![
        Measured::rate(row, bids as u64, cost),
        Measured::of(row, "202", "accepted meanwhile", accepted, "bids/s"),
        Measured::of(row, "p50", "half of them accepted within", percentile(&took, 0.5), "ms"),
        Measured::of(row, "p99", "99 of 100 accepted within", percentile(&took, 0.99), "ms"),
    ])
}

pub(super) async fn bare_http(arguments: &TableArgs) -> Result<Vec<Measured>, Failure> {
    let (crowd, bids, address) = (arguments.crowd(), arguments.bids, free_address()?);
    let bench = Bench::with_auctions(crowd.users, crowd.auctions).await?;
    let begin = bench.events().await?;
    let handlers = bench.beside(&["bare", &address.to_string()])?;
    let probe = bench.beside(&["probe"])?;
    answers(address).await?;
    quiet()?;
    let meter = Meter::start()?;
    place_all(address, arguments.connections, crowd, 0..bids).await?;
    bench.all_published(begin + bids as u64).await?;
    let cost = meter.stop()?;
    drop((handlers, probe));
    bench.stop().await?;
    Ok(vec![Measured::rate(Row::BareHttp, bids as u64, cost)])
}
