//! One round over the leases: registers this process, reads all holders, renews and acquires.

use super::{LeaseOptions, ROUND_INTERVAL};
use crate::value::{number, ok, text};
use crate::{Connect, DedicatedConnection, StreamError};
use redis::{Value, cmd, pipe};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Registers this process and returns the names of all processes, by the clock of the server. A registration
/// far in the future is void: the clock was ahead when it was written.
const REGISTER: &str = "local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. (now + ARGV[2]), '+inf')
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)";

/// Renews or acquires a lease, unless another process holds it. The third argument is the holder of a void
/// lease, or empty.
const RENEW: &str = "local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Releases a lease, unless another process holds it.
const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// Time after which a partition that was acquired beyond the share counts towards it again.
const BEYOND_SHARE: Duration = Duration::from_secs(60);

/// Result of a round.
#[derive(Default)]
pub(super) struct LeaseRound {
    /// Partitions whose leases this process holds.
    pub(super) held: BTreeSet<usize>,
    /// Held partitions above this process's share, to be released.
    pub(super) surplus: BTreeSet<usize>,
    /// Partitions that no process of the group holds.
    pub(super) unowned: Vec<usize>,
}

/// Lease of a partition as this process reads it.
struct ReadLease {
    holder: Option<String>,
    /// Whether the lease outlives its holder. The clock of the server was ahead when it was written: it
    /// expires later than any lease, and its holder is no member of the group.
    is_void: bool,
}

impl ReadLease {
    fn is_free(&self) -> bool {
        self.holder.is_none() || self.is_void
    }
}

/// Error of a round.
pub(super) struct RenewalFailed {
    pub(super) error: StreamError,
    /// Whether there is no time for another attempt: all leases count as lost.
    pub(super) expired: bool,
}

/// Leases of this process.
pub(super) struct Leases<S> {
    server: S,
    options: LeaseOptions,
    connection: Option<DedicatedConnection>,
    held: BTreeSet<usize>,
    /// Partitions that another process must work on.
    declined: BTreeSet<usize>,
    /// Free partitions, with the time since when this process sees them free.
    free_since: BTreeMap<usize, Instant>,
    /// Held partitions that were acquired beyond the share, with the time when they were acquired.
    beyond_share: BTreeMap<usize, Instant>,
    /// Members of the group in the last round.
    members: Vec<String>,
    /// Time until which no other process can acquire the held leases.
    valid_until: Instant,
    leaving: bool,
}

impl<S: Connect> Leases<S> {
    pub(super) fn new(server: S, options: LeaseOptions) -> Leases<S> {
        let valid_until = Instant::now();
        Leases {
            server,
            options,
            connection: None,
            held: BTreeSet::new(),
            declined: BTreeSet::new(),
            free_since: BTreeMap::new(),
            beyond_share: BTreeMap::new(),
            members: Vec::new(),
            valid_until,
            leaving: false,
        }
    }

    pub(super) fn leaving(&self) -> bool {
        self.leaving
    }

    /// Longest time to wait for a reply, so that another attempt fits into the time to live of a lease.
    fn deadline(&self) -> Duration {
        self.options.lease_ttl / 3
    }

    /// Renews held leases and acquires free ones. If errors last until the leases expire, none is held any
    /// more.
    pub(super) async fn round(&mut self) -> Result<LeaseRound, RenewalFailed> {
        let sent = Instant::now();
        match self.try_round().await {
            Ok(round) => {
                self.valid_until = sent + self.options.lease_ttl;
                Ok(round)
            }
            Err(error) => {
                self.connection = None;
                // Expired if there is not enough time for another complete attempt.
                let expired = Instant::now() + ROUND_INTERVAL + self.deadline() >= self.valid_until;
                if expired {
                    if !self.held.is_empty() {
                        tracing::warn!(%error, "leases lost: renewal failed until they expired");
                    }
                    self.held.clear();
                }
                Err(RenewalFailed { error, expired })
            }
        }
    }

