//! State of an ingress, shared by all endpoints.

use crate::rate_limits::RateLimits;
use crate::read_model::{AuctionRepresentation, Representation};
use auction_app::ingress::accounts::{Passwords, TokenCache};
use auction_app::ingress::auction_history::AuctionHistoryReader;
use auction_app::ingress::coalescing_cache::CoalescingCache;
use auction_app::ingress::command_gateway::CommandGateway;
use auction_app::ingress::decision_monitor::DecisionStatus;
use auction_app::ingress::live_updates::{BroadcastHub, InboxSignals};
use auction_app::ingress::load_shedding::LoadShedder;
use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::notifier::InboxReader;
use auction_app::notifier::webhooks::WebhookRegistry;
use auction_app::ports::backend::Backend;
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::heads::HeadReader;
use auction_app::ports::notifications::preferences::PreferenceReader;
use auction_app::ports::operator::dead_letters::{DeadLetterQueue, FailedOutcomes};
use auction_app::ports::operator::parked_events::ParkedEvents;
use auction_app::ports::operator::stream_stats::StreamStatsReader;
use auction_app::ports::people::accounts::Accounts;
use auction_app::ports::people::tokens::Revocations;
use auction_app::ports::views::read_models::{AsOf, ReadModelReader};
use auction_app::promoter::DrawCommitments;
use auction_domain::{AuctionId, Timestamp};
use auction_wire::PartitionCount;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use worker_runtime::health::Health;
use worker_runtime::shutdown::ShutdownSignal;

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
    /// Time without a decision in any partition after which the ingress is not ready; `None`: it stays ready.
    pub max_undecided: Option<Duration>,
    /// Time for which outcomes are kept.
    pub outcome_retention: Duration,
    /// Origins of the web pages that may call the API from a browser; see [`crate::cors`].
    pub cors_origins: Vec<String>,
}

/// State of an ingress.
pub struct IngressState {
    pub commands: CommandGateway,
    pub views: Arc<dyn ReadModelReader>,
    /// Waits for the read models to reach the positions that a read requires.
    pub consistency: Arc<ConsistencyWaiter>,
    /// Short-term cache of pages of `GET /auctions`.
    pub list_cache: CoalescingCache<String, AsOf<Representation>>,
    /// Short-term cache of `GET /auction/{id}`.
    pub auction_cache: CoalescingCache<AuctionId, AsOf<Option<AuctionRepresentation>>>,
    /// Auctions rebuilt from their events in the store.
    pub auction_history: AuctionHistoryReader,
    /// Short-term cache of auctions that were rebuilt from the store because their read model is unavailable.
    pub fallback_cache: CoalescingCache<AuctionId, AsOf<Option<AuctionRepresentation>>>,
    pub live_updates: BroadcastHub,
    /// Wakes the streams of users who have new notifications.
    pub inbox_signals: Arc<InboxSignals>,
    pub preferences: Arc<dyn PreferenceReader>,
    pub inbox: InboxReader,
    pub webhooks: WebhookRegistry,
    pub dead_letters: Arc<dyn DeadLetterQueue>,
    /// Outcomes of dead-lettered commands.
    pub failed_outcomes: Arc<dyn FailedOutcomes>,
    pub parked_events: Arc<dyn ParkedEvents>,
    /// Events of auctions, for the pending events of a parked aggregate and for live updates.
    pub auction_events: Arc<dyn AuctionEventReader>,
    pub stream_stats: Arc<dyn StreamStatsReader>,
    pub heads: Arc<dyn HeadReader>,
    pub accounts: Arc<dyn Accounts>,
    pub passwords: Passwords,
    /// Cache of the tokens of recent callers.
    pub tokens: Arc<TokenCache>,
    /// Publishes revoked tokens to all ingress processes.
    pub revocations: Arc<dyn Revocations>,
    /// Rate limits; `None` if rate limiting is disabled.
    pub rate_limits: Option<RateLimits>,
    /// Commitments to the draw seeds of new auctions, and the current draw options.
    pub commitments: DrawCommitments,
    /// Backends that `/readyz` checks.
    pub backends: Vec<Arc<dyn Backend>>,
    pub partitions: PartitionCount,
    pub settings: Settings,
    /// Refuses new commands while the portal is overloaded.
    pub load_shedder: LoadShedder,
    /// Whether commands are decided.
    pub decisions: DecisionStatus,
    /// Health of the process. It reports draining some time before the shutdown starts.
    pub health: Health,
    pub shutdown: ShutdownSignal,
}

/// State of an ingress, shared by its requests.
pub type SharedState = Arc<IngressState>;

/// Returns the time by the clock of this machine. Business decisions use the clock of Redis instead.
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
