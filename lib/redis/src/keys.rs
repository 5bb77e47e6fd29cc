//! Names of all Redis keys and channels.
//!
//! All keys of a partition share the hash tag `{07}`, so that they are in one slot of a cluster. Redis also
//! holds functions, in the library `auction_portal`: [`crate::functions`].
//!
//! `docs/reference/redis-keys.md` lists them with content, writers, readers and lifetime. It is generated from the
//! families, which have an entry for each function and constant of this file that makes a key.
//!
//! Keys were renamed without a migration where their content is temporary or derived: crash marks expire after
//! ten minutes, cached inboxes are filled again from Postgres, and read models are projected again from the
//! first event on, since those under `ap:{07}:view:` have former members.

#[cfg(test)]
mod families;

use auction_app::ports::people::rate_limit_store::RateLimitKey;
use auction_app::ports::views::generations::Generation;
use auction_app::ports::views::read_models::ViewName;
use auction_domain::UserId;
use auction_wire::{Channel, PartitionId};

pub fn commands(partition: PartitionId, channel: Channel) -> String {
    format!("ap:{{{partition}}}:cmd:{}", channel.name())
}

/// Copy of a command stream while it is repaired.
pub fn repaired_commands(partition: PartitionId, channel: Channel) -> String {
    format!("ap:{{{partition}}}:repair:{}", channel.name())
}

pub fn events(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:evt")
}

pub fn dead(partition: PartitionId) -> String {
    format!("ap:{{{partition}}}:dead")
}

/// Id of the portal that this Redis belongs to. The key belongs to no partition.
pub const PORTAL: &str = "ap:portal";

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

/// Channel that announces outgoing notifications to the notifiers of their users.
pub const OUTGOING: &str = "ap:outgoing";

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

    /// Document, set of entries, or list of a view.
    pub fn key(&self, name: ViewName) -> String {
        format!("{}:{name}", self.0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use auction_app::projector::views::auctions::ENTRIES;
    use uuid::Uuid;

    #[test]
    fn keys_of_a_partition_share_its_hash_tag() {
        let (partition, id) = (PartitionId(7), Uuid::from_u128(1));
        let views = ViewKeys::new(partition, Generation(3));
        let keys = [
            commands(partition, Channel::Bid),
            repaired_commands(partition, Channel::Bid),
            events(partition),
            dead(partition),
            crash_marks(partition),
            lease(partition, "writer"),
            reply(partition, "i1"),
            current_generation(partition),
            newest_generation(partition),
            views.checkpoint(),
            views.key(ENTRIES),
            inbox(partition, UserId(id)),
            inbox_epoch(partition),
        ];
        assert!(keys.iter().all(|key| key.starts_with("ap:{07}:")), "{keys:?}");
        assert_eq!(keys[0], "ap:{07}:cmd:bid");
    }

    #[test]
    fn read_model_key_contains_its_generation() {
        let key = ViewKeys::new(PartitionId(7), Generation(3)).key(ENTRIES);
        assert_eq!(read_view_key(&key), Some((PartitionId(7), Some(Generation(3)))));
        assert_eq!(read_view_key(&current_generation(PartitionId(7))), Some((PartitionId(7), None)));
        assert_eq!(read_view_key(&events(PartitionId(7))), None);
    }
}
