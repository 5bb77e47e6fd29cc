//! Every role as a process of its own.

use super::{eventually, free_address, portal, text};
use auction_servers::PrivateServers;
use std::process::{Child, Command, Stdio};

/// Running processes.
pub struct Roles {
    children: Vec<Child>,
    listen: String,
}

impl Roles {
    /// So many writers, projectors and auctioneers, and one ingress, against these servers.
    pub fn start(servers: &PrivateServers, of_each: usize) -> Roles {
        let listen = free_address();
        let behind =
            [env!("CARGO_BIN_EXE_writer"), env!("CARGO_BIN_EXE_projector"), env!("CARGO_BIN_EXE_auctioneer")];
        let programs = behind.iter().flat_map(|role| vec![*role; of_each]);
        let start = |program: &str| {
            Command::new(program)
                .env("REDIS_URL", servers.redis_url())
                .env("DATABASE_URL", servers.database_url())
                .env("AUCTION__INGRESS__LISTEN", &listen)
                .env("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true")
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let children = programs.chain([env!("CARGO_BIN_EXE_ingress")]).map(start).collect();
        Roles { children, listen }
    }

    pub async fn ready(&self) {
        let ready = format!("{}/readyz", self.url());
        eventually("the ingress is ready", || async {
            reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Store, streams and views agree.
    pub fn verify(&self, servers: &PrivateServers) {
        let mut verify = portal();
        verify
            .arg("verify")
            .env("REDIS_URL", servers.redis_url())
            .env("DATABASE_URL", servers.database_url());
        let output = verify.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }

    /// SIGTERM to all; returns their exit codes.
    pub fn terminate(mut self) -> Vec<Option<i32>> {
        for child in &self.children {
            Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        }
        self.children.drain(..).map(|mut child| child.wait().unwrap().code()).collect()
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
