//! A TCP address that leads to one server after another, as a virtual IP address or a DNS name does: new
//! connections lead to the current server, and those that are open stay where they are.

use auction_local_servers::LocalServers;
use redis::{Client, ConnectionAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;

/// Address of a Redis or Postgres. It leads nowhere after it is dropped.
pub struct MovingAddress {
    address: String,
    /// Socket of the current server.
    target: Arc<Mutex<PathBuf>>,
    forwarding: JoinHandle<()>,
}

impl MovingAddress {
    async fn new(target: PathBuf) -> MovingAddress {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let target = Arc::new(Mutex::new(target));
        let current = Arc::clone(&target);
        let forwarding = tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let target = current.lock().unwrap().clone();
                tokio::spawn(async move {
                    // Without a server, the connection is closed, as one that is refused.
                    if let Ok(mut server) = UnixStream::connect(target).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        MovingAddress { address, target, forwarding }
    }

    fn move_to(&self, target: PathBuf) {
        *self.target.lock().unwrap() = target;
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

    pub fn move_redis_to(&self, servers: &LocalServers) {
        self.redis.move_to(redis_socket(servers));
    }

    pub fn move_postgres_to(&self, servers: &LocalServers) {
        self.postgres.move_to(postgres_socket(servers));
    }
}
