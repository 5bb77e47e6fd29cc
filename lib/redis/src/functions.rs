//! Redis functions that display streams in redis-cli, for operators. The portal itself does not call them.

use crate::{RedisPool, client_error};
use auction_app::ports::Unavailable;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value, cmd};
use std::time::Duration;
use stream_worker::value::{member, text};
use worker_runtime::Supervisor;

/// Name of the library.
pub const NAME: &str = "auction_portal";

/// Lua code of the library.
pub const CODE: &str = concat!(
    include_str!("../functions/1_text.lua"),
    include_str!("../functions/2_msgpack.lua"),
    include_str!("../functions/3_entries.lua"),
    include_str!("../functions/4_functions.lua"),
);

/// Interval of checking that the library is loaded: a Redis server that was replaced has none.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Result of loading the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadResult {
    /// The library was loaded or replaced.
    Loaded,
    /// A library was loaded before, and was kept.
    Present,
}

/// Error of loading the library.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The server refuses the library: not permitted, Redis too old, or the function names are taken.
    #[error("{0}")]
    Refused(RedisError),
    /// The server is unavailable; retry.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<RedisError> for LoadError {
    fn from(error: RedisError) -> LoadError {
        match error.kind() {
            // Errors with the generic code `ERR`, and those of an ACL.
            ErrorKind::Server(ServerErrorKind::ResponseError | ServerErrorKind::NoPerm) => {
                LoadError::Refused(error)
            }
            _ => LoadError::Unavailable(client_error(error)),
        }
    }
}

/// Loads the library if there is none. If `replace` is set, also replaces a library with other code.
pub async fn load(pool: &RedisPool, replace: bool) -> Result<LoadResult, LoadError> {
    let mut connection = pool.get().await?;
    let mut list = cmd("FUNCTION");
    list.arg("LIST").arg("LIBRARYNAME").arg(NAME).arg("WITHCODE");
    let libraries: Vec<Value> = list.query_async(&mut connection).await?;
    let code = libraries.first().and_then(|library| member(library, "library_code")).and_then(text);
    if code.is_some_and(|code| code == CODE || !replace) {
        return Ok(LoadResult::Present);
    }
    let mut load = cmd("FUNCTION");
    load.arg("LOAD").arg("REPLACE").arg(CODE);
    let _: String = load.query_async(&mut connection).await?;
    Ok(LoadResult::Loaded)
}

/// Loads the library, replacing other code, and loads it again if it disappears, until shutdown.
/// If the server refuses it, logs one warning and does nothing more: the portal works without the library.
pub async fn keep_loaded(pool: RedisPool, supervisor: Supervisor) {
    // If two releases run at the same time, the library of the one that started last stays.
    let mut replace = true;
    while !supervisor.stopping() {
        let loading = async {
            match load(&pool, replace).await {
                Ok(result) => Ok(Ok(result)),
                Err(LoadError::Refused(error)) => Ok(Err(error)),
                Err(LoadError::Unavailable(error)) => Err(error),
            }
        };
        match supervisor.attempt(loading).await {
            None => continue,
            Some(Ok(LoadResult::Loaded)) => {
                tracing::info!(library = NAME, "loaded the functions for redis-cli");
            }
            Some(Ok(LoadResult::Present)) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, library = NAME, "Redis refuses the functions for redis-cli; load them by hand as described in docs/how-to/inspect-streams.md");
                return supervisor.stop().wait().await;
            }
        }
        replace = false;
        supervisor.sleep(CHECK_INTERVAL).await;
    }
}
