//! Documented pages whose commands a test runs, in the place of a reader.
//!
//! The `sh` blocks of a page run in order, in one shell; blocks of other languages do not run. A `text` block that
//! follows directly shows the output of its commands: its lines must be printed in this order. Words with a digit
//! (ids, times, amounts) may differ, and a word with `…` stands for any words. Lines of JSON, which pages break,
//! are compared member by member. A command may fail only where the output shows an error.

use super::{DEADLINE, RunningPortal, output_text, root};
use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Separates the output of the blocks.
const SEPARATOR: char = '\u{1e}';

/// Failures end nothing, but are recorded with the block. 23 (curl) and 141 state that the reader of a pipe, such
/// as `head`, has ended; 124 that `timeout` has ended an endless stream.
const BEFORE: &str = "exec 2>&1
set -o pipefail
trap 'status=$?; case $status in 23 | 124 | 141) ;; *) echo \"$block: ${BASH_COMMAND:0:80} ($status)\" >> failed; esac' ERR
";

/// Commands of a block, and the lines that the page shows as their output.
#[derive(Debug, Default, PartialEq)]
pub struct Block {
    pub commands: String,
    pub output: Vec<String>,
}

impl Block {
    /// Number of errors that the page shows: of `portal`, and problems of HTTP.
    fn expected_errors(&self) -> usize {
        let is_error = |line: &&String| {
            let parts = ["\"status\":4", "\"status\":5", ": still parked:"];
            line.starts_with("error:") || parts.iter().any(|part| line.contains(part))
        };
        self.output.iter().filter(is_error).count()
    }
}

/// Returns the shell blocks of a page in Markdown.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut after_commands = false;
    let mut rest = page;
    while let Some((between, block)) = rest.split_once("\n```") {
        let (language, block) = block.split_once('\n').unwrap_or_default();
        let (block, after) = block.split_once("```").unwrap_or((block, ""));
        match (language, blocks.last_mut()) {
            ("sh", _) => blocks.push(Block { commands: block.to_owned(), output: Vec::new() }),
            ("text", Some(last)) if after_commands && between.trim().is_empty() => {
                last.output.extend(block.lines().map(str::to_owned));
            }
            _ => {}
        }
        after_commands = language == "sh";
        rest = after;
    }
    blocks
}

/// Reader of pages: runs their commands at a portal, in a directory that looks like the root of the repository.
pub struct Reader {
    directory: TempDir,
    /// What the pages name, and what the reader uses instead.
    replaced: Vec<(String, String)>,
    environment: Vec<(String, String)>,
}

impl Reader {
    /// Returns a reader with a portal at `url`, whose backends have this data directory.
    pub fn new(url: &str, data_dir: &Path) -> Reader {
        let directory = tempfile::tempdir().unwrap();
        let link = |target: &Path, name: &str| symlink(target, directory.path().join(name)).unwrap();
        std::fs::create_dir_all(directory.path().join("target/release")).unwrap();
        link(Path::new(env!("CARGO_BIN_EXE_portal")), "target/release/portal");
        for name in ["tests", "config", "lib", "scripts"] {
            link(&root().join(name), name);
        }
        link(data_dir, "data");
        // An HTTP status of an error is a failure of curl.
        std::fs::write(directory.path().join(".curlrc"), "fail-with-body\n").unwrap();
        let reader = Reader { directory, replaced: Vec::new(), environment: Vec::new() };
        reader.replacing("http://127.0.0.1:8080", url).with_variable("AUCTION_URL", url)
    }

    pub fn of(up: &RunningPortal) -> Reader {
        Reader::new(&up.url(""), &up.data_dir())
    }

    /// Uses another text, such as an address, than the pages.
    pub fn replacing(mut self, documented: &str, used: &str) -> Reader {
        self.replaced.push((documented.to_owned(), used.to_owned()));
        self
    }

