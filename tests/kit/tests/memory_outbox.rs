//! Contract tests of the in-memory outbox.

use auction_domain::UserId;
use auction_testkit::contract::outbox::OutboxHarness;
use auction_testkit::fixtures::fresh;
use auction_testkit::memory::{MemoryNotifications, MemoryOutbox};

struct Memory(MemoryNotifications);

impl OutboxHarness for Memory {
    type Stores = MemoryNotifications;
    type Placements = MemoryNotifications;
    type Outbox = MemoryOutbox;

    fn stores(&self) -> &MemoryNotifications {
        &self.0
    }

    fn placements(&self) -> &MemoryNotifications {
        &self.0
    }

    fn outbox(&self) -> &MemoryOutbox {
        self.0.outbox()
    }

    async fn create_user(&self) -> UserId {
        UserId(fresh())
    }

    async fn delete(&self, user: UserId) {
        self.0.outbox().delete_user(user);
    }
}

auction_testkit::contract_tests!(outbox, Memory(MemoryNotifications::new(9)));
