//! Model of one auction: a list of bids, sorted for each query.

use crate::rules::{Refusal, check_terms, command_of, sender_of, terms_of};
use auction_domain::auction::{AuctionCommand, AuctionEvent, Bid, BidState, PlaceBid, Status, Terms};
use auction_domain::{Actor, Amount, BidId, Detail, Details, Timestamp, UserId};
use std::cmp::Reverse;
use std::collections::VecDeque;

/// Command with its sender and time.
#[derive(Clone, Debug)]
pub struct SentCommand {
    pub command: AuctionCommand,
    pub actor: Actor,
    /// Version of the auction that the sender expects.
    pub expected_version: Option<u64>,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct AuctionModel {
    pub terms: Terms,
    /// End of bidding, including extensions.
    pub ends_at: Timestamp,
    pub status: Status,
    /// All bids, in the order of placement.
    pub bids: Vec<Bid>,
    /// Number of the last draw that was held or missed.
    pub draws: u64,
    pub is_revealed: bool,
    pub(crate) extensions: u32,
    pub(crate) cancelled_at: Option<Timestamp>,
    /// Time of each event.
    pub(crate) times: Vec<Timestamp>,
    /// Events that must follow, because the last command has caused them.
    pub(crate) following: VecDeque<AuctionEvent>,
}

/// Returns the amount by which the bid is ranked.
pub fn effective(bid: &Bid) -> u64 {
    if bid.doubled { 2 * bid.amount.minor_units() } else { bid.amount.minor_units() }
}

/// Returns the key by which bids are ranked, the best first: the highest amount, and among equal ones the bid
/// that reached it first.
fn rank_key(bid: &Bid) -> (Reverse<u64>, u64) {
    (Reverse(effective(bid)), bid.effective_since)
}

/// Predicts a command and executes it. Returns its events, or the refusal. `None` stands for an auction that does
/// not exist.
pub fn send(model: &mut Option<AuctionModel>, sent: &SentCommand) -> Result<Vec<AuctionEvent>, Refusal> {
    let Some(auction) = model else {
        let AuctionCommand::CreateAuction(create) = &sent.command else {
            return Err(("unknown_auction", Details::new()));
        };
        let terms = terms_of(create, sent.at);
        check_terms(&terms, sent.at)?;
        *model = Some(AuctionModel::new(terms.clone(), sent.at));
        let (title, description) = (create.title.clone(), create.description.clone());
        return Ok(vec![AuctionEvent::AuctionCreated { title, description, terms }]);
    };
    auction.execute(sent)
}

/// Applies a stored event. Fails with the violated rule if the event was not allowed, and applies it all the same.
pub fn apply(model: &mut Option<AuctionModel>, event: &AuctionEvent, at: Timestamp) -> Result<(), String> {
    let refused = |(code, details): Refusal| format!("must be refused as {code} {details:?}");
    let Some(auction) = model else {
        let AuctionEvent::AuctionCreated { terms, .. } = event else {
            return Err("the auction does not exist".to_owned());
        };
        *model = Some(AuctionModel::new(terms.clone(), at));
        return check_terms(terms, at).map_err(refused);
    };
    if let Some(next) = auction.following.pop_front() {
        return must_equal(event, &next);
    }
    if let AuctionEvent::DrawsMissed { .. } = event {
        let missed = auction.missed_draws_at(at);
        auction.fold(event, at);
        return missed.map_or(Err("no draw was missed".to_owned()), |missed| must_equal(event, &missed));
    }
    let Some(command) = command_of(event) else {
        auction.fold(event, at);
        return Err("no command causes this event".to_owned());
    };
    let sent = SentCommand { command, actor: sender_of(event), expected_version: None, at };
    match auction.execute(&sent) {
        Ok(events) => {
            auction.following = events.into();
            let first = auction.following.pop_front();
            first.map_or(Ok(()), |first| must_equal(event, &first))
        }
        Err(refusal) => {
            auction.fold(event, at);
            Err(refused(refusal))
        }
    }
}

fn must_equal(event: &AuctionEvent, expected: &AuctionEvent) -> Result<(), String> {
    if event == expected { Ok(()) } else { Err(format!("expected {expected:?}")) }
}

impl AuctionModel {
    pub(crate) fn new(terms: Terms, at: Timestamp) -> AuctionModel {
        AuctionModel {
            ends_at: terms.ends_at,
            terms,
            status: Status::Open,
            bids: Vec::new(),
            draws: 0,
            is_revealed: false,
            extensions: 0,
            cancelled_at: None,
            times: vec![at],
            following: VecDeque::new(),
        }
    }

