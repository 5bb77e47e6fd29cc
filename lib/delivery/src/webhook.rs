//! Webhooks, as Standard Webhooks specifies them.

use crate::ssrf_guard::{AddressNotAllowed, SsrfGuardResolver};
use auction_app::notifier::webhooks::{UrlPolicy, WebhookSecrets, payload};
use auction_app::ports::notifications::outbox::{Destination, OutboxMessage};
use auction_app::ports::notifications::transport::{SendResult, Transport};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Maximum number of idle connections per host.
const MAX_IDLE_PER_HOST: usize = 2;

/// Time after which an idle connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends messages to webhooks. Follows no redirects and uses no proxy, so that it connects only to checked
/// addresses.
pub struct WebhookTransport {
    client: Client<HttpsConnector<HttpConnector<SsrfGuardResolver>>, Full<Bytes>>,
    secrets: WebhookSecrets,
    url_policy: UrlPolicy,
    timeout: Duration,
}

impl WebhookTransport {
    /// Creates a transport that signs with `secrets`, calls only what `url_policy` allows, and limits each
    /// attempt to `timeout`. It trusts the root certificates of the operating system.
    pub fn new(
        secrets: WebhookSecrets,
        url_policy: UrlPolicy,
        timeout: Duration,
    ) -> Result<WebhookTransport, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots())
            .with_no_client_auth();
        let mut http = HttpConnector::new_with_resolver(SsrfGuardResolver(url_policy));
        http.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .build(connector);
        Ok(WebhookTransport { client, secrets, url_policy, timeout })
    }

    /// Builds the signed request.
    fn request(&self, message: &OutboxMessage) -> Result<Request<Full<Bytes>>, SendResult> {
        let Destination::Webhook { url, secret, previous } = &message.destination else {
            return Err(SendResult::Rejected { status: None, error: "not_sent" });
        };
        // The policy may have changed since the webhook was created.
        let not_allowed = SendResult::Retryable { status: None, error: "address_not_allowed" };
        let url = self.url_policy.url(url).map_err(|_| not_allowed)?;
        let not_sent = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, notification = %message.id, "failed to build a webhook request");
            SendResult::Rejected { status: None, error: "not_sent" }
        };
        let body = payload::of(message.id, &message.content).map_err(|error| not_sent(&error))?;
        let id = message.id.to_string();
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let previous = secret.checked_sub(1).filter(|number| *previous && *number > 0);
        let signatures = [Some(*secret), previous].into_iter().flatten();
        let signatures =
            signatures.map(|number| self.secrets.of(message.endpoint, number).sign(&id, timestamp, &body));
        let signatures: Vec<String> = signatures.collect();
        Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("auction-portal/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(Full::new(body.into()))
            .map_err(|error| not_sent(&error))
    }
}

impl Transport for WebhookTransport {
    async fn send(&self, message: &OutboxMessage) -> SendResult {
        let request = match self.request(message) {
            Ok(request) => request,
            Err(result) => return result,
        };
        match tokio::time::timeout(self.timeout, self.client.request(request)).await {
            // The body of the response is not read.
            Ok(Ok(response)) => send_result(response.status()),
            Ok(Err(error)) => {
                let code = error_code(&error);
                tracing::debug!(webhook = %message.endpoint, code, %error, "webhook attempt failed");
                SendResult::Retryable { status: None, error: code }
            }
            Err(_) => SendResult::Retryable { status: None, error: "timed_out" },
        }
    }
}

/// Returns the root certificates of the operating system. Without any, every `https` request fails.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(errors = ?found.errors, "no root certificates found: https webhooks will fail");
    }
    roots
}

fn send_result(status: StatusCode) -> SendResult {
    let code = Some(status.as_u16());
    match status {
        StatusCode::GONE => SendResult::EndpointGone { status: code },
        status if status.is_success() => SendResult::Accepted { status: code },
        _ => SendResult::Retryable { status: code, error: "status" },
    }
}

fn error_code(error: &ClientError) -> &'static str {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<AddressNotAllowed>() {
            return "address_not_allowed";
        }
        cause = inner.source();
    }
    if error.is_connect() { "not_connected" } else { "not_sent" }
}
