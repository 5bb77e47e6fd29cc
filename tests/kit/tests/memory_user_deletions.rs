//! Contract tests of the in-memory user deletions.

use auction_testkit::contract::user_deletions::Adapter;
use auction_testkit::memory::MemoryStore;

fn adapter() -> Adapter<MemoryStore, MemoryStore> {
    let store = MemoryStore::default();
    Adapter { stores: store.clone(), deletions: store }
}

auction_testkit::contract_tests!(user_deletions, adapter());
