//! Tests of the local servers, with real ones.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use auction_local_servers::{AppendFsync, LocalServerOptions, LocalServers, ServersError};
use common::{Owner, database, deep_dir, redis_connection, redis_setting, setting};

async fn start(data_dir: &Path) -> LocalServers {
    LocalServers::start(LocalServerOptions::new(data_dir)).await.unwrap()
}

/// Writes a value to both servers, for `has_value`.
async fn write(servers: &LocalServers) {
    write_to(servers.redis_url(), servers.database_url()).await;
}

async fn write_to(redis_url: &str, database_url: &str) {
    let mut redis = redis_connection(redis_url).await;
    let () = redis::cmd("SET").arg("kept").arg("yes").query_async(&mut redis).await.unwrap();
    let client = database(database_url).await;
    client.batch_execute("CREATE TABLE kept (value text); INSERT INTO kept VALUES ('yes')").await.unwrap();
}

async fn has_value(servers: &LocalServers) -> bool {
    let mut redis = redis_connection(servers.redis_url()).await;
    let in_redis: Option<String> = redis::cmd("GET").arg("kept").query_async(&mut redis).await.unwrap();
    let client = database(servers.database_url()).await;
    let in_postgres: String = client.query_one("SELECT value FROM kept", &[]).await.unwrap().get(0);
    in_redis.as_deref() == Some("yes") && in_postgres == "yes"
}

