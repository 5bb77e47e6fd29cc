//! Where the tests of a crate are one program, a file that its `main.rs` does not name would never run, and nobody would be told.

use crate::support::root;
use std::collections::BTreeSet;
use std::path::Path;

/// The files and directories with tests in here, but for the program itself.
fn there(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let modules =
        entries.filter(|path| path.extension().is_some_and(|it| it == "rs") || path.join("mod.rs").exists());
    let names = modules.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    names.filter(|name| name != "main").collect()
}

#[test]
fn every_file_of_tests_is_in_its_program() {
    let mut looked_at = 0;
    for directory in ["tests", "lib/app/tests", "lib/postgres/tests", "lib/redis/tests", "tests/kit/tests"] {
        let directory = root().join(directory);
        let program = std::fs::read_to_string(directory.join("main.rs")).unwrap();
        let named = program.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        let named: BTreeSet<String> = named.map(str::to_owned).collect();
        assert_eq!(there(&directory), named, "{}", directory.display());
        looked_at += named.len();
    }
    assert!(looked_at > 80, "{looked_at}");
}
