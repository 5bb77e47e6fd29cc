//! Faults of processes and backends.

use super::Schedule;
use crate::world::Server;
use auction_app::ports::events::event_store::{AppendResult, EventStore};
use auction_redis::keys;
use auction_testkit::fixtures::P;
use auction_wire::{Channel, CommandId};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// Number of killed or aborted writers after which no more are killed. Each kill during the handling of a
/// pending command counts as a crash of that command, and enough of them dead-letter it correctly.
const MAX_KILLS: u64 = 4;

impl Schedule {
    pub(crate) async fn inject_fault(&mut self) -> Result<(), String> {
        let writer = self.world.below(self.writers.len() as u64) as usize;
        let projector = self.world.below(self.projectors.len() as u64) as usize;
        match self.world.below(25) {
            0..6 if self.killed < MAX_KILLS => {
                self.world.trace(format_args!("writer {writer} is killed"));
                let another = self.start_writer();
                let killed = std::mem::replace(&mut self.writers[writer], another);
                killed.process.kill();
                self.stopped.insert(killed.name);
                drop(killed.process.result().await);
                self.killed += 1;
            }
            6..9 => {
                self.world.trace(format_args!("writer {writer} is paused"));
                self.writers[writer].process.pause();
                self.stopped.insert(self.writers[writer].name.clone());
            }
            9..11 => self.writers.iter().for_each(|writer| writer.process.resume()),
            11 => {
                let another = self.start_projector();
                std::mem::replace(&mut self.projectors[projector], another).process.kill();
            }
            12 => match self.projectors[projector].process.is_paused() {
                true => self.projectors[projector].process.resume(),
                false => self.projectors[projector].process.pause(),
            },
            13 => self.network.break_connections(),
            14 => {
                self.world.trace(format_args!("redis is unavailable"));
                self.network.set_unavailable(true);
                sleep(Duration::from_millis(self.world.below(4000))).await;
                self.network.set_unavailable(false);
            }
            15 => self.backup = Some(self.network.redis(|redis| redis.copy())),
            16 => self.lose_redis_data().await,
            17 => {
                self.trimmed = true;
                let keep = 1 + self.world.below(4) as usize;
                self.network.redis(|redis| redis.trim(keys::events(P).as_bytes(), keep));
            }
            18..20 => {
                let short = self.world.chance(600);
                self.world.trace(format_args!("redis has memory left: {}", !short));
                self.network.set_short_of_memory(short);
            }
            20 => self.silence(Server::Redis).await,
            21 => self.silence(Server::Postgres).await,
            22 => self.silence(Server::PostgresToAppends).await,
            _ => self.delete_other_user().await?,
        }
        Ok(())
    }

    /// Silences a backend, often for longer than clients wait for an answer.
    async fn silence(&self, server: Server) {
        let duration = Duration::from_millis(self.world.below(20_000));
        self.world.trace(format_args!("{server:?} is silent for {duration:?}"));
        self.world.silence(server, duration);
        sleep(duration.mul_f64(self.world.below(100) as f64 / 100.0)).await;
    }

    /// Restores an older state of Redis, or deletes everything.
    async fn lose_redis_data(&mut self) {
        match self.backup.take() {
            Some(backup) => {
                self.world.trace(format_args!("redis falls back to an older state"));
                self.network.restore(backup);
            }
            None if self.world.chance(300) => {
                self.world.trace(format_args!("redis loses everything"));
                self.network.redis(|redis| redis.flush_all());
            }
            None => return,
        }
        self.lossy = true;
        sleep(Duration::from_millis(self.world.below(300))).await;
        self.resubmit_lost().await;
    }

    /// Deletes a user of the other partition.
    pub(super) async fn delete_other_user(&mut self) -> Result<(), String> {
        let Some(user) = self.workload.other_users.get(self.deleted_other_users) else { return Ok(()) };
        let head = (self.workload.other_users.len() + self.deleted_other_users) as u64;
        self.world.trace(format_args!("a user of the other partition is deleted"));
        let delete = self.workload.delete_other_user(*user, head);
        let appended = self.store.inner().clone().append(&delete).await;
        self.deleted_other_users += 1;
        match appended {
            Ok(AppendResult::Committed) => {}
            other => return Err(format!("{other:?} without a concurrent writer")),
        }
        // The user-deletion process is late now and then, and sends its bars more than once.
        self.unsent_bars.push(self.workload.bar_other_user(*user));
        if self.world.chance(600) {
            self.send_bars().await;
        }
        Ok(())
    }

    /// Sends the bars of deleted users of the other partition.
    pub(crate) async fn send_bars(&mut self) {
        for bar in std::mem::take(&mut self.unsent_bars) {
            self.submit(Some(bar)).await;
        }
    }

    /// Submits all commands again that Redis has lost and that have no outcome.
    pub(crate) async fn resubmit_lost(&mut self) {
        let outcomes = self.store.inner().all_outcomes();
        let mut known: BTreeSet<CommandId> = outcomes.into_keys().collect();
        for channel in Channel::ALL {
            self.network.redis(|redis| {
                let stream = redis.stream(&keys::commands(P, channel));
                for fields in stream.iter().flat_map(|stream| stream.entries.values()) {
                    let id = fields.chunks_exact(2).find(|pair| pair[0] == b"id");
                    known.extend(id.and_then(|pair| Uuid::try_parse_ascii(&pair[1]).ok()).map(CommandId));
                }
            });
        }
        let submitted: Vec<_> = self.submitted.values().filter_map(|(_, command)| command.clone()).collect();
        for command in submitted {
            if known.insert(command.id) {
                self.submit(Some(command)).await;
            }
        }
    }
}
