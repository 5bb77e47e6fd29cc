//! E-mail delivery: part of the notifier if a mail server is configured.

use super::failed;
use crate::connections::Connections;
use crate::settings::{EmailSettings, Settings, millis};
use crate::tasks::{ComponentError, Tasks};
use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::ports::notifications::outbox::DeliveryChannel;
use auction_delivery::SmtpTransport;
use auction_domain::user::NotificationKind;
use auction_postgres::queries::PostgresQueries;
use std::convert::Infallible;
use std::time::Duration;
use worker_runtime::shutdown::ShutdownSignal;

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

pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    wakeup: Wakeup,
) -> Result<(), ComponentError> {
    let email = &settings.email;
    let Some(smtp_url) = &email.smtp_url else { return Ok(()) };
    let timeout = Duration::from_secs(email.timeout_seconds.get().into());
    let transport =
        SmtpTransport::new(smtp_url, &email.from, timeout).map_err(|error| failed("email")(error.into()))?;
    let outbox = PostgresQueries::new(&connections.stores, CONNECTIONS)
        .map_err(|error| failed("email")(error.into()))?;
    let config = DispatcherConfig {
        max_concurrent: email.max_concurrent.get(),
        max_concurrent_per_endpoint: PER_USER,
        attempt_timeout: timeout,
        poll_interval: POLL_INTERVAL,
    };
    let schedule = RetrySchedule { second: millis(email.schedule_second_ms.get()) };
    let dispatcher = OutboxDispatcher::new(outbox, transport, DeliveryChannel::Email, config, schedule);
    let (health, stop) = (tasks.part("notifier email"), stop.clone());
    tasks.spawn("email", async move {
        dispatcher.run(wakeup, health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
