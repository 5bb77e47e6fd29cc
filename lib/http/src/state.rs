//! What all endpoints share.

use crate::operator_ports::OperatorPorts;
use crate::rate_limits::RateLimits;
use crate::read_model::{AuctionRepresentation, Representation};
use auction_app::ingress::accounts::{Passwords, TokenCache};
use auction_app::ingress::auction_history::AuctionHistoryReader;
use auction_app::ingress::coalescing_cache::CoalescingCache;
use auction_app::ingress::command_gateway::CommandGateway;
use auction_app::ingress::live_updates::{BroadcastHub, InboxSignals};
use auction_app::ingress::load_shedding::LoadShedder;
use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::notifier::InboxReader;
use auction_app::notifier::webhooks::WebhookRegistry;
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::heads::HeadReader;
use auction_app::ports::notifications::inbox::{InboxCache, InboxStore};
use auction_app::ports::notifications::preferences::PreferenceReader;
use auction_app::ports::notifications::webhooks::WebhookStore;
use auction_app::ports::operator::dead_letters::{DeadLetterQueue, FailedOutcomes};
use auction_app::ports::operator::parked_events::ParkedEvents;
use auction_app::ports::operator::stream_stats::StreamStatsReader;
use auction_app::ports::people::accounts::Accounts;
use auction_app::ports::people::rate_limit_store::RateLimitStore;
use auction_app::ports::people::tokens::{Revocations, TokenStore};
use auction_app::ports::views::read_models::{AsOf, ReadModelReader};
use auction_app::promoter::DrawCommitments;
use auction_domain::{AuctionId, Timestamp};
use auction_wire::PartitionCount;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use worker_runtime::health::Health;
use worker_runtime::shutdown::ShutdownSignal;

/// The adapters behind an ingress.
pub trait Ports: Send + Sync + 'static {
    /// The way onto the streams.
    type Queue: CommandQueue + 'static;
    /// Where outcomes are looked up.
    type Outcomes: OutcomeReader + 'static;
    /// The read models.
    type Views: ReadModelReader + 'static;
    /// Auctions as the store tells them.
    type AuctionEvents: AuctionEventReader + 'static;
    /// What users want to be told.
    type Subscribers: PreferenceReader + 'static;
    /// Notifications as they are stored.
    type StoredInboxes: InboxStore + 'static;
    /// Notifications as they are read.
    type InboxCopies: InboxCache + 'static;
    /// Where users are told by HTTP.
    type Webhooks: WebhookStore + 'static;
    /// Commands that could not be handled.
    type DeadLetters: DeadLetterQueue + 'static;
    /// Their outcomes.
    type Failures: OutcomeReader + FailedOutcomes + 'static;
    /// What services do not handle any more.
    type ParkedEvents: ParkedEvents + 'static;
    /// How far everybody is with the streams.
    type Progress: StreamStatsReader + 'static;
    /// How far the store is.
    type Heads: HeadReader + 'static;

    /// Who users are.
    type Accounts: Accounts + 'static;
    /// What tokens stand for.
    type Tokens: TokenStore + 'static;
    /// Who is told which tokens are not good any more.
    type Revocations: Revocations + 'static;

    /// Where it is counted how often somebody calls.
    type Counters: RateLimitStore + 'static;

    /// Asks every server that the ingress needs; by name.
    fn check(&self) -> impl Future<Output = Vec<(&'static str, Result<(), Unavailable>)>> + Send;
}

/// How an ingress behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A gateway in front has authenticated the caller and says who it is in `X-User-Id`.
    pub trust_gateway_user_header: bool,
    /// How long a token is good.
    pub session: Duration,
    /// The longest that a client may wait for an outcome.
    pub longest_wait: Duration,
    /// The longest that a read may wait for the views to be as fresh as it shall be.
    pub longest_read_wait: Duration,
    /// How long a request may take, besides the time that its client prefers to wait.
    pub deadline: Duration,
    /// How long the head of a request may take to come, counted from the end of the answer before.
    pub head_within: Duration,
    /// How long a client may take nothing of an answer.
    pub write_within: Duration,
    /// How long a body may take to come.
    pub body_within: Duration,
    /// How long outcomes are kept.
    pub outcomes_kept: Duration,
    /// Web pages of which origins may use it; see [`crate::cors`].
    pub cors_origins: Vec<String>,
}

/// One ingress.
pub struct IngressState<P: Ports> {
    /// Commands in, outcomes back.
    pub accept: CommandGateway<P::Queue, P::Outcomes>,
    /// The read models.
    pub views: P::Views,
    /// Reads that wait for them.
    pub freshness: Arc<ConsistencyWaiter>,
    /// Pages of the lists of auctions that were read a moment ago.
    pub lists: CoalescingCache<String, AsOf<Representation>>,
    /// Auctions that were read a moment ago.
    pub auctions: CoalescingCache<AuctionId, AsOf<Option<AuctionRepresentation>>>,
    /// Auctions as the store tells them.
    pub from_store: AuctionHistoryReader<P::AuctionEvents>,
    /// Those that it told a moment ago, because their views could not be read.
    pub told: CoalescingCache<AuctionId, AsOf<Option<AuctionRepresentation>>>,
    /// Where listeners come to.
    pub live: BroadcastHub,
    /// Users who listen for what they are told.
    pub bells: Arc<InboxSignals>,
    /// What users want to be told.
    pub subscribers: P::Subscribers,
    /// Notifications.
    pub inbox: InboxReader<P::StoredInboxes, P::InboxCopies>,
    /// Where users are told by HTTP.
    pub webhooks: WebhookRegistry<P::Webhooks>,
    /// What operators work on.
    pub desk: OperatorPorts<P>,
    /// Who users are.
    pub accounts: P::Accounts,
    /// What they prove it by.
    pub passwords: Passwords,
    /// The tokens of those who called lately.
    pub tokens: Arc<TokenCache<P::Tokens>>,
    /// Who is told which are not good any more.
    pub revocations: P::Revocations,
    /// How often callers may call, if anybody counts.
    pub limits: Option<RateLimits<P::Counters>>,
    /// What is promised of the draws of new auctions.
    pub promises: DrawCommitments,
    /// For questions about the servers themselves.
    pub ports: P,
    /// How many partitions there are.
    pub partitions: PartitionCount,
    /// How it behaves.
    pub settings: Settings,
    /// Whether new commands are refused because of load.
    pub shedding: LoadShedder,
    /// How the process is: readiness drops when it drains, a while before it stops.
    pub health: Health,
    /// When to stop.
    pub stop: ShutdownSignal,
}

/// What endpoints get.
pub type StateExtractor<P> = axum::extract::State<SharedState<P>>;

/// An ingress as all its requests see it.
pub type SharedState<P> = Arc<IngressState<P>>;

/// Milliseconds since 1970 by the clock of this machine; decides nothing.
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
