//! `subscriptions`: shows and changes the notification preferences of a user.

use crate::client::{Client, Command, new_idempotency_key};
use crate::console::Console;
use crate::error::CliError;
use auction_domain::user::NotificationKind;
use auction_wire::command::change_subscriptions::SubscriptionsRequest;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use reqwest::Method;
use uuid::Uuid;

#[derive(Clone, Debug, Args)]
pub struct SubscriptionsArgs {
    /// User id of the recipient.
    #[arg(long = "as", value_name = "USER")]
    pub user: Uuid,
    /// Kinds of notifications to turn on, separated by commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind())]
    pub on: Vec<NotificationKind>,
    /// Kinds of notifications to turn off, separated by commas.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind())]
    pub off: Vec<NotificationKind>,
    /// Print the preferences as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Returns a parser that accepts the names of all kinds, and lists them in the help.
fn kind() -> impl TypedValueParser<Value = NotificationKind> {
    let unknown = "not a kind of notification"; // refused by the list of names before
    PossibleValuesParser::new(NotificationKind::NAMES)
        .try_map(move |name| NotificationKind::named(&name).ok_or(unknown))
}

pub(crate) async fn subscriptions(
    client: &Client,
    console: &Console,
    args: &SubscriptionsArgs,
) -> Result<(), CliError> {
    let refused = |problem| CliError::Refused { problem, json: args.json };
    let mut now: SubscriptionsRequest =
        client.get("/subscriptions", Some(args.user)).await?.map_err(refused)?;
    let changes = args.on.iter().map(|kind| (kind, true)).chain(args.off.iter().map(|kind| (kind, false)));
    let changed = changes.fold(now.0, |set, (kind, included)| set.with(*kind, included));
    if !(args.on.is_empty() && args.off.is_empty()) {
        now = SubscriptionsRequest(changed);
        let key = new_idempotency_key();
        let command = Command::new(Method::PUT, "/subscriptions", Some(args.user), key).with_body(&now);
        client.command(&command).await?.map_err(refused)?;
    }
    if args.json {
        console.json(&now);
    } else {
        for kind in NotificationKind::ALL {
            console.line(&format!("{:17} {}", kind.name(), if now.0.includes(*kind) { "on" } else { "off" }));
        }
    }
    Ok(())
}
