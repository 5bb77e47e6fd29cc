//! Contract tests of the in-memory notification store and inbox cache.

use auction_testkit::contract::notification_store::{Adapter, INBOX_SIZE};
use auction_testkit::memory::{MemoryInboxes, MemoryNotifications};

fn adapter() -> Adapter<MemoryNotifications, MemoryNotifications, MemoryNotifications> {
    let stores = MemoryNotifications::new(INBOX_SIZE.into());
    Adapter { stores: stores.clone(), placements: stores.clone(), inboxes: stores }
}

auction_testkit::contract_tests!(notification_store, adapter());
auction_testkit::contract_tests!(inbox, MemoryInboxes::new(INBOX_SIZE.into()));
