//! Contract tests of the in-memory event store.

use auction_testkit::contract::{auction_event_reader, heads};
use auction_testkit::memory::MemoryStore;

fn heads() -> heads::Adapter<MemoryStore, MemoryStore> {
    let store = MemoryStore::default();
    heads::Adapter { stores: store.clone(), heads: store }
}

fn auction_events() -> auction_event_reader::Adapter<MemoryStore, MemoryStore> {
    let store = MemoryStore::default();
    auction_event_reader::Adapter { stores: store.clone(), events: store }
}

auction_testkit::contract_tests!(event_store, MemoryStore::default());
auction_testkit::contract_tests!(snapshots, MemoryStore::default());
auction_testkit::contract_tests!(heads, heads());
auction_testkit::contract_tests!(auction_event_reader, auction_events());
