//! `GET /auction/{id}`: the auction and its standing, byte for byte as the projector wrote it; what time it is stands
//! in `Server-Time`. While Redis is away it is told from the store. With `?at_version=` it is as it was then.

use super::paging::{invalid, members, unknown};
use super::{InPath, SERVER_TIME, auction_in, unknown_auction};
use crate::consistency::{
    CONSISTENCY_TOKEN, Consistency, ConsistentRead, FreshnessHeaders, PartitionScope, token,
};
use crate::if_match::etag;
use crate::openapi::schemas::{self, in_path, in_query, pattern, uuid, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::read_model::{AuctionRepresentation, CacheScope, ReadModel, Representation};
use crate::state::{IngressState, Ports, SharedState, StateExtractor};
use auction_app::ingress::auction_history::AtVersion;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, ReadModelReader};
use auction_domain::AuctionId;
use auction_wire::view::AuctionView;
use auction_wire::{Positions, time};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    let then =
        "As it was at that version, told from its events. Neither waits nor says how fresh anything is.";
    Endpoint::get("show_auction", "/auction/{id}", show_auction::<P>)
        .by_everybody()
        .summary(tag::AUCTIONS, "Show an auction")
        .about("With its best bids and its winner.")
        .takes(in_path("id", uuid(), "The auction."))
        .takes(in_query("at_version", whole(1, Some(isize::MAX.unsigned_abs())), then))
        .answers::<AuctionView>(200, "The auction.")
        .problems(&[&refusals::UNKNOWN_AUCTION, &requests::UNKNOWN_VERSION])
        .reads_a_view()
        .with_header(
            200,
            "ETag",
            schemas::header(pattern("^\"[0-9]+-.*\"$"), "Begins with its version, for `If-Match`."),
        )
        .with_header(
            200,
            "Server-Time",
            schemas::header(schemas::time(), "What the portal's clock says: compare `ends_at` with it."),
        )
}

async fn show_auction<P: Ports>(
    State(portal): StateExtractor<P>,
    consistency: Consistency,
    InPath(auction): InPath<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let auction = AuctionId(auction_in(&auction)?);
    match at_version(query.as_deref())? {
        None => as_it_is(&portal, auction, &consistency).await,
        // Few ask for that: the others need no room for it.
        Some(version) => Box::pin(as_it_was(&portal, auction, version)).await,
    }
}

async fn as_it_is<P: Ports>(
    portal: &IngressState<P>,
    auction: AuctionId,
    consistency: &Consistency,
) -> Result<Response, Problem> {
    let partition = portal.partitions.of(auction.0);
    let read = |wanted: Positions| async move {
        let is_fresh = |kept: &AsOf<Option<AuctionRepresentation>>| kept.positions.cover(&wanted);
        portal.auctions.get(auction, is_fresh, || read_now(portal, auction, &wanted)).await
    };
    let ConsistentRead { shown: read, mut fresh, .. } =
        consistency.read(portal, PartitionScope::One(partition), read).await?;
    let none = || unknown_auction().with_header(CONSISTENCY_TOKEN, fresh.token.clone());
    let read = read.ok_or_else(none)?;
    let now = HeaderValue::from_str(&time::format(read.now()));
    if read.from_store {
        fresh.age = Some(Duration::ZERO);
    }
    let mut response = ReadModel { shown: read.shown, fresh, whose: CacheScope::Public }.into_response();
    if let Ok(now) = now {
        response.headers_mut().insert(SERVER_TIME, now);
    }
    Ok(response)
}

async fn read_now<P: Ports>(
    portal: &IngressState<P>,
    auction: AuctionId,
    wanted: &Positions,
) -> Result<AsOf<Option<AuctionRepresentation>>, Unavailable> {
    match portal.views.auction(portal.partitions.of(auction.0), auction).await {
        Ok(AsOf { positions, shown }) => {
            Ok(AsOf { positions, shown: shown.map(AuctionRepresentation::of_view) })
        }
        Err(away) => {
            tracing::warn!(error = %away, %auction, "an auction is told from the store");
            told(portal, auction, wanted).await
        }
    }
}

/// From its events, for everybody who asks in a moment.
async fn told<P: Ports>(
    portal: &IngressState<P>,
    auction: AuctionId,
    wanted: &Positions,
) -> Result<AsOf<Option<AuctionRepresentation>>, Unavailable> {
    let is_fresh = |kept: &AsOf<Option<AuctionRepresentation>>| kept.positions.cover(wanted);
    let tell = async || {
        // Before the events: what is told is at least as fresh.
        let positions = portal.freshness.current_heads().await?.within(&[portal.partitions.of(auction.0)]);
        let json = portal.from_store.latest(auction).await?;
        Ok(AsOf { positions, shown: json.map(AuctionRepresentation::of_store) })
    };
    portal.told.get(auction, is_fresh, tell).await
}

async fn as_it_was<P: Ports>(
    portal: &IngressState<P>,
    auction: AuctionId,
    version: u64,
) -> Result<Response, Problem> {
    match portal.from_store.at_version(auction, version).await? {
        AtVersion::Unknown => Err(unknown_auction()),
        AtVersion::NotYet { current } => {
            let detail = format!("the auction is at version {current}; {version} is still to come");
            Err(Problem::new(&requests::UNKNOWN_VERSION, detail).with("current", current))
        }
        AtVersion::Shown(json) => {
            let shown = Representation { etag: etag(&json), body: json.into(), next: None };
            let fresh = FreshnessHeaders { token: token(&Positions::default()), age: None, applied: None };
            let mut response = ReadModel { shown, fresh, whose: CacheScope::Public }.into_response();
            // What was does not change; how a release writes it may.
            let kept = HeaderValue::from_static("max-age=3600");
            response.headers_mut().insert(header::CACHE_CONTROL, kept);
            Ok(response)
        }
    }
}

fn at_version(query: Option<&str>) -> Result<Option<u64>, Problem> {
    let mut version = None;
    for (name, value) in members(query) {
        match (name, value.parse()) {
            ("at_version", Ok(at)) if at > 0 && at <= i64::MAX.cast_unsigned() => version = Some(at),
            ("at_version", _) => return Err(invalid("at_version", "must be a version, from 1")),
            (other, _) => return Err(unknown(other, "`at_version` and `consistency`")),
        }
    }
    Ok(version)
}
