//! Standard error, written by a thread of its own.
//!
//! A program that reads the logs may stop reading or end at any time. No task waits for it: lines go through
//! a bounded queue, and a line that finds the queue full, or that cannot be written, is dropped and counted.

use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Maximum number of lines that wait to be written.
const MAX_QUEUED: usize = 8192;

/// Maximum time at the end of a process in which queued lines are written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Queue of this process; none if its thread could not be started.
static QUEUE: LazyLock<Option<LineQueue>> = LazyLock::new(|| LineQueue::start(io::stderr()).ok());

/// Number of lines that were dropped.
static DROPPED: AtomicU64 = AtomicU64::new(0);

enum Message {
    Line(Vec<u8>),
    /// Everything before it is written.
    Flush(SyncSender<()>),
}

/// Bounded queue of lines, and the thread that writes them.
struct LineQueue(SyncSender<Message>);

impl LineQueue {
    fn start(output: impl Write + Send + 'static) -> io::Result<LineQueue> {
        let (sender, lines) = sync_channel(MAX_QUEUED);
        let writer = std::thread::Builder::new().name("stderr".to_owned());
        writer.spawn(move || write_all(output, &lines))?;
        Ok(LineQueue(sender))
    }

    fn push(&self, line: Vec<u8>) {
        if self.0.try_send(Message::Line(line)).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {
        let (written, is_written) = sync_channel(1);
        // A full queue means that nothing reads: there is nothing to wait for.
        if self.0.try_send(Message::Flush(written)).is_ok() {
            let _ = is_written.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

fn write_all(mut output: impl Write, lines: &Receiver<Message>) {
    while let Ok(message) = lines.recv() {
        match message {
            Message::Line(line) => {
                if output.write_all(&line).is_err() {
                    DROPPED.fetch_add(1, Ordering::Relaxed);
                }
            }
            // The process no longer waits if this took too long.
            Message::Flush(written) => drop(written.try_send(())),
        }
    }
}

/// Standard error as a writer that never blocks and never fails. Each write is one line of the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueuedStderr;

impl Write for QueuedStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &*QUEUE {
            Some(queue) => queue.push(line.to_vec()),
            None => drop(DROPPED.fetch_add(1, Ordering::Relaxed)),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a text and a line break to standard error.
pub fn line(text: impl std::fmt::Display) {
    // `QueuedStderr` never fails.
    let _ = QueuedStderr.write(format!("{text}\n").as_bytes());
}

/// Waits at most a second until queued lines are written. Call it before the process ends.
pub fn flush() {
    if let Some(queue) = &*QUEUE {
        queue.flush();
    }
}

/// Returns the number of lines that were dropped because nothing read them.
pub(crate) fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn line_queue_never_blocks_and_counts_dropped_lines() {
        let (reader, writer) = io::pipe().unwrap();
        let full = LineQueue::start(writer).unwrap();
        let line = || vec![b'x'; 1024];
        let before = dropped_lines();
        // A pipe holds 64 KiB; nothing reads it.
        (0..2 * MAX_QUEUED).for_each(|_| full.push(line()));
        full.flush();
        assert!(dropped_lines() > before);
        drop(reader);
        let (mut reader, writer) = io::pipe().unwrap();
        let read = LineQueue::start(writer).unwrap();
        read.push(b"one\n".to_vec());
        read.flush();
        drop(read);
        let mut written = String::new();
        reader.read_to_string(&mut written).unwrap();
        assert_eq!(written, "one\n");
    }
}
