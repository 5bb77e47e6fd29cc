//! Tests of the real partition writer on in-memory ports: each command has one outcome, in order, and all of
//! them are processed, whatever fails and however many writers run. All tests run in optimistic and in
//! pessimistic mode.

#[path = "."]
mod optimistic {
    fn portal() -> crate::test_portal::TestPortal {
        crate::test_portal::TestPortal::new(false)
    }

    #[path = "effects.rs"]
    mod effects;
    #[path = "poison.rs"]
    mod poison;
    #[path = "schedules.rs"]
    mod schedules;
    #[path = "snapshots.rs"]
    mod snapshots;
}

#[path = "."]
mod pessimistic {
    fn portal() -> crate::test_portal::TestPortal {
        crate::test_portal::TestPortal::new(true)
    }

    #[path = "effects.rs"]
    mod effects;
    #[path = "poison.rs"]
    mod poison;
    #[path = "schedules.rs"]
    mod schedules;
    #[path = "snapshots.rs"]
    mod snapshots;
}
