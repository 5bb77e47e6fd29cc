//! Bare axum handlers in a process of their own: what HTTP and Redis cost anyway.

use crate::Failure;
use crate::bench::backlog::{auction, bid, partition};
use auction_redis::keys;
use auction_wire::Channel;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use clap::Args;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, cmd, pipe};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::sync::{mpsc, oneshot};

/// At most so many bids in one flush, as in the portal.
const FLUSH: usize = 1000;

/// `auction-loadtest bench bare`, for `auction-loadtest bench http`
#[derive(Args)]
pub(crate) struct BareArgs {
    listen: SocketAddr,
    redis_url: String,
    /// What a read is answered with
    read: PathBuf,
    /// What a bid is answered with
    accepted: PathBuf,
}

type Waiting = oneshot::Sender<bool>;

/// What a bid goes through.
#[derive(Clone)]
struct Bids {
    flush: mpsc::Sender<Waiting>,
    accepted: Bytes,
}

pub(crate) async fn bare(arguments: BareArgs) -> Result<(), Failure> {
    let read = Bytes::from(std::fs::read(&arguments.read)?);
    let accepted = Bytes::from(std::fs::read(&arguments.accepted)?);
    let redis = redis::Client::open(arguments.redis_url)?.get_multiplexed_async_connection().await?;
    let (flush, waiting) = mpsc::channel(10 * FLUSH);
    tokio::spawn(gather(redis, add()?, waiting));
    let answer = get(async move || ([(CONTENT_TYPE, "application/json")], read));
    let router = Router::new()
        .route("/auction/{id}", answer)
        .route("/auction/{id}/bid", axum::routing::put(take))
        .with_state(Bids { flush, accepted });
    Ok(axum::serve(tokio::net::TcpListener::bind(arguments.listen).await?, router).await?)
}

async fn take(State(bids): State<Bids>, _: Bytes) -> (StatusCode, Bytes) {
    let (done, added) = oneshot::channel();
    match bids.flush.send(done).await.is_ok() && added.await == Ok(true) {
        true => (StatusCode::ACCEPTED, bids.accepted),
        false => (StatusCode::SERVICE_UNAVAILABLE, Bytes::new()),
    }
}

/// The same fields that the portal would write.
fn add() -> Result<Cmd, Failure> {
    let command = bid(0, 1, 100)?;
    let mut add = cmd("XADD");
    add.arg(keys::commands(partition(auction(0).0)?, Channel::Bid)).arg("*");
    for (name, value) in command.to_fields() {
        add.arg(name).arg(value);
    }
    Ok(add)
}

/// Bids that come while one flush waits for the disk go into the next.
async fn gather(mut redis: MultiplexedConnection, add: Cmd, mut waiting: mpsc::Receiver<Waiting>) {
    let mut gathered = Vec::new();
    while waiting.recv_many(&mut gathered, FLUSH).await > 0 {
        let mut flush = pipe();
        gathered.iter().for_each(|_| {
            flush.add_command(add.clone());
        });
        let added = flush.query_async::<Vec<Value>>(&mut redis).await.is_ok();
        for done in gathered.drain(..) {
            // Whoever gave up does not need it.
            let _ = done.send(added);
        }
    }
}
