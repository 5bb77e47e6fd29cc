//! `portal accounts` and `portal api-keys`: accounts and API keys, managed directly in the backends. The
//! first operator of an installation is appointed with `portal accounts grant`.

use crate::operator::{BackendArgs, CommandContext, CommandOutput};
use crate::process::{ProcessError, Running};
use auction_app::ports::people::accounts::{Accounts, Profile};
use auction_app::ports::people::tokens::{Revocation, Revocations};
use auction_app::ports::people::{Role, TokenKind, new_token};
use auction_domain::{Timestamp, UserId};
use auction_http::state::wall_clock;
use auction_postgres::account_admin::ApiKey;
use auction_wire::time;
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::num::NonZeroU32;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Args)]
pub struct AccountsArgs {
    #[command(subcommand)]
    action: AccountsAction,
}

#[derive(Debug, Subcommand)]
enum AccountsAction {
    /// Show the account of a user
    Show(AccountArgs),
    /// Change the role of a user: bidder, seller or operator
    Grant {
        #[command(flatten)]
        account: AccountArgs,
        /// New role of the user
        role: Role,
    },
    /// End all sessions of a user
    SignOut(AccountArgs),
}

/// Arguments that select an account.
#[derive(Debug, Args)]
struct AccountArgs {
    /// E-mail address of the account
    email: String,
    #[command(flatten)]
    backends: BackendArgs,
}

impl AccountArgs {
    async fn find(self) -> Result<(CommandContext, UserId, Profile), ProcessError> {
        let (context, email) = (self.backends.connect().await?, self.email);
        let found = context.check(context.store.find_account(&email).await)?;
        let unknown = || ProcessError::Usage(format!("no account has the e-mail address {email}"));
        let (user, profile) = found.ok_or_else(unknown)?;
        Ok((context, user, profile))
    }
}

#[derive(Debug, Args)]
pub struct ApiKeyArgs {
    #[command(subcommand)]
    action: ApiKeyAction,
}

#[derive(Debug, Subcommand)]
enum ApiKeyAction {
    /// Create an API key and print it. It is not stored and cannot be printed again
    Create {
        /// Name of the key; a name cannot be reused after the key is revoked
        name: String,
        /// Highest role that the key can act as: bidder, seller or operator
        #[arg(long, default_value = "seller")]
        role: Role,
        /// Rate limit of the key in requests per second; replaces the limits of users and addresses
        #[arg(long, value_name = "REQUESTS")]
        per_second: Option<NonZeroU32>,
        /// Lifetime of the key [default: unlimited]
        #[arg(long, value_name = "DAYS")]
        days: Option<u16>,
        #[command(flatten)]
        backends: BackendArgs,
    },
    /// List the API keys
    List {
        #[command(flatten)]
        backends: BackendArgs,
    },
    /// Revoke an API key permanently
    Revoke {
        /// Name of the key
        name: String,
        #[command(flatten)]
        backends: BackendArgs,
    },
}

/// Announces a revocation to every ingress. Returns a note for the operator if that failed.
async fn announce(context: &CommandContext, revocation: Revocation) -> &'static str {
    match context.revocations().publish(&[revocation]).await {
        Ok(()) => "",
        Err(_) => " (Redis is unavailable: takes effect within ingress.token_revalidate_seconds)",
    }
}

pub fn accounts(args: AccountsArgs) -> Running<CommandOutput> {
    Box::pin(execute_accounts(args))
}

async fn execute_accounts(args: AccountsArgs) -> Result<CommandOutput, ProcessError> {
    let text = match args.action {
        AccountsAction::Show(account) => {
            let (_, user, Profile { email, name, role, created_at }) = account.find().await?;
            let (role, since) = (role.name(), time::format(created_at));
            format!("user:    {user}\ne-mail:  {email}\nname:    {name}\nrole:    {role}\nsince:   {since}\n")
        }
        AccountsAction::Grant { account, role } => {
            let (context, user, _) = account.find().await?;
            context.check(context.store.grant(user, role).await)?;
            // The cached tokens of the user still have the old role.
            let note = announce(&context, Revocation::User(user)).await;
            format!("user {user} now has the role {}{note}\n", role.name())
        }
        AccountsAction::SignOut(account) => {
            let (context, user, _) = account.find().await?;
            context.check(context.store.close_sessions(user).await)?;
            let note = announce(&context, Revocation::User(user)).await;
            format!("all sessions of user {user} have ended{note}\n")
        }
    };
    Ok(CommandOutput::success(text))
}

pub fn api_keys(args: ApiKeyArgs) -> Running<CommandOutput> {
    Box::pin(execute_api_keys(args))
}

async fn execute_api_keys(args: ApiKeyArgs) -> Result<CommandOutput, ProcessError> {
    let text = match args.action {
        ApiKeyAction::Create { name, role, per_second, days, backends } => {
            let context = backends.connect().await?;
            let (token, hash) = context.check(new_token(TokenKind::ApiKey))?;
            let created_at = wall_clock();
            let expires_at = days.map(|days| Timestamp(created_at.0 + i64::from(days) * DAY_MS));
            let key =
                ApiKey { id: hash.id(), name, role, per_second, created_at, expires_at, revoked_at: None };
            if !context.check(context.store.create_key(hash, &key).await)? {
                return Err(ProcessError::Usage(format!(
                    "an API key with the name {:?} exists or existed: choose another name",
                    key.name
                )));
            }
            format!("{token}\n")
        }
        ApiKeyAction::List { backends } => {
            let context = backends.connect().await?;
            table(&context.check(context.store.keys().await)?)
        }
        ApiKeyAction::Revoke { name, backends } => {
            let context = backends.connect().await?;
            let revoked = context.check(context.store.revoke_key(&name, wall_clock()).await)?;
            let Some(hash) = revoked else {
                return Err(ProcessError::Usage(format!("no API key has the name {name:?}")));
            };
            let note = announce(&context, Revocation::Token(hash)).await;
            format!("API key {name} is revoked{note}\n")
        }
    };
    Ok(CommandOutput::success(text))
}

fn table(keys: &[ApiKey]) -> String {
    let mut text =
        format!("{:24} {:9} {:>10}  {:24}  {:36}  state\n", "name", "role", "per second", "since", "id");
    for key in keys {
        let per_second = key.per_second.map_or("-".to_owned(), |n| n.to_string());
        let state = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("revoked {}", time::format(at)),
            (None, Some(at)) => format!("expires {}", time::format(at)),
            (None, None) => "active".to_owned(),
        };
        let (role, since) = (key.role.name(), time::format(key.created_at));
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{:24} {role:9} {per_second:>10}  {since:24}  {}  {state}", key.name, key.id);
    }
    text
}
