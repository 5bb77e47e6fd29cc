//! `POST /auctions`: creates an auction. The caller is its seller.

use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::Caller;
use crate::command_response::CommandSubmission;
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use auction_domain::auction::{AuctionCommand, CreateAuction, SoftClose};
use auction_domain::{Actor, Amount, AuctionId, Currency, Description, DurationMs, Title, UserId};
use auction_wire::command::create_auction::{CreateAuctionRequest, SoftCloseRequest};
use auction_wire::{CommandBody, CommandId};
use axum::response::Response;
use std::fmt::Display;

/// Maximum of the durations of soft close and retraction lock: longer ones are mistakes.
const MAX_SECONDS: u32 = 24 * 60 * 60;

/// Maximum number of extensions by soft close: more are a mistake.
const MAX_EXTENSIONS: u32 = 1000;

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("create_auction", "/auctions", create_auction)
        .summary(tag::AUCTIONS, "Create an auction")
        .description("The caller is the seller.")
        .access(Access::Seller)
        .body::<CreateAuctionRequest>(true)
        .command(Effect::Creates)
        .problems(&refusals::of(CreateAuction::REFUSALS))
}

async fn create_auction(
    submission: CommandSubmission,
    Caller(seller): Caller,
    body: BoundedBody,
) -> Result<Response, Problem> {
    let request: CreateAuctionRequest = body.read()?;
    let payload = body::canonical(&request);
    let promoted = request.promoted;
    let mut create = validate(request, seller)?;
    let command = |id: CommandId| {
        create.promotion = promoted.then(|| submission.portal.commitments.of(AuctionId(id.0)));
        (id.0, CommandBody::Auction(AuctionCommand::CreateAuction(Box::new(create))))
    };
    submission.submit(Actor::User(seller), "/auctions", &payload, command).await
}

/// Collector of all invalid fields, so that the response lists them all.
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
        errors.range("soft_close.extend_by_seconds", extend_by_seconds, 1, MAX_SECONDS);
        errors.range("soft_close.within_seconds", within_seconds, 1, MAX_SECONDS);
        errors.range("soft_close.at_most", at_most, 1, MAX_EXTENSIONS);
    }
    errors.range("retraction_lock_seconds", request.retraction_lock_seconds, 0, MAX_SECONDS);
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
                    max_extensions: soft.at_most,
                }),
                retraction_lock: DurationMs::seconds(request.retraction_lock_seconds),
                promotion: None,
            })
        }
        _ => Err(Problem::invalid(errors.0)),
    }
}
