//! `user create` and `user delete`: open an account, and delete it.

use crate::client::{Client, Command, fresh_key};
use crate::console::Console;
use crate::error::CliError;
use auction_wire::api::CreateUserRequest;
use clap::Args;
use uuid::Uuid;

/// Flags of `user create`.
#[derive(Clone, Debug, Args)]
pub struct CreateUserArgs {
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn create(client: &Client, screen: &Console, args: &CreateUserArgs) -> Result<(), CliError> {
    let command = Command::create_user(fresh_key(), &CreateUserRequest {});
    let done =
        client.command(&command).await?.map_err(|problem| CliError::Refused { problem, json: args.json })?;
    match done.user {
        _ if args.json => screen.json(&done),
        Some(user) => screen.line(&user.to_string()),
        None => return Err(client.misunderstood("a new user without its id").into()),
    }
    Ok(())
}

/// Flags of `user delete`.
#[derive(Clone, Debug, Args)]
pub struct DeleteUserArgs {
    /// The account; it is its user who asks, or an operator with --operator.
    pub user: Uuid,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn delete(client: &Client, screen: &Console, args: &DeleteUserArgs) -> Result<(), CliError> {
    let command = Command::delete_user(fresh_key(), args.user);
    let done =
        client.command(&command).await?.map_err(|problem| CliError::Refused { problem, json: args.json })?;
    if args.json {
        screen.json(&done);
    } else {
        screen.line(&format!("deleted {}; live bids go, and open auctions are cancelled", args.user));
    }
    Ok(())
}
