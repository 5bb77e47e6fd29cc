//! The settings of each component. `config/default.toml` documents every key and holds its default.

use auction_app::notifier::webhooks::UrlPolicy;
use auction_app::promoter::{DrawOptions, DrawOptionsError};
use auction_http::client_ip::ForwardedHeader;
use auction_promoter::OptionSpec;
use auction_wire::notification::KindName;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct IngressSettings {
    pub listen: SocketAddr,
    pub trust_gateway_user_header: bool,
    pub session_ttl_hours: NonZeroU32,
    pub token_cache_size: NonZeroUsize,
    pub token_revalidate_seconds: NonZeroU16,
    pub max_concurrent_password_hashes: NonZeroUsize,
    pub max_wait_seconds: u32,
    pub max_read_wait_ms: u32,
    pub list_cache_ms: u32,
    pub auction_cache_ms: u32,
    pub max_live_subscribers: NonZeroUsize,
    pub live_flush_ms: u32,
    pub max_concurrent_history_reads: NonZeroUsize,
    pub cors_origins: Vec<String>,
    pub request_timeout_seconds: NonZeroU16,
    pub header_timeout_seconds: NonZeroU16,
    pub write_timeout_seconds: NonZeroU16,
    pub body_timeout_seconds: NonZeroU16,
    pub max_command_backlog: NonZeroU32,
    pub max_redis_memory_percent: NonZeroU16,
    pub shutdown_grace_seconds: u16,
    pub max_undecided_seconds: u32,
    pub max_postgres_connections: NonZeroUsize,
    pub max_redis_connections: NonZeroUsize,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSettings {
    pub enabled: bool,
    pub user_rate: NonZeroU32,
    pub user_burst: NonZeroU32,
    pub ip_rate: NonZeroU32,
    pub ip_burst: NonZeroU32,
    pub max_connections_per_ip: NonZeroUsize,
    pub max_live_streams_per_ip: NonZeroUsize,
    pub trusted_proxies: Vec<IpNet>,
    pub forwarded_header: ForwardedHeader,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WriterSettings {
    pub concurrency: Concurrency,
    pub lease_seconds: NonZeroU16,
    pub max_batch: NonZeroUsize,
    pub read_block_ms: u32,
    pub linger_ms: u32,
    pub aggregate_cache_size: NonZeroUsize,
    pub user_cache_size: NonZeroUsize,
    pub snapshot_events: NonZeroU64,
    pub snapshot_bytes: NonZeroU64,
    pub max_clock_skew_seconds: u64,
    pub max_close_skew_ms: u32,
    pub unknown_kind_wait_seconds: u32,
}

/// How writers share the partitions.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Concurrency {
    /// Each writer owns a share of the partitions, by leases.
    Leased,
    /// Every writer works on all partitions and decides again after a conflict.
    Optimistic,
    /// Writers take turns with each partition, under a lock.
    Pessimistic,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ProjectorSettings {
    pub lease_seconds: NonZeroU16,
    pub max_batch: NonZeroUsize,
    pub read_block_ms: u32,
    pub linger_ms: u32,
    pub auction_cache_size: NonZeroUsize,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct AuctioneerSettings {
    pub lease_seconds: NonZeroU16,
    pub max_batch: NonZeroUsize,
    pub read_block_ms: u32,
    pub linger_ms: u32,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    pub outcomes_days: NonZeroU16,
    pub commands_seconds: u32,
    pub events_seconds: u32,
    pub deliveries_days: NonZeroU16,
    pub pending_sign_ups_seconds: NonZeroU32,
    pub interval_ms: NonZeroU32,
}

impl RetentionSettings {
    pub fn outcomes(&self) -> Duration {
        days(self.outcomes_days)
    }

    pub fn deliveries(&self) -> Duration {
        days(self.deliveries_days)
    }
}

fn days(days: NonZeroU16) -> Duration {
    Duration::from_secs(24 * 60 * 60 * u64::from(days.get()))
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct NotifierSettings {
    pub lease_seconds: NonZeroU16,
    pub read_block_ms: u32,
    pub interval_ms: u32,
    pub max_batch: NonZeroUsize,
    pub inbox_size: NonZeroU16,
    pub auction_cache_size: NonZeroUsize,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    pub max_per_user: NonZeroU16,
    pub allow_http: bool,
    pub allow_private_addresses: bool,
    pub rotation_overlap_seconds: u32,
    pub max_concurrent: NonZeroUsize,
    pub max_concurrent_per_endpoint: NonZeroUsize,
    pub timeout_seconds: NonZeroU16,
    /// Length of one second of the retry schedule, in milliseconds. Only tests override it, to retry faster.
    #[serde(default = "real_second_ms")]
    pub schedule_second_ms: NonZeroU32,
}

impl WebhookSettings {
    pub fn url_policy(&self) -> UrlPolicy {
        UrlPolicy { http: self.allow_http, private_addresses: self.allow_private_addresses }
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    pub smtp_url: Option<String>,
    pub from: String,
    pub kinds: Vec<KindName>,
    pub max_concurrent: NonZeroUsize,
    pub timeout_seconds: NonZeroU16,
    /// Length of one second of the retry schedule, in milliseconds. Only tests override it, to retry faster.
    #[serde(default = "real_second_ms")]
    pub schedule_second_ms: NonZeroU32,
}

fn real_second_ms() -> NonZeroU32 {
    const { NonZeroU32::new(1000).unwrap() }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct PromoterSettings {
    pub lease_seconds: NonZeroU16,
    pub max_batch: NonZeroUsize,
    pub read_block_ms: u32,
    pub linger_ms: u32,
    /// Draw options in force until an operator sets others.
    pub options: Vec<OptionSpec>,
}

impl PromoterSettings {
    /// Returns the draw options, or the reason why they are invalid.
    pub fn options(&self) -> Result<DrawOptions, DrawOptionsError> {
        DrawOptions::new(self.options.clone(), 0)
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    /// One JSON object per line.
    Json,
}
