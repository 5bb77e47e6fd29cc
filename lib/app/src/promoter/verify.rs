//! All draws of an auction are held again, from nothing but its events.

use super::{DrawInput, Options, PromotedAuction};
use crate::ports::events::event_store::EventStore;
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::auction::{AuctionEvent, Draw, Seed, Status};
use auction_domain::promoter::{PROMOTER_SETTINGS, PromoterEvent};
use auction_domain::{AuctionId, BidId, DurationMs, Timestamp};
use auction_wire::{CommandId, Event, EventRecord};
use std::collections::BTreeMap;

/// After so long every promoter holds draws by new settings.
const SETTINGS_ARRIVE: DurationMs = DurationMs::seconds(60);

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawAudit {
    /// Every draw was held as promised, or is on record as missed.
    Right,
    /// Something is not as promised; the findings say what.
    Wrong,
    /// Nothing is wrong so far, but the seed is not known before the auction is over.
    NotRevealed,
    /// There is no such auction, or it has no draws.
    NotPromoted,
}

/// What was found out of the draws of one auction.
#[derive(Debug, Default)]
pub struct DrawsReport {
    /// The draws, as they are recorded.
    pub draws: Vec<Draw>,
    /// First and last number of draws that were not held in time.
    pub missed: Vec<(u64, u64)>,
    /// The seed, if it is revealed.
    pub seed: Option<Seed>,
    /// What is not as promised, one sentence each.
    pub findings: Vec<String>,
    promoted: bool,
}

impl DrawsReport {
    /// What it comes to.
    pub fn verdict(&self) -> DrawAudit {
        match (self.promoted, self.findings.is_empty(), self.seed) {
            (_, false, _) => DrawAudit::Wrong,
            (false, ..) => DrawAudit::NotPromoted,
            (true, _, None) => DrawAudit::NotRevealed,
            (true, _, Some(_)) => DrawAudit::Right,
        }
    }
}

/// Reads an auction and the promoter's settings, and holds the draws again.
pub async fn verify(store: &mut impl EventStore, auction: AuctionId) -> Result<DrawsReport, LoadError> {
    let settings = store.history(&[PROMOTER_SETTINGS], u64::MAX).await?;
    let history = store.history(&[auction.0], u64::MAX).await?;
    verify_history(auction, &history, &settings)
}

/// The same, from events in hand: those of the auction, and those of the promoter's settings.
pub fn verify_history(
    auction: AuctionId,
    history: &[EventRecord],
    settings: &[EventRecord],
) -> Result<DrawsReport, LoadError> {
    let mut set = BTreeMap::new();
    for record in settings {
        if let Event::Promoter(PromoterEvent::PromoterSettingsChanged { options }) = read_event(record)? {
            set.insert(record.version, (record.at, options.as_str().to_owned()));
        }
    }
    let mut again = Again { set, ..Again::default() };
    for (record, version) in history.iter().zip(1..) {
        if record.version != version {
            again.finds(format!("event {version} of the auction is not there"));
            break;
        }
        if let Event::Auction(event) = read_event(record)? {
            again.follow(auction, &event, record);
        }
    }
    again.finish();
    Ok(again.report)
}

/// The auction once more.
#[derive(Default)]
struct Again {
    report: DrawsReport,
    promoted: Option<PromotedAuction>,
    /// What each recorded draw looked at.
    looks: Vec<(Draw, DrawInput)>,
    /// What the last draw must be followed by.
    doubles: Option<(BidId, CommandId)>,
    /// By version of the settings.
    set: BTreeMap<u64, (Timestamp, String)>,
}

impl Again {
    fn finds(&mut self, what: String) {
        self.report.findings.push(what);
    }

