//! Tests of the command gateway: the same idempotency key with the same payload gets the same outcome at
//! every ingress.

use async_trait::async_trait;
use auction_app::ingress::command_gateway::{
    CommandGateway, CommandRequest, CommandStatus, HandleKey, OutcomeWaiters,
};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_domain::{Actor, AuctionId, Details, Timestamp, UserId};
use auction_testkit::fixtures;
use auction_wire::{Command, CommandId, Outcome, OutcomeResult, PartitionCount, PartitionId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::shutdown::shutdown_pair;

/// Stream and store in memory. `decide` accepts the first command of each id.
#[derive(Clone, Default)]
struct Portal {
    submitted: Arc<Mutex<Vec<Command>>>,
    decided: Arc<Mutex<HashMap<CommandId, Outcome>>>,
}

impl Portal {
    fn decide(&self) {
        for command in self.submitted.lock().unwrap().drain(..) {
            let accepted = OutcomeResult::accepted(1, None, Details::new());
            let outcome = fixtures::outcome(command.id, command.key, 1, accepted);
            let outcome = Outcome { fingerprint: command.fingerprint, ..outcome };
            self.decided.lock().unwrap().entry(command.id).or_insert(outcome);
        }
    }
}

#[async_trait]
impl CommandQueue for Portal {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        self.submitted.lock().unwrap().push(command);
        Ok(())
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        Ok(fixtures::AT)
    }
}

#[async_trait]
impl OutcomeReader for Portal {
    async fn outcome(
        &self,
        command: CommandId,
        _: Option<PartitionId>,
    ) -> Result<Option<Outcome>, Unavailable> {
        Ok(self.decided.lock().unwrap().get(&command).cloned())
    }
}

fn ingress(portal: &Portal) -> CommandGateway {
    let (_, stop) = shutdown_pair();
    let secret = HandleKey::new(&[7; 32]).unwrap();
    CommandGateway::new(
        Arc::new(portal.clone()),
        Arc::new(portal.clone()),
        Arc::new(OutcomeWaiters::default()),
        secret,
        "one".to_owned(),
        PartitionCount::new(1).unwrap(),
        stop,
    )
}

/// Bid of this amount; all bids have the same idempotency key.
fn bid(amount: u64) -> CommandRequest {
    let bid = fixtures::place_bid(AuctionId(Uuid::from_u128(8)), UserId(Uuid::from_u128(9)), amount);
    CommandRequest {
        id: CommandId(Uuid::from_u128(1)),
        key: bid.key,
        actor: Actor::User(UserId(Uuid::from_u128(9))),
        expect: None,
        fingerprint: amount,
        repeatable: true,
        trace: String::new(),
        received_at: fixtures::AT,
        body: bid.body,
    }
}

fn is_decided(status: &CommandStatus) -> bool {
    matches!(status, CommandStatus::Decided(_))
}

#[tokio::test]
async fn idempotency_key_works_at_an_ingress_that_saw_its_misuse() {
    let portal = Portal::default();
    let (first, second) = (ingress(&portal), ingress(&portal));
    first.submit(bid(100), None).await.unwrap();
    portal.decide();
    // The second ingress does not know the commands of the first one.
    let (_, wrong) = second.submit(bid(101), Some(Duration::ZERO)).await.unwrap();
    assert!(matches!(wrong, CommandStatus::KeyReused), "{wrong:?}");
    portal.decide();
    let (_, repeated) = second.submit(bid(100), None).await.unwrap();
    assert!(is_decided(&repeated), "the outcome of the first command: {repeated:?}");
}

#[tokio::test]
async fn waiting_request_gets_the_stream_outcome_of_an_unsettled_key() {
    let portal = Portal::default();
    let (first, second) = (ingress(&portal), ingress(&portal));
    first.submit(bid(100), None).await.unwrap();
    second.submit(bid(101), None).await.unwrap();
    let (_, immediate) = second.submit(bid(100), None).await.unwrap();
    assert!(
        matches!(immediate, CommandStatus::KeyReused),
        "without waiting, this ingress answers from its own state: {immediate:?}"
    );
    let waiting =
        tokio::spawn(async move { second.submit(bid(100), Some(Duration::from_millis(200))).await });
    let submitted = async {
        while portal.submitted.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), submitted).await.expect("all are on the stream");
    portal.decide();
    let (_, status) = waiting.await.unwrap().unwrap();
    assert!(is_decided(&status), "{status:?}");
}
