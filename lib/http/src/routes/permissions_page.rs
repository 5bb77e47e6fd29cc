//! The permissions page, `docs/reference/permissions.md`.

use super::endpoints;
use crate::access::{AuthMethod, Principal};
use crate::openapi::Endpoint;
use auction_app::ports::people::{Role, TokenHash};
use auction_domain::UserId;
use auction_testkit::reference_page::ReferencePage;

/// Returns the method of an endpoint in upper case.
pub(super) fn method(endpoint: &Endpoint) -> String {
    let method = serde_json::to_value(&endpoint.method).unwrap();
    method.as_str().unwrap().to_uppercase()
}

/// Renders the page from the access rules of the endpoints.
fn render() -> ReferencePage {
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
    let mut page = ReferencePage::new(
        "permissions.md",
        "Permissions",
        "Who may call which endpoint?",
        "the access rule of each endpoint (`Access` in `lib/http/src/access.rs`)",
    );
    page.paragraph(include_str!("permissions_page/intro.md"));
    let head = ["method", "path", "anonymous", "bidder", "seller", "operator", "service"];
    page.table(
        head,
        endpoints().iter().map(|endpoint| {
            let [anonymous, bidder, seller, operator, service] =
                callers.each_ref().map(|caller| match endpoint.access.check(caller) {
                    Ok(()) => "yes".to_owned(),
                    Err(problem) => format!("{} {}", problem.status().as_u16(), problem.code()),
                });
            let path = format!("`{}`", endpoint.path);
            [method(endpoint), path, anonymous, bidder, seller, operator, service]
        }),
    );
    page
}

#[test]
fn permissions_page_matches_the_routes() {
    render().assert_current();
}
