//! Contract tests of the streams on the modelled Redis, and of the simulated locks.

use auction_simulation::locks::Locks;
use auction_simulation::streams::Streams;
use auction_simulation::world::World;

mod command_streams {
    use super::*;
    auction_testkit::contract_tests!(command_stream, Streams::new(&World::calm()));
}

mod event_streams {
    use super::*;
    auction_testkit::contract_tests!(event_stream, Streams::new(&World::calm()));
}

mod tails {
    use super::*;
    auction_testkit::contract_tests!(event_tail, Streams::new(&World::calm()));
}

auction_testkit::contract_tests!(partition_lock, Locks::new(&World::calm()));
