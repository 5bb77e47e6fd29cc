//! Every key there is. All keys of a partition share the hash tag `{07}`, so that they lie in one slot of
//! a cluster.
//!
//! Redis holds functions too, in the library `auction_portal`: [`crate::functions`].
//!
//! | key | type | what |
//! |---|---|---|
//! | `ap:{07}:cmd:user`, `…:auction`, `…:bid` | stream | commands, one channel each |
//! | `ap:{07}:evt` | stream | events; entry id `<position>-0` |
//! | `ap:{07}:dead` | stream | commands that could not be handled, and what is no command |
//! | `ap:{07}:lease:<group>` | string | who works on the partition for a group; expires |
//! | `ap:members:<group>` | sorted set | the processes of a group, by when they were last heard of |
//! | `ap:limit:<whose>` | string | when somebody may call as often as at first again, in microseconds; expires then |
//! | `ap:{07}:suspects` | hash | process → the command that it has in work, which may end it; expires |
//! | `ap:{07}:reply:<ingress>` | stream | outcomes for one ingress process; expires |
//! | `ap:{07}:inbox:<user>` | hash | copy of a user's inbox; expires, see [`crate::inbox`] |
//! | `ap:{07}:inbox-generation` | string | copies of an older one are made anew |
//! | `ap:{07}:view:live` | string | which generation of the views is live; 1 if it is not there |
//! | `ap:{07}:view:newest` | string | the newest generation that was begun |
//!
//! Not keys, but channels (`PUBLISH`): `ap:{07}:decided`, the ids of commands that are decided; `ap:told`, the ids of
//! users who are told something, 16 bytes each
//! ([`crate::pubsub_messages`]); `ap:revoked`, tokens that are not good any more ([`crate::revocations`]).
//!
//! Of generation 3 of the views:
//!
//! | key | type | what |
//! |---|---|---|
//! | `ap:{07}:view:3:checkpoint` | string | position up to which events are in the views |
//! | `ap:{07}:view:3:auction:<id>` | string | body of `GET /auction/{id}` |
//! | `ap:{07}:view:3:bids:<id>` | hash | number of a bid → its bidder, and its line in `GET /auction/{id}/bids` |
//! | `ap:{07}:view:3:own:<id>` | sorted set | `<user>:<number, 16 hex digits>` of each bid in an auction |
//! | `ap:{07}:view:3:user:<id>` | string | body of `GET /user/{id}` |
//! | `ap:{07}:view:3:listed:<status>` | sorted set | `<end, 16 hex digits>:<id>` of each auction of that status |
//! | `ap:{07}:view:3:items` | hash | auction → status, leader, and its line in `GET /auctions` |
//! | `ap:{07}:view:3:bidder:<id>` | hash | auction → what the user has bid in it |
//! | `ap:{07}:view:3:bid-in:<id>` | sorted set | the auctions in which the user has bid |

use auction_app::ports::people::rate_limit_store::RateLimitKey;
use auction_app::ports::views::generations::Generation;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{Channel, PartitionId};
use uuid::Uuid;

/// The stream of a channel.
pub fn commands(partition: PartitionId, channel: Channel) -> String {
    format!("ap:{{{partition}}}:cmd:{}", channel.name())
}

/// The event stream.
pub fn events(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:evt")
}

/// Dead letters.
pub fn dead(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:dead")
}

/// Who works on a partition for a group.
pub fn lease(partition: PartitionId, group: &str) -> String {
    format!("ap:{{{partition}}}:lease:{group}")
}

/// The processes of a group. The only key that is of no partition.
pub fn members(group: &str) -> String {
    format!("ap:members:{group}")
}

/// Which commands are under suspicion of ending processes.
pub fn suspects(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:suspects")
}

/// Outcomes for one ingress process.
pub fn reply(partition: PartitionId, ingress: &str) -> String {
    format!("ap:{{{partition}}}:reply:{ingress}")
}

/// The channel on which is announced who is told something.
pub const TOLD: &str = "ap:told";

/// The channel on which is announced what is decided.
pub fn decided(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:decided")
}

/// How often somebody calls. Of no partition.
pub fn limit(whose: RateLimitKey) -> String {
    match whose {
        RateLimitKey::User(user) => format!("ap:limit:user:{user}"),
        RateLimitKey::Service(key) => {
            format!("ap:limit:service:{:032x}", u128::from_be_bytes(first_half(key.0)))
        }
        RateLimitKey::Address(address) => format!("ap:limit:address:{address}"),
    }
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    std::array::from_fn(|n| hash[n])
}

/// The channel on which is announced which tokens are not good any more. It is of no partition.
pub const REVOKED: &str = "ap:revoked";

/// Which generation of the views is live.
pub fn live_views(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:view:live")
}

/// The newest generation of the views that was begun.
pub fn newest_views(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:view:newest")
}

/// All keys of views, as a pattern.
pub const ALL_VIEWS: &str = "ap:{*}:view:*";

/// The partition of a key of views, and its generation, if it is of one.
pub fn read_view_key(key: &str) -> Option<(PartitionId, Option<Generation>)> {
    let (partition, rest) = key.strip_prefix("ap:{")?.split_once("}:view:")?;
    let partition = PartitionId(partition.parse().ok()?);
    let generation = rest.split_once(':').and_then(|(generation, _)| generation.parse().ok());
    Some((partition, generation.map(Generation)))
}

