//! Rules that every Markdown page keeps: length, short table cells, a purpose, and links and code references
//! that lead somewhere. Generated pages are exempt from the first two.

mod code_references;
mod links;
mod named_paths;
mod portal_commands;

use crate::support::root;
use auction_testkit::reference_page::GENERATED;
use std::process::Command;

const MAX_LINES: usize = 200;
const MAX_WORDS_PER_CELL: usize = 15;

/// Pages that are longer because they are records or tables: each release or each word has its line.
const RECORDS: [&str; 2] = ["CHANGELOG.md", "docs/glossary.md"];

/// Markdown page of the repository.
struct Page {
    /// Path from the root of the repository.
    path: String,
    text: String,
}

impl Page {
    fn is_generated(&self) -> bool {
        self.text.contains(GENERATED)
    }

    /// Returns the lines outside code blocks, with their numbers.
    fn prose(&self) -> Vec<(usize, &str)> {
        let mut in_block = false;
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines
            .filter(|(_, line)| {
                let fence = line.trim_start().starts_with("```");
                in_block ^= fence;
                !in_block && !fence
            })
            .collect()
    }
}

/// Returns all pages. Markdown below a `src` directory is a part of another text.
fn pages() -> Vec<Page> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"])
        .current_dir(root())
        .output()
        .unwrap();
    let paths = String::from_utf8(listed.stdout).unwrap();
    let pages: Vec<Page> = paths
        .lines()
        .filter(|path| !path.contains("/src/"))
        .filter_map(|path| {
            Some(Page { path: path.to_owned(), text: std::fs::read_to_string(root().join(path)).ok()? })
        })
        .collect();
    assert!(pages.len() > 40, "only {} pages found: is the search broken?", pages.len());
    pages
}

/// Fails with all reports, if there are any.
fn assert_none(rule: &str, reports: &[String]) {
    assert!(reports.is_empty(), "{rule}:\n{}", reports.join("\n"));
}

#[test]
fn pages_have_at_most_200_lines() {
    let exempt = |page: &Page| page.is_generated() || RECORDS.contains(&page.path.as_str());
    let pages = pages().into_iter().filter(|page| !exempt(page));
    let long = pages.filter(|page| page.text.lines().count() > MAX_LINES);
    let reports: Vec<String> =
        long.map(|page| format!("{}: {} lines", page.path, page.text.lines().count())).collect();
    assert_none("Split these pages by subject", &reports);
}

#[test]
fn table_cells_have_at_most_15_words() {
    let mut reports = Vec::new();
    // Decision records compare alternatives in tables.
    let is_record = |page: &Page| RECORDS.contains(&page.path.as_str()) || page.path.starts_with("docs/adr/");
    let exempt = |page: &Page| page.is_generated() || is_record(page);
    for page in pages().iter().filter(|page| !exempt(page)) {
        for (number, line) in page.prose().into_iter().filter(|(_, line)| line.starts_with('|')) {
            let cells = line.trim_matches('|').split(" | ");
            for cell in cells.filter(|cell| cell.split_whitespace().count() > MAX_WORDS_PER_CELL) {
                reports.push(format!("{}:{number}: {}", page.path, cell.trim()));
            }
        }
    }
    assert_none("Use text or a list instead of these table cells", &reports);
}

#[test]
fn pages_begin_with_title_and_purpose() {
    let mut reports = Vec::new();
    for page in &pages() {
        let mut lines = page.text.lines();
        let title = lines.next().unwrap_or_default();
        let purpose = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let is_text = purpose.starts_with(|c: char| c.is_alphabetic() || "`[*_\"".contains(c))
            && !purpose.starts_with("* ");
        if !title.starts_with("# ") || !is_text {
            reports.push(format!("{}: {title:?} is followed by {purpose:?}", page.path));
        }
    }
    assert_none("Begin these pages with a title and a sentence that says what they answer", &reports);
}
