//! Runs the shell blocks of every page that says so, against one portal, and compares what they print with the
//! page.
//!
//! A page takes part by the sentence `A test runs the commands of this page.` Its `sh` blocks run in order, in one
//! shell; blocks of other languages do not run. A `text` block that follows directly shows the output: each of its
//! lines must be printed. Words with a digit (ids, times, amounts) may differ. A word with `…` stands for any words.
//! Lines of JSON are not compared, because pages break them.

use crate::support::{RunningPortal, output_text, root};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const MARK: &str = "A test runs the commands of this page.";

/// Pages with the mark whose commands run in a test of their own.
const OTHER_TESTS: [&str; 1] = ["docs/how-to/inspect-streams.md"];

/// Commands of a page, and the lines that it shows as their output.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Commands {
    script: String,
    output: Vec<String>,
}

impl Commands {
    /// Returns the commands of a page in Markdown.
    pub(crate) fn of(text: &str) -> Commands {
        let mut commands = Commands::default();
        let mut after_script = false;
        let mut rest = text;
        while let Some((between, block)) = rest.split_once("\n```") {
            let (language, block) = block.split_once('\n').unwrap_or_default();
            let (block, after) = block.split_once("```").unwrap_or((block, ""));
            match language {
                "sh" => commands.script.push_str(block),
                "text" if after_script && between.trim().is_empty() => {
                    let is_json = |line: &&str| line.trim_start().starts_with(['{', '"']);
                    commands.output.extend(block.lines().filter(|line| !is_json(line)).map(str::to_owned));
                }
                _ => {}
            }
            after_script = language == "sh";
            rest = after;
        }
        commands
    }

    /// Runs the commands at a portal, and asserts that they print the lines of the page and that the last one
    /// succeeds. Others may fail: pages show refusals too.
    pub(crate) fn assert_true(&self, page: &str, up: &RunningPortal) {
        let directory = reader_directory(up);
        let output = Command::new("bash")
            .args(["-O", "expand_aliases", "-c"])
            .arg(self.script.replace("http://127.0.0.1:8080", &up.url("")))
            .current_dir(directory.path())
            .env("AUCTION_URL", up.url(""))
            .output()
            .unwrap();
        // Bodies of responses do not end a line.
        let printed = output_text(&output).replace('}', "}\n");
        assert!(output.status.success(), "{page}:\n{printed}");
        for line in &self.output {
            let is_printed = printed.lines().any(|printed| is_like(line, printed));
            assert!(is_printed, "{page} shows {line:?}, which is not in\n{printed}");
        }
    }
}

/// Returns the working directory of a reader, with the programs, the repository's tests and the data directory.
fn reader_directory(up: &RunningPortal) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let link = |target: &Path, name: &str| symlink(target, directory.path().join(name)).unwrap();
    std::fs::create_dir_all(directory.path().join("target/release")).unwrap();
    link(Path::new(env!("CARGO_BIN_EXE_portal")), "target/release/portal");
    for name in ["tests", "config", "lib", "scripts"] {
        link(&root().join(name), name);
    }
    link(&up.data_dir(), "data");
    directory
}

/// Returns whether a printed line is the line of a page: words with a digit may differ, and a word with `…`
/// stands for any words.
fn is_like(shown: &str, printed: &str) -> bool {
    let normal = |word: &str| if word.contains(|c: char| c.is_ascii_digit()) { "0" } else { word }.to_owned();
    let shown: Vec<&str> = shown.split_whitespace().collect();
    let printed: Vec<String> = printed.split_whitespace().map(normal).collect();
    let parts: Vec<Vec<String>> = shown
        .split(|word| word.contains('…'))
        .map(|words| words.iter().map(|word| normal(word)).collect())
        .collect();
    let [first, others @ ..] = &parts[..] else { return false };
    let Some(mut rest) = printed.strip_prefix(first.as_slice()) else { return false };
    let [middle @ .., last] = others else { return rest.is_empty() };
    for part in middle.iter().filter(|part| !part.is_empty()) {
        let Some(at) = rest.windows(part.len()).position(|words| words == part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Returns the pages of a directory and those below it.
fn markdown_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let pages = |path: PathBuf| if path.is_dir() { markdown_in(&path) } else { vec![path] };
    let mut pages: Vec<PathBuf> = entries.flat_map(pages).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    pages
}

#[tokio::test]
async fn documented_commands_work_as_written() {
    let (mut up, mut pages) = (None, 0);
    for path in markdown_in(&root().join("docs")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let has_mark = text.split_whitespace().collect::<Vec<_>>().join(" ").contains(MARK);
        let page = path.strip_prefix(root()).unwrap().to_string_lossy();
        if !has_mark || OTHER_TESTS.contains(&page.as_ref()) {
            continue;
        }
        if up.is_none() {
            up = Some(RunningPortal::start().await);
        }
        let commands = Commands::of(&text);
        assert!(!commands.script.is_empty(), "{page} has the mark and no sh block");
        commands.assert_true(&page, up.as_ref().unwrap());
        pages += 1;
    }
    assert!(pages >= 4, "only {pages} pages have the mark");
}

#[test]
fn commands_and_output_are_read_from_a_page() {
    let page = "# T\n\n```text\nbefore\n```\n\n```sh\na\n```\n\n```text\nshown\n {\"a\":1}\n```\n\nText.\n\n```text\nother\n```\n\n```sh\nb\n```\n";
    assert_eq!(
        Commands::of(page),
        Commands { script: "a\nb\n".to_owned(), output: vec!["shown".to_owned()] }
    );
}

#[test]
fn output_differs_only_in_words_with_digits() {
    assert!(is_like("bid 200.01 USD as ae727293-c43f; leading", "bid 200.01 USD as 0f; leading"));
    assert!(is_like("HTTP/1.1 201 Created", "HTTP/1.1 201 Created"));
    assert!(is_like("started … in 5 s", "started all parts in 3 s"));
    assert!(is_like("consistency-token: AQ…", "consistency-token: AQAE"));
    assert!(is_like("…", "") && is_like("… b … d …", "a b c d"));
    assert!(is_like("", ""));
    assert!(!is_like("status       open", "status       closed"));
    assert!(!is_like("bid 1 USD", "bid 1 USD and more"));
    assert!(!is_like("… failed", "it worked"));
}
