//! Sockets to the modelled Redis. They are slow, break at any point, and stay open for a while on the server
//! after the client dropped its end.

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

/// Buffer size between the ends of a socket, in bytes.
const SOCKET_BUFFER: usize = 1 << 20;

/// Modelled Redis and all connections to it. Clones share them.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    world: World,
    state: Mutex<State>,
    /// Signal that breaks all connections.
    broken: Notify,
}

#[derive(Default)]
struct State {
    redis: Redis,
    unavailable: bool,
    short_of_memory: bool,
    connections: u64,
    blocked: BTreeMap<u64, oneshot::Sender<Reply>>,
    /// Writers that ever recorded an entry as the only one in work, by entry, and whether Postgres was silent
    /// then.
    crash_marks: BTreeMap<String, BTreeMap<String, bool>>,
}

/// Server side of a connection. Dropping it disconnects the client.
struct Connection {
    network: Network,
    client: u64,
    io: DuplexStream,
    received: BytesMut,
    /// Whether the client dropped its end.
    closed: bool,
}

/// Error that ends the service of a connection.
struct Disconnected;

impl Network {
    /// Creates a network with an empty Redis.
    pub fn new(world: &World) -> Network {
        let (world, state) = (world.clone(), Mutex::default());
        Network(Arc::new(Shared { world, state, broken: Notify::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the state half changed.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the server for the real code.
    #[allow(clippy::expect_used, reason = "the address is valid and never used")]
    pub fn server(&self) -> RedisServer {
        let network = self.clone();
        let sockets = SocketFactory::new(move || {
            let network = network.clone();
            Box::pin(async move { network.connect().await })
        });
        let client = ::redis::Client::open("redis://modelled/").expect("a valid address");
        RedisServer::from(client).with_sockets(sockets)
    }

    /// Reads or changes the server directly, without a connection.
    pub fn redis<T>(&self, access: impl FnOnce(&mut Redis) -> T) -> T {
        let mut state = self.state();
        let result = access(&mut state.redis);
        send_answers(&mut state);
        result
    }

    /// Runs a command without a connection, delay or failure.
    pub fn run(&self, command: Command) -> Option<Reply> {
        let now = self.0.world.clock();
        self.redis(|redis| {
            redis.set_full(false);
            redis.run(0, now, command)
        })
    }

    /// Adds an entry to a stream, without a connection, delay or failure.
    pub fn add(&self, key: &str, id: &str, fields: Vec<(Vec<u8>, Vec<u8>)>) {
        let mut command = ["XADD", key, id].map(|word| word.as_bytes().to_vec()).to_vec();
        command.extend(fields.into_iter().flat_map(|(name, value)| [name, value]));
        self.run(command);
    }

    /// Returns the writers that ever recorded this entry as the only one in work, and whether Postgres was
    /// silent then, so that they hung on it.
    pub fn writers_that_marked(&self, stream: &str, entry: Id) -> BTreeMap<String, bool> {
        self.state().crash_marks.get(&format!("{stream} {entry}")).cloned().unwrap_or_default()
    }

    /// Breaks all connections. Data in transit is lost.
    pub fn break_connections(&self) {
        self.state().blocked.clear();
        self.0.broken.notify_waiters();
    }

    /// Makes the server unavailable or available.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.state().unavailable = unavailable;
        if unavailable {
            self.break_connections();
        }
    }

    /// While `short`, the server has no memory left for half of the commands.
    pub fn set_short_of_memory(&self, short: bool) {
        self.state().short_of_memory = short;
    }

    /// Replaces the server by one with an older state.
    pub fn restore(&self, persisted: PersistedState) {
        self.redis(|redis| redis.restore(persisted));
        self.break_connections();
    }

    async fn connect(&self) -> Result<Box<dyn Socket>, StreamError> {
        let world = &self.0.world;
        world.pause().await;
        world.wait_until_responsive(Server::Redis).await;
        if self.state().unavailable || world.fails() {
            return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        }
        let client = {
            let mut state = self.state();
            state.connections += 1;
            state.connections
        };
        let (near, io) = duplex(SOCKET_BUFFER);
        let (network, received) = (self.clone(), BytesMut::new());
        let mut connection = Connection { network, client, io, received, closed: false };
        let shared = self.0.clone();
        tokio::spawn(async move {
            let mut broken = std::pin::pin!(shared.broken.notified());
            broken.as_mut().enable();
            tokio::select! {
                biased;
                () = broken => {}
                Err(Disconnected) = connection.serve() => {}
            }
        });
        world.pause().await;
        Ok(Box::new(near))
    }
}

/// Sends the answers of blocked commands to their connections.
fn send_answers(state: &mut State) {
    for (client, reply) in state.redis.answers() {
        if let Some(waiting) = state.blocked.remove(&client) {
            // The connection may be closed.
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
    /// Serves commands until the connection breaks, or until it is closed and all received commands are done.
    /// Replies are sent when all received commands are done.
    async fn serve(&mut self) -> Result<std::convert::Infallible, Disconnected> {
        let world = self.network.0.world.clone();
        loop {
            let mut replies = Vec::new();
            while let Some(command) = next_command(&mut self.received) {
                world.pause().await;
                if world.chance(500) {
                    world.wait_until_responsive(Server::Redis).await;
                }
                if world.fails() {
                    return Err(Disconnected);
                }
                self.answer(command).await?.write(&mut replies);
            }
            if !replies.is_empty() {
                world.pause().await;
                world.wait_until_responsive(Server::Redis).await;
                if world.fails() {
                    // A random part of the replies arrives.
                    replies.truncate(world.below(replies.len() as u64 + 1) as usize);
                    let _ = self.io.write_all(&replies).await;
                    return Err(Disconnected);
                }
                // The client may have closed its end. Its commands still take effect.
                let _ = self.io.write_all(&replies).await;
                continue;
            }
            if self.closed {
                return Err(Disconnected);
            }
            self.receive().await;
        }
    }

    async fn receive(&mut self) {
        self.closed = matches!(self.io.read_buf(&mut self.received).await, Ok(0) | Err(_));
    }

    async fn answer(&mut self, command: Command) -> Result<Reply, Disconnected> {
        let world = self.network.0.world.clone();
        let (client, block) = (self.client, block_of(&command));
        world.trace(format_args!("{client}: {}", CommandSummary(&command)));
        let mut answer = {
            let mut state = self.network.state();
            if state.unavailable {
                return Err(Disconnected);
            }
            if let [verb, key, writer, entry] = &command[..]
                && (verb.as_slice(), key.as_slice()) == (b"HSET", keys::crash_marks(P).as_bytes())
            {
                let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
                let hangs = world.is_silent(Server::Postgres) || world.is_silent(Server::PostgresToAppends);
                *state.crash_marks.entry(text(entry)).or_default().entry(text(writer)).or_default() |= hangs;
            }
            let full = state.short_of_memory && world.chance(500);
            state.redis.set_full(full);
            let reply = state.redis.run(client, world.clock(), command);
            send_answers(&mut state);
            if let Some(reply) = reply {
                return Ok(reply);
            }
            let (answer, waiting) = oneshot::channel();
            state.blocked.insert(client, answer);
            waiting
        };
        let mut timeout = std::pin::pin!(sleep(Duration::from_millis(block.unwrap_or_default())));
        loop {
            tokio::select! {
                biased;
                reply = &mut answer => return reply.map_err(|_| Disconnected),
                () = &mut timeout => {
                    let reply = self.network.state().redis.stop_waiting(client);
                    return match reply {
                        Some(reply) => Ok(reply),
                        None => answer.await.map_err(|_| Disconnected),
                    };
                }
                () = self.receive(), if !self.closed => {
                    if self.closed {
                        // The server does not notice at once. Until then the blocked read may receive
                        // entries.
                        let delay = if world.chance(100) { world.below(20_000) } else { world.below(300) };
                        let noticed_at = tokio::time::Instant::now() + Duration::from_millis(delay);
                        let at = timeout.deadline().min(noticed_at);
                        timeout.as_mut().reset(at);
                    }
                }
            }
        }
    }
}

/// Short form of a command for the trace. Names of consumers differ between runs and are left out.
struct CommandSummary<'a>(&'a Command);

impl std::fmt::Display for CommandSummary<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = self.0.iter().take(9).filter(|word| word.len() < 60);
        let words = words
            .filter(|word| word.first() != Some(&b'-') && word.iter().filter(|b| **b == b'-').count() < 2);
        let words: Vec<_> = words.map(|word| String::from_utf8_lossy(word)).collect();
        f.write_str(&words.join(" "))
    }
}
