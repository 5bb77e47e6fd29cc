//! Naive model of an auction: one list of bids, sorted for each question. [`crate::grounds`] contains the
//! grounds on which commands are refused.

use crate::grounds::{Ground, against_creation, money};
use auction_domain::auction::{AuctionCommand, BidState, CreateAuction, SoftClose, Status, Winner};
use auction_domain::{Actor, Amount, BidId, Detail, Details, UserId};

/// Command with its sender and time.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) command: AuctionCommand,
    pub(crate) actor: Actor,
    pub(crate) expected: Option<u64>,
    pub(crate) at: i64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelBid {
    pub(crate) id: BidId,
    pub(crate) bidder: UserId,
    pub(crate) face: u64,
    pub(crate) doubled: bool,
    pub(crate) state: BidState,
    pub(crate) placed_at: i64,
    /// Version since which the bid has its effective amount.
    since: u64,
}

impl ModelBid {
    pub(crate) fn effective(&self) -> u64 {
        if self.doubled { 2 * self.face } else { self.face }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.state == BidState::Active
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) opening_bid: u64,
    reserve: Option<u64>,
    pub(crate) starts_at: i64,
    pub(crate) ends_at: i64,
    pub(crate) seller: Option<UserId>,
    pub(crate) soft_close: Option<SoftClose>,
    pub(crate) lock: i64,
    extensions: u32,
    pub(crate) version: u64,
    pub(crate) status: Status,
    pub(crate) bids: Vec<ModelBid>,
    /// Time between draws; `None` without draws.
    pub(crate) interval: Option<i64>,
    /// Time of each event.
    pub(crate) times: Vec<i64>,
    /// Whether draw 1, 2 and so on was held; false if it was missed.
    pub(crate) draws: Vec<bool>,
    pub(crate) revealed: bool,
}

/// Sends a command to the model. Returns the details of the outcome, or every ground on which the command is
/// refused.
pub(crate) fn send(model: &mut Option<Model>, sent: &Sent) -> Result<Details, Vec<Ground>> {
    if let AuctionCommand::CreateAuction(create) = &sent.command {
        let grounds = against_creation(create, model.is_some(), sent.at);
        if !grounds.is_empty() {
            return Err(grounds);
        }
        *model = Some(Model::new(create, sent.at));
        return Ok(Details::new());
    }
    let Some(model) = model else { return Err(vec![("unknown_auction", vec![])]) };
    if let Some(expected) = sent.expected.filter(|seen| *seen != model.version) {
        let details = vec![
            ("expected_version", Detail::Count(expected)),
            ("actual_version", Detail::Count(model.version)),
        ];
        return Err(vec![("version_conflict", details)]);
    }
    let grounds = model.against(sent);
    if !grounds.is_empty() {
        return Err(grounds);
    }
    Ok(model.execute(sent))
}

impl Model {
    fn new(create: &CreateAuction, now: i64) -> Model {
        Model {
            opening_bid: create.opening_bid.minor_units(),
            reserve: create.reserve.map(Amount::minor_units),
            starts_at: create.starts_at.map_or(now, |start| start.0),
            ends_at: create.ends_at.0,
            seller: create.seller,
            soft_close: create.soft_close,
            lock: i64::from(create.retraction_lock.0),
            extensions: 0,
            version: 1,
            status: Status::Open,
            bids: Vec::new(),
            interval: create.promotion.map(|promotion| i64::from(promotion.interval.0)),
            times: vec![now],
            draws: Vec::new(),
            revealed: false,
        }
    }

    /// Returns active bids, highest effective amount first; ties in the order in which they reached it.
    pub(crate) fn ranking(&self) -> Vec<ModelBid> {
        let mut active: Vec<ModelBid> = self.bids.iter().filter(|bid| bid.is_active()).copied().collect();
        active.sort_by(|a, b| b.effective().cmp(&a.effective()).then(a.since.cmp(&b.since)));
        active
    }

    fn leading_user(&self) -> Option<UserId> {
        self.ranking().first().map(|bid| bid.bidder)
    }

    pub(crate) fn reserve_met(&self) -> bool {
        let best = self.ranking().first().map_or(0, ModelBid::effective);
        best >= self.reserve.unwrap_or(0)
    }

    pub(crate) fn find(&self, id: BidId) -> Option<&ModelBid> {
        self.bids.iter().find(|bid| bid.id == id)
    }

    fn change(&mut self, id: BidId, how: impl Fn(&mut ModelBid)) {
        self.bids.iter_mut().filter(|bid| bid.id == id).for_each(how);
    }

