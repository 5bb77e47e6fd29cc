//! State of an ingress, shared by all endpoints.

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

/// Ports of an ingress, as one type parameter.
pub trait Ports: Send + Sync + 'static {
    type Queue: CommandQueue + 'static;
    type Outcomes: OutcomeReader + 'static;
    type Views: ReadModelReader + 'static;
    type AuctionEvents: AuctionEventReader + 'static;
    type Preferences: PreferenceReader + 'static;
    type InboxStore: InboxStore + 'static;
    type InboxCache: InboxCache + 'static;
    type Webhooks: WebhookStore + 'static;
    type DeadLetters: DeadLetterQueue + 'static;
    /// Outcomes of dead-lettered commands.
    type FailedOutcomes: OutcomeReader + FailedOutcomes + 'static;
    type ParkedEvents: ParkedEvents + 'static;
    type StreamStats: StreamStatsReader + 'static;
    type Heads: HeadReader + 'static;
    type Accounts: Accounts + 'static;
    type Tokens: TokenStore + 'static;
    type Revocations: Revocations + 'static;
    type RateLimitStore: RateLimitStore + 'static;

    /// Checks every backend that the ingress needs. Returns the results by name of the backend.
    fn check(&self) -> impl Future<Output = Vec<(&'static str, Result<(), Unavailable>)>> + Send;
}

/// Settings of an ingress.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether `X-User-Id` and `X-User-Role` are trusted because a gateway sets them after authenticating the
    /// caller.
    pub trust_gateway_user_header: bool,
    /// Lifetime of a session token.
    pub session_ttl: Duration,
    /// Maximum time that a request waits for the outcome of its command.
    pub max_wait: Duration,
    /// Maximum time that a read waits for the read models to reach the required positions.
    pub max_read_wait: Duration,
    /// Timeout of a request, in addition to the time that its client prefers to wait.
    pub request_timeout: Duration,
    /// Timeout for receiving the head of a request, from the end of the previous response.
    pub header_timeout: Duration,
    /// Timeout for sending more of a response while the client reads nothing.
    pub write_timeout: Duration,
    /// Timeout for receiving the body of a request.
    pub body_timeout: Duration,
    /// Time for which outcomes are kept.
    pub outcome_retention: Duration,
    /// Origins of the web pages that may call the API from a browser; see [`crate::cors`].
    pub cors_origins: Vec<String>,
}

/// State of an ingress.
pub struct IngressState<P: Ports> {
    pub commands: CommandGateway<P::Queue, P::Outcomes>,
    pub views: P::Views,
    /// Waits for the read models to reach the positions that a read requires.
    pub consistency: Arc<ConsistencyWaiter>,
    /// Short-term cache of pages of `GET /auctions`.
    pub list_cache: CoalescingCache<String, AsOf<Representation>>,
    /// Short-term cache of `GET /auction/{id}`.
    pub auction_cache: CoalescingCache<AuctionId, AsOf<Option<AuctionRepresentation>>>,
    /// Auctions rebuilt from their events in the store.
    pub auction_history: AuctionHistoryReader<P::AuctionEvents>,
    /// Short-term cache of auctions that were rebuilt from the store because their read model is unavailable.
    pub fallback_cache: CoalescingCache<AuctionId, AsOf<Option<AuctionRepresentation>>>,
    pub live_updates: BroadcastHub,
    /// Wakes the streams of users who have new notifications.
    pub inbox_signals: Arc<InboxSignals>,
    pub preferences: P::Preferences,
    pub inbox: InboxReader<P::InboxStore, P::InboxCache>,
    pub webhooks: WebhookRegistry<P::Webhooks>,
    pub operator: OperatorPorts<P>,
    pub accounts: P::Accounts,
    pub passwords: Passwords,
    /// Cache of the tokens of recent callers.
    pub tokens: Arc<TokenCache<P::Tokens>>,
    /// Publishes revoked tokens to all ingress processes.
    pub revocations: P::Revocations,
    /// Rate limits; `None` if rate limiting is disabled.
    pub rate_limits: Option<RateLimits<P::RateLimitStore>>,
    /// Commitments to the draw seeds of new auctions, and the current draw options.
    pub commitments: DrawCommitments,
    /// Checks the backends, for `/readyz`.
    pub ports: P,
    pub partitions: PartitionCount,
    pub settings: Settings,
    /// Refuses new commands while the portal is overloaded.
    pub load_shedder: LoadShedder,
    /// Health of the process. It reports draining some time before the shutdown starts.
    pub health: Health,
    pub shutdown: ShutdownSignal,
}

/// Extractor of the shared state.
pub type StateExtractor<P> = axum::extract::State<SharedState<P>>;

/// State of an ingress, shared by its requests.
pub type SharedState<P> = Arc<IngressState<P>>;

/// Returns the time by the clock of this machine. Business decisions use the clock of Redis instead.
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
