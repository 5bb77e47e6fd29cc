//! Commands, as they lie on the command streams.
//!
//! | field   | what |
//! |---------|------|
//! | `id`    | command id; a thing that the command creates bears the same id |
//! | `kind`  | such as `place_bid` |
//! | `v`     | schema version of the body, from 1 |
//! | `key`   | id of the user or auction (or of the promoter's settings) it is for; decides the partition |
//! | `actor` | id of the user who asks, or `operator`, or `portal` |
//! | `expect`| the version the sender insists on; absent if none |
//! | `fp`    | fingerprint of the request's payload, 16 hex digits |
//! | `reply` | the ingress that waits for the outcome; may be empty |
//! | `trace` | W3C traceparent; may be empty |
//! | `body`  | MessagePack map with field names |

mod kinds;

use crate::fields::{DecodeError, Fields, RawFields, parse};
use auction_domain::auction::AuctionCommand;
use auction_domain::promoter::PromoterCommand;
use auction_domain::user::UserCommand;
use auction_domain::{Actor, UserId};
use std::fmt;
use uuid::Uuid;

/// The id of a command: with it, a command has one effect however often it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub Uuid);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The three command channels of a partition, in the order in which a writer reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Accounts.
    User,
    /// New auctions, and what is set for all of them.
    Auction,
    /// Everything that changes an auction that exists.
    Bid,
}

impl Channel {
    /// All of them, creations first.
    pub const ALL: [Channel; 3] = [Channel::User, Channel::Auction, Channel::Bid];

    /// Its name in the key of its stream.
    pub fn name(self) -> &'static str {
        match self {
            Channel::User => "user",
            Channel::Auction => "auction",
            Channel::Bid => "bid",
        }
    }
}

/// One command with all that travels with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// See the table above.
    pub id: CommandId,
    /// The user or auction it is for.
    pub key: Uuid,
    /// Who asks.
    pub actor: Actor,
    /// The version the sender insists on.
    pub expect: Option<u64>,
    /// Fingerprint of the request's payload.
    pub fingerprint: u64,
    /// The ingress that waits for the outcome; may be empty.
    pub reply: String,
    /// W3C traceparent; may be empty.
    pub trace: String,
    /// What is asked.
    pub body: CommandBody,
}

/// What is asked, and of which kind of aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandBody {
    /// Of a user.
    User(UserCommand),
    /// Of an auction.
    Auction(AuctionCommand),
    /// Of the promoter's settings.
    Promoter(PromoterCommand),
}

impl CommandBody {
    /// The channel it travels on: everything that changes an existing auction shares one, so that a
    /// close cannot overtake an earlier bid.
    pub fn channel(&self) -> Channel {
        match self {
            CommandBody::User(_) => Channel::User,
            CommandBody::Auction(AuctionCommand::CreateAuction(_)) | CommandBody::Promoter(_) => {
                Channel::Auction
            }
            CommandBody::Auction(_) => Channel::Bid,
        }
    }

    /// Its name, such as `place_bid`.
    pub fn kind(&self) -> &'static str {
        kinds::kind(self)
    }
}

impl Command {
    /// The fields to write.
    pub fn to_fields(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut fields = vec![
            ("id", text(self.id.0)),
            ("kind", self.body.kind().into()),
            ("v", kinds::VERSION.to_string().into()),
            ("key", text(self.key)),
            ("actor", actor_text(self.actor).into()),
            ("fp", format!("{:016x}", self.fingerprint).into()),
            ("reply", self.reply.clone().into()),
            ("trace", self.trace.clone().into()),
            ("body", kinds::encode(&self.body)),
        ];
        if let Some(expect) = self.expect {
            fields.insert(5, ("expect", expect.to_string().into()));
        }
        fields
    }

    /// Reads the fields of an entry. Fields that nobody knows are passed over: a newer sender may have
    /// more to say.
    pub fn from_fields(fields: &RawFields<impl AsRef<[u8]>>) -> Result<Command, DecodeError> {
        let fields = Fields(fields);
        let id = CommandId(fields.id("id")?);
        let actor = parse_actor(fields.text("actor")?)?;
        let fp = fields.text("fp")?;
        let body = kinds::decode(fields.text("kind")?, fields.parse("v")?, id, actor, fields.bytes("body")?)?;
        Ok(Command {
            id,
            key: fields.id("key")?,
            actor,
            expect: fields.optional("expect")?.map(|text| parse("expect", text)).transpose()?,
            fingerprint: u64::from_str_radix(fp, 16).map_err(|_| DecodeError::BadField {
                field: "fp",
                why: format!("{fp:?} is not hexadecimal"),
            })?,
            reply: fields.optional("reply")?.unwrap_or_default().to_owned(),
            trace: fields.optional("trace")?.unwrap_or_default().to_owned(),
            body,
        })
    }
}

/// What can be told of an entry that is no readable command: enough to tell its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHeader {
    /// The command's id.
    pub id: CommandId,
    /// Its kind, whether anybody knows it or not; `unknown` if it is no name.
    pub kind: String,
    /// What it was for.
    pub key: Uuid,
    /// Fingerprint of the request's payload; zero if there is none.
    pub fingerprint: u64,
    /// The ingress that waits for the outcome; may be empty.
    pub reply: String,
}

impl CommandHeader {
    /// Reads it from the fields of an entry; none if it does not even say its id and key.
    pub fn of(fields: &RawFields<impl AsRef<[u8]>>) -> Option<CommandHeader> {
        let fields = Fields(fields);
        let name =
            |kind: &&str| kind.len() <= 40 && kind.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
        let fingerprint = fields.text("fp").ok().and_then(|fp| u64::from_str_radix(fp, 16).ok());
        let reply = fields.optional("reply").ok().flatten().unwrap_or_default();
        Some(CommandHeader {
            id: CommandId(fields.id("id").ok()?),
            kind: fields.text("kind").ok().filter(name).unwrap_or("unknown").to_owned(),
            key: fields.id("key").ok()?,
            fingerprint: fingerprint.unwrap_or_default(),
            reply: reply.to_owned(),
        })
    }
}

fn text(id: Uuid) -> Vec<u8> {
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes().to_vec()
}

/// How an actor is written.
pub fn actor_text(actor: Actor) -> String {
    match actor {
        Actor::User(user) => user.to_string(),
        Actor::Operator => "operator".to_owned(),
        Actor::Portal => "portal".to_owned(),
    }
}

fn parse_actor(text: &str) -> Result<Actor, DecodeError> {
    match text {
        "operator" => Ok(Actor::Operator),
        "portal" => Ok(Actor::Portal),
        id => Uuid::try_parse(id).map(|id| Actor::User(UserId(id))).map_err(|_| DecodeError::BadField {
            field: "actor",
            why: format!("{id:?} is neither a user's id nor `operator` nor `portal`"),
        }),
    }
}
