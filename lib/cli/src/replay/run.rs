//! Plays a history: auctions concurrently, the bids of an auction strictly one after the other.

use super::history::{History, PastAuction, PastBid};
use super::participants::{self, Participants};
use super::{ReplayArgs, RunId};
use crate::client::{Backoff, Client, ClientError, Command, Problem};
use crate::console::{Console, ProgressBar};
use auction_domain::{AuctionId, UserId};
use auction_wire::alias::alias;
use auction_wire::api::CommandDone;
use auction_wire::command::create_auction::CreateAuctionRequest;
use auction_wire::command::place_bid::PlaceBidRequest;
use auction_wire::time::JsonTime;
use auction_wire::view::{AuctionStatus, AuctionView};
use futures_util::{StreamExt, stream};
use reqwest::Method;
use std::collections::BTreeMap;
use thiserror::Error;
use tokio::time::sleep;
use uuid::Uuid;

pub(super) struct PlayOptions<'a> {
    pub(super) run: RunId,
    pub(super) args: &'a ReplayArgs,
}

/// Result of one auction.
pub(super) struct AuctionResult<'a> {
    pub(super) auction: &'a PastAuction,
    pub(super) tally: Tally,
    pub(super) ending: Result<AuctionEnding, PlayError>,
}

/// Outcomes of the bids of an auction.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) refused: BTreeMap<String, u64>,
    /// Bids accepted below the highest bid at the time.
    pub(super) below_highest: u64,
    /// Bids accepted without taking the lead.
    pub(super) not_leading: u64,
}

impl Tally {
    pub(super) fn decided(&self) -> u64 {
        self.accepted + self.refused.values().sum::<u64>()
    }
}

/// Ending of an auction.
pub(super) enum AuctionEnding {
    /// Sold to `bidder` at `price`, in minor units.
    Won { bidder: String, price: u64 },
    /// Not sold, with the reason.
    Unsold(String),
}

/// Reasons an auction was not played to its end.
#[derive(Debug, Error)]
pub(super) enum PlayError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{step} was refused: {problem}")]
    Refused { step: &'static str, problem: Box<Problem> },
    #[error("the users of the replay could not be created")]
    NoParticipants,
}

struct Replayer<'a> {
    client: &'a Client,
    history: &'a History,
    options: &'a PlayOptions<'a>,
    participants: Participants,
    bar: ProgressBar<'a>,
}

/// Plays all auctions of a history. Each has a result, even if the replay gives up.
pub(super) async fn play<'a>(
    client: &'a Client,
    console: &'a Console,
    history: &'a History,
    options: &'a PlayOptions<'a>,
) -> Vec<AuctionResult<'a>> {
    let participants = match participants::create(client, console, history, options).await {
        Ok(participants) => participants,
        Err(error) => {
            console.eprint(&format!("error: {error}"));
            let not_played = |auction| AuctionResult {
                auction,
                tally: Tally::default(),
                ending: Err(PlayError::NoParticipants),
            };
            return history.auctions.iter().map(not_played).collect();
        }
    };
    let bar = console.bar(history.bids(), "bids");
    let replayer = &Replayer { client, history, options, participants, bar };
    let mut results: Vec<AuctionResult<'a>> = stream::iter(&history.auctions)
        .map(|auction| replayer.play(auction))
        .buffer_unordered(usize::from(options.args.concurrency))
        .collect()
        .await;
    results.sort_by_key(|result| result.auction.line); // as in the file
    results
}

