//! Contract tests of the in-memory read-model generations.

use auction_testkit::contract::generations::Adapter;
use auction_testkit::memory::MemoryViews;

fn adapter() -> Adapter<MemoryViews, MemoryViews, MemoryViews> {
    let views = MemoryViews::default();
    Adapter { stores: views.clone(), generations: views.clone(), views }
}

auction_testkit::contract_tests!(generations, adapter());
