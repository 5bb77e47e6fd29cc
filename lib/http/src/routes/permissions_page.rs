//! The permissions page, `docs/reference/permissions.md`.

use super::endpoints;
use crate::access::{AuthMethod, Principal};
use auction_app::ports::people::{Role, TokenHash};
use auction_domain::UserId;

/// Renders the page in Markdown, from the access rules of the endpoints.
fn render() -> String {
    let token = TokenHash([0; 32]);
    let user = |role| Principal {
        user: Some(UserId(uuid::Uuid::nil())),
        role: Some(role),
        auth_method: AuthMethod::Session(token),
    };
    let service = Principal {
        auth_method: AuthMethod::ApiKey { key: token, per_second: None },
        ..Principal::ANONYMOUS
    };
    let callers =
        [Principal::ANONYMOUS, user(Role::Bidder), user(Role::Seller), user(Role::Operator), service];
    let mut page = include_str!("permissions_page/intro.md").to_owned();
    page.push_str("| method | path | anonymous | bidder | seller | operator | service |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for endpoint in endpoints() {
        let method = serde_json::to_value(&endpoint.method).unwrap();
        let (method, path) = (method.as_str().unwrap().to_uppercase(), endpoint.path);
        let cells = callers.iter().map(|caller| match endpoint.access.check(caller) {
            Ok(()) => " yes |".to_owned(),
            Err(problem) => format!(" {} {} |", problem.status().as_u16(), problem.code()),
        });
        page.push_str(&format!("| {method} | `{path}` |{}\n", cells.collect::<String>()));
    }
    page
}

#[test]
fn permissions_page_matches_the_routes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/permissions.md");
    let page = render();
    if std::env::var("UPDATE_PERMISSIONS").is_ok_and(|update| update == "1") {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/permissions.md is stale: run this test with UPDATE_PERMISSIONS=1 and review the changes"
    );
}
