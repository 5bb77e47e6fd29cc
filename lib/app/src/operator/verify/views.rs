//! Comparison of the stored views with those rendered from a replay of the events.

use super::PartitionReport;
use super::replay::Replay;
use crate::ports::Unavailable;
use crate::ports::views::read_models::{ReadModelReader, ViewForm};
use crate::projector::ViewSet;
use crate::projector::views::{self, render_new_auction, render_user};
use auction_domain::{AuctionId, UserId};

/// Compares all views of a partition, byte for byte.
pub(super) async fn compare(
    views: &impl ReadModelReader,
    replay: &Replay,
    report: &mut PartitionReport,
) -> Result<(), Unavailable> {
    let text = String::from_utf8_lossy;
    for (name, expected) in render(replay).0 {
        let mut found = views.contents(report.partition, name).await?;
        *match name.form {
            ViewForm::Document => &mut report.documents,
            ViewForm::Entries => &mut report.entries,
            ViewForm::List => &mut report.listed,
        } += expected.len() as u64;
        for (field, expected) in expected {
            let subject = format!("{name} {field}");
            let subject = subject.trim_end();
            match found.remove(&field) {
                Some(found) if found == expected => {}
                Some(found) => {
                    let (found, expected) = (text(&found), text(&expected));
                    report.differs(format!("{subject}: found {found}, expected {expected}"));
                }
                None => report.differs(format!("{subject}: the view is missing")),
            }
        }
        if let Some(first) = found.keys().next() {
            report.differs(format!("{name}: {} unexpected entries, such as {first}", found.len()));
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
