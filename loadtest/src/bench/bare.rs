//! Bare axum handlers in a separate process: the minimal cost of HTTP and Redis. Reads are served from
//! memory. Bids are parsed, encoded as commands and added to their stream; all bids that arrive during one
//! round trip are written in the next one. There is no authentication and no business rule.

use crate::Failure;
use crate::commands::{partitions, place_bid, xadd};
use auction_wire::{Command, CommandId, PartitionCount};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use clap::Args;
use redis::aio::MultiplexedConnection;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Maximum number of bids in one round trip, as in the portal.
const MAX_BIDS_PER_FLUSH: usize = 1000;

/// Arguments of `auction-loadtest bench bare`.
#[derive(Args)]
pub(crate) struct BareArgs {
    listen: SocketAddr,
    /// File with the response body of reads
    #[arg(long)]
    read: Option<PathBuf>,
}

/// A command to add, and the sender to notify when it is on disk.
struct PendingBid {
    command: Command,
    added: oneshot::Sender<bool>,
}

#[derive(Deserialize)]
struct BidRequest {
    amount: u64,
}

pub(crate) async fn run(arguments: BareArgs) -> Result<(), Failure> {
    let read = match arguments.read {
        Some(read) => Bytes::from(std::fs::read(read)?),
        None => Bytes::new(),
    };
    let redis = redis::Client::open(std::env::var("REDIS_URL")?)?;
    let (flush, pending) = mpsc::channel(10 * MAX_BIDS_PER_FLUSH);
    tokio::spawn(write_batches(redis.get_multiplexed_async_connection().await?, partitions()?, pending));
    let written = get(async move || ([(CONTENT_TYPE, "application/json")], read));
    let router = Router::new()
        .route("/readyz", get(async || StatusCode::OK))
        .route("/auction/{id}", written)
        .route("/auction/{id}/bid", put(accept_bid))
        .with_state(flush);
    Ok(axum::serve(tokio::net::TcpListener::bind(arguments.listen).await?, router).await?)
}

async fn accept_bid(
    State(flush): State<mpsc::Sender<PendingBid>>,
    Path(auction): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, String), StatusCode> {
    let bid = Uuid::now_v7();
    let command = command(bid, auction, &headers, &body).ok_or(StatusCode::BAD_REQUEST)?;
    let (added, written) = oneshot::channel();
    flush.send(PendingBid { command, added }).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    match written.await {
        Ok(true) => Ok((StatusCode::ACCEPTED, format!("{{\"status\":\"pending\",\"bid\":\"{bid}\"}}"))),
        _ => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Returns the same command as the portal.
fn command(bid: Uuid, auction: Uuid, headers: &HeaderMap, body: &[u8]) -> Option<Command> {
    let bidder = headers.get("X-User-Id")?.to_str().ok()?.parse().ok()?;
    let bid_request: BidRequest = serde_json::from_slice(body).ok()?;
    place_bid(CommandId(bid), auction, bidder, bid_request.amount).ok()
}

/// Writes all bids that arrived during one round trip in the next one.
async fn write_batches(
    mut redis: MultiplexedConnection,
    partitions: PartitionCount,
    mut pending: mpsc::Receiver<PendingBid>,
) {
    let mut batch = Vec::new();
    while pending.recv_many(&mut batch, MAX_BIDS_PER_FLUSH).await > 0 {
        let mut flush = redis::pipe();
        batch.iter().for_each(|pending| xadd(&mut flush, partitions, &pending.command));
        let added = flush.query_async::<()>(&mut redis).await.is_ok();
        for pending in batch.drain(..) {
            // The client may have disconnected.
            let _ = pending.added.send(added);
        }
    }
}