    async fn try_round(&mut self) -> Result<LeaseRound, StreamError> {
        let (members, leases) = self.read_leases().await?;
        if !self.leaving {
            // Also those that this process lost, and that no other one can acquire: if the clock of the server was
            // ahead, they do not expire for long, and no process takes the lease of a member.
            let own = leases.iter().enumerate().filter(|(partition, lease)| {
                lease.holder.as_ref() == Some(&self.options.name) && !self.declined.contains(partition)
            });
            self.held.extend(own.map(|(partition, _)| partition));
        }
        let share = fair_share(self.options.lease_keys.len(), &members, &self.options.name);
        let free: Vec<usize> = leases
            .iter()
            .enumerate()
            .filter(|(partition, lease)| lease.is_free() && !self.held.contains(partition))
            .map(|(partition, _)| partition)
            .collect();
        self.forget_beyond_share(members);
        let acquired = self.acquirable(free, share);
        let partitions: Vec<usize> = self.held.iter().copied().chain(acquired).collect();
        let mut renew = pipe();
        let ms = self.lease_ms();
        for partition in &partitions {
            let key = &self.options.lease_keys[*partition];
            let lease = &leases[*partition];
            let void = lease.holder.as_deref().filter(|_| lease.is_void).unwrap_or_default();
            if lease.is_void {
                tracing::warn!(key, holder = void, "lease taken over: it outlives its holder");
            }
            renew.cmd("EVAL").arg(RENEW).arg(1).arg(key).arg(&self.options.name).arg(ms).arg(void);
        }
        let replies = if partitions.is_empty() { Vec::new() } else { self.send(&renew).await? };
        let renewed = partitions
            .into_iter()
            .zip(replies)
            .map(|(partition, reply)| Ok((number(&ok(reply)?) == Some(1)).then_some(partition)));
        // After an error reply, the leases that were held are renewed in the next round.
        let renewed: Vec<Option<usize>> = renewed.collect::<Result<_, StreamError>>()?;
        self.held = renewed.into_iter().flatten().collect();
        self.beyond_share.retain(|partition, _| self.held.contains(partition));
        let surplus = self.within_share().skip(share).collect();
        let is_owned =
            |lease: &ReadLease| lease.holder.as_ref().is_some_and(|holder| self.members.contains(holder));
        let unowned = leases
            .iter()
            .enumerate()
            .filter(|(partition, lease)| !self.held.contains(partition) && !is_owned(lease));
        let unowned = unowned.map(|(partition, _)| partition).collect();
        Ok(LeaseRound { held: self.held.clone(), surplus, unowned })
    }

    /// Lets partitions beyond the share count towards it when the members change, or after a minute.
    fn forget_beyond_share(&mut self, members: Vec<String>) {
        if members != self.members {
            self.beyond_share.clear();
            self.members = members;
        }
        self.beyond_share.retain(|_, acquired| acquired.elapsed() < BEYOND_SHARE);
    }

    /// Returns the free partitions to acquire: as many as the share has room for, and those that no process has
    /// acquired for the time of a lease.
    fn acquirable(&mut self, mut free: Vec<usize>, share: usize) -> Vec<usize> {
        free.retain(|partition| !self.declined.contains(partition));
        self.free_since.retain(|partition, _| free.contains(partition));
        for partition in &free {
            self.free_since.entry(*partition).or_insert_with(Instant::now);
        }
        if self.leaving {
            return Vec::new();
        }
        let room = share.saturating_sub(self.within_share().count());
        let left_over = free.split_off(room.min(free.len()));
        let is_left = |one: &usize| self.free_since[one].elapsed() > self.options.lease_ttl;
        for partition in left_over.into_iter().filter(is_left) {
            tracing::info!(partition, "acquiring a free lease beyond the share");
            self.beyond_share.insert(partition, Instant::now());
            free.push(partition);
        }
        free
    }

    fn within_share(&self) -> impl Iterator<Item = usize> {
        self.held.iter().copied().filter(|partition| !self.beyond_share.contains_key(partition))
    }

    /// Stops acquiring a partition, until [`Leases::accept`].
    pub(super) fn decline(&mut self, partition: usize) {
        self.declined.insert(partition);
    }

    pub(super) fn accept(&mut self, partition: usize) {
        self.declined.remove(&partition);
    }

