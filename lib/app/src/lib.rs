//! The use cases of the auction portal, over ports.
//!
//! * [`accounts`]: who users are, and what their tokens stand for (ingress);
//! * [`accept`]: a request becomes a command on a stream (ingress);
//! * [`mod@write`]: commands become events and outcomes (writer);
//! * [`from_store`]: an auction as the store tells it (ingress);
//! * [`briefly`]: what was read a moment ago need not be read again (ingress);
//! * [`live`]: looking on while an auction goes on (ingress);
//! * [`freshness`]: reads that are at least as fresh as somebody wants (ingress);
//! * [`project`]: events become ready-made answers (projector);
//! * [`notify`]: events become notifications (notifier), and how users read them;
//! * [`send`]: notifications go out of the house (notifier);
//! * [`mail`]: what users are told by e-mail (notifier);
//! * [`webhooks`]: where users want to be told by HTTP, and how it is signed (ingress, notifier);
//! * [`rebuild`]: views are made anew beside the live ones;
//! * [`close`]: auctions whose end has come are closed (auctioneer);
//! * [`deletions`]: what deleted users leave is taken away (auctioneer);
//! * [`promote`]: bids are drawn by lot and doubled, and anybody can check it (promoter);
//! * [`dead_letters`]: what operators do with commands that could not be handled;
//! * [`progress`]: how far everybody is with every stream, for operators;
//! * [`retention`]: what is old goes (writer);
//! * [`limits`]: who calls too often is told to wait (ingress);
//! * [`shed`]: new commands are refused in time when there is too much to do;
//! * [`verify`]: what is stored, published and shown is the same.
//!
//! Everything outside is behind [`ports`]; [`health`] and [`meter`] are what an operator sees of it, and
//! [`durability`] says whether the servers keep what they acknowledge.

pub mod accept;
pub mod accounts;
pub mod briefly;
pub mod close;
pub mod dead_letters;
pub mod deletions;
pub mod durability;
pub mod follow;
pub mod freshness;
pub mod from_store;
pub mod health;
mod history;
pub mod limits;
pub mod live;
pub mod mail;
pub mod meter;
pub mod notify;
pub mod ports;
pub mod progress;
pub mod project;
pub mod promote;
pub mod rebuild;
pub mod retention;
pub mod send;
pub mod shed;
pub mod verify;
pub mod webhooks;
pub mod write;

pub use stream_worker::stop;
