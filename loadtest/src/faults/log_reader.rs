//! The reader of the logs of a process: it reads a pipe and appends to a file. It can stall, as a program that hangs
//! does, or close the pipe, as one that ends does.

use crate::Failure;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{ErrorKind, PipeReader, PipeWriter, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;

/// Line that fills the pipe of a stalled reader, up to the last byte: its length divides a page.
const FILLER: &[u8; 32] = b"(log-stalled: the pipe is full)\n";

/// Reader of the logs of one process. It reads until the process ends, also after it is dropped.
#[derive(Debug)]
pub(crate) struct LogReader {
    pipe: PipeReader,
    log: PathBuf,
    reading: JoinHandle<()>,
}

impl LogReader {
    /// Starts a reader that appends to a file. Returns it with the end of the pipe for the process.
    pub(crate) fn start(log: &Path) -> Result<(LogReader, PipeWriter), Failure> {
        let (pipe, writer) = pipe()?;
        let reading = read_from(&pipe, log)?;
        Ok((LogReader { pipe, log: log.to_owned(), reading }, writer))
    }

    /// Stops reading, and fills the pipe: the next line that the process writes blocks.
    pub(crate) async fn stall(&mut self) -> Result<(), Failure> {
        self.stop().await;
        let mut options = File::options();
        // The write end of the same pipe, which does not block here.
        let mut end = options
            .write(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(format!("/proc/self/fd/{}", self.pipe.as_raw_fd()))?;
        loop {
            // A line that does not fit is not written at all.
            match end.write(FILLER) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                written => written?,
            };
        }
    }

    /// Reads again after a stall.
    pub(crate) fn resume(&mut self) -> Result<(), Failure> {
        self.reading = read_from(&self.pipe, &self.log)?;
        Ok(())
    }

    /// Closes the pipe: whatever the process writes from now on fails.
    pub(crate) async fn close(mut self) {
        self.stop().await;
    }

    async fn stop(&mut self) {
        self.reading.abort();
        // The end of the task closes its end of the pipe; being aborted is no error.
        let _ = (&mut self.reading).await;
    }
}

fn read_from(pipe: &PipeReader, log: &Path) -> Result<JoinHandle<()>, Failure> {
    let mut log = File::options().append(true).create(true).open(log)?;
    let mut receiver = Receiver::from_owned_fd(OwnedFd::from(pipe.try_clone()?))?;
    Ok(tokio::spawn(async move {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(read @ 1..) = receiver.read(&mut chunk).await {
            // A log that cannot be written is not worth a run.
            let _ = log.write_all(&chunk[..read]);
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_testkit::local_servers::eventually;
    use std::time::Duration;

    /// Writes a line as a process does, and returns the pipe if it is still open.
    fn write_line(mut end: PipeWriter) -> JoinHandle<Option<PipeWriter>> {
        tokio::task::spawn_blocking(move || end.write_all(b"a line\n").is_ok().then_some(end))
    }

    #[tokio::test]
    async fn log_reader_blocks_lines_when_stalled_and_fails_them_when_closed() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let (mut reader, end) = LogReader::start(&log).unwrap();
        let end = write_line(end).await.unwrap().unwrap();
        eventually("the line is in the log", async || std::fs::read(&log).unwrap() == b"a line\n").await;
        reader.stall().await.unwrap();
        let mut line = write_line(end);
        assert!(tokio::time::timeout(Duration::from_millis(100), &mut line).await.is_err());
        reader.resume().unwrap();
        let end = line.await.unwrap().unwrap();
        eventually("both lines are in the log", async || {
            std::fs::read_to_string(&log).unwrap().matches("a line").count() == 2
        })
        .await;
        reader.close().await;
        assert!(write_line(end).await.unwrap().is_none());
    }
}
