//! Somebody who listens.

use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// One server-sent event.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

/// What one listens to: server-sent events.
pub struct SseConnection {
    response: reqwest::Response,
    text: String,
    /// What the server asked for last.
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

    /// The next event; none when the line ends.
    pub async fn next(&mut self) -> Option<Event> {
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
                    return Some(Event { name, id: field("id").unwrap(), data });
                }
                continue;
            }
            let chunk = timeout(Duration::from_secs(30), self.response.chunk()).await.expect("nothing comes");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// The versions of what happens up to that one, and how the last of it was told.
    pub async fn up_to(&mut self, version: u64) -> (Vec<u64>, Event) {
        let mut versions = Vec::new();
        loop {
            let event = self.next().await.expect("the line ended");
            assert_eq!(event.name, "events");
            let events = event.data["events"].as_array().unwrap().iter();
            versions.extend(events.map(|event| event["version"].as_u64().unwrap()));
            let told: u64 = event.id.parse().unwrap();
            assert_eq!(versions.last(), Some(&told));
            if told >= version {
                return (versions, event);
            }
        }
    }
}