    fn execute(&mut self, sent: &SentCommand) -> Result<Vec<AuctionEvent>, Refusal> {
        let mut events = self.decide(sent)?;
        let extension = self.extension(sent.at);
        // The leader is looked up only if it matters: that takes a while in a large auction.
        let leading_before = extension.as_ref().map(|_| self.leading_user());
        events.iter().for_each(|event| self.fold(event, sent.at));
        if let Some(extension) = extension.filter(|_| leading_before != Some(self.leading_user())) {
            self.fold(&extension, sent.at);
            events.push(extension);
        }
        Ok(events)
    }

    /// Returns the number of events, including those that must follow.
    pub fn version(&self) -> u64 {
        self.times.len() as u64
    }

    pub fn find(&self, id: BidId) -> Option<&Bid> {
        self.bids.iter().find(|bid| bid.id == id)
    }

    pub fn active(&self) -> impl DoubleEndedIterator<Item = &Bid> {
        self.bids.iter().filter(|bid| bid.state == BidState::Active)
    }

    /// Returns all active bids, the best first.
    pub fn ranking(&self) -> Vec<Bid> {
        let mut ranking: Vec<Bid> = self.active().copied().collect();
        ranking.sort_by_key(rank_key);
        ranking
    }

    /// Returns the best active bid.
    pub fn leader(&self) -> Option<&Bid> {
        self.active().min_by_key(|bid| rank_key(bid))
    }

    fn leading_user(&self) -> Option<UserId> {
        self.leader().map(|bid| bid.bidder)
    }

    pub fn reserve_met(&self) -> bool {
        let reserve = self.terms.reserve.map_or(0, Amount::minor_units);
        self.leader().map_or(0, effective) >= reserve
    }

    /// Returns the details of the outcome after the command was executed.
    pub fn details(&self, command: &AuctionCommand) -> Details {
        match (command, self.status) {
            (AuctionCommand::PlaceBid(PlaceBid { bid, amount, .. }), _) => {
                let own = self.find(*bid).map(rank_key);
                let better = self.active().filter(|other| Some(rank_key(other)) < own).count() as u64;
                let highest = Amount::effective(self.leader().map_or(0, effective)).unwrap();
                vec![
                    ("amount", Detail::Amount(*amount)),
                    ("rank", Detail::Count(better + 1)),
                    ("leads", Detail::Flag(better == 0)),
                    ("highest", Detail::Amount(highest)),
                ]
            }
            (AuctionCommand::CloseAuction(_), Status::Closed(Some(winner))) => {
                vec![("sold", Detail::Flag(true)), ("price", Detail::Amount(winner.price))]
            }
            (AuctionCommand::CloseAuction(_), _) => vec![("sold", Detail::Flag(false))],
            _ => Details::new(),
        }
    }

    /// Applies an event without checking it.
    pub(crate) fn fold(&mut self, event: &AuctionEvent, at: Timestamp) {
        self.times.push(at);
        let version = self.version();
        match event {
            AuctionEvent::AuctionCreated { .. } => {}
            AuctionEvent::BidPlaced { bid, bidder, amount } => self.bids.push(Bid {
                id: *bid,
                bidder: *bidder,
                amount: *amount,
                placed_at: at,
                state: BidState::Active,
                doubled: false,
                effective_since: version,
            }),
            AuctionEvent::BidDeleted { bid, .. } => self.change(&[*bid], |bid| bid.state = BidState::Deleted),
            AuctionEvent::BidVoided { bid, .. } => self.change(&[*bid], |bid| bid.state = BidState::Voided),
            AuctionEvent::BidsRetracted { bids, .. } => {
                self.change(bids, |bid| bid.state = BidState::Retracted);
            }
            AuctionEvent::BidDoubled { bid, .. } => self.change(&[*bid], |bid| {
                (bid.doubled, bid.effective_since) = (true, version);
            }),
            AuctionEvent::DrawHeld(draw) => self.draws = draw.number,
            AuctionEvent::DrawsMissed { last, .. } => self.draws = *last,
            AuctionEvent::SeedRevealed { .. } => self.is_revealed = true,
            AuctionEvent::AuctionExtended { ends_at } => {
                self.ends_at = *ends_at;
                self.extensions += 1;
            }
            AuctionEvent::AuctionEnded { ends_at, .. } => self.ends_at = *ends_at,
            AuctionEvent::AuctionCancelled { .. } => {
                self.status = Status::Cancelled;
                self.cancelled_at = Some(at);
            }
            AuctionEvent::WinnerAnnounced(winner) => self.status = Status::Closed(Some(*winner)),
            AuctionEvent::AuctionClosedUnsold { .. } => self.status = Status::Closed(None),
        }
    }

    fn change(&mut self, ids: &[BidId], change: impl Fn(&mut Bid)) {
        self.bids.iter_mut().filter(|bid| ids.contains(&bid.id)).for_each(change);
    }
}
