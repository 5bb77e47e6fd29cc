//! Ports of the operator endpoints.

use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::heads::HeadReader;
use auction_app::ports::operator::dead_letters::{DeadLetterQueue, FailedOutcomes};
use auction_app::ports::operator::parked_events::ParkedEvents;
use auction_app::ports::operator::stream_stats::StreamStatsReader;
use std::sync::Arc;

/// Ports behind the operator endpoints.
pub struct OperatorPorts {
    pub dead_letters: Arc<dyn DeadLetterQueue>,
    /// Outcomes of dead-lettered commands.
    pub failed_outcomes: Arc<dyn FailedOutcomes>,
    pub parked_events: Arc<dyn ParkedEvents>,
    /// Reader for the pending events of a parked aggregate.
    pub auction_events: Arc<dyn AuctionEventReader>,
    pub stream_stats: Arc<dyn StreamStatsReader>,
    pub heads: Arc<dyn HeadReader>,
}
