//! Plays a history: auctions side by side, within an auction strictly one bid after the other.

use super::history::{History, PastAuction, PastBid};
use super::participants::{self, Participants};
use super::{ReplayArgs, RunId};
use crate::client::{Backoff, Client, ClientError, Command, Problem};
use crate::console::{Bar, Console};
use auction_domain::{AuctionId, UserId};
use auction_wire::alias::alias;
use auction_wire::api::{CommandDone, CreateAuctionRequest, PlaceBidRequest};
use auction_wire::time::JsonTime;
use auction_wire::view::{AuctionStatus, AuctionView};
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;
use thiserror::Error;
use tokio::time::sleep;
use uuid::Uuid;

/// How to play.
pub(super) struct PlayOptions<'a> {
    pub(super) run: RunId,
    pub(super) args: &'a ReplayArgs,
}

/// What became of one auction.
pub(super) struct AuctionResult<'a> {
    pub(super) auction: &'a PastAuction,
    pub(super) tally: Tally,
    pub(super) ending: Result<Ending, Stopped>,
}

/// What became of its bids.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) refused: BTreeMap<String, u64>,
    /// Accepted below the highest at the time.
    pub(super) below_highest: u64,
    /// Accepted without taking the lead.
    pub(super) not_leading: u64,
}

impl Tally {
    pub(super) fn answered(&self) -> u64 {
        self.accepted + self.refused.values().sum::<u64>()
    }
}

/// How an auction ended.
pub(super) enum Ending {
    /// Somebody won and pays so much, in minor units.
    Won { bidder: String, pays: u64 },
    /// Nobody did, and why.
    Unsold(String),
}

/// Why an auction was not played to its end.
#[derive(Debug, Error)]
pub(super) enum Stopped {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{what} was refused: {problem}")]
    Refused { what: &'static str, problem: Box<Problem> },
    #[error("its bidders have no accounts")]
    NoPlayers,
}

struct Game<'a> {
    client: &'a Client,
    history: &'a History,
    options: &'a PlayOptions<'a>,
    players: Participants,
    bar: Bar<'a>,
}

/// Plays all of it, or as much as could be.
pub(super) async fn play<'a>(
    client: &'a Client,
    screen: &'a Console,
    history: &'a History,
    options: &'a PlayOptions<'a>,
) -> Vec<AuctionResult<'a>> {
    let players = match participants::create(client, screen, history, options).await {
        Ok(players) => players,
        Err(error) => {
            screen.eprint(&format!("error: {error}"));
            let stopped =
                |auction| AuctionResult { auction, tally: Tally::default(), ending: Err(Stopped::NoPlayers) };
            return history.auctions.iter().map(stopped).collect();
        }
    };
    let bar = screen.bar(history.bids(), "bids");
    let game = &Game { client, history, options, players, bar };
    let mut results: Vec<AuctionResult<'a>> = stream::iter(&history.auctions)
        .map(|auction| game.play(auction))
        .buffer_unordered(usize::from(options.args.parallel))
        .collect()
        .await;
    results.sort_by_key(|result| result.auction.line); // as in the file
    results
}

impl<'a> Game<'a> {
    async fn play(&self, auction: &'a PastAuction) -> AuctionResult<'a> {
        let mut tally = Tally::default();
        let ending = self.play_to_the_end(auction, &mut tally).await;
        AuctionResult { auction, tally, ending }
    }

    async fn play_to_the_end(&self, auction: &PastAuction, tally: &mut Tally) -> Result<Ending, Stopped> {
        let id = self.create(auction).await?;
        for bid in &auction.bids {
            self.bid(id, bid, tally).await?;
            self.bar.step();
        }
        let key = self.options.run.key("end", auction.line);
        let end = Command::end_auction(key, id, self.players.seller);
        self.client
            .command(&end)
            .await?
            .map_err(|problem| Stopped::Refused { what: "ending it", problem })?;
        let view = self.wait_until_final(id).await?;
        self.ending(auction, id, &view)
    }

    async fn create(&self, auction: &PastAuction) -> Result<Uuid, Stopped> {
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
            // The figures of a history are those of its bids, as they were.
            promoted: false,
        };
        let key = self.options.run.key("auction", auction.line);
        let command = Command::create_auction(key, self.players.seller, &request);
        let done = self
            .client
            .command(&command)
            .await?
            .map_err(|problem| Stopped::Refused { what: "creating it", problem })?;
        done.auction.ok_or_else(|| self.client.misunderstood("a new auction without its id").into())
    }

    async fn bid(&self, auction: Uuid, bid: &PastBid, tally: &mut Tally) -> Result<(), Stopped> {
        let key = self.options.run.key("bid", bid.line);
        let bidder = self.players.bidders[bid.bidder];
        let command = Command::place_bid(key, auction, bidder, &PlaceBidRequest { amount: bid.amount });
        match self.client.command(&command).await? {
            Ok(done) => self.count(tally, bid, &done)?,
            Err(problem) => *tally.refused.entry(problem.reason()).or_default() += 1,
        }
        Ok(())
    }

    fn count(&self, tally: &mut Tally, bid: &PastBid, done: &CommandDone) -> Result<(), ClientError> {
        let (Some(leads), Some(highest)) = (done.leads, &done.highest) else {
            return Err(self.client.misunderstood("an accepted bid without `leads` and `highest`"));
        };
        tally.accepted += 1;
        tally.below_highest += u64::from(highest.amount > bid.amount);
        tally.not_leading += u64::from(!leads);
        Ok(())
    }

    /// The result comes a little after the end.
    async fn wait_until_final(&self, auction: Uuid) -> Result<AuctionView, Stopped> {
        let path = format!("/auction/{auction}");
        let mut backoff = Backoff::default();
        loop {
            let why = match self.client.get::<AuctionView>(&path, None).await? {
                Ok(view) if view.status != AuctionStatus::Open => {
                    self.client.patience().progress();
                    return Ok(view);
                }
                Ok(_) => "it is ended, and its result is not declared",
                Err(problem) if problem.status == 404 => "it is ended, and GET does not show it",
                Err(problem) => return Err(Stopped::Refused { what: "reading it", problem }),
            };
            if self.client.patience().is_exhausted() {
                return Err(self.client.gave_up(why).into());
            }
            sleep(backoff.next_delay(None)).await;
        }
    }

    fn ending(&self, auction: &PastAuction, id: Uuid, view: &AuctionView) -> Result<Ending, Stopped> {
        let Some(winner) = &view.winner else {
            let cancelled = view.status == AuctionStatus::Cancelled;
            let why = if cancelled { Some("cancelled") } else { view.unsold_because.as_deref() };
            return Ok(Ending::Unsold(why.unwrap_or("not sold").replace('_', " ")));
        };
        let is_winner =
            |bid: &&PastBid| alias(AuctionId(id), UserId(self.players.bidders[bid.bidder])) == winner.bidder;
        let Some(bid) = auction.bids.iter().find(is_winner) else {
            return Err(self.client.misunderstood("a winner who did not bid").into());
        };
        let bidder = self.history.bidders[bid.bidder].name.clone();
        Ok(Ending::Won { bidder, pays: winner.pays.amount })
    }
}
