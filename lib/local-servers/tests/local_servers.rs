//! What the private servers promise, against real ones.

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

/// Writes to both servers; `is_there` finds it again.
async fn write(servers: &LocalServers) {
    write_to(servers.redis_url(), servers.database_url()).await;
}

async fn write_to(redis_url: &str, database_url: &str) {
    let mut redis = redis_connection(redis_url).await;
    let () = redis::cmd("SET").arg("kept").arg("yes").query_async(&mut redis).await.unwrap();
    let client = database(database_url).await;
    client.batch_execute("CREATE TABLE kept (value text); INSERT INTO kept VALUES ('yes')").await.unwrap();
}

async fn is_there(servers: &LocalServers) -> bool {
    let mut redis = redis_connection(servers.redis_url()).await;
    let in_redis: Option<String> = redis::cmd("GET").arg("kept").query_async(&mut redis).await.unwrap();
    let client = database(servers.database_url()).await;
    let in_postgres: String = client.query_one("SELECT value FROM kept", &[]).await.unwrap().get(0);
    in_redis.as_deref() == Some("yes") && in_postgres == "yes"
}

#[tokio::test]
async fn data_is_there_after_a_stop_and_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let servers = start(dir.path()).await;
    write(&servers).await;
    let address = (servers.redis_url().to_owned(), servers.database_url().to_owned());
    servers.stop().await.unwrap();

    let servers = start(dir.path()).await;
    assert!(is_there(&servers).await);
    assert_eq!(address, (servers.redis_url().to_owned(), servers.database_url().to_owned()));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn settings_are_durable_and_nobody_else_can_connect() {
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
    let ours = client.query_one("SELECT current_database()::text, current_user::text", &[]).await.unwrap();
    assert_eq!((ours.get::<_, &str>(0), ours.get::<_, &str>(1)), ("auction", "auction"));
    for home in ["redis", "postgres"] {
        let mode = std::fs::metadata(dir.path().join(home)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{home}");
    }
    drop((client, servers));

    options.redis_appendfsync = AppendFsync::Everysec;
    let servers = LocalServers::start(options).await.unwrap();
    let mut redis = redis_connection(servers.redis_url()).await;
    assert_eq!(redis_setting(&mut redis, "appendfsync").await, "everysec");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn the_printed_client_commands_work_in_a_directory_with_odd_characters() {
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
async fn a_second_start_is_refused_with_the_pid_of_the_first() {
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
async fn a_directory_deeper_than_a_socket_path_works() {
    let dir = tempfile::tempdir().unwrap();
    let deep = deep_dir(dir.path());
    let servers = start(&deep).await;
    write(&servers).await;
    servers.stop().await.unwrap();
    let servers = start(&deep).await;
    assert!(is_there(&servers).await);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_only_root_can_enter_works_and_its_permissions_stay() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make a directory that the servers' user cannot enter");
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
    assert!(is_there(&servers).await);
    for path in [dir.path(), &inner, &data_dir] {
        let meta = std::fs::metadata(path).unwrap();
        assert_eq!((meta.mode() & 0o7777, meta.uid()), (0o700, 0), "{}", path.display());
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn killed_servers_come_back_at_the_same_address_with_every_acknowledged_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = start(dir.path()).await;
    write(&servers).await;
    for _ in 0..3 {
        servers.kill_redis().await;
        assert!(redis::Client::open(servers.redis_url()).unwrap().get_connection().is_err());
        servers.start_redis().await.unwrap();
        servers.kill_postgres().await;
        servers.start_postgres().await.unwrap();
        assert!(is_there(&servers).await);
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn the_owner_learns_that_a_server_ended_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = start(dir.path()).await;
    let quiet = tokio::time::timeout(Duration::from_millis(50), servers.wait_for_exit()).await;
    assert!(quiet.is_err());

    let mut redis = redis_connection(servers.redis_url()).await;
    let _: Result<(), _> = redis::cmd("SHUTDOWN").query_async(&mut redis).await;
    let died = tokio::time::timeout(Duration::from_secs(10), servers.wait_for_exit()).await.unwrap();
    assert!(matches!(died, ServersError::Died { server: "Redis", .. }), "{died}");
    servers.start_redis().await.unwrap();
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_the_end_of_its_log() {
    let dir = tempfile::tempdir().unwrap();
    start(dir.path()).await.stop().await.unwrap();
    std::fs::write(dir.path().join("postgres/cluster/postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let error = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap_err();
    assert!(matches!(error, ServersError::DiedAtStart { server: "Postgres", .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[tokio::test]
async fn after_kill_9_of_the_owner_the_next_start_recovers_everything() {
    let dir = tempfile::tempdir().unwrap();
    // With servers that are still on their way down at the next start, and with servers that hang.
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
        assert!(is_there(&servers).await);
        drop(servers);
    }
}

#[tokio::test]
async fn servers_end_with_a_killed_owner_and_not_with_a_ctrl_c() {
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
async fn a_stale_lock_file_that_names_a_living_process_does_not_refuse_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = start(dir.path()).await;
    write(&servers).await;
    servers.kill_postgres().await;
    let lock = dir.path().join("postgres/cluster/postmaster.pid");
    let text = std::fs::read_to_string(&lock).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    std::fs::write(&lock, format!("{}\n{rest}", std::process::id())).unwrap();
    servers.start_postgres().await.unwrap();
    assert!(is_there(&servers).await);
    servers.stop().await.unwrap();
}

/// Not a test of its own: the process that the tests above kill.
#[tokio::test]
async fn owner_process() {
    let Some(data_dir) = std::env::var_os(common::OWNER_DIR) else { return };
    let data_dir = Path::new(&data_dir);
    let mut servers = start(data_dir).await;
    common::write_urls(data_dir, servers.redis_url(), servers.database_url());
    let _ = servers.wait_for_exit().await;
}
