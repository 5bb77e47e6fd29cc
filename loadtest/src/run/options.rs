//! What can be said on the command line.

use crate::run::arrivals::Arrivals;
use crate::run::mix::Mix;
use clap::Args;
use std::path::PathBuf;

/// `auction-loadtest run`
#[derive(Args)]
pub(crate) struct RunArgs {
    /// Which load; `auction-loadtest scenarios` lists them
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) results: ResultArgs,
}

/// Which portal.
#[derive(Args)]
#[group(id = "target")]
pub(crate) struct TargetArgs {
    /// A portal of its own: private servers, and every role as a process
    #[arg(long = "self", conflicts_with_all = ["url", "redis_url", "database_url"])]
    pub(crate) own: bool,
    /// Where the private portal keeps its data and logs; a temporary directory otherwise
    #[arg(long, value_name = "DIR", requires = "own")]
    pub(crate) data_dir: Option<PathBuf>,
    /// A portal that runs: http://HOST:PORT
    #[arg(long, env = "AUCTION_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Straight into the streams, as another ingress would: the Redis of a portal that runs; with --self, its own
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "", conflicts_with = "url")]
    pub(crate) redis: Option<String>,
    /// A service key of the role seller, or a token that may act for users; without one the portal must believe
    /// X-User-Id
    #[arg(
        long,
        env = "AUCTION_TOKEN",
        hide_env_values = true,
        value_name = "KEY",
        visible_alias = "service-key"
    )]
    pub(crate) token: Option<String>,
    /// The Redis of the portal at --url: then everything is judged
    #[arg(long, value_name = "URL", requires = "database_url")]
    pub(crate) redis_url: Option<String>,
    /// Its Postgres
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}

/// How much of what.
#[derive(Args, Clone)]
pub(crate) struct LoadArgs {
    /// Requests per second, whether those before are answered or not; with find-max, where the search begins
    #[arg(long, default_value_t = 500.0, value_parser = above_zero::<f64>)]
    pub(crate) rate: f64,
    /// For so long; with find-max, each step
    #[arg(long, default_value_t = 30.0, value_parser = above_zero::<f64>)]
    pub(crate) seconds: f64,
    /// How many users
    #[arg(long, default_value_t = 500, value_parser = above_zero::<u32>)]
    pub(crate) users: u32,
    /// How many auctions; the scenario knows otherwise
    #[arg(long, value_parser = above_zero::<u32>)]
    pub(crate) auctions: Option<u32>,
    /// How much more popular the popular auctions are: the n-th is chosen n^-SKEW times as often as the first
    #[arg(long, default_value_t = 1.0)]
    pub(crate) skew: f64,
    /// Repeats a run: the same seed asks the same
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How requests come
    #[arg(long, value_enum, default_value = "poisson")]
    pub(crate) arrivals: Arrivals,
    /// So many requests can be on their way; more wait, and their waiting counts
    #[arg(long, default_value_t = 256, value_parser = above_zero::<usize>)]
    pub(crate) connections: usize,
    /// What is asked, such as bid=60,lower=20,auction=20; the scenario knows otherwise
    #[arg(long)]
    pub(crate) mix: Option<Mix>,
    /// So many connections listen to the popular auctions all the time (live-listeners: 1000)
    #[arg(long)]
    pub(crate) listeners: Option<u32>,
    /// A bidding history, for the scenario real: columns auction, item, days, opening_bid, closing_price, bid,
    /// day_offset, bidder
    #[arg(long, value_name = "FILE")]
    pub(crate) history: Option<PathBuf>,
}

/// What becomes of the results.
#[derive(Args, Clone)]
pub(crate) struct ResultArgs {
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the results as one page that needs no network
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Exit with 3 unless 99 % of outcomes (of reads where there are none) come within so many milliseconds; with
    /// find-max, the bound (100 unless said otherwise)
    #[arg(long, value_name = "MS")]
    pub(crate) p99_under: Option<f64>,
    /// Exit with 3 if more than so many percent of the requests were not served: no answer, 429 or 5xx
    #[arg(long, value_name = "PERCENT")]
    pub(crate) unserved_under: Option<f64>,
}

/// Nothing comes of none.
pub(crate) fn above_zero<T: std::str::FromStr + PartialOrd + Default>(text: &str) -> Result<T, String> {
    match text.parse() {
        Ok(number) if number > T::default() => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}
