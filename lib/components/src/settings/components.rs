//! What each role can be told.

use auction_app::notifier::webhooks::UrlPolicy;
use auction_app::promoter::{DrawOptionsError, Options};
use auction_domain::user::NotificationKind;
use auction_http::client_ip::ForwardedHeader;
use auction_promoter::OptionSpec;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

/// Of the ingress.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct IngressSettings {
    /// The address that requests are taken at.
    pub listen: SocketAddr,
    /// Whether `X-User-Id` is believed.
    pub trust_gateway_user_header: bool,
    /// How long a token is good.
    pub session_hours: NonZeroU32,
    /// Tokens in memory.
    pub known_tokens: NonZeroUsize,
    /// How often those in use are looked up again.
    pub token_recheck_seconds: NonZeroU16,
    /// Passwords that are hashed at a time.
    pub password_hashes: NonZeroUsize,
    /// The longest wait for an outcome.
    pub longest_wait_seconds: u32,
    /// The longest wait of a read for fresher views.
    pub longest_read_wait_ms: u32,
    /// How long a page of a list of auctions is used again.
    pub list_kept_ms: u32,
    /// How long an auction that was read is used again.
    pub auction_kept_ms: u32,
    /// How many may listen at a time.
    pub live_listeners: NonZeroUsize,
    /// How long what happens to an auction gathers before its listeners are told more.
    pub live_gather_ms: u32,
    /// Auctions that are read from the store at a time.
    pub store_reads: NonZeroUsize,
    /// Origins whose web pages may use it.
    pub cors_origins: Vec<String>,
    /// How long a request may take, besides waiting for an outcome.
    pub deadline_seconds: NonZeroU16,
    /// How long the head of a request may take to come.
    pub head_seconds: NonZeroU16,
    /// How long a client may take nothing of an answer.
    pub write_seconds: NonZeroU16,
    /// How long a body may take to come.
    pub body_seconds: NonZeroU16,
    /// More commands that are not decided yet are too many.
    pub most_undecided: NonZeroU32,
    /// A larger part of Redis's memory in use is too much.
    pub most_redis_memory_percent: NonZeroU16,
    /// How long it goes on serving after it has said that it stops.
    pub grace_seconds: u16,
    /// Connections for the status monitor.
    pub postgres_connections: NonZeroUsize,
    /// Connections for reading.
    pub redis_connections: NonZeroUsize,
}

/// How often callers may call.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct LimitsSettings {
    /// Whether they are counted at all.
    pub on: bool,
    /// A user, in a second.
    pub user_per_second: NonZeroU32,
    /// A user, at once.
    pub user_at_once: NonZeroU32,
    /// An address, in a second.
    pub address_per_second: NonZeroU32,
    /// An address, at once.
    pub address_at_once: NonZeroU32,
    /// Proxies that say whose address it is.
    pub trusted_proxies: Vec<IpNet>,
    /// In which header.
    pub forwarded_by: ForwardedHeader,
}

/// Of the writer.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WriterSettings {
    /// How writers share the partitions.
    pub concurrency: Concurrency,
    /// How long the partitions of a killed writer stand still.
    pub lease_seconds: NonZeroU16,
    /// Commands of each channel in a batch.
    pub batch: NonZeroUsize,
    /// How long a read waits.
    pub read_block_ms: u32,
    /// How long commands gather after a read.
    pub gather_ms: u32,
    /// Users and auctions in memory.
    pub cached_aggregates: NonZeroUsize,
    /// Users known to exist.
    pub cached_bidders: NonZeroUsize,
    /// Events after which an auction gets a snapshot.
    pub snapshot_events: NonZeroU64,
    /// Their size after which it does.
    pub snapshot_bytes: NonZeroU64,
    /// How far Redis's clock may be ahead of this machine's.
    pub clock_tolerance_seconds: u64,
}

/// How writers share the partitions.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Concurrency {
    /// Each has its share, by leases.
    Leased,
    /// Each tries its luck with all of them.
    Optimistic,
    /// They take turns with each, under a lock.
    Pessimistic,
}

/// Of the projector.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ProjectorSettings {
    /// How long the partitions of a killed projector stand still.
    pub lease_seconds: NonZeroU16,
    /// Events in a batch.
    pub batch: NonZeroUsize,
    /// How long a read waits.
    pub read_block_ms: u32,
    /// How long events gather after a read.
    pub gather_ms: u32,
    /// Auctions in memory.
    pub cached_auctions: NonZeroUsize,
}

