//! E-mail delivery: part of the notifier if a mail server is configured.

use super::{StartContext, failed};
use crate::settings::{EmailSettings, millis};
use crate::tasks::ComponentError;
use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::ports::notifications::outbox::DeliveryChannel;
use auction_delivery::SmtpTransport;
use auction_domain::user::NotificationKind;
use std::time::Duration;

/// The dispatcher claims messages and stores results one after the other.
const CONNECTIONS: usize = 1;

/// A user receives e-mails in order, one at a time.
const PER_USER: usize = 1;

/// Interval at which the dispatcher looks for messages whose retry is due.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the kinds of notifications sent by e-mail: none without a mail server.
pub(super) fn kinds(email: &EmailSettings) -> Vec<NotificationKind> {
    let enabled = email.smtp_url.is_some();
    email.kinds.iter().filter(|_| enabled).map(|kind| kind.0).collect()
}

pub(super) fn start(context: &mut StartContext<'_>, wakeup: Wakeup) -> Result<(), ComponentError> {
    let email = &context.settings.email;
    let Some(smtp_url) = &email.smtp_url else { return Ok(()) };
    let timeout = Duration::from_secs(email.timeout_seconds.get().into());
    let transport = SmtpTransport::new(smtp_url, &email.from, timeout).map_err(failed("email"))?;
    let outbox = context.queries("email", CONNECTIONS)?;
    let config = DispatcherConfig {
        max_concurrent: email.max_concurrent.get(),
        max_concurrent_per_endpoint: PER_USER,
        attempt_timeout: timeout,
        poll_interval: POLL_INTERVAL,
    };
    let schedule = RetrySchedule { second: millis(email.schedule_second_ms.get()) };
    let dispatcher = OutboxDispatcher::new(outbox, transport, DeliveryChannel::Email, config, schedule);
    context.tasks.run("email", dispatcher.run(wakeup, context.supervisor("notifier email")));
    Ok(())
}
