//! What users are told by e-mail: the news in a few lines of plain text.

use auction_wire::notification::NotificationContent;
use auction_wire::time::format;

/// A letter without its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailMessage {
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Writes a letter of stored news. They cannot be read only if another program wrote them.
pub fn of(news: &[u8]) -> Result<EmailMessage, serde_json::Error> {
    let NotificationContent { at, auction, title, what, .. } = serde_json::from_slice(news)?;
    let said = what.say();
    let text = format!(
        "{title}\n\n{}{}.\n\nIn auction {auction}, {}.\n",
        said.chars().next().unwrap_or_default().to_uppercase(),
        said.chars().skip(1).collect::<String>(),
        format(at.0),
    );
    Ok(EmailMessage { subject: format!("{title}: {said}"), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::Timestamp;
    use auction_wire::api::Money;
    use auction_wire::notification::NotificationBody;
    use uuid::Uuid;

    #[test]
    fn a_letter_says_what_happened_where_and_when() {
        let pays = Money { amount: 30_000, currency: "USD".to_owned() };
        let what = NotificationBody::AuctionWon { bid: Uuid::nil(), pays: pays.clone(), counts_for: pays };
        let at = Timestamp(1_795_372_200_123).into();
        let news =
            NotificationContent { at, auction: Uuid::nil(), title: "A pot".to_owned(), version: 3, what };
        let letter = of(&serde_json::to_vec(&news).unwrap()).unwrap();
        assert_eq!(letter.subject, "A pot: you won, and owe 300.00 USD");
        assert_eq!(
            letter.text,
            "A pot\n\nYou won, and owe 300.00 USD.\n\nIn auction 00000000-0000-0000-0000-000000000000, \
             2026-11-22T18:30:00.123Z.\n"
        );
    }
}
