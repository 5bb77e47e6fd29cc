//! Current options of the promoter: those of the settings file until an operator changes them.

use super::DrawOptions;
use crate::consume::stored_events::{LoadError, read_event};
use crate::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::Timestamp;
use auction_domain::promoter::{PROMOTER_SETTINGS, PromoterEvent};
use auction_wire::Event;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use worker_runtime::Supervisor;

/// Time between two refreshes, after which every process uses changed options.
const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// Change of the options by an operator.
#[derive(Clone, Debug)]
pub struct OptionsChange {
    pub at: Timestamp,
    /// New options, with their version.
    pub options: Arc<DrawOptions>,
}

/// Current options, and all changes by operators.
#[derive(Debug)]
pub struct CurrentOptions {
    configured: Arc<DrawOptions>,
    changes: RwLock<Vec<OptionsChange>>,
}

impl CurrentOptions {
    /// Uses the options of the settings file until the first refresh finds a change.
    pub fn new(configured: DrawOptions) -> CurrentOptions {
        CurrentOptions { configured: Arc::new(configured), changes: RwLock::default() }
    }

    /// Returns the current options.
    pub fn now(&self) -> Arc<DrawOptions> {
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        changes.last().map_or_else(|| Arc::clone(&self.configured), |change| Arc::clone(&change.options))
    }

    /// Returns all changes by operators, in order.
    pub fn changes(&self) -> Vec<OptionsChange> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads the changes by operators from the store.
    pub async fn refresh(&self, store: &mut impl EventStore) -> Result<(), LoadError> {
        let history = store.history(&[PROMOTER_SETTINGS], u64::MAX).await?;
        let mut changes = Vec::with_capacity(history.len());
        for record in history {
            let Event::Promoter(PromoterEvent::PromoterSettingsChanged { options, .. }) =
                read_event(&record)?
            else {
                continue;
            };
            match DrawOptions::read(options.as_str(), record.version) {
                Ok(options) => changes.push(OptionsChange { at: record.at, options: Arc::new(options) }),
                // Set by a newer program. The previous options stay in force.
                Err(error) => {
                    tracing::error!(version = record.version, %error, "unreadable promoter settings ignored");
                }
            }
        }
        let newest = changes.last().map(|change| change.options.version());
        let mut known = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        if newest != known.last().map(|change| change.options.version()) {
            tracing::info!(version = newest, "promoter settings changed");
            *known = changes;
        }
        Ok(())
    }
}

/// Refreshes the options until shutdown. While the store is unavailable, the known options stay in force.
pub async fn run_refresh(
    stores: &impl EventStoreConnector,
    current: &CurrentOptions,
    supervisor: Supervisor,
) {
    let mut store = None;
    while !supervisor.stopping() {
        let refreshed = async {
            let store = match &mut store {
                Some(store) => store,
                None => store.insert(stores.open().await?),
            };
            current.refresh(store).await
        };
        match supervisor.attempt(refreshed).await {
            Some(()) => supervisor.sleep(REFRESH_INTERVAL).await,
            None => store = None,
        }
    }
}
