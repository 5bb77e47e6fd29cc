//! Request body of a webhook, in the form that Standard Webhooks recommends: `type`, `timestamp`, `data`.

use crate::ports::notifications::notification_store::json;
use auction_wire::notification::NotificationContent;
use uuid::Uuid;

/// Returns the request body, which is the same on every attempt. Fails only if the stored content was not
/// written by this program.
pub fn of(id: Uuid, content: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let read: NotificationContent = serde_json::from_slice(content)?;
    let (kind, at) = (read.body.kind().name(), serde_json::to_string(&read.at)?);
    let mut body = format!("{{\"type\":\"{kind}\",\"timestamp\":{at},\"data\":").into_bytes();
    body.extend_from_slice(&json(id, content));
    body.push(b'}');
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::Timestamp;
    use auction_wire::api::Money;
    use auction_wire::notification::NotificationBody;
    use serde_json::{Value, json};

    #[test]
    fn webhook_payload_contains_the_notification() {
        let price = Money { amount: 5, currency: "USD".to_owned() };
        let what = NotificationBody::AuctionWon { bid: Uuid::nil(), price: price.clone(), counts_for: price };
        let at = Timestamp(1_795_372_200_123).into();
        let content = NotificationContent {
            at,
            auction: Uuid::nil(),
            title: "A \"pot\"".to_owned(),
            version: 3,
            body: what,
        };
        let body = of(Uuid::from_u128(7), &serde_json::to_vec(&content).unwrap()).unwrap();
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
