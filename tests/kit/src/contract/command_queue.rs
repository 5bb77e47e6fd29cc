//! Contract of [`CommandQueue`]. Its checks take the queue and the harness of the adapter as separate
//! arguments.

use crate::fixtures::{create_user, fresh, place_bid};
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::{AuctionId, UserId};
use auction_wire::{Channel, Command};

/// Access to the entries on the command channels of partition 0.
pub trait CommandQueueHarness {
    /// Returns all entries of a channel, decoded as commands.
    fn commands(&self, channel: Channel) -> impl Future<Output = Vec<Command>>;
}

/// When `submit` returns, the command is on the channel of its kind, unchanged and in the order of the
/// sender.
pub async fn submit_adds_commands_to_their_channel_in_order(
    queue: &impl CommandQueue,
    harness: &impl CommandQueueHarness,
) {
    let bids: Vec<Command> = (1..20).map(|n| place_bid(AuctionId(fresh()), UserId(fresh()), n)).collect();
    let user = create_user(UserId(fresh()));
    queue.submit(user.clone()).await.unwrap();
    assert_eq!(harness.commands(Channel::User).await, [user]);
    for (n, bid) in bids.iter().enumerate() {
        queue.submit(bid.clone()).await.unwrap();
        assert_eq!(harness.commands(Channel::Bid).await, bids[..=n]);
    }
}
