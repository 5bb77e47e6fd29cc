//! How parked events are shown.

use auction_app::ports::operator::parked_events::ParkedAggregate;
use auction_wire::EventRecord;
use auction_wire::body::to_json;
use serde_json::json;
use std::fmt::Write;

/// One line each.
pub(super) fn table(all: &[ParkedAggregate]) -> String {
    if all.is_empty() {
        return "nothing is parked\n".to_owned();
    }
    let mut text = format!(
        "{:<12} {:<9} {:<36} {:>9} {:<16} {:<10} error\n",
        "service", "partition", "user or auction", "position", "kind", "reason"
    );
    for parked in all {
        let event = &parked.event;
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:<12} {:<9} {:<36} {:>9} {:<16} {:<10} {}",
            parked.service,
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

/// One JSON object a line.
pub(super) fn lines(all: &[ParkedAggregate]) -> String {
    let mut text = String::new();
    for parked in all {
        let event = &parked.event;
        let line = json!({
            "service": parked.service,
            "partition": parked.partition.0,
            "key": event.key.to_string(),
            "position": event.position,
            "version": event.version,
            "kind": event.kind,
            "reason": event.reason.name(),
            "error": event.error,
            "parked_ms": parked.parked_at.0,
            "asked": parked.asked.map(|asked| asked.name()),
        });
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Everything, with the events that wait.
pub(super) fn whole(parked: &ParkedAggregate, waiting: &[EventRecord]) -> String {
    let mut text = table(std::slice::from_ref(parked));
    let _ = writeln!(text, "{} events wait:", waiting.len());
    for event in waiting {
        let EventRecord { position, version, kind, schema, cause, body, .. } = event;
        let body = to_json(body).unwrap_or_else(|| format!("{} bytes that are no MessagePack", body.len()));
        let _ = writeln!(
            text,
            "  position {position}, version {version}: {kind} v{schema} of command {cause} {body}"
        );
    }
    text.push('\n');
    text
}
