//! Rate-limit counters in Redis, shared by all ingress processes. Requests that arrive during a round trip
//! are counted batch in the next one.

use crate::{RedisPool, client_error, keys};
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::people::rate_limit_store::{RateLimitStore, TakeRequest, TakeResult};
use redis::{Value, pipe};
use std::time::Duration;
use stream_worker::value::number;
use tokio::sync::{mpsc, oneshot};

/// Maximum number of calls in one round trip.
const MAX_BATCH: usize = 1000;

/// Maximum number of queued calls. Further calls fail: Redis does not keep up.
const MAX_QUEUED: usize = 10_000;

const TAKE: &str = include_str!("rate_limit/take.lua");

struct TakeCall {
    requests: Vec<TakeRequest>,
    result: oneshot::Sender<Result<TakeResult, Unavailable>>,
}

/// Rate-limit counters in one Redis.
#[derive(Clone)]
pub struct RedisRateLimitStore(mpsc::Sender<TakeCall>);

impl RedisRateLimitStore {
    /// Starts the task that counts. The task ends when the last clone is dropped.
    pub fn start(pool: RedisPool) -> RedisRateLimitStore {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED);
        tokio::spawn(count_all(pool, receiver));
        RedisRateLimitStore(sender)
    }
}

#[async_trait]
impl RateLimitStore for RedisRateLimitStore {
    async fn take(&self, requests: &[TakeRequest]) -> Result<TakeResult, Unavailable> {
        let (result, receiver) = oneshot::channel();
        let call = TakeCall { requests: requests.to_vec(), result };
        self.0.try_send(call).map_err(|error| Unavailable::new("redis", error.to_string()))?;
        receiver.await.unwrap_or_else(|_| Err(Unavailable::new("redis", "rate-limit task has ended")))
    }
}

async fn count_all(pool: RedisPool, mut receiver: mpsc::Receiver<TakeCall>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while receiver.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let mut replies = match count(&pool, &batch).await {
            Ok(replies) => Ok(replies.into_iter()),
            Err(error) => Err(error.cause.to_string()),
        };
        for TakeCall { requests, result } in batch.drain(..) {
            // A caller that was dropped meanwhile does not need the result.
            let _ = result.send(match &mut replies {
                Ok(replies) => read(replies.next(), requests.len()),
                Err(error) => Err(Unavailable::new("redis", error.clone())),
            });
        }
    }
}

async fn count(pool: &RedisPool, batch: &[TakeCall]) -> Result<Vec<Value>, Unavailable> {
    let mut scripts = pipe();
    for TakeCall { requests, .. } in batch {
        let keys: Vec<String> = requests.iter().map(|request| keys::rate_limit(request.key)).collect();
        let take = scripts.cmd("EVAL").arg(TAKE).arg(keys.len()).arg(keys);
        for TakeRequest { limit, required, desired, .. } in requests {
            take.arg(micros(limit.interval())).arg(micros(limit.burst_window())).arg(required).arg(desired);
        }
    }
    let mut connection = pool.get().await?;
    scripts.query_async(&mut connection).await.map_err(client_error)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn read(reply: Option<Value>, counts: usize) -> Result<TakeResult, Unavailable> {
    let result = |reply: &Value| {
        let Value::Array(parts) = reply else { return None };
        let mut numbers = parts.iter().map(|part| u64::try_from(number(part)?).ok());
        let passed = numbers.next()?? == 1;
        let mut taken = Vec::with_capacity(counts);
        for _ in 0..counts {
            let (count, used) = (numbers.next()??, numbers.next()??);
            taken.push((u32::try_from(count).ok()?, Duration::from_micros(used)));
        }
        Some(TakeResult { passed, taken })
    };
    let malformed =
        || Unavailable::new("redis", format!("unexpected reply of the rate-limit script: {reply:?}"));
    reply.as_ref().and_then(result).ok_or_else(malformed)
}
