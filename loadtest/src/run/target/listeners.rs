//! Connections that receive the live updates of auctions, one auction each.

use crate::Failure;
use crate::checker::Check;
use crate::run::ids::RunIds;
use crate::run::target::http::Http;
use auction_wire::time::JsonTime;
use hdrhistogram::Histogram;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Maximum number of connections that are being opened.
const MAX_CONNECTING: usize = 64;

/// How long to wait for the last events after the end of the load.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum size of an incomplete message.
const MAX_BUFFER_BYTES: usize = 64 << 20;

/// Final versions of all auctions, once known.
type FinalVersions = watch::Receiver<Option<Arc<Vec<u64>>>>;

pub(crate) struct Listeners {
    all: JoinSet<Result<ReceivedByListener, Failure>>,
    final_versions: watch::Sender<Option<Arc<Vec<u64>>>>,
}

/// Events received over one connection.
struct ReceivedByListener {
    auction: u32,
    events: u64,
    resets: u64,
    last: u64,
    failures: Vec<String>,
    delays: Histogram<u64>,
}

/// Result of checking all connections.
pub(crate) struct ReceivedEvents {
    pub(crate) check: Check,
    pub(crate) findings: Vec<String>,
}

#[derive(Deserialize)]
struct LiveMessage {
    version: u64,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    version: u64,
    at: JsonTime,
}

impl Listeners {
    /// Opens connections, spread evenly over the auctions, and waits until each has received the current
    /// state of its auction.
    pub(crate) async fn begin(http: &Http, run_ids: &RunIds, count: u32) -> Result<Listeners, Failure> {
        let (final_versions, final_versions_receiver) = watch::channel(None);
        let (mut all, permits) = (JoinSet::new(), Arc::new(Semaphore::new(MAX_CONNECTING)));
        let auctions = u32::try_from(run_ids.auctions.len())?.max(1);
        let (ready_sender, mut ready) = tokio::sync::mpsc::channel::<()>(1);
        for n in 0..count {
            let auction = n % auctions;
            let request_line = format!("GET /auction/{}/live", run_ids.auctions[auction as usize]);
            let (http, permits, final_versions_receiver, ready_sender) =
                (http.clone(), Arc::clone(&permits), final_versions_receiver.clone(), ready_sender.clone());
            all.spawn(async move {
                let permit = permits.acquire_owned().await?;
                let mut stream = TcpStream::connect(&http.address.host).await?;
                stream.write_all(&http.encode_without_body(&request_line)).await?;
                let mut listener = Listener {
                    stream,
                    raw: Vec::new(),
                    text: Vec::new(),
                    received: ReceivedByListener::new(auction)?,
                };
                listener.read_current_state().await?;
                drop((permit, ready_sender));
                listener.read_until_final_version(final_versions_receiver).await?;
                Ok(listener.received)
            });
        }
        drop(ready_sender);
        ready.recv().await; // returns when every connection is ready or has failed
        Ok(Listeners { all, final_versions })
    }

    /// Waits until all connections have received everything up to these versions, and checks what they
    /// received.
    pub(crate) async fn finish(mut self, versions: Vec<u64>) -> Result<ReceivedEvents, Failure> {
        let versions = Arc::new(versions);
        // No receiver is left if all connections have failed.
        let _ = self.final_versions.send(Some(Arc::clone(&versions)));
        let mut check = Check::new("every listener received every event, in order and without gaps");
        let mut delays = Histogram::<u64>::new_with_bounds(1, 600_000, 3)?;
        let (mut listeners, mut resets) = (0_u64, 0);
        while let Some(ended) = self.all.join_next().await {
            let received = match ended? {
                Ok(received) => received,
                Err(error) => {
                    check.verify(false, || format!("a listener was disconnected: {error}"));
                    continue;
                }
            };
            listeners += 1;
            resets += received.resets;
            check.checked += received.events;
            received.failures.into_iter().for_each(|failure| check.fail(|| failure));
            let end = versions.get(received.auction as usize).copied().unwrap_or_default();
            if received.last < end {
                let (auction, last) = (received.auction, received.last);
                check.fail(|| {
                    format!("a listener of auction {auction} received events up to version {last}, the last version is {end}")
                });
            }
            delays.add(&received.delays)?;
        }
        let at = |quantile| delays.value_at_quantile(quantile);
        let findings = vec![format!(
            "{listeners} listeners received {} events and {resets} state resets; delay from the time of an event (assuming \
             synchronized clocks): p50 {} ms, p99 {} ms, max {} ms",
            delays.len(),
            at(0.5),
            at(0.99),
            delays.max()
        )];
        Ok(ReceivedEvents { check, findings })
    }
}

impl ReceivedByListener {
    fn new(auction: u32) -> Result<ReceivedByListener, Failure> {
        let delays = Histogram::new_with_bounds(1, 600_000, 3)?;
        Ok(ReceivedByListener { auction, events: 0, resets: 0, last: 0, failures: Vec::new(), delays })
    }

