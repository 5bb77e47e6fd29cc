//! Users of a replay: one per bidder, and a seller.

use super::history::History;
use super::run::PlayOptions;
use crate::client::{Client, ClientError, Command, Problem};
use crate::console::Console;
use auction_wire::command::create_user::CreateUserRequest;
use futures_util::{StreamExt, TryStreamExt, stream};
use thiserror::Error;
use uuid::Uuid;

/// User ids of a replay.
pub(super) struct Participants {
    pub(super) seller: Uuid,
    /// In the order of [`History::bidders`].
    pub(super) bidders: Vec<Uuid>,
}

/// Reasons the users could not be created.
#[derive(Debug, Error)]
pub(super) enum ParticipantsError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("creating a user was refused: {0}")]
    Refused(Box<Problem>),
}

/// Creates the users, or finds those of an earlier run of the same replay.
pub(super) async fn create(
    client: &Client,
    console: &Console,
    history: &History,
    options: &PlayOptions<'_>,
) -> Result<Participants, ParticipantsError> {
    let bar = &console.bar(history.bidders.len() as u64, "users");
    let create_user = async |key: String| {
        let command = Command::create_user(key, &CreateUserRequest {});
        let done = client.command(&command).await?.map_err(ParticipantsError::Refused)?;
        bar.step();
        let user = done.user.ok_or_else(|| client.unexpected_response("a created user without an id"))?;
        Ok::<Uuid, ParticipantsError>(user)
    };
    // Keys contain the line, not the name of the bidder, because they are stored.
    let seller = create_user(options.run.key("seller", 0)).await?;
    let bidders = stream::iter(&history.bidders)
        .map(|bidder| create_user(options.run.key("user", bidder.line)))
        .buffered(usize::from(options.args.concurrency))
        .try_collect()
        .await?;
    Ok(Participants { seller, bidders })
}
