//! Ports of the operator endpoints.

use crate::state::Ports;

/// Ports behind the operator endpoints.
pub struct OperatorPorts<P: Ports> {
    pub dead_letters: P::DeadLetters,
    /// Outcomes of dead-lettered commands.
    pub failed_outcomes: P::FailedOutcomes,
    pub parked_events: P::ParkedEvents,
    /// Reader for the pending events of a parked aggregate.
    pub auction_events: P::AuctionEvents,
    pub stream_stats: P::StreamStats,
    pub heads: P::Heads,
}
