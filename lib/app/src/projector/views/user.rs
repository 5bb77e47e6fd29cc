//! The body of `GET /user/{id}`.

use super::{document, json};
use crate::ports::Unavailable;
use crate::ports::views::read_models::{AsOf, ReadModelReader, ReadModelWrite, ViewName};
use auction_domain::{Timestamp, UserId};
use auction_wire::PartitionId;
use auction_wire::view::UserView;

pub fn name(user: UserId) -> ViewName {
    document("user", user.0)
}

pub(super) fn render(id: UserId, created_at: Timestamp, deleted: bool, writes: &mut Vec<ReadModelWrite>) {
    let view = UserView { id: id.0, created_at: created_at.into(), deleted };
    writes.push(ReadModelWrite::document(name(id), json(&view)));
}

/// Returns the view of a user; `None` if there is no such user.
pub async fn read(
    views: &dyn ReadModelReader,
    partition: PartitionId,
    user: UserId,
) -> Result<AsOf<Option<Vec<u8>>>, Unavailable> {
    let AsOf { positions, value } = views.document(partition, name(user)).await?;
    Ok(AsOf { positions, value: value.map(|document| document.json) })
}
