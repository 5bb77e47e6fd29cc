//! The kinds of events and their bodies. What was once written is read for ever: a changed body gets a
//! new version, and the old one an upcast here.

use super::Event;
use crate::DecodeError;
use crate::body::{self, EmptyBody, OptionsBody, PromotionBody, SoftCloseBody, SubscriptionsBody, bad};
use crate::draw;
use crate::text_id::TextId;
use auction_domain::auction::{AuctionEvent, Terms, Unsold, Winner};
use auction_domain::promoter::PromoterEvent;
use auction_domain::user::UserEvent;
use auction_domain::{Amount, BidId, Currency, Description, DurationMs, Reason, Timestamp, Title, UserId};
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

pub(super) fn kind(event: &Event) -> &'static str {
    match event {
        Event::User(UserEvent::UserCreated) => "user_created",
        Event::User(UserEvent::UserDeleted) => "user_deleted",
        Event::User(UserEvent::SubscriptionsChanged(_)) => "subscriptions_changed",
        Event::Promoter(PromoterEvent::PromoterSettingsChanged { .. }) => "promoter_settings_changed",
        Event::Auction(event) => match event {
            AuctionEvent::AuctionCreated { .. } => "auction_created",
            AuctionEvent::BidPlaced { .. } => "bid_placed",
            AuctionEvent::BidDeleted { .. } => "bid_deleted",
            AuctionEvent::BidDoubled { .. } => "bid_doubled",
            AuctionEvent::DrawHeld(_) => "draw_held",
            AuctionEvent::DrawsMissed { .. } => "draws_missed",
            AuctionEvent::SeedRevealed { .. } => "seed_revealed",
            AuctionEvent::BidVoided { .. } => "bid_voided",
            AuctionEvent::BidsRetracted { .. } => "bids_retracted",
            AuctionEvent::AuctionExtended { .. } => "auction_extended",
            AuctionEvent::AuctionEnded { .. } => "auction_ended",
            AuctionEvent::AuctionCancelled => "auction_cancelled",
            AuctionEvent::WinnerAnnounced(_) => "winner_announced",
            AuctionEvent::AuctionClosedUnsold { .. } => "auction_closed_unsold",
        },
    }
}

#[derive(Serialize, Deserialize)]
struct AuctionCreatedBody {
    title: String,
    description: String,
    currency: String,
    opening_bid: u64,
    reserve: Option<u64>,
    starts_at: i64,
    ends_at: i64,
    seller: Option<TextId>,
    soft_close: Option<SoftCloseBody>,
    retraction_lock_ms: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promotion: Option<PromotionBody>,
}

#[derive(Serialize, Deserialize)]
struct BidPlacedBody {
    bid: TextId,
    bidder: TextId,
    amount: u64,
}

#[derive(Serialize, Deserialize)]
struct BidDeletedBody {
    bid: TextId,
    bidder: TextId,
}

#[derive(Serialize, Deserialize)]
struct BidDoubledBody {
    bid: TextId,
    bidder: TextId,
    effective: u64,
}

