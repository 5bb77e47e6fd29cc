//! Addresses for processes that tests and load tests start, and start again.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpSocket;

/// Those handed out.
static HELD: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());

/// A local address that only a process told of it gets, until the process that asks for it here ends.
///
/// A port that was free a moment ago is anybody's: whenever nobody listens there, such as while a process is started
/// again, the kernel may give it to a connection that goes out, and there are thousands of these. So the port is held by
/// a socket that does not listen, which on Linux keeps all away but those who ask to use an address again
/// (`SO_REUSEADDR`), as servers do when they listen.
pub fn own_address() -> std::io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = socket.local_addr()?;
    HELD.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::TcpStream;

    #[tokio::test]
    async fn an_address_is_kept_for_who_listens_there_before_and_between_and_after() {
        let address = own_address().unwrap();
        for _ in 0..3 {
            let other = TcpSocket::new_v4().unwrap();
            let taken = other.bind(address).map_err(|error| error.kind());
            assert_eq!(taken, Err(ErrorKind::AddrInUse), "somebody else gets it");
            let nobody = TcpStream::connect(address).map_err(|error| error.kind());
            assert_eq!(nobody.err(), Some(ErrorKind::ConnectionRefused), "nobody is there");
            let server = tokio::net::TcpListener::bind(address).await.unwrap();
            TcpStream::connect(address).unwrap();
            drop(server);
        }
    }
}
