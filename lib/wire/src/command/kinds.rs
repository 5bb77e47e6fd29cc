//! The kinds of commands and their bodies. A new command is a name here, and a body if it has any
//! fields that the envelope does not.

use super::{CommandBody, CommandId};
use crate::DecodeError;
use crate::body::{self, EmptyBody, OptionsBody, PromotionBody, SoftCloseBody, SubscriptionsBody, bad};
use crate::draw;
use crate::text_id::TextId;
use auction_domain::auction::{
    AuctionCommand, CancelAuction, CloseAuction, CreateAuction, DeleteBid, DoubleBid, EndAuction, HoldDraw,
    PlaceBid, RetractBids, RevealSeed, VoidBid,
};
use auction_domain::promoter::{ChangePromoterSettings, PromoterCommand};
use auction_domain::user::{ChangeNotificationPreferences, CreateUser, DeleteUser, UserCommand};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, DurationMs, Reason, Timestamp, Title, UserId,
};
use serde::{Deserialize, Serialize};

/// The one version there is so far, of every kind.
pub(super) const VERSION: u16 = 1;

pub(super) fn kind(body: &CommandBody) -> &'static str {
    match body {
        CommandBody::User(UserCommand::CreateUser(_)) => "create_user",
        CommandBody::User(UserCommand::DeleteUser(_)) => "delete_user",
        CommandBody::User(UserCommand::ChangeSubscriptions(_)) => "change_subscriptions",
        CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(_)) => "change_promoter_settings",
        CommandBody::Auction(command) => match command {
            AuctionCommand::CreateAuction(_) => "create_auction",
            AuctionCommand::PlaceBid(_) => "place_bid",
            AuctionCommand::DeleteBid(_) => "delete_bid",
            AuctionCommand::DoubleBid(_) => "double_bid",
            AuctionCommand::HoldDraw(_) => "hold_draw",
            AuctionCommand::RevealSeed(_) => "reveal_seed",
            AuctionCommand::VoidBid(_) => "void_bid",
            AuctionCommand::RetractBids(_) => "retract_bids",
            AuctionCommand::EndAuction(_) => "end_auction",
            AuctionCommand::CancelAuction(_) => "cancel_auction",
            AuctionCommand::CloseAuction(_) => "close_auction",
        },
    }
}

#[derive(Serialize, Deserialize)]
struct CreateAuctionBody {
    title: String,
    description: String,
    currency: String,
    opening_bid: u64,
    reserve: Option<u64>,
    starts_at: Option<i64>,
    ends_at: i64,
    seller: Option<TextId>,
    soft_close: Option<SoftCloseBody>,
    retraction_lock_ms: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promotion: Option<PromotionBody>,
}

#[derive(Serialize, Deserialize)]
struct AmountBody {
    amount: u64,
}

#[derive(Serialize, Deserialize)]
struct BidBody {
    bid: TextId,
}

#[derive(Serialize, Deserialize)]
struct VoidBidBody {
    bid: TextId,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct BidderBody {
    bidder: TextId,
}

pub(super) fn encode(body: &CommandBody) -> Vec<u8> {
    let command = match body {
        CommandBody::Auction(command) => command,
        CommandBody::User(UserCommand::ChangeSubscriptions(change)) => {
            return body::encode(&SubscriptionsBody::from(change.to));
        }
        CommandBody::User(_) => return body::encode(&EmptyBody {}),
        CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(change)) => {
            return body::encode(&OptionsBody { options: change.options.as_str().to_owned() });
        }
    };
    match command {
        AuctionCommand::CreateAuction(create) => body::encode(&CreateAuctionBody {
            title: create.title.as_str().to_owned(),
            description: create.description.as_str().to_owned(),
            currency: create.currency.code().to_owned(),
            opening_bid: create.opening_bid.minor_units(),
            reserve: create.reserve.map(Amount::minor_units),
            starts_at: create.starts_at.map(|at| at.0),
            ends_at: create.ends_at.0,
            seller: create.seller.map(|seller| TextId(seller.0)),
            soft_close: create.soft_close.map(Into::into),
            retraction_lock_ms: create.retraction_lock.0,
            promotion: create.promotion.map(Into::into),
        }),
        AuctionCommand::PlaceBid(place) => body::encode(&AmountBody { amount: place.amount.minor_units() }),
        AuctionCommand::DeleteBid(delete) => body::encode(&BidBody { bid: TextId(delete.bid.0) }),
        AuctionCommand::DoubleBid(double) => body::encode(&BidBody { bid: TextId(double.bid.0) }),
        AuctionCommand::HoldDraw(hold) => draw::encode_draw(&hold.draw),
        AuctionCommand::RevealSeed(reveal) => draw::encode_seed(reveal.seed),
        AuctionCommand::VoidBid(void) => {
            body::encode(&VoidBidBody { bid: TextId(void.bid.0), reason: void.reason.as_str().to_owned() })
        }
        AuctionCommand::RetractBids(retract) => {
            body::encode(&BidderBody { bidder: TextId(retract.bidder.0) })
        }
        AuctionCommand::EndAuction(_)
        | AuctionCommand::CancelAuction(_)
        | AuctionCommand::CloseAuction(_) => body::encode(&EmptyBody {}),
    }
}

