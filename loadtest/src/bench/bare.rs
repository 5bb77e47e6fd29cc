//! Bare axum handlers in a separate process: the minimal cost of HTTP and Redis. Reads are served from
//! memory. Bids are parsed, encoded as commands and added to their stream by the queue of the portal; all bids
//! that arrive during one round trip are written in the next one. There is no authentication and no business
//! rule.

use crate::Failure;
use crate::commands::{partitions, place_bid};
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_redis::RedisPool;
use auction_redis::command_queue::RedisCommandQueue;
use auction_wire::{Command, CommandId};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use clap::Args;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// Arguments of `auction-loadtest bench bare`.
#[derive(Args)]
pub(crate) struct BareArgs {
    listen: SocketAddr,
    /// File with the response body of reads
    #[arg(long)]
    read: Option<PathBuf>,
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
    let url = std::env::var("REDIS_URL")?;
    let redis = redis::Client::open(url)?;
    let clock = RedisPool::new(redis.clone(), 4)?;
    let queue = RedisCommandQueue::start(redis, partitions()?, clock);
    let written = get(async move || ([(CONTENT_TYPE, "application/json")], read));
    let router = Router::new()
        .route("/readyz", get(async || StatusCode::OK))
        .route("/auction/{id}", written)
        .route("/auction/{id}/bid", put(accept_bid))
        .with_state(Arc::new(queue));
    Ok(axum::serve(tokio::net::TcpListener::bind(arguments.listen).await?, router).await?)
}

async fn accept_bid(
    State(queue): State<Arc<RedisCommandQueue>>,
    Path(auction): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, String), StatusCode> {
    let bid = Uuid::now_v7();
    let command = command(bid, auction, &headers, &body).ok_or(StatusCode::BAD_REQUEST)?;
    queue.submit(command).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((StatusCode::ACCEPTED, format!("{{\"status\":\"pending\",\"bid\":\"{bid}\"}}")))
}

/// Returns the same command as the portal.
fn command(bid: Uuid, auction: Uuid, headers: &HeaderMap, body: &[u8]) -> Option<Command> {
    let bidder = headers.get("X-User-Id")?.to_str().ok()?.parse().ok()?;
    let bid_request: BidRequest = serde_json::from_slice(body).ok()?;
    place_bid(CommandId(bid), auction, bidder, bid_request.amount).ok()
}
