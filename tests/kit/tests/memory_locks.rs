//! Locks in memory keep their contract.

use auction_testkit::memory::MemoryLocks;

auction_testkit::contract_tests!(partition_lock, MemoryLocks::default());
