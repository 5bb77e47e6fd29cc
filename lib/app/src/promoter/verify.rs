//! Verifies the draws of an auction by recomputing them from its events.

use super::{DrawInput, DrawOptions, PromotedAuction};
use crate::consume::stored_events::{LoadError, read_event};
use crate::ports::events::event_store::EventStore;
use auction_domain::auction::{AuctionEvent, Draw, Seed, Status};
use auction_domain::promoter::{PROMOTER_SETTINGS, PromoterEvent};
use auction_domain::{AuctionId, BidId, DurationMs, Timestamp};
use auction_wire::{CommandId, Event, EventRecord};
use std::collections::BTreeMap;

/// Time after which every promoter must use changed settings.
const SETTINGS_GRACE: DurationMs = DurationMs::seconds(60);

/// Result of verifying the draws of an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawAudit {
    /// Every draw matches the commitment, or is recorded as missed.
    Right,
    /// Something does not match; see the findings.
    Wrong,
    /// No mismatch so far. The results can be verified when the seed is revealed, after the auction.
    NotRevealed,
    /// The auction does not exist or has no draws.
    NotPromoted,
}

/// Report on the draws of one auction.
#[derive(Debug, Default)]
pub struct DrawsReport {
    /// Recorded draws, in order.
    pub draws: Vec<Draw>,
    /// Ranges of missed draws: first and last number.
    pub missed: Vec<(u64, u64)>,
    /// The seed, after it is revealed.
    pub seed: Option<Seed>,
    /// Mismatches, one sentence each.
    pub findings: Vec<String>,
    promoted: bool,
}

impl DrawsReport {
    /// Returns the overall result.
    pub fn audit(&self) -> DrawAudit {
        match (self.promoted, self.findings.is_empty(), self.seed) {
            (_, false, _) => DrawAudit::Wrong,
            (false, ..) => DrawAudit::NotPromoted,
            (true, _, None) => DrawAudit::NotRevealed,
            (true, _, Some(_)) => DrawAudit::Right,
        }
    }
}

/// Loads an auction and the promoter settings, and verifies the draws.
pub async fn verify(store: &mut impl EventStore, auction: AuctionId) -> Result<DrawsReport, LoadError> {
    let settings = store.history(&[PROMOTER_SETTINGS], u64::MAX).await?;
    let history = store.history(&[auction.0], u64::MAX).await?;
    verify_history(auction, &history, &settings)
}

/// Verifies the draws from the events of the auction and of the promoter settings.
pub fn verify_history(
    auction: AuctionId,
    history: &[EventRecord],
    settings: &[EventRecord],
) -> Result<DrawsReport, LoadError> {
    let mut set = BTreeMap::new();
    for record in settings {
        if let Event::Promoter(PromoterEvent::PromoterSettingsChanged { options, .. }) = read_event(record)? {
            set.insert(record.version, (record.at, options.as_str().to_owned()));
        }
    }
    let mut replay = DrawReplay { settings: set, ..DrawReplay::default() };
    for (record, version) in history.iter().zip(1..) {
        if record.version != version {
            replay.add_finding(format!("event {version} of the auction is missing"));
            break;
        }
        if let Event::Auction(event) = read_event(record)? {
            replay.apply(auction, &event, record);
        }
    }
    replay.finish();
    Ok(replay.report)
}

/// Replay of an auction with its draws.
#[derive(Default)]
struct DrawReplay {
    report: DrawsReport,
    promoted: Option<PromotedAuction>,
    /// Recorded draws with their recomputed inputs.
    inputs: Vec<(Draw, DrawInput)>,
    /// Bid that must be doubled by the next event, and the command that causes it.
    expected_doubling: Option<(BidId, CommandId)>,
    /// Promoter settings by version: time of the change, and the options.
    settings: BTreeMap<u64, (Timestamp, String)>,
}

impl DrawReplay {
    fn add_finding(&mut self, finding: String) {
        self.report.findings.push(finding);
    }

    fn apply(&mut self, id: AuctionId, event: &AuctionEvent, record: &EventRecord) {
        let Some(promoted) = &mut self.promoted else {
            self.promoted = PromotedAuction::created(id, event, record.at);
            self.report.promoted = self.promoted.is_some();
            return;
        };
        promoted.advance_to(record.at);
        self.check_doubling(event, record.cause);
        match event {
            AuctionEvent::DrawHeld(draw) => self.check_draw(draw, record),
            AuctionEvent::DrawsMissed { first, last } => {
                self.check_next(*first);
                if last < first {
                    self.add_finding(format!(
                        "draws {first} to {last} are recorded as missed, but the range is invalid"
                    ));
                }
                self.report.missed.push((*first, *last));
            }
            AuctionEvent::SeedRevealed { seed } => self.report.seed = Some(*seed),
            _ => {}
        }
        if let Some(promoted) = &mut self.promoted {
            promoted.apply(event, record.at);
        }
    }

    /// Checks that a drawn bid is doubled by the next event, and that no other bid is doubled.
    fn check_doubling(&mut self, event: &AuctionEvent, cause: CommandId) {
        let expected = self.expected_doubling.take();
        match event {
            AuctionEvent::BidDoubled { bid, .. } => {
                if expected != Some((*bid, cause)) {
                    self.add_finding(format!("bid {bid} was doubled but not drawn"));
                }
            }
            _ => {
                if let Some((bid, _)) = expected {
                    self.add_finding(format!("bid {bid} was drawn but not doubled"));
                }
            }
        }
    }

