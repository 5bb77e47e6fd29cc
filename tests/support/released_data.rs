//! Data of a released version, stored as files: a dump of Postgres, and the keys of Redis.

use super::output_text;
use super::servers::TestServers;
use redis::Value;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Directory with the data of a release.
pub struct ReleasedData {
    directory: PathBuf,
}

impl ReleasedData {
    /// Returns the data of a release by the name of its tag.
    pub fn of(release: &str) -> ReleasedData {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(release);
        ReleasedData { directory }
    }

    pub fn exists(&self) -> bool {
        self.directory.exists()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn read(&self, name: &str) -> String {
        let file = self.file(name);
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Returns what the data must contain.
    pub fn expected(&self) -> Json {
        serde_json::from_str(&self.read("expected.json")).unwrap()
    }

    /// Writes the data of these servers, and what it must contain.
    pub async fn write(&self, servers: &TestServers, expected: &Json) {
        std::fs::create_dir_all(&self.directory).unwrap();
        let pretty = serde_json::to_string_pretty(expected).unwrap() + "\n";
        std::fs::write(self.file("expected.json"), pretty).unwrap();
        std::fs::write(self.file("postgres.sql"), dump(servers)).unwrap();
        std::fs::write(self.file("redis.json"), keys(servers).await).unwrap();
    }

    /// Loads the data into empty servers.
    pub async fn load(&self, servers: &TestServers) {
        servers.run_sql(&self.read("postgres.sql")).await;
        let keys: Json = serde_json::from_str(&self.read("redis.json")).unwrap();
        for (key, dumped) in keys.as_object().unwrap() {
            let mut restore = redis::cmd("RESTORE");
            restore.arg(key).arg(0).arg(from_hex(dumped.as_str().unwrap()));
            let () = restore.query_async(&mut servers.redis().await).await.unwrap();
        }
    }
}

/// Returns the statements that create the database. Meta-commands of psql are left out.
fn dump(servers: &TestServers) -> String {
    let psql = servers.psql();
    let bin = Path::new(psql.split(' ').next().unwrap().trim_matches('\'')).parent().unwrap();
    let mut dump = Command::new(bin.join("pg_dump"));
    dump.args([
        "--no-owner",
        "--no-privileges",
        "--rows-per-insert=1000",
        "--dbname",
        servers.database_url(),
    ]);
    let output = dump.output().unwrap();
    assert!(output.status.success(), "{}", output_text(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let is_kept = |line: &&str| !line.is_empty() && !line.starts_with("--") && !line.starts_with('\\');
    text.lines().filter(is_kept).flat_map(|line| [line, "\n"]).collect()
}

/// Returns all keys that do not expire, each with its content as `DUMP` returns it.
async fn keys(servers: &TestServers) -> String {
    let mut redis = servers.redis().await;
    let mut names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await.unwrap();
    names.sort();
    let mut content = serde_json::Map::new();
    for name in names {
        let lifetime: i64 = redis::cmd("PTTL").arg(&name).query_async(&mut redis).await.unwrap();
        // Leases and memberships do not outlive their processes.
        if lifetime != -1 {
            continue;
        }
        let dumped: Value = redis::cmd("DUMP").arg(&name).query_async(&mut redis).await.unwrap();
        let Value::BulkString(dumped) = dumped else { panic!("{name}: {dumped:?}") };
        let hex: String = dumped.iter().map(|byte| format!("{byte:02x}")).collect();
        content.insert(name, json!(hex));
    }
    serde_json::to_string_pretty(&content).unwrap() + "\n"
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
