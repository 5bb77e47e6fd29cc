//! What the README says to type is typed here, and every path that a document names is there.

use crate::support::{RunningPortal, root, text};
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// The shell blocks of a section.
fn shell_blocks(section: &str) -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_first_auction_goes_as_the_readme_says() {
    let up = RunningPortal::start().await;
    // The reader's working directory: the repository, its programs, and the data directory.
    let directory = tempfile::tempdir().unwrap();
    let here = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(here("target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_portal"), here("target/release/portal")).unwrap();
    symlink(root().join("tests"), here("tests")).unwrap();
    symlink(up.data_dir(), here("data")).unwrap();
    let script =
        shell_blocks("A first auction in five minutes").replace("http://127.0.0.1:8080", &up.url(""));
    let output = Command::new("bash")
        .args(["-O", "expand_aliases", "-c", &script])
        .current_dir(directory.path())
        .env("AUCTION_URL", up.url(""))
        .output()
        .unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for expected in [
        "it leads",
        "refused: the bid must be above your own latest",
        "Cartier wristwatch",
        "\ncancelled ",
        "the auction is at version 2, not 1 (version_moved)",
        "\"expected_version\":1",
        "; live bids go, and open auctions are cancelled",
        "HTTP/1.1 201 Created",
        "\"rank\":1,\"leads\":true",
        "HTTP/1.1 202 Accepted",
        "HTTP/1.1 200 OK",
        "location: /command/",
        "differences",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in\n{said}");
    }
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let documents = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let more = ["docs", "docs/adr"].iter().flat_map(|directory| markdown_in(&root().join(directory)));
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
fn every_test_that_defends_a_promise_is_there() {
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, promises) = architecture.split_once("\n## Promises").expect("a section of promises");
    let promises = promises.split("\n## ").next().unwrap();
    let all = Command::new("git")
        .args(["grep", "-hoE", "fn [a-z0-9_]+", "--", "*.rs"])
        .current_dir(root())
        .output();
    let all = String::from_utf8(all.unwrap().stdout).unwrap();
    let functions: BTreeSet<&str> = all.lines().filter_map(|line| line.strip_prefix("fn ")).collect();
    let named: BTreeSet<&str> =
        promises.split('`').skip(1).step_by(2).filter(|code| is_test_name(code)).collect();
    let missing: Vec<_> = named.iter().filter(|name| !functions.contains(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(named.len() > 20, "only {} found: is the search broken?", named.len());
}

/// Names of tests are sentences.
fn is_test_name(code: &str) -> bool {
    code.matches('_').count() >= 3
        && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn markdown_in(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// A path into the repository, and nothing with blanks, placeholders or globs.
fn is_path(code: &str) -> bool {
    let ours = ["bins/", "lib/", "sql/", "config/", "tests/", "docs/", "scripts/"];
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    ours.iter().any(|folder| code.starts_with(folder)) && code.chars().all(plain)
}
