//! The event store in memory keeps its contract.

#![allow(missing_docs)]

use auction_testkit::memory::MemoryStore;

auction_testkit::contract_tests!(event_store, MemoryStore::default());
auction_testkit::contract_tests!(snapshots, MemoryStore::default());
