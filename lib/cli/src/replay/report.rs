//! Summary and table of the results of a replay.

use super::history::History;
use super::run::{AuctionEnding, AuctionResult};
use super::{RunId, show_amount};
use crate::console::table;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Summary as printed with `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    auctions: u64,
    bids: u64,
    accepted: u64,
    refused: BTreeMap<String, u64>,
    accepted_below_highest: u64,
    accepted_not_leading: u64,
    winners_equal_to_closing_price: u64,
    /// Number of auctions that were not played to their end.
    unfinished: u64,
    malformed_rows: u64,
    run: RunId,
    seconds: f64,
}

pub(super) struct Report {
    pub(super) summary: Summary,
}

/// Data of a report besides the results.
pub(super) struct ReportContext<'a> {
    pub(super) history: &'a History,
    pub(super) run: RunId,
    pub(super) took: Duration,
}

impl Report {
    pub(super) fn new(results: &[AuctionResult<'_>], context: ReportContext<'_>) -> Report {
        let sum = |count: fn(&AuctionResult<'_>) -> u64| results.iter().map(count).sum();
        let mut refused = BTreeMap::new();
        for (reason, count) in results.iter().flat_map(|result| &result.tally.refused) {
            *refused.entry(reason.clone()).or_default() += count;
        }
        let summary = Summary {
            auctions: results.len() as u64,
            bids: context.history.bids(),
            accepted: sum(|result| result.tally.accepted),
            refused,
            accepted_below_highest: sum(|result| result.tally.below_highest),
            accepted_not_leading: sum(|result| result.tally.not_leading),
            winners_equal_to_closing_price: sum(|result| u64::from(has_recorded_price(result))),
            unfinished: sum(|result| u64::from(result.ending.is_err())),
            malformed_rows: context.history.malformed,
            run: context.run,
            seconds: (context.took.as_secs_f64() * 100.0).round() / 100.0,
        };
        Report { summary }
    }

    /// Returns the table of auctions, and the totals.
    pub(super) fn lines(&self, results: &[AuctionResult<'_>], currency: &str) -> Vec<String> {
        let head = ["auction", "item", "bids", "accepted", "winner", "price", "recorded", ""];
        let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec())
            .chain(results.iter().map(|result| row(result, currency)))
            .collect();
        let mut lines = table(&rows, &[false, false, true, true, false, true, true]);
        lines.push(String::new());
        lines.extend(self.totals());
        lines
    }

    fn totals(&self) -> Vec<String> {
        let summary = &self.summary;
        let mut rows = vec![
            (summary.auctions, "auctions".to_owned()),
            (summary.bids, "bids".to_owned()),
            (summary.accepted, "accepted".to_owned()),
            (summary.accepted_below_highest, "accepted below the highest bid".to_owned()),
            (summary.accepted_not_leading, "accepted without taking the lead".to_owned()),
        ];
        rows.extend(summary.refused.iter().map(|(reason, count)| (*count, format!("refused: {reason}"))));
        rows.push((summary.winners_equal_to_closing_price, "prices equal to the recorded price".to_owned()));
        rows.extend(
            (summary.malformed_rows > 0).then(|| (summary.malformed_rows, "malformed rows".to_owned())),
        );
        rows.extend((summary.unfinished > 0).then(|| (summary.unfinished, "unfinished auctions".to_owned())));
        let rows: Vec<_> = rows.into_iter().map(|(count, label)| vec![count.to_string(), label]).collect();
        let mut lines = table(&rows, &[true]);
        lines.push(format!("in {} s, replay {}", summary.seconds, summary.run));
        lines
    }
}

fn has_recorded_price(result: &AuctionResult<'_>) -> bool {
    matches!(&result.ending, Ok(AuctionEnding::Won { price, .. }) if *price == result.auction.closing_price)
}

fn row(result: &AuctionResult<'_>, currency: &str) -> Vec<String> {
    let auction = result.auction;
    let (winner, price) = match &result.ending {
        Ok(AuctionEnding::Won { bidder, price }) => (bidder.clone(), show_amount(*price, currency)),
        Ok(AuctionEnding::Unsold(reason)) => (format!("unsold: {reason}"), String::new()),
        Err(_) => ("unfinished".to_owned(), String::new()),
    };
    let differs = result.ending.is_ok() && !has_recorded_price(result);
    vec![
        auction.name.clone(),
        shorten(&auction.item),
        auction.bids.len().to_string(),
        result.tally.accepted.to_string(),
        winner,
        price,
        show_amount(auction.closing_price, currency),
        if differs { "differs".to_owned() } else { String::new() },
    ]
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(32) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Maximum number of unfinished auctions that are listed.
const MAX_LISTED: usize = 20;

/// Returns a line per unfinished auction.
pub(super) fn unfinished(results: &[AuctionResult<'_>]) -> Vec<String> {
    let lines = results.iter().filter_map(|result| {
        let error = result.ending.as_ref().err()?;
        let (decided, bids) = (result.tally.decided(), result.auction.bids.len());
        Some(format!(
            "auction {} is unfinished, {decided} of {bids} bids decided: {error}",
            result.auction.name
        ))
    });
    let mut lines: Vec<String> = lines.collect();
    if lines.len() > MAX_LISTED {
        let more = lines.len() - MAX_LISTED;
        lines.truncate(MAX_LISTED);
        lines.push(format!("and {more} more auctions are unfinished"));
    }
    lines
}
