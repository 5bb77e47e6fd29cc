//! `portal draws`: were bids drawn as promised?

use crate::operator::ServersArgs;
use crate::process::ProcessError;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::promoter::verify::{DrawAudit, DrawsReport, verify};
use auction_app::writer::aggregate_cache::LoadError;
use auction_domain::AuctionId;
use clap::{Args, Subcommand};
use std::fmt::Write;
use uuid::Uuid;

/// `portal draws`
#[derive(Debug, Args)]
pub struct DrawsArgs {
    #[command(subcommand)]
    command: DrawsCommand,
}

#[derive(Debug, Subcommand)]
enum DrawsCommand {
    /// Hold all draws of an auction again, from its events, and compare
    Verify(VerifyDrawsArgs),
}

#[derive(Debug, Args)]
struct VerifyDrawsArgs {
    /// Of which auction.
    auction: Uuid,
    #[command(flatten)]
    servers: ServersArgs,
}

/// Returns what there is to read, and whether the draws are as promised.
pub async fn run(args: DrawsArgs) -> Result<(String, bool), ProcessError> {
    let DrawsCommand::Verify(VerifyDrawsArgs { auction, servers }) = args.command;
    let portal = servers.connect()?;
    let verified = async { verify(&mut portal.connections.stores.open().await?, AuctionId(auction)).await };
    let report = match verified.await {
        Err(LoadError::Unavailable(error)) => return Err(portal.backend_error(&error)),
        report => report?,
    };
    Ok((text(&report), report.verdict() == DrawAudit::Right))
}

fn text(report: &DrawsReport) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    if !report.draws.is_empty() {
        let _ = writeln!(text, "   draw   version  settings  eligible  drawn");
    }
    for draw in &report.draws {
        let drawn = draw.chosen.map_or("nobody".to_owned(), |bid| bid.to_string());
        let (number, version, settings) = (draw.number, draw.at_version, draw.settings_version);
        let _ = writeln!(text, "{number:>7} {version:>9} {settings:>9} {:>9}  {drawn}", draw.eligible);
    }
    for (first, last) in &report.missed {
        let _ = writeln!(text, "draws {first} to {last} were not held in time");
    }
    for finding in &report.findings {
        let _ = writeln!(text, "wrong: {finding}");
    }
    let verdict = match report.verdict() {
        DrawAudit::Right => "every draw on record was held as promised",
        DrawAudit::Wrong => "the draws were NOT held as promised",
        DrawAudit::NotRevealed => {
            "nothing is wrong so far; who was drawn can be checked when the auction is over and its seed revealed"
        }
        DrawAudit::NotPromoted => "there is no such auction, or it has no draws",
    };
    let _ = writeln!(text, "{verdict}");
    text
}
