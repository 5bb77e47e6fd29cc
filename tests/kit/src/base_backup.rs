//! Base backups of Postgres.

use std::path::Path;
use std::process::{Command, Output};

/// Takes a base backup of the running cluster at this URL, as an operator would, and gives it the owner of another
/// file. `psql` is the command line of the installed client; `options` are further ones of `pg_basebackup`.
pub async fn take(
    psql: &str,
    database_url: &str,
    backup: &Path,
    owner_of: &Path,
    options: &[&str],
) -> Result<(), String> {
    let psql = Path::new(psql.split(' ').next().unwrap_or_default().trim_matches('\''));
    let mut command = Command::new(psql.with_file_name("pg_basebackup"));
    command.args(["--wal-method=stream", "--checkpoint=fast", "--dbname", database_url]);
    command.args(options).arg("--pgdata").arg(backup);
    let mut owner = Command::new("chown");
    owner.arg("-R").arg(format!("--reference={}", owner_of.display())).arg(backup);
    let both = tokio::task::spawn_blocking(move || run(&mut command).and_then(|()| run(&mut owner)));
    both.await.map_err(|error| error.to_string())?
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let Output { status, stderr, .. } = command.output().map_err(|error| format!("{program}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&stderr).trim()))
}
