//! Command-line options of `auction-loadtest run`.

use crate::run::arrivals::Arrivals;
use crate::run::mix::Mix;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `auction-loadtest run`.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Name of the scenario; `auction-loadtest scenarios` lists them
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

/// Options that select the portal under test.
#[derive(Args)]
#[group(id = "target")]
pub(crate) struct TargetArgs {
    /// Start a private portal: its own Redis and Postgres, and one process for each component
    #[arg(long, conflicts_with_all = ["url", "redis_url", "database_url"])]
    pub(crate) local: bool,
    /// Directory for the data and logs of the private portal; default: a temporary directory
    #[arg(long, value_name = "DIR", requires = "local")]
    pub(crate) data_dir: Option<PathBuf>,
    /// URL of a running portal: http://HOST:PORT
    #[arg(long, env = "AUCTION_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Send commands directly to the streams, like another ingress: URL of the Redis of a running portal;
    /// with --local no URL is needed
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "", conflicts_with = "url")]
    pub(crate) redis: Option<String>,
    /// API key with the role seller, or a token that may act for users; without one the portal must trust
    /// X-User-Id
    #[arg(
        long,
        env = "AUCTION_TOKEN",
        hide_env_values = true,
        value_name = "KEY",
        visible_alias = "api-key"
    )]
    pub(crate) token: Option<String>,
    /// Redis of the portal at --url; enables all checks
    #[arg(long, value_name = "URL", requires = "database_url")]
    pub(crate) redis_url: Option<String>,
    /// Postgres of the portal at --url or --redis
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}

/// Options that define the load.
#[derive(Args, Clone)]
pub(crate) struct LoadArgs {
    /// Requests per second, sent on schedule even if earlier requests are unanswered; with find-max, the
    /// first rate to try
    #[arg(long, default_value_t = 500.0, value_parser = above_zero::<f64>)]
    pub(crate) rate: f64,
    /// Duration of the load in seconds; with find-max, of each step
    #[arg(long, default_value_t = 30.0, value_parser = above_zero::<f64>)]
    pub(crate) seconds: f64,
    /// Number of users who send requests
    #[arg(long, default_value_t = 500, value_parser = above_zero::<u32>)]
    pub(crate) users: u32,
    /// Number of auctions; default: depends on the scenario
    #[arg(long, value_parser = above_zero::<u32>)]
    pub(crate) auctions: Option<u32>,
    /// Exponent of Zipf's law: the n-th most popular auction is chosen n^-EXPONENT times as often as the
    /// first
    #[arg(long, value_name = "EXPONENT", default_value_t = 1.0)]
    pub(crate) zipf_exponent: f64,
    /// Seed of the random numbers: the same seed plans the same requests; default: random
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Distribution of the request times
    #[arg(long, value_enum, default_value = "poisson")]
    pub(crate) arrivals: Arrivals,
    /// Maximum number of requests in flight; later requests wait, and their wait counts as latency
    #[arg(long, default_value_t = 256, value_parser = above_zero::<usize>)]
    pub(crate) connections: usize,
    /// Operations and their weights, such as bid=60,bid-not-leading=20,read-auction=20; default: depends on
    /// the scenario
    #[arg(long)]
    pub(crate) mix: Option<Mix>,
    /// Connections that receive live updates of the popular auctions during the run (default of
    /// live-listeners: 1000)
    #[arg(long)]
    pub(crate) listeners: Option<u32>,
    /// Users who are deleted per second, for the scenario deletions (default: 25)
    #[arg(long, value_name = "RATE", value_parser = not_negative)]
    pub(crate) deletions: Option<f64>,
    /// CSV file with a bidding history, for the scenario real; columns: auction, item, days, opening_bid,
    /// closing_price, bid, day_offset, bidder
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
}

/// Options for the results.
#[derive(Args, Clone)]
pub(crate) struct ResultArgs {
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the results as a self-contained HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Exit with 3 unless the p99 latency of outcomes (of reads if there are no outcomes) is below this many
    /// milliseconds; with find-max, the bound to search for (default: 100)
    #[arg(long, value_name = "MS")]
    pub(crate) max_p99: Option<f64>,
    /// Exit with 3 unless the share of unserved requests (no response, 429 or 5xx) is below this percentage
    #[arg(long, value_name = "PERCENT")]
    pub(crate) max_unserved: Option<f64>,
}

/// Parses a number that is not negative.
fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=1e6).contains(&number) => Ok(number),
        _ => Err("must be a number from 0".to_owned()),
    }
}

/// Parses a number above zero.
pub(crate) fn above_zero<T: std::str::FromStr + PartialOrd + Default>(text: &str) -> Result<T, String> {
    match text.parse() {
        Ok(number) if number > T::default() => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}
