//! Output formats of dead letters.

use auction_app::ports::operator::dead_letters::DeadLetter;
use serde_json::{Value, json};
use std::fmt::Write;

/// Longest error text in the table, in characters.
const MAX_ERROR: usize = 80;

pub(super) fn table(dead_letters: &[DeadLetter], now_ms: u64) -> String {
    let mut text = format!(
        "{:<22} {:>8}  {:<17} {:<15} {:<36} error\n",
        "dead letter", "age", "reason", "kind", "user or auction"
    );
    for dead_letter in dead_letters {
        let (kind, key) = match dead_letter.header() {
            Some(header) => (header.kind, header.key.to_string()),
            None => ("-".to_owned(), "-".to_owned()),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:<22} {:>8}  {:<17} {:<15} {:<36} {}",
            dead_letter.name(),
            age(now_ms.saturating_sub(dead_letter.id.ms)),
            dead_letter.reason,
            kind,
            key,
            first_line(&dead_letter.error),
        );
    }
    text
}

fn age(ms: u64) -> String {
    match ms / 1000 {
        s @ ..120 => format!("{s} s"),
        s @ ..7200 => format!("{} min", s / 60),
        s @ ..172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

fn first_line(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(MAX_ERROR).collect();
    if short.len() < error.len() {
        short.push('…');
    }
    short
}

pub(super) fn json(dead_letter: &DeadLetter) -> Value {
    let header = dead_letter.header();
    json!({
        "dead_letter": dead_letter.name(),
        "dead_lettered_ms": dead_letter.id.ms,
        "stream": dead_letter.stream,
        "entry": dead_letter.entry,
        "reason": dead_letter.reason,
        "error": dead_letter.error,
        "command": header.as_ref().map(|header| header.id.to_string()),
        "kind": header.as_ref().map(|header| header.kind.clone()),
        "key": header.as_ref().map(|header| header.key.to_string()),
    })
}

pub(super) fn details(dead_letter: &DeadLetter) -> String {
    let mut text = format!("dead letter {}\n", dead_letter.name());
    let DeadLetter { stream, entry, reason, error, .. } = dead_letter;
    for (name, value) in [("stream", stream), ("entry", entry), ("reason", reason), ("error", error)] {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{name:<11} {value}");
    }
    for (name, value) in dead_letter.readable() {
        let _ = writeln!(text, "  {name:<9} {value}");
    }
    text.push('\n');
    text
}
