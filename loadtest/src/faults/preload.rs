//! Small C libraries that are preloaded into programs. They are compiled with the C compiler that the build needs
//! anyway.

use crate::Failure;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Directory of a local server as the server sees it. It can enter no other one.
const SERVER_DIR: &str = "/proc/self/fd/9";

/// Compiles a library in a directory, and returns its path.
pub(crate) fn compile(directory: &Path, name: &str, code: &str) -> Result<PathBuf, Failure> {
    let (source, library) = (directory.join(format!("{name}.c")), directory.join(format!("{name}.so")));
    std::fs::write(&source, code)?;
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
    let compiled = cc.output().map_err(|error| format!("cc: {error}"))?;
    if !compiled.status.success() {
        return Err(format!("cc: {}", String::from_utf8_lossy(&compiled.stderr)).into());
    }
    Ok(library)
}

/// Creates a file that a server of another user can write.
pub(crate) fn writable(file: &Path, content: &[u8]) -> Result<(), Failure> {
    std::fs::write(file, content)?;
    Ok(std::fs::set_permissions(file, PermissionsExt::from_mode(0o666))?)
}

/// Returns the environment of a local server that preloads libraries of its directory, and finds files there.
pub(crate) fn of_server(libraries: &[&str], files: &[(&str, &str)]) -> Vec<(String, String)> {
    let path = |name: &str| format!("{SERVER_DIR}/{name}");
    let libraries: Vec<_> = libraries.iter().map(|library| path(library)).collect();
    let files = files.iter().map(|(name, file)| ((*name).to_owned(), path(file)));
    files.chain([("LD_PRELOAD".to_owned(), libraries.join(":"))]).collect()
}
