//! Places bids by HTTP over persistent connections.

use crate::Failure;
use crate::bench::backlog::BidPattern;
use crate::bench::client::Client;
use std::fmt::Write;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Encodes the request of bid number `n`, replacing the content of `text`.
pub(crate) fn request(
    text: &mut String,
    bid_pattern: BidPattern,
    n: usize,
    prefer: &str,
) -> Result<(), Failure> {
    let (auction, bidder, amount) = bid_pattern.bid(n);
    let length = "{\"amount\":}".len() + amount.to_string().len();
    text.clear();
    write!(
        text,
        "PUT /auction/{}/bid HTTP/1.1\r\nHost: bench\r\nX-User-Id: {bidder}\r\nContent-Type: application/json\r\n\
         {prefer}Content-Length: {length}\r\n\r\n{{\"amount\":{amount}}}",
        auction.0
    )?;
    Ok(())
}

/// Places the bids with these numbers; each connection sends one at a time. Returns the response times in
/// ascending order.
pub(crate) async fn place_all(
    server: SocketAddr,
    connections: usize,
    bid_pattern: BidPattern,
    bids: Range<usize>,
) -> Result<Vec<Duration>, Failure> {
    let next = Arc::new(AtomicUsize::new(bids.start));
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect(server).await?);
    }
    let mut all = JoinSet::new();
    for mut client in clients {
        let (next, bids) = (Arc::clone(&next), bids.clone());
        all.spawn(async move {
            let (mut text, mut took) = (String::new(), Vec::with_capacity(2 * bids.len() / connections));
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= bids.end {
                    return Ok::<_, Failure>(took);
                }
                request(&mut text, bid_pattern, n, "")?;
                let sent = Instant::now();
                client.send(text.as_bytes()).await?;
                took.push(sent.elapsed());
            }
        });
    }
    let mut took = Vec::with_capacity(bids.len());
    while let Some(done) = all.join_next().await {
        took.extend(done??);
    }
    took.sort_unstable();
    Ok(took)
}

/// Returns the percentile of sorted durations in milliseconds; `share` is from 0 to 1.
pub(crate) fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share) as usize).map_or(0.0, |time| 1000.0 * time.as_secs_f64())
}
