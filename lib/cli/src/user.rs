//! `user create` and `user delete`.

use crate::client::{Client, Command, new_idempotency_key};
use crate::console::Console;
use crate::error::CliError;
use crate::outcome::send_and_print;
use auction_wire::api::CommandDone;
use auction_wire::command::create_user::CreateUserRequest;
use clap::{Args, Subcommand};
use reqwest::Method;
use uuid::Uuid;

#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Create a user and print the id.
    Create(CreateUserArgs),
    /// Delete a user permanently. The active bids of the user are deleted, and open auctions cancelled.
    Delete(DeleteUserArgs),
}

pub(crate) async fn run(client: &Client, console: &Console, command: &UserCommand) -> Result<(), CliError> {
    match command {
        UserCommand::Create(args) => create(client, console, args).await,
        UserCommand::Delete(args) => delete(client, console, args).await,
    }
}

#[derive(Clone, Debug, Args)]
pub struct CreateUserArgs {
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

async fn create(client: &Client, console: &Console, args: &CreateUserArgs) -> Result<(), CliError> {
    let command = Command::create_user(new_idempotency_key(), &CreateUserRequest {});
    let line = |done: &CommandDone| {
        let missing = || client.unexpected_response("a created user without an id").into();
        done.user.map(|user| user.to_string()).ok_or_else(missing)
    };
    send_and_print(client, console, &command, args.json, line).await
}

#[derive(Clone, Debug, Args)]
pub struct DeleteUserArgs {
    /// Id of the user. The request is sent as this user, or as an operator with --operator.
    pub user: Uuid,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

async fn delete(client: &Client, console: &Console, args: &DeleteUserArgs) -> Result<(), CliError> {
    let path = format!("/user/{}", args.user);
    let command = Command::new(Method::DELETE, path, Some(args.user), new_idempotency_key());
    let line = |_: &CommandDone| {
        Ok(format!("deleted {}; active bids are being deleted and open auctions cancelled", args.user))
    };
    send_and_print(client, console, &command, args.json, line).await
}
