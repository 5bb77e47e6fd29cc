//! Finds programs: on PATH first, then in directories where distributions install them.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ServersError;

const POSTGRES_DIRS: &str = "PATH, /usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, /usr/local";
const REDIS_DIRS: &str = "PATH, /usr/local/bin, /usr/bin";

/// Finds `redis-server` or the compatible `valkey-server`.
pub(crate) fn redis_server() -> Result<PathBuf, ServersError> {
    let missing = ServersError::NotInstalled {
        program: "redis-server",
        looked_in: REDIS_DIRS,
        package: "redis-server",
    };
    first_of(&["redis-server", "valkey-server"]).ok_or(missing)
}

/// Finds `setpriv`, which sets the parent-death signal and the user of a server.
pub(crate) fn setpriv() -> Result<PathBuf, ServersError> {
    let missing = ServersError::NotInstalled {
        program: "setpriv",
        looked_in: "PATH, /usr/local/bin, /usr/bin",
        package: "util-linux",
    };
    first_of(&["setpriv"]).ok_or(missing)
}

/// Returns the command for a client program: its name if it is on PATH, else its path.
pub(crate) fn client(names: &[&str], beside: &Path) -> String {
    let on_path = |name: &&&str| path_dirs().iter().any(|dir| is_program(&dir.join(name)));
    if let Some(name) = names.iter().find(on_path) {
        return (*name).to_owned();
    }
    let beside = names.iter().map(|name| beside.join(name)).find(|path| is_program(path));
    beside.map_or_else(
        || names.first().copied().unwrap_or_default().to_owned(),
        |path| path.display().to_string(),
    )
}

/// Returns the directory with `postgres` and `initdb`: of the version that created `database` if it exists,
/// else of the newest version.
pub(crate) fn postgres_bin_dir(database: &Path) -> Result<PathBuf, ServersError> {
    let mut found = postgres_dirs().into_iter().filter(|dir| has_postgres(dir)).peekable();
    if found.peek().is_none() {
        return Err(ServersError::NotInstalled {
            program: "PostgreSQL",
            looked_in: POSTGRES_DIRS,
            package: "postgresql",
        });
    }
    let Ok(wanted) = fs::read_to_string(database.join("PG_VERSION")) else {
        return found.next().ok_or_else(|| version_missing(database, ""));
    };
    let wanted = wanted.trim();
    found
        .find(|dir| major_version(dir).as_deref() == Some(wanted))
        .ok_or_else(|| version_missing(database, wanted))
}

fn version_missing(database: &Path, wanted: &str) -> ServersError {
    ServersError::PostgresVersion { path: database.to_owned(), wanted: wanted.to_owned() }
}

fn first_of(names: &[&str]) -> Option<PathBuf> {
    let mut dirs = path_dirs();
    dirs.extend(["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"].map(PathBuf::from));
    names.iter().find_map(|name| dirs.iter().map(|dir| dir.join(name)).find(|path| is_program(path)))
}

fn path_dirs() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|dir| dir.is_absolute()).collect()
}

fn postgres_dirs() -> Vec<PathBuf> {
    let mut dirs = path_dirs();
    let mut versioned = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse::<f64>().ok());
            versioned.extend(version.map(|version| (version, entry.path().join("bin"))));
        }
    }
    versioned.sort_by(|a, b| b.0.total_cmp(&a.0));
    dirs.extend(versioned.into_iter().map(|(_, dir)| dir));
    dirs.extend(["/usr/local/pgsql/bin", "/usr/local/bin"].map(PathBuf::from));
    dirs
}

fn has_postgres(dir: &Path) -> bool {
    is_program(&dir.join("postgres")) && is_program(&dir.join("initdb"))
}

/// Returns the major version: `15` for `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `18` for `…
/// 18beta1`.
fn major_version(dir: &Path) -> Option<String> {
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split(") ").nth(1)?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_binaries_match_the_data_dir_version() {
        let database = tempfile::tempdir().unwrap();
        let newest = postgres_bin_dir(database.path()).unwrap();
        let installed = major_version(&newest).unwrap();

        fs::write(database.path().join("PG_VERSION"), format!("{installed}\n")).unwrap();
        assert_eq!(postgres_bin_dir(database.path()).unwrap(), newest);

        fs::write(database.path().join("PG_VERSION"), "7\n").unwrap();
        let refused = postgres_bin_dir(database.path()).unwrap_err().to_string();
        assert!(refused.contains("PostgreSQL 7") && refused.contains("postgresql-7"), "{refused}");
    }
}