    /// Returns the names of all processes, and each lease.
    async fn read_leases(&mut self) -> Result<(Vec<String>, Vec<ReadLease>), StreamError> {
        let mut commands = pipe();
        let members = &self.options.members_key;
        match self.leaving {
            true => commands.cmd("ZRANGE").arg(members).arg(0).arg(-1),
            false => {
                let ms = self.lease_ms();
                commands.cmd("EVAL").arg(REGISTER).arg(1).arg(members).arg(&self.options.name).arg(ms)
            }
        };
        for lease in &self.options.lease_keys {
            commands.cmd("GET").arg(lease);
            commands.cmd("PTTL").arg(lease);
        }
        let replies: Vec<Value> =
            self.send(&commands).await?.into_iter().map(ok).collect::<Result<_, _>>()?;
        let (members, leases) = replies.split_first().unwrap_or((&Value::Nil, &[]));
        let Value::Array(members) = members else { return Err(StreamError::unexpected("EVAL", members)) };
        let members: Vec<String> = members.iter().filter_map(text).map(str::to_owned).collect();
        let longest = self.lease_ms();
        let read = |lease: &[Value]| {
            let holder = text(&lease[0]).map(str::to_owned);
            // -1: the key never expires.
            let outlasts = number(&lease[1])
                .is_some_and(|ms| ms == -1 || u64::try_from(ms).is_ok_and(|ms| ms > longest));
            let is_member = holder.as_ref().is_some_and(|holder| members.contains(holder));
            ReadLease { holder, is_void: outlasts && !is_member }
        };
        let leases = leases.chunks_exact(2).map(read).collect();
        Ok((members, leases))
    }

    /// Releases the lease of a partition whose work has ended. If the server is unavailable, the lease
    /// expires.
    pub(super) async fn release(&mut self, partition: usize) {
        self.held.remove(&partition);
        let mut release = cmd("EVAL");
        release.arg(RELEASE).arg(1).arg(&self.options.lease_keys[partition]).arg(&self.options.name);
        self.best_effort(release).await;
    }

    /// Leaves the group: acquires no more leases. Other processes acquire the held ones as they are released.
    pub(super) async fn leave(&mut self) {
        self.leaving = true;
        let mut leave = cmd("ZREM");
        leave.arg(&self.options.members_key).arg(&self.options.name);
        self.best_effort(leave).await;
    }

    async fn best_effort(&mut self, command: redis::Cmd) {
        let mut commands = pipe();
        commands.add_command(command);
        if let Err(error) = self.send(&commands).await {
            tracing::debug!(%error, "release failed: the lease or registration expires by itself");
            self.connection = None;
        }
    }

    async fn send(&mut self, commands: &redis::Pipeline) -> Result<Vec<Value>, StreamError> {
        let deadline = self.deadline();
        let open = async {
            match &mut self.connection {
                Some(connection) => Ok(connection),
                none => Ok::<_, StreamError>(
                    none.insert(DedicatedConnection::open(&self.server, deadline).await?),
                ),
            }
        };
        match tokio::time::timeout(deadline, open).await {
            Ok(connection) => connection?.send(commands).await,
            Err(_) => {
                let late =
                    std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection within the deadline");
                Err(redis::RedisError::from(late).into())
            }
        }
    }

    fn lease_ms(&self) -> u64 {
        u64::try_from(self.options.lease_ttl.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Returns the number of partitions of member `name`. Shares differ by at most one and add up to all
/// partitions.
fn fair_share(partitions: usize, members: &[String], name: &str) -> usize {
    let mut names: Vec<&str> = members.iter().map(String::as_str).collect();
    names.sort_unstable();
    // Not registered, because it leaves or its registration expired: it acquires nothing.
    let Some(rank) = names.iter().position(|member| *member == name) else { return 0 };
    partitions / names.len() + usize::from(rank < partitions % names.len())
}

#[cfg(test)]
mod tests {
    use super::fair_share;

    #[test]
    fn shares_are_even_and_add_up_to_all_partitions() {
        for partitions in 0..20 {
            for count in 1..10 {
                let members: Vec<String> = (0..count).rev().map(|n| format!("m{n}")).collect();
                let shares: Vec<usize> =
                    members.iter().map(|name| fair_share(partitions, &members, name)).collect();
                assert_eq!(shares.iter().sum::<usize>(), partitions);
                let (least, most) = (shares.iter().min(), shares.iter().max());
                assert!(most.unwrap() - least.unwrap() <= 1);
            }
        }
        assert_eq!(fair_share(8, &["a".to_owned()], "b"), 0);
    }
}
