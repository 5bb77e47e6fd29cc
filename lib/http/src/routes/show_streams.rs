//! `GET /streams`: statistics of every stream and its readers.

use super::paging::{invalid, parameters, read_partition, unknown};
use crate::openapi::schemas::{in_query, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::SharedState;
use auction_app::operator::stream_stats::{Rates, collect};
use auction_wire::PartitionId;
use auction_wire::operator_api::StreamsView;
use axum::Json;
use axum::extract::{RawQuery, State};
use std::time::Duration;

/// Maximum of `rates_over_ms`. The request takes that long.
const MAX_RATES_OVER_MS: u64 = 5000;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::get("show_streams", "/streams", show_streams)
        .summary(tag::OPERATORS, "Show stream statistics")
        .description(
            "Length, consumer groups, lag and owner of every stream. The values of one stream are from one \
             moment; different streams are read one after the other. Read-only.",
        )
        .parameter(in_query("partition", whole(0, Some(99)), "Include only this partition."))
        .parameter(in_query(
            "rates_over_ms",
            whole(0, Some(MAX_RATES_OVER_MS as usize)),
            "Read the statistics twice with this pause, in milliseconds, and calculate rates per second. \
             Without it there are no rates.",
        ))
        .response::<StreamsView>(200, "Stream statistics.")
        .problems(&[&requests::INVALID_REQUEST])
}

async fn show_streams(
    State(portal): State<SharedState>,
    RawQuery(query): RawQuery,
) -> Result<Json<StreamsView>, Problem> {
    let (mut partition, mut rates_over_ms) = (None, 0);
    for (name, value) in parameters(query.as_deref()) {
        let number = || value.parse::<u64>().map_err(|_| invalid(name, "must be a whole number"));
        match name {
            "partition" => partition = Some(read_partition(value)?),
            "rates_over_ms" => rates_over_ms = number()?,
            other => return Err(unknown(other, "`partition` and `rates_over_ms`")),
        }
    }
    if rates_over_ms > MAX_RATES_OVER_MS {
        let problem = format!("must be at most {MAX_RATES_OVER_MS}, is {rates_over_ms}");
        return Err(invalid("rates_over_ms", &problem));
    }
    let is_selected = |id: &PartitionId| partition.is_none_or(|partition| partition == id.0);
    let partitions: Vec<PartitionId> = portal.partitions.all().filter(is_selected).collect();
    let read = || collect(&*portal.stream_stats, &*portal.heads, &partitions);
    let before = read().await?;
    if rates_over_ms == 0 {
        return Ok(Json(before.view(&Rates::default())));
    }
    tokio::time::sleep(Duration::from_millis(rates_over_ms)).await;
    let now = read().await?;
    Ok(Json(now.view(&Rates::between(&before, &now))))
}
