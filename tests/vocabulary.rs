//! The text of the repository keeps to its vocabulary: `docs/glossary.md` has the words, this test the ones it replaces.

use crate::support::root;
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// Words and phrases that the vocabulary replaces. Identifiers are compared word by word.
const BANNED: &[&str] = &[
    "he",
    "his",
    "him",
    "himself",
    "whoever",
    "whomever",
    "somebody",
    "nobody",
    "everybody",
    "anybody",
    "the house",
    "anew",
    "mend",
    "mends",
    "mended",
    "mending",
    "so many",
    "make sense",
    "makes sense",
    "make no sense",
    "makes no sense",
    "for ever",
    "put away",
    "became of",
    "came of it",
    "told",
    "tell",
    "tells",
    "telling",
    "hole",
    "holes",
    "whence",
    "stranger",
    "strangers",
    "weather",
    "courier",
    "parcel",
    "parcels",
    "desk",
    "bell",
    "bells",
];

/// Files that may hold these words: migrations that are never edited, code of others, and this list.
const EXEMPT: &[&str] = &[
    "sql/migrations/V1__",
    "sql/migrations/V2__",
    "sql/migrations/V3__",
    "sql/migrations/V4__",
    "sql/migrations/V5__",
    "sql/migrations/V6__",
    "sql/migrations/V7__",
    "sql/migrations/V8__",
    "sql/migrations/V9__",
    "sql/migrations/V10__",
    "sql/migrations/V11__",
    "sql/migrations/V12__",
    "tests/vocabulary.rs",
    "loadtest/assets/",
];

/// Uses that stay, by file and word, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Part of the name from which ids of anonymous commands are derived.
    ("lib/http/src/command_response.rs", "nobody"),
    // The unprivileged user of Unix systems.
    ("lib/local-servers/src/run_as.rs", "nobody"),
    ("lib/local-servers/src/postgres_server.rs", "nobody"),
    ("lib/local-servers/src/redis_server.rs", "nobody"),
];

const EXTENSIONS: &[&str] = &["rs", "md", "toml", "sql", "lua", "sh", "html", "css", "js", "py", "conf"];

/// Tracked text files, with their content.
fn sources() -> Vec<(String, String)> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "git ls-files failed");
    let names = String::from_utf8(listed.stdout).unwrap();
    let checked = |name: &&str| {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        (EXTENSIONS.contains(&extension) || name.ends_with("Makefile"))
            && !EXEMPT.iter().any(|exempt| name.starts_with(exempt))
    };
    let names = names.split('\0').filter(|name| !name.is_empty()).filter(checked);
    names.filter_map(|name| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?))).collect()
}

/// The words of a line in lower case, identifiers split at `_` and at changes of case, one space between them.
fn words(line: &str) -> String {
    let mut words = String::from(" ");
    let mut lower_before = false;
    for c in line.chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && lower_before {
                words.push(' ');
            }
            lower_before = c.is_lowercase() || c.is_numeric();
            words.extend(c.to_lowercase());
        } else {
            lower_before = false;
            if !words.ends_with(' ') {
                words.push(' ');
            }
        }
    }
    words.push(' ');
    words
}

/// Documentation comments of a Rust file: the first line of each, and how many words it has.
fn doc_comments(source: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut before = "";
    for (number, line) in source.lines().enumerate() {
        let line = line.trim_start();
        let marker = ["///", "//!"].into_iter().find(|marker| line.starts_with(marker)).unwrap_or("");
        let count = line.get(marker.len()..).map_or(0, |text| text.split_whitespace().count());
        match found.last_mut() {
            Some(last) if marker == before && !marker.is_empty() => last.1 += count,
            _ if !marker.is_empty() => found.push((number + 1, count)),
            _ => {}
        }
        before = marker;
    }
    found
}

#[test]
fn repository_text_uses_no_banned_word() {
    let mut report = String::new();
    for (name, source) in sources() {
        for (number, line) in source.lines().enumerate() {
            let words = words(line);
            let found = BANNED.iter().filter(|banned| words.contains(&format!(" {banned} ")));
            for banned in found.filter(|banned| !EXCEPTIONS.contains(&(name.as_str(), banned))) {
                writeln!(report, "{name}:{}: {banned:?} in: {}", number + 1, line.trim()).unwrap();
            }
        }
    }
    assert!(report.is_empty(), "docs/glossary.md has the words to use instead:\n{report}");
}

#[test]
fn doc_comments_have_more_than_three_words() {
    let mut report = String::new();
    for (name, source) in sources().into_iter().filter(|(name, _)| name.ends_with(".rs")) {
        for (line, _) in doc_comments(&source).into_iter().filter(|(_, words)| *words <= 3) {
            writeln!(report, "{name}:{line}").unwrap();
        }
    }
    assert!(report.is_empty(), "say what it is, or delete the comment:\n{report}");
}

#[test]
fn banned_words_are_found_in_identifiers_and_phrases() {
    assert!(words("let isTold = notTold_yet;").contains(" told "));
    assert!(words("/// A for  ever loop").contains(" for ever "));
    assert!(!words("he_").contains(" the ") && words("he_").contains(" he "));
    assert_eq!(doc_comments("/// One.\nfn f() {}\n//! a b\n//! c d\n"), [(1, 1), (3, 4)]);
}
