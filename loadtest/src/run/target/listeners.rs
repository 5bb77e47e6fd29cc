//! People who listen to auctions: each on a connection of his own, told every event as it happens.

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

/// So many connect at a time.
const CONNECTING: usize = 64;

/// How long the last events may take to be told.
const PATIENCE: Duration = Duration::from_secs(20);

/// At most so much of one event.
const LONGEST: usize = 64 << 20;

/// The versions at which auctions are in the end, once they are known.
type Ends = watch::Receiver<Option<Arc<Vec<u64>>>>;

/// All who listen.
pub(crate) struct Listeners {
    all: JoinSet<Result<Heard, Failure>>,
    tell: watch::Sender<Option<Arc<Vec<u64>>>>,
}

/// What one heard.
struct Heard {
    auction: u32,
    events: u64,
    resets: u64,
    last: u64,
    wrong: Vec<String>,
    delays: Histogram<u64>,
}

/// What all heard.
pub(crate) struct ReceivedEvents {
    pub(crate) check: Check,
    pub(crate) findings: Vec<String>,
}

#[derive(Deserialize)]
struct Told {
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
    /// Lets so many listen, the first auctions having as many as the others, and waits until all are told how it stands.
    pub(crate) async fn begin(http: &Http, world: &RunIds, count: u32) -> Result<Listeners, Failure> {
        let (tell, ends) = watch::channel(None);
        let (mut all, turns) = (JoinSet::new(), Arc::new(Semaphore::new(CONNECTING)));
        let auctions = u32::try_from(world.auctions.len())?.max(1);
        let (heard, mut hear) = tokio::sync::mpsc::channel::<()>(1);
        for n in 0..count {
            let auction = n % auctions;
            let line = format!("GET /auction/{}/live", world.auctions[auction as usize]);
            let (http, turns, ends, heard) = (http.clone(), Arc::clone(&turns), ends.clone(), heard.clone());
            all.spawn(async move {
                let turn = turns.acquire_owned().await?;
                let mut stream = TcpStream::connect(&http.address.host).await?;
                stream.write_all(&http.bare(&line)).await?;
                let mut listener =
                    Listener { stream, raw: Vec::new(), text: Vec::new(), heard: Heard::of(auction)? };
                listener.first().await?;
                drop((turn, heard));
                listener.until_the_end(ends).await?;
                Ok(listener.heard)
            });
        }
        drop(heard);
        hear.recv().await; // nothing is sent: all are there, or have failed
        Ok(Listeners { all, tell })
    }

    /// Waits until everybody has heard everything up to these versions.
    pub(crate) async fn end(mut self, versions: Vec<u64>) -> Result<ReceivedEvents, Failure> {
        let versions = Arc::new(versions);
        // Those who have failed already do not need to know.
        let _ = self.tell.send(Some(Arc::clone(&versions)));
        let mut check = Check::new("everybody who listens was told every event, in order, without a hole");
        let mut delays = Histogram::<u64>::new_with_bounds(1, 600_000, 3)?;
        let (mut listeners, mut resets) = (0_u64, 0);
        while let Some(ended) = self.all.join_next().await {
            let heard = match ended? {
                Ok(heard) => heard,
                Err(error) => {
                    check.look(false, || format!("a listener was cut off: {error}"));
                    continue;
                }
            };
            listeners += 1;
            resets += heard.resets;
            check.looked_at += heard.events;
            heard.wrong.into_iter().for_each(|wrong| check.wrong(|| wrong));
            let end = versions.get(heard.auction as usize).copied().unwrap_or_default();
            if heard.last < end {
                let (auction, last) = (heard.auction, heard.last);
                check.wrong(|| {
                    format!("a listener of auction {auction} heard up to {last}, it ends at {end}")
                });
            }
            delays.add(&heard.delays)?;
        }
        let at = |quantile| delays.value_at_quantile(quantile);
        let findings = vec![format!(
            "{listeners} listeners were told {} events, {resets} times how it stands instead; from an event's time to \
             its listener, if clocks agree: p50 {} ms, p99 {} ms, longest {} ms",
            delays.len(),
            at(0.5),
            at(0.99),
            delays.max()
        )];
        Ok(ReceivedEvents { check, findings })
    }
}

