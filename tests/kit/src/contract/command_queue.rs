//! [`CommandQueue`]: the way in. Its checks take what is particular to an adapter as arguments.

use crate::fixtures::{create_user, fresh, place_bid};
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::{AuctionId, UserId};
use auction_wire::{Channel, Command};

/// What lies on the channels of partition 0.
pub trait CommandQueueHarness {
    /// All entries of a channel, read as commands.
    fn commands(&self, channel: Channel) -> impl Future<Output = Vec<Command>>;
}

/// Commands come to lie on the channel of their kind, as they were given, in the order of one sender.
pub async fn commands_lie_on_their_channel_when_it_returns(
    queue: &impl CommandQueue,
    at: &impl CommandQueueHarness,
) {
    let bids: Vec<Command> = (1..20).map(|n| place_bid(AuctionId(fresh()), UserId(fresh()), n)).collect();
    let user = create_user(UserId(fresh()));
    queue.submit(user.clone()).await.unwrap();
    assert_eq!(at.commands(Channel::User).await, [user]);
    for (n, bid) in bids.iter().enumerate() {
        queue.submit(bid.clone()).await.unwrap();
        assert_eq!(at.commands(Channel::Bid).await, bids[..=n]);
    }
}
