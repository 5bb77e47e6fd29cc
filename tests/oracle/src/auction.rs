//! Model of one auction: a list of bids, sorted for each query. Commands are sent to it, and stored events checked.

pub use crate::rules::AuctionModel;
use crate::rules::{Refusal, cause_of, check_terms, terms_of};
use auction_domain::auction::{AuctionCommand, AuctionEvent, Bid, BidState, PlaceBid, Status};
use auction_domain::{Actor, Amount, BidId, Detail, Details, Timestamp, UserId};
use std::cmp::Reverse;

/// Command with its sender and time.
#[derive(Clone, Debug)]
pub struct SentCommand {
    pub command: AuctionCommand,
    pub actor: Actor,
    /// Version of the auction that the sender expects.
    pub expected_version: Option<u64>,
    pub at: Timestamp,
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
        let (title, description) = (create.title.clone(), create.description.clone());
        let created = AuctionEvent::AuctionCreated { title, description, terms };
        *model = AuctionModel::of(&created, sent.at);
        return Ok(vec![created]);
    };
    auction.execute(sent)
}

/// Applies a stored event. Fails with the violated rule if the event was not allowed, and applies it all the same.
pub fn apply(model: &mut Option<AuctionModel>, event: &AuctionEvent, at: Timestamp) -> Result<(), String> {
    let refused = |(code, details): Refusal| format!("must be refused as {code} {details:?}");
    let Some(auction) = model else {
        *model = AuctionModel::of(event, at);
        let created = model.as_ref().ok_or("the auction does not exist")?;
        return check_terms(&created.terms, at).map_err(refused);
    };
    if let Some(next) = auction.following.pop_front() {
        return must_equal(event, &next);
    }
    if let AuctionEvent::DrawsMissed { .. } = event {
        let missed = auction.missed_draws_at(at);
        auction.fold(event, at);
        return missed.map_or(Err("no draw was missed".to_owned()), |missed| must_equal(event, &missed));
    }
    let Some((command, actor)) = cause_of(event) else {
        auction.fold(event, at);
        return Err("no command causes this event".to_owned());
    };
    let sent = SentCommand { command, actor, expected_version: None, at };
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
}
