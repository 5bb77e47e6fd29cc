//! Problems as pages: what the URI in `type` leads to.

use super::types::{ProblemType, all};
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}\
                     code{font-family:ui-monospace,monospace}th,td{text-align:left;padding:.2rem .8rem .2rem 0}";

/// The page of one problem.
pub(crate) fn page(kind: &ProblemType) -> String {
    let ProblemType { code, status, title, happened, members, advice } = kind;
    let mut body = format!(
        "<h1>{title}</h1>\n<p>Status {status}, code <code>{code}</code></p>\n<p>{}</p>\n<h2>What to do</h2>\n\
         <p>{}</p>\n",
        marked_up(happened),
        marked_up(advice)
    );
    if !members.is_empty() {
        body.push_str("<h2>Members</h2>\n<table>\n");
        for member in *members {
            let (name, shape, about) = (member.name, member.shape.in_words(), member.about);
            let (about, shape) = (marked_up(about), marked_up(shape));
            let row = format!("<tr><th><code>{name}</code></th><td>{about}</td><td>{shape}</td></tr>");
            // Writing to a text cannot fail.
            let _ = writeln!(body, "{row}");
        }
        body.push_str("</table>\n");
    }
    body.push_str("<p><a href=\"/problems\">All problems</a></p>\n");
    document(title, &body)
}

/// The list of all of them.
pub(crate) fn index() -> String {
    let mut body =
        "<h1>Problems</h1>\n<p>What is not a success is answered as <code>application/problem+json</code> \
                    by RFC 9457. These are its types.</p>\n<table>\n"
            .to_owned();
    for kind in all() {
        let (uri, status, code) = (kind.uri(), kind.status, kind.code);
        let happened = marked_up(kind.happened);
        let row = format!(
            "<tr><td>{status}</td><td><a href=\"{uri}\"><code>{code}</code></a></td><td>{happened}</td></tr>"
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

/// Text of the table as HTML: it is ours, and has nothing that must be escaped; backquotes mark code.
fn marked_up(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_table_has_to_be_escaped() {
        for kind in all() {
            let texts = kind.members.iter().map(|member| member.about);
            for text in texts.chain([kind.title, kind.happened, kind.advice]) {
                assert!(!text.contains(['<', '>', '&', '"']), "{}: {text}", kind.code);
                assert_eq!(text.matches('`').count() % 2, 0, "{}: {text}", kind.code);
            }
        }
    }

    #[test]
    fn a_page_says_what_happened_what_it_carries_and_what_to_do() {
        let kind = super::super::types::find("not_above_your_latest").unwrap();
        let page = page(kind);
        for part in
            ["<h1>Not above your latest</h1>", "Status 409", "<code>your_latest</code>", "Bid <code>minimum"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(index().contains("<a href=\"/problems/not-above-your-latest\">"));
    }
}
