//! Network between one process and one server. It can be slow, stall, or break in the middle of a reply.

use crate::Failure;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// Maximum number of bytes forwarded at a time.
const CHUNK: usize = 64 << 10;

/// State of the network link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Clear,
    /// All data is delayed by this time, in both directions.
    Slow(Duration),
    /// No data is forwarded; it arrives when the link is clear again.
    Held,
    /// Half of the next reply is forwarded; then the connection is closed.
    Cuts,
}

/// A TCP port that forwards to the Unix socket of a server.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    link_state: watch::Sender<LinkState>,
    /// Socket for new connections.
    socket: Arc<Mutex<PathBuf>>,
}

impl Proxy {
    /// Starts a proxy that listens until it is dropped.
    pub(crate) async fn to(socket: &Path) -> Result<Proxy, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (link_state, state_receiver) = watch::channel(LinkState::Clear);
        let socket = Arc::new(Mutex::new(socket.to_owned()));
        tokio::spawn(serve(listener, Arc::clone(&socket), state_receiver));
        Ok(Proxy { address, link_state, socket })
    }

    /// Sets the state for all connections.
    pub(crate) fn set(&self, link_state: LinkState) {
        self.link_state.send_replace(link_state);
    }

    /// Leads new connections to another server, as a virtual IP address does. Open ones stay where they are.
    pub(crate) fn move_to(&self, socket: PathBuf) {
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = socket;
    }
}

async fn serve(listener: TcpListener, socket: Arc<Mutex<PathBuf>>, link_state: watch::Receiver<LinkState>) {
    let mut closed = link_state.clone();
    loop {
        tokio::select! {
            gone = closed.wait_for(|_| false) => if gone.is_err() { return },
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let socket = socket.lock().unwrap_or_else(PoisonError::into_inner).clone();
                tokio::spawn(forward(client, socket, link_state.clone()));
            }
        }
    }
}

async fn forward(client: TcpStream, socket: PathBuf, link_state: watch::Receiver<LinkState>) {
    // If the server is down, the client connection is closed, as without a proxy.
    let Ok(server) = UnixStream::connect(socket).await else { return };
    // Without this option the connection is slower, but works.
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, link_state.clone(), false) => {}
        () = pump(from_server, to_client, link_state, true) => {}
    }
}

/// Forwards bytes in one direction until an end is closed or the link breaks.
async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut link_state: watch::Receiver<LinkState>,
    replies: bool,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match from.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        if link_state.wait_for(|link_state| *link_state != LinkState::Held).await.is_err() {
            return;
        }
        let now = *link_state.borrow();
        match now {
            LinkState::Cuts if replies => {
                // The connection is closed whether or not this succeeds.
                let _ = to.write_all(&chunk[..read / 2]).await;
                return;
            }
            LinkState::Slow(delay) => tokio::time::sleep(delay).await,
            _ => {}
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    /// Starts a server that echoes its input.
    async fn echo(directory: &Path) -> PathBuf {
        let socket = directory.join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        socket
    }

    #[tokio::test]
    async fn proxy_delivers_held_data_later_and_cuts_replies_in_half() {
        let directory = tempfile::tempdir().unwrap();
        let proxy = Proxy::to(&echo(directory.path()).await).await.unwrap();
        let mut client = TcpStream::connect(proxy.address).await.unwrap();
        let mut reply = [0; 4];
        client.write_all(b"ping").await.unwrap();
        client.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"ping");

        proxy.set(LinkState::Held);
        client.write_all(b"held").await.unwrap();
        let read = tokio::time::timeout(Duration::from_millis(50), client.read_exact(&mut reply)).await;
        assert!(read.is_err(), "no data is forwarded");
        proxy.set(LinkState::Clear);
        client.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"held");

        proxy.set(LinkState::Cuts);
        client.write_all(b"half").await.unwrap();
        let mut received = Vec::new();
        // A close and a reset are both the end of the connection.
        let _ = client.read_to_end(&mut received).await;
        assert_eq!(received, b"ha");
    }

    #[tokio::test]
    async fn moved_proxy_leads_new_connections_to_the_other_server() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (answers, silent) = (echo(old.path()).await, new.path().join("silent"));
        let listener = UnixListener::bind(&silent).unwrap();
        let proxy = Proxy::to(&answers).await.unwrap();
        let (mut open, mut reply) = (TcpStream::connect(proxy.address).await.unwrap(), [0; 4]);
        open.write_all(b"ping").await.unwrap();
        open.read_exact(&mut reply).await.unwrap();
        proxy.move_to(silent);
        let _moved = TcpStream::connect(proxy.address).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), listener.accept()).await.unwrap().unwrap();
        open.write_all(b"stay").await.unwrap();
        open.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"stay");
    }
}
