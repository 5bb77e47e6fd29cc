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
//! | `ap:{07}:suspect` | string | the command in work that may have ended processes |
//! | `ap:{07}:reply:<ingress>` | stream | outcomes for one ingress process; expires |
//! | `ap:{07}:view:checkpoint` | string | position up to which events are in the views |
//! | `ap:{07}:view:auction:<id>` | string | body of `GET /auction/{id}` |
//! | `ap:{07}:view:bids:<id>` | hash | user id → body of `GET /auction/{id}/bids` |
//! | `ap:{07}:view:user:<id>` | string | body of `GET /user/{id}` |
//! | `ap:{07}:view:listed` | sorted set | `<end, 16 hex digits>:<id>` of each auction that is listed |
//! | `ap:{07}:view:items` | hash | auction id → its line in `GET /auctions` |
//! | `ap:{07}:inbox:<user>` | hash | copy of a user's inbox; expires, see [`crate::inbox`] |
//! | `ap:{07}:inbox-generation` | string | copies of an older one are made anew |

use auction_domain::{AuctionId, Timestamp, UserId};
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

/// Which command is under suspicion of ending processes.
pub fn suspect(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:suspect")
}

/// Outcomes for one ingress process.
pub fn reply(partition: PartitionId, ingress: &str) -> String {
    format!("ap:{{{partition}}}:reply:{ingress}")
}

/// The projector's checkpoint.
pub fn checkpoint(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:view:checkpoint")
}

/// `GET /auction/{id}`.
pub fn auction(partition: PartitionId, auction: AuctionId) -> String {
    format!("ap:{{{partition}}}:view:auction:{auction}")
}

/// `GET /auction/{id}/bids`, by user.
pub fn own_bids(partition: PartitionId, auction: AuctionId) -> String {
    format!("ap:{{{partition}}}:view:bids:{auction}")
}

/// `GET /user/{id}`.
pub fn user(partition: PartitionId, user: UserId) -> String {
    format!("ap:{{{partition}}}:view:user:{user}")
}

/// Listed auctions by end.
pub fn listed(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:view:listed")
}

/// Lines of listed auctions.
pub fn items(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:view:items")
}

/// The copy of a user's inbox.
pub fn inbox(partition: PartitionId, user: UserId) -> String {
    format!("ap:{{{partition}}}:inbox:{user}")
}

/// Which copies of inboxes are up to date.
pub fn inbox_generation(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:inbox-generation")
}

/// The member of [`listed`]: sorts by end, then by id.
pub fn listed_member(ends_at: Timestamp, auction: AuctionId) -> String {
    // No auction ends before 1970.
    format!("{:016x}:{auction}", ends_at.0.max(0))
}

/// Reads a member of [`listed`].
pub fn read_listed_member(member: &str) -> Option<(Timestamp, AuctionId)> {
    let (ends_at, auction) = member.split_once(':')?;
    let ends_at = i64::from_str_radix(ends_at, 16).ok()?;
    Some((Timestamp(ends_at), AuctionId(Uuid::try_parse(auction).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_partition_share_its_hash_tag() {
        let (partition, id) = (PartitionId(7), Uuid::from_u128(1));
        let keys = [
            commands(partition, Channel::Bid),
            events(partition),
            dead(partition),
            suspect(partition),
            lease(partition, "writer"),
            reply(partition, "i1"),
            checkpoint(partition),
            auction(partition, AuctionId(id)),
            own_bids(partition, AuctionId(id)),
            user(partition, UserId(id)),
            listed(partition),
            items(partition),
            inbox(partition, UserId(id)),
            inbox_generation(partition),
        ];
        assert!(keys.iter().all(|key| key.starts_with("ap:{07}:")), "{keys:?}");
        assert_eq!(keys[0], "ap:{07}:cmd:bid");
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
