//! The network between one process and one server: a way that can be slow, can be held up, and can break in the middle
//! of a reply.

use crate::Failure;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// At most so much at a time.
const CHUNK: usize = 64 << 10;

/// How the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Clear,
    /// Everything takes so much longer, in both directions.
    Slow(Duration),
    /// Nothing gets through; what was sent gets there when the weather is clear again.
    Held,
    /// Of the next reply half gets through; then the connection is closed.
    Cuts,
}

/// A port that leads to a server's socket.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    weather: watch::Sender<LinkState>,
}

impl Proxy {
    /// Listens until it is dropped.
    pub(crate) async fn to(socket: &Path) -> Result<Proxy, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (weather, forecast) = watch::channel(LinkState::Clear);
        tokio::spawn(serve(listener, socket.to_owned(), forecast));
        Ok(Proxy { address, weather })
    }

    /// Changes the weather for all connections.
    pub(crate) fn set(&self, weather: LinkState) {
        self.weather.send_replace(weather);
    }
}

async fn serve(listener: TcpListener, socket: PathBuf, weather: watch::Receiver<LinkState>) {
    let (socket, mut forecasts) = (Arc::new(socket), weather.clone());
    loop {
        tokio::select! {
            // The proxy was dropped.
            gone = forecasts.wait_for(|_| false) => if gone.is_err() { return },
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                tokio::spawn(carry(client, Arc::clone(&socket), weather.clone()));
            }
        }
    }
}

async fn carry(client: TcpStream, socket: Arc<PathBuf>, weather: watch::Receiver<LinkState>) {
    // A server that is away closes the connection, as it does without a proxy.
    let Ok(server) = UnixStream::connect(socket.as_path()).await else { return };
    // Without it everything is slower; nothing is wrong.
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, weather.clone(), false) => {}
        () = pump(from_server, to_client, weather, true) => {}
    }
}

/// Carries bytes in one direction until one of the ends is closed or the way breaks.
async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut weather: watch::Receiver<LinkState>,
    replies: bool,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match from.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        if weather.wait_for(|weather| *weather != LinkState::Held).await.is_err() {
            return;
        }
        let now = *weather.borrow();
        match now {
            LinkState::Cuts if replies => {
                // Whether half a reply got there is not looked at.
                let _ = to.write_all(&chunk[..read / 2]).await;
                return;
            }
            LinkState::Slow(longer) => tokio::time::sleep(longer).await,
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

    /// A server that answers everything with the same.
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
    async fn what_is_held_back_gets_there_later_and_a_reply_that_is_cut_is_half() {
        let directory = tempfile::tempdir().unwrap();
        let proxy = Proxy::to(&echo(directory.path()).await).await.unwrap();
        let mut client = TcpStream::connect(proxy.address).await.unwrap();
        let mut answer = [0; 4];
        client.write_all(b"ping").await.unwrap();
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");

        proxy.set(LinkState::Held);
        client.write_all(b"held").await.unwrap();
        let nothing = tokio::time::timeout(Duration::from_millis(50), client.read_exact(&mut answer)).await;
        assert!(nothing.is_err(), "nothing gets through");
        proxy.set(LinkState::Clear);
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"held");

        proxy.set(LinkState::Cuts);
        client.write_all(b"half").await.unwrap();
        let mut half = Vec::new();
        // Closed, or reset: either way it is the end.
        let _ = client.read_to_end(&mut half).await;
        assert_eq!(half, b"ha");
    }
}
