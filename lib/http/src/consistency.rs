//! How fresh a read shall be, and how fresh it was.
//!
//! `Consistency-Token` says how far something is: on the outcome of a command, where it was decided; on a read, what
//! it shows. A read that is given tokens shows at least what they say, or waits for it; one with
//! `?consistency=latest` shows at least what the store held when it began. `?consistency=stale-ok` does not wait.
//! What a request knows of partitions that its answer does not tell of is passed on in the answer's token: a client
//! that sends the newest token with every request never goes back, and sees all that it did.

use crate::prefer::Prefer;
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::routes::paging::{invalid, parameter};
use crate::state::{IngressState, Ports};
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::AsOf;
use auction_wire::{PartitionCount, PartitionId, Positions};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The header.
pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");

/// If views were far enough and then are not, Redis has lost them: no reason to hurry.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How fresh a read shall be.
pub struct Consistency {
    /// What the client has seen.
    known: Positions,
    freshness: ConsistencyLevel,
    /// The longest that it may take.
    wait: Duration,
    /// That the client said so.
    applied: Option<HeaderValue>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ConsistencyLevel {
    AsKnown,
    Latest,
    StaleIsOk,
}

/// Which partitions an answer tells of.
#[derive(Clone, Copy)]
pub enum PartitionScope {
    /// One of them.
    One(PartitionId),
    /// All of them.
    All,
}

/// What was read.
pub struct ConsistentRead<T> {
    /// What it shows at least.
    pub positions: Positions,
    /// What was read.
    pub shown: T,
    /// How fresh it is, as the client is told.
    pub fresh: FreshnessHeaders,
}

/// How fresh an answer is, as the client is told.
pub struct FreshnessHeaders {
    /// Its `Consistency-Token`.
    pub token: HeaderValue,
    /// How old it may be, if that is known.
    pub age: Option<Duration>,
    /// Its `Preference-Applied`, if the client said how long he would wait.
    pub applied: Option<HeaderValue>,
}

/// What the tokens of a request say together.
pub fn known(headers: &HeaderMap, partitions: PartitionCount) -> Result<Positions, Problem> {
    let mut known = Positions::default();
    for value in headers.get_all(CONSISTENCY_TOKEN) {
        for token in value.to_str().unwrap_or("?").split(',').map(str::trim) {
            known.raise(&Positions::from_token(token, partitions).ok_or_else(|| {
                let problem = "must be the Consistency-Token of an answer of this portal, or several";
                Problem::invalid(vec![("header Consistency-Token".to_owned(), problem.to_owned())])
            })?);
        }
    }
    Ok(known)
}

/// Positions as the value of a header.
pub fn token(positions: &Positions) -> HeaderValue {
    // It is base64url, which is valid in a header.
    HeaderValue::from_str(&positions.to_token()).unwrap_or(HeaderValue::from_static(""))
}

impl<P: Ports> FromRequestParts<Arc<IngressState<P>>> for Consistency {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        portal: &Arc<IngressState<P>>,
    ) -> Result<Consistency, Problem> {
        let freshness = match parameter(parts.uri.query(), "consistency") {
            None => ConsistencyLevel::AsKnown,
            Some("latest") => ConsistencyLevel::Latest,
            Some("stale-ok") => ConsistencyLevel::StaleIsOk,
            Some(_) => return Err(invalid("consistency", "must be `latest` or `stale-ok`, or absent")),
        };
        let longest = portal.settings.longest_read_wait;
        let prefer = Prefer::from_headers(&parts.headers);
        let wait = prefer.wait(longest);
        let applied = wait.and_then(|_| prefer.applied(longest));
        let known = known(&parts.headers, portal.partitions)?;
        Ok(Consistency { known, freshness, wait: wait.unwrap_or(longest), applied })
    }
}

impl Consistency {
    /// As one who has seen that, too.
    pub fn with_positions(mut self, seen: &Positions) -> Consistency {
        self.known.raise(seen);
        self
    }

    /// Reads, and reads again when the views are far enough, if they are not. `read` is told how far that is: what it
    /// has kept may not be.
    pub async fn read<P: Ports, T, F>(
        &self,
        portal: &IngressState<P>,
        of: PartitionScope,
        read: impl Fn(Positions) -> F,
    ) -> Result<ConsistentRead<T>, Problem>
    where
        F: Future<Output = Result<AsOf<T>, Unavailable>>,
    {
        let until = Instant::now() + self.wait;
        let partitions: Vec<PartitionId> = match of {
            PartitionScope::One(partition) => vec![partition],
            PartitionScope::All => portal.partitions.all().collect(),
        };
        let mut wanted = self.known.within(&partitions);
        match self.freshness {
            ConsistencyLevel::AsKnown => {}
            ConsistencyLevel::Latest => {
                wanted.raise(&Box::pin(portal.freshness.current_heads()).await?.within(&partitions))
            }
            ConsistencyLevel::StaleIsOk => wanted = Positions::default(),
        }
        let mut in_vain = false;
        loop {
            let AsOf { positions, shown } = read(wanted.clone()).await?;
            if positions.cover(&wanted) {
                let mut all = self.known.without(&partitions);
                all.raise(&positions);
                let age = portal.freshness.age(&partitions);
                let applied = self.applied.clone();
                return Ok(ConsistentRead {
                    positions,
                    shown,
                    fresh: FreshnessHeaders { token: token(&all), age, applied },
                });
            }
            // Most are fresh enough at once, and need no room for the rest.
            Box::pin(async {
                if in_vain {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                if portal.freshness.wait_for(&wanted, until).await {
                    return Ok(());
                }
                Err(behind(portal, &positions, &wanted).await)
            })
            .await?;
            in_vain = true;
        }
    }
}

/// What a client is told whose wait was in vain.
async fn behind<P: Ports>(portal: &IngressState<P>, shown: &Positions, wanted: &Positions) -> Problem {
    // A token may be of a time that a restored database does not know any more. Whoever waits for that waits in
    // vain for ever, and is told so if the database can be asked.
    if let Ok(stored) = portal.freshness.current_heads().await
        && let Some((partition, wanted, stored)) = stored.furthest_behind(wanted)
    {
        return Problem::of(&requests::TOKEN_AHEAD_OF_STORE)
            .with("partition", partition.0)
            .with("wanted", wanted)
            .with("stored", stored);
    }
    let problem = Problem::of(&requests::PROJECTION_BEHIND)
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"));
    match shown.furthest_behind(wanted) {
        None => problem,
        Some((partition, wanted, shown)) => problem
            .with("partition", partition.0)
            .with("wanted", wanted)
            .with("shown", shown)
            .with("behind", wanted - shown),
    }
}
