//! Addresses for processes that tests and load tests start and restart.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpSocket;

/// Sockets that reserve the addresses returned so far.
static RESERVED: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());

/// Returns a local address that stays reserved until the calling process ends.
///
/// A free port without a listener is not safe: while a process restarts, the kernel may assign its port to an
/// outgoing connection. The port is therefore held by a socket that does not listen. On Linux only sockets
/// with `SO_REUSEADDR` can bind to it, as servers do when they listen.
pub fn own_address() -> std::io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = socket.local_addr()?;
    RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::TcpStream;

    #[tokio::test]
    async fn own_address_stays_reserved_between_listeners() {
        let address = own_address().unwrap();
        for _ in 0..3 {
            let other = TcpSocket::new_v4().unwrap();
            let taken = other.bind(address).map_err(|error| error.kind());
            assert_eq!(
                taken,
                Err(ErrorKind::AddrInUse),
                "a socket without SO_REUSEADDR must not get the port"
            );
            let refused = TcpStream::connect(address).map_err(|error| error.kind());
            assert_eq!(refused.err(), Some(ErrorKind::ConnectionRefused), "nothing listens");
            let server = tokio::net::TcpListener::bind(address).await.unwrap();
            TcpStream::connect(address).unwrap();
            drop(server);
        }
    }
}