#[derive(Serialize, Deserialize)]
struct BidVoidedBody {
    bid: TextId,
    bidder: TextId,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct BidsRetractedBody {
    bidder: TextId,
    bids: Vec<TextId>,
}

#[derive(Serialize, Deserialize)]
struct EndsAtBody {
    ends_at: i64,
}

#[derive(Serialize, Deserialize)]
struct WinnerBody {
    bid: TextId,
    bidder: TextId,
    pays: u64,
    effective: u64,
}

#[derive(Serialize, Deserialize)]
struct UnsoldBody {
    because: String,
}

pub(super) fn encode(event: &Event) -> Vec<u8> {
    let event = match event {
        Event::Auction(event) => event,
        Event::User(UserEvent::SubscriptionsChanged(to)) => {
            return body::encode(&SubscriptionsBody::from(*to));
        }
        Event::User(_) => return body::encode(&EmptyBody {}),
        Event::Promoter(PromoterEvent::PromoterSettingsChanged { options }) => {
            return body::encode(&OptionsBody { options: options.as_str().to_owned() });
        }
    };
    match event {
        AuctionEvent::AuctionCreated { title, description, terms } => {
            body::encode(&auction_created(title, description, terms))
        }
        AuctionEvent::BidPlaced { bid, bidder, amount } => body::encode(&BidPlacedBody {
            bid: TextId(bid.0),
            bidder: TextId(bidder.0),
            amount: amount.minor_units(),
        }),
        AuctionEvent::BidDeleted { bid, bidder } => {
            body::encode(&BidDeletedBody { bid: TextId(bid.0), bidder: TextId(bidder.0) })
        }
        AuctionEvent::BidDoubled { bid, bidder, effective } => body::encode(&BidDoubledBody {
            bid: TextId(bid.0),
            bidder: TextId(bidder.0),
            effective: effective.minor_units(),
        }),
        AuctionEvent::DrawHeld(draw) => draw::encode_draw(draw),
        AuctionEvent::DrawsMissed { first, last } => draw::encode_missed(*first, *last),
        AuctionEvent::SeedRevealed { seed } => draw::encode_seed(*seed),
        AuctionEvent::BidVoided { bid, bidder, reason } => body::encode(&BidVoidedBody {
            bid: TextId(bid.0),
            bidder: TextId(bidder.0),
            reason: reason.as_str().to_owned(),
        }),
        AuctionEvent::BidsRetracted { bidder, bids } => body::encode(&BidsRetractedBody {
            bidder: TextId(bidder.0),
            bids: bids.iter().map(|bid| TextId(bid.0)).collect(),
        }),
        AuctionEvent::AuctionExtended { ends_at } | AuctionEvent::AuctionEnded { ends_at } => {
            body::encode(&EndsAtBody { ends_at: ends_at.0 })
        }
        AuctionEvent::AuctionCancelled => body::encode(&EmptyBody {}),
        AuctionEvent::WinnerAnnounced(winner) => body::encode(&WinnerBody {
            bid: TextId(winner.bid.0),
            bidder: TextId(winner.bidder.0),
            pays: winner.pays.minor_units(),
            effective: winner.effective.minor_units(),
        }),
        AuctionEvent::AuctionClosedUnsold { because } => {
            body::encode(&UnsoldBody { because: unsold_text(*because).to_owned() })
        }
    }
}

fn auction_created(title: &Title, description: &Description, terms: &Terms) -> AuctionCreatedBody {
    AuctionCreatedBody {
        title: title.as_str().to_owned(),
        description: description.as_str().to_owned(),
        currency: terms.currency.code().to_owned(),
        opening_bid: terms.opening_bid.minor_units(),
        reserve: terms.reserve.map(Amount::minor_units),
        starts_at: terms.starts_at.0,
        ends_at: terms.ends_at.0,
        seller: terms.seller.map(|seller| TextId(seller.0)),
        soft_close: terms.soft_close.map(Into::into),
        retraction_lock_ms: terms.retraction_lock.0,
        promotion: terms.promotion.map(Into::into),
    }
}

/// How the reason for not selling is written, in events and in views.
pub(crate) fn unsold_text(because: Unsold) -> &'static str {
    match because {
        Unsold::NoBids => "no_bids",
        Unsold::ReserveNotMet => "reserve_not_met",
    }
}

const KINDS: [&str; 18] = [
    "user_created",
    "user_deleted",
    "subscriptions_changed",
    "auction_created",
    "bid_placed",
    "bid_deleted",
    "bid_doubled",
    "bid_voided",
    "bids_retracted",
    "auction_extended",
    "auction_ended",
    "auction_cancelled",
    "winner_announced",
    "auction_closed_unsold",
    "draw_held",
    "draws_missed",
    "seed_revealed",
    "promoter_settings_changed",
];

