//! State of the fake portal, with the rules of the real domain.

use super::http::{Request, Response};
use super::view;
use auction_domain::auction::{
    Auction, AuctionCommand, CloseAuction, CreateAuction, EndAuction, PlaceBid, SoftClose,
};
use auction_domain::{
    Actor, Amount, AuctionId, BidId, Currency, Description, DurationMs, Timestamp, Title, UserId,
};
use auction_wire::api::{CreateAuctionRequest, PlaceBidRequest};
use auction_wire::time::JsonTime;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Delay of read models, of the auctioneer and of pending commands.
const LAG: Duration = Duration::from_millis(15);

#[derive(Default)]
pub(crate) struct Portal {
    pub(crate) auctions: BTreeMap<Uuid, Entry>,
    pub(crate) users: HashSet<Uuid>,
    /// Number of commands sent to an auction while another one was undecided.
    pub(crate) out_of_order: u64,
    /// Number of repeated requests.
    pub(crate) repeated: u64,
    /// Number of requests for a handle from before a crash.
    pub(crate) forgotten_handles: u64,
    /// Simulates an auctioneer that does not run.
    pub(crate) never_closes: bool,
    /// Accepts all commands and decides none.
    pub(crate) never_decides: bool,
    answers: HashMap<Uuid, (Vec<u8>, Response)>,
    pending: HashMap<Uuid, PendingCommand>,
    epoch: u32,
}

pub(crate) struct Entry {
    pub(crate) auction: Option<Auction>,
    pub(crate) title: Title,
    pub(crate) description: Description,
    pub(crate) created_at: Timestamp,
    shown_from: Instant,
    closes_from: Option<Instant>,
}

struct PendingCommand {
    due: Instant,
    command: Command,
    request: Request,
}

