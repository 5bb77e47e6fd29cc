//! Checks the notifications: winners are notified once, and small auctions match the notification model.

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

/// Largest auction that is given to the model, which compares every version with every other.
const MAX_AUCTION_EVENTS: usize = 150;

/// Maximum number of events given to the model in total.
const MAX_EVENTS: usize = 5_000;

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let Some(notifications) = &evidence.notifications else { return Vec::new() };
    vec![winners(evidence, notifications), model_check(evidence, notifications)]
}

/// Checks that the winners, and only they, are notified of their win exactly once.
fn winners(evidence: &RunEvidence<'_>, notifications: &[(UserId, Notification)]) -> Check {
    let mut check = Check::new("every winner is notified once, and no notification is repeated");
    let mut seen_ids = HashSet::new();
    let mut won_prices: HashMap<(Uuid, Uuid), u64> = HashMap::new();
    for (user, notification) in notifications {
        let is_new = seen_ids.insert(notification.id);
        check.verify(is_new, || format!("notification {} is repeated", notification.id));
        if let NotificationBody::AuctionWon { price, .. } = &notification.content.body {
            won_prices.insert((notification.content.auction, user.0), price.amount);
        }
    }
    for record in evidence.events() {
        if let Ok(Event::Auction(AuctionEvent::WinnerAnnounced(winner))) = record.event() {
            let notified_price = won_prices.remove(&(record.key, winner.bidder.0));
            check.verify(notified_price == Some(winner.price.minor_units()), || {
                let (bidder, pays) = (winner.bidder, winner.price.minor_units());
                format!(
                    "{bidder} won auction {} for {pays} and was notified of {notified_price:?}",
                    record.key
                )
            });
        }
    }
    for ((auction, user), pays) in won_prices {
        check
            .fail(|| format!("{user} was notified of winning auction {auction} for {pays}, but did not win"));
    }
    check
}

/// Compares all notifications of small auctions with the model of the test kit.
fn model_check(evidence: &RunEvidence<'_>, notifications: &[(UserId, Notification)]) -> Check {
    let mut check = Check::new("notifications match the model (small auctions)");
    let mut events: HashMap<Uuid, Vec<&EventRecord>> = HashMap::new();
    for record in evidence.events() {
        events.entry(record.key).or_default().push(record);
    }
    let mut remaining = MAX_EVENTS;
    for auction in &evidence.run_ids.auctions {
        let Some(auction_events) = events
            .get(auction)
            .filter(|auction_events| auction_events.len() <= MAX_AUCTION_EVENTS.min(remaining))
        else {
            continue;
        };
        remaining -= auction_events.len();
        let auction_events: Vec<EventRecord> =
            auction_events.iter().map(|record| (*record).clone()).collect();
        let notifications: Vec<_> =
            notifications.iter().filter(|(_, one)| one.content.auction == *auction).cloned().collect();
        let difference = panic_of(|| {
            assert_notifications_match_model(&auction_events, &notifications, |_, _: NotificationKind| true)
        });
        check.verify(difference.is_none(), || {
            format!("auction {auction}: {}", difference.unwrap_or_default())
        });
    }
    check
}

/// Runs the model and returns its panic message, because the model reports differences by panicking.
fn panic_of(model: impl FnOnce()) -> Option<String> {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = catch_unwind(AssertUnwindSafe(model));
    std::panic::set_hook(before);
    let panic = result.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}
