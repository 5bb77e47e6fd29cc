//! Connections with a single owner: for blocking reads, which would delay every other user of a shared
//! connection, and for `WATCH`, which belongs to one connection.
//!
//! Commands are built with the `redis` crate, but this module reads the socket itself. A batch of entries is
//! decoded in place, without a tree of `Value`s and one `Vec` per string. The task that sends also receives,
//! so no second task has to be woken.

use crate::connection_end::ending_reply;
use crate::frame::FrameProgress;
use crate::{StreamError, value};
use bytes::{Bytes, BytesMut};
use redis::{Client, ConnectionAddr, Pipeline, Value, parse_redis_value, pipe};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Free space in the receive buffer before each read, in bytes.
const READ_BUFFER: usize = 16 * 1024;

/// Byte stream that a connection runs over.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Socket for S {}

/// Redis server that connections can be opened to: a real one ([`redis::Client`]), or a model in tests.
pub trait Connect: Sync {
    /// Opens a socket to the server.
    ///
    /// # Errors
    ///
    /// Returns [`StreamError::Connection`] if the server cannot be reached.
    fn connect(&self) -> impl Future<Output = Result<Box<dyn Socket>, StreamError>> + Send;

    /// Returns the commands to send first on a new connection, such as `AUTH` and `SELECT`.
    fn handshake(&self) -> Pipeline;

    /// Checks the replies to the handshake. After an error, the connection is not used.
    ///
    /// # Errors
    ///
    /// Returns [`StreamError::Redis`] for the first error reply. Implementations may refuse a server for other
    /// reasons with [`StreamError::Refused`].
    fn check_handshake(&self, replies: &[Value]) -> Result<(), StreamError> {
        replies.iter().try_for_each(|reply| value::ok(reply.clone()).map(drop))
    }
}

impl Connect for Client {
    async fn connect(&self) -> Result<Box<dyn Socket>, StreamError> {
        match self.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) => {
                let socket = TcpStream::connect((host.as_str(), *port)).await?;
                socket.set_nodelay(true)?;
                Ok(Box::new(socket))
            }
            ConnectionAddr::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "unsupported Redis address: use plain TCP or a Unix socket",
            )
            .into()),
        }
    }

    fn handshake(&self) -> Pipeline {
        let settings = self.get_connection_info().redis_settings();
        let mut handshake = pipe();
        if let Some(password) = settings.password() {
            handshake.cmd("AUTH").arg(settings.username()).arg(password);
        }
        if settings.db() != 0 {
            handshake.cmd("SELECT").arg(settings.db());
        }
        handshake
    }
}

/// Redis connection with a single owner.
///
/// The connection never reopens itself. Drop it after any error of the connection, because a reply may have
/// been lost on it, or because the server is not the one to use ([`crate::connection_end`]). An error reply to
/// a single command is not such an error.
pub struct DedicatedConnection {
    socket: Box<dyn Socket>,
    received: BytesMut,
    deadline: Duration,
    /// Commands were sent and their replies were not received: the next reply would belong to the wrong
    /// command.
    out_of_sync: bool,
    /// A reply showed that the server is not the one to use.
    wrong_server: bool,
}

impl DedicatedConnection {
    /// Connects and sends the handshake. Each later exchange must complete within `deadline`; for a blocking
    /// read, choose a deadline longer than its `BLOCK`.
    ///
    /// # Errors
    ///
    /// Returns [`StreamError::Connection`] if the server cannot be reached within 5 seconds, and
    /// [`StreamError::Redis`] if it refuses the handshake, for example because of a wrong password.
    pub async fn open(server: &impl Connect, deadline: Duration) -> Result<DedicatedConnection, StreamError> {
        let socket = timeout(CONNECT_TIMEOUT, server.connect()).await.unwrap_or_else(|_| Err(timed_out()))?;
        let received = BytesMut::with_capacity(READ_BUFFER);
        let mut connection =
            DedicatedConnection { socket, received, deadline, out_of_sync: false, wrong_server: false };
        let handshake = server.handshake();
        let (packed, count) = (handshake.get_packed_pipeline(), handshake.cmd_iter().count());
        let frames = connection.receive_frames(&packed, count).await?;
        let replies: Result<Vec<Value>, _> = frames.iter().map(|frame| parse_redis_value(frame)).collect();
        server.check_handshake(&replies?)?;
        Ok(connection)
    }

