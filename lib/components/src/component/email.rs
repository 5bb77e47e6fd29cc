//! What users are told by e-mail: notifiers send it, if there is a mail server.

use super::failed;
use crate::connections::Connections;
use crate::settings::{EmailSettings, Settings, millis};
use crate::tasks::{RoleError, Tasks};
use auction_app::notifier::outbox::{DispatcherConfig, OutboxDispatcher, RetrySchedule, Wakeup};
use auction_app::ports::notifications::outbox::DeliveryChannel;
use auction_delivery::SmtpTransport;
use auction_domain::user::NotificationKind;
use auction_postgres::queries::PostgresQueries;
use std::convert::Infallible;
use std::time::Duration;
use worker_runtime::shutdown::ShutdownSignal;

/// Claiming and noting take turns.
const CONNECTIONS: usize = 1;

/// To one user at a time.
const PER_USER: usize = 1;

/// What is due again is found within so long.
const LOOK: Duration = Duration::from_secs(1);

/// The kinds that are sent.
pub(super) fn kinds(email: &EmailSettings) -> Vec<NotificationKind> {
    let on = email.smtp_url.is_some();
    email.kinds.iter().filter(|_| on).map(|kind| (*kind).into()).collect()
}

/// Sends what is due.
pub(super) fn start(
    settings: &Settings,
    connections: &Connections,
    tasks: &mut Tasks,
    stop: &ShutdownSignal,
    bell: Wakeup,
) -> Result<(), RoleError> {
    let set = &settings.email;
    let Some(smtp_url) = &set.smtp_url else { return Ok(()) };
    let within = Duration::from_secs(set.timeout_seconds.get().into());
    let courier =
        SmtpTransport::new(smtp_url, &set.from, within).map_err(|error| failed("email")(error.into()))?;
    let outbox = PostgresQueries::new(&connections.stores, CONNECTIONS)
        .map_err(|error| failed("email")(error.into()))?;
    let limits =
        DispatcherConfig { at_once: set.at_once.get(), per_endpoint: PER_USER, attempt: within, look: LOOK };
    let schedule = RetrySchedule { second: millis(set.schedule_second_ms.get()) };
    let sender = OutboxDispatcher::new(outbox, courier, DeliveryChannel::Email, limits, schedule);
    let (health, stop) = (tasks.part("notifier email"), stop.clone());
    tasks.spawn("email", async move {
        sender.run(bell, health, stop).await;
        Ok::<(), Infallible>(())
    });
    Ok(())
}
