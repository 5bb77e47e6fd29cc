//! Notifications and inboxes in memory keep their contracts.

use auction_testkit::contract::notification_store::{Adapter, KEEPS};
use auction_testkit::memory::{MemoryInboxes, MemoryNotifications};

fn adapter() -> Adapter<MemoryNotifications, MemoryNotifications> {
    let stores = MemoryNotifications::new(KEEPS.into());
    Adapter { stores: stores.clone(), inboxes: stores }
}

auction_testkit::contract_tests!(notification_store, adapter());
auction_testkit::contract_tests!(inbox, MemoryInboxes::new(KEEPS.into()));