    /// Sends all commands in one round trip and returns their raw replies in order. The error of a single
    /// command is a [`Value::ServerError`] among the replies; turn it into an error with
    /// [`crate::value::ok`].
    ///
    /// # Errors
    ///
    /// Returns an error if the connection is lost, a reply is not valid RESP, the replies are not complete
    /// within the deadline, or one of them shows that the server is not the one to use
    /// ([`crate::connection_end`]). The connection must then be dropped. Dropping the future before it completes has
    /// the same effect: every later call returns an error.
    pub async fn send(&mut self, commands: &Pipeline) -> Result<Vec<Value>, StreamError> {
        self.send_for_frames(commands).await?.iter().map(|frame| Ok(parse_redis_value(frame)?)).collect()
    }

    /// Sends one command and returns its reply.
    ///
    /// # Errors
    ///
    /// Returns [`StreamError::Redis`] if the server answers with an error, else the errors of
    /// [`send`](DedicatedConnection::send).
    pub async fn send_one(&mut self, command: &redis::Cmd) -> Result<Value, StreamError> {
        let frames = self.exchange(&command.get_packed_command(), 1).await?;
        let reply = frames.first().map_or(Ok(Value::Nil), |frame| parse_redis_value(frame))?;
        Ok(reply.extract_error()?)
    }

    /// Sends all commands in one round trip and returns the bytes of each reply.
    pub(crate) async fn send_for_frames(&mut self, commands: &Pipeline) -> Result<Vec<Bytes>, StreamError> {
        self.exchange(&commands.get_packed_pipeline(), commands.cmd_iter().count()).await
    }

    async fn exchange(&mut self, packed: &[u8], replies: usize) -> Result<Vec<Bytes>, StreamError> {
        let frames = self.receive_frames(packed, replies).await?;
        for frame in frames.iter().filter(|frame| frame.first() == Some(&b'-')) {
            if let Some(error) = ending_reply(&parse_redis_value(frame)?) {
                self.wrong_server = true;
                return Err(error.into());
            }
        }
        Ok(frames)
    }

    async fn receive_frames(&mut self, packed: &[u8], replies: usize) -> Result<Vec<Bytes>, StreamError> {
        if self.out_of_sync {
            return Err(io::Error::other("connection out of sync: an earlier reply was not awaited").into());
        }
        if self.wrong_server {
            return Err(
                io::Error::other("connection ended: an earlier reply came from a wrong server").into()
            );
        }
        if replies == 0 {
            return Ok(Vec::new());
        }
        self.out_of_sync = true;
        let (deadline, socket, received) = (self.deadline, &mut self.socket, &mut self.received);
        let exchange = async {
            socket.write_all(packed).await?;
            receive(socket, received, replies).await
        };
        let frames = timeout(deadline, exchange).await.unwrap_or_else(|_| Err(timed_out()))?;
        self.out_of_sync = false;
        Ok(frames)
    }
}

fn timed_out() -> StreamError {
    io::Error::new(io::ErrorKind::TimedOut, "no reply within the deadline").into()
}

/// Receives `replies` replies and splits them into one frame each.
async fn receive(
    socket: &mut Box<dyn Socket>,
    received: &mut BytesMut,
    replies: usize,
) -> Result<Vec<Bytes>, StreamError> {
    let (mut frames, mut progress) = (Vec::with_capacity(replies), FrameProgress::default());
    loop {
        while progress.is_complete(received)? {
            frames.push(received.split_to(progress.length()).freeze());
            progress = FrameProgress::default();
            if frames.len() == replies {
                return Ok(frames);
            }
        }
        received.reserve(READ_BUFFER);
        if socket.read_buf(received).await? == 0 {
            return Err(
                io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed by the server").into()
            );
        }
    }
}
