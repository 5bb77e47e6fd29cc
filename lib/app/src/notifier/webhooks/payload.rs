//! What a webhook is sent, in the form that the standard recommends: `type`, `timestamp`, `data`.

use crate::ports::notifications::notification_store::json;
use auction_wire::notification::{NotificationBody, NotificationContent};
use uuid::Uuid;

/// The body. It is the same on every attempt, as its signature needs it to be. What is stored cannot be read only
/// if another program wrote it.
pub fn of(id: Uuid, news: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let read: NotificationContent = serde_json::from_slice(news)?;
    let (kind, at) = (kind(&read.what), serde_json::to_string(&read.at)?);
    let mut body = format!("{{\"type\":\"{kind}\",\"timestamp\":{at},\"data\":").into_bytes();
    body.extend_from_slice(&json(id, news));
    body.push(b'}');
    Ok(body)
}

/// What happened, by the name that it has in notifications.
pub fn kind(what: &NotificationBody) -> &'static str {
    match what {
        NotificationBody::AuctionWon { .. } => "auction_won",
        NotificationBody::HighestBid { .. } => "highest_bid",
        NotificationBody::BidDoubled { .. } => "bid_doubled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::Timestamp;
    use auction_wire::api::Money;
    use serde_json::{Value, json};

    #[test]
    fn a_webhook_is_sent_what_is_in_the_inbox() {
        let pays = Money { amount: 5, currency: "USD".to_owned() };
        let what = NotificationBody::AuctionWon { bid: Uuid::nil(), pays: pays.clone(), counts_for: pays };
        let at = Timestamp(1_795_372_200_123).into();
        let news =
            NotificationContent { at, auction: Uuid::nil(), title: "A \"pot\"".to_owned(), version: 3, what };
        let body = of(Uuid::from_u128(7), &serde_json::to_vec(&news).unwrap()).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["type"], &body["timestamp"]),
            (&json!("auction_won"), &json!("2026-11-22T18:30:00.123Z"))
        );
        assert_eq!(body["data"]["kind"], body["type"]);
        assert_eq!(body["data"]["id"], json!(Uuid::from_u128(7)));
        assert_eq!(body["data"]["title"], json!("A \"pot\""));
    }
}