impl<'a> Replayer<'a> {
    async fn play(&self, auction: &'a PastAuction) -> AuctionResult<'a> {
        let mut tally = Tally::default();
        let ending = self.play_to_the_end(auction, &mut tally).await;
        AuctionResult { auction, tally, ending }
    }

    async fn play_to_the_end(
        &self,
        auction: &PastAuction,
        tally: &mut Tally,
    ) -> Result<AuctionEnding, PlayError> {
        let id = self.create(auction).await?;
        for bid in &auction.bids {
            self.bid(id, bid, tally).await?;
            self.bar.step();
        }
        let key = self.options.run.key("end", auction.line);
        let end =
            Command::new(Method::POST, format!("/auction/{id}/end"), Some(self.participants.seller), key);
        self.client
            .command(&end)
            .await?
            .map_err(|problem| PlayError::Refused { step: "ending it", problem })?;
        let view = self.wait_until_final(id).await?;
        self.ending(auction, id, &view)
    }

    async fn create(&self, auction: &PastAuction) -> Result<Uuid, PlayError> {
        let request = CreateAuctionRequest {
            title: auction.item.clone(),
            description: format!("Replay of auction {}", auction.name),
            currency: self.options.args.currency.clone(),
            opening_bid: auction.opening_bid,
            reserve: None,
            starts_at: None,
            ends_at: JsonTime(self.options.run.ends_at()),
            soft_close: None,
            retraction_lock_seconds: 0,
            // A doubled bid would change the recorded prices.
            promoted: false,
        };
        let key = self.options.run.key("auction", auction.line);
        let command = Command::create_auction(key, self.participants.seller, &request);
        let done = self
            .client
            .command(&command)
            .await?
            .map_err(|problem| PlayError::Refused { step: "creating it", problem })?;
        done.auction.ok_or_else(|| self.client.unexpected_response("a created auction without an id").into())
    }

    async fn bid(&self, auction: Uuid, bid: &PastBid, tally: &mut Tally) -> Result<(), PlayError> {
        let key = self.options.run.key("bid", bid.line);
        let bidder = self.participants.bidders[bid.bidder];
        let command = Command::place_bid(key, auction, bidder, &PlaceBidRequest { amount: bid.amount });
        match self.client.command(&command).await? {
            Ok(done) => self.count(tally, bid, &done)?,
            Err(problem) => *tally.refused.entry(problem.reason()).or_default() += 1,
        }
        Ok(())
    }

    fn count(&self, tally: &mut Tally, bid: &PastBid, done: &CommandDone) -> Result<(), ClientError> {
        let (Some(leads), Some(highest)) = (done.leads, &done.highest) else {
            return Err(self.client.unexpected_response("an accepted bid without `leads` and `highest`"));
        };
        tally.accepted += 1;
        tally.below_highest += u64::from(highest.amount > bid.amount);
        tally.not_leading += u64::from(!leads);
        Ok(())
    }

    /// Waits for the result, which the auctioneer declares shortly after the end.
    async fn wait_until_final(&self, auction: Uuid) -> Result<AuctionView, PlayError> {
        let path = format!("/auction/{auction}");
        let mut backoff = Backoff::default();
        loop {
            let reason = match self.client.get::<AuctionView>(&path, None).await? {
                Ok(view) if view.status != AuctionStatus::Open => {
                    self.client.retry_budget().on_progress();
                    return Ok(view);
                }
                Ok(_) => "the auction has ended, but its result is not declared",
                Err(problem) if problem.status == 404 => {
                    "the auction has ended, but its read model is missing"
                }
                Err(problem) => return Err(PlayError::Refused { step: "reading it", problem }),
            };
            if self.client.retry_budget().is_exhausted() {
                return Err(self.client.gave_up(reason).into());
            }
            sleep(backoff.next_delay(None)).await;
        }
    }

    fn ending(
        &self,
        auction: &PastAuction,
        id: Uuid,
        view: &AuctionView,
    ) -> Result<AuctionEnding, PlayError> {
        let Some(winner) = &view.winner else {
            let cancelled = view.status == AuctionStatus::Cancelled;
            let reason = if cancelled { Some("cancelled") } else { view.unsold_reason.as_deref() };
            return Ok(AuctionEnding::Unsold(reason.unwrap_or("reason unknown").replace('_', " ")));
        };
        let is_winner = |bid: &&PastBid| {
            alias(AuctionId(id), UserId(self.participants.bidders[bid.bidder])) == winner.bidder
        };
        let Some(bid) = auction.bids.iter().find(is_winner) else {
            return Err(self.client.unexpected_response("a winner without a bid").into());
        };
        let bidder = self.history.bidders[bid.bidder].name.clone();
        Ok(AuctionEnding::Won { bidder, price: winner.price.amount })
    }
}
