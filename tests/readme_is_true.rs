//! Runs the commands from the README and the tutorials, and checks that paths, items and tests named in documents
//! exist.

use crate::support::{RunningPortal, output_text, root};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the shell blocks of a document.
fn shell_blocks(document: &str) -> String {
    let blocks = document.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

/// Returns a section of the README.
fn readme_section(section: &str) -> String {
    let readme = read("README.md");
    let (_, rest) = readme.split_once(&format!("## {section}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap()
}

/// Runs the shell blocks of a text in the working directory of a reader, which has the repository's tests, its
/// programs and the data directory. Asserts that the output contains the expected texts.
async fn assert_prints(text: &str, expected: &[&str]) {
    let up = RunningPortal::start().await;
    let directory = tempfile::tempdir().unwrap();
    let in_directory = |path: &str| directory.path().join(path);
    std::fs::create_dir_all(in_directory("target/release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_portal"), in_directory("target/release/portal")).unwrap();
    symlink(root().join("tests"), in_directory("tests")).unwrap();
    symlink(up.data_dir(), in_directory("data")).unwrap();
    // A machine that runs other tests is slower than that of a reader.
    let script =
        shell_blocks(text).replace("http://127.0.0.1:8080", &up.url("")).replace("sleep 2", "sleep 10");
    let output = Command::new("bash")
        .args(["-O", "expand_aliases", "-c", &script])
        .current_dir(directory.path())
        .env("AUCTION_URL", up.url(""))
        .output()
        .unwrap();
    let printed = output_text(&output);
    assert!(output.status.success(), "{printed}");
    for expected in expected {
        assert!(printed.contains(expected), "{expected:?} is not in\n{printed}");
    }
}

#[tokio::test]
async fn readme_first_auction_works_as_written() {
    let expected = [
        "; leading",
        "refused: the bid must be above your latest active bid",
        "minimum: 200.02 USD",
        "Cartier wristwatch",
    ];
    assert_prints(&readme_section("A first auction"), &expected).await;
}

#[tokio::test]
async fn first_auction_tutorial_works_as_written() {
    let expected = [
        "; leading",
        "refused: the bid must be above your latest active bid",
        "the auction is at version 2, not 1 (version_conflict)",
        "title        Cartier wristwatch",
        "\ncancelled ",
        "HTTP/1.1 201 Created",
        "\"rank\":1,\"leads\":true",
        "HTTP/1.1 202 Accepted",
        "location: /command/",
        "\"expected_version\":1",
        "HTTP/1.1 200 OK",
        "status       closed",
        ", price 200.60 USD",
        "you won, and owe 200.60 USD",
        "; active bids are being deleted and open auctions cancelled",
        "112  accepted",
        "differences",
    ];
    assert_prints(&read("docs/tutorial/first-auction.md"), &expected).await;
}

#[tokio::test]
async fn follow_a_bid_tutorial_works_as_written() {
    let expected = [
        "partition 0",
        "\"kind\":\"place_bid\",\"v\":\"1\"",
        "\"body\":{\"amount\":4500}",
        "\n0\nplace_bid|",
        "|1|auction_created|",
        "|3|bid_placed|",
        "|4500|live",
        "-0\",\"kind\":\"bid_placed\"",
        "\"title\":\"Mantel clock\"",
        "etag: \"3-",
        "you were outbid, the highest is 45.00 USD",
    ];
    assert_prints(&read("docs/tutorial/follow-a-bid.md"), &expected).await;
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
fn documents_name_only_existing_items() {
    let crates = crate_directories();
    let mut named = 0;
    for document in documents() {
        let content = std::fs::read_to_string(&document).unwrap();
        for path in content.split('`').skip(1).step_by(2) {
            let Some((krate, rest)) = path.split_once("::") else { continue };
            let Some(directory) = crates.get(krate) else { continue };
            named += 1;
            assert!(is_item(directory, rest), "{} names {path}", document.display());
        }
    }
    assert!(named > 20, "only {named} items found: is the search broken?");
}

/// Returns the directory of each crate of the workspace, by the name that code uses.
fn crate_directories() -> BTreeMap<String, PathBuf> {
    let mut crates = BTreeMap::new();
    for parent in ["lib", "tests", "."] {
        for entry in std::fs::read_dir(root().join(parent)).unwrap() {
            let directory = entry.unwrap().path();
            let Ok(manifest) = std::fs::read_to_string(directory.join("Cargo.toml")) else { continue };
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
            crates.extend(name.map(|name| (name.replace('-', "_"), directory.clone())));
        }
    }
    crates
}

/// Returns whether a module path below a crate, such as `writer::decider::Decider`, names an item that is declared
/// in the file of its module.
fn is_item(directory: &Path, path: &str) -> bool {
    let (modules, item) = path.rsplit_once("::").unwrap_or(("lib", path));
    let file = directory.join("src").join(modules.replace("::", "/")).with_extension("rs");
    let Ok(source) = std::fs::read_to_string(file) else { return false };
    let kinds = ["struct", "enum", "trait", "fn", "type", "const", "static", "mod"];
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    kinds.iter().any(|kind| {
        let declaration = format!("{kind} {item}");
        source.split(&declaration).skip(1).any(|rest| !rest.starts_with(is_name))
    })
}

#[test]
fn guarantees_name_only_existing_tests() {
    let guarantees = read("docs/reference/guarantees.md");
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
