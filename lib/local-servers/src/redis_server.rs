//! The Redis server: durable at every write, on a Unix socket only.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::address::{shell_quoted, url_escaped};
use crate::process::ServerProcess;
use crate::run_as::RunAs;
use crate::server_dir::{SERVER_DIR, ServerDir, ServerKind};
use crate::{AppendFsync, LocalServerOptions, ServersError, find, stale_processes};

const KIND: ServerKind = ServerKind {
    name: "Redis",
    drain: Signal::TERM,
    drain_name: "TERM",
    pid_file: "redis.pid",
    crash: Signal::KILL,
};

/// Redis server of a data directory, running or not.
#[derive(Debug)]
pub(crate) struct RedisServer {
    server_dir: ServerDir,
    program: PathBuf,
    appendfsync: AppendFsync,
    environment: Vec<(String, String)>,
    socket: PathBuf,
    url: String,
}

impl RedisServer {
    /// Creates the directories and finds the program.
    pub(crate) fn prepare(
        data_dir: &Path,
        sockets: &Path,
        options: &LocalServerOptions,
    ) -> Result<RedisServer, ServersError> {
        let program = find::redis_server()?;
        let run_as = RunAs::first_of(&["redis", "valkey", "nobody"])?;
        let server_dir = ServerDir::create(data_dir, "redis", KIND, run_as, options)?;
        server_dir.create_dir(&server_dir.path.join("data"))?;
        let socket = sockets.join("redis/redis.sock");
        let url = format!("redis+unix://{}", url_escaped(&socket.to_string_lossy()));
        let (appendfsync, environment) = (options.redis_appendfsync, options.redis_environment.clone());
        Ok(RedisServer { server_dir, program, appendfsync, environment, socket, url })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn cli(&self) -> String {
        let beside = self.program.parent().unwrap_or(Path::new("/usr/bin"));
        let client = find::client(&["redis-cli", "valkey-cli"], beside);
        format!("{} -s {}", shell_quoted(&client), shell_quoted(&self.socket.to_string_lossy()))
    }

    /// Starts the server and waits until it answers, which is after it has loaded its data.
    pub(crate) async fn start(&self) -> Result<ServerProcess, ServersError> {
        let claim = stale_processes::stop_stale(&self.server_dir).await?;
        self.server_dir.write_file("redis.conf", &config(self.appendfsync))?;
        let mut command =
            self.server_dir.command(claim, &self.program, &[format!("{SERVER_DIR}/redis.conf")])?;
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let process = ServerProcess::spawn(&self.server_dir, command).await?;
        process.ready(async || ping(&self.socket).await).await?;
        Ok(process)
    }
}

/// Returns the configuration file.
///
/// Redis rewrites the append-only file when its size has doubled and is at least 1 GB, which a start reads in
/// some seconds. With the default minimum of 64 MB, Redis under load would rewrite the file all the time. It
/// is not compressed, to keep a rewrite cheap.
fn config(appendfsync: AppendFsync) -> String {
    let appendfsync = match appendfsync {
        AppendFsync::Always => "always",
        AppendFsync::Everysec => "everysec",
    };
    format!(
        "# Written at every start; changes here are lost.\n\
         port 0\n\
         unixsocket {SERVER_DIR}/redis.sock\n\
         unixsocketperm 700\n\
         dir {SERVER_DIR}/data\n\
         pidfile {SERVER_DIR}/redis.pid\n\
         logfile \"\"\n\
         daemonize no\n\
         appendonly yes\n\
         appendfsync {appendfsync}\n\
         no-appendfsync-on-rewrite no\n\
         auto-aof-rewrite-min-size 1gb\n\
         rdbcompression no\n\
         aof-load-truncated yes\n\
         save \"\"\n\
         maxmemory-policy noeviction\n"
    )
}

async fn ping(socket: &Path) -> Result<(), String> {
    let answer = async {
        let mut stream = BufReader::new(UnixStream::connect(socket).await?);
        stream.write_all(b"PING\r\n").await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        Ok::<_, std::io::Error>(line)
    };
    match answer.await {
        Ok(line) if line.trim_end() == "+PONG" => Ok(()),
        Ok(line) => Err(line.trim_end().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
