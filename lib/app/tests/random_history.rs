//! Random histories of commands.

use auction_domain::{AuctionId, BidId, UserId};
use auction_testkit::fixtures::{create_auction, create_user, delete_bid, delete_user, fresh, place_bid};
use auction_testkit::random::Random;
use auction_wire::Command;

/// Returns random commands that depend on each other; some are repeats.
pub(crate) fn commands(random: &mut Random) -> Vec<Command> {
    let users: Vec<UserId> = (0..4).map(|_| UserId(fresh())).collect();
    let auctions: Vec<AuctionId> = (0..3).map(|_| AuctionId(fresh())).collect();
    let mut commands: Vec<Command> = users.iter().map(|user| create_user(*user)).collect();
    commands.extend(auctions.iter().map(|auction| create_auction(*auction)));
    for n in 0..random.below(40) + 10 {
        let (user, auction) = (*random.pick(&users), *random.pick(&auctions));
        let command = match random.below(20) {
            0..=2 => random.pick(&commands).clone(),
            3 => delete_user(user),
            4..=6 => {
                let bid = random.pick(&commands).id;
                delete_bid(auction, user, BidId(bid.0))
            }
            _ => place_bid(auction, user, 90 + n * 3 + random.below(20)),
        };
        commands.push(command);
    }
    commands
}
