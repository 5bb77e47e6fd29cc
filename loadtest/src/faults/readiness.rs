//! Readiness of the processes, and the task of the load balancer that follows it.

use crate::Failure;
use crate::run::target::client::{Address, Client};
use crate::run::target::load_balancer::LoadBalancer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Time limit of a check.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Interval between two checks of an ingress.
const INTERVAL: Duration = Duration::from_millis(100);

/// Number of time-outs in a row after which an ingress is not ready: one slow response must not take out the only
/// ingress of a deployment.
const MAX_TIME_OUTS: u32 = 3;

/// Result of a check.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// Another status, or no connection.
    NotReady,
    TimedOut,
}

/// Whether `/readyz` at this address responds with 200.
pub(super) async fn is_ready(address: SocketAddr) -> bool {
    check(address).await == Readiness::Ready
}

async fn check(address: SocketAddr) -> Readiness {
    let response = tokio::time::timeout(TIMEOUT, async {
        let mut client = Client::connect(&Address { host: address.to_string() }).await.ok()?;
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\n\r\n");
        Some(client.send(request.as_bytes()).await.ok()?.status)
    });
    match response.await {
        Ok(Some(200)) => Readiness::Ready,
        Ok(_) => Readiness::NotReady,
        Err(_) => Readiness::TimedOut,
    }
}

/// Updates the load balancer with the readiness of the ingresses until the result is dropped. Has a thread of its
/// own: checks of results and faults block the threads of the suite for seconds, longer than an ingress waits before
/// it closes its connections.
pub(super) fn watch(
    load_balancer: &Arc<LoadBalancer>,
    ingresses: Vec<SocketAddr>,
) -> Result<oneshot::Sender<()>, Failure> {
    let (end, ended) = oneshot::channel();
    let load_balancer = Arc::clone(load_balancer);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = move || {
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for (number, address) in ingresses.into_iter().enumerate() {
                tasks.spawn(follow(Arc::clone(&load_balancer), number, address));
            }
            // The sender is dropped, which is an error here.
            let _ = ended.await;
        });
    };
    std::thread::Builder::new().name("readiness".to_owned()).spawn(run)?;
    Ok(end)
}

async fn follow(load_balancer: Arc<LoadBalancer>, number: usize, address: SocketAddr) {
    let mut time_outs = 0;
    loop {
        let readiness = check(address).await;
        time_outs = if readiness == Readiness::TimedOut { time_outs + 1 } else { 0 };
        if time_outs == 0 || time_outs >= MAX_TIME_OUTS {
            load_balancer.set_ready(number, readiness == Readiness::Ready);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicU16, Ordering};
    use std::time::Instant;

    #[tokio::test]
    async fn readiness_is_followed_while_the_suite_is_blocked() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let status = Arc::new(AtomicU16::new(503));
        let sent = Arc::clone(&status);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let status = sent.load(Ordering::Relaxed);
                let _ = write!(stream, "HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n\r\n");
            }
        });
        let host = address.to_string();
        let load_balancer = Arc::new(LoadBalancer::new(vec![Address { host: host.clone() }]));
        let _watch = watch(&load_balancer, vec![address]).unwrap();
        // Blocks the only thread of the runtime of this test.
        let wait_until = |ready: bool| {
            let began = Instant::now();
            while load_balancer.is_ready(&host) != ready {
                assert!(began.elapsed() < Duration::from_secs(10), "ready stays {}", !ready);
                std::thread::yield_now();
            }
        };
        wait_until(false);
        status.store(200, Ordering::Relaxed);
        wait_until(true);
    }
}
