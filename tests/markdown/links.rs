//! Relative links lead to a file, and their anchors to a heading.

use super::{Page, assert_none, pages};
use crate::support::root;
use std::collections::HashMap;
use std::path::Path;

/// Replaces the text of code spans, which can look like links.
fn without_code(line: &str) -> String {
    let parts = line.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { part } else { "code" }).collect()
}

/// Returns the targets of the links in a line, `[text](target)` and `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    let line = without_code(line);
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let mut targets: Vec<String> = inline.map(str::to_owned).collect();
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    targets.extend(definition.map(|(_, target)| target.trim().to_owned()));
    targets
}

/// Returns the anchors of the headings of a page, as GitHub makes them.
fn anchors(page: &Page) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = page.prose().into_iter().filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let anchor = anchor(line.trim_start_matches('#'));
            let repeats = seen.entry(anchor.clone()).or_default();
            *repeats += 1;
            if *repeats > 1 { format!("{anchor}-{}", *repeats - 1) } else { anchor }
        })
        .collect()
}

fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    let text: String = heading.trim().chars().filter(kept).collect();
    text.to_lowercase().replace(' ', "-")
}

#[test]
fn relative_links_resolve() {
    let pages = pages();
    let (mut checked, mut reports) = (0, Vec::new());
    for page in &pages {
        let directory = Path::new(&page.path).parent().unwrap();
        for (number, line) in page.prose() {
            let is_relative = |target: &String| !target.contains("://") && !target.starts_with("mailto:");
            for target in targets(line).into_iter().filter(is_relative) {
                checked += 1;
                let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
                let file =
                    if path.is_empty() { root().join(&page.path) } else { root().join(directory).join(path) };
                let mut report =
                    |what: &str| reports.push(format!("{}:{number}: {target}: {what}", page.path));
                let Ok(file) = file.canonicalize() else {
                    report("no such file");
                    continue;
                };
                let is_file =
                    |page: &&Page| root().join(&page.path).canonicalize().is_ok_and(|path| path == file);
                // Anchors of other files than pages, such as lines of source code, are not checked.
                let Some(to) = pages.iter().find(is_file) else { continue };
                if !anchor.is_empty() && !anchors(to).iter().any(|known| known == anchor) {
                    report("no such heading");
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} links found: is the search broken?");
    assert_none("Correct these links", &reports);
}

#[test]
fn anchors_are_those_of_github() {
    let text = "# A `code` title, with … marks\n```\n# no heading\n```\n## … a view\n## … a view\n";
    let page = Page { path: String::new(), text: text.to_owned() };
    assert_eq!(anchors(&page), ["a-code-title-with--marks", "-a-view", "-a-view-1"]);
    assert_eq!(targets("[`a](b)`](c.md#d) and [e](f)"), ["c.md#d", "f"]);
}
