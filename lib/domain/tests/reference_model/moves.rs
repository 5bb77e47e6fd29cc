//! Random moves. Bids and times are relative to the current state, so that shrunk sequences stay meaningful
//! and moves hit the boundaries of the rules often.

use crate::model::{Model, Sent};
use auction_domain::auction::{
    AuctionCommand, CancelAuction, CloseAuction, Commitment, CreateAuction, DeleteBid, DoubleBid, Draw,
    EndAuction, HoldDraw, PlaceBid, Promotion, Proof, RetractBids, RevealSeed, Seed, SoftClose, VoidBid,
};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, DurationMs, OperatorId, PromoterOptions, Reason, Timestamp,
    Title, UserId,
};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

pub(crate) const USERS: u8 = 5;
pub(crate) const FIRST_TIME: i64 = 1_000_000;

/// Seed of all draws.
pub(crate) const SEED: Seed = Seed([0; 32]);
/// SHA-256 of [`SEED`] in hexadecimal digits.
const COMMITMENT: &str = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";

/// One command, with its time and expected version relative to the current state.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    wait: Wait,
    expected: ExpectedVersion,
    act: Action,
}

#[derive(Clone, Debug)]
enum Wait {
    For(i64),
    /// Until a boundary, plus or minus some milliseconds.
    Until(Boundary, i64),
}

#[derive(Clone, Copy, Debug)]
enum Boundary {
    Start,
    End,
    SoftClose,
    Lock,
}

/// Expected version in the command.
#[derive(Clone, Debug)]
enum ExpectedVersion {
    None,
    Current,
    Off(i64),
}

#[derive(Clone, Debug)]
enum By {
    /// The bidder of the bid, or the seller.
    Owner,
    Other(Actor),
}

#[derive(Clone, Debug)]
enum Action {
    Create(Creation),
    Place(UserId, u64),
    Delete(Option<Index>, By),
    Double(Option<Index>),
    Void(Option<Index>),
    Hold(Hold),
    Reveal(bool),
    Retract(UserId),
    End(By),
    Cancel(By),
    Close,
}

/// Draw relative to the one that is due.
#[derive(Clone, Debug)]
struct Hold {
    number: i64,
    at_version: i64,
    chosen: Option<Option<Index>>,
}

/// Terms of an auction, with times relative to the creation.
#[derive(Clone, Debug)]
struct Creation {
    opening_bid: u64,
    /// Relative to the opening bid.
    reserve: Option<i64>,
    starts_in: Option<i64>,
    ends_in: i64,
    seller: Option<UserId>,
    soft_close: Option<SoftClose>,
    lock: u32,
    interval: Option<u32>,
}

pub(crate) fn user(n: u8) -> UserId {
    UserId(Uuid::from_u128(0x5EED + u128::from(n)))
}

/// Returns scattered ids, so that their order differs from the order of placement.
pub(crate) fn bid_id(n: usize) -> BidId {
    BidId(Uuid::from_u128((n as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)))
}

fn users() -> impl Strategy<Value = UserId> {
    (0..USERS).prop_map(user)
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        5 => Just(By::Owner),
        2 => users().prop_map(|user| By::Other(Actor::User(user))),
        1 => Just(By::Other(Actor::Operator(OperatorId::Unidentified))),
        1 => Just(By::Other(Actor::Portal)),
    ]
}

fn soft_closes() -> impl Strategy<Value = SoftClose> {
    (0..20u32, 0..40u32, 0..4u32).prop_map(|(by, within, max_extensions)| SoftClose {
        extend_by: DurationMs(by),
        within: DurationMs(within),
        max_extensions,
    })
}

fn creations() -> impl Strategy<Value = Creation> {
    let ends_in = prop_oneof![20 => 20..150i64, 1 => -2..3i64];
    let reserve = prop_oneof![10 => 1..20i64, 1 => -1..1i64];
    let lock = prop_oneof![1 => Just(0u32), 1 => 0..40u32];
    (
        (3..8u64, weighted(0.5, reserve), weighted(0.3, -3..30i64), ends_in),
        (weighted(0.5, users()), weighted(0.7, soft_closes()), lock, weighted(0.7, 1..12u32)),
    )
        .prop_map(
            |((opening_bid, reserve, starts_in, ends_in), (seller, soft_close, lock, interval))| Creation {
                opening_bid,
                reserve,
                starts_in,
                ends_in,
                seller,
                soft_close,
                lock,
                interval,
            },
        )
}

