//! Every role as a process of its own.

use super::{eventually, free_address, portal, text};
use auction_servers::PrivateServers;
use std::process::{Child, Command, Stdio};

/// Running processes.
pub struct Roles {
    /// With their names.
    children: Vec<(&'static str, Child)>,
    listen: String,
}

impl Roles {
    /// So many writers, projectors and auctioneers, and one ingress, against these servers.
    pub fn start(servers: &PrivateServers, of_each: usize) -> Roles {
        let listen = free_address();
        let behind = [
            ("writer", env!("CARGO_BIN_EXE_writer")),
            ("projector", env!("CARGO_BIN_EXE_projector")),
            ("auctioneer", env!("CARGO_BIN_EXE_auctioneer")),
        ];
        let programs = behind.iter().flat_map(|role| vec![*role; of_each]);
        let start = |(name, program)| {
            let child = Command::new(program)
                .env("REDIS_URL", servers.redis_url())
                .env("DATABASE_URL", servers.database_url())
                .env("AUCTION__INGRESS__LISTEN", &listen)
                .env("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true")
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            (name, child)
        };
        let children = programs.chain([("ingress", env!("CARGO_BIN_EXE_ingress"))]).map(start).collect();
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
        self.children.iter().for_each(|(_, child)| signal(child, "-TERM"));
        self.children.drain(..).map(|(_, mut child)| child.wait().unwrap().code()).collect()
    }

    /// A signal to all processes of a role.
    pub fn signal(&self, role: &str, what: &str) {
        self.children.iter().filter(|(name, _)| *name == role).for_each(|(_, child)| signal(child, what));
    }

    /// Waits for the one process of a role to end.
    pub fn exit_code(&mut self, role: &str) -> Option<i32> {
        let index = self.children.iter().position(|(name, _)| *name == role).unwrap();
        self.children.remove(index).1.wait().unwrap().code()
    }
}

fn signal(child: &Child, what: &str) {
    Command::new("kill").args([what, &child.id().to_string()]).status().unwrap();
}

impl Drop for Roles {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
