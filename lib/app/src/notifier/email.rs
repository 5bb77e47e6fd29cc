//! Renders notifications as e-mails in plain text.

use auction_wire::notification::NotificationContent;
use auction_wire::time::format;

/// E-mail message without addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailMessage {
    pub subject: String,
    pub text: String,
}

/// Renders the stored content of a notification. Fails only if the content was not written by this program.
pub fn of(content: &[u8]) -> Result<EmailMessage, serde_json::Error> {
    let NotificationContent { at, auction, title, body, .. } = serde_json::from_slice(content)?;
    let summary = body.summary();
    let text = format!(
        "{title}\n\n{}{}.\n\nIn auction {auction}, {}.\n",
        summary.chars().next().unwrap_or_default().to_uppercase(),
        summary.chars().skip(1).collect::<String>(),
        format(at.0),
    );
    Ok(EmailMessage { subject: format!("{title}: {summary}"), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::Timestamp;
    use auction_wire::api::Money;
    use auction_wire::notification::NotificationBody;
    use uuid::Uuid;

    #[test]
    fn email_contains_event_auction_and_time() {
        let price = Money { amount: 30_000, currency: "USD".to_owned() };
        let body = NotificationBody::AuctionWon { bid: Uuid::nil(), price: price.clone(), counts_for: price };
        let at = Timestamp(1_795_372_200_123).into();
        let content =
            NotificationContent { at, auction: Uuid::nil(), title: "A pot".to_owned(), version: 3, body };
        let email = of(&serde_json::to_vec(&content).unwrap()).unwrap();
        assert_eq!(email.subject, "A pot: you won, and owe 300.00 USD");
        assert_eq!(
            email.text,
            "A pot\n\nYou won, and owe 300.00 USD.\n\nIn auction 00000000-0000-0000-0000-000000000000, \
             2026-11-22T18:30:00.123Z.\n"
        );
    }
}
