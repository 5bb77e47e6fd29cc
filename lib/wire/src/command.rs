//! Commands, as entries of the command streams.
//!
//! | field   | meaning |
//! |---------|---------|
//! | `id`    | id of the command, and of the user, auction or bid that it creates |
//! | `kind`  | kind of the command, such as `place_bid` |
//! | `v`     | schema version of the body, from 1 |
//! | `key`   | id of the user, auction, promoter settings or bar it is for; determines the partition |
//! | `actor` | who sent it: id of a user, `operator:<user id>`, `api-key:<key id>`, `operator` or `portal` |
//! | `expect`| version that the aggregate must have; absent if any version will do |
//! | `fp`    | fingerprint of the request's payload, 16 hex digits |
//! | `reply` | ingress process that waits for the outcome; may be empty |
//! | `trace` | W3C traceparent; may be empty |
//! | `body`  | MessagePack map with field names |
//!
//! The module of a kind also has the JSON body of the request that sends it, if there is one. In requests, amounts
//! are whole minor units, durations whole seconds, times RFC 3339. A request with an unknown member is refused; the
//! error names the member.

use crate::actor::{actor_text, parse_actor};
use crate::body;
use crate::fields::{DecodeError, Fields, RawFields, check_version, parse};
use auction_domain::auction::*;
use auction_domain::promoter::{ChangePromoterSettings, PromoterCommand};
use auction_domain::user::{ChangeNotificationPreferences, CreateUser, DeleteUser, UserCommand};
use auction_domain::user_bar::{BarCommand, BarUsers};
use auction_domain::{Actor, AuctionId, RefusalType, UserId};
use serde::de::DeserializeOwned;
use std::fmt;
use uuid::Uuid;

/// Declares the kinds: `<module, which is the name of the kind>: <aggregate>(<variant of its commands>)`. The
/// variant has the name of the command. A module has the request of its kind, if one has a body, and the body of its
/// entry with a text for each field, its schema version, `encode`, `decode` and samples.
macro_rules! commands {
    ($($kind:ident: $aggregate:ident($commands:ident::$variant:ident),)+) => {
        $(pub mod $kind;)+

        /// Name and schema version of the kind that a body is written as.
        fn encoding(body: &CommandBody) -> (&'static str, u16) {
            match body {
                $(CommandBody::$aggregate($commands::$variant(_)) => (stringify!($kind), $kind::VERSION),)+
            }
        }

        fn encode(body: &CommandBody) -> Vec<u8> {
            match body {
                $(CommandBody::$aggregate($commands::$variant(command)) => $kind::encode(command),)+
            }
        }

        fn decode(encoded: &EncodedCommand<'_>) -> Result<CommandBody, DecodeError> {
            $(if encoded.kind == stringify!($kind) {
                check_version(encoded.kind, encoded.version, $kind::VERSION)?;
                let command = $kind::decode(encoded)?.into();
                return Ok(CommandBody::$aggregate($commands::$variant(command)));
            })+
            Err(DecodeError::UnknownKind(encoded.kind.to_owned()))
        }

        /// Names of all kinds.
        pub const KINDS: &[&str] = &[$(stringify!($kind),)+];

        /// Declared refusals of each kind.
        pub const REFUSALS: &[(&str, &[&RefusalType])] = &[$((stringify!($kind), $variant::REFUSALS),)+];

        #[cfg(test)]
        pub(crate) fn samples() -> Vec<crate::golden::Sample> {
            [$($kind::samples(),)+].concat()
        }
    };
}

commands! {
    create_user: User(UserCommand::CreateUser),
    delete_user: User(UserCommand::DeleteUser),
    change_subscriptions: User(UserCommand::ChangeNotificationPreferences),
    create_auction: Auction(AuctionCommand::CreateAuction),
    place_bid: Auction(AuctionCommand::PlaceBid),
    delete_bid: Auction(AuctionCommand::DeleteBid),
    double_bid: Auction(AuctionCommand::DoubleBid),
    void_bid: Auction(AuctionCommand::VoidBid),
    retract_bids: Auction(AuctionCommand::RetractBids),
    end_auction: Auction(AuctionCommand::EndAuction),
    cancel_auction: Auction(AuctionCommand::CancelAuction),
    close_auction: Auction(AuctionCommand::CloseAuction),
    hold_draw: Auction(AuctionCommand::HoldDraw),
    reveal_seed: Auction(AuctionCommand::RevealSeed),
    change_promoter_settings: Promoter(PromoterCommand::ChangePromoterSettings),
    bar_users: Bar(BarCommand::BarUsers),
}

/// Encoded body of a command with the header fields that complete it.
struct EncodedCommand<'a> {
    kind: &'static str,
    version: u16,
    id: CommandId,
    actor: Actor,
    body: &'a [u8],
}

impl EncodedCommand<'_> {
    fn body<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        body::decode(self.kind, self.body)
    }
}

fn known_kind(name: &str) -> Result<&'static str, DecodeError> {
    KINDS.iter().find(|kind| **kind == name).copied().ok_or_else(|| DecodeError::UnknownKind(name.to_owned()))
}

/// Id of a command. Commands are idempotent by this id: a repeat has no second effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub Uuid);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Command channels of a partition, in the order in which a writer reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Commands that create or change users.
    User,
    /// Commands that create auctions or change the promoter settings.
    Auction,
    /// Commands that change an existing auction, and bars of deleted users.
    Bid,
}

impl Channel {
    /// All channels; those that create users and auctions first.
    pub const ALL: [Channel; 3] = [Channel::User, Channel::Auction, Channel::Bid];

    /// Returns the name of the channel in the key of its stream.
    pub fn name(self) -> &'static str {
        match self {
            Channel::User => "user",
            Channel::Auction => "auction",
            Channel::Bid => "bid",
        }
    }
}

