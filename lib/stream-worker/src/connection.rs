//! Connections of one owner each: for blocking reads, which would hold up everybody behind them, and for
//! `WATCH`, which belongs to its connection.
//!
//! Commands are those of the `redis` crate, the socket is read here: a batch of entries is decoded where it lies,
//! instead of as a tree with a `Vec` for each of its texts, and whoever sends also receives, instead of being woken
//! by another task.

use crate::StreamError;
use crate::frame::FrameProgress;
use bytes::{Bytes, BytesMut};
use redis::{Client, ConnectionAddr, Pipeline, Value, parse_redis_value, pipe};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// At least so much room for what comes next.
const ROOM: usize = 16 * 1024;

/// What a connection runs over.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Socket for S {}

/// A Redis to connect to: a real one, or one that is only modelled.
pub trait Connect: Sync {
    /// Opens a socket to it.
    fn connect(&self) -> impl Future<Output = Result<Box<dyn Socket>, StreamError>> + Send;

    /// What must be said first on a new connection.
    fn greeting(&self) -> Pipeline;
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
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "only plain TCP and Unix sockets").into()),
        }
    }

    fn greeting(&self) -> Pipeline {
        let settings = self.get_connection_info().redis_settings();
        let mut greeting = pipe();
        if let Some(password) = settings.password() {
            greeting.cmd("AUTH").arg(settings.username()).arg(password);
        }
        if settings.db() != 0 {
            greeting.cmd("SELECT").arg(settings.db());
        }
        greeting
    }
}

/// A connection that nobody else uses. It is not reopened: after an error it is dropped, since an answer
/// may have been lost on it.
pub struct DedicatedConnection {
    socket: Box<dyn Socket>,
    received: BytesMut,
    deadline: Duration,
    /// Something was sent and its answer not awaited: what comes next would be taken for another one's.
    astray: bool,
}

impl DedicatedConnection {
    /// Connects. An answer that takes longer than `deadline` is an error; for a blocking read it must be
    /// longer than its `BLOCK`.
    pub async fn open(server: &impl Connect, deadline: Duration) -> Result<DedicatedConnection, StreamError> {
        let socket = timeout(CONNECT, server.connect()).await.unwrap_or_else(|_| Err(too_late()))?;
        let received = BytesMut::with_capacity(ROOM);
        let mut connection = DedicatedConnection { socket, received, deadline, astray: false };
        for reply in connection.send(&server.greeting()).await? {
            reply.extract_error()?;
        }
        Ok(connection)
    }

    /// Sends all commands in one round trip and returns their raw replies in order; an error of a single
    /// command is among them as [`Value::ServerError`].
    pub async fn send(&mut self, commands: &Pipeline) -> Result<Vec<Value>, StreamError> {
        self.send_for_frames(commands).await?.iter().map(|frame| Ok(parse_redis_value(frame)?)).collect()
    }

    /// Sends one command; its error is an error.
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
        if self.astray {
            return Err(io::Error::other("an answer was not awaited on this connection").into());
        }
        if replies == 0 {
            return Ok(Vec::new());
        }
        self.astray = true;
        let (deadline, socket, received) = (self.deadline, &mut self.socket, &mut self.received);
        let exchanged = async {
            socket.write_all(packed).await?;
            receive(socket, received, replies).await
        };
        let frames = timeout(deadline, exchanged).await.unwrap_or_else(|_| Err(too_late()))?;
        self.astray = false;
        Ok(frames)
    }
}

fn too_late() -> StreamError {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time").into()
}

/// Receives so many replies, and cuts them apart.
async fn receive(
    socket: &mut Box<dyn Socket>,
    received: &mut BytesMut,
    replies: usize,
) -> Result<Vec<Bytes>, StreamError> {
    let (mut frames, mut extent) = (Vec::with_capacity(replies), FrameProgress::default());
    loop {
        while extent.reaches_end(received)? {
            frames.push(received.split_to(extent.length()).freeze());
            extent = FrameProgress::default();
            if frames.len() == replies {
                return Ok(frames);
            }
        }
        received.reserve(ROOM);
        if socket.read_buf(received).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed").into());
        }
    }
}
