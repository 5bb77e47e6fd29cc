//! Which portal the commands of an operator are about.

use crate::connections::Connections;
use crate::process::ProcessError;
use crate::settings::{Settings, SettingsLayers};
use crate::up::servers_file;
use auction_app::ports::Unavailable;
use clap::Args;
use std::path::PathBuf;

/// Where the servers are.
#[derive(Debug, Args)]
pub struct ServersArgs {
    /// The data directory of a `portal up` that runs on private servers.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data_dir: PathBuf,
    /// A file with settings instead, for servers that were there before.
    #[arg(long, env = "AUCTION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A portal to look at.
pub struct PortalConnection {
    /// Its servers.
    pub connections: Connections,
    /// The data directory, if they are private.
    data_dir: Option<PathBuf>,
}

impl ServersArgs {
    /// Finds the servers: those of the settings, else private ones. Connects lazily.
    pub fn connect(self) -> Result<PortalConnection, ProcessError> {
        let given = SettingsLayers { file: self.config, ..SettingsLayers::default() };
        let mut settings = Settings::load(&given)?;
        let private = settings.redis_url.is_none() && settings.database_url.is_none();
        if private {
            let file = servers_file(&self.data_dir);
            if !file.exists() {
                return Err(ProcessError::Usage(format!(
                    "{} is not there: name the data directory of a running `portal up` with --data-dir, or \
                     set REDIS_URL and DATABASE_URL",
                    file.display()
                )));
            }
            settings = Settings::load(&SettingsLayers { file: Some(file), ..given })?;
        }
        let data_dir = private.then_some(self.data_dir);
        Ok(PortalConnection { connections: Connections::new(&settings)?, data_dir })
    }
}

impl PortalConnection {
    /// What to say when a server does not answer.
    pub fn backend_error(&self, error: &Unavailable) -> ProcessError {
        ProcessError::Usage(match &self.data_dir {
            Some(data_dir) => format!("{error}. Does `portal up --data-dir {}` run?", data_dir.display()),
            None => error.to_string(),
        })
    }
}
