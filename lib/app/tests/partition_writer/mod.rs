//! Tests of the real partition writer on in-memory ports: each command has one outcome, in order, and all of
//! them are processed, whatever fails and however many writers run. All tests run in optimistic and in
//! pessimistic mode.

#[path = "."]
mod optimistic {
    use crate::test_portal::TestPortal;
    use auction_simulation::world::World;

    fn portal() -> TestPortal {
        portal_in(World::calm())
    }

    fn portal_in(world: World) -> TestPortal {
        TestPortal::new(world, false)
    }

    #[path = "effects.rs"]
    mod effects;
    #[path = "poison.rs"]
    mod poison;
    #[path = "schedules.rs"]
    mod schedules;
    #[path = "snapshots.rs"]
    mod snapshots;
    #[path = "unknown_kinds.rs"]
    mod unknown_kinds;
}

#[path = "."]
mod pessimistic {
    use crate::test_portal::TestPortal;
    use auction_simulation::world::World;

    fn portal() -> TestPortal {
        portal_in(World::calm())
    }

    fn portal_in(world: World) -> TestPortal {
        TestPortal::new(world, true)
    }

    #[path = "effects.rs"]
    mod effects;
    #[path = "poison.rs"]
    mod poison;
    #[path = "schedules.rs"]
    mod schedules;
    #[path = "snapshots.rs"]
    mod snapshots;
    #[path = "unknown_kinds.rs"]
    mod unknown_kinds;
}
