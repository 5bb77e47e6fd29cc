//! Locks in memory keep their contract.

#![allow(missing_docs)]

use auction_testkit::memory::MemoryLocks;

auction_testkit::contract_tests!(partition_lock, MemoryLocks::default());
