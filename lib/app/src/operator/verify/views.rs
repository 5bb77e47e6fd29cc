//! Comparison of the stored views with those rendered from a replay of the events.

use super::replay::Replay;
use super::{CHUNK, PartitionReport};
use crate::ports::Unavailable;
use crate::ports::views::read_models::{ListRange, Order, PageQuery, ReadModelReader, ViewName};
use crate::projector::ViewSet;
use crate::projector::views::{self, render_new_auction, render_user};
use auction_domain::{AuctionId, UserId};
use std::collections::BTreeSet;

/// Compares all views of a partition, byte for byte.
pub(super) async fn compare(
    views: &impl ReadModelReader,
    replay: &Replay,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let ViewSet { documents, entries, lists } = render(replay);
    for (name, expected) in documents {
        let found = views.document(report.partition, name).await?.value.map(|found| found.json);
        report.documents += 1;
        compare_bytes(report, &name.to_string(), found, &expected);
    }
    for (name, expected) in entries {
        let mut found = views.entries(report.partition, name).await?;
        report.entries += expected.len() as u64;
        for (field, expected) in expected {
            compare_bytes(report, &format!("{name}, entry {field}"), found.remove(&field), &expected);
        }
        if !found.is_empty() {
            report.differs(format!("{name}: {} unexpected entries", found.len()));
        }
    }
    for (name, expected) in lists {
        let found = read_list(views, report, name).await?;
        report.listed += expected.len() as u64;
        if let Some(first) = expected.symmetric_difference(&found).next() {
            let is_expected = if expected.contains(first) { "missing" } else { "unexpected" };
            let (found, expected) = (found.len(), expected.len());
            report.differs(format!("{name}: {found} members, expected {expected}; {first} is {is_expected}"));
        }
    }
    Ok(())
}

/// Renders all views of a partition.
fn render(replay: &Replay) -> ViewSet {
    let (mut rendered, mut writes) = (views::empty(), Vec::new());
    for (id, projection) in &replay.auctions {
        let Some(projection) = projection else { continue };
        render_new_auction(AuctionId(*id), projection, &mut writes);
        writes.drain(..).for_each(|write| rendered.write(write));
    }
    for (id, user) in &replay.users {
        render_user(UserId(*id), user.created_at, user.deleted, &mut writes);
    }
    writes.into_iter().for_each(|write| rendered.write(write));
    rendered
}

async fn read_list(
    views: &impl ReadModelReader,
    report: &PartitionReport,
    list: ViewName,
) -> Result<BTreeSet<String>, Unavailable> {
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let query = PageQuery {
            partition: Some(report.partition),
            owner: None,
            list: ListRange::Members { list, prefix: String::new(), order: Order::Ascending, after },
            limit: CHUNK,
            parts: Vec::new(),
            field: str::to_owned,
        };
        let page = views.page(&query).await?.value.unwrap_or_default();
        found.extend(page.members.into_iter().map(|member| member.text));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn compare_bytes(report: &mut PartitionReport, subject: &str, found: Option<Vec<u8>>, expected: &[u8]) {
    let text = String::from_utf8_lossy;
    match found {
        Some(found) if found == expected => {}
        Some(found) => {
            report.differs(format!("{subject}: found {}, expected {}", text(&found), text(expected)));
        }
        None => report.differs(format!("{subject}: the view is missing")),
    }
}
