//! E-mail by SMTP, to one server that takes it from there.

use auction_app::notifier::email;
use auction_app::ports::notifications::outbox::{Destination, OutboxMessage};
use auction_app::ports::notifications::transport::{SendResult, Transport};
use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;
use thiserror::Error;

/// Why there can be no courier.
#[derive(Debug, Error)]
pub enum SmtpError {
    /// The address of the server makes no sense.
    #[error("smtp_url: {0}")]
    Url(smtp::Error),
    /// The sender is no address.
    #[error("from: {0}")]
    From(#[from] AddressError),
}

/// Carries parcels to a mail server.
pub struct SmtpTransport {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpTransport {
    /// To the server at that URL, from that address; a step of the protocol takes no longer than that.
    pub fn new(smtp_url: &str, from: &str, within: Duration) -> Result<SmtpTransport, SmtpError> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url).map_err(SmtpError::Url)?;
        Ok(SmtpTransport { server: server.timeout(Some(within)).build(), from: from.parse()? })
    }

    fn letter(&self, parcel: &OutboxMessage) -> Result<Message, &'static str> {
        let Destination::Email { address } = &parcel.to else { return Err("not_sent") };
        let to = address.parse().map_err(|_| "not_an_address")?;
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, notification = %parcel.id, "a notification cannot be sent by e-mail");
            "not_sent"
        };
        let letter = email::of(&parcel.news).map_err(|error| unreadable(&error))?;
        let builder: MessageBuilder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            // The same on every attempt: by this the receiver knows a repeat.
            .message_id(Some(format!("<{}@{}>", parcel.id, self.from.email.domain())))
            .subject(letter.subject)
            .header(ContentType::TEXT_PLAIN);
        let mut message = builder.body(letter.text).map_err(|error| unreadable(&error))?;
        // RFC 3834: machines are not to answer.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message)
    }
}

impl Transport for SmtpTransport {
    async fn send(&self, parcel: &OutboxMessage) -> SendResult {
        let message = match self.letter(parcel) {
            Ok(message) => message,
            Err(error) => return SendResult::Rejected { status: None, error },
        };
        match self.server.send(message).await {
            Ok(response) => SendResult::Accepted { status: Some(response.code().into()) },
            Err(error) => {
                let status = error.status().map(u16::from);
                tracing::debug!(user = %parcel.endpoint, %error, "an e-mail was not taken");
                match status {
                    Some(_) if error.is_permanent() => SendResult::Rejected { status, error: "status" },
                    Some(_) => SendResult::Retryable { status, error: "status" },
                    None if error.is_timeout() => SendResult::Retryable { status, error: "timed_out" },
                    None => SendResult::Retryable { status, error: "not_connected" },
                }
            }
        }
    }
}
