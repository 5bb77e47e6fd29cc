//! `GET /streams`: how far everybody is with every stream, for operators.

use super::paging::{invalid, members, read_partition, unknown};
use crate::caller::Operator;
use crate::openapi::schemas::{in_query, whole};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::operator::stream_stats::{Rates, collect};
use auction_wire::PartitionId;
use auction_wire::operator_api::StreamsView;
use axum::Json;
use axum::extract::{RawQuery, State};
use std::time::Duration;

/// Rates are over at most so long.
const LONGEST_MS: u64 = 5000;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_streams", "/streams", show_streams::<P>)
        .summary(tag::OPERATORS, "Show how far everybody is with every stream")
        .about("And who works on it. Each stream by itself is seen at one moment. Looking changes nothing.")
        .by_an_operator()
        .takes(in_query("partition", whole(0, Some(99)), "Only in this partition."))
        .takes(in_query(
            "rates_over_ms",
            whole(0, Some(LONGEST_MS as usize)),
            "Looks twice, so long apart, and says how fast entries come and go.",
        ))
        .answers::<StreamsView>(200, "As it is seen now.")
        .problems(&[&requests::INVALID_REQUEST])
        .needs_servers()
}

async fn show_streams<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    RawQuery(query): RawQuery,
) -> Result<Json<StreamsView>, Problem> {
    let (mut partition, mut apart) = (None, 0);
    for (name, value) in members(query.as_deref()) {
        let number = || value.parse::<u64>().map_err(|_| invalid(name, "must be a whole number"));
        match name {
            "partition" => partition = Some(read_partition(value)?),
            "rates_over_ms" => apart = number()?,
            other => return Err(unknown(other, "`partition` and `rates_over_ms`")),
        }
    }
    if apart > LONGEST_MS {
        return Err(invalid("rates_over_ms", &format!("must be at most {LONGEST_MS}")));
    }
    let wanted = |one: &PartitionId| partition.is_none_or(|wanted| wanted == one.0);
    let partitions: Vec<PartitionId> = portal.partitions.all().filter(wanted).collect();
    let see = || collect(&portal.desk.progress, &portal.desk.heads, &partitions);
    let before = see().await?;
    if apart == 0 {
        return Ok(Json(before.view(&Rates::default())));
    }
    tokio::time::sleep(Duration::from_millis(apart)).await;
    let now = see().await?;
    Ok(Json(now.view(&Rates::between(&before, &now))))
}