    /// Executes an accepted command.
    fn execute(&mut self, sent: &Sent) -> Details {
        let leading_before = self.leading_user();
        let before = self.version;
        self.miss_draws(sent);
        self.version += 1;
        let version = self.version;
        match &sent.command {
            AuctionCommand::CreateAuction(_) => {}
            AuctionCommand::PlaceBid(bid) => self.bids.push(ModelBid {
                id: bid.bid,
                bidder: bid.bidder,
                face: bid.amount.minor_units(),
                doubled: false,
                state: BidState::Active,
                placed_at: sent.at,
                since: version,
            }),
            AuctionCommand::DeleteBid(delete) => self.change(delete.bid, |b| b.state = BidState::Deleted),
            AuctionCommand::VoidBid(void) => self.change(void.bid, |b| b.state = BidState::Voided),
            AuctionCommand::DoubleBid(double) => self.change(double.bid, |b| {
                b.doubled = true;
                b.since = version;
            }),
            AuctionCommand::RetractBids(retract) => {
                let own = self.bids.iter_mut().filter(|b| b.bidder == retract.bidder && b.is_active());
                own.for_each(|b| b.state = BidState::Retracted);
            }
            AuctionCommand::HoldDraw(hold) => {
                self.draws.push(true);
                let chosen = hold.draw.chosen.and_then(|bid| self.find(bid));
                if let Some(bid) = chosen.filter(|bid| bid.is_active() && !bid.doubled).map(|bid| bid.id) {
                    self.version += 1;
                    let version = self.version;
                    self.change(bid, |b| {
                        b.doubled = true;
                        b.since = version;
                    });
                }
            }
            AuctionCommand::RevealSeed(_) => self.revealed = true,
            AuctionCommand::EndAuction(_) => self.ends_at = sent.at,
            AuctionCommand::CancelAuction(_) => self.status = Status::Cancelled,
            AuctionCommand::CloseAuction(_) => self.status = Status::Closed(self.winner()),
        }
        if self.leading_user() != leading_before {
            self.extend_if_late(sent.at);
        }
        self.times.resize(self.times.len() + (self.version - before) as usize, sent.at);
        self.details(&sent.command)
    }

    /// Returns the number of draws that are due.
    pub(crate) fn draws_due(&self, now: i64) -> u64 {
        let due = |draw: &u64| {
            self.interval.is_some_and(|interval| self.starts_at + interval * *draw as i64 <= now)
        };
        (1..).take_while(due).count() as u64
    }

    /// Returns the version of the auction just before a draw was due, at least that of its creation.
    pub(crate) fn version_when_due(&self, draw: u64) -> u64 {
        let due_at = self.starts_at + self.interval.unwrap_or_default() * draw as i64;
        self.times.iter().filter(|at| **at < due_at).count().max(1) as u64
    }

    /// Records unrecorded earlier draws as missed, before a draw is held and when the seed is revealed.
    fn miss_draws(&mut self, sent: &Sent) {
        let until = match &sent.command {
            AuctionCommand::HoldDraw(hold) => hold.draw.number - 1,
            AuctionCommand::RevealSeed(_) => {
                let last = self.times.last().copied().unwrap_or_default();
                let over_at =
                    if self.status == Status::Cancelled { last.min(self.ends_at) } else { self.ends_at };
                self.draws_due(over_at - 1)
            }
            _ => return,
        };
        if self.draws.len() < until as usize {
            self.draws.resize(until as usize, false);
            self.version += 1;
        }
    }

    fn extend_if_late(&mut self, now: i64) {
        let Some(soft) = self.soft_close else { return };
        let window = self.ends_at - i64::from(soft.within.0)..self.ends_at;
        if window.contains(&now) && self.extensions < soft.max_extensions {
            self.ends_at += i64::from(soft.extend_by.0);
            self.extensions += 1;
            self.version += 1;
        }
    }

    fn winner(&self) -> Option<Winner> {
        let best = self.ranking().first().copied().filter(|_| self.reserve_met())?;
        Some(Winner {
            bid: best.id,
            bidder: best.bidder,
            price: Amount::new(best.face).unwrap(),
            effective: Amount::new(best.effective()).unwrap(),
        })
    }

    fn details(&self, command: &AuctionCommand) -> Details {
        match (command, self.status) {
            (AuctionCommand::PlaceBid(bid), _) => {
                let ranking = self.ranking();
                let better = ranking.iter().take_while(|other| other.id != bid.bid).count() as u64;
                vec![
                    ("amount", Detail::Amount(bid.amount)),
                    ("rank", Detail::Count(better + 1)),
                    ("leads", Detail::Flag(better == 0)),
                    ("highest", money(ranking[0].effective())),
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
