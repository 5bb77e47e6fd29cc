//! `GET /auction/{id}`: the auction, byte for byte as the projector wrote it. `Server-Time` contains the time
//! of the portal. While Redis is unavailable, the response is computed from the events in Postgres.
//! `?at_version=` returns an earlier state.

use super::paging::{invalid, parameters, unknown};
use super::{InPath, SERVER_TIME, auction_in, unknown_auction};
use crate::access::Access;
use crate::consistency::{
    CONSISTENCY_TOKEN, Consistency, ConsistentRead, FreshnessHeaders, PartitionScope, token,
};
use crate::if_match::etag;
use crate::openapi::schemas::{self, in_query, pattern, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::read_model::{AuctionRepresentation, CacheScope, ReadModel, Representation};
use crate::state::{IngressState, SharedState};
use auction_app::ingress::auction_history::AtVersion;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::AsOf;
use auction_app::projector::views::auction::name;
use auction_domain::AuctionId;
use auction_wire::view::AuctionView;
use auction_wire::{Positions, time};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

pub(super) fn endpoint() -> Endpoint {
    let at_version = "Show the auction as it was at this version, computed from its events. Ignores \
                      `consistency` and `Consistency-Token`.";
    Endpoint::get("show_auction", "/auction/{id}", show_auction)
        .access(Access::Public)
        .summary(tag::AUCTIONS, "Show an auction")
        .description("Includes the highest bids and, after the end, the winner.")
        .parameter(in_query("at_version", whole(1, Some(isize::MAX.unsigned_abs())), at_version))
        .response::<AuctionView>(200, "The auction.")
        .problems(&[&refusals::UNKNOWN_AUCTION, &requests::UNKNOWN_VERSION])
        .reads_read_model()
        .response_header(
            200,
            "ETag",
            schemas::header(
                pattern("^\"[0-9]+-.*\"$"),
                "Begins with the version of the auction. Send it as `If-Match` with a command.",
            ),
        )
        .response_header(
            200,
            "Server-Time",
            schemas::header(schemas::time(), "Time of the portal. Compare `ends_at` with it."),
        )
}

async fn show_auction(
    State(portal): State<SharedState>,
    consistency: Consistency,
    InPath(auction): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let auction = AuctionId(auction_in(&auction)?);
    match at_version(query.as_deref())? {
        None => show_current(&portal, auction, &consistency).await,
        // Rarely used: boxed to keep the future of common requests small.
        Some(version) => Box::pin(show_version(&portal, auction, version)).await,
    }
}

async fn show_current(
    portal: &IngressState,
    auction: AuctionId,
    consistency: &Consistency,
) -> Result<Response, Problem> {
    let partition = portal.partitions.of(auction.0);
    let read = |required: Positions| async move {
        let is_fresh = |cached: &AsOf<Option<AuctionRepresentation>>| cached.positions.cover(&required);
        portal.auction_cache.get(auction, is_fresh, || load(portal, auction, &required)).await
    };
    let ConsistentRead { value, mut freshness, .. } =
        consistency.read(portal, PartitionScope::One(partition), read).await?;
    let none = || unknown_auction().with_header(CONSISTENCY_TOKEN, freshness.token.clone());
    let auction = value.ok_or_else(none)?;
    let now = HeaderValue::from_str(&time::format(auction.now()));
    if auction.from_store {
        freshness.age = Some(Duration::ZERO);
    }
    let mut response =
        ReadModel { representation: auction.representation, freshness, scope: CacheScope::Public }
            .into_response();
    if let Ok(now) = now {
        response.headers_mut().insert(SERVER_TIME, now);
    }
    Ok(response)
}

/// Reads the read model, or computes it from the events if Redis is unavailable.
async fn load(
    portal: &IngressState,
    auction: AuctionId,
    required: &Positions,
) -> Result<AsOf<Option<AuctionRepresentation>>, Unavailable> {
    match portal.views.document(portal.partitions.of(auction.0), name(auction.0)).await {
        Ok(AsOf { positions, value }) => {
            Ok(AsOf { positions, value: value.map(AuctionRepresentation::of_view) })
        }
        Err(error) => {
            tracing::warn!(%error, %auction, "read model unavailable, reading auction from Postgres");
            load_from_store(portal, auction, required).await
        }
    }
}

/// Computes the auction from its events. Concurrent requests share one computation.
async fn load_from_store(
    portal: &IngressState,
    auction: AuctionId,
    required: &Positions,
) -> Result<AsOf<Option<AuctionRepresentation>>, Unavailable> {
    let is_fresh = |cached: &AsOf<Option<AuctionRepresentation>>| cached.positions.cover(required);
    let read = async || {
        // Read the heads before the events, so that the events include at least these positions.
        let positions = portal.consistency.current_heads().await?.within(&[portal.partitions.of(auction.0)]);
        let json = portal.auction_history.latest(auction).await?;
        Ok(AsOf { positions, value: json.map(AuctionRepresentation::of_store) })
    };
    portal.fallback_cache.get(auction, is_fresh, read).await
}

async fn show_version(portal: &IngressState, auction: AuctionId, version: u64) -> Result<Response, Problem> {
    match portal.auction_history.at_version(auction, version).await? {
        AtVersion::UnknownAuction => Err(unknown_auction()),
        AtVersion::NotReached { current } => {
            let detail = format!("the auction is at version {current} and has no version {version}");
            Err(Problem::new(&requests::UNKNOWN_VERSION, detail).with("current", current))
        }
        AtVersion::Found(json) => {
            let representation = Representation { etag: etag(&json), body: json.into(), next: None };
            let freshness =
                FreshnessHeaders { token: token(&Positions::default()), age: None, applied: None };
            let mut response =
                ReadModel { representation, freshness, scope: CacheScope::Public }.into_response();
            // An earlier state never changes, but another release may format it differently: no unlimited
            // caching.
            let cache_control = HeaderValue::from_static("max-age=3600");
            response.headers_mut().insert(header::CACHE_CONTROL, cache_control);
            Ok(response)
        }
    }
}

fn at_version(query: Option<&str>) -> Result<Option<u64>, Problem> {
    let mut version = None;
    for (name, value) in parameters(query) {
        match (name, value.parse()) {
            ("at_version", Ok(at)) if at > 0 && at <= i64::MAX.cast_unsigned() => version = Some(at),
            ("at_version", _) => return Err(invalid("at_version", "must be a version, at least 1")),
            (other, _) => return Err(unknown(other, "`at_version` and `consistency`")),
        }
    }
    Ok(version)
}
