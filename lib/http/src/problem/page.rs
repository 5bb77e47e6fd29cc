//! HTML pages of problem types, served at their type URIs.

use super::types::{ProblemType, all};
use auction_domain::refusal::ValueType;
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}\
                     code{font-family:ui-monospace,monospace}th,td{text-align:left;padding:.2rem .8rem .2rem 0}";

/// Renders the page of one problem type.
pub(crate) fn page(problem_type: &ProblemType) -> String {
    let ProblemType { code, status, members, resolution, .. } = problem_type;
    let (title, summary) = (problem_type.title(), problem_type.summary());
    let mut body = format!(
        "<h1>{title}</h1>\n<p>Status {status}, code <code>{code}</code></p>\n<p>{}</p>\n<h2>What to do</h2>\n\
         <p>{}</p>\n",
        to_html(&summary),
        to_html(resolution)
    );
    if !members.is_empty() {
        body.push_str("<h2>Members</h2>\n<table>\n");
        for member in *members {
            let name = member.name;
            let (description, label) = (to_html(member.description), to_html(label(member.value)));
            let row = format!("<tr><th><code>{name}</code></th><td>{description}</td><td>{label}</td></tr>");
            // Writing to a string cannot fail.
            let _ = writeln!(body, "{row}");
        }
        body.push_str("</table>\n");
    }
    body.push_str("<p><a href=\"/problems\">All problems</a></p>\n");
    document(&title, &body)
}

/// Returns the type of a member as it is printed.
fn label(value: ValueType) -> &'static str {
    match value {
        ValueType::Amount => "money: minor units and a currency",
        ValueType::Time => "time",
        ValueType::Count => "whole number",
    }
}

/// Renders the list of all problem types.
pub(crate) fn index() -> String {
    let mut body = "<h1>Problems</h1>\n<p>Errors are <code>application/problem+json</code> by RFC 9457. \
                    These are the problem types.</p>\n<table>\n"
        .to_owned();
    for problem_type in all() {
        let (uri, status, code) = (problem_type.uri(), problem_type.status, problem_type.code);
        let summary = to_html(&problem_type.summary());
        let row = format!(
            "<tr><td>{status}</td><td><a href=\"{uri}\"><code>{code}</code></a></td><td>{summary}</td></tr>"
        );
        let _ = writeln!(body, "{row}");
    }
    body.push_str("</table>\n");
    document("Problems", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n{body}</html>\n"
    )
}

/// Converts a text of the table to HTML: text in backquotes becomes code. Nothing is escaped: a test checks
/// that the table contains no characters that need it.
fn to_html(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_testkit::reference_page::ReferencePage;

    #[test]
    fn texts_of_the_table_need_no_escaping() {
        for problem_type in all() {
            let texts = problem_type.members.iter().map(|member| member.description);
            let summary = problem_type.summary();
            for text in texts.chain([&summary, problem_type.resolution]) {
                assert!(!text.contains(['<', '>', '&', '"']), "{}: {text}", problem_type.code);
                assert_eq!(text.matches('`').count() % 2, 0, "{}: {text}", problem_type.code);
            }
        }
    }

    #[test]
    fn page_contains_summary_members_and_resolution() {
        let problem_type = super::super::types::find("not_above_your_latest").unwrap();
        let page = page(problem_type);
        for part in
            ["<h1>Not above your latest</h1>", "Status 409", "<code>your_latest</code>", "Bid <code>minimum"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(index().contains("<a href=\"/problems/not-above-your-latest\">"));
    }

    #[test]
    fn problems_reference_page_is_current() {
        let mut page = ReferencePage::new(
            "problems.md",
            "Problems",
            "Which errors does the HTTP API return, and what does a client do about each? Errors are \
             `application/problem+json` by RFC 9457.",
            "the refusals that `lib/domain` declares, and `lib/http/src/problem/types/requests.rs`",
        );
        page.list(all().map(|problem_type| {
            let ProblemType { code, status, members, resolution, .. } = problem_type;
            let members = members.iter().map(|member| format!("`{}` ({})", member.name, member.description));
            let members = members.collect::<Vec<_>>().join(", ");
            let members = if members.is_empty() { members } else { format!(" Members: {members}.") };
            format!("`{code}` ({status}): {} {resolution}{members}", problem_type.summary())
        }));
        page.assert_current();
    }
}
