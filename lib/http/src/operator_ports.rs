//! What operators work on.

use crate::state::Ports;

/// What is behind the routes of operators.
pub struct OperatorPorts<P: Ports> {
    /// Commands that could not be handled.
    pub letters: P::DeadLetters,
    /// Their outcomes.
    pub failures: P::Failures,
    /// What services do not handle any more.
    pub parked: P::ParkedEvents,
    /// The events behind that.
    pub events: P::AuctionEvents,
    /// How far everybody is with the streams.
    pub progress: P::Progress,
    /// How far the store is.
    pub heads: P::Heads,
}
