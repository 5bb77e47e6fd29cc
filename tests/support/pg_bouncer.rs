//! A real PgBouncer between the portal and its Postgres.

use super::{eventually, free_address};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// User and group without rights, on every Linux system.
const UNPRIVILEGED: &str = "65534";

/// Running PgBouncer with a pool for the database of a test. Dropping it ends the process.
pub struct PgBouncer {
    child: Child,
    directory: TempDir,
    address: String,
}

impl PgBouncer {
    /// Starts PgBouncer in front of the database at this URL, with these lines in its section `[pgbouncer]`.
    pub async fn start(database_url: &str, settings: &[&str]) -> PgBouncer {
        let (address, directory) = (free_address(), tempfile::tempdir().unwrap());
        let file = directory.path().join("pgbouncer.ini");
        fs::write(&file, configuration(database_url, &address, settings)).unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=KILL");
        // Root owns its files and sees those of all users. PgBouncer refuses to run as root.
        if fs::metadata(directory.path()).is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0) {
            fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
            command.args([
                &format!("--reuid={UNPRIVILEGED}"),
                &format!("--regid={UNPRIVILEGED}"),
                "--clear-groups",
            ]);
        }
        command.arg(program()).arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut bouncer = PgBouncer { child: command.spawn().unwrap(), directory, address };
        bouncer.wait_until_it_listens().await;
        bouncer
    }

    pub fn database_url(&self) -> String {
        format!("postgresql://auction@{}/auction", self.address)
    }

    async fn wait_until_it_listens(&mut self) {
        let (child, log) = (std::cell::RefCell::new(&mut self.child), self.directory.path().join("log"));
        eventually("PgBouncer listens", || async {
            let ended = child.borrow_mut().try_wait().unwrap();
            assert!(ended.is_none(), "PgBouncer ended: {}", fs::read_to_string(&log).unwrap());
            TcpStream::connect(&self.address).await.ok()
        })
        .await;
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(database_url: &str, address: &str, settings: &[&str]) -> String {
    let config: tokio_postgres::Config = database_url.parse().unwrap();
    let [tokio_postgres::config::Host::Tcp(host)] = config.get_hosts() else {
        panic!("{database_url} has no TCP address");
    };
    let (port, (listen_addr, listen_port)) = (config.get_ports()[0], address.rsplit_once(':').unwrap());
    format!(
        "[databases]\nauction = host={host} port={port} dbname=auction user=auction\n[pgbouncer]\n\
         listen_addr = {listen_addr}\nlisten_port = {listen_port}\nunix_socket_dir =\nauth_type = any\n\
         max_client_conn = 1000\n{}\n",
        settings.join("\n")
    )
}

/// Returns the path of PgBouncer, which Debian installs outside of the `PATH` of most users.
fn program() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let directories = path.split(':').chain(["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"]);
    let found =
        directories.map(|directory| format!("{directory}/pgbouncer")).find(|path| fs::exists(path).unwrap());
    found.expect("pgbouncer is not installed: run scripts/setup.sh, or install the package pgbouncer")
}