fn holds() -> impl Strategy<Value = Hold> {
    let near = || prop_oneof![12 => Just(0i64), 1 => -2..3i64];
    let chosen = weighted(0.8, weighted(0.95, any::<Index>()));
    (near(), near(), chosen).prop_map(|(number, at_version, chosen)| Hold { number, at_version, chosen })
}

fn actions() -> impl Strategy<Value = Action> {
    // Sometimes a bid that does not exist.
    let bid = || weighted(0.95, any::<Index>());
    prop_oneof![
        2 => creations().prop_map(Action::Create),
        // Few amounts, for ties, amounts not above the bidder's latest, and some below the opening bid.
        60 => (users(), 2..22u64).prop_map(|(user, amount)| Action::Place(user, amount)),
        16 => (bid(), by()).prop_map(|(bid, by)| Action::Delete(bid, by)),
        14 => bid().prop_map(Action::Double),
        6 => bid().prop_map(Action::Void),
        12 => holds().prop_map(Action::Hold),
        3 => prop::bool::weighted(0.8).prop_map(Action::Reveal),
        4 => users().prop_map(Action::Retract),
        1 => by().prop_map(Action::End),
        1 => by().prop_map(Action::Cancel),
        4 => Just(Action::Close),
    ]
}

fn waits() -> impl Strategy<Value = Wait> {
    let boundary = prop_oneof![
        4 => Just(Boundary::Start),
        1 => Just(Boundary::End),
        3 => Just(Boundary::SoftClose),
        2 => Just(Boundary::Lock),
    ];
    prop_oneof![
        12 => (0..4i64).prop_map(Wait::For),
        1 => (boundary, -1..2i64).prop_map(|(boundary, offset)| Wait::Until(boundary, offset)),
    ]
}

fn moves_of(actions: impl Strategy<Value = Action>) -> impl Strategy<Value = Move> {
    let expected = prop_oneof![
        16 => Just(ExpectedVersion::None),
        2 => Just(ExpectedVersion::Current),
        1 => (-2..3i64).prop_map(ExpectedVersion::Off),
    ];
    (waits(), expected, actions).prop_map(|(wait, expected, act)| Move { wait, expected, act })
}

/// Moves of one auction; usually the creation is the first.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Move>> {
    let creation = weighted(0.95, moves_of(creations().prop_map(Action::Create)));
    (creation, prop::collection::vec(moves_of(actions()), 1..90))
        .prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

impl Move {
    /// Returns the command for the current state.
    pub(crate) fn sent(&self, model: Option<&Model>, serial: usize, now: i64) -> Sent {
        let at = self.wait.then(model, now);
        let version = model.map_or(0, |model| model.version);
        let expected = match self.expected {
            ExpectedVersion::None => None,
            ExpectedVersion::Current => Some(version),
            ExpectedVersion::Off(by) => Some(version.saturating_add_signed(by)),
        };
        let (command, actor) = self.act.command(model, serial, at);
        Sent { command, actor, expected, at }
    }
}

impl Wait {
    /// Returns the time of the command, never before `now`.
    fn then(&self, model: Option<&Model>, now: i64) -> i64 {
        match (self, model) {
            (Wait::For(ms), _) => now + ms,
            (Wait::Until(..), None) => now,
            (Wait::Until(boundary, offset), Some(model)) => {
                let boundary = match boundary {
                    Boundary::Start => model.starts_at,
                    Boundary::End => model.ends_at,
                    Boundary::SoftClose => {
                        model.ends_at - model.soft_close.map_or(0, |s| i64::from(s.within.0))
                    }
                    Boundary::Lock => model.ends_at - model.lock,
                };
                now.max(boundary + offset)
            }
        }
    }
}