/// Of the auctioneer.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct AuctioneerSettings {
    /// How long the partitions of a killed auctioneer stand still.
    pub lease_seconds: NonZeroU16,
    /// Events in a batch.
    pub batch: NonZeroUsize,
    /// How long a read waits.
    pub read_block_ms: u32,
    /// How long events gather after a read.
    pub gather_ms: u32,
}

/// What is kept how long.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Outcomes of commands.
    pub outcomes_days: NonZeroU16,
    /// Decided commands on their streams.
    pub commands_seconds: u32,
    /// Events on their streams.
    pub events_seconds: u32,
    /// What was sent out of the house.
    pub deliveries_days: NonZeroU16,
    /// From when an account is kept to when its command is on its stream it takes less.
    pub sign_ups_seconds: NonZeroU32,
    /// How often is looked whether anything is to go.
    pub every_ms: NonZeroU32,
}

impl RetentionSettings {
    /// How long an outcome is kept.
    pub fn outcomes(&self) -> Duration {
        days(self.outcomes_days)
    }

    /// How long what was sent is kept.
    pub fn deliveries(&self) -> Duration {
        days(self.deliveries_days)
    }
}

fn days(days: NonZeroU16) -> Duration {
    Duration::from_secs(24 * 60 * 60 * u64::from(days.get()))
}

/// Of the notifier.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct NotifierSettings {
    /// How long the partitions of a killed notifier stand still.
    pub lease_seconds: NonZeroU16,
    /// How long a read waits.
    pub read_block_ms: u32,
    /// How long events gather after each telling.
    pub interval_ms: u32,
    /// Events that are told in one go.
    pub batch: NonZeroUsize,
    /// Notifications that an inbox keeps.
    pub inbox_keeps: NonZeroU16,
    /// Auctions in memory.
    pub cached_auctions: NonZeroUsize,
}

/// Of what is sent to users by HTTP.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Webhooks that a user may have.
    pub each: NonZeroU16,
    /// Whether they may lead to `http`.
    pub allow_http: bool,
    /// Whether they may lead to private addresses.
    pub allow_private_addresses: bool,
    /// How long a secret signs after the next one was given out.
    pub rotation_overlap_seconds: u32,
    /// Attempts at the same time.
    pub at_once: NonZeroUsize,
    /// Of them, to one webhook.
    pub per_endpoint: NonZeroUsize,
    /// How long an attempt may take.
    pub timeout_seconds: NonZeroU16,
    /// How long a second of the schedule is.
    pub schedule_second_ms: NonZeroU32,
}

impl WebhookSettings {
    /// Where they may lead.
    pub fn reach(&self) -> UrlPolicy {
        UrlPolicy { http: self.allow_http, private_addresses: self.allow_private_addresses }
    }
}

/// Of what is sent to users by e-mail.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    /// The mail server. Without one no e-mail is sent.
    pub smtp_url: Option<String>,
    /// The sender.
    pub from: String,
    /// What is sent.
    pub kinds: Vec<EmailKind>,
    /// Letters at the same time.
    pub at_once: NonZeroUsize,
    /// How long an attempt may take.
    pub timeout_seconds: NonZeroU16,
    /// How long a second of the schedule is.
    pub schedule_second_ms: NonZeroU32,
}

/// What can be sent by e-mail.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum EmailKind {
    /// He won.
    AuctionWon,
    /// The lead changed.
    HighestBid,
    /// A bid counts twice.
    BidDoubled,
}

impl From<EmailKind> for NotificationKind {
    fn from(kind: EmailKind) -> NotificationKind {
        match kind {
            EmailKind::AuctionWon => NotificationKind::AuctionWon,
            EmailKind::HighestBid => NotificationKind::HighestBid,
            EmailKind::BidDoubled => NotificationKind::BidDoubled,
        }
    }
}

/// Of the promoter.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct PromoterSettings {
    /// How long the partitions of a killed promoter stand still.
    pub lease_seconds: NonZeroU16,
    /// Events in a batch.
    pub batch: NonZeroUsize,
    /// How long a read waits.
    pub read_block_ms: u32,
    /// How long events gather after a read.
    pub gather_ms: u32,
    /// How bids are drawn, until an operator says otherwise.
    pub options: Vec<OptionSpec>,
}

impl PromoterSettings {
    /// The options, if they make sense.
    pub fn options(&self) -> Result<Options, DrawOptionsError> {
        Options::new(self.options.clone(), 0)
    }
}

/// Of the logs.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// What is logged.
    pub filter: String,
    /// How.
    pub format: LogFormat,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}
