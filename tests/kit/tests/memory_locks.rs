//! Contract tests of the in-memory partition locks.

use auction_testkit::memory::MemoryLocks;

auction_testkit::contract_tests!(partition_lock, MemoryLocks::default());
