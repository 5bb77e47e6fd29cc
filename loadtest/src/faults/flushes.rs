//! Flushes of Redis: how much of its append-only file is on disk. A kill keeps what the kernel has not written to
//! disk; a power cut does not. A preloaded library notes the flushes, so that the rest can be cut off.

use crate::Failure;
use crate::faults::preload::{compile, writable};
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SOURCE: &str = include_str!("flushes.c");

/// Notes of the library: a delay, the file, and its length on disk.
#[derive(Debug)]
pub(crate) struct Flushes {
    notes: PathBuf,
}

impl Flushes {
    /// Compiles the library in a directory. Returns the names of the library and of its notes there.
    pub(crate) fn compile(directory: &Path) -> Result<(Flushes, [&'static str; 2]), Failure> {
        compile(directory, "flushes", SOURCE)?;
        let notes = directory.join("flushes");
        writable(&notes, &[0; 24])?;
        Ok((Flushes { notes }, ["flushes.so", "flushes"]))
    }

    /// Makes each flush take longer, as on a slow disk.
    pub(crate) fn delay(&self, delay: Duration) -> Result<(), Failure> {
        let delay = i64::try_from(delay.as_micros())?;
        Ok(File::options().write(true).open(&self.notes)?.write_all_at(&delay.to_ne_bytes(), 0)?)
    }

    /// Cuts off what is not on disk from the append-only file in this directory of a Redis that was killed. Returns
    /// its length in bytes.
    pub(crate) fn cut(&self, directory: &Path) -> Result<u64, Failure> {
        let (mut notes, file) = ([[0; 8]; 2], File::open(&self.notes)?);
        for (note, at) in notes.iter_mut().zip([8, 16]) {
            file.read_exact_at(note, at)?;
        }
        let [inode, flushed] = notes.map(u64::from_ne_bytes);
        for entry in std::fs::read_dir(directory)? {
            let (path, length) = {
                let entry = entry?;
                (entry.path(), entry.metadata()?)
            };
            if length.ino() == inode {
                let lost = length.len().saturating_sub(flushed);
                File::options().write(true).open(path)?.set_len(length.len() - lost)?;
                return Ok(lost);
            }
        }
        Err(format!("{}: no file with inode {inode}, which Redis flushed last", directory.display()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_local_servers::{LocalServerOptions, LocalServers};

    #[tokio::test]
    async fn flushes_cut_off_what_is_not_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let redis_dir = directory.path().join("redis");
        std::fs::create_dir(&redis_dir).unwrap();
        let (flushes, [library, notes]) = Flushes::compile(&redis_dir).unwrap();
        let mut options = LocalServerOptions::new(directory.path());
        options.redis_environment = crate::faults::preload::of_server(&[library], &[("FLUSHES", notes)]);
        let mut servers = LocalServers::start(options).await.unwrap();
        let client = redis::Client::open(servers.redis_url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut set = async |key: &str| -> Result<(), redis::RedisError> {
            redis::cmd("SET").arg(key).arg(1).query_async(&mut connection).await
        };
        set("acknowledged").await.unwrap();
        flushes.delay(Duration::from_secs(60)).unwrap();
        let unanswered = tokio::time::timeout(Duration::from_millis(300), set("lost")).await;
        assert!(unanswered.is_err(), "the flush has not ended");
        servers.kill_redis().await;
        flushes.delay(Duration::ZERO).unwrap();
        assert!(flushes.cut(&redis_dir.join("data/appendonlydir")).unwrap() > 0);
        servers.start_redis().await.unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
        assert_eq!(keys, ["acknowledged"]);
        servers.stop().await.unwrap();
    }
}
