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
//! * [`command_shed`]: new commands are refused in time when there is too much to do;
//! * [`verify`]: what is stored, published and shown is the same.
//!
//! Everything outside is behind [`ports`]; [`health`] and [`meter`] are what an operator sees of it, and
//! [`durability`] says whether the servers keep what they acknowledge.

pub mod auctioneer;
pub mod consume;
pub mod ingress;
pub mod instrumentation;
pub mod notifier;
pub mod operator;
pub mod ports;
pub mod projector;
pub mod promoter;
pub mod writer;
