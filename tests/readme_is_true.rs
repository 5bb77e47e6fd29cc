//! Runs the commands from the README, and checks that paths and tests named in documents exist.

use crate::documented_commands::Commands;
use crate::support::{RunningPortal, root};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap()
}

#[tokio::test]
async fn readme_first_auction_works_as_written() {
    let readme = read("README.md");
    let (_, rest) = readme.split_once("## A first auction\n").unwrap();
    let section = rest.split("\n## ").next().unwrap();
    Commands::of(section).assert_true("README.md", &RunningPortal::start().await);
}

#[test]
fn documents_name_only_existing_paths() {
    let mut named = 0;
    for document in documents() {
        let content = std::fs::read_to_string(&document).unwrap();
        for path in content.split('`').skip(1).step_by(2).filter(|code| is_path(code)) {
            named += 1;
            assert!(root().join(path).exists(), "{} names {path}", document.display());
        }
    }
    assert!(named > 20, "only {named} paths found: is the search broken?");
}

#[test]
fn guarantees_name_only_existing_tests() {
    let pages = ["docs/reference/guarantees.md", "docs/reference/guarantee-tests.md"];
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

/// Returns the paths of all documents.
fn documents() -> impl Iterator<Item = PathBuf> {
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    documents.into_iter().map(|document| root().join(document)).chain(markdown_in(&root().join("docs")))
}

/// Returns the Markdown files in a directory and its subdirectories.
fn markdown_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = |path: PathBuf| if path.is_dir() { markdown_in(&path) } else { vec![path] };
    entries.flat_map(files).filter(|path| path.extension().is_some_and(|it| it == "md")).collect()
}

/// Returns whether a code span is a path in the repository, without blanks, placeholders or globs.
fn is_path(code: &str) -> bool {
    let folders = ["bins/", "lib/", "sql/", "config/", "tests/", "docs/", "scripts/", "loadtest/"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    folders.iter().any(|folder| code.starts_with(folder)) && code.chars().all(plain)
}
