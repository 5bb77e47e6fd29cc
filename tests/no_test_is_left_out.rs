//! Some crates have all test files in one program. There, a file that is not declared in `main.rs` would
//! silently never run.

use crate::support::root;
use std::collections::BTreeSet;
use std::path::Path;

/// Returns the names of the test files and directories in a directory, except `main`.
fn test_modules(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let modules =
        entries.filter(|path| path.extension().is_some_and(|it| it == "rs") || path.join("mod.rs").exists());
    let names = modules.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    names.filter(|name| name != "main").collect()
}

#[test]
fn test_files_are_declared_in_their_main() {
    let mut checked = 0;
    for directory in ["tests", "lib/app/tests", "lib/postgres/tests", "lib/redis/tests", "tests/kit/tests"] {
        let directory = root().join(directory);
        let program = std::fs::read_to_string(directory.join("main.rs")).unwrap();
        let declared = program.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        let declared: BTreeSet<String> = declared.map(str::to_owned).collect();
        assert_eq!(test_modules(&directory), declared, "{}", directory.display());
        checked += declared.len();
    }
    assert!(checked > 80, "only {checked} files found: is the search broken?");
}
