//! `/openapi.json` describes exactly the existing routes and refusals, and every problem type has a page that
//! explains it.

use crate::support::test_user::{HttpResponse, TestUser};
use crate::support::{RunningPortal, root};
use auction_wire::command::REFUSALS;
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn openapi_describes_the_running_server() {
    let up = RunningPortal::start().await;
    let anonymous = TestUser::anonymous(&up.url(""));
    let description = anonymous.get("/openapi.json", &[]).await.assert_status(200).body.clone();
    assert_eq!(description["openapi"], "3.1.0");
    described_methods_are_routed_and_no_others(&anonymous, &description).await;
    references_resolve(&description);
    refusals_are_described_with_their_details(&description);
    problem_types_lead_to_their_page(&anonymous, &description).await;
    docs_page_loads_only_local_files(&up).await;
}

/// Returns the described methods of each path.
fn methods(description: &Value) -> BTreeMap<&String, BTreeSet<String>> {
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            (path, item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect())
        })
        .collect()
}

async fn described_methods_are_routed_and_no_others(anonymous: &TestUser, description: &Value) {
    let paths = methods(description);
    assert!(paths.len() >= 20, "{paths:?}");
    for (template, methods) in paths {
        let path = template.replace(['{', '}'], "");
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"] {
            let response = anonymous.send(method.parse().unwrap(), &path, None, &[]).await;
            let described = methods.contains(method) || (method == "HEAD" && methods.contains("GET"));
            assert_eq!(response.status != 405, described, "{method} {path}: {response:?}");
            assert!(!is_unknown_route(&response) || path.contains("file") || path.contains("type"), "{path}");
            if !described {
                let mut allowed: BTreeSet<String> =
                    response.header("allow").split(',').map(|method| method.trim().to_owned()).collect();
                allowed.remove("HEAD");
                assert_eq!(allowed, methods, "{path}");
                if method != "HEAD" {
                    response.assert_problem(405, "wrong_method");
                }
            }
        }
        let options = anonymous.send(Method::OPTIONS, &path, None, &[]).await;
        assert!(!options.assert_status(204).header("allow").is_empty(), "{options:?}");
    }
}

fn is_unknown_route(response: &HttpResponse) -> bool {
    response.body["code"] == "unknown_route"
}

fn references_resolve(description: &Value) {
    let mut unvisited = vec![description];
    let mut seen = 0;
    while let Some(value) = unvisited.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    assert!(description.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to}");
                    seen += 1;
                }
                unvisited.extend(members.values());
            }
            Value::Array(items) => unvisited.extend(items),
            _ => {}
        }
    }
    assert!(seen > 100, "{seen}");
}

fn refusals_are_described_with_their_details(description: &Value) {
    for refusal in REFUSALS.iter().flat_map(|(_, refusals)| *refusals) {
        let schema = &description["components"]["schemas"][format!("Problem.{}", refusal.code)];
        assert_eq!(schema["properties"]["code"]["enum"][0], refusal.code);
        for detail in refusal.details {
            let described = &schema["properties"][detail.name]["description"];
            assert_eq!(described, detail.description, "{} {}", refusal.code, detail.name);
        }
    }
}

async fn problem_types_lead_to_their_page(anonymous: &TestUser, description: &Value) {
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let index = page_text(anonymous, "/problems").await;
    for (name, schema) in schemas.iter().filter(|(name, _)| name.starts_with("Problem.")) {
        let page = schema["properties"]["type"]["enum"][0].as_str().unwrap();
        let code = name.strip_prefix("Problem.").unwrap();
        assert!(page_text(anonymous, page).await.contains(&format!("<code>{code}</code>")), "{page}");
        assert!(index.contains(page), "{page}");
    }
    anonymous.get("/problems/raffled", &[]).await.assert_problem(404, "unknown_route");
}

async fn page_text(anonymous: &TestUser, path: &str) -> String {
    let response = reqwest::get(anonymous.url(path)).await.unwrap();
    assert!(response.status().is_success(), "{path}: {response:?}");
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8", "{path}");
    response.text().await.unwrap()
}

async fn docs_page_loads_only_local_files(up: &RunningPortal) {
    let page = reqwest::get(up.url("/docs")).await.unwrap();
    assert!(page.status().is_success(), "{page:?}");
    let page = page.text().await.unwrap();
    let loaded = page.split(['"', '\'']).filter(|text| text.ends_with(".js") || text.ends_with(".css"));
    let loaded: Vec<&str> = loaded.collect();
    assert!(loaded.len() >= 3, "{page}");
    for file in loaded {
        assert!(!file.contains("//"), "{file} is loaded from another host");
        let file = file.strip_prefix("./").unwrap_or(file);
        let response = reqwest::get(up.url(&format!("/docs/{file}"))).await.unwrap();
        assert!(response.status().is_success(), "{file}: {response:?}");
    }
    let settings = reqwest::get(up.url("/docs/swagger-initializer.js")).await.unwrap().text().await.unwrap();
    assert!(settings.contains("/openapi.json") && !settings.contains("petstore"), "{settings}");
}

/// Routes that are registered in another way would not be described.
#[test]
fn routes_are_registered_only_with_a_description() {
    let table = std::fs::read_to_string(root().join("lib/http/src/routes.rs")).unwrap();
    assert!(table.contains("bids::place_endpoint(),"));
    for bypass in [".route(", ".nest(", ".merge(", ".route_service(", ".nest_service("] {
        assert!(!table.contains(bypass), "{bypass}");
    }
}
