//! Settings in layers: defaults, file, environment, flags. `config/default.toml` explains every one.

mod components;

pub use components::{
    AuctioneerSettings, Concurrency, EmailKind, EmailSettings, IngressSettings, LimitsSettings, LogFormat,
    LogSettings, NotifierSettings, ProjectorSettings, PromoterSettings, RetentionSettings, WebhookSettings,
    WriterSettings,
};

use auction_app::ports::durability::DurabilityRisk;
use auction_app::promoter::DrawOptionsError;
use auction_wire::{PartitionCount, partition::PartitionCountError};
use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// All settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where Redis is.
    pub redis_url: Option<String>,
    /// Where Postgres is.
    pub database_url: Option<String>,
    /// Where operators look into the process.
    pub admin_listen: Option<SocketAddr>,
    /// Ways to lose what was acknowledged that are allowed.
    pub allow_weak_durability: Vec<DurabilityRisk>,
    /// How many partitions there are.
    pub partitions: u16,
    /// Of the ingress.
    pub ingress: IngressSettings,
    /// How often callers may call.
    pub limits: LimitsSettings,
    /// Of the writer.
    pub writer: WriterSettings,
    /// Of the projector.
    pub projector: ProjectorSettings,
    /// Of the auctioneer.
    pub auctioneer: AuctioneerSettings,
    /// What is kept how long.
    pub retention: RetentionSettings,
    /// Of the notifier.
    pub notifier: NotifierSettings,
    /// Of what is sent to users by HTTP.
    pub webhooks: WebhookSettings,
    /// Of what is sent to users by e-mail.
    pub email: EmailSettings,
    /// Of the promoter.
    pub promoter: PromoterSettings,
    /// Of the logs.
    pub log: LogSettings,
}

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A file that is not there, a key that nobody knows, a value that makes no sense.
    #[error("settings: {0}")]
    Config(#[from] config::ConfigError),
    /// Not that many.
    #[error("settings: partitions: {0}")]
    Partitions(#[from] PartitionCountError),
    /// It would never be the origin of a web page.
    #[error("settings: ingress.cors_origins: {0:?} is not `*` or an origin such as https://auction.example")]
    Origin(String),
    /// Draws that make no sense.
    #[error("settings: promoter.options: {0}")]
    Promoter(#[from] DrawOptionsError),
    /// A role needs both servers.
    #[error("settings: {0} is not set: say where the server is, in the environment or with --config")]
    Missing(&'static str),
}

/// What is laid over the defaults.
#[derive(Clone, Debug, Default)]
pub struct SettingsLayers {
    /// A file.
    pub file: Option<PathBuf>,
    /// Values between the defaults and the file, by key.
    pub defaults: Vec<(&'static str, String)>,
    /// Values over everything, by key.
    pub flags: Vec<(&'static str, String)>,
}

impl Settings {
    /// Puts the layers together, with the environment of this process.
    pub fn load(layers: &SettingsLayers) -> Result<Settings, SettingsError> {
        Settings::load_from(layers, |name| std::env::var(name).ok(), None)
    }

    fn load_from(
        layers: &SettingsLayers,
        variable: impl Fn(&str) -> Option<String>,
        environment: Option<config::Map<String, String>>,
    ) -> Result<Settings, SettingsError> {
        let mut settings = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        for (key, value) in &layers.defaults {
            // A source of its own: set_default would lie below the defaults.
            settings = settings.add_source(Config::builder().set_override(*key, value.as_str())?.build()?);
        }
        if let Some(file) = &layers.file {
            settings = settings.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        }
        // Lists are written with commas.
        let prefixed = Environment::with_prefix("AUCTION").prefix_separator("__").separator("__");
        let prefixed = prefixed
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("allow_weak_durability")
            .with_list_parse_key("ingress.cors_origins")
            .with_list_parse_key("email.kinds")
            .with_list_parse_key("limits.trusted_proxies");
        settings = settings.add_source(prefixed.source(environment));
        for (name, key) in [("REDIS_URL", "redis_url"), ("DATABASE_URL", "database_url")] {
            settings = settings.set_override_option(key, variable(name).filter(|url| !url.is_empty()))?;
        }
        for (key, value) in &layers.flags {
            settings = settings.set_override(*key, value.as_str())?;
        }
        let settings: Settings = settings.build()?.try_deserialize()?;
        settings.partitions()?;
        settings.promoter.options()?;
        match settings.ingress.cors_origins.iter().find(|origin| !is_origin(origin)) {
            Some(wrong) => Err(SettingsError::Origin(wrong.clone())),
            None => Ok(settings),
        }
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> Result<PartitionCount, SettingsError> {
        Ok(PartitionCount::new(self.partitions)?)
    }

    /// Where Redis is.
    pub fn redis_url(&self) -> Result<&str, SettingsError> {
        self.redis_url.as_deref().ok_or(SettingsError::Missing("REDIS_URL"))
    }

    /// Where Postgres is.
    pub fn database_url(&self) -> Result<&str, SettingsError> {
        self.database_url.as_deref().ok_or(SettingsError::Missing("DATABASE_URL"))
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, host)| host).unwrap_or_default();
    text == "*" || (!host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'))
}

/// Milliseconds of a setting.
pub(crate) fn millis(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(layers: &SettingsLayers, environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let pairs = || environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load_from(
            layers,
            |name| pairs().find(|(n, _)| n == name).map(|(_, v)| v),
            Some(pairs().collect()),
        )
    }

    fn file(content: &str) -> (PathBuf, SettingsLayers) {
        let path = std::env::temp_dir().join(format!("auction-settings-{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&path, content).unwrap();
        (path.clone(), SettingsLayers { file: Some(path), ..SettingsLayers::default() })
    }

    #[test]
    fn the_defaults_are_complete() {
        let settings = load(&SettingsLayers::default(), &[]).unwrap();
        assert_eq!((settings.partitions, settings.writer.batch.get()), (4, 2000));
        assert!(!settings.ingress.trust_gateway_user_header);
        assert!(matches!(settings.redis_url(), Err(SettingsError::Missing("REDIS_URL"))));
    }

    #[test]
    fn later_layers_win() {
        let (path, mut layers) = file("partitions = 3\n[writer]\nbatch = 7\n[projector]\nbatch = 7\n");
        layers.defaults.push(("partitions", "2".to_owned()));
        layers.defaults.push(("auctioneer.batch", "2".to_owned()));
        layers.flags.push(("projector.batch", "9".to_owned()));
        let environment = [
            ("AUCTION__WRITER__BATCH", "8"),
            ("AUCTION__PROJECTOR__BATCH", "8"),
            ("AUCTION__ALLOW_WEAK_DURABILITY", "redis_eviction,redis_unchecked"),
            ("REDIS_URL", "redis://r"),
        ];
        let settings = load(&layers, &environment).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(settings.auctioneer.batch.get(), 2, "a default of the command over the defaults");
        assert_eq!(
            settings.allow_weak_durability,
            [DurabilityRisk::RedisEviction, DurabilityRisk::RedisUnchecked]
        );
        assert_eq!(settings.partitions, 3, "the file over both");
        assert_eq!(settings.writer.batch.get(), 8, "the environment over the file");
        assert_eq!(settings.projector.batch.get(), 9, "a flag over all");
        assert_eq!(settings.redis_url().unwrap(), "redis://r");
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let (path, layers) = file("[writer]\nbatsh = 7\n");
        let error = load(&layers, &[]).unwrap_err().to_string();
        std::fs::remove_file(path).unwrap();
        assert!(error.contains("batsh"), "{error}");
        let error =
            load(&SettingsLayers::default(), &[("AUCTION__INGRES__LISTEN", "x")]).unwrap_err().to_string();
        assert!(error.contains("ingres"), "{error}");
    }

    #[test]
    fn a_value_that_makes_no_sense_is_refused_by_name() {
        for (name, value, named) in [
            ("AUCTION__WRITER__BATCH", "0", "writer.batch"),
            ("AUCTION__WRITER__CONCURRENCY", "lucky", "writer.concurrency"),
            ("AUCTION__WRITER__LEASE_SECONDS", "0", "writer.lease_seconds"),
            ("AUCTION__INGRESS__LISTEN", "nowhere", "ingress.listen"),
            ("AUCTION__LOG__FORMAT", "xml", "log.format"),
            ("AUCTION__RETENTION__OUTCOMES_DAYS", "0", "retention.outcomes_days"),
            ("AUCTION__ADMIN_LISTEN", "nowhere", "admin_listen"),
            (
                "AUCTION__ALLOW_WEAK_DURABILITY",
                "redis_eviction,fsync",
                "`fsync` is no weakness that is known",
            ),
            ("AUCTION__INGRESS__CORS_ORIGINS", "https://a.example/,*", "https://a.example/"),
            ("AUCTION__INGRESS__CORS_ORIGINS", "a.example", "ingress.cors_origins"),
            ("AUCTION__LIMITS__TRUSTED_PROXIES", "10.0.0.0/8,proxy", "limits.trusted_proxies"),
            ("AUCTION__LIMITS__FORWARDED_BY", "X-Real-IP", "X-Real-IP"),
            ("AUCTION__LIMITS__USER_PER_SECOND", "0", "limits.user_per_second"),
            ("AUCTION__PARTITIONS", "0", "partitions"),
        ] {
            let error = load(&SettingsLayers::default(), &[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(named), "{name}: {error}");
        }
    }
}
