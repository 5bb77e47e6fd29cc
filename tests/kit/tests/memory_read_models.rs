//! Views in memory keep their contract.

use auction_testkit::contract::read_models::Adapter;
use auction_testkit::memory::MemoryViews;

fn adapter() -> Adapter<MemoryViews, MemoryViews> {
    let views = MemoryViews::default();
    Adapter { stores: views.clone(), views }
}

auction_testkit::contract_tests!(view_store, adapter());
