//! Runs the commands from the README, and checks that paths and tests named in documents exist.

use crate::support::{RunningPortal, output_text, root};
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the shell blocks of a section of the README.
fn shell_blocks(section: &str) -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn readme_first_auction_works_as_written() {
    let up = RunningPortal::start().await;
    // The working directory of the reader, with the repository's tests, its programs and the data directory.
    let directory = tempfile::tempdir().unwrap();
    let in_directory = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(in_directory("target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_portal"), in_directory("target/release/portal")).unwrap();
    symlink(root().join("tests"), in_directory("tests")).unwrap();
    symlink(up.data_dir(), in_directory("data")).unwrap();
    let script =
        shell_blocks("A first auction in five minutes").replace("http://127.0.0.1:8080", &up.url(""));
    let output = Command::new("bash")
        .args(["-O", "expand_aliases", "-c", &script])
        .current_dir(directory.path())
        .env("AUCTION_URL", up.url(""))
        .output()
        .unwrap();
    let printed = output_text(&output);
    assert!(output.status.success(), "{printed}");
    for expected in [
        "; leading",
        "refused: the bid must be above your latest active bid",
        "Cartier wristwatch",
        "\ncancelled ",
        "the auction is at version 2, not 1 (version_conflict)",
        "\"expected_version\":1",
        "; active bids are being deleted and open auctions cancelled",
        "HTTP/1.1 201 Created",
        "\"rank\":1,\"leads\":true",
        "HTTP/1.1 202 Accepted",
        "HTTP/1.1 200 OK",
        "location: /command/",
        "differences",
    ] {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
}

#[test]
fn documents_name_only_existing_paths() {
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let more = markdown_in(&root().join("docs"));
    let mut named = 0;
    for document in documents.iter().map(|document| root().join(document)).chain(more) {
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
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, guarantees) =
        architecture.split_once("\n## Promises").expect("ARCHITECTURE.md has no such section");
    let guarantees = guarantees.split("\n## ").next().unwrap();
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
    assert!(named.len() > 20, "only {} found: is the search broken?", named.len());
}

/// Returns whether a code span is a test name: lower case with at least three underscores.
fn is_test_name(code: &str) -> bool {
    code.matches('_').count() >= 3
        && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Returns the Markdown files in a directory and its subdirectories.
fn markdown_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = |path: PathBuf| if path.is_dir() { markdown_in(&path) } else { vec![path] };
    entries.flat_map(files).filter(|path| path.extension().is_some_and(|it| it == "md")).collect()
}

/// Returns whether a code span is a path in the repository, without blanks, placeholders or globs.
fn is_path(code: &str) -> bool {
    let folders = ["bins/", "lib/", "sql/", "config/", "tests/", "docs/", "scripts/"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    folders.iter().any(|folder| code.starts_with(folder)) && code.chars().all(plain)
}