pub(super) fn decode(kind: &str, schema: u16, bytes: &[u8]) -> Result<Event, DecodeError> {
    let known = KINDS.iter().find(|known| **known == kind);
    let kind = *known.ok_or_else(|| DecodeError::UnknownKind(kind.to_owned()))?;
    if schema != VERSION {
        return Err(DecodeError::UnknownVersion { kind, v: schema });
    }
    Ok(Event::Auction(match kind {
        "user_created" | "user_deleted" | "subscriptions_changed" => return user_event(kind, bytes),
        "promoter_settings_changed" => {
            let options = OptionsBody::read(kind, bytes)?;
            return Ok(Event::Promoter(PromoterEvent::PromoterSettingsChanged { options }));
        }
        "auction_created" => created(kind, body::decode(kind, bytes)?)?,
        "bid_placed" => {
            let body: BidPlacedBody = body::decode(kind, bytes)?;
            AuctionEvent::BidPlaced {
                bid: BidId(body.bid.0),
                bidder: UserId(body.bidder.0),
                amount: amount(kind, body.amount)?,
            }
        }
        "bid_deleted" => {
            let body: BidDeletedBody = body::decode(kind, bytes)?;
            AuctionEvent::BidDeleted { bid: BidId(body.bid.0), bidder: UserId(body.bidder.0) }
        }
        "bid_doubled" => {
            let body: BidDoubledBody = body::decode(kind, bytes)?;
            AuctionEvent::BidDoubled {
                bid: BidId(body.bid.0),
                bidder: UserId(body.bidder.0),
                effective: effective(kind, body.effective)?,
            }
        }
        "bid_voided" => {
            let body: BidVoidedBody = body::decode(kind, bytes)?;
            AuctionEvent::BidVoided {
                bid: BidId(body.bid.0),
                bidder: UserId(body.bidder.0),
                reason: Reason::new(body.reason).map_err(|error| bad(kind, error))?,
            }
        }
        "bids_retracted" => {
            let body: BidsRetractedBody = body::decode(kind, bytes)?;
            AuctionEvent::BidsRetracted {
                bidder: UserId(body.bidder.0),
                bids: body.bids.into_iter().map(|bid| BidId(bid.0)).collect(),
            }
        }
        "auction_extended" => AuctionEvent::AuctionExtended { ends_at: ends_at(kind, bytes)? },
        "auction_ended" => AuctionEvent::AuctionEnded { ends_at: ends_at(kind, bytes)? },
        "auction_cancelled" => {
            body::decode::<EmptyBody>(kind, bytes)?;
            AuctionEvent::AuctionCancelled
        }
        "winner_announced" => {
            let body: WinnerBody = body::decode(kind, bytes)?;
            AuctionEvent::WinnerAnnounced(Winner {
                bid: BidId(body.bid.0),
                bidder: UserId(body.bidder.0),
                pays: amount(kind, body.pays)?,
                effective: effective(kind, body.effective)?,
            })
        }
        "auction_closed_unsold" => AuctionEvent::AuctionClosedUnsold { because: unsold(kind, bytes)? },
        _ => draw::decode_event(kind, bytes)?,
    }))
}

fn user_event(kind: &'static str, bytes: &[u8]) -> Result<Event, DecodeError> {
    Ok(Event::User(match kind {
        "subscriptions_changed" => {
            UserEvent::SubscriptionsChanged(body::decode::<SubscriptionsBody>(kind, bytes)?.into())
        }
        _ => {
            body::decode::<EmptyBody>(kind, bytes)?;
            if kind == "user_created" { UserEvent::UserCreated } else { UserEvent::UserDeleted }
        }
    }))
}

fn created(kind: &'static str, body: AuctionCreatedBody) -> Result<AuctionEvent, DecodeError> {
    Ok(AuctionEvent::AuctionCreated {
        title: Title::new(body.title).map_err(|error| bad(kind, format!("title {error}")))?,
        description: Description::new(body.description)
            .map_err(|error| bad(kind, format!("description {error}")))?,
        terms: Terms {
            currency: Currency::new(&body.currency).map_err(|error| bad(kind, error))?,
            opening_bid: amount(kind, body.opening_bid)?,
            reserve: body.reserve.map(|reserve| amount(kind, reserve)).transpose()?,
            starts_at: Timestamp(body.starts_at),
            ends_at: Timestamp(body.ends_at),
            seller: body.seller.map(|seller| UserId(seller.0)),
            soft_close: body.soft_close.map(Into::into),
            retraction_lock: DurationMs(body.retraction_lock_ms),
            promotion: body.promotion.map(|promotion| promotion.read(kind)).transpose()?,
        },
    })
}

fn amount(kind: &'static str, minor_units: u64) -> Result<Amount, DecodeError> {
    Amount::new(minor_units).map_err(|error| bad(kind, error))
}

fn effective(kind: &'static str, minor_units: u64) -> Result<Amount, DecodeError> {
    Amount::effective(minor_units).map_err(|error| bad(kind, error))
}

fn ends_at(kind: &'static str, bytes: &[u8]) -> Result<Timestamp, DecodeError> {
    Ok(Timestamp(body::decode::<EndsAtBody>(kind, bytes)?.ends_at))
}

fn unsold(kind: &'static str, bytes: &[u8]) -> Result<Unsold, DecodeError> {
    match body::decode::<UnsoldBody>(kind, bytes)?.because.as_str() {
        "no_bids" => Ok(Unsold::NoBids),
        "reserve_not_met" => Ok(Unsold::ReserveNotMet),
        other => Err(bad(kind, format!("unknown reason {other:?}"))),
    }
}
