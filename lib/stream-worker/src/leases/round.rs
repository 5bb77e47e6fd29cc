//! One look at the leases: who is there, who holds what; renew, take, give back.

use super::{LOOK, LeaseOptions};
use crate::value::{number, ok, text};
use crate::{DedicatedConnection, StreamError};
use redis::{Client, Value, cmd, pipe};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Says that this process is there and returns all that are. Time is the server's.
const JOIN: &str = "local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[2])
return redis.call('ZRANGE', KEYS[1], 0, -1)";

/// Renews a lease unless it is another's.
const RENEW: &str = "local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Gives a lease back unless it is another's.
const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// What came of a look.
#[derive(Default)]
pub(super) struct LeaseRound {
    /// The lanes whose leases are held.
    pub(super) held: BTreeSet<usize>,
    /// Those of them that are more than this process's share.
    pub(super) give_back: BTreeSet<usize>,
}

/// The leases could not be renewed.
pub(super) struct RenewalFailed {
    /// Why.
    pub(super) error: StreamError,
    /// There is no time for another try: nothing is held any more.
    pub(super) expired: bool,
}

/// The leases of a process.
pub(super) struct Leases {
    client: Client,
    options: LeaseOptions,
    connection: Option<DedicatedConnection>,
    held: BTreeSet<usize>,
    /// Until then nobody else can have a lease that is held here.
    valid_until: Instant,
    leaving: bool,
}

impl Leases {
    pub(super) fn new(client: Client, options: LeaseOptions) -> Leases {
        let valid_until = Instant::now();
        Leases { client, options, connection: None, held: BTreeSet::new(), valid_until, leaving: false }
    }

    pub(super) fn leaving(&self) -> bool {
        self.leaving
    }

    /// No answer may take longer: there must be time for another try within a lease.
    fn deadline(&self) -> Duration {
        self.options.lease / 3
    }

    /// Renews, takes and counts. After too many errors nothing is held any more.
    pub(super) async fn round(&mut self) -> Result<LeaseRound, RenewalFailed> {
        let sent = Instant::now();
        match self.try_round().await {
            Ok(round) => {
                self.valid_until = sent + self.options.lease;
                Ok(round)
            }
            Err(error) => {
                self.connection = None;
                // Is there time for a whole other try?
                let expired = Instant::now() + LOOK + self.deadline() >= self.valid_until;
                if expired {
                    if !self.held.is_empty() {
                        tracing::warn!(%error, "leases could not be renewed in time: nothing is held any more");
                    }
                    self.held.clear();
                }
                Err(RenewalFailed { error, expired })
            }
        }
    }

    async fn try_round(&mut self) -> Result<LeaseRound, StreamError> {
        let (members, mut holders) = self.look().await?;
        let share = fair_share(self.options.leases.len(), &members, &self.options.name);
        let free: Vec<usize> = holders
            .iter()
            .enumerate()
            .filter(|(lane, holder)| holder.is_none() && !self.held.contains(lane))
            .map(|(lane, _)| lane)
            .collect();
        let wanted = if self.leaving { 0 } else { share.saturating_sub(self.held.len()) };
        let lanes: Vec<usize> = self.held.iter().copied().chain(free.into_iter().take(wanted)).collect();
        let mut renew = pipe();
        let ms = self.lease_ms();
        for lane in &lanes {
            let key = &self.options.leases[*lane];
            renew.cmd("EVAL").arg(RENEW).arg(1).arg(key).arg(&self.options.name).arg(ms);
        }
        let replies = if lanes.is_empty() { Vec::new() } else { self.send(&renew).await? };
        self.held.clear();
        for (lane, reply) in lanes.into_iter().zip(replies) {
            if number(&ok(reply)?) == Some(1) {
                self.held.insert(lane);
                holders[lane] = Some(self.options.name.clone());
            }
        }
        let give_back = self.held.iter().copied().skip(share).collect();
        Ok(LeaseRound { held: self.held.clone(), give_back })
    }

