//! A client of server-sent events.

use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// A server-sent event with JSON data.
#[derive(Debug)]
pub struct SseEvent {
    pub name: String,
    pub id: String,
    pub data: Value,
}

/// An open connection that receives server-sent events.
pub struct SseConnection {
    response: reqwest::Response,
    text: String,
    /// Last reconnection time that the server sent, in milliseconds.
    pub retry: Option<u64>,
}

impl SseConnection {
    pub async fn open(url: &str, headers: &[(&str, &str)]) -> SseConnection {
        let mut request = reqwest::Client::new().get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        SseConnection { response, text: String::new(), retry: None }
    }

    /// Waits for the next event; returns `None` when the server closes the connection.
    pub async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.split_once(": "));
                    lines.filter(|(field, _)| *field == name).map(|(_, value)| value.to_owned()).next()
                };
                if let Some(retry) = field("retry") {
                    self.retry = retry.parse().ok();
                }
                if let Some(name) = field("event") {
                    let data = serde_json::from_str(&field("data").unwrap()).unwrap();
                    return Some(SseEvent { name, id: field("id").unwrap(), data });
                }
                continue;
            }
            let chunk = timeout(Duration::from_secs(30), self.response.chunk())
                .await
                .expect("nothing received for 30 seconds");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// Reads messages with auction events until one reaches this version. Returns the versions of all events
    /// read, and the last message. Asserts that the id of each message is its highest version.
    pub async fn read_through(&mut self, version: u64) -> (Vec<u64>, SseEvent) {
        let mut versions = Vec::new();
        loop {
            let message = self.next().await.expect("the connection was closed");
            assert_eq!(message.name, "events");
            let events = message.data["events"].as_array().unwrap().iter();
            versions.extend(events.map(|event| event["version"].as_u64().unwrap()));
            let last: u64 = message.id.parse().unwrap();
            assert_eq!(versions.last(), Some(&last));
            if last >= version {
                return (versions, message);
            }
        }
    }
}
