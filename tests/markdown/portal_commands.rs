//! Commands that a text names, such as `portal streams repair`, exist with their options. Tests of
//! `tests/documented_commands.rs` run the commands in blocks.

use super::{assert_none, pages};
use crate::support::root;

/// Returns what is wrong with a code span that names a command of `portal`, by the generated reference page.
fn error(span: &str, reference: &str) -> Option<String> {
    let arguments = span.strip_prefix("target/release/").unwrap_or(span).strip_prefix("portal ")?;
    let is_name =
        |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let names: Vec<&str> = arguments.split_whitespace().take_while(is_name).collect();
    let heading = |count: usize| format!("\n## portal {}", names[..count].join(" "));
    let count = (1..=names.len()).rev().find(|count| reference.contains(&format!("{}\n", heading(*count))));
    // Options alone are those of every command. A word after a command with subcommands is one of them.
    let has_subcommand = |count: usize| reference.contains(&format!("{} ", heading(count)));
    let section = match count {
        None if names.is_empty() => reference,
        Some(count) if count == names.len() || !has_subcommand(count) => {
            reference.split_once(&format!("{}\n", heading(count)))?.1
        }
        _ => return Some(format!("`{span}`: there is no such command")),
    };
    let section = section.split("\n## ").next().unwrap_or_default();
    let known: Vec<&str> = section.split([' ', '\n', ',', '[', ']']).collect();
    let mut options = arguments.split_whitespace().filter(|word| word.starts_with("--"));
    let unknown = options.find(|option| !known.contains(&option.split('=').next().unwrap_or_default()))?;
    Some(format!("`{span}`: there is no option {unknown}"))
}

#[test]
fn portal_commands_in_text_exist() {
    let reference = std::fs::read_to_string(root().join("docs/reference/cli.md")).unwrap();
    let (mut found, mut reports) = (0, Vec::new());
    // The changelog and the records also name commands of their time.
    let is_current = |path: &str| path != "CHANGELOG.md" && !path.starts_with("docs/adr/");
    for page in pages().iter().filter(|page| is_current(&page.path)) {
        let prose: Vec<&str> = page.prose().into_iter().map(|(_, line)| line).collect();
        for span in prose.join(" ").split('`').skip(1).step_by(2) {
            found += usize::from(span.contains("portal "));
            reports.extend(error(span, &reference).map(|error| format!("{}: {error}", page.path)));
        }
    }
    assert!(found > 20, "only {found} commands found: is the search broken?");
    assert_none("Name the commands that `portal --help` lists", &reports);
}

#[test]
fn unknown_commands_and_options_are_reported() {
    let reference = "# C\n\n## portal\n\n--url <URL>\n\n## portal streams\n\n## portal streams repair\n\n  --yes\n\n## portal x\n";
    assert_eq!(error("portal streams repair --yes", reference), None);
    assert_eq!(error("other text", reference), None);
    assert!(error("portal streams fix", reference).unwrap().contains("no such command"));
    assert!(error("portal x --yes", reference).unwrap().contains("no option --yes"));
}