/// A bid's id and its bidder are the envelope's: the command's id, and who asks.
pub(super) fn decode(
    kind: &str,
    v: u16,
    id: CommandId,
    actor: Actor,
    bytes: &[u8],
) -> Result<CommandBody, DecodeError> {
    // The list of names stands here once more, so that a kind is checked before its body.
    let kind = *[
        "create_user",
        "delete_user",
        "change_subscriptions",
        "create_auction",
        "place_bid",
        "delete_bid",
        "double_bid",
        "void_bid",
        "retract_bids",
        "end_auction",
        "cancel_auction",
        "close_auction",
        "hold_draw",
        "reveal_seed",
        "change_promoter_settings",
    ]
    .iter()
    .find(|known| **known == kind)
    .ok_or_else(|| DecodeError::UnknownKind(kind.to_owned()))?;
    if v != VERSION {
        return Err(DecodeError::UnknownVersion { kind, v });
    }
    let command = match kind {
        "create_user" | "delete_user" | "change_subscriptions" => return user_command(kind, bytes),
        "change_promoter_settings" => {
            let change = ChangePromoterSettings { options: OptionsBody::read(kind, bytes)? };
            return Ok(CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(change)));
        }
        "hold_draw" => AuctionCommand::HoldDraw(HoldDraw { draw: draw::decode_draw(kind, bytes)? }),
        "reveal_seed" => AuctionCommand::RevealSeed(RevealSeed { seed: draw::decode_seed(kind, bytes)? }),
        "create_auction" => AuctionCommand::CreateAuction(Box::new(create_auction(kind, bytes)?)),
        "place_bid" => AuctionCommand::PlaceBid(PlaceBid {
            bid: BidId(id.0),
            bidder: match actor {
                Actor::User(user) => user,
                _ => return Err(bad(kind, "only a user can bid, the actor is none")),
            },
            amount: Amount::new(body::decode::<AmountBody>(kind, bytes)?.amount)
                .map_err(|error| bad(kind, error))?,
        }),
        "delete_bid" => AuctionCommand::DeleteBid(DeleteBid { bid: bid(kind, bytes)? }),
        "double_bid" => AuctionCommand::DoubleBid(DoubleBid { bid: bid(kind, bytes)? }),
        "void_bid" => {
            let body: VoidBidBody = body::decode(kind, bytes)?;
            let reason = Reason::new(body.reason).map_err(|error| bad(kind, error))?;
            AuctionCommand::VoidBid(VoidBid { bid: BidId(body.bid.0), reason })
        }
        "retract_bids" => AuctionCommand::RetractBids(RetractBids {
            bidder: UserId(body::decode::<BidderBody>(kind, bytes)?.bidder.0),
        }),
        _ => {
            body::decode::<EmptyBody>(kind, bytes)?;
            match kind {
                "end_auction" => AuctionCommand::EndAuction(EndAuction),
                "cancel_auction" => AuctionCommand::CancelAuction(CancelAuction),
                _ => AuctionCommand::CloseAuction(CloseAuction),
            }
        }
    };
    Ok(CommandBody::Auction(command))
}

fn user_command(kind: &'static str, bytes: &[u8]) -> Result<CommandBody, DecodeError> {
    Ok(CommandBody::User(match kind {
        "change_subscriptions" => {
            let to = body::decode::<SubscriptionsBody>(kind, bytes)?.into();
            UserCommand::ChangeSubscriptions(ChangeNotificationPreferences { to })
        }
        _ => {
            body::decode::<EmptyBody>(kind, bytes)?;
            match kind {
                "create_user" => UserCommand::CreateUser(CreateUser),
                _ => UserCommand::DeleteUser(DeleteUser),
            }
        }
    }))
}

fn bid(kind: &'static str, bytes: &[u8]) -> Result<BidId, DecodeError> {
    Ok(BidId(body::decode::<BidBody>(kind, bytes)?.bid.0))
}

fn create_auction(kind: &'static str, bytes: &[u8]) -> Result<CreateAuction, DecodeError> {
    let body: CreateAuctionBody = body::decode(kind, bytes)?;
    Ok(CreateAuction {
        title: Title::new(body.title).map_err(|error| bad(kind, format!("title {error}")))?,
        description: Description::new(body.description)
            .map_err(|error| bad(kind, format!("description {error}")))?,
        currency: Currency::new(&body.currency).map_err(|error| bad(kind, error))?,
        opening_bid: Amount::new(body.opening_bid).map_err(|error| bad(kind, error))?,
        reserve: body.reserve.map(Amount::new).transpose().map_err(|error| bad(kind, error))?,
        starts_at: body.starts_at.map(Timestamp),
        ends_at: Timestamp(body.ends_at),
        seller: body.seller.map(|seller| UserId(seller.0)),
        soft_close: body.soft_close.map(Into::into),
        retraction_lock: DurationMs(body.retraction_lock_ms),
        promotion: body.promotion.map(|promotion| promotion.read(kind)).transpose()?,
    })
}
