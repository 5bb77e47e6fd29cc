//! Connections that receive the live updates of auctions, one auction each.

use crate::Failure;
use crate::checker::Check;
use crate::run::ids::RunIds;
use crate::run::measure::histogram;
use crate::run::target::http::Http;
use auction_wire::time::JsonTime;
use serde::Deserialize;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Maximum number of connections that are being opened.
const MAX_CONNECTING: usize = 64;

/// How long to wait for the last events after the end of the load.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum size of an incomplete event.
const MAX_EVENT_BYTES: usize = 64 << 20;

/// Final versions of all auctions, once known.
type FinalVersions = watch::Receiver<Option<Arc<Vec<u64>>>>;

pub(crate) struct Listeners {
    all: JoinSet<Result<ReceivedByListener, Failure>>,
    final_versions: watch::Sender<Option<Arc<Vec<u64>>>>,
}

/// Events received over one connection.
struct ReceivedByListener {
    auction: u32,
    resets: u64,
    last: u64,
    failures: Vec<String>,
    /// Milliseconds from the time of each event until it was received.
    delays: Vec<u64>,
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
        // Every listener has a connection of its own, because its response does not end.
        let client = reqwest::Client::builder().no_proxy().build()?;
        for n in 0..count {
            let auction = n % auctions;
            let id = run_ids.auctions[auction as usize];
            let mut request = client.get(format!("http://{}/auction/{id}/live", http.address.host));
            if let Some(token) = &http.token {
                request = request.bearer_auth(token);
            }
            let (permits, final_versions, ready_sender) =
                (Arc::clone(&permits), final_versions_receiver.clone(), ready_sender.clone());
            all.spawn(async move {
                let permit = permits.acquire_owned().await?;
                let response = request.send().await?.error_for_status()?;
                let received = ReceivedByListener::new(auction);
                let mut listener = Listener { response, text: Vec::new(), received };
                while listener.received.last == 0 {
                    listener.read().await?;
                }
                drop((permit, ready_sender));
                listener.read_until_final_version(final_versions).await?;
                Ok(listener.received)
            });
        }
        drop(ready_sender);
        ready.recv().await; // returns when every connection is ready or has failed
        Ok(Listeners { all, final_versions })
    }

    /// Waits until all connections have received everything up to these versions. Returns the check of what
    /// they received, and a description.
    pub(crate) async fn finish(mut self, versions: Vec<u64>) -> Result<(Check, String), Failure> {
        let versions = Arc::new(versions);
        // No receiver is left if all connections have failed.
        let _ = self.final_versions.send(Some(Arc::clone(&versions)));
        let mut check = Check::new("every listener received every event, in order and without gaps");
        let mut delays = histogram();
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
            check.checked += received.delays.len() as u64;
            received.failures.into_iter().for_each(|failure| check.fail(|| failure));
            let end = versions.get(received.auction as usize).copied().unwrap_or_default();
            if received.last < end {
                let (auction, last) = (received.auction, received.last);
                check.fail(|| {
                    format!("a listener of auction {auction} received events up to version {last}, the last version is {end}")
                });
            }
            received.delays.into_iter().for_each(|delay| delays.saturating_record(delay));
        }
        let at = |quantile| delays.value_at_quantile(quantile);
        let finding = format!(
            "{listeners} listeners received {} events and {resets} state resets; delay from the time of an event (assuming \
             synchronized clocks): p50 {} ms, p99 {} ms, max {} ms",
            delays.len(),
            at(0.5),
            at(0.99),
            delays.max()
        );
        Ok((check, finding))
    }
}

impl ReceivedByListener {
    fn new(auction: u32) -> ReceivedByListener {
        let (failures, delays) = (Vec::new(), Vec::new());
        ReceivedByListener { auction, resets: 0, last: 0, failures, delays }
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
                    if event.version != self.last + 1 {
                        let (auction, last) = (self.auction, self.last);
                        self.failures.push(format!(
                            "auction {auction}: received version {} after {last}",
                            event.version
                        ));
                    }
                    self.last = event.version;
                    let delay = u64::try_from(now - event.at.0.0).unwrap_or_default();
                    self.delays.push(delay.max(1));
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

/// A connection and the incomplete event at its end.
struct Listener {
    response: reqwest::Response,
    text: Vec<u8>,
    received: ReceivedByListener,
}

impl Listener {
    async fn read_until_final_version(&mut self, mut final_versions: FinalVersions) -> Result<(), Failure> {
        let known = loop {
            tokio::select! {
                read = self.read() => read?,
                known = final_versions.wait_for(Option::is_some) => break known?.clone().unwrap_or_default(),
            }
        };
        let end = known.get(self.received.auction as usize).copied().unwrap_or_default();
        let rest = async {
            while self.received.last < end {
                self.read().await?;
            }
            Ok(())
        };
        // `finish` reports missing events.
        tokio::time::timeout(TIMEOUT, rest).await.unwrap_or(Ok(()))
    }

    /// Waits for the next bytes, and handles all complete events.
    async fn read(&mut self) -> Result<(), Failure> {
        let bytes = self.response.chunk().await?.ok_or("the connection was closed")?;
        self.text.extend_from_slice(&bytes);
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            self.received.receive(std::str::from_utf8(&self.text[..end])?)?;
            self.text.drain(..end + 2);
        }
        match self.text.len() {
            0..=MAX_EVENT_BYTES => Ok(()),
            _ => Err(format!("event exceeds {MAX_EVENT_BYTES} bytes").into()),
        }
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
        let mut received = ReceivedByListener::new(0);
        received.receive("event: auction\nid: 3\ndata: {\"version\":3}").unwrap();
        received.receive(":").unwrap();
        received.receive(&events(&[4, 5])).unwrap();
        assert_eq!((received.last, received.delays.len(), received.failures.len()), (5, 2, 0));
        received.receive(&events(&[7])).unwrap();
        received.receive(&events(&[7])).unwrap();
        assert_eq!(
            received.failures,
            ["auction 0: received version 7 after 5", "auction 0: received version 7 after 7"]
        );
    }
}
