//! What happens to processes and servers.

use super::Schedule;
use crate::world::Server;
use auction_app::ports::events::event_store::AppendResult;
use auction_redis::keys;
use auction_testkit::fixtures::P;
use auction_wire::{Channel, CommandId};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// So many processes are killed from outside at most: whoever dies while it handles what others left puts it under
/// suspicion, and is right to.
const KILLS: u64 = 4;

impl Schedule {
    pub(crate) async fn disturb(&mut self) -> Result<(), String> {
        let writer = self.world.below(self.writers.len() as u64) as usize;
        let projector = self.world.below(self.projectors.len() as u64) as usize;
        match self.world.below(25) {
            0..6 if self.killed < KILLS => {
                self.world.note(format_args!("writer {writer} is killed"));
                let another = self.writer();
                let dead = std::mem::replace(&mut self.writers[writer], another);
                dead.process.kill();
                self.stopped.insert(dead.name);
                drop(dead.process.ended().await);
                self.killed += 1;
            }
            6..9 => {
                self.world.note(format_args!("writer {writer} is paused"));
                self.writers[writer].process.pause();
                self.stopped.insert(self.writers[writer].name.clone());
            }
            9..11 => self.writers.iter().for_each(|writer| writer.process.goes_on()),
            11 => {
                let another = self.projector();
                std::mem::replace(&mut self.projectors[projector], another).process.kill();
            }
            12 => match self.projectors[projector].process.is_paused() {
                true => self.projectors[projector].process.goes_on(),
                false => self.projectors[projector].process.pause(),
            },
            13 => self.network.breaks(),
            14 => {
                self.world.note(format_args!("redis goes away"));
                self.network.goes_away(true);
                sleep(Duration::from_millis(self.world.below(4000))).await;
                self.network.goes_away(false);
            }
            15 => self.copy = Some(self.network.redis(|redis| redis.copy())),
            16 => self.lose().await,
            17 => {
                self.trimmed = true;
                let keep = 1 + self.world.below(4) as usize;
                self.network.redis(|redis| redis.trim(keys::events(P).as_bytes(), keep));
            }
            18..20 => {
                let short = self.world.chance(600);
                self.world.note(format_args!("redis has memory left: {}", !short));
                self.network.is_short_of_memory(short);
            }
            20 => self.silence(Server::Redis).await,
            21 => self.silence(Server::Postgres).await,
            22 => self.silence(Server::PostgresToAppends).await,
            _ => self.delete_elsewhere().await?,
        }
        Ok(())
    }

    /// A server says nothing, often for longer than anybody waits for an answer.
    async fn silence(&self, server: Server) {
        let how_long = Duration::from_millis(self.world.below(20_000));
        self.world.note(format_args!("{server:?} says nothing for {how_long:?}"));
        self.world.says_nothing(server, how_long);
        sleep(how_long.mul_f64(self.world.below(100) as f64 / 100.0)).await;
    }

    /// Redis falls back to an older state, or loses everything.
    async fn lose(&mut self) {
        match self.copy.take() {
            Some(copy) => {
                self.world.note(format_args!("redis falls back"));
                self.network.falls_back(copy);
            }
            None if self.world.chance(300) => {
                self.world.note(format_args!("redis loses everything"));
                self.network.redis(|redis| redis.lose_all());
            }
            None => return,
        }
        self.lossy = true;
        sleep(Duration::from_millis(self.world.below(300))).await;
        self.give_again_what_was_lost().await;
    }

    /// A user of another partition is deleted there.
    async fn delete_elsewhere(&mut self) -> Result<(), String> {
        let Some(user) = self.history.elsewhere.get(self.deleted_elsewhere) else { return Ok(()) };
        let head = (self.history.elsewhere.len() + self.deleted_elsewhere) as u64;
        self.world.note(format_args!("a user is deleted elsewhere"));
        let delete = self.history.delete_elsewhere(*user, head);
        let appended = self.store.append_now(&delete).await;
        self.deleted_elsewhere += 1;
        match appended {
            Ok(AppendResult::Committed) => Ok(()),
            other => Err(format!("nobody else writes there: {other:?}")),
        }
    }

    /// Whoever sent a command that was lost sends it again.
    pub(crate) async fn give_again_what_was_lost(&mut self) {
        let outcomes = self.store.inner().all_outcomes();
        let mut there: BTreeSet<CommandId> = outcomes.into_keys().collect();
        for channel in Channel::ALL {
            self.network.redis(|redis| {
                let stream = redis.stream(&keys::commands(P, channel));
                for fields in stream.iter().flat_map(|stream| stream.entries.values()) {
                    let id = fields.chunks_exact(2).find(|pair| pair[0] == b"id");
                    there.extend(id.and_then(|pair| Uuid::try_parse_ascii(&pair[1]).ok()).map(CommandId));
                }
            });
        }
        let given: Vec<_> = self.given.values().filter_map(|(_, command)| command.clone()).collect();
        for command in given {
            if there.insert(command.id) {
                self.give(Some(command)).await;
            }
        }
    }
}