/// Command with its header fields; the table in the module documentation describes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub id: CommandId,
    /// Id of the user, auction or promoter settings that the command is for.
    pub key: Uuid,
    pub actor: Actor,
    /// Version that the aggregate must have.
    pub expect: Option<u64>,
    /// Fingerprint of the request's payload.
    pub fingerprint: u64,
    /// Ingress process that waits for the outcome; may be empty.
    pub reply: String,
    /// W3C traceparent; may be empty.
    pub trace: String,
    pub body: CommandBody,
}

impl Command {
    /// Returns a command of the portal itself to an auction. No request waits for its outcome.
    pub fn of_portal(id: Uuid, auction: AuctionId, body: AuctionCommand) -> Command {
        Command::without_request(id, auction.0, CommandBody::Auction(body))
    }

    /// Returns a command that bars deleted users from the partition of `id`, which is also the id of the bar.
    pub fn bar_users(id: Uuid, users: Vec<UserId>) -> Command {
        Command::without_request(id, id, CommandBody::Bar(BarCommand::BarUsers(BarUsers { users })))
    }

    fn without_request(id: Uuid, key: Uuid, body: CommandBody) -> Command {
        Command {
            id: CommandId(id),
            key,
            actor: Actor::Portal,
            expect: None,
            fingerprint: 0,
            reply: String::new(),
            trace: String::new(),
            body,
        }
    }
}

/// Body of a command, by kind of aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandBody {
    User(UserCommand),
    Auction(AuctionCommand),
    Promoter(PromoterCommand),
    Bar(BarCommand),
}

impl CommandBody {
    /// Returns the channel of the command. All commands that change an existing auction share one channel, so
    /// that a close cannot overtake an earlier bid.
    pub fn channel(&self) -> Channel {
        match self {
            CommandBody::User(_) => Channel::User,
            CommandBody::Auction(AuctionCommand::CreateAuction(_)) | CommandBody::Promoter(_) => {
                Channel::Auction
            }
            // The order with bids, auctions and closes is what a bar is for.
            CommandBody::Auction(_) | CommandBody::Bar(_) => Channel::Bid,
        }
    }

    /// Returns the name of the kind, such as `place_bid`.
    pub fn kind(&self) -> &'static str {
        encoding(self).0
    }
}

impl Command {
    /// Returns the fields of the stream entry.
    pub fn to_fields(&self) -> Vec<(&'static str, Vec<u8>)> {
        let (kind, version) = encoding(&self.body);
        let body = encode(&self.body);
        let mut fields = vec![
            ("id", text(self.id.0)),
            ("kind", kind.into()),
            ("v", version.to_string().into()),
            ("key", text(self.key)),
            ("actor", actor_text(self.actor).into()),
            ("fp", format!("{:016x}", self.fingerprint).into()),
            ("reply", self.reply.clone().into()),
            ("trace", self.trace.clone().into()),
            ("body", body),
        ];
        if let Some(expect) = self.expect {
            fields.insert(5, ("expect", expect.to_string().into()));
        }
        fields
    }

    /// Reads a command from the fields of a stream entry. Unknown fields are ignored, so that newer senders
    /// may add some.
    pub fn from_fields(fields: &RawFields<impl AsRef<[u8]>>) -> Result<Command, DecodeError> {
        let fields = Fields(fields);
        let id = CommandId(fields.id("id")?);
        let actor = parse_actor(fields.text("actor")?)
            .map_err(|reason| DecodeError::BadField { field: "actor", reason })?;
        let fp = fields.text("fp")?;
        let (kind, version) = (known_kind(fields.text("kind")?)?, fields.parse("v")?);
        let body = decode(&EncodedCommand { kind, version, id, actor, body: fields.bytes("body")? })?;
        Ok(Command {
            id,
            key: fields.id("key")?,
            actor,
            expect: fields.optional("expect")?.map(|text| parse("expect", text)).transpose()?,
            fingerprint: u64::from_str_radix(fp, 16).map_err(|_| DecodeError::BadField {
                field: "fp",
                reason: format!("{fp:?} is not hexadecimal"),
            })?,
            reply: fields.optional("reply")?.unwrap_or_default().to_owned(),
            trace: fields.optional("trace")?.unwrap_or_default().to_owned(),
            body,
        })
    }
}

/// Header of a command whose body may be unreadable: enough to store an outcome and notify the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHeader {
    pub id: CommandId,
    /// Kind of the command, even if this program does not know it; `unknown` if the field is not a valid
    /// name.
    pub kind: String,
    /// Id of the user, auction or promoter settings that the command is for.
    pub key: Uuid,
    /// Fingerprint of the request's payload; zero if it is missing or invalid.
    pub fingerprint: u64,
    /// Ingress process that waits for the outcome; may be empty.
    pub reply: String,
}

impl CommandHeader {
    /// Reads the header from the fields of a stream entry. Returns `None` without a valid id and key.
    pub fn of(fields: &RawFields<impl AsRef<[u8]>>) -> Option<CommandHeader> {
        let fields = Fields(fields);
        let is_name =
            |kind: &&str| kind.len() <= 40 && kind.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
        let fingerprint = fields.text("fp").ok().and_then(|fp| u64::from_str_radix(fp, 16).ok());
        let reply = fields.optional("reply").ok().flatten().unwrap_or_default();
        Some(CommandHeader {
            id: CommandId(fields.id("id").ok()?),
            kind: fields.text("kind").ok().filter(is_name).unwrap_or("unknown").to_owned(),
            key: fields.id("key").ok()?,
            fingerprint: fingerprint.unwrap_or_default(),
            reply: reply.to_owned(),
        })
    }
}

fn text(id: Uuid) -> Vec<u8> {
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes().to_vec()
}
