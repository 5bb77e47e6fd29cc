//! Code references such as `auction_app::writer::decider::Decider` name items that exist.

use super::{assert_none, pages};
use crate::support::root;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Returns the source directory of each crate of the workspace, by the name that code uses.
fn crates() -> BTreeMap<String, PathBuf> {
    let mut crates = BTreeMap::new();
    for parent in ["lib", "tests", "."] {
        for entry in std::fs::read_dir(root().join(parent)).unwrap() {
            let directory = entry.unwrap().path();
            let Ok(manifest) = std::fs::read_to_string(directory.join("Cargo.toml")) else { continue };
            let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
            crates.extend(name.map(|name| (name.replace('-', "_"), directory.join("src"))));
        }
    }
    crates
}

/// Returns whether a code span has the form `crate::module::Item`, with or without `()`.
fn is_path(code: &str) -> bool {
    let segments: Vec<&str> = code.trim_end_matches("()").split("::").collect();
    let is_name = |text: &&str| text.starts_with(char::is_alphabetic) && text.chars().all(is_name_character);
    segments.len() > 1 && segments.iter().all(is_name)
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns whether the path below the source of a crate names a module, an item of it, or a member of an item.
fn exists(source: &Path, path: &str) -> bool {
    let mut segments: Vec<&str> = path.trim_end_matches("()").split("::").collect();
    let (mut directory, mut file) = (source.to_owned(), source.join("lib.rs"));
    if !file.exists() {
        file = source.join("main.rs");
    }
    while let Some(module) = segments.first() {
        let candidates = [directory.join(format!("{module}.rs")), directory.join(module).join("mod.rs")];
        let Some(found) = candidates.into_iter().find(|file| file.exists()) else { break };
        directory = directory.join(module);
        file = found;
        segments.remove(0);
    }
    let text = std::fs::read_to_string(file).unwrap();
    match segments[..] {
        [] => true,
        [item] => declares(&text, item),
        [item, member] => declares(&text, item) && has_member(&text, &directory, member),
        _ => false,
    }
}

/// Returns whether a module declares or re-exports an item.
fn declares(source: &str, item: &str) -> bool {
    let kinds = ["struct", "enum", "trait", "fn", "type", "const", "static", "union", "mod", "macro_rules!"];
    let is_declared = kinds.iter().any(|kind| follows(source, &format!("{kind} {item}")));
    let mut exports = source.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    is_declared || exports.any(|export| export.split(|c| !is_name_character(c)).any(|name| name == item))
}

/// Returns whether a type of this module, or of a module below it, has a method, constant, variant or field.
fn has_member(source: &str, directory: &Path, member: &str) -> bool {
    let is_member = |line: &str| {
        let line = line.trim().trim_start_matches("pub ");
        line.strip_prefix(member)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([',', '(', ' ', ':']))
    };
    let declares_member = |source: &str| declares(source, member) || source.lines().any(is_member);
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut below = files.filter_map(|file| std::fs::read_to_string(file).ok());
    declares_member(source) || below.any(|source| declares_member(&source))
}

/// Returns whether a text occurs and no name continues after it.
fn follows(source: &str, declaration: &str) -> bool {
    source.split(declaration).skip(1).any(|rest| !rest.starts_with(is_name_character))
}

#[test]
fn code_references_exist() {
    let crates = crates();
    let (mut checked, mut reports) = (0, Vec::new());
    for page in pages() {
        let spans = page
            .prose()
            .into_iter()
            .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |code| (number, code)));
        for (number, code) in spans.filter(|(_, code)| is_path(code)) {
            let (name, path) = code.split_once("::").unwrap();
            let Some(source) = crates.get(name) else { continue };
            checked += 1;
            if !exists(source, path) {
                reports.push(format!("{}:{number}: {code}", page.path));
            }
        }
    }
    assert!(checked > 100, "only {checked} references found");
    assert_none("Correct these references to code", &reports);
}

#[test]
fn code_references_find_items_and_miss_others() {
    let app = &crates()["auction_app"];
    for path in ["writer", "writer::decider", "writer::decider::Decider", "instrumentation::describe()"] {
        assert!(exists(app, path), "{path}");
    }
    for path in ["reader", "writer::decider::Decide", "instrumentation::desc", "writer::a::b::c"] {
        assert!(!exists(app, path), "{path}");
    }
    let worker = &crates()["stream_worker"];
    assert!(exists(worker, "GroupConsumer"), "re-exports are found");
    assert!(exists(worker, "StreamError::unexpected") && exists(worker, "StreamError::Redis"));
    assert!(!exists(worker, "StreamError::Postgres"));
    assert!(is_path("auction_app::writer") && !is_path("a::<B>::c") && !is_path("single"));
}
