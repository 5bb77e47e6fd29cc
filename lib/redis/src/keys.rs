//! Names of all Redis keys and channels.
//!
//! All keys of a partition share the hash tag `{07}`, so that they are in one slot of a cluster. Redis also
//! holds functions, in the library `auction_portal`: [`crate::functions`].
//!
//! | key | type | content |
//! |---|---|---|
//! | `ap:{07}:cmd:user`, `…:auction`, `…:bid` | stream | commands, one stream per channel |
//! | `ap:{07}:evt` | stream | events; entry id `<position>-0` |
//! | `ap:{07}:dead` | stream | dead letters: commands that cannot be processed, and entries that are no commands |
//! | `ap:{07}:lease:<group>` | string | process that holds the partition for a group; expires |
//! | `ap:members:<group>` | sorted set | processes of a group, by the time of their last registration |
//! | `ap:limit:<key>` | string | rate limit: time at which the whole burst is available again, in µs; expires then |
//! | `ap:{07}:crash-marks` | hash | process → command that it handles and that may crash it; expires |
//! | `ap:{07}:reply:<ingress>` | stream | outcomes for one ingress process; expires |
//! | `ap:{07}:inbox:<user>` | hash | cached inbox of a user; expires, see [`crate::inbox`] |
//! | `ap:{07}:inbox-epoch` | string | current epoch of the cached inboxes; those of an older epoch are filled again |
//! | `ap:{07}:read-model:current` | string | current generation of the read models; 1 if the key is missing |
//! | `ap:{07}:read-model:newest` | string | newest generation that was begun |
//!
//! Keys were renamed without a migration where their content is temporary or derived: crash marks expire after
//! ten minutes, cached inboxes are filled again from Postgres, and read models are projected again from the
//! first event on, since those under `ap:{07}:view:` have former members.
//!
//! Channels (`PUBLISH`) hold no data:
//!
//! | channel | message |
//! |---|---|
//! | `ap:{07}:decided` | ids of decided commands, 16 bytes each ([`crate::pubsub_messages`]) |
//! | `ap:notified` | ids of users with new notifications, 16 bytes each ([`crate::pubsub_messages`]) |
//! | `ap:revoked` | a revoked token, or a user whose tokens are revoked ([`crate::revocations`]) |
//!
//! Read models of generation 3:
//!
//! | key | type | content |
//! |---|---|---|
//! | `ap:{07}:read-model:3:checkpoint` | string | position of the last event that is in the read models |
//! | `ap:{07}:read-model:3:auction:<id>` | string | body of `GET /auction/{id}` |
//! | `ap:{07}:read-model:3:bids:<id>` | hash | number of a bid → bidder, and entry in `GET /auction/{id}/bids` |
//! | `ap:{07}:read-model:3:bids-by-user:<id>` | sorted set | `<user>:<number, 16 hex digits>` of each bid in an auction |
//! | `ap:{07}:read-model:3:user:<id>` | string | body of `GET /user/{id}` |
//! | `ap:{07}:read-model:3:auctions-by-status:<status>` | sorted set | `<end, 16 hex digits>:<id>` of each auction |
//! | `ap:{07}:read-model:3:auction-entries` | hash | auction → status, leader, and entry in `GET /auctions` |
//! | `ap:{07}:read-model:3:bidder:<id>` | hash | auction → what the user has bid in it |
//! | `ap:{07}:read-model:3:bidder-auctions:<id>` | sorted set | auctions in which the user has bid |

use auction_app::ports::people::rate_limit_store::RateLimitKey;
use auction_app::ports::views::generations::Generation;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{Channel, PartitionId};
use uuid::Uuid;

pub fn commands(partition: PartitionId, channel: Channel) -> String {
    format!("ap:{{{partition}}}:cmd:{}", channel.name())
}

pub fn events(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:evt")
}

pub fn dead(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:dead")
}

/// Lease of a partition for a group.
pub fn lease(partition: PartitionId, group: &str) -> String {
    format!("ap:{{{partition}}}:lease:{group}")
}

/// Processes of a group. The key belongs to no partition.
pub fn members(group: &str) -> String {
    format!("ap:members:{group}")
}

/// Commands that processes handle and that may crash them ([`stream_worker::crash_tracking`]).
pub fn crash_marks(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:crash-marks")
}

/// Outcomes for one ingress process.
pub fn reply(partition: PartitionId, ingress: &str) -> String {
    format!("ap:{{{partition}}}:reply:{ingress}")
}

/// Channel that announces users with new notifications.
pub const NOTIFIED: &str = "ap:notified";

/// Channel that announces decided commands.
pub fn decided(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:decided")
}

/// Rate limit of a user, service or IP address. The key belongs to no partition.
pub fn rate_limit(key: RateLimitKey) -> String {
    match key {
        RateLimitKey::User(user) => format!("ap:limit:user:{user}"),
        RateLimitKey::Service(hash) => {
            format!("ap:limit:service:{:032x}", u128::from_be_bytes(first_half(hash.0)))
        }
        RateLimitKey::Address(address) => format!("ap:limit:address:{address}"),
    }
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    std::array::from_fn(|n| hash[n])
}

/// Channel that announces revoked tokens. The channel belongs to no partition.
pub const REVOKED: &str = "ap:revoked";

/// Pointer to the current generation of the read models.
pub fn current_generation(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:read-model:current")
}

/// Newest generation of the read models that was begun.
pub fn newest_generation(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:read-model:newest")
}

/// Pattern of the keys that read models had in former versions. Nothing reads them; a rebuild deletes them.
pub const FORMER_VIEWS: &str = "ap:{*}:view:*";

/// Pattern of all keys of read models.
pub const ALL_VIEWS: &str = "ap:{*}:read-model:*";