/// The keys of one generation of a partition's views.
#[derive(Clone, Debug)]
pub struct ViewKeys(String);

impl ViewKeys {
    /// Of that one.
    pub fn new(partition: PartitionId, generation: Generation) -> ViewKeys {
        ViewKeys(format!("ap:{{{partition}}}:view:{generation}"))
    }

    /// The projector's checkpoint.
    pub fn checkpoint(&self) -> String {
        format!("{}:checkpoint", self.0)
    }

    /// `GET /auction/{id}`.
    pub fn auction(&self, auction: AuctionId) -> String {
        format!("{}:auction:{auction}", self.0)
    }

    /// The lines of `GET /auction/{id}/bids`, by number.
    pub fn bids(&self, auction: AuctionId) -> String {
        format!("{}:bids:{auction}", self.0)
    }

    /// The numbers of each user's bids in an auction.
    pub fn own_bids(&self, auction: AuctionId) -> String {
        format!("{}:own:{auction}", self.0)
    }

    /// `GET /user/{id}`.
    pub fn user(&self, user: UserId) -> String {
        format!("{}:user:{user}", self.0)
    }

    /// Auctions of a status by end.
    pub fn auctions_by_status(&self, status: AuctionStatus) -> String {
        format!("{}:listed:{}", self.0, status.name())
    }

    /// Lines of listed auctions.
    pub fn auction_entries(&self) -> String {
        format!("{}:items", self.0)
    }

    /// What a user has bid, by auction.
    pub fn bidder(&self, user: UserId) -> String {
        format!("{}:bidder:{user}", self.0)
    }

    /// The auctions in which a user has bid.
    pub fn bidder_auctions(&self, user: UserId) -> String {
        format!("{}:bid-in:{user}", self.0)
    }
}

/// The copy of a user's inbox.
pub fn inbox(partition: PartitionId, user: UserId) -> String {
    format!("ap:{{{partition}}}:inbox:{user}")
}

/// Which copies of inboxes are up to date.
pub fn inbox_generation(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:inbox-generation")
}

/// The member of [`ViewKeys::listed`]: sorts by end, then by id.
pub fn listed_member(ends_at: Timestamp, auction: AuctionId) -> String {
    // No auction ends before 1970.
    format!("{:016x}:{auction}", ends_at.0.max(0))
}

/// Reads a member of [`ViewKeys::listed`].
pub fn read_listed_member(member: &str) -> Option<(Timestamp, AuctionId)> {
    let (ends_at, auction) = member.split_once(':')?;
    let ends_at = i64::from_str_radix(ends_at, 16).ok()?;
    Some((Timestamp(ends_at), AuctionId(Uuid::try_parse(auction).ok()?)))
}

/// The member of [`ViewKeys::own_bids`]: sorts by user, then by number.
pub fn own_bid_member(user: UserId, number: u64) -> String {
    format!("{user}:{number:016x}")
}

/// Reads the number of a member of [`ViewKeys::own_bids`].
pub fn read_own_bid_member(member: &str) -> Option<u64> {
    u64::from_str_radix(member.split_once(':')?.1, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_partition_share_its_hash_tag() {
        let (partition, id) = (PartitionId(7), Uuid::from_u128(1));
        let views = ViewKeys::new(partition, Generation(3));
        let keys = [
            commands(partition, Channel::Bid),
            events(partition),
            dead(partition),
            suspects(partition),
            lease(partition, "writer"),
            reply(partition, "i1"),
            live_views(partition),
            newest_views(partition),
            views.checkpoint(),
            views.auction(AuctionId(id)),
            views.bids(AuctionId(id)),
            views.own_bids(AuctionId(id)),
            views.user(UserId(id)),
            views.auctions_by_status(AuctionStatus::Open),
            views.auction_entries(),
            views.bidder(UserId(id)),
            views.bidder_auctions(UserId(id)),
            inbox(partition, UserId(id)),
            inbox_generation(partition),
        ];
        assert!(keys.iter().all(|key| key.starts_with("ap:{07}:")), "{keys:?}");
        assert_eq!(keys[0], "ap:{07}:cmd:bid");
    }

    #[test]
    fn the_generation_of_a_key_is_read_back() {
        let key = ViewKeys::new(PartitionId(7), Generation(3)).auction_entries();
        assert_eq!(read_view_key(&key), Some((PartitionId(7), Some(Generation(3)))));
        assert_eq!(read_view_key(&live_views(PartitionId(7))), Some((PartitionId(7), None)));
        assert_eq!(read_view_key(&events(PartitionId(7))), None);
    }

    #[test]
    fn listed_members_sort_by_end_and_come_back() {
        let auction = AuctionId(Uuid::from_u128(9));
        let (soon, late) = (listed_member(Timestamp(255), auction), listed_member(Timestamp(4096), auction));
        assert!(soon < late);
        assert_eq!(read_listed_member(&late), Some((Timestamp(4096), auction)));
        assert_eq!(read_listed_member("x"), None);
    }
}
