//! What is parked in memory keeps its contract.

use auction_testkit::memory::MemoryParkedEvents;

auction_testkit::contract_tests!(parked_events, MemoryParkedEvents::default());