impl Heard {
    fn of(auction: u32) -> Result<Heard, Failure> {
        let delays = Histogram::new_with_bounds(1, 600_000, 3)?;
        Ok(Heard { auction, events: 0, resets: 0, last: 0, wrong: Vec::new(), delays })
    }

    /// One whole event of the stream.
    fn hear(&mut self, block: &str) -> Result<(), Failure> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
        let Some(data) = field("data:") else { return Ok(()) }; // a comment that keeps the line open
        match field("event:") {
            Some("events") => {
                let told: Told = serde_json::from_str(data)?;
                let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
                for event in &told.events {
                    self.events += 1;
                    if event.version != self.last + 1 {
                        let (auction, last) = (self.auction, self.last);
                        self.wrong.push(format!(
                            "auction {auction}: version {} was told after {last}",
                            event.version
                        ));
                    }
                    self.last = event.version;
                    let delay = u64::try_from(now - event.at.0.0).unwrap_or_default();
                    self.delays.saturating_record(delay.max(1));
                }
            }
            // How it stands: at first, or when there was too much to tell.
            Some(_) => {
                let told: Told = serde_json::from_str(data)?;
                self.resets += u64::from(self.last > 0);
                self.last = told.version;
            }
            None => {}
        }
        Ok(())
    }
}

/// One connection.
struct Listener {
    stream: TcpStream,
    raw: Vec<u8>,
    text: Vec<u8>,
    heard: Heard,
}

impl Listener {
    /// Reads the head, and how the auction stands.
    async fn first(&mut self) -> Result<(), Failure> {
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
        while self.heard.last == 0 {
            self.take()?;
            if self.heard.last == 0 {
                self.read().await?;
            }
        }
        Ok(())
    }

    async fn until_the_end(&mut self, mut ends: Ends) -> Result<(), Failure> {
        let end = loop {
            let known = ends.borrow_and_update().clone();
            if let Some(known) = known {
                break known.get(self.heard.auction as usize).copied().unwrap_or_default();
            }
            tokio::select! {
                read = self.read() => read?,
                changed = ends.changed() => changed?,
            }
            self.take()?;
        };
        let rest = async {
            while self.heard.last < end {
                self.read().await?;
                self.take()?;
            }
            Ok(())
        };
        // What is missing then is told by whoever asks for it.
        tokio::time::timeout(PATIENCE, rest).await.unwrap_or(Ok(()))
    }

    async fn read(&mut self) -> Result<(), Failure> {
        if self.raw.len() > LONGEST {
            return Err(format!("an event of more than {LONGEST} bytes").into());
        }
        self.raw.reserve(8 * 1024);
        match self.stream.read_buf(&mut self.raw).await? {
            0 => Err("the connection was closed".into()),
            _ => Ok(()),
        }
    }

    /// Everything that is whole.
    fn take(&mut self) -> Result<(), Failure> {
        while let Some((size, begin)) = chunk(&self.raw)? {
            if self.raw.len() < begin + size + 2 {
                break;
            }
            self.text.extend_from_slice(&self.raw[begin..begin + size]);
            self.raw.drain(..begin + size + 2);
        }
        while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
            self.heard.hear(std::str::from_utf8(&self.text[..end])?)?;
            self.text.drain(..end + 2);
        }
        Ok(())
    }
}

/// The size of a chunk and where it begins, once that is there.
fn chunk(raw: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    match httparse::parse_chunk_size(raw) {
        Ok(httparse::Status::Complete((begin, size))) => Ok(Some((usize::try_from(size)?, begin))),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err("a chunk that has no size".into()),
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
    fn a_hole_and_a_repeat_are_noticed() {
        let mut heard = Heard::of(0).unwrap();
        heard.hear("event: auction\nid: 3\ndata: {\"version\":3}").unwrap();
        heard.hear(":").unwrap();
        heard.hear(&events(&[4, 5])).unwrap();
        assert_eq!((heard.last, heard.events, heard.wrong.len()), (5, 2, 0));
        heard.hear(&events(&[7])).unwrap();
        heard.hear(&events(&[7])).unwrap();
        assert_eq!(
            heard.wrong,
            ["auction 0: version 7 was told after 5", "auction 0: version 7 was told after 7"]
        );
    }
}
