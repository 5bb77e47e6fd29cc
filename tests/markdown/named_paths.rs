//! Paths and tests that documents name exist.

use super::pages;
use crate::support::root;
use std::collections::BTreeSet;
use std::process::Command;

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap()
}

#[test]
fn documents_name_only_existing_paths() {
    let mut named = 0;
    for page in pages() {
        for path in page.text.split('`').skip(1).step_by(2).filter(|code| is_path(code)) {
            named += 1;
            assert!(root().join(path).exists(), "{} names {path}", page.path);
        }
    }
    assert!(named > 200, "only {named} paths found: is the search broken?");
}

#[test]
fn guarantees_name_only_existing_tests() {
    let pages = [
        "docs/reference/guarantees.md",
        "docs/reference/guarantee-tests.md",
        "docs/explanation/asked-for-features.md",
    ];
    let guarantees = pages.map(read).join("\n");
    let all = Command::new("git")
        .args(["grep", "-hoE", "fn [a-z0-9_]+", "--", "*.rs"])
        .current_dir(root())
        .output();
    let all = String::from_utf8(all.unwrap().stdout).unwrap();
    let functions: BTreeSet<&str> = all.lines().filter_map(|line| line.strip_prefix("fn ")).collect();
    let named: BTreeSet<&str> =
        guarantees.split('`').skip(1).step_by(2).filter(|code| is_test_name(code)).collect();
    let missing: Vec<_> = named.iter().filter(|name| !functions.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(named.len() > 100, "only {} found: is the search broken?", named.len());
}

/// Returns whether a code span is a test name: lower case with at least three underscores.
fn is_test_name(code: &str) -> bool {
    code.matches('_').count() >= 3
        && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Returns whether a code span is a path in the repository, without blanks, placeholders or globs.
fn is_path(code: &str) -> bool {
    let folders = ["bins/", "lib/", "sql/", "config/", "tests/", "docs/", "scripts/", "loadtest/"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    folders.iter().any(|folder| code.starts_with(folder)) && code.chars().all(plain)
}
