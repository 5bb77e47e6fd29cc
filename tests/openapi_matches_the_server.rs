//! `/openapi.json` has every route and every refusal there is, and nothing else; every problem leads to a page that
//! explains it.

use crate::support::test_user::{Answer, TestUser};
use crate::support::{RunningPortal, root};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[tokio::test]
async fn openapi_matches_the_server() {
    let up = RunningPortal::start().await;
    let somebody = TestUser::nobody(&up.url(""));
    let description = somebody.get("/openapi.json", &[]).await.is(200).body.clone();
    assert_eq!(description["openapi"], "3.1.0");
    what_is_described_is_routed_and_no_other_method(&somebody, &description).await;
    whatever_is_referred_to_is_there(&description);
    every_refusal_is_described_with_its_numbers(&description);
    every_problem_leads_to_its_page(&somebody, &description).await;
    the_page_asks_nobody_else(&up).await;
}

/// The methods of each path.
fn methods(description: &Value) -> BTreeMap<&String, BTreeSet<String>> {
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            (path, item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect())
        })
        .collect()
}

async fn what_is_described_is_routed_and_no_other_method(somebody: &TestUser, description: &Value) {
    let paths = methods(description);
    assert!(paths.len() >= 20, "{paths:?}");
    for (template, methods) in paths {
        let path = template.replace(['{', '}'], "");
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"] {
            let answer = somebody.send(method.parse().unwrap(), &path, None, &[]).await;
            let there = methods.contains(method) || (method == "HEAD" && methods.contains("GET"));
            assert_eq!(answer.status != 405, there, "{method} {path}: {answer:?}");
            assert!(!is_unknown(&answer) || path.contains("file") || path.contains("type"), "{path}");
            if !there {
                let mut allowed: BTreeSet<String> =
                    answer.header("allow").split(',').map(|method| method.trim().to_owned()).collect();
                allowed.remove("HEAD");
                assert_eq!(allowed, methods, "{path}");
                if method != "HEAD" {
                    answer.is_problem(405, "wrong_method");
                }
            }
        }
        let options = somebody.send(Method::OPTIONS, &path, None, &[]).await;
        assert!(!options.is(204).header("allow").is_empty(), "{options:?}");
    }
}

fn is_unknown(answer: &Answer) -> bool {
    answer.body["code"] == "unknown_route"
}

fn whatever_is_referred_to_is_there(description: &Value) {
    let mut look_at = vec![description];
    let mut seen = 0;
    while let Some(value) = look_at.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    assert!(description.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to}");
                    seen += 1;
                }
                look_at.extend(members.values());
            }
            Value::Array(items) => look_at.extend(items),
            _ => {}
        }
    }
    assert!(seen > 100, "{seen}");
}

/// What the sources of the rules say of refusals: the texts in the bodies of those functions.
fn texts_in(function: &str) -> BTreeSet<String> {
    fn sources(directory: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut found = Vec::new();
    sources(&root().join("lib/domain/src"), &mut found);
    sources(&root().join("lib/app/src/write"), &mut found);
    let mut texts = BTreeSet::new();
    for source in &found {
        // Of a refusal: accepted commands have facts, too, made by functions of their own.
        let source = source.replace("(self)", "(&self)");
        for body in source.split(&format!("fn {function}(&self)")).skip(1) {
            let body = &body[..body.find("\n    }\n").unwrap_or(0)];
            texts.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    texts
}

fn every_refusal_is_described_with_its_numbers(description: &Value) {
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let codes = texts_in("code");
    assert!(codes.len() > 30 && codes.contains("not_above_your_latest"), "{codes:?}");
    for code in codes {
        assert!(schemas.contains_key(&format!("Problem.{code}")), "{code} is not described");
    }
    let members: BTreeSet<&String> = schemas
        .iter()
        .filter(|(name, _)| name.starts_with("Problem."))
        .flat_map(|(_, schema)| schema["properties"].as_object().unwrap().keys())
        .collect();
    let numbers = texts_in("facts");
    assert!(numbers.contains("your_latest"), "{numbers:?}");
    for number in numbers {
        assert!(members.contains(&number), "{number} is a member of no problem that is described");
    }
}

async fn every_problem_leads_to_its_page(somebody: &TestUser, description: &Value) {
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let index = text(somebody, "/problems").await;
    for (name, schema) in schemas.iter().filter(|(name, _)| name.starts_with("Problem.")) {
        let page = schema["properties"]["type"]["enum"][0].as_str().unwrap();
        let code = name.strip_prefix("Problem.").unwrap();
        assert!(text(somebody, page).await.contains(&format!("<code>{code}</code>")), "{page}");
        assert!(index.contains(page), "{page}");
    }
    somebody.get("/problems/raffled", &[]).await.is_problem(404, "unknown_route");
}

async fn text(somebody: &TestUser, path: &str) -> String {
    let answer = reqwest::get(somebody.url(path)).await.unwrap();
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{path}");
    answer.text().await.unwrap()
}

async fn the_page_asks_nobody_else(up: &RunningPortal) {
    let page = reqwest::get(up.url("/docs")).await.unwrap();
    assert!(page.status().is_success(), "{page:?}");
    let page = page.text().await.unwrap();
    let loaded = page.split(['"', '\'']).filter(|text| text.ends_with(".js") || text.ends_with(".css"));
    let loaded: Vec<&str> = loaded.collect();
    assert!(loaded.len() >= 3, "{page}");
    for file in loaded {
        assert!(!file.contains("//"), "{file} comes from elsewhere");
        let file = file.strip_prefix("./").unwrap_or(file);
        let answer = reqwest::get(up.url(&format!("/docs/{file}"))).await.unwrap();
        assert!(answer.status().is_success(), "{file}: {answer:?}");
    }
    let settings = reqwest::get(up.url("/docs/swagger-initializer.js")).await.unwrap().text().await.unwrap();
    assert!(settings.contains("/openapi.json") && !settings.contains("petstore"), "{settings}");
}

/// What is routed besides the table would not be described.
#[test]
fn nothing_is_routed_around_the_description() {
    let table = std::fs::read_to_string(root().join("lib/http/src/routes.rs")).unwrap();
    assert!(table.contains(".routes(place_bid::endpoint())"));
    for around in [".route(", ".nest(", ".merge(", ".route_service(", ".nest_service("] {
        assert!(!table.contains(around), "{around}");
    }
}
