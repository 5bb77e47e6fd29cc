//! The real lane of a writer on ports in memory: whatever fails, whenever, and however many lanes run,
//! each command has one outcome, in order, and nothing is left behind. Once as it is by default, once by
//! turns under a lock.

#[path = "."]
mod optimistic {
    fn world() -> crate::test_portal::World {
        crate::test_portal::World::new(false)
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
    fn world() -> crate::test_portal::World {
        crate::test_portal::World::new(true)
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
