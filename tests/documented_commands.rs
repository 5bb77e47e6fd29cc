//! Runs the shell blocks of the README's first auction, and of every page that states so, against one portal.
//!
//! A page takes part by the sentence `A test runs the commands of this page.` `support::page` compares what its
//! commands print with the page.

use crate::support::page::Reader;
use crate::support::receiver::WebhookReceiver;
use crate::support::{RunningPortal, free_address, root};
use std::path::{Path, PathBuf};

const MARK: &str = "A test runs the commands of this page.";

/// Pages with the mark whose commands run in a test of their own, because they need certain data.
const OTHER_TESTS: [&str; 3] =
    ["docs/how-to/find-what-is-stuck.md", "docs/how-to/inspect-streams.md", "docs/how-to/parked-events.md"];

/// Returns the pages of a directory and those below it.
fn markdown_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let pages = |path: PathBuf| if path.is_dir() { markdown_in(&path) } else { vec![path] };
    let mut pages: Vec<PathBuf> = entries.flat_map(pages).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    pages
}

/// Returns the pages with the mark: path and text.
fn marked_pages() -> Vec<(String, String)> {
    let pages = markdown_in(&root().join("docs")).into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), text)
    });
    let is_marked =
        |(_, text): &(String, String)| text.split_whitespace().collect::<Vec<_>>().join(" ").contains(MARK);
    pages.filter(is_marked).collect()
}

#[tokio::test]
async fn documented_commands_work_as_written() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, first_auction) = readme.split_once("## A first auction\n").unwrap();
    let first_auction = first_auction.split("\n## ").next().unwrap().to_owned();
    let mut pages = marked_pages();
    for page in OTHER_TESTS {
        assert!(pages.iter().any(|(path, _)| path == page), "{page} has no mark");
    }
    pages.retain(|(path, _)| !OTHER_TESTS.contains(&path.as_str()));
    assert!(pages.len() >= 10, "only {} pages have the mark", pages.len());

    // The receiver of webhooks is at a private address without TLS.
    let allowed = ["ALLOW_HTTP", "ALLOW_PRIVATE_ADDRESSES"].map(|name| format!("AUCTION__WEBHOOKS__{name}"));
    let up = RunningPortal::start_with(&allowed.each_ref().map(|name| (name.as_str(), "true"))).await;
    let receiver = WebhookReceiver::start().await;
    let reader = || Reader::of(&up).replacing("https://example.org/hook", &receiver.url);
    let listen = free_address();
    let operator = Reader::of(&up)
        .replacing("0.0.0.0:8080", &listen)
        .replacing("localhost:8080", &listen)
        .replacing("127.0.0.1:9100", &free_address())
        .with_variable("REDIS_URL", &up.backend_url("redis_url"))
        .with_variable("DATABASE_URL", &up.backend_url("database_url"));
    let (user, listener) = (reader(), reader());
    // The page of live updates mostly waits.
    let (listening, others): (Vec<_>, Vec<_>) =
        pages.into_iter().partition(|(path, _)| path == "docs/how-to/live-updates.md");
    let listening = tokio::task::spawn_blocking(move || {
        listening.iter().for_each(|(path, text)| listener.assert_true(path, text));
    });
    let others = tokio::task::spawn_blocking(move || {
        user.assert_true("README.md", &first_auction);
        for (path, text) in &others {
            let has_own_backends = path == "docs/how-to/run-in-production.md";
            (if has_own_backends { &operator } else { &user }).assert_true(path, text);
        }
    });
    others.await.unwrap();
    listening.await.unwrap();
}
