//! Creates the users and auctions of a load through the command streams.

use super::{MAX_COMMANDS_PER_FLUSH, REDIS_TIMEOUT, Streams};
use crate::Failure;
use crate::run::ids::RunIds;
use crate::run::plan::PlannedAuction;
use auction_domain::auction::{AuctionCommand, CreateAuction};
use auction_domain::user::{CreateUser, UserCommand};
use auction_domain::{
    Actor, Amount, Currency, Description, DurationMs, OperatorId, Timestamp, Title, UserId,
};
use auction_wire::{Command, CommandBody, CommandId};
use redis::pipe;
use stream_worker::value;
use uuid::Uuid;

impl Streams {
    /// Sends the creation commands. Does not wait until they are decided.
    pub(crate) async fn set_up(
        &self,
        users: u32,
        planned_auctions: &[PlannedAuction],
        start: Timestamp,
    ) -> Result<RunIds, Failure> {
        let mut run_ids = RunIds { users: Vec::new(), auctions: Vec::new(), began: start };
        let mut commands = Vec::new();
        for _ in 0..users {
            let user = UserId(Uuid::now_v7());
            run_ids.users.push(user.0);
            let body = CommandBody::User(UserCommand::CreateUser(CreateUser));
            commands.push(creation(user.0, Actor::User(user), body));
        }
        for (n, auction) in planned_auctions.iter().enumerate() {
            let id = Uuid::now_v7();
            run_ids.auctions.push(id);
            let create = create(n, auction, start)?;
            commands.push(creation(
                id,
                Actor::Operator(OperatorId::Unidentified),
                CommandBody::Auction(create),
            ));
        }
        let mut connection = self.server.connect(REDIS_TIMEOUT).await?;
        for chunk in commands.chunks(MAX_COMMANDS_PER_FLUSH) {
            let mut flush = pipe();
            chunk.iter().for_each(|command| self.add(&mut flush, command));
            for reply in connection.send(&flush).await? {
                value::ok(reply)?;
            }
        }
        Ok(run_ids)
    }
}

fn creation(id: Uuid, actor: Actor, body: CommandBody) -> Command {
    let (reply, trace) = (String::new(), String::new());
    Command { id: CommandId(id), key: id, actor, expect: None, fingerprint: 0, reply, trace, body }
}

fn create(n: usize, auction: &PlannedAuction, start: Timestamp) -> Result<AuctionCommand, Failure> {
    Ok(AuctionCommand::CreateAuction(Box::new(CreateAuction {
        title: Title::new(format!("Lot {n}"))?,
        description: Description::new("")?,
        currency: Currency::new("USD")?,
        opening_bid: Amount::new(auction.opening)?,
        reserve: None,
        starts_at: None,
        ends_at: Timestamp(start.0 + i64::try_from(auction.ends_after)?),
        seller: None,
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    })))
}
