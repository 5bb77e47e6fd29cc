//! Settings in layers: defaults, file, environment, flags. `config/default.toml` documents every setting.

mod components;

pub use components::{
    AuctioneerSettings, Concurrency, EmailSettings, IngressSettings, LogFormat, LogSettings,
    NotifierSettings, ProjectorSettings, PromoterSettings, RateLimitSettings, RetentionSettings,
    WebhookSettings, WriterSettings,
};

use auction_app::promoter::DrawOptionsError;
use auction_durability::DurabilityRisk;
use auction_wire::{PartitionCount, partition::PartitionCountError};
use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

const DEFAULTS: &str = include_str!("../../../config/default.toml");

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub redis_url: Option<String>,
    pub database_url: Option<String>,
    pub admin_listen: Option<SocketAddr>,
    pub max_stall_seconds: NonZeroU16,
    pub allow_weak_durability: Vec<DurabilityRisk>,
    pub require_replication: bool,
    pub partitions: u16,
    pub ingress: IngressSettings,
    pub rate_limits: RateLimitSettings,
    pub writer: WriterSettings,
    pub projector: ProjectorSettings,
    pub auctioneer: AuctioneerSettings,
    pub retention: RetentionSettings,
    pub notifier: NotifierSettings,
    pub webhooks: WebhookSettings,
    pub email: EmailSettings,
    pub promoter: PromoterSettings,
    pub log: LogSettings,
}

