//! The portal under test and the clients that put the load on it.

pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod listeners;
pub(crate) mod load_balancer;
pub(crate) mod streams;

use crate::Failure;
use crate::run::history::{OperationLog, Record};
use crate::run::plan::PlannedRequest;
use crate::run::progress::Counts;
use crate::run::queue::Queue;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Client that sends one request at a time.
pub(crate) trait Sender: Send + 'static {
    /// Sends a request and waits for its response.
    fn send(&mut self, request: &PlannedRequest) -> impl Future<Output = RequestResult> + Send;
}

/// Response to one request.
#[derive(Default)]
pub(crate) struct RequestResult {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) version: u64,
    pub(crate) command: Uuid,
    pub(crate) handle: Option<String>,
    /// Reason for a missing response.
    pub(crate) error: String,
}

impl RequestResult {
    /// Returns the result of a request without a response.
    fn no_response(error: String) -> RequestResult {
        RequestResult { code: Some("no_response".to_owned()), error, ..RequestResult::default() }
    }
}

/// Sends the due requests and logs the responses. Returns when the queue has ended.
pub(crate) async fn work<S: Sender>(
    senders: Vec<S>,
    queue: &Arc<Queue>,
    log: &mut OperationLog,
    counts: &Arc<Counts>,
) -> Result<(), Failure> {
    let codes = Arc::new(std::mem::take(&mut log.codes));
    let mut workers = JoinSet::new();
    for mut sender in senders {
        let (queue, codes, counts) = (Arc::clone(queue), Arc::clone(&codes), Arc::clone(counts));
        workers.spawn(async move {
            let (mut records, mut handles) = (Vec::new(), Vec::new());
            while let Some(request) = queue.next().await {
                let queued_us = queue.since(request.due);
                let result = sender.send(&request).await;
                let latency_us = queue.since(request.due);
                counts.count(result.status);
                let code = result.code.as_deref().map_or(0, |code| codes.number(code));
                handles.extend(result.handle.map(|handle| (records.len(), handle)));
                let RequestResult { status, version, command, .. } = result;
                records.push(Record { request, queued_us, latency_us, status, code, version, command });
            }
            (records, handles)
        });
    }
    while let Some(ended) = workers.join_next().await {
        let (records, handles) = ended?;
        let before = log.records.len();
        log.handles.extend(handles.into_iter().map(|(n, handle)| (before + n, handle)));
        log.records.extend(records);
    }
    // All workers have ended and dropped their references.
    log.codes = Arc::try_unwrap(codes).unwrap_or_default();
    Ok(())
}
