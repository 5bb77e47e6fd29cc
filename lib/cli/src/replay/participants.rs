//! The accounts that a replay needs: one per bidder, and a seller.

use super::history::History;
use super::run::PlayOptions;
use crate::client::{Client, ClientError, Command, Problem};
use crate::console::Console;
use auction_wire::api::CreateUserRequest;
use futures_util::{StreamExt, TryStreamExt, stream};
use thiserror::Error;
use uuid::Uuid;

/// Their ids.
pub(super) struct Participants {
    pub(super) seller: Uuid,
    /// In the order of [`History::bidders`].
    pub(super) bidders: Vec<Uuid>,
}

/// Why there are none.
#[derive(Debug, Error)]
pub(super) enum PlayersError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the portal refuses to open an account: {0}")]
    Refused(Box<Problem>),
}

/// Opens the accounts, or finds those that an earlier run of the same replay opened.
pub(super) async fn create(
    client: &Client,
    screen: &Console,
    history: &History,
    options: &PlayOptions<'_>,
) -> Result<Participants, PlayersError> {
    let bar = &screen.bar(history.bidders.len() as u64, "users");
    let open = async |key: String| {
        let command = Command::create_user(key, &CreateUserRequest {});
        let done = client.command(&command).await?.map_err(PlayersError::Refused)?;
        bar.step();
        let user = done.user.ok_or_else(|| client.misunderstood("a new user without its id"))?;
        Ok::<Uuid, PlayersError>(user)
    };
    // Named by line: names of people have no place in a key.
    let seller = open(options.run.key("seller", 0)).await?;
    let bidders = stream::iter(&history.bidders)
        .map(|bidder| open(options.run.key("user", bidder.line)))
        .buffered(usize::from(options.args.parallel))
        .try_collect()
        .await?;
    Ok(Participants { seller, bidders })
}
