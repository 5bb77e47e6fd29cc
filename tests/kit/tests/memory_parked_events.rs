//! Contract tests of the in-memory parked events.

use auction_testkit::memory::MemoryParkedEvents;

auction_testkit::contract_tests!(parked_events, MemoryParkedEvents::default());