/// Parses a key of a read model: its partition, and its generation unless it is a pointer.
pub fn read_view_key(key: &str) -> Option<(PartitionId, Option<Generation>)> {
    let (partition, rest) = key.strip_prefix("ap:{")?.split_once("}:read-model:")?;
    let partition = PartitionId(partition.parse().ok()?);
    let generation = rest.split_once(':').and_then(|(generation, _)| generation.parse().ok());
    Some((partition, generation.map(Generation)))
}

/// Keys of one generation of a partition's read models.
#[derive(Clone, Debug)]
pub struct ViewKeys(String);

impl ViewKeys {
    pub fn new(partition: PartitionId, generation: Generation) -> ViewKeys {
        ViewKeys(format!("ap:{{{partition}}}:read-model:{generation}"))
    }

    pub fn checkpoint(&self) -> String {
        format!("{}:checkpoint", self.0)
    }

    /// Body of `GET /auction/{id}`.
    pub fn auction(&self, auction: AuctionId) -> String {
        format!("{}:auction:{auction}", self.0)
    }

    /// Entries of `GET /auction/{id}/bids` by bid number.
    pub fn bids(&self, auction: AuctionId) -> String {
        format!("{}:bids:{auction}", self.0)
    }

    /// Numbers of each user's bids in an auction.
    pub fn bids_by_user(&self, auction: AuctionId) -> String {
        format!("{}:bids-by-user:{auction}", self.0)
    }

    /// Body of `GET /user/{id}`.
    pub fn user(&self, user: UserId) -> String {
        format!("{}:user:{user}", self.0)
    }

    /// Auctions of a status, sorted by end time.
    pub fn auctions_by_status(&self, status: AuctionStatus) -> String {
        format!("{}:auctions-by-status:{}", self.0, status.name())
    }

    /// Entries of `GET /auctions` by auction.
    pub fn auction_entries(&self) -> String {
        format!("{}:auction-entries", self.0)
    }

    /// Bids of a user by auction.
    pub fn bidder(&self, user: UserId) -> String {
        format!("{}:bidder:{user}", self.0)
    }

    /// Auctions in which a user has bid.
    pub fn bidder_auctions(&self, user: UserId) -> String {
        format!("{}:bidder-auctions:{user}", self.0)
    }
}

/// Cached inbox of a user.
pub fn inbox(partition: PartitionId, user: UserId) -> String {
    format!("ap:{{{partition}}}:inbox:{user}")
}

/// Current epoch of the cached inboxes.
pub fn inbox_epoch(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:inbox-epoch")
}

/// Returns a member of [`ViewKeys::auctions_by_status`]. Members sort by end time, then by id.
pub fn auctions_by_status_member(ends_at: Timestamp, auction: AuctionId) -> String {
    // Auctions end after 1970, so the time is never negative.
    format!("{:016x}:{auction}", ends_at.0.max(0))
}

/// Parses a member of [`ViewKeys::auctions_by_status`].
pub fn read_auctions_by_status_member(member: &str) -> Option<(Timestamp, AuctionId)> {
    let (ends_at, auction) = member.split_once(':')?;
    let ends_at = i64::from_str_radix(ends_at, 16).ok()?;
    Some((Timestamp(ends_at), AuctionId(Uuid::try_parse(auction).ok()?)))
}

/// Returns a member of [`ViewKeys::bids_by_user`]. Members sort by user, then by bid number.
pub fn bids_by_user_member(user: UserId, number: u64) -> String {
    format!("{user}:{number:016x}")
}

/// Parses the bid number of a member of [`ViewKeys::bids_by_user`].
pub fn read_bids_by_user_member(member: &str) -> Option<u64> {
    u64::from_str_radix(member.split_once(':')?.1, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_partition_share_its_hash_tag() {
        let (partition, id) = (PartitionId(7), Uuid::from_u128(1));
        let views = ViewKeys::new(partition, Generation(3));
        let keys = [
            commands(partition, Channel::Bid),
            events(partition),
            dead(partition),
            crash_marks(partition),
            lease(partition, "writer"),
            reply(partition, "i1"),
            current_generation(partition),
            newest_generation(partition),
            views.checkpoint(),
            views.auction(AuctionId(id)),
            views.bids(AuctionId(id)),
            views.bids_by_user(AuctionId(id)),
            views.user(UserId(id)),
            views.auctions_by_status(AuctionStatus::Open),
            views.auction_entries(),
            views.bidder(UserId(id)),
            views.bidder_auctions(UserId(id)),
            inbox(partition, UserId(id)),
            inbox_epoch(partition),
        ];
        assert!(keys.iter().all(|key| key.starts_with("ap:{07}:")), "{keys:?}");
        assert_eq!(keys[0], "ap:{07}:cmd:bid");
    }

    #[test]
    fn read_model_key_contains_its_generation() {
        let key = ViewKeys::new(PartitionId(7), Generation(3)).auction_entries();
        assert_eq!(read_view_key(&key), Some((PartitionId(7), Some(Generation(3)))));
        assert_eq!(read_view_key(&current_generation(PartitionId(7))), Some((PartitionId(7), None)));
        assert_eq!(read_view_key(&events(PartitionId(7))), None);
    }

    #[test]
    fn auctions_by_status_members_round_trip_and_sort_by_end() {
        let auction = AuctionId(Uuid::from_u128(9));
        let (soon, late) = (
            auctions_by_status_member(Timestamp(255), auction),
            auctions_by_status_member(Timestamp(4096), auction),
        );
        assert!(soon < late);
        assert_eq!(read_auctions_by_status_member(&late), Some((Timestamp(4096), auction)));
        assert_eq!(read_auctions_by_status_member("x"), None);
    }
}
