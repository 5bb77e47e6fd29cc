//! The way to the modelled Redis: sockets that are slow, break anywhere, and live on for a while when nobody holds their
//! other end any more.

use crate::redis::{Id, PersistedState, Redis, block_of};
use crate::reply::{Command, Reply, next_command};
use crate::world::{Server, World};
use auction_redis::{RedisServer, SocketFactory, keys};
use auction_testkit::fixtures::P;
use bytes::BytesMut;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use stream_worker::{Socket, StreamError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

/// So much lies between both ends of a socket.
const BETWEEN: usize = 1 << 20;

/// One Redis and all connections to it.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    world: World,
    state: Mutex<State>,
    /// All connections break.
    broken: Notify,
}

#[derive(Default)]
struct State {
    redis: Redis,
    away: bool,
    short_of_memory: bool,
    connections: u64,
    blocked: BTreeMap<u64, oneshot::Sender<Reply>>,
    /// Which writers ever said that they have just this entry in work, and whether that could not be stored then.
    in_work: BTreeMap<String, BTreeMap<String, bool>>,
}

/// A connection, as the server knows it. It is forgotten when it is dropped.
struct Connection {
    network: Network,
    client: u64,
    io: DuplexStream,
    received: BytesMut,
    /// Nobody holds the other end.
    closed: bool,
}

/// Why a connection is not served any more.
struct Gone;

