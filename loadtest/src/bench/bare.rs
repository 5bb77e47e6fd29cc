//! Bare axum handlers in a process of their own: what HTTP and Redis cost anyway. A read is answered from memory. A
//! bid is parsed, written down as the command that it is and added to its stream, with all others that come while one
//! flush waits for the disk; nobody is asked who he is, and no rule is looked at.

use crate::Failure;
use crate::bench::backlog::{partition, place_bid};
use auction_domain::{Amount, AuctionId, UserId};
use auction_redis::keys;
use auction_wire::Channel;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use clap::Args;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, cmd, pipe};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// At most so many bids in one flush, as in the portal.
const FLUSH: usize = 1000;

/// `auction-loadtest bench bare`
#[derive(Args)]
pub(crate) struct BareArgs {
    listen: SocketAddr,
    /// What a read is answered with
    #[arg(long)]
    read: Option<PathBuf>,
}

/// An entry, and who waits until it is on disk.
struct Waiting {
    add: Cmd,
    added: oneshot::Sender<bool>,
}

#[derive(Deserialize)]
struct Offer {
    amount: u64,
}

pub(crate) async fn run(arguments: BareArgs) -> Result<(), Failure> {
    let read = match arguments.read {
        Some(read) => Bytes::from(std::fs::read(read)?),
        None => Bytes::new(),
    };
    let redis = redis::Client::open(std::env::var("REDIS_URL")?)?;
    let (flush, waiting) = mpsc::channel(10 * FLUSH);
    tokio::spawn(gather(redis.get_multiplexed_async_connection().await?, waiting));
    let answer = get(async move || ([(CONTENT_TYPE, "application/json")], read));
    let router =
        Router::new().route("/auction/{id}", answer).route("/auction/{id}/bid", put(take)).with_state(flush);
    Ok(axum::serve(tokio::net::TcpListener::bind(arguments.listen).await?, router).await?)
}

async fn take(
    State(flush): State<mpsc::Sender<Waiting>>,
    Path(auction): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, String), StatusCode> {
    let bid = Uuid::now_v7();
    let add = add(bid, auction, &headers, &body).ok_or(StatusCode::BAD_REQUEST)?;
    let (added, answer) = oneshot::channel();
    flush.send(Waiting { add, added }).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    match answer.await {
        Ok(true) => Ok((StatusCode::ACCEPTED, format!("{{\"status\":\"pending\",\"bid\":\"{bid}\"}}"))),
        _ => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// The same fields that the portal writes.
fn add(bid: Uuid, auction: Uuid, headers: &HeaderMap, body: &[u8]) -> Option<Cmd> {
    let bidder = UserId(headers.get("X-User-Id")?.to_str().ok()?.parse().ok()?);
    let offer: Offer = serde_json::from_slice(body).ok()?;
    let command = place_bid(bid, AuctionId(auction), bidder, Amount::new(offer.amount).ok()?);
    let mut add = cmd("XADD");
    add.arg(keys::commands(partition(auction).ok()?, Channel::Bid)).arg("*");
    for (name, value) in command.to_fields() {
        add.arg(name).arg(value);
    }
    Some(add)
}

/// Bids that come while one flush waits for the disk go into the next.
async fn gather(mut redis: MultiplexedConnection, mut waiting: mpsc::Receiver<Waiting>) {
    let mut gathered = Vec::new();
    while waiting.recv_many(&mut gathered, FLUSH).await > 0 {
        let mut flush = pipe();
        let mut told = Vec::with_capacity(gathered.len());
        for Waiting { add, added } in gathered.drain(..) {
            flush.add_command(add);
            told.push(added);
        }
        let added = flush.query_async::<Vec<Value>>(&mut redis).await.is_ok();
        for waiting in told {
            // Whoever gave up does not need it.
            let _ = waiting.send(added);
        }
    }
}
