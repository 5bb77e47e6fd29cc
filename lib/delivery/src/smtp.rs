//! E-mail over SMTP, to one mail server, which forwards it.

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

/// Errors in the settings of [`SmtpTransport`].
#[derive(Debug, Error)]
pub enum SmtpError {
    /// The URL of the mail server is invalid.
    #[error("smtp_url: {0}")]
    Url(smtp::Error),
    /// The sender address is invalid.
    #[error("from: {0}")]
    From(#[from] AddressError),
}

/// Sends messages to a mail server.
pub struct SmtpTransport {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpTransport {
    /// Creates a transport to the server at `smtp_url`. Mails are sent from the address `from`. `timeout`
    /// limits each step of the protocol, not the whole attempt.
    pub fn new(smtp_url: &str, from: &str, timeout: Duration) -> Result<SmtpTransport, SmtpError> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url).map_err(SmtpError::Url)?;
        Ok(SmtpTransport { server: server.timeout(Some(timeout)).build(), from: from.parse()? })
    }

    fn email(&self, message: &OutboxMessage) -> Result<Message, &'static str> {
        let Destination::Email { address } = &message.destination else { return Err("not_sent") };
        let to = address.parse().map_err(|_| "not_an_address")?;
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, notification = %message.id, "failed to build an e-mail");
            "not_sent"
        };
        let email = email::of(&message.content).map_err(|error| unreadable(&error))?;
        let builder: MessageBuilder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            // The same on every attempt, so that the receiver can detect repeats.
            .message_id(Some(format!("<{}@{}>", message.id, self.from.email.domain())))
            .subject(email.subject)
            .header(ContentType::TEXT_PLAIN);
        let mut email = builder.body(email.text).map_err(|error| unreadable(&error))?;
        // RFC 3834: asks automatic responders not to answer.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        email.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(email)
    }
}

impl Transport for SmtpTransport {
    async fn send(&self, message: &OutboxMessage) -> SendResult {
        let email = match self.email(message) {
            Ok(email) => email,
            Err(error) => return SendResult::Rejected { status: None, error },
        };
        match self.server.send(email).await {
            Ok(response) => SendResult::Accepted { status: Some(response.code().into()) },
            Err(error) => {
                let status = error.status().map(u16::from);
                tracing::debug!(user = %message.endpoint, %error, "e-mail attempt failed");
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
