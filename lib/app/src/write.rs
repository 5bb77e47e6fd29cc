//! Commands become events and outcomes.
//!
//! One lane per partition, each in a task of its own ([`lane`]): read a batch, decide it against cached
//! aggregates ([`decide`]), append events and outcomes in one transaction that only passes if nobody
//! else appended meanwhile, then publish and acknowledge in one transaction that only passes if nobody
//! else published meanwhile. Whatever goes wrong, the lane takes over again from what is stored.
//!
//! Not here yet, and where each will go: leases beside [`lane::run`] (so far one writer process is
//! started; a second one is safe, and slow), overlapped stages inside it, snapshots in [`aggregates`],
//! bisecting a batch that the store rejects in [`lane`].

pub mod aggregates;
pub mod bidders;
pub mod decide;
pub mod lane;
