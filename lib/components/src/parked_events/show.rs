//! Output formats of parked events.

use auction_app::ports::operator::parked_events::ParkedAggregate;
use auction_wire::EventRecord;
use auction_wire::body::to_json;
use serde_json::{Value, json};
use std::fmt::Write;

pub(super) fn table(all: &[ParkedAggregate]) -> String {
    let mut text = format!(
        "{:<12} {:<9} {:<36} {:>9} {:<16} {:<10} error\n",
        "component", "partition", "user or auction", "position", "kind", "reason"
    );
    for parked in all {
        let event = &parked.event;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:<12} {:<9} {:<36} {:>9} {:<16} {:<10} {}",
            parked.component,
            parked.partition.to_string(),
            event.key,
            event.position,
            event.kind,
            event.reason.name(),
            event.error.lines().next().unwrap_or_default(),
        );
    }
    text
}

pub(super) fn json(parked: &ParkedAggregate) -> Value {
    let event = &parked.event;
    json!({
        "component": parked.component,
        "partition": parked.partition.0,
        "key": event.key.to_string(),
        "position": event.position,
        "version": event.version,
        "kind": event.kind,
        "reason": event.reason.name(),
        "error": event.error,
        "parked_ms": parked.parked_at.0,
        "requested_action": parked.requested_action.map(|action| action.name()),
    })
}

pub(super) fn details(parked: &ParkedAggregate, pending: &[EventRecord]) -> String {
    let mut text = table(std::slice::from_ref(parked));
    let _ = writeln!(text, "{} pending events:", pending.len());
    for event in pending {
        let EventRecord { position, version, kind, schema, cause, body, .. } = event;
        let body = to_json(body).unwrap_or_else(|| format!("{} bytes that are not MessagePack", body.len()));
        let _ = writeln!(
            text,
            "  position {position}, version {version}: {kind} v{schema} of command {cause} {body}"
        );
    }
    text.push('\n');
    text
}
