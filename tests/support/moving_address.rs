//! A TCP address that leads to one server after another, as a virtual IP address or a DNS name does: new
//! connections lead to the current server, and those that are open stay where they are. It can also be silent, as
//! behind a network that drops every packet.

use auction_local_servers::LocalServers;
use redis::{Client, ConnectionAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;

/// Address of a Redis or Postgres. It leads nowhere after it is dropped.
pub struct MovingAddress {
    address: String,
    /// Socket of the current server.
    target: Arc<Mutex<PathBuf>>,
    silent: watch::Sender<bool>,
    forwarding: JoinHandle<()>,
}

impl MovingAddress {
    async fn new(target: PathBuf) -> MovingAddress {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let target = Arc::new(Mutex::new(target));
        let (current, silent) = (Arc::clone(&target), watch::Sender::new(false));
        let changes = silent.subscribe();
        let forwarding = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let target = current.lock().unwrap().clone();
                let (requests, replies) = (changes.clone(), changes.clone());
                tokio::spawn(async move {
                    // Without a server, the connection is closed, as one that is refused.
                    let Ok(mut server) = UnixStream::connect(target).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.split(), server.split());
                    tokio::select! {
                        () = forward(from_client, to_server, requests) => {}
                        () = forward(from_server, to_client, replies) => {}
                    }
                });
            }
        });
        MovingAddress { address, target, silent, forwarding }
    }

    fn move_to(&self, target: PathBuf) {
        *self.target.lock().unwrap() = target;
    }
}

/// Copies bytes until an end closes the connection. While the address is silent, they wait.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut silent: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if silent.wait_for(|silent| !silent).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

impl Drop for MovingAddress {
    fn drop(&mut self) {
        self.forwarding.abort();
    }
}

fn redis_socket(servers: &LocalServers) -> PathBuf {
    match Client::open(servers.redis_url()).unwrap().get_connection_info().addr() {
        ConnectionAddr::Unix(path) => path.clone(),
        other => panic!("not a socket: {other}"),
    }
}

fn postgres_socket(servers: &LocalServers) -> PathBuf {
    let config: tokio_postgres::Config = servers.database_url().parse().unwrap();
    match config.get_hosts() {
        [Host::Unix(directory)] => directory.join(".s.PGSQL.5432"),
        other => panic!("not a socket: {other:?}"),
    }
}

/// Addresses of a Redis and a Postgres that can both move to other servers.
pub struct MovingAddresses {
    redis: MovingAddress,
    postgres: MovingAddress,
}

impl MovingAddresses {
    pub async fn of(servers: &LocalServers) -> MovingAddresses {
        MovingAddresses {
            redis: MovingAddress::new(redis_socket(servers)).await,
            postgres: MovingAddress::new(postgres_socket(servers)).await,
        }
    }

    pub fn redis_url(&self) -> String {
        format!("redis://{}", self.redis.address)
    }

    pub fn database_url(&self) -> String {
        format!("postgresql://auction@{}/auction", self.postgres.address)
    }

    /// Makes Redis silent, or lets it answer again.
    pub fn silence_redis(&self, silent: bool) {
        self.redis.silent.send_replace(silent);
    }

    /// Makes Postgres silent, or lets it answer again.
    pub fn silence_postgres(&self, silent: bool) {
        self.postgres.silent.send_replace(silent);
    }

    pub fn move_redis_to(&self, servers: &LocalServers) {
        self.redis.move_to(redis_socket(servers));
    }

    pub fn move_postgres_to(&self, servers: &LocalServers) {
        self.postgres.move_to(postgres_socket(servers));
    }
}
