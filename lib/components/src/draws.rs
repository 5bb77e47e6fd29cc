//! `portal draws`: verification of the draws of an auction.

use crate::operator::{BackendArgs, CommandOutput};
use crate::process::{ProcessError, Running};
use auction_app::consume::stored_events::LoadError;
use auction_app::ports::events::event_store::EventStoreConnector;
use auction_app::promoter::verify::{DrawAudit, DrawsReport, verify};
use auction_domain::AuctionId;
use clap::{Args, Subcommand};
use std::fmt::Write;
use uuid::Uuid;

#[derive(Debug, Args)]
pub struct DrawsArgs {
    #[command(subcommand)]
    command: DrawsCommand,
}

#[derive(Debug, Subcommand)]
enum DrawsCommand {
    /// Recompute all draws of an auction from its events, and compare them with the recorded ones
    Verify(VerifyDrawsArgs),
}

#[derive(Debug, Args)]
struct VerifyDrawsArgs {
    /// Id of the auction
    auction: Uuid,
    #[command(flatten)]
    backends: BackendArgs,
}

/// Runs `portal draws`. Succeeds if all draws are correct.
pub fn run(args: DrawsArgs) -> Running<CommandOutput> {
    Box::pin(execute(args))
}

async fn execute(args: DrawsArgs) -> Result<CommandOutput, ProcessError> {
    let DrawsCommand::Verify(VerifyDrawsArgs { auction, backends }) = args.command;
    let context = backends.connect().await?;
    let verified = async { verify(&mut context.connections.stores.open().await?, AuctionId(auction)).await };
    let report = match verified.await {
        Err(LoadError::Unavailable(error)) => return Err(context.backend_error(&error)),
        report => report?,
    };
    Ok(CommandOutput { text: text(&report), success: report.audit() == DrawAudit::Right })
}

fn text(report: &DrawsReport) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    if !report.draws.is_empty() {
        let _ = writeln!(text, "   draw   version  settings  eligible  drawn");
    }
    for draw in &report.draws {
        let drawn = draw.chosen.map_or("none".to_owned(), |bid| bid.to_string());
        let (number, version, settings) = (draw.number, draw.at_version, draw.settings_version);
        let _ = writeln!(text, "{number:>7} {version:>9} {settings:>9} {:>9}  {drawn}", draw.eligible);
    }
    for (first, last) in &report.missed {
        let _ = writeln!(text, "draws {first} to {last} were missed");
    }
    for finding in &report.findings {
        let _ = writeln!(text, "wrong: {finding}");
    }
    let result = match report.audit() {
        DrawAudit::Right => "all recorded draws match the commitment",
        DrawAudit::Wrong => "the recorded draws do NOT match the commitment",
        DrawAudit::NotRevealed => {
            "no error found so far; the drawn bids can be verified after the auction, when its seed is revealed"
        }
        DrawAudit::NotPromoted => "this auction does not exist, or has no draws",
    };
    let _ = writeln!(text, "{result}");
    text
}
