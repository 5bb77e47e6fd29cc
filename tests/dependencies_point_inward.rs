//! Dependencies point inward: the domain depends on nothing, the use cases on no adapter, and no library reaches across.

use crate::support::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Crates of the workspace, and the crates of the workspace that each may depend on.
const ALLOWED: [(&str, &[&str]); 19] = [
    ("auction-domain", &[]),
    ("auction-promoter", &[]),
    ("worker-runtime", &[]),
    ("stream-worker", &["worker-runtime"]),
    ("auction-local-servers", &[]),
    ("auction-durability", &[]),
    ("auction-wire", &["auction-domain"]),
    ("auction-app", &["auction-domain", "auction-promoter", "auction-wire", "worker-runtime"]),
    (
        "auction-postgres",
        &["auction-app", "auction-domain", "auction-durability", "auction-wire", "worker-runtime"],
    ),
    (
        "auction-redis",
        &[
            "auction-app",
            "auction-domain",
            "auction-durability",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
    (
        "auction-http",
        &["auction-app", "auction-domain", "auction-promoter", "auction-wire", "worker-runtime"],
    ),
    ("auction-delivery", &["auction-app", "auction-wire"]),
    ("auction-cli", &["auction-domain", "auction-wire"]),
    (
        "auction-components",
        &[
            "auction-app",
            "auction-delivery",
            "auction-domain",
            "auction-durability",
            "auction-http",
            "auction-local-servers",
            "auction-postgres",
            "auction-promoter",
            "auction-redis",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
    ("auction-oracle", &["auction-domain", "auction-wire"]),
    (
        "auction-testkit",
        &[
            "auction-app",
            "auction-domain",
            "auction-local-servers",
            "auction-postgres",
            "auction-promoter",
            "auction-redis",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
    (
        "auction-simulation",
        &[
            "auction-app",
            "auction-domain",
            "auction-oracle",
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
            "auction-local-servers",
            // The checker compares a run with the model of the tests.
            "auction-oracle",
            "auction-postgres",
            "auction-redis",
            "auction-testkit",
            "auction-wire",
            "stream-worker",
            "worker-runtime",
        ],
    ),
];

/// Packages that a crate must not depend on, directly or through others.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("auction-domain", &["tokio", "redis", "tokio-postgres", "axum"]),
    ("auction-promoter", &["tokio", "redis", "tokio-postgres", "axum"]),
    ("auction-wire", &["tokio", "redis", "tokio-postgres", "axum"]),
    ("worker-runtime", &["redis", "tokio-postgres", "axum"]),
    ("stream-worker", &["tokio-postgres", "axum"]),
    ("auction-app", &["redis", "deadpool-redis", "tokio-postgres", "deadpool-postgres", "axum", "hyper"]),
];

/// Runs cargo on the workspace, without the network.
fn cargo(args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO"));
    let output = command.args(args).arg("--offline").current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Direct dependencies of each crate of the workspace, other than for tests and builds.
fn direct_dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
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

/// Packages that a crate depends on, directly or through others.
fn all_dependencies(package: &str) -> BTreeSet<String> {
    let tree = cargo(&["tree", "--package", package, "--edges", "normal", "--prefix", "none"]);
    let tree = String::from_utf8(tree).unwrap();
    tree.lines().skip(1).filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn crates_depend_only_on_allowed_crates() {
    let dependencies = direct_dependencies();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    for (package, found) in &dependencies {
        let allowed =
            allowed.get(package.as_str()).unwrap_or_else(|| panic!("{package} is not in the table"));
        for name in found.iter().filter(|name| dependencies.contains_key(*name)) {
            assert!(allowed.contains(&name.as_str()), "{package} must not depend on {name}");
        }
    }
}

#[test]
fn inner_crates_have_no_forbidden_dependency() {
    // The ranked set of the domain depends on serde; the domain itself must not.
    assert!(!direct_dependencies()["auction-domain"].contains(&"serde".to_owned()));
    for (package, forbidden) in FORBIDDEN {
        let found = all_dependencies(package);
        for name in forbidden {
            assert!(
                !found.contains(*name),
                "{package} must not depend on {name}: cargo tree -p {package} -i {name}"
            );
        }
    }
}

/// Rust files below a folder, with their path relative to it.
fn rust_files(folder: &Path, below: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder.join(below)).unwrap() {
        let path = below.join(entry.unwrap().file_name());
        if folder.join(&path).is_dir() {
            rust_files(folder, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(folder.join(&path)).unwrap();
            found.push((path.to_str().unwrap().to_owned(), source));
        }
    }
}

/// Top-level modules of the use cases, with the others that each names.
fn imports_of_use_cases() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    rust_files(&root().join("lib/app/src"), Path::new(""), &mut files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, source) in files {
        let module = path.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for named in line.split("crate::").skip(1) {
                let end = named.find(|c: char| c != '_' && !c.is_ascii_lowercase()).unwrap_or(named.len());
                imports.entry(module.clone()).or_default().insert(named[..end].to_owned());
            }
        }
    }
    for (module, named) in &mut imports {
        named.remove(module);
    }
    imports
}

#[test]
fn use_cases_import_each_other_without_circles() {
    let mut imports = imports_of_use_cases();
    assert!(imports["writer"].contains("ports"), "imports are read: {imports:?}");
    // Modules whose imports are all gone are taken away until none is left, or a circle.
    while !imports.is_empty() {
        let present: BTreeSet<String> = imports.keys().cloned().collect();
        let before = imports.len();
        imports.retain(|_, named| named.intersection(&present).next().is_some());
        assert!(imports.len() < before, "a circle of modules, among {imports:?}");
    }
}

#[test]
fn use_cases_name_no_backend_product() {
    let mut files = Vec::new();
    rust_files(&root().join("lib/app/src"), Path::new(""), &mut files);
    for (path, source) in files {
        for (number, line) in source.lines().enumerate() {
            // The metric is named for operators, who know the server.
            let text = line.to_lowercase().replace("auction_redis_memory_used_ratio", "");
            for product in ["redis", "postgres", "ap:{"] {
                assert!(!text.contains(product), "lib/app/src/{path}:{}: {product}: {line}", number + 1);
            }
        }
    }
}
