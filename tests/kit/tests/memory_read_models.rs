//! Contract tests of the in-memory read models.

use auction_testkit::contract::read_models::Adapter;
use auction_testkit::memory::MemoryViews;

fn adapter() -> Adapter<MemoryViews, MemoryViews> {
    let views = MemoryViews::default();
    Adapter { stores: views.clone(), views }
}

auction_testkit::contract_tests!(read_models, adapter());