/// A command that passed validation.
#[derive(Clone)]
enum Command {
    User,
    Create(Box<CreateAuctionRequest>, UserId),
    Bid(Uuid, UserId, Amount),
    End(Uuid, UserId),
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

fn invalid(error: impl ToString) -> Response {
    Response::problem(400, "invalid", "the request is invalid", json!({"errors": [error.to_string()]}))
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Response> {
    serde_json::from_slice(&request.body).map_err(invalid)
}

fn not_found(code: &str) -> Response {
    Response::problem(404, code, "not found", json!({}))
}

impl Portal {
    pub(crate) fn answer(&mut self, request: &Request, delay: bool) -> Response {
        let path = request.path.clone();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let answer = match (&*request.method, &parts[..]) {
            ("GET", ["command", handle]) => Ok(self.monitor(handle, request)),
            ("GET", ["auctions"]) => Ok(view::list(self, &request.query)),
            ("GET", ["auction", id]) => self.auction(id),
            ("GET", ["auction", id, "bids"]) => self.own_bids(id, request),
            _ => self.command(request, &parts, delay),
        };
        answer.unwrap_or_else(|problem| problem)
    }

    /// Invalidates all handles, as a crash does. Pending commands are kept.
    pub(crate) fn forget_handles(&mut self) {
        self.epoch += 1;
    }

    fn command(&mut self, request: &Request, parts: &[&str], delay: bool) -> Result<Response, Response> {
        let command = read_command(request, parts)?;
        let text = format!(
            "{} {} {} {}",
            request.header("x-user-id"),
            request.method,
            request.path,
            request.header("idempotency-key")
        );
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes());
        if let Some((body, response)) = self.answers.get(&id) {
            self.repeated += 1;
            let same = *body == request.body;
            let reused = || {
                Response::problem(
                    422,
                    "idempotency_key_reused",
                    "the key was used for another request",
                    json!({}),
                )
            };
            return Ok(if same { response.clone() } else { reused() });
        }
        let waits = request.header("prefer").contains("wait=");
        if self.pending.contains_key(&id) {
            return Ok(self.accepted(id));
        }
        let same_auction = |pending: &PendingCommand| {
            command.auction().is_some() && pending.command.auction() == command.auction()
        };
        self.out_of_order += u64::from(self.pending.values().any(same_auction));
        if delay || !waits || self.never_decides {
            let due = Instant::now() + LAG;
            self.pending.insert(id, PendingCommand { due, command, request: request.clone() });
            return Ok(self.accepted(id));
        }
        Ok(self.decide(id, &command, request))
    }

    fn accepted(&self, id: Uuid) -> Response {
        let handle = format!("{}-{}", self.epoch, id.simple());
        let body = json!({"command": handle, "status": "pending", "received_at": JsonTime(now())});
        Response::json(202, &body).with("Location", format!("/command/{handle}")).with("Retry-After", "0")
    }

    fn monitor(&mut self, handle: &str, request: &Request) -> Response {
        let known = handle.split_once('-').filter(|(epoch, _)| *epoch == self.epoch.to_string());
        let Some(id) = known.and_then(|(_, id)| Uuid::try_parse(id).ok()) else {
            self.forgotten_handles += 1;
            return not_found("unknown_command");
        };
        let due = |pending: &PendingCommand| pending.due <= Instant::now() && !self.never_decides;
        if self.pending.get(&id).is_some_and(due)
            && let Some(pending) = self.pending.remove(&id)
        {
            self.decide(id, &pending.command, &pending.request);
        }
        match self.answers.get(&id) {
            Some((_, response)) if response.status >= 400 => response.clone(),
            Some((_, response)) if request.header("prefer").contains("return=representation") => {
                Response { status: 200, ..response.clone() }
            }
            Some(_) => Response::json(303, &json!({})).with("Location", "/somewhere"),
            None => {
                let body = json!({"command": handle, "status": "pending", "received_at": JsonTime(now())});
                Response::json(200, &body).with("Retry-After", "0")
            }
        }
    }

    fn decide(&mut self, id: Uuid, command: &Command, request: &Request) -> Response {
        let response = match command {
            Command::User => {
                self.users.insert(id);
                let done =
                    json!({"command": id, "status": "done", "kind": "create_user", "user": id, "version": 1});
                Response::json(201, &done)
            }
            Command::Create(create, seller) => self.create(id, create, *seller),
            Command::Bid(auction, bidder, amount) => {
                let place = PlaceBid { bid: BidId(id), bidder: *bidder, amount: *amount };
                self.change(id, *auction, &AuctionCommand::PlaceBid(place), *bidder)
            }
            Command::End(auction, user) => {
                let response = self.change(id, *auction, &AuctionCommand::EndAuction(EndAuction), *user);
                if let Some(entry) = self.auctions.get_mut(auction) {
                    entry.closes_from = Some(Instant::now() + LAG);
                }
                response
            }
        };
        self.answers.insert(id, (request.body.clone(), response.clone()));
        response
    }

    fn create(&mut self, id: Uuid, create: &CreateAuctionRequest, seller: UserId) -> Response {
        let (Ok(title), Ok(description)) = (Title::new(&create.title), Description::new(&create.description))
        else {
            return invalid("title or description");
        };
        let command = AuctionCommand::CreateAuction(Box::new(CreateAuction {
            title: title.clone(),
            description: description.clone(),
            currency: Currency::new(&create.currency).unwrap(),
            opening_bid: Amount::new(create.opening_bid).unwrap(),
            reserve: create.reserve.map(|reserve| Amount::new(reserve).unwrap()),
            starts_at: create.starts_at.map(|time| time.0),
            ends_at: create.ends_at.0,
            seller: Some(seller),
            soft_close: create.soft_close.map(|soft| SoftClose {
                extend_by: DurationMs::seconds(soft.extend_by_seconds),
                within: DurationMs::seconds(soft.within_seconds),
                max_extensions: soft.at_most,
            }),
            retraction_lock: DurationMs::seconds(create.retraction_lock_seconds),
            promotion: None,
        }));
        let (created_at, shown_from) = (now(), Instant::now() + LAG);
        let entry = Entry { auction: None, title, description, created_at, shown_from, closes_from: None };
        self.auctions.insert(id, entry);
        let response = self.change(id, id, &command, seller);
        if self.auctions[&id].auction.is_none() {
            self.auctions.remove(&id);
        }
        response
    }

    fn change(&mut self, id: Uuid, auction: Uuid, command: &AuctionCommand, user: UserId) -> Response {
        if !self.users.contains(&user.0) {
            return Response::problem(403, "unknown_user", "the user does not exist", json!({}));
        }
        let Some(entry) = self.auctions.get_mut(&auction) else { return not_found("unknown_auction") };
        let at = now();
        match command.decide(entry.auction.as_ref(), Actor::User(user), None, at) {
            Ok(events) => {
                events.iter().for_each(|event| Auction::apply(&mut entry.auction, event, at));
                view::done(id, auction, command, entry.auction.as_ref().unwrap())
            }
            Err(refused) => view::refused(&refused, entry.auction.as_ref()),
        }
    }

    fn auction(&mut self, id: &str) -> Result<Response, Response> {
        let id = Uuid::try_parse(id).map_err(invalid)?;
        let closes = !self.never_closes;
        let entry = self.auctions.get_mut(&id).filter(|entry| entry.shown_from <= Instant::now());
        let entry = entry.ok_or_else(|| not_found("unknown_auction"))?;
        if closes && entry.closes_from.is_some_and(|from| from <= Instant::now()) {
            let at = now();
            let close = AuctionCommand::CloseAuction(CloseAuction);
            let events = close.decide(entry.auction.as_ref(), Actor::Portal, None, at).unwrap_or_default();
            events.iter().for_each(|event| Auction::apply(&mut entry.auction, event, at));
        }
        Ok(Response::json(200, &view::auction(AuctionId(id), entry)))
    }

    fn own_bids(&self, id: &str, request: &Request) -> Result<Response, Response> {
        let id = Uuid::try_parse(id).map_err(invalid)?;
        let user = UserId(Uuid::try_parse(request.header("x-user-id")).map_err(invalid)?);
        let entry = self.auctions.get(&id).ok_or_else(|| not_found("unknown_auction"))?;
        Ok(Response::json(200, &view::own_bids(id, entry, user)))
    }
}

impl Command {
    fn auction(&self) -> Option<Uuid> {
        match self {
            Command::User | Command::Create(..) => None,
            Command::Bid(auction, ..) | Command::End(auction, _) => Some(*auction),
        }
    }
}

fn read_command(request: &Request, parts: &[&str]) -> Result<Command, Response> {
    let user = || Uuid::try_parse(request.header("x-user-id")).map(UserId).map_err(invalid);
    let id = |text: &str| Uuid::try_parse(text).map_err(invalid);
    match (&*request.method, parts) {
        ("POST", ["users"]) => Ok(Command::User),
        ("POST", ["auctions"]) => {
            let create: CreateAuctionRequest = body(request)?;
            Title::new(&create.title).map_err(invalid)?;
            Ok(Command::Create(Box::new(create), user()?))
        }
        ("PUT", ["auction", auction, "bid"]) => {
            let bid: PlaceBidRequest = body(request)?;
            Ok(Command::Bid(id(auction)?, user()?, Amount::new(bid.amount).map_err(invalid)?))
        }
        ("POST", ["auction", auction, "end"]) => Ok(Command::End(id(auction)?, user()?)),
        _ => Err(not_found("unknown_path")),
    }
}