    /// Who is there, and who holds each lease.
    async fn look(&mut self) -> Result<(Vec<String>, Vec<Option<String>>), StreamError> {
        let mut commands = pipe();
        let members = &self.options.members;
        match self.leaving {
            true => commands.cmd("ZRANGE").arg(members).arg(0).arg(-1),
            false => {
                let ms = self.lease_ms();
                commands.cmd("EVAL").arg(JOIN).arg(1).arg(members).arg(&self.options.name).arg(ms)
            }
        };
        for lease in &self.options.leases {
            commands.cmd("GET").arg(lease);
        }
        let mut replies = self.send(&commands).await?.into_iter().map(ok);
        let members = replies.next().transpose()?.unwrap_or(Value::Nil);
        let Value::Array(members) = &members else { return Err(StreamError::unexpected("EVAL", &members)) };
        let members = members.iter().filter_map(text).map(str::to_owned).collect();
        let holders = replies.map(|holder| Ok(text(&holder?).map(str::to_owned)));
        Ok((members, holders.collect::<Result<_, StreamError>>()?))
    }

    /// The work on a lane has ended: whoever wants it may have it. If the server is away it expires.
    pub(super) async fn release(&mut self, lane: usize) {
        self.held.remove(&lane);
        let mut release = cmd("EVAL");
        release.arg(RELEASE).arg(1).arg(&self.options.leases[lane]).arg(&self.options.name);
        self.best_effort(release).await;
    }

    /// This process takes no more part; the others share what it still holds as it is released.
    pub(super) async fn leave(&mut self) {
        self.leaving = true;
        let mut leave = cmd("ZREM");
        leave.arg(&self.options.members).arg(&self.options.name);
        self.best_effort(leave).await;
    }

    async fn best_effort(&mut self, command: redis::Cmd) {
        let mut commands = pipe();
        commands.add_command(command);
        if let Err(error) = self.send(&commands).await {
            tracing::debug!(%error, "others have to wait until the lease expires");
            self.connection = None;
        }
    }

    async fn send(&mut self, commands: &redis::Pipeline) -> Result<Vec<Value>, StreamError> {
        let deadline = self.deadline();
        let open = async {
            match &mut self.connection {
                Some(connection) => Ok(connection),
                none => Ok::<_, StreamError>(
                    none.insert(DedicatedConnection::open(&self.client, deadline).await?),
                ),
            }
        };
        match tokio::time::timeout(deadline, open).await {
            Ok(connection) => connection?.send(commands).await,
            Err(_) => {
                let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection in time");
                Err(redis::RedisError::from(late).into())
            }
        }
    }

    fn lease_ms(&self) -> u64 {
        u64::try_from(self.options.lease.as_millis()).unwrap_or(u64::MAX)
    }
}

/// How many of the lanes are this member's: they differ by one at most, and make up all of them.
fn fair_share(lanes: usize, members: &[String], name: &str) -> usize {
    let mut names: Vec<&str> = members.iter().map(String::as_str).collect();
    names.sort_unstable();
    // Just left, or not heard of: it takes nothing, and keeps what nobody else could have.
    let Some(rank) = names.iter().position(|member| *member == name) else { return 0 };
    lanes / names.len() + usize::from(rank < lanes % names.len())
}

#[cfg(test)]
mod tests {
    use super::fair_share;

    #[test]
    fn shares_are_even_and_make_up_everything() {
        for lanes in 0..20 {
            for count in 1..10 {
                let members: Vec<String> = (0..count).rev().map(|n| format!("m{n}")).collect();
                let shares: Vec<usize> =
                    members.iter().map(|name| fair_share(lanes, &members, name)).collect();
                assert_eq!(shares.iter().sum::<usize>(), lanes);
                let (least, most) = (shares.iter().min(), shares.iter().max());
                assert!(most.unwrap() - least.unwrap() <= 1);
            }
        }
        assert_eq!(fair_share(8, &["a".to_owned()], "b"), 0);
    }
}