/// Reasons the settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A file is missing, a key is unknown, or a value is invalid.
    #[error("settings: {0}")]
    Config(#[from] config::ConfigError),
    #[error("settings: partitions: {0}")]
    Partitions(#[from] PartitionCountError),
    #[error("settings: ingress.cors_origins: {0:?} is not `*` or an origin such as https://auction.example")]
    Origin(String),
    #[error("settings: promoter.options: {0}")]
    Promoter(#[from] DrawOptionsError),
    #[error("settings: {0} is not set: set it in the environment, or in a file passed with --config")]
    Missing(&'static str),
}

/// Layers above the defaults of `config/default.toml`, the environment excepted.
#[derive(Clone, Debug, Default)]
pub struct SettingsLayers {
    pub file: Option<PathBuf>,
    /// Defaults of a command, by key; the file overrides them.
    pub defaults: Vec<(&'static str, String)>,
    /// Values of command line flags, by key; they override all other layers.
    pub flags: Vec<(&'static str, String)>,
}

impl Settings {
    /// Combines the layers with the environment of this process.
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
            // Added as a source: values of `set_default` would be overridden by the defaults of the file.
            settings = settings.add_source(Config::builder().set_override(*key, value.as_str())?.build()?);
        }
        if let Some(file) = &layers.file {
            settings = settings.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        }
        let prefixed = Environment::with_prefix("AUCTION").prefix_separator("__").separator("__");
        let prefixed = prefixed
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("allow_weak_durability")
            .with_list_parse_key("ingress.cors_origins")
            .with_list_parse_key("email.kinds")
            .with_list_parse_key("rate_limits.trusted_proxies");
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

    pub fn partitions(&self) -> Result<PartitionCount, SettingsError> {
        Ok(PartitionCount::new(self.partitions)?)
    }

    pub fn redis_url(&self) -> Result<&str, SettingsError> {
        self.redis_url.as_deref().ok_or(SettingsError::Missing("REDIS_URL"))
    }

    pub fn database_url(&self) -> Result<&str, SettingsError> {
        self.database_url.as_deref().ok_or(SettingsError::Missing("DATABASE_URL"))
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, host)| host).unwrap_or_default();
    text == "*" || (!host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'))
}

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
    fn defaults_are_complete() {
        let settings = load(&SettingsLayers::default(), &[]).unwrap();
        assert_eq!((settings.partitions, settings.writer.max_batch.get()), (4, 2000));
        assert!(!settings.ingress.trust_gateway_user_header);
        assert!(matches!(settings.redis_url(), Err(SettingsError::Missing("REDIS_URL"))));
    }

    #[test]
    fn later_layers_override_earlier_ones() {
        let (path, mut layers) =
            file("partitions = 3\n[writer]\nmax_batch = 7\n[projector]\nmax_batch = 7\n");
        layers.defaults.push(("partitions", "2".to_owned()));
        layers.defaults.push(("auctioneer.max_batch", "2".to_owned()));
        layers.flags.push(("projector.max_batch", "9".to_owned()));
        let environment = [
            ("AUCTION__WRITER__MAX_BATCH", "8"),
            ("AUCTION__PROJECTOR__MAX_BATCH", "8"),
            ("AUCTION__ALLOW_WEAK_DURABILITY", "redis_eviction,redis_unchecked"),
            ("REDIS_URL", "redis://r"),
        ];
        let settings = load(&layers, &environment).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(settings.auctioneer.max_batch.get(), 2, "defaults of the command override the defaults");
        assert_eq!(
            settings.allow_weak_durability,
            [DurabilityRisk::RedisEviction, DurabilityRisk::RedisUnchecked]
        );
        assert_eq!(settings.partitions, 3, "the file overrides both");
        assert_eq!(settings.writer.max_batch.get(), 8, "the environment overrides the file");
        assert_eq!(settings.projector.max_batch.get(), 9, "flags override all layers");
        assert_eq!(settings.redis_url().unwrap(), "redis://r");
    }

    #[test]
    fn retry_schedule_is_overridable_by_environment() {
        let settings = load(&SettingsLayers::default(), &[]).unwrap();
        assert_eq!(settings.webhooks.schedule_second_ms.get(), 1000);
        let environment =
            [("AUCTION__WEBHOOKS__SCHEDULE_SECOND_MS", "10"), ("AUCTION__EMAIL__SCHEDULE_SECOND_MS", "20")];
        let settings = load(&SettingsLayers::default(), &environment).unwrap();
        let seconds = (settings.webhooks.schedule_second_ms.get(), settings.email.schedule_second_ms.get());
        assert_eq!(seconds, (10, 20));
    }

    #[test]
    fn unknown_keys_are_rejected_by_name() {
        let (path, layers) = file("[writer]\nbatsh = 7\n");
        let error = load(&layers, &[]).unwrap_err().to_string();
        std::fs::remove_file(path).unwrap();
        assert!(error.contains("batsh"), "{error}");
        let error =
            load(&SettingsLayers::default(), &[("AUCTION__INGRES__LISTEN", "x")]).unwrap_err().to_string();
        assert!(error.contains("ingres"), "{error}");
    }

    #[test]
    fn invalid_values_are_rejected_by_name() {
        for (name, value, named) in [
            ("AUCTION__WRITER__MAX_BATCH", "0", "writer.max_batch"),
            ("AUCTION__WRITER__CONCURRENCY", "lucky", "writer.concurrency"),
            ("AUCTION__WRITER__LEASE_SECONDS", "0", "writer.lease_seconds"),
            ("AUCTION__INGRESS__LISTEN", "nowhere", "ingress.listen"),
            ("AUCTION__LOG__FORMAT", "xml", "log.format"),
            ("AUCTION__RETENTION__OUTCOMES_DAYS", "0", "retention.outcomes_days"),
            ("AUCTION__ADMIN_LISTEN", "nowhere", "admin_listen"),
            (
                "AUCTION__ALLOW_WEAK_DURABILITY",
                "redis_eviction,fsync",
                "`fsync` is not a known durability risk",
            ),
            ("AUCTION__INGRESS__CORS_ORIGINS", "https://a.example/,*", "https://a.example/"),
            ("AUCTION__INGRESS__CORS_ORIGINS", "a.example", "ingress.cors_origins"),
            ("AUCTION__RATE_LIMITS__TRUSTED_PROXIES", "10.0.0.0/8,proxy", "rate_limits.trusted_proxies"),
            ("AUCTION__RATE_LIMITS__FORWARDED_HEADER", "X-Real-IP", "X-Real-IP"),
            ("AUCTION__RATE_LIMITS__USER_RATE", "0", "rate_limits.user_rate"),
            ("AUCTION__PARTITIONS", "0", "partitions"),
        ] {
            let error = load(&SettingsLayers::default(), &[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(named), "{name}: {error}");
        }
    }
}
