//! Pages of `docs/reference` that are generated from the code. A test renders each page and compares it with
//! the file; `make reference` (`UPDATE_REFERENCE=1`) writes the files.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Sentence that marks a generated page.
pub const GENERATED: &str = "To update this page, run `make reference`.";

/// Generated page in Markdown.
pub struct ReferencePage {
    file: &'static str,
    text: String,
}

impl ReferencePage {
    /// Starts a page with its title, what it answers, and what it is generated from.
    pub fn new(file: &'static str, title: &str, purpose: &str, source: &str) -> ReferencePage {
        let text = format!("# {title}\n\n{purpose}\n\nGenerated from {source}. {GENERATED}\n");
        ReferencePage { file, text }
    }

    /// Adds a heading; `level` is the number of `#`.
    pub fn heading(&mut self, level: usize, text: &str) {
        self.paragraph(&format!("{} {text}", "#".repeat(level)));
    }

    /// Adds text that is Markdown already, after an empty line. Empty text adds nothing.
    pub fn paragraph(&mut self, text: &str) {
        if !text.trim().is_empty() {
            write!(self.text, "\n{}\n", text.trim()).unwrap();
        }
    }

    /// Adds a list, after an empty line. Further lines of an item are indented.
    pub fn list(&mut self, items: impl IntoIterator<Item = String>) {
        let items: Vec<String> =
            items.into_iter().map(|item| format!("* {}\n", item.trim().replace('\n', "\n  "))).collect();
        self.paragraph(&items.concat());
    }

    /// Adds a table, after an empty line. Without rows it adds nothing.
    pub fn table<const N: usize>(&mut self, head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
        let line = |cells: [String; N]| {
            let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " ").trim().to_owned());
            format!("| {} |\n", cells.join(" | "))
        };
        let rows: Vec<String> = rows.into_iter().map(line).collect();
        if !rows.is_empty() {
            let head = line(head.map(str::to_owned));
            self.paragraph(&format!("{head}|{}\n{}", "---|".repeat(N), rows.concat()));
        }
    }

    /// Asserts that the file is equal to the page. With `UPDATE_REFERENCE=1` the file is written first.
    pub fn assert_current(self) {
        let ReferencePage { file, text } = self;
        let path = directory().join(file);
        if std::env::var("UPDATE_REFERENCE").is_ok_and(|update| update == "1") {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = written.lines().zip(text.lines()).find(|(old, new)| old != new);
        assert!(
            written == text,
            "docs/reference/{file} is stale: run `make reference` and review the changes. First \
             difference, written and generated: {differs:?}"
        );
    }
}

/// Returns the directory `docs/reference` of the repository.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference")
}
