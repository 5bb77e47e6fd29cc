//! Logging never blocks or ends a process, whatever reads its standard error.

use crate::support::components::{RunningComponents, program};
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, free_address};
use std::io::{PipeReader, Write, pipe};
use std::process::{Child, Command, Stdio};

/// A writer whose standard error is a pipe.
struct PipedWriter {
    child: Child,
    admin: String,
}

impl PipedWriter {
    /// Starts a writer whose pipe is full, and returns it with the end of the pipe that nothing reads.
    fn start(servers: &TestServers) -> (PipedWriter, PipeReader) {
        let ((reader, writer), admin) = (pipe().unwrap(), free_address());
        let mut filling = writer.try_clone().unwrap();
        // Blocks until the reader is dropped: a pipe holds 64 KiB by default.
        std::thread::spawn(move || filling.write_all(&[b'.'; 4 << 20]));
        let mut command = Command::new(program("writer"));
        command.env("REDIS_URL", servers.redis_url()).env("DATABASE_URL", servers.database_url());
        command.env("AUCTION__ADMIN_LISTEN", &admin);
        let child = command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
        (PipedWriter { child, admin }, reader)
    }

    async fn dropped_lines(&self) -> Option<f64> {
        let response = reqwest::get(format!("http://{}/metrics", self.admin)).await.ok()?;
        let metrics = response.text().await.ok()?;
        let line = metrics.lines().find(|line| line.starts_with("auction_log_lines_dropped_total "))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// Asserts that the writer decides commands, and ends after SIGTERM.
    async fn assert_works(mut self, portal_url: &str) {
        TestUser::new(portal_url).await;
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        let child = std::cell::RefCell::new(&mut self.child);
        let ended = eventually("the writer ends", || async { child.borrow_mut().try_wait().unwrap() }).await;
        assert_eq!(ended.code(), Some(0));
    }
}

impl Drop for PipedWriter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn writer_decides_commands_when_its_log_pipe_is_full_or_closed() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[]);
    components.add("ingress");
    components.wait_until_ready().await;
    let (writer, unread) = PipedWriter::start(&servers);
    writer.assert_works(&components.url()).await;
    drop(unread);

    let (writer, reader) = PipedWriter::start(&servers);
    drop(reader);
    eventually("log lines are dropped", || async {
        writer.dropped_lines().await.filter(|dropped| *dropped > 0.0)
    })
    .await;
    writer.assert_works(&components.url()).await;
}
