//! The domain knows nobody, the use cases know no adapter, and no library reaches across.

use crate::support::root;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Which of ours each of ours may depend on.
const ALLOWED: [(&str, &[&str]); 17] = [
    ("auction-domain", &[]),
    ("auction-promoter", &[]),
    ("worker-runtime", &[]),
    ("stream-worker", &["worker-runtime"]),
    ("auction-local-servers", &[]),
    ("auction-wire", &["auction-domain"]),
    ("auction-app", &["auction-domain", "auction-promoter", "auction-wire", "worker-runtime"]),
    ("auction-postgres", &["auction-app", "auction-domain", "auction-wire"]),
    ("auction-redis", &["auction-app", "auction-domain", "auction-wire", "stream-worker", "worker-runtime"]),
    ("auction-http", &["auction-app", "auction-domain", "auction-wire", "worker-runtime"]),
    ("auction-delivery", &["auction-app", "auction-wire"]),
    ("auction-cli", &["auction-domain", "auction-wire"]),
    (
        "auction-components",
        &[
            "auction-app",
            "auction-delivery",
            "auction-domain",
            "auction-promoter",
            "auction-http",
            "auction-postgres",
            "auction-redis",
            "auction-local-servers",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
    (
        "auction-testkit",
        &[
            "auction-app",
            "auction-domain",
            "auction-postgres",
            "auction-promoter",
            "auction-redis",
            "auction-local-servers",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
    // Like the tests, it stands on what the tests stand on.
    (
        "auction-simulation",
        &[
            "auction-app",
            "auction-domain",
            "auction-redis",
            "auction-testkit",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
    ("portal", &["auction-cli", "auction-components"]),
    (
        "auction-loadtest",
        &[
            "auction-app",
            "auction-domain",
            "auction-postgres",
            "auction-redis",
            "auction-local-servers",
            // The judge holds what happened against the plain models of the tests.
            "auction-testkit",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
];

/// What must not come in from outside, even though nobody of ours brings it.
const FORBIDDEN: [(&str, &[&str]); 4] = [
    ("auction-domain", &["serde", "tokio", "redis", "tokio-postgres"]),
    ("auction-promoter", &["tokio", "redis", "tokio-postgres", "axum"]),
    ("auction-wire", &["tokio", "redis", "tokio-postgres", "axum"]),
    ("auction-app", &["redis", "tokio-postgres", "axum", "deadpool-redis"]),
];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let normal = |dependency: &&Value| dependency["kind"].is_null();
            let found = package["dependencies"].as_array().unwrap().iter().filter(normal);
            let names = found.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

#[test]
fn dependencies_point_inward() {
    let dependencies = dependencies();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    for (package, found) in &dependencies {
        let allowed =
            allowed.get(package.as_str()).unwrap_or_else(|| panic!("{package} is not in the table"));
        let ours = found.iter().filter(|name| dependencies.contains_key(*name));
        for name in ours {
            assert!(allowed.contains(&name.as_str()), "{package} must not depend on {name}");
        }
    }
    for (package, forbidden) in FORBIDDEN {
        let found = &dependencies[package];
        assert!(forbidden.iter().all(|name| !found.contains(&(*name).to_owned())), "{package}: {found:?}");
    }
}
