//! `POST /auctions`: offer something. Who calls is the seller.

use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_domain::auction::{AuctionCommand, CreateAuction, SoftClose};
use auction_domain::{Actor, Amount, AuctionId, Currency, Description, DurationMs, Title, UserId};
use auction_wire::api::{CreateAuctionRequest, SoftCloseRequest};
use auction_wire::{CommandBody, CommandId};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::fmt::Display;

/// A soft close or a retraction lock of more than a day is a slip.
const LONGEST_SECONDS: u32 = 24 * 60 * 60;

/// More extensions than that are a slip.
const MOST_EXTENSIONS: u32 = 1000;

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("create_auction", "/auctions", create_auction::<P>)
        .summary(tag::AUCTIONS, "Offer something")
        .about("Who calls is the seller.")
        .by_a_seller()
        .body::<CreateAuctionRequest>(true)
        .command(Effect::Creates)
        .problems(&[
            &refusals::UNKNOWN_SENDER,
            &refusals::AUCTION_EXISTS,
            &refusals::ENDS_BEFORE_IT_STARTS,
            &refusals::ENDS_IN_THE_PAST,
            &refusals::RESERVE_BELOW_OPENING_BID,
        ])
}

async fn create_auction<P: Ports>(
    State(portal): StateExtractor<P>,
    Caller(seller): Caller,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let request: CreateAuctionRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let promoted = request.promoted;
    let mut create = validate(request, seller)?;
    let asking = CommandSubmission {
        actor: Actor::User(seller),
        method: "POST",
        path: "/auctions",
        payload: &payload,
    };
    let command = |id: CommandId| {
        create.promotion = promoted.then(|| portal.promises.of(AuctionId(id.0)));
        (id.0, CommandBody::Auction(AuctionCommand::CreateAuction(Box::new(create))))
    };
    submit(&portal, &headers, asking, command).await
}

/// Collects everything that is wrong, so that a client need not find out one by one.
#[derive(Default)]
struct Errors(Vec<(String, String)>);

impl Errors {
    fn check<T, E: Display>(&mut self, at: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.0.push((at.to_owned(), error.to_string()))).ok()
    }

    fn range(&mut self, at: &str, value: u32, min: u32, max: u32) {
        if !(min..=max).contains(&value) {
            self.0.push((at.to_owned(), format!("must be {min} to {max}, is {value}")));
        }
    }
}

fn validate(request: CreateAuctionRequest, seller: UserId) -> Result<CreateAuction, Problem> {
    let mut errors = Errors::default();
    let title = errors.check("title", Title::new(request.title));
    let description = errors.check("description", Description::new(request.description));
    let currency = errors.check("currency", Currency::new(&request.currency));
    let opening_bid = errors.check("opening_bid", Amount::new(request.opening_bid));
    let reserve = errors.check("reserve", request.reserve.map(Amount::new).transpose());
    if let Some(SoftCloseRequest { extend_by_seconds, within_seconds, at_most }) = request.soft_close {
        errors.range("soft_close.extend_by_seconds", extend_by_seconds, 1, LONGEST_SECONDS);
        errors.range("soft_close.within_seconds", within_seconds, 1, LONGEST_SECONDS);
        errors.range("soft_close.at_most", at_most, 1, MOST_EXTENSIONS);
    }
    errors.range("retraction_lock_seconds", request.retraction_lock_seconds, 0, LONGEST_SECONDS);
    match (title, description, currency, opening_bid, reserve) {
        (Some(title), Some(description), Some(currency), Some(opening_bid), Some(reserve))
            if errors.0.is_empty() =>
        {
            Ok(CreateAuction {
                title,
                description,
                currency,
                opening_bid,
                reserve,
                starts_at: request.starts_at.map(|time| time.0),
                ends_at: request.ends_at.0,
                seller: Some(seller),
                soft_close: request.soft_close.map(|soft| SoftClose {
                    extend_by: DurationMs::seconds(soft.extend_by_seconds),
                    within: DurationMs::seconds(soft.within_seconds),
                    at_most: soft.at_most,
                }),
                retraction_lock: DurationMs::seconds(request.retraction_lock_seconds),
                promotion: None,
            })
        }
        _ => Err(Problem::invalid(errors.0)),
    }
}