    /// Checks that draw numbers are consecutive.
    fn check_next(&mut self, number: u64) {
        let recorded = self.promoted.as_ref().map_or(0, |promoted| promoted.auction().draws().recorded);
        if number != recorded + 1 {
            self.add_finding(format!(
                "draw {number} follows draw {recorded}: the draws between them are not recorded"
            ));
        }
    }

    fn check_draw(&mut self, draw: &Draw, record: &EventRecord) {
        self.check_next(draw.number);
        let Some(promoted) = &self.promoted else { return };
        let (number, auction) = (draw.number, promoted.auction());
        let due = auction.terms().draws_due(record.at);
        let input = promoted.draw_input(number);
        let bid = draw.chosen.and_then(|bid| auction.bid(bid));
        self.expected_doubling =
            bid.filter(|bid| bid.is_active() && !bid.is_doubled()).map(|bid| (bid.id, record.cause));
        let mut found = Vec::new();
        if due != number || record.at >= auction.ends_at() {
            found.push(format!("draw {number} was held when draw {due} was due"));
        }
        if draw.at_version != input.at_version {
            let (at, right) = (draw.at_version, input.at_version);
            found.push(format!("draw {number} used version {at} of the auction instead of version {right}"));
        }
        found.extend(self.wrong_settings(draw, auction.terms().draw_due_at(number), record.at));
        self.report.findings.extend(found);
        self.report.draws.push(draw.clone());
        self.inputs.push((draw.clone(), input));
    }

    /// Checks the settings version of a draw: it must have been set before the draw, and must not have been
    /// replaced long before it.
    fn wrong_settings(&self, draw: &Draw, due_at: Timestamp, at: Timestamp) -> Option<String> {
        let (number, version) = (draw.number, draw.settings_version);
        let set = self.settings.get(&version).filter(|(set_at, _)| *set_at <= at);
        if version > 0 && set.is_none_or(|(_, options)| !same_options(options, draw.options.as_str())) {
            return Some(format!(
                "draw {number} refers to version {version} of the settings but used other options"
            ));
        }
        let long_before = |set: &(&u64, &(Timestamp, String))| set.1.0 <= due_at - SETTINGS_GRACE;
        let oldest = self.settings.iter().take_while(long_before).last().map_or(0, |(version, _)| *version);
        (version < oldest).then(|| {
            format!(
                "draw {number} used version {version} of the settings, which version {oldest} had replaced"
            )
        })
    }

    /// Runs the checks that need all events.
    fn finish(&mut self) {
        if let Some((bid, _)) = self.expected_doubling.take() {
            self.add_finding(format!("bid {bid} was drawn but not doubled"));
        }
        let Some(promoted) = &self.promoted else { return };
        let auction = promoted.auction();
        let (promotion, status) = (auction.terms().promotion, auction.status());
        let (recorded, total) = (auction.draws().recorded, auction.total_draws());
        let Some(seed) = self.report.seed else { return };
        if status == Status::Open {
            self.add_finding("the seed was revealed while the auction was open".to_owned());
        }
        if recorded != total {
            self.add_finding(format!("{recorded} draws are recorded instead of {total}"));
        }
        if promotion.is_some_and(|promotion| !promotion.commitment.commits_to(&seed)) {
            self.add_finding("the seed does not match the commitment of the auction".to_owned());
        }
        for (draw, input) in std::mem::take(&mut self.inputs) {
            self.report.findings.extend(find_difference(&draw, &input, seed));
        }
    }
}

/// Returns whether two option texts have the same meaning. Earlier versions wrote some options under another
/// name.
fn same_options(a: &str, b: &str) -> bool {
    a == b
        || matches!((DrawOptions::read(a, 0), DrawOptions::read(b, 0)), (Ok(a), Ok(b)) if a.text() == b.text())
}

/// Returns the first difference between a recorded draw and the recomputed one.
fn find_difference(draw: &Draw, input: &DrawInput, seed: Seed) -> Option<String> {
    let number = draw.number;
    let options = match DrawOptions::read(draw.options.as_str(), draw.settings_version) {
        Ok(options) => options,
        Err(error) => return Some(format!("draw {number} used invalid options: {error}")),
    };
    let recomputed = match input.hold(&options, seed) {
        Ok(draw) => draw,
        Err(error) => return Some(format!("draw {number} used invalid options: {error}")),
    };
    let name = |bid: Option<BidId>| bid.map_or("no bid".to_owned(), |bid| format!("bid {bid}"));
    if recomputed.chosen != draw.chosen {
        return Some(format!(
            "draw {number} must select {}, but selected {}",
            name(recomputed.chosen),
            name(draw.chosen)
        ));
    }
    if recomputed.eligible != draw.eligible {
        return Some(format!(
            "draw {number} has {} eligible bids, but recorded {}",
            recomputed.eligible, draw.eligible
        ));
    }
    (recomputed.proof != draw.proof).then(|| format!("the proof of draw {number} does not match the events"))
}