    /// Handles one complete server-sent event.
    fn receive(&mut self, block: &str) -> Result<(), Failure> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
        let Some(data) = field("data:") else { return Ok(()) }; // a comment: heartbeat
        match field("event:") {
            Some("events") => {
                let message: LiveMessage = serde_json::from_str(data)?;
                let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
                for event in &message.events {
                    self.events += 1;
                    if event.version != self.last + 1 {
                        let (auction, last) = (self.auction, self.last);
                        self.failures.push(format!(
                            "auction {auction}: received version {} after {last}",
                            event.version
                        ));
                    }
                    self.last = event.version;
                    let delay = u64::try_from(now - event.at.0.0).unwrap_or_default();
                    self.delays.saturating_record(delay.max(1));
                }
            }
            // The full state of the auction: at first, or when this connection had too many unsent events.
            Some(_) => {
                let message: LiveMessage = serde_json::from_str(data)?;
                self.resets += u64::from(self.last > 0);
                self.last = message.version;
            }
            None => {}
        }
        Ok(())
    }
}

struct Listener {
    stream: TcpStream,
    raw: Vec<u8>,
    text: Vec<u8>,
    received: ReceivedByListener,
}

impl Listener {
    /// Reads the response head and the current state of the auction.
    async fn read_current_state(&mut self) -> Result<(), Failure> {
        let end = loop {
            if let Some(end) = self.raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            self.read().await?;
        };
        let head = String::from_utf8_lossy(&self.raw[..end]).to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") || !head.contains("transfer-encoding: chunked") {
            return Err(head.lines().next().unwrap_or_default().to_owned().into());
        }
        self.raw.drain(..end + 4);
        while self.received.last == 0 {
            self.handle_buffered()?;
            if self.received.last == 0 {
                self.read().await?;
            }
        }
        Ok(())
    }

    async fn read_until_final_version(
        &mut self,
        mut final_versions_receiver: FinalVersions,
    ) -> Result<(), Failure> {
        let end = loop {
            let known = final_versions_receiver.borrow_and_update().clone();
            if let Some(known) = known {
                break known.get(self.received.auction as usize).copied().unwrap_or_default();
            }
            tokio::select! {
                read = self.read() => read?,
                changed = final_versions_receiver.changed() => changed?,
            }
            self.handle_buffered()?;
        };
        let rest = async {
            while self.received.last < end {
                self.read().await?;
                self.handle_buffered()?;
            }
            Ok(())
        };
        // `end` reports missing events.
        tokio::time::timeout(TIMEOUT, rest).await.unwrap_or(Ok(()))
    }

    async fn read(&mut self) -> Result<(), Failure> {
        if self.raw.len() > MAX_BUFFER_BYTES {
            return Err(format!("event exceeds {MAX_BUFFER_BYTES} bytes").into());
        }
        self.raw.reserve(8 * 1024);
        match self.stream.read_buf(&mut self.raw).await? {
            0 => Err("the connection was closed".into()),
            _ => Ok(()),
        }
    }

    /// Handles all complete chunks and events in the buffers.
    fn handle_buffered(&mut self) -> Result<(), Failure> {
        while let Some((size, begin)) = chunk(&self.raw)? {
            if self.raw.len() < begin + size + 2 {
                break;
            }
            self.text.extend_from_slice(&self.raw[begin..begin + size]);
            self.raw.drain(..begin + size + 2);
        }
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            self.received.receive(std::str::from_utf8(&self.text[..end])?)?;
            self.text.drain(..end + 2);
        }
        Ok(())
    }
}

/// Parses the header of a chunk: its size and the position of its data; none if incomplete.
fn chunk(raw: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    match httparse::parse_chunk_size(raw) {
        Ok(httparse::Status::Complete((begin, size))) => Ok(Some((usize::try_from(size)?, begin))),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err("chunk without a size".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(versions: &[u64]) -> String {
        let of =
            |version| format!(r#"{{"version":{version},"kind":"bid_placed","at":"2026-11-26T15:00:00Z"}}"#);
        let all: Vec<String> = versions.iter().map(of).collect();
        let last = versions.last().copied().unwrap_or_default();
        format!("event: events\nid: {last}\ndata: {{\"version\":{last},\"events\":[{}]}}", all.join(","))
    }

    #[test]
    fn listener_detects_gaps_and_repeats() {
        let mut received = ReceivedByListener::new(0).unwrap();
        received.receive("event: auction\nid: 3\ndata: {\"version\":3}").unwrap();
        received.receive(":").unwrap();
        received.receive(&events(&[4, 5])).unwrap();
        assert_eq!((received.last, received.events, received.failures.len()), (5, 2, 0));
        received.receive(&events(&[7])).unwrap();
        received.receive(&events(&[7])).unwrap();
        assert_eq!(
            received.failures,
            ["auction 0: received version 7 after 5", "auction 0: received version 7 after 7"]
        );
    }
}