impl Action {
    fn command(&self, model: Option<&Model>, serial: usize, at: i64) -> (AuctionCommand, Actor) {
        let bids = model.map_or(&[][..], |model| &model.bids);
        let pick = |bid: &Option<Index>| bid.filter(|_| !bids.is_empty()).map(|bid| bid.get(bids));
        let id = |bid: &Option<Index>| pick(bid).map_or(bid_id(usize::MAX), |bid| bid.id);
        let seller = model.and_then(|model| model.seller);
        let actor = |by: &By, owner: Option<UserId>| match by {
            By::Owner => owner.map_or(Actor::Operator(OperatorId::Unidentified), Actor::User),
            By::Other(actor) => *actor,
        };
        match self {
            Action::Create(creation) => (creation.command(at), Actor::Operator(OperatorId::Unidentified)),
            Action::Place(bidder, amount) => {
                let amount = Amount::new(*amount).unwrap();
                let place = PlaceBid { bid: bid_id(serial), bidder: *bidder, amount };
                (AuctionCommand::PlaceBid(place), Actor::User(*bidder))
            }
            Action::Delete(bid, by) => {
                let owner = pick(bid).map(|bid| bid.bidder);
                (AuctionCommand::DeleteBid(DeleteBid { bid: id(bid) }), actor(by, owner))
            }
            Action::Double(bid) => (AuctionCommand::DoubleBid(DoubleBid { bid: id(bid) }), Actor::Portal),
            Action::Hold(hold) => {
                let due = model.map_or(1, |model| model.draws_due(at));
                let at_version = model.map_or(1, |model| model.version_when_due(due));
                let draw = Draw {
                    number: due.saturating_add_signed(hold.number).max(1),
                    at_version: at_version.saturating_add_signed(hold.at_version),
                    options: PromoterOptions::new("[]").unwrap(),
                    settings_version: 0,
                    eligible: 1,
                    chosen: hold.chosen.as_ref().map(id),
                    proof: Proof([1; 32]),
                };
                (AuctionCommand::HoldDraw(HoldDraw { draw: Box::new(draw) }), Actor::Portal)
            }
            Action::Reveal(right) => {
                let seed = if *right { SEED } else { Seed([7; 32]) };
                (AuctionCommand::RevealSeed(RevealSeed { seed }), Actor::Portal)
            }
            Action::Void(bid) => {
                let reason = Reason::new("by the model").unwrap();
                (
                    AuctionCommand::VoidBid(VoidBid { bid: id(bid), reason }),
                    Actor::Operator(OperatorId::Unidentified),
                )
            }
            Action::Retract(bidder) => {
                (AuctionCommand::RetractBids(RetractBids { bidder: *bidder }), Actor::Portal)
            }
            Action::End(by) => (AuctionCommand::EndAuction(EndAuction), actor(by, seller)),
            Action::Cancel(by) => (AuctionCommand::CancelAuction(CancelAuction), actor(by, seller)),
            Action::Close => (AuctionCommand::CloseAuction(CloseAuction), Actor::Portal),
        }
    }
}

impl Creation {
    fn command(&self, at: i64) -> AuctionCommand {
        let reserve = self.reserve.map(|by| self.opening_bid.saturating_add_signed(by));
        AuctionCommand::CreateAuction(Box::new(CreateAuction {
            title: Title::new("A thing").unwrap(),
            description: Description::new("").unwrap(),
            currency: Currency::new("EUR").unwrap(),
            opening_bid: Amount::new(self.opening_bid).unwrap(),
            reserve: reserve.map(|reserve| Amount::new(reserve).unwrap()),
            starts_at: self.starts_in.map(|by| Timestamp(at + by)),
            ends_at: Timestamp(at + self.ends_in),
            seller: self.seller,
            soft_close: self.soft_close,
            retraction_lock: DurationMs(self.lock),
            promotion: self.interval.map(|interval| Promotion {
                interval: DurationMs(interval),
                commitment: Commitment::from_hex(COMMITMENT).unwrap(),
            }),
        }))
    }
}
