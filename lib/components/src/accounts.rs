//! `portal accounts` and `portal service-keys`: what operators do with them at the servers. The first operator there
//! is, is made by `portal accounts grant`.

use crate::operator::{PortalConnection, ServersArgs};
use crate::process::ProcessError;
use auction_app::ingress::accounts::{Role, TokenKind, fresh};
use auction_app::ports::Unavailable;
use auction_app::ports::people::account_admin::{AccountAdmin, ApiKey};
use auction_app::ports::people::accounts::{Accounts, Profile};
use auction_app::ports::people::tokens::{Revocation, Revocations};
use auction_domain::{Timestamp, UserId};
use auction_http::state::wall_clock;
use auction_postgres::queries::PostgresQueries;
use auction_redis::revocations::RedisRevocations;
use auction_wire::time;
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::num::NonZeroU32;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `portal accounts`
#[derive(Debug, Args)]
pub struct AccountsArgs {
    #[command(subcommand)]
    action: AccountsAction,
}

#[derive(Debug, Subcommand)]
enum AccountsAction {
    /// Show what is known of a user
    Show {
        /// His address
        email: String,
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// Give a user another role: bidder, seller or operator
    Grant {
        /// His address
        email: String,
        /// The role
        role: Role,
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// End all tokens of a user
    SignOut {
        /// His address
        email: String,
        #[command(flatten)]
        servers: ServersArgs,
    },
}

/// `portal service-keys`
#[derive(Debug, Args)]
pub struct ServiceKeysArgs {
    #[command(subcommand)]
    action: KeysAction,
}

#[derive(Debug, Subcommand)]
enum KeysAction {
    /// Make one, and print it: it is stored nowhere
    Create {
        /// By which it is known; never given twice
        name: String,
        /// The most that it may act as: bidder, seller or operator
        #[arg(long, default_value = "seller")]
        role: Role,
        /// A limit of its own, in requests a second, instead of those of users and addresses
        #[arg(long, value_name = "REQUESTS")]
        per_second: Option<NonZeroU32>,
        /// How long it is good; for ever, unless said
        #[arg(long, value_name = "DAYS")]
        days: Option<u16>,
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// List them
    List {
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// End one for good
    Revoke {
        /// Which
        name: String,
        #[command(flatten)]
        servers: ServersArgs,
    },
}

/// What an action works on.
struct CommandContext {
    portal: PortalConnection,
    accounts: PostgresQueries,
    revocations: RedisRevocations,
}

impl CommandContext {
    fn open(servers: ServersArgs) -> Result<CommandContext, ProcessError> {
        let portal = servers.connect()?;
        let accounts = PostgresQueries::new(&portal.connections.stores, 1);
        let accounts = accounts.map_err(|error| ProcessError::Usage(error.to_string()))?;
        let revocations = RedisRevocations::new(portal.connections.redis_pool.clone());
        Ok(CommandContext { portal, accounts, revocations })
    }

    fn there<T>(&self, answer: Result<T, Unavailable>) -> Result<T, ProcessError> {
        answer.map_err(|error| self.portal.backend_error(&error))
    }

    async fn find(&self, email: &str) -> Result<(UserId, Profile), ProcessError> {
        let found = self.there(self.accounts.find(email).await)?;
        found.ok_or_else(|| ProcessError::Usage(format!("nobody has an account with the address {email}")))
    }

    /// Every ingress is told; without Redis it finds out a little later.
    async fn tell(&self, revoked: Revocation) -> &'static str {
        match self.revocations.publish(&[revoked]).await {
            Ok(()) => "",
            Err(_) => " (Redis is away: each ingress finds out within ingress.token_recheck_seconds)",
        }
    }
}

/// Does it and returns what there is to read, and whether all went well.
pub async fn accounts(args: AccountsArgs) -> Result<(String, bool), ProcessError> {
    let text = match args.action {
        AccountsAction::Show { email, servers } => {
            let (user, Profile { email, name, role, created_at }) =
                CommandContext::open(servers)?.find(&email).await?;
            let (role, since) = (role.name(), time::format(created_at));
            format!("user:    {user}\ne-mail:  {email}\nname:    {name}\nrole:    {role}\nsince:   {since}\n")
        }
        AccountsAction::Grant { email, role, servers } => {
            let desk = CommandContext::open(servers)?;
            let (user, _) = desk.find(&email).await?;
            desk.there(desk.accounts.grant(user, role).await)?;
            // What an ingress remembers of his tokens has the old role.
            let late = desk.tell(Revocation::User(user)).await;
            format!("{user} is {} now{late}\n", role.name())
        }
        AccountsAction::SignOut { email, servers } => {
            let desk = CommandContext::open(servers)?;
            let (user, _) = desk.find(&email).await?;
            desk.there(desk.accounts.close_sessions(user).await)?;
            let late = desk.tell(Revocation::User(user)).await;
            format!("all tokens of {user} have ended{late}\n")
        }
    };
    Ok((text, true))
}

/// Does it and returns what there is to read, and whether all went well.
pub async fn service_keys(args: ServiceKeysArgs) -> Result<(String, bool), ProcessError> {
    match args.action {
        KeysAction::Create { name, role, per_second, days, servers } => {
            let desk = CommandContext::open(servers)?;
            let (token, hash) = desk.there(fresh(TokenKind::ServiceKey))?;
            let created_at = wall_clock();
            let expires_at = days.map(|days| Timestamp(created_at.0 + i64::from(days) * DAY_MS));
            let key = ApiKey { name, role, per_second, created_at, expires_at, revoked_at: None };
            if !desk.there(desk.accounts.create_key(hash, &key).await)? {
                let taken = format!("there is a service key {:?}, or was one", key.name);
                return Err(ProcessError::Usage(taken));
            }
            Ok((format!("{token}\n"), true))
        }
        KeysAction::List { servers } => {
            let desk = CommandContext::open(servers)?;
            let keys = desk.there(desk.accounts.keys().await)?;
            Ok((table(&keys), true))
        }
        KeysAction::Revoke { name, servers } => {
            let desk = CommandContext::open(servers)?;
            let revoked = desk.there(desk.accounts.revoke_key(&name, wall_clock()).await)?;
            let Some(hash) = revoked else {
                return Err(ProcessError::Usage(format!("there is no service key {name:?}")));
            };
            let late = desk.tell(Revocation::Token(hash)).await;
            Ok((format!("{name} has ended{late}\n"), true))
        }
    }
}

fn table(keys: &[ApiKey]) -> String {
    let mut text = format!("{:24} {:9} {:>10}  {:24}  state\n", "name", "role", "per second", "since");
    for key in keys {
        let per_second = key.per_second.map_or("-".to_owned(), |n| n.to_string());
        let state = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("revoked {}", time::format(at)),
            (None, Some(at)) => format!("until {}", time::format(at)),
            (None, None) => "good".to_owned(),
        };
        let (role, since) = (key.role.name(), time::format(key.created_at));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{:24} {role:9} {per_second:>10}  {since:24}  {state}", key.name);
    }
    text
}
