//! The event store in memory keeps its contract.

#![allow(missing_docs)]

use auction_testkit::contract::heads::Adapter;
use auction_testkit::memory::MemoryStore;

fn heads() -> Adapter<MemoryStore, MemoryStore> {
    let store = MemoryStore::default();
    Adapter { stores: store.clone(), heads: store }
}

auction_testkit::contract_tests!(event_store, MemoryStore::default());
auction_testkit::contract_tests!(snapshots, MemoryStore::default());
auction_testkit::contract_tests!(heads, heads());