    fn follow(&mut self, id: AuctionId, event: &AuctionEvent, record: &EventRecord) {
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
                    self.finds(format!("draws {first} to {last} are said to be missed"));
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

    /// After a draw its bid is doubled, and never without one.
    fn check_doubling(&mut self, event: &AuctionEvent, cause: CommandId) {
        let expected = self.doubles.take();
        match event {
            AuctionEvent::BidDoubled { bid, .. } => {
                if expected != Some((*bid, cause)) {
                    self.finds(format!("bid {bid} was doubled without being drawn"));
                }
            }
            _ => {
                if let Some((bid, _)) = expected {
                    self.finds(format!("bid {bid} was drawn and not doubled"));
                }
            }
        }
    }

    /// Draws are on record one after the other.
    fn check_next(&mut self, number: u64) {
        let recorded = self.promoted.as_ref().map_or(0, |promoted| promoted.auction().draws().recorded);
        if number != recorded + 1 {
            self.finds(format!("after draw {recorded} comes {number}: what is between is not on record"));
        }
    }

    fn check_draw(&mut self, draw: &Draw, record: &EventRecord) {
        self.check_next(draw.number);
        let Some(promoted) = &self.promoted else { return };
        let (number, auction) = (draw.number, promoted.auction());
        let due = auction.terms().draws_due(record.at);
        let look = promoted.draw_input(number);
        let bid = draw.chosen.and_then(|bid| auction.bid(bid));
        self.doubles = bid.filter(|bid| bid.is_live() && !bid.is_doubled()).map(|bid| (bid.id, record.cause));
        let mut found = Vec::new();
        if due != number || record.at >= auction.ends_at() {
            found.push(format!("draw {number} was held when draw {due} was due"));
        }
        if draw.at_version != look.at_version {
            let (at, right) = (draw.at_version, look.at_version);
            found.push(format!("draw {number} looked at version {at}, it was due at {right}"));
        }
        found.extend(self.wrong_settings(draw, auction.terms().draw_due_at(number), record.at));
        self.report.findings.extend(found);
        self.report.draws.push(draw.clone());
        self.looks.push((draw.clone(), look));
    }

    /// A draw says by which version of the settings it was held. It must have been set by then, and not be
    /// replaced for long.
    fn wrong_settings(&self, draw: &Draw, due_at: Timestamp, at: Timestamp) -> Option<String> {
        let (number, version) = (draw.number, draw.settings_version);
        let set = self.set.get(&version).filter(|(set_at, _)| *set_at <= at);
        if version > 0 && set.is_none_or(|(_, options)| options != draw.options.as_str()) {
            return Some(format!(
                "draw {number} was not held by version {version} of the settings, as it says"
            ));
        }
        let long_before = |set: &(&u64, &(Timestamp, String))| set.1.0 <= due_at - SETTINGS_ARRIVE;
        let oldest = self.set.iter().take_while(long_before).last().map_or(0, |(version, _)| *version);
        (version < oldest).then(|| {
            format!("draw {number} was held by version {version} of the settings when {oldest} held for long")
        })
    }

    /// What can be told when all events are known.
    fn finish(&mut self) {
        if let Some((bid, _)) = self.doubles.take() {
            self.finds(format!("bid {bid} was drawn and not doubled"));
        }
        let Some(promoted) = &self.promoted else { return };
        let auction = promoted.auction();
        let (promotion, status) = (auction.terms().promotion, auction.status());
        let (recorded, in_all) = (auction.draws().recorded, auction.draws_in_all());
        let Some(seed) = self.report.seed else { return };
        if status == Status::Open {
            self.finds("the seed was revealed while the auction was open".to_owned());
        }
        if recorded != in_all {
            self.finds(format!("there must be {in_all} draws on record, there are {recorded}"));
        }
        if promotion.is_some_and(|promotion| !promotion.commitment.is_to(&seed)) {
            self.finds("the seed is not the one that the auction was created with".to_owned());
        }
        for (draw, look) in std::mem::take(&mut self.looks) {
            self.report.findings.extend(hold_again(&draw, &look, seed));
        }
    }
}

/// What differs when a draw is held again.
fn hold_again(draw: &Draw, look: &DrawInput, seed: Seed) -> Option<String> {
    let number = draw.number;
    let options = match Options::read(draw.options.as_str(), draw.settings_version) {
        Ok(options) => options,
        Err(error) => return Some(format!("draw {number} was held by options that make no sense: {error}")),
    };
    let again = match look.hold(&options, seed) {
        Ok(again) => again,
        Err(error) => return Some(format!("draw {number} was held by options that make no sense: {error}")),
    };
    let show = |bid: Option<BidId>| bid.map_or("nobody".to_owned(), |bid| format!("bid {bid}"));
    if again.chosen != draw.chosen {
        return Some(format!("draw {number} must find {}, not {}", show(again.chosen), show(draw.chosen)));
    }
    if again.eligible != draw.eligible {
        return Some(format!("draw {number} is among {} bids, not {}", again.eligible, draw.eligible));
    }
    (again.proof != draw.proof).then(|| format!("draw {number} looked at something else than the events say"))
}
