//! Check of the draws, as `portal draws verify` does it.

use crate::Failure;
use crate::checker::Check;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::promoter::verify::{DrawAudit, verify};
use auction_domain::AuctionId;
use auction_postgres::PostgresStoreConnector;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Time limit for revealing the seeds, which happens after the auctions are closed.
const TIMEOUT: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Checks the draws of auctions that are promoted and closed.
pub(crate) async fn check(database_url: &str, auctions: &[Uuid]) -> Result<Check, Failure> {
    let mut check = Check::new("the draws of every auction match its commitment");
    let mut store = PostgresStoreConnector::new(database_url)?.open().await?;
    let began = Instant::now();
    for auction in auctions {
        let mut report = verify(&mut store, AuctionId(*auction)).await?;
        while report.audit() == DrawAudit::NotRevealed && began.elapsed() < TIMEOUT {
            tokio::time::sleep(POLL_INTERVAL).await;
            report = verify(&mut store, AuctionId(*auction)).await?;
        }
        let audit = report.audit();
        check.verify(audit == DrawAudit::Right, || {
            format!("auction {auction}: {audit:?}, findings: {:?}", report.findings)
        });
    }
    Ok(check)
}
