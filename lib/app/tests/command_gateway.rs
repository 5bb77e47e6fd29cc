//! Taking requests: the same key with the same payload has the same answer at every ingress.
use auction_app::ingress::command_gateway::{
    CommandGateway, CommandRequest, CommandStatus, HandleKey, OutcomeWaiters,
};
use auction_app::ports::Unavailable;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_domain::{Actor, AuctionId, Details, Timestamp, UserId};
use auction_testkit::fixtures;
use auction_wire::{Command, CommandId, Outcome, OutcomeResult};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::shutdown::shutdown_pair;

/// A stream and a store: the first with an id is accepted, when it is decided.
#[derive(Clone, Default)]
struct Portal {
    given: Arc<Mutex<Vec<Command>>>,
    decided: Arc<Mutex<HashMap<CommandId, Outcome>>>,
}

impl Portal {
    fn decide(&self) {
        for command in self.given.lock().unwrap().drain(..) {
            let accepted = OutcomeResult::accepted(1, None, Details::new());
            let outcome = fixtures::outcome(command.id, command.key, 1, accepted);
            let outcome = Outcome { fingerprint: command.fingerprint, ..outcome };
            self.decided.lock().unwrap().entry(command.id).or_insert(outcome);
        }
    }
}

impl CommandQueue for Portal {
    async fn submit(&self, command: Command) -> Result<(), Unavailable> {
        self.given.lock().unwrap().push(command);
        Ok(())
    }

    async fn now(&self) -> Result<Timestamp, Unavailable> {
        Ok(fixtures::AT)
    }
}

impl OutcomeReader for Portal {
    async fn outcome(&self, command: CommandId) -> Result<Option<Outcome>, Unavailable> {
        Ok(self.decided.lock().unwrap().get(&command).cloned())
    }
}

fn ingress(portal: &Portal) -> CommandGateway<Portal, Portal> {
    let (_, stop) = shutdown_pair();
    let secret = HandleKey::new(&[7; 32]).unwrap();
    CommandGateway::new(
        portal.clone(),
        portal.clone(),
        Arc::new(OutcomeWaiters::default()),
        secret,
        "one".to_owned(),
        stop,
    )
}

/// A bid of so much, with the same key every time.
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
async fn a_key_that_was_used_wrongly_at_one_ingress_is_right_for_whom_it_belongs_to() {
    let portal = Portal::default();
    let (first, second) = (ingress(&portal), ingress(&portal));
    first.submit(bid(100), None).await.unwrap();
    portal.decide();
    // The second ingress does not know what the first one took.
    let (_, wrong) = second.submit(bid(101), Some(Duration::ZERO)).await.unwrap();
    assert!(matches!(wrong, CommandStatus::KeyReused), "{wrong:?}");
    portal.decide();
    let (_, repeated) = second.submit(bid(100), None).await.unwrap();
    assert!(is_decided(&repeated), "the answer is that of the first time: {repeated:?}");
}

#[tokio::test]
async fn who_waits_is_told_what_the_stream_comes_to_while_it_is_not_known_whose_a_key_is() {
    let portal = Portal::default();
    let (first, second) = (ingress(&portal), ingress(&portal));
    first.submit(bid(100), None).await.unwrap();
    second.submit(bid(101), None).await.unwrap();
    let (_, hasty) = second.submit(bid(100), None).await.unwrap();
    assert!(
        matches!(hasty, CommandStatus::KeyReused),
        "who does not wait is told what this ingress knows: {hasty:?}"
    );
    let waits = tokio::spawn(async move { second.submit(bid(100), Some(Duration::from_millis(200))).await });
    let given = async {
        while portal.given.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), given).await.expect("all are on the stream");
    portal.decide();
    let (_, status) = waits.await.unwrap().unwrap();
    assert!(is_decided(&status), "{status:?}");
}