impl Network {
    /// A Redis that has nothing.
    pub fn new(world: &World) -> Network {
        let (world, state) = (world.clone(), Mutex::default());
        Network(Arc::new(Shared { world, state, broken: Notify::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can leave it half changed.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server, for the real code.
    #[allow(clippy::expect_used, reason = "the address is one, and nobody connects to it")]
    pub fn server(&self) -> RedisServer {
        let network = self.clone();
        let sockets = SocketFactory::new(move || {
            let network = network.clone();
            Box::pin(async move { network.connect().await })
        });
        let client = ::redis::Client::open("redis://modelled/").expect("an address");
        RedisServer::from(client).with_sockets(sockets)
    }

    /// Looks at the server, or changes it, as if by somebody beside all others.
    pub fn redis<T>(&self, look: impl FnOnce(&mut Redis) -> T) -> T {
        let mut state = self.state();
        let told = look(&mut state.redis);
        tell(&mut state);
        told
    }

    /// Runs a command of somebody beside all others.
    pub fn run(&self, command: Command) -> Option<Reply> {
        let now = self.0.world.clock();
        self.redis(|redis| {
            redis.is_full(false);
            redis.run(0, now, command)
        })
    }

    /// Which writers ever said that they have this entry of a stream in work, and no other; and whether Postgres said nothing
    /// then, so that they hung over it.
    pub fn had_in_work(&self, stream: &str, entry: Id) -> BTreeMap<String, bool> {
        self.state().in_work.get(&format!("{stream} {entry}")).cloned().unwrap_or_default()
    }

    /// All connections break; with them what was sent and not received.
    pub fn breaks(&self) {
        self.state().blocked.clear();
        self.0.broken.notify_waiters();
    }

    /// The server goes away, or comes back.
    pub fn goes_away(&self, away: bool) {
        self.state().away = away;
        if away {
            self.breaks();
        }
    }

    /// The server has memory left at one moment and none at the next, or enough again.
    pub fn is_short_of_memory(&self, short: bool) {
        self.state().short_of_memory = short;
    }

    /// A server with an older state takes its place.
    pub fn falls_back(&self, kept: PersistedState) {
        self.redis(|redis| redis.replace(kept));
        self.breaks();
    }

    async fn connect(&self) -> Result<Box<dyn Socket>, StreamError> {
        let world = &self.0.world;
        world.moment().await;
        world.is_heard(Server::Redis).await;
        if self.state().away || world.fails() {
            return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        }
        let client = {
            let mut state = self.state();
            state.connections += 1;
            state.connections
        };
        let (near, io) = duplex(BETWEEN);
        let (network, received) = (self.clone(), BytesMut::new());
        let mut connection = Connection { network, client, io, received, closed: false };
        let shared = self.0.clone();
        tokio::spawn(async move {
            let mut broken = std::pin::pin!(shared.broken.notified());
            broken.as_mut().enable();
            tokio::select! {
                biased;
                () = broken => {}
                Err(Gone) = connection.serve() => {}
            }
        });
        world.moment().await;
        Ok(Box::new(near))
    }
}

/// Whoever waited and was answered is told.
fn tell(state: &mut State) {
    for (client, reply) in state.redis.answers() {
        if let Some(waiting) = state.blocked.remove(&client) {
            // The connection may be gone.
            let _ = waiting.send(reply);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.network.state();
        state.blocked.remove(&self.client);
        state.redis.disconnect(self.client);
    }
}

impl Connection {
    /// Serves until it breaks or is closed and all that was sent is done. Replies go out when nothing more has come.
    async fn serve(&mut self) -> Result<std::convert::Infallible, Gone> {
        let world = self.network.0.world.clone();
        loop {
            let mut replies = Vec::new();
            while let Some(command) = next_command(&mut self.received) {
                world.moment().await;
                if world.chance(500) {
                    world.is_heard(Server::Redis).await;
                }
                if world.fails() {
                    return Err(Gone);
                }
                self.answer(command).await?.write(&mut replies);
            }
            if !replies.is_empty() {
                world.moment().await;
                world.is_heard(Server::Redis).await;
                if world.fails() {
                    // Some of it arrives, or all of it, or nothing.
                    replies.truncate(world.below(replies.len() as u64 + 1) as usize);
                    let _ = self.io.write_all(&replies).await;
                    return Err(Gone);
                }
                // What is behind a closed end is done nevertheless.
                let _ = self.io.write_all(&replies).await;
                continue;
            }
            if self.closed {
                return Err(Gone);
            }
            self.receive().await;
        }
    }

    /// Waits for more.
    async fn receive(&mut self) {
        self.closed = matches!(self.io.read_buf(&mut self.received).await, Ok(0) | Err(_));
    }

    async fn answer(&mut self, command: Command) -> Result<Reply, Gone> {
        let world = self.network.0.world.clone();
        let (client, block) = (self.client, block_of(&command));
        world.note(format_args!("{client}: {}", Shown(&command)));
        let mut answer = {
            let mut state = self.network.state();
            if state.away {
                return Err(Gone);
            }
            if let [verb, key, writer, entry] = &command[..]
                && (verb.as_slice(), key.as_slice()) == (b"HSET", keys::suspects(P).as_bytes())
            {
                let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
                let hangs = world.is_silent(Server::Postgres) || world.is_silent(Server::PostgresToAppends);
                *state.in_work.entry(text(entry)).or_default().entry(text(writer)).or_default() |= hangs;
            }
            let full = state.short_of_memory && world.chance(500);
            state.redis.is_full(full);
            let reply = state.redis.run(client, world.clock(), command);
            tell(&mut state);
            if let Some(reply) = reply {
                return Ok(reply);
            }
            let (answer, waiting) = oneshot::channel();
            state.blocked.insert(client, answer);
            waiting
        };
        let mut ends = std::pin::pin!(sleep(Duration::from_millis(block.unwrap_or_default())));
        loop {
            tokio::select! {
                biased;
                reply = &mut answer => return reply.map_err(|_| Gone),
                () = &mut ends => {
                    let waited = self.network.state().redis.waited(client);
                    return match waited {
                        Some(reply) => Ok(reply),
                        None => answer.await.map_err(|_| Gone),
                    };
                }
                () = self.receive(), if !self.closed => {
                    if self.closed {
                        // The server does not notice at once, and the read goes on: it may be handed entries.
                        let lives_on = if world.chance(100) { world.below(20_000) } else { world.below(300) };
                        let ends_at = tokio::time::Instant::now() + Duration::from_millis(lives_on);
                        let at = ends.deadline().min(ends_at);
                        ends.as_mut().reset(at);
                    }
                }
            }
        }
    }
}

/// A command in short. Names of consumers differ from one process to the next, and are left out.
struct Shown<'a>(&'a Command);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = self.0.iter().take(9).filter(|word| word.len() < 60);
        let words = words
            .filter(|word| word.first() != Some(&b'-') && word.iter().filter(|b| **b == b'-').count() < 2);
        let words: Vec<_> = words.map(|word| String::from_utf8_lossy(word)).collect();
        f.write_str(&words.join(" "))
    }
}
