//! The ingress of the test portal.

use super::backends::{Backends, PARTITION};
use async_trait::async_trait;
use auction_app::ingress::accounts::{Passwords, TokenCache};
use auction_app::ingress::auction_history::AuctionHistoryReader;
use auction_app::ingress::coalescing_cache::CoalescingCache;
use auction_app::ingress::command_gateway::{CommandGateway, HandleKey};
use auction_app::ingress::decision_monitor::DecisionStatus;
use auction_app::ingress::live_updates::{BroadcastHub, InboxSignals};
use auction_app::ingress::load_shedding::LoadShedder;
use auction_app::ingress::read_consistency::ConsistencyWaiter;
use auction_app::notifier::InboxReader;
use auction_app::notifier::webhooks::{UrlPolicy, WebhookConfig, WebhookRegistry, WebhookSecrets};
use auction_app::ports::Unavailable;
use auction_app::ports::operator::dead_letters::{DeadLetter, DeadLetterQueue};
use auction_app::ports::operator::stream_stats::{StreamStats, StreamStatsReader};
use auction_app::promoter::{CurrentOptions, DrawCommitments, DrawOptions, DrawSecret};
use auction_http::{IngressState, Settings};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::memory::{
    MemoryInboxes, MemoryNotifications, MemoryOutbox, MemoryParkedEvents, MemoryRevocations,
};
use auction_wire::{PartitionCount, PartitionId};
use axum::Router;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::EntryId;
use worker_runtime::health::Health;
use worker_runtime::shutdown::shutdown_pair;

const SECOND: Duration = Duration::from_secs(1);

/// Cache time that no second request of a test falls into.
const UNCACHED: Duration = Duration::from_millis(1);

/// Port that the client does not use.
struct Unused;

#[async_trait]
impl DeadLetterQueue for Unused {
    async fn list(&self, _: PartitionId, _: EntryId, _: usize) -> Result<Vec<DeadLetter>, Unavailable> {
        Ok(Vec::new())
    }

    async fn requeue(&self, _: &DeadLetter) -> Result<Option<EntryId>, Unavailable> {
        Ok(None)
    }

    async fn delete(&self, _: &DeadLetter) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

#[async_trait]
impl StreamStatsReader for Unused {
    async fn collect(&self, _: &[PartitionId]) -> Result<StreamStats, Unavailable> {
        Ok(StreamStats { now_ms: 0, partitions: Vec::new() })
    }
}

/// Returns the router of a new ingress, whose command handles have a secret of their own.
pub(super) fn router(backends: &Backends) -> Router {
    // Accounts, tokens and preferences, which the client does not use, are in a database that does not exist.
    let stores = PostgresStoreConnector::new("postgres://127.0.0.1:1/none").unwrap();
    let absent = Arc::new(PostgresQueries::new(&stores, 1).unwrap());
    let (Backends { store, views, waiters, .. }, (_, stop)) = (backends, shutdown_pair());
    let store = Arc::new(store.clone());
    let commands = CommandGateway::new(
        Arc::new(backends.clone()),
        store.clone(),
        waiters.clone(),
        HandleKey::new(&[*Uuid::new_v4().as_bytes(); 2].concat()).unwrap(),
        "ingress".to_owned(),
        PartitionCount::new(PARTITION.0 + 1).unwrap(),
        stop.clone(),
    );
    let options = CurrentOptions::new(DrawOptions::read("[]", 0).unwrap());
    let partitions = PartitionCount::new(PARTITION.0 + 1).unwrap();
    let portal = IngressState {
        commands,
        views: Arc::new(views.clone()),
        consistency: Arc::new(ConsistencyWaiter::new(partitions)),
        list_cache: CoalescingCache::new(NonZeroUsize::MIN, UNCACHED),
        auction_cache: CoalescingCache::new(NonZeroUsize::MIN, UNCACHED),
        auction_history: AuctionHistoryReader::new(store.clone(), NonZeroUsize::MIN),
        fallback_cache: CoalescingCache::new(NonZeroUsize::MIN, UNCACHED),
        live_updates: BroadcastHub::new(1, SECOND),
        inbox_signals: Arc::new(InboxSignals::default()),
        preferences: absent.clone(),
        inbox: InboxReader {
            store: Arc::new(MemoryNotifications::new(1)),
            cache: Arc::new(MemoryInboxes::new(1)),
        },
        webhooks: WebhookRegistry {
            webhooks: Arc::new(MemoryOutbox::default()),
            secrets: WebhookSecrets::new(&[0; 32]).unwrap(),
            limits: WebhookConfig {
                max_per_user: 1,
                overlap: SECOND,
                url_policy: UrlPolicy { http: false, private_addresses: false },
            },
        },
        dead_letters: Arc::new(Unused),
        failed_outcomes: absent.clone(),
        parked_events: Arc::new(MemoryParkedEvents::default()),
        auction_events: store.clone(),
        stream_stats: Arc::new(Unused),
        heads: store,
        accounts: absent.clone(),
        passwords: Passwords::new(NonZeroUsize::MIN).unwrap(),
        tokens: Arc::new(TokenCache::new(absent, 1, SECOND)),
        revocations: Arc::new(MemoryRevocations),
        rate_limits: None,
        commitments: DrawCommitments::new(DrawSecret::new(&[0; 32]).unwrap(), Arc::new(options)),
        backends: Vec::new(),
        partitions,
        settings: settings(),
        load_shedder: LoadShedder::default(),
        decisions: DecisionStatus::new(Duration::ZERO),
        health: Health::default(),
        shutdown: stop,
    };
    auction_http::routes::router(Arc::new(portal))
}

fn settings() -> Settings {
    Settings {
        trust_gateway_user_header: true,
        session_ttl: SECOND,
        max_wait: SECOND,
        max_read_wait: SECOND,
        request_timeout: 10 * SECOND,
        header_timeout: SECOND,
        write_timeout: SECOND,
        body_timeout: SECOND,
        max_undecided: None,
        outcome_retention: 3600 * SECOND,
        cors_origins: Vec::new(),
    }
}
