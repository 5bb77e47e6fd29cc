//! Users were told what they had to be told: what they won, by the right notification, each once.

use super::{Check, RunEvidence};
use auction_domain::UserId;
use auction_domain::auction::AuctionEvent;
use auction_domain::user::NotificationKind;
use auction_testkit::notification_model::assert_notifications_match_model;
use auction_wire::notification::{Notification, NotificationBody};
use auction_wire::{Event, EventRecord};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use uuid::Uuid;

/// The plain model looks at every version beside every other: auctions with more events are too much for it.
const MODEL: usize = 150;

/// At most so many events are given to it.
const IN_ALL: usize = 5_000;

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let Some(told) = &evidence.told else { return Vec::new() };
    vec![winners(evidence, told), by_the_model(evidence, told)]
}

/// Every winner is told once that he won, and nobody else.
fn winners(evidence: &RunEvidence<'_>, told: &[(UserId, Notification)]) -> Check {
    let mut check = Check::new("every winner was told once, and nothing was told twice");
    let mut ids = HashSet::new();
    let mut won: HashMap<(Uuid, Uuid), u64> = HashMap::new();
    for (user, notification) in told {
        let is_new = ids.insert(notification.id);
        check.look(is_new, || format!("notification {} was told twice", notification.id));
        if let NotificationBody::AuctionWon { pays, .. } = &notification.news.what {
            won.insert((notification.news.auction, user.0), pays.amount);
        }
    }
    for record in evidence.events() {
        if let Ok(Event::Auction(AuctionEvent::WinnerAnnounced(winner))) = record.event() {
            let was = won.remove(&(record.key, winner.bidder.0));
            check.look(was == Some(winner.pays.minor_units()), || {
                let (bidder, pays) = (winner.bidder, winner.pays.minor_units());
                format!("{bidder} won auction {} for {pays} and was told {was:?}", record.key)
            });
        }
    }
    for ((auction, user), pays) in won {
        check.wrong(|| format!("{user} was told that he won auction {auction} for {pays}, and did not"));
    }
    check
}

/// The test kit's plain model of all that is to be told, on auctions that are small enough for it.
fn by_the_model(evidence: &RunEvidence<'_>, told: &[(UserId, Notification)]) -> Check {
    let mut check = Check::new("changes of the lead were told by the plain model (small auctions)");
    let mut events: HashMap<Uuid, Vec<&EventRecord>> = HashMap::new();
    for record in evidence.events() {
        events.entry(record.key).or_default().push(record);
    }
    let mut left = IN_ALL;
    for auction in &evidence.world.auctions {
        let Some(of_one) = events.get(auction).filter(|of_one| of_one.len() <= MODEL.min(left)) else {
            continue;
        };
        left -= of_one.len();
        let of_one: Vec<EventRecord> = of_one.iter().map(|record| (*record).clone()).collect();
        let told: Vec<_> = told.iter().filter(|(_, one)| one.news.auction == *auction).cloned().collect();
        let found =
            panic_of(|| assert_notifications_match_model(&of_one, &told, |_, _: NotificationKind| true));
        check.look(found.is_none(), || format!("auction {auction}: {}", found.unwrap_or_default()));
    }
    check
}

/// The model is one of tests: it panics at what is wrong.
fn panic_of(model: impl FnOnce()) -> Option<String> {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let went = catch_unwind(AssertUnwindSafe(model));
    std::panic::set_hook(before);
    let panic = went.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}
