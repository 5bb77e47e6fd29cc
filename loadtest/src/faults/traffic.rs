//! Commands of the faults themselves: a load may have ended while a fault still waits for its effect.

use crate::faults::fleet::Fleet;
use crate::run::target::client::Client;
use std::time::Duration;

/// Time limit for the response.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Sends a command that creates a user. The response does not matter.
pub(crate) async fn create_user(fleet: &Fleet) {
    let (_, ingress) = fleet.load_balancer.pick();
    let request = format!(
        "POST /users HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
        ingress.host
    );
    let sent = tokio::time::timeout(TIMEOUT, async {
        let mut client = Client::connect(ingress).await.ok()?;
        client.send(request.as_bytes()).await.ok().map(|response| response.status)
    });
    // The caller looks at the effect, and sends another command if there is none.
    let _ = sent.await;
}
