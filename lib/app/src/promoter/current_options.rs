//! The options as they are now: those of the settings file, until an operator sets others.

use super::Options;
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use crate::writer::aggregate_cache::{LoadError, read_event};
use auction_domain::Timestamp;
use auction_domain::promoter::{PROMOTER_SETTINGS, PromoterEvent};
use auction_wire::Event;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use worker_runtime::Retry;
use worker_runtime::shutdown::ShutdownSignal;

/// How soon a change is seen by every process.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What an operator set.
#[derive(Clone, Debug)]
pub struct OptionsChange {
    /// When.
    pub at: Timestamp,
    /// To what; says its version.
    pub options: Arc<Options>,
}

/// The options that hold now, and all that held before.
#[derive(Debug)]
pub struct CurrentOptions {
    configured: Arc<Options>,
    changes: RwLock<Vec<OptionsChange>>,
}

impl CurrentOptions {
    /// Those of the settings file hold, as long as nothing else is known.
    pub fn new(configured: Options) -> CurrentOptions {
        CurrentOptions { configured: Arc::new(configured), changes: RwLock::default() }
    }

    /// Those that hold.
    pub fn now(&self) -> Arc<Options> {
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        changes.last().map_or_else(|| Arc::clone(&self.configured), |change| Arc::clone(&change.options))
    }

    /// All that operators set, in order.
    pub fn changes(&self) -> Vec<OptionsChange> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Learns what operators set meanwhile.
    pub async fn refresh(&self, store: &mut impl EventStore) -> Result<(), LoadError> {
        let history = store.history(&[PROMOTER_SETTINGS], u64::MAX).await?;
        let mut changes = Vec::with_capacity(history.len());
        for record in history {
            let Event::Promoter(PromoterEvent::PromoterSettingsChanged { options }) = read_event(&record)?
            else {
                continue;
            };
            match Options::read(options.as_str(), record.version) {
                Ok(options) => changes.push(OptionsChange { at: record.at, options: Arc::new(options) }),
                // Set by a newer program: what held before goes on.
                Err(error) => {
                    tracing::error!(version = record.version, %error, "settings of the promoter are passed over");
                }
            }
        }
        let newest = changes.last().map(|change| change.options.version());
        let mut known = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        if newest != known.last().map(|change| change.options.version()) {
            tracing::info!(version = newest, "the promoter's settings changed");
            *known = changes;
        }
        Ok(())
    }
}

/// Refreshes the options until it is time to stop.
pub async fn run_refresh(
    stores: &impl EventStoreConnector,
    current: &CurrentOptions,
    mut stop: ShutdownSignal,
) {
    let mut retry = Retry::default();
    let mut store = None;
    while !stop.requested() {
        let refreshed = async {
            let store = match &mut store {
                Some(store) => store,
                None => store.insert(stores.open().await?),
            };
            current.refresh(store).await
        };
        let wait = match refreshed.await {
            Ok(()) => {
                retry.succeeded();
                LOOK_AGAIN
            }
            Err(error) => {
                store = None;
                tracing::warn!(%error, "the promoter's settings cannot be read; those that are known go on");
                retry.next_wait()
            }
        };
        stop.sleep(wait).await;
    }
}