    pub fn with_variable(mut self, name: &str, value: &str) -> Reader {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs the commands of a page, and asserts that they succeed and print what it shows.
    pub fn assert_true(&self, page: &str, text: &str) {
        let replace = |text: String, (documented, used): &(String, String)| text.replace(documented, used);
        let blocks = blocks(&self.replaced.iter().fold(text.to_owned(), replace));
        assert!(!blocks.is_empty(), "{page} has no sh block");
        let mut script = BEFORE.to_owned();
        for (number, block) in blocks.iter().enumerate() {
            write!(script, "block={number}; printf '\\n{SEPARATOR}\\n'\n{}", block.commands).unwrap();
        }
        script.push_str("\nexit 0\n");
        let failed = self.directory.path().join("failed");
        std::fs::write(&failed, "").unwrap();
        let output = Command::new("timeout")
            .args([&DEADLINE.as_secs().to_string(), "bash", "-O", "expand_aliases", "-c", &script])
            .current_dir(self.directory.path())
            .env("CURL_HOME", self.directory.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let failed = std::fs::read_to_string(failed).unwrap();
        let (ended, output) = (output.status.success(), output_text(&output));
        let printed: Vec<&str> = output.split(SEPARATOR).skip(1).collect();
        assert!(ended && printed.len() == blocks.len(), "{page} did not end in time:\n{output}");
        for (number, (block, printed)) in blocks.iter().zip(printed).enumerate() {
            let failed: Vec<&str> =
                failed.lines().filter_map(|line| line.strip_prefix(&format!("{number}: "))).collect();
            assert_eq!(failed.len(), block.expected_errors(), "{page}: failed: {failed:?}\n{printed}");
            if let Some(missing) = missing_line(&block.output, printed) {
                panic!("{page} shows {missing:?}, which is not in\n{printed}");
            }
        }
    }
}

/// Returns the first line of a page that is not printed, after the lines before it.
fn missing_line<'a>(shown: &'a [String], printed: &str) -> Option<&'a String> {
    // Bodies of responses do not end a line.
    let lines = printed.replace('}', "}\n").replace("}\n ", "} ");
    let mut lines = lines.lines();
    let dense: String = printed.split_whitespace().collect();
    shown.iter().find(|shown| match is_json(shown) {
        true => !json_members(shown).iter().all(|member| dense.contains(member)),
        false => shown.trim() != "…" && !lines.any(|printed| is_like(shown, printed)),
    })
}

fn is_json(line: &str) -> bool {
    line.trim_start().starts_with(['{', '"'])
}

/// Returns what a line of JSON must have: each member, only its name if the value is not a fixed text.
fn json_members(line: &str) -> Vec<String> {
    let dense: String = line.split_whitespace().collect();
    let is_fixed = |text: &str| !text.contains(|c: char| c.is_ascii_digit() || c == '…');
    let members = dense.split([',', '{', '}', '[', ']']).filter_map(|member| {
        let (name, value) =
            member.split_once(':').filter(|(name, _)| name.starts_with('"') && is_fixed(name))?;
        Some(if value.ends_with('"') && is_fixed(value) { member.to_owned() } else { format!("{name}:") })
    });
    members.collect()
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

#[test]
fn blocks_and_their_output_are_read_from_a_page() {
    let page = "# T\n\n```text\nbefore\n```\n\n```sh\na\n```\n\n```text\nshown\n {\"a\":1}\n```\n\nText.\n\n```text\nother\n```\n\n```sh\nb\n```\n";
    let block = |commands: &str, output: &[&str]| Block {
        commands: commands.to_owned(),
        output: output.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(blocks(page), [block("a\n", &["shown", " {\"a\":1}"]), block("b\n", &[])]);
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

#[test]
fn output_is_compared_line_by_line_and_json_by_member() {
    let missing = |shown: &[&str], printed: &str| {
        let shown: Vec<String> = shown.iter().map(|line| (*line).to_owned()).collect();
        missing_line(&shown, printed).cloned()
    };
    assert_eq!(missing(&["a 1", "…", "b"], "x\na 2\nc\nb\n"), None);
    assert_eq!(missing(&["b", "a"], "a\nb\n"), Some("a".to_owned()));
    let printed = r#"{"bid":"01a2","rank": 1,"kind":"place_bid","highest":{"amount":5}}"#;
    let shown = r#"{"bid":"7…","rank":2,"kind":"place_bid","highest":{"amount":7}}"#;
    assert_eq!(missing(&[shown], printed), None);
    for changed in [shown.replace("place_bid", "delete_bid"), shown.replace("rank", "place")] {
        assert_eq!(missing(&[&changed], printed), Some(changed.clone()));
    }
}

#[test]
#[should_panic(expected = "failed: [\"false (1)\"]")]
fn failure_within_a_documented_block_is_reported() {
    let reader = Reader::new("http://127.0.0.1:9", Path::new("/"));
    reader.assert_true("page", "\n```sh\nfalse\ntrue\n```\n");
}

#[test]
fn documented_error_may_fail() {
    let reader = Reader::new("http://127.0.0.1:9", Path::new("/"));
    reader.assert_true("page", "\n```sh\necho 'error: no'; false\ntrue\n```\n\n```text\nerror: no\n```\n");
}
