//! How dead letters are shown.

use auction_app::operator::dead_letters::DeadLetter;
use serde_json::json;
use std::fmt::Write;

/// One line each.
pub(super) fn table(letters: &[DeadLetter], now_ms: u64) -> String {
    if letters.is_empty() {
        return "no dead letters\n".to_owned();
    }
    let mut text = format!(
        "{:<22} {:>8}  {:<17} {:<15} {:<36} error\n",
        "letter", "age", "reason", "kind", "user or auction"
    );
    for letter in letters {
        let envelope = letter.envelope();
        let (kind, key) = match &envelope {
            Some(envelope) => (envelope.kind.as_str(), envelope.key.to_string()),
            None => ("-", "-".to_owned()),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{:<22} {:>8}  {:<17} {:<15} {:<36} {}",
            letter.name(),
            age(now_ms.saturating_sub(letter.id.ms)),
            letter.reason,
            kind,
            key,
            short(&letter.error),
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

fn short(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(80).collect();
    if short.len() < error.len() {
        short.push('…');
    }
    short
}

/// One JSON object a line.
pub(super) fn lines(letters: &[DeadLetter]) -> String {
    let mut text = String::new();
    for letter in letters {
        let envelope = letter.envelope();
        let line = json!({
            "letter": letter.name(),
            "put_away_ms": letter.id.ms,
            "stream": letter.stream,
            "entry": letter.entry,
            "reason": letter.reason,
            "error": letter.error,
            "command": envelope.as_ref().map(|envelope| envelope.id.to_string()),
            "kind": envelope.as_ref().map(|envelope| envelope.kind.clone()),
            "key": envelope.as_ref().map(|envelope| envelope.key.to_string()),
        });
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Everything.
pub(super) fn whole(letter: &DeadLetter) -> String {
    let mut text = format!("letter   {}\n", letter.name());
    let DeadLetter { stream, entry, reason, error, .. } = letter;
    for (name, value) in [("stream", stream), ("entry", entry), ("reason", reason), ("error", error)] {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{name:<8} {value}");
    }
    for (name, value) in letter.readable() {
        let _ = writeln!(text, "  {name:<8} {value}");
    }
    text.push('\n');
    text
}
