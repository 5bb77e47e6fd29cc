//! Read consistency: the state that a read must include, and the state that it does include.
//!
//! `Consistency-Token` holds positions by partition. On the outcome of a command, it is the position at which
//! the command was decided; on a read, the position of the read model. A read with tokens waits until the
//! read model has reached them. With `?consistency=latest`, a read waits for the head of the store at its
//! start. With `?consistency=stale-ok`, it does not wait. Positions of partitions that a response does not
//! include are copied from the tokens of the request. A client that sends the newest token with every request
//! therefore reads its own writes and never reads an older state than before.

use crate::body;
use crate::prefer::Prefer;
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::routes::paging::{invalid, parameter};
use crate::state::IngressState;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::AsOf;
use auction_wire::{PartitionCount, PartitionId, Positions};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");

/// Delay before another read if the read model reached the required positions, but the read did not. This
/// happens only after Redis lost read models.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// Consistency that a request asks for.
pub struct Consistency {
    /// Positions in the tokens of the request.
    known: Positions,
    level: ConsistencyLevel,
    /// Maximum time to wait for the read model.
    wait: Duration,
    /// `Preference-Applied` of the response, if the client sent `Prefer: wait`.
    applied: Option<HeaderValue>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ConsistencyLevel {
    AtLeastToken,
    Latest,
    AllowStale,
}

/// Partitions that a response includes.
#[derive(Clone, Copy)]
pub enum PartitionScope {
    One(PartitionId),
    All,
}

/// Value with the positions that it includes.
pub struct ConsistentRead<T> {
    /// Positions that the value includes at least.
    pub positions: Positions,
    pub value: T,
    pub freshness: FreshnessHeaders,
}

/// Headers that describe the consistency of a response.
pub struct FreshnessHeaders {
    /// Value of the header `Consistency-Token`.
    pub token: HeaderValue,
    /// Maximum age of the response, sent as `Age`; `None` if it is unknown.
    pub age: Option<Duration>,
    /// Value of `Preference-Applied`, if the client sent `Prefer: wait`.
    pub applied: Option<HeaderValue>,
}

/// Returns the combined positions of all tokens of a request.
pub fn known(headers: &HeaderMap, partitions: PartitionCount) -> Result<Positions, Problem> {
    let mut known = Positions::default();
    for value in headers.get_all(CONSISTENCY_TOKEN) {
        for token in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            known.raise(&Positions::from_token(token, partitions).ok_or_else(|| {
                let problem = "must be a Consistency-Token of this portal, or a comma-separated list of them";
                body::invalid("header Consistency-Token", problem)
            })?);
        }
    }
    Ok(known)
}

/// Returns positions as the value of `Consistency-Token`.
pub fn token(positions: &Positions) -> HeaderValue {
    // base64url is always valid in a header.
    HeaderValue::from_str(&positions.to_token()).unwrap_or(HeaderValue::from_static(""))
}

impl FromRequestParts<Arc<IngressState>> for Consistency {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        portal: &Arc<IngressState>,
    ) -> Result<Consistency, Problem> {
        let level = match parameter(parts.uri.query(), "consistency") {
            None => ConsistencyLevel::AtLeastToken,
            Some("latest") => ConsistencyLevel::Latest,
            Some("stale-ok") => ConsistencyLevel::AllowStale,
            Some(_) => return Err(invalid("consistency", "must be `latest` or `stale-ok`, or be left out")),
        };
        let max_wait = portal.settings.max_read_wait;
        let prefer = Prefer::from_headers(&parts.headers);
        let wait = prefer.wait(max_wait);
        let applied = wait.and_then(|_| prefer.applied(max_wait));
        let known = known(&parts.headers, portal.partitions)?;
        Ok(Consistency { known, level, wait: wait.unwrap_or(max_wait), applied })
    }
}

impl Consistency {
    /// Also requires these positions.
    pub fn with_positions(mut self, positions: &Positions) -> Consistency {
        self.known.raise(positions);
        self
    }

    /// Reads a value that includes the required positions. If the first read does not include them, waits for
    /// the read model and reads again. `read` gets the required positions: a value in its cache may be too
    /// old.
    pub async fn read<T, F>(
        &self,
        portal: &IngressState,
        scope: PartitionScope,
        read: impl Fn(Positions) -> F,
    ) -> Result<ConsistentRead<T>, Problem>
    where
        F: Future<Output = Result<AsOf<T>, Unavailable>>,
    {
        let deadline = Instant::now() + self.wait;
        let partitions: Vec<PartitionId> = match scope {
            PartitionScope::One(partition) => vec![partition],
            PartitionScope::All => portal.partitions.all().collect(),
        };
        let mut required = self.known.within(&partitions);
        match self.level {
            ConsistencyLevel::AtLeastToken => {}
            ConsistencyLevel::Latest => {
                required.raise(&Box::pin(portal.consistency.current_heads()).await?.within(&partitions))
            }
            ConsistencyLevel::AllowStale => required = Positions::default(),
        }
        let mut is_retry = false;
        loop {
            let AsOf { positions, value } = read(required.clone()).await?;
            if positions.cover(&required) {
                let mut all = self.known.without(&partitions);
                all.raise(&positions);
                let age = portal.consistency.age(&partitions);
                let applied = self.applied.clone();
                return Ok(ConsistentRead {
                    positions,
                    value,
                    freshness: FreshnessHeaders { token: token(&all), age, applied },
                });
            }
            // Boxed, so that the common case without waiting needs no memory for this future.
            Box::pin(async {
                if is_retry {
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                if portal.consistency.wait_for(&required, deadline).await {
                    return Ok(());
                }
                Err(read_model_behind(portal, &positions, &required).await)
            })
            .await?;
            is_retry = true;
        }
    }
}

/// Returns the problem of a read whose wait timed out.
async fn read_model_behind(portal: &IngressState, available: &Positions, required: &Positions) -> Problem {
    // A token can be ahead of a database that was restored from a backup. Waiting would never succeed, so the
    // client gets a problem of its own, provided that the database answers.
    if let Ok(stored) = portal.consistency.current_heads().await
        && let Some((partition, required, stored)) = stored.largest_lag(required)
    {
        return Problem::of(&requests::TOKEN_AHEAD_OF_STORE)
            .with("partition", partition.0)
            .with("required", required)
            .with("stored", stored);
    }
    let problem = Problem::of(&requests::READ_MODEL_BEHIND)
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"));
    match available.largest_lag(required) {
        None => problem,
        Some((partition, required, available)) => problem
            .with("partition", partition.0)
            .with("required", required)
            .with("available", available)
            .with("lag", required - available),
    }
}
