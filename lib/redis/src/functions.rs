//! The functions with which people read streams in redis-cli. Nothing of the portal calls them.

use crate::client_error;
use auction_app::ports::Unavailable;
use deadpool_redis::Pool;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use std::time::Duration;
use stream_worker::value::{member, text};
use worker_runtime::Retry;
use worker_runtime::shutdown::ShutdownSignal;

/// The name of the library.
pub const NAME: &str = "auction_portal";

/// Its code, in Lua.
pub const CODE: &str = concat!(
    include_str!("../functions/1_text.lua"),
    include_str!("../functions/2_msgpack.lua"),
    include_str!("../functions/3_entries.lua"),
    include_str!("../functions/4_functions.lua"),
);

/// How often it is looked whether they are still there: a Redis that was replaced has none.
const LOOK: Duration = Duration::from_secs(60);

/// What came of loading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadResult {
    /// They are new there.
    Now,
    /// They were there.
    Before,
}

/// Why they are not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// This Redis does not want them: not permitted, too old, or the names are taken.
    #[error("{0}")]
    Refused(RedisError),
    /// Try again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<RedisError> for LoadError {
    fn from(error: RedisError) -> LoadError {
        match error.kind() {
            // An error without a code of its own, and one of an ACL.
            ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::NoPerm) => {
                LoadError::Refused(error)
            }
            _ => LoadError::Unavailable(client_error(error)),
        }
    }
}

/// Loads the functions if there are none, or, if `newer` is set, others than ours.
pub async fn load(pool: &Pool, newer: bool) -> Result<LoadResult, LoadError> {
    let mut connection = pool.get().await.map_err(client_error)?;
    let mut list = cmd("FUNCTION");
    list.arg("LIST").arg("LIBRARYNAME").arg(NAME).arg("WITHCODE");
    let libraries: Vec<Value> = list.query_async(&mut connection).await?;
    let there = libraries.first().and_then(|library| member(library, "library_code")).and_then(text);
    if there.is_some_and(|code| code == CODE || !newer) {
        return Ok(LoadResult::Before);
    }
    let mut load = cmd("FUNCTION");
    load.arg("LOAD").arg("REPLACE").arg(CODE);
    let _: String = load.query_async(&mut connection).await?;
    Ok(LoadResult::Now)
}

/// Loads the functions, whatever was there, and sees that there are some until it is time to stop. Where
/// that is refused it says so once: the portal works without them.
pub async fn keep(pool: Pool, mut stop: ShutdownSignal) {
    let (mut retry, mut newer) = (Retry::default(), true);
    while !stop.requested() {
        match load(&pool, newer).await {
            Ok(loaded) => {
                if loaded == LoadResult::Now {
                    tracing::info!(library = NAME, "loaded the functions for redis-cli");
                }
                // Of two releases that run side by side, the one that started last has its way.
                newer = false;
                retry.succeeded();
                stop.sleep(LOOK).await;
            }
            Err(LoadError::Refused(error)) => {
                tracing::warn!(%error, library = NAME, "the functions for redis-cli could not be loaded; docs/streams.md says how to do it by hand");
                stop.wait().await;
            }
            Err(LoadError::Unavailable(error)) => {
                tracing::debug!(%error, "the functions for redis-cli are loaded later");
                stop.sleep(retry.next_wait()).await;
            }
        }
    }
}