#[tokio::test]
async fn data_survives_stop_and_start() {
    let dir = tempfile::tempdir().unwrap();
    let servers = start(dir.path()).await;
    write(&servers).await;
    let address = (servers.redis_url().to_owned(), servers.database_url().to_owned());
    servers.stop().await.unwrap();

    let servers = start(dir.path()).await;
    assert!(has_value(&servers).await);
    assert_eq!(address, (servers.redis_url().to_owned(), servers.database_url().to_owned()));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn settings_are_durable_and_other_users_cannot_connect() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let mut options = LocalServerOptions::new(dir.path());
    let servers = LocalServers::start(options.clone()).await.unwrap();
    let mut redis = redis_connection(servers.redis_url()).await;
    for (name, wanted) in [
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("no-appendfsync-on-rewrite", "no"),
        ("maxmemory-policy", "noeviction"),
        ("save", ""),
        ("port", "0"),
    ] {
        assert_eq!(redis_setting(&mut redis, name).await, wanted, "{name}");
    }
    let client = database(servers.database_url()).await;
    for (name, wanted) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("max_connections", "400"),
        ("shared_buffers", "128MB"),
        ("max_wal_size", "1GB"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
    ] {
        assert_eq!(setting(&client, name).await, wanted, "{name}");
    }
    let session = client.query_one("SELECT current_database()::text, current_user::text", &[]).await.unwrap();
    assert_eq!((session.get::<_, &str>(0), session.get::<_, &str>(1)), ("auction", "auction"));
    for name in ["redis", "postgres"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
    drop((client, servers));

    options.redis_appendfsync = AppendFsync::Everysec;
    let servers = LocalServers::start(options).await.unwrap();
    let mut redis = redis_connection(servers.redis_url()).await;
    assert_eq!(redis_setting(&mut redis, "appendfsync").await, "everysec");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn client_commands_work_in_directory_with_odd_characters() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("it's, \"odd\" & ü%");
    let servers = start(&odd).await;
    write(&servers).await;
    let shell = |line: String| {
        let output = Command::new("sh").arg("-c").arg(line).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned()
    };
    assert_eq!(shell(format!("{} GET kept", servers.redis_cli())), "yes");
    assert_eq!(shell(format!("{} -Atc 'SELECT value FROM kept'", servers.psql())), "yes");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn second_start_is_refused_with_pid_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let servers = start(dir.path()).await;
    let refused = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap_err();
    assert!(
        matches!(refused, ServersError::InUse { pid: Some(pid), .. } if pid == std::process::id()),
        "{refused}"
    );
    assert!(refused.to_string().contains(&format!("already in use by pid {}", std::process::id())));
    write(&servers).await;
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn data_directory_may_exceed_the_socket_path_limit() {
    let dir = tempfile::tempdir().unwrap();
    let deep = deep_dir(dir.path());
    let servers = start(&deep).await;
    write(&servers).await;
    servers.stop().await.unwrap();
    let servers = start(&deep).await;
    assert!(has_value(&servers).await);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn root_only_directory_works_and_keeps_its_permissions() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can create a directory that the user of the servers cannot enter");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("0700");
    let data_dir = inner.join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    for path in [dir.path(), &inner, &data_dir] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let servers = start(&data_dir).await;
    write(&servers).await;
    servers.stop().await.unwrap();
    let servers = start(&data_dir).await;
    assert!(has_value(&servers).await);
    for path in [dir.path(), &inner, &data_dir] {
        let meta = std::fs::metadata(path).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid()), (0o700, 0), "{}", path.display());
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn killed_servers_keep_address_and_acknowledged_writes() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = start(dir.path()).await;
    write(&servers).await;
    for _ in 0..3 {
        servers.kill_redis().await;
        assert!(redis::Client::open(servers.redis_url()).unwrap().get_connection().is_err());
        servers.start_redis().await.unwrap();
        servers.kill_postgres().await;
        servers.start_postgres().await.unwrap();
        assert!(has_value(&servers).await);
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn owner_is_notified_when_a_server_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = start(dir.path()).await;
    let quiet = tokio::time::timeout(Duration::from_millis(50), servers.wait_for_exit()).await;
    assert!(quiet.is_err());

    let mut redis = redis_connection(servers.redis_url()).await;
    let _: Result<(), _> = redis::cmd("SHUTDOWN").query_async(&mut redis).await;
    let exited = tokio::time::timeout(Duration::from_secs(10), servers.wait_for_exit()).await.unwrap();
    assert!(matches!(exited, ServersError::Exited { server: "Redis", .. }), "{exited}");
    servers.start_redis().await.unwrap();
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn failed_start_shows_the_end_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    start(dir.path()).await.stop().await.unwrap();
    std::fs::write(dir.path().join("postgres/cluster/postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let error = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap_err();
    assert!(matches!(error, ServersError::ExitedAtStart { server: "Postgres", .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn next_start_recovers_everything_after_kill_9_of_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    // At the next start, the servers are still shutting down, or they hang.
    for hang in [false, true] {
        let mut owner = Owner::start(dir.path());
        let servers = owner.servers();
        if !hang {
            let (redis, postgres) = common::urls(dir.path());
            write_to(&redis, &postgres).await;
        }
        if hang {
            common::signal_all(&servers, rustix::process::Signal::STOP);
        }
        owner.kill_9();
        let mut options = LocalServerOptions::new(dir.path());
        options.stop_deadline = Duration::from_secs(if hang { 1 } else { 30 });
        let servers = LocalServers::start(options).await.unwrap();
        assert!(has_value(&servers).await);
        drop(servers);
    }
}

#[tokio::test]
async fn servers_end_with_killed_owner_but_not_on_ctrl_c() {
    let dir = tempfile::tempdir().unwrap();
    let mut owner = Owner::start(dir.path());
    let servers = owner.servers();
    for server in &servers {
        // A Ctrl-C goes to the owner's process group.
        let group = rustix::process::getpgid(rustix::process::Pid::from_raw(*server)).unwrap();
        assert_ne!(group, owner.group());
    }
    owner.kill_9();
    let deadline = Instant::now() + Duration::from_secs(20);
    while servers.iter().any(|pid| common::is_alive(*pid)) {
        assert!(Instant::now() < deadline, "still alive: {servers:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn start_ignores_stale_lock_file_of_a_reused_pid() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = start(dir.path()).await;
    write(&servers).await;
    servers.kill_postgres().await;
    let lock = dir.path().join("postgres/cluster/postmaster.pid");
    let text = std::fs::read_to_string(&lock).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    std::fs::write(&lock, format!("{}\n{rest}", std::process::id())).unwrap();
    servers.start_postgres().await.unwrap();
    assert!(has_value(&servers).await);
    servers.stop().await.unwrap();
}

/// Not a test: the process that the tests above kill.
#[tokio::test]
async fn owner_process() {
    let Some(data_dir) = std::env::var_os(common::OWNER_DIR) else { return };
    let data_dir = Path::new(&data_dir);
    let mut servers = start(data_dir).await;
    common::write_urls(data_dir, servers.redis_url(), servers.database_url());
    let _ = servers.wait_for_exit().await;
}
