//! How often somebody calls, counted for all ingress processes. Requests that come in while one round trip is on its
//! way are counted in the next: one for all of them.

use crate::{client_error, keys};
use auction_app::ports::Unavailable;
use auction_app::ports::people::rate_limit_store::{RateLimitStore, TakeRequest, TakeResult};
use deadpool_redis::Pool;
use redis::{Value, pipe};
use std::time::Duration;
use stream_worker::value::number;
use tokio::sync::{mpsc, oneshot};

/// At most so many requests in one round trip.
const TOGETHER: usize = 1000;

/// At most so many requests wait; more are told that Redis does not keep up.
const WAITING: usize = 10_000;

const TAKE: &str = include_str!("rate_limit/take.lua");

struct TakeCall {
    wanted: Vec<TakeRequest>,
    answer: oneshot::Sender<Result<TakeResult, Unavailable>>,
}

/// The counts in one Redis.
#[derive(Clone)]
pub struct RedisRateLimitStore(mpsc::Sender<TakeCall>);

impl RedisRateLimitStore {
    /// Starts the task that counts; it ends when the last clone of this is dropped.
    pub fn start(pool: Pool) -> RedisRateLimitStore {
        let (ask, asked) = mpsc::channel(WAITING);
        tokio::spawn(count_all(pool, asked));
        RedisRateLimitStore(ask)
    }
}

impl RateLimitStore for RedisRateLimitStore {
    async fn take(&self, wanted: &[TakeRequest]) -> Result<TakeResult, Unavailable> {
        let (answer, answered) = oneshot::channel();
        let asked = TakeCall { wanted: wanted.to_vec(), answer };
        self.0.try_send(asked).map_err(|error| Unavailable::new("redis", error.to_string()))?;
        answered.await.unwrap_or_else(|_| Err(Unavailable::new("redis", "nobody counts any more")))
    }
}

async fn count_all(pool: Pool, mut asked: mpsc::Receiver<TakeCall>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while asked.recv_many(&mut together, TOGETHER).await > 0 {
        let counted = count(&pool, &together).await;
        let mut replies = match counted {
            Ok(replies) => Ok(replies.into_iter()),
            Err(error) => Err(error.cause.to_string()),
        };
        for TakeCall { wanted, answer } in together.drain(..) {
            // Whoever has gone meanwhile does not need it.
            let _ = answer.send(match &mut replies {
                Ok(replies) => read(replies.next(), wanted.len()),
                Err(error) => Err(Unavailable::new("redis", error.clone())),
            });
        }
    }
}

async fn count(pool: &Pool, together: &[TakeCall]) -> Result<Vec<Value>, Unavailable> {
    let mut scripts = pipe();
    for TakeCall { wanted, .. } in together {
        let keys: Vec<String> = wanted.iter().map(|wanted| keys::limit(wanted.whose)).collect();
        let take = scripts.cmd("EVAL").arg(TAKE).arg(keys.len()).arg(keys);
        for TakeRequest { limit, needs, wishes, .. } in wanted {
            take.arg(micros(limit.interval())).arg(micros(limit.burst_window())).arg(needs).arg(wishes);
        }
    }
    let mut connection = pool.get().await.map_err(client_error)?;
    scripts.query_async(&mut connection).await.map_err(client_error)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn read(reply: Option<Value>, counts: usize) -> Result<TakeResult, Unavailable> {
    let took = |reply: &Value| {
        let Value::Array(parts) = reply else { return None };
        let mut numbers = parts.iter().map(|part| u64::try_from(number(part)?).ok());
        let passed = numbers.next()?? == 1;
        let mut each = Vec::with_capacity(counts);
        for _ in 0..counts {
            let (taken, used) = (numbers.next()??, numbers.next()??);
            each.push((u32::try_from(taken).ok()?, Duration::from_micros(used)));
        }
        Some(TakeResult { passed, each })
    };
    let nonsense = || Unavailable::new("redis", format!("a count is not as it is written: {reply:?}"));
    reply.as_ref().and_then(took).ok_or_else(nonsense)
}
