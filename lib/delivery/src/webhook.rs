//! Webhooks by the rules of Standard Webhooks.

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

/// Connections that wait for the next message to the same host.
const IDLE: usize = 2;

/// How long they do.
const IDLE_FOR: Duration = Duration::from_secs(30);

/// Carries parcels to webhooks. It follows no redirect and uses no proxy: what it connects to was checked.
pub struct WebhookTransport {
    client: Client<HttpsConnector<HttpConnector<SsrfGuardResolver>>, Full<Bytes>>,
    secrets: WebhookSecrets,
    reach: UrlPolicy,
    within: Duration,
}

impl WebhookTransport {
    /// Signs with these secrets, goes no further than that, and takes no longer than that. Certificates are judged
    /// by those that the machine trusts.
    pub fn new(
        secrets: WebhookSecrets,
        reach: UrlPolicy,
        within: Duration,
    ) -> Result<WebhookTransport, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots())
            .with_no_client_auth();
        let mut http = HttpConnector::new_with_resolver(SsrfGuardResolver(reach));
        http.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE)
            .build(connector);
        Ok(WebhookTransport { client, secrets, reach, within })
    }

    /// The request of this attempt.
    fn request(&self, parcel: &OutboxMessage) -> Result<Request<Full<Bytes>>, SendResult> {
        let Destination::Webhook { url, secret, previous } = &parcel.to else {
            return Err(SendResult::Rejected { status: None, error: "not_sent" });
        };
        // What was allowed when it was set may not be any more.
        let not_allowed = SendResult::Retryable { status: None, error: "address_not_allowed" };
        let url = self.reach.url(url).map_err(|_| not_allowed)?;
        let not_sent = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, notification = %parcel.id, "a notification cannot be sent to a webhook");
            SendResult::Rejected { status: None, error: "not_sent" }
        };
        let body = payload::of(parcel.id, &parcel.news).map_err(|error| not_sent(&error))?;
        let id = parcel.id.to_string();
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let before = secret.checked_sub(1).filter(|before| *previous && *before > 0);
        let signatures = [Some(*secret), before].into_iter().flatten();
        let signatures =
            signatures.map(|number| self.secrets.of(parcel.endpoint, number).sign(&id, timestamp, &body));
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
    async fn send(&self, parcel: &OutboxMessage) -> SendResult {
        let request = match self.request(parcel) {
            Ok(request) => request,
            Err(carried) => return carried,
        };
        match tokio::time::timeout(self.within, self.client.request(request)).await {
            // Its body is not read.
            Ok(Ok(answer)) => answered(answer.status()),
            Ok(Err(error)) => {
                let why = why(&error);
                tracing::debug!(webhook = %parcel.endpoint, why, %error, "a webhook was not reached");
                SendResult::Retryable { status: None, error: why }
            }
            Err(_) => SendResult::Retryable { status: None, error: "timed_out" },
        }
    }
}

/// What this machine trusts. A machine without certificates can call nobody by `https`, and says so.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(errors = ?found.errors, "no root certificates were found: no https webhook can be called");
    }
    roots
}

fn answered(status: StatusCode) -> SendResult {
    let number = Some(status.as_u16());
    match status {
        StatusCode::GONE => SendResult::EndpointGone { status: number },
        status if status.is_success() => SendResult::Accepted { status: number },
        _ => SendResult::Retryable { status: number, error: "status" },
    }
}

fn why(error: &ClientError) -> &'static str {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<AddressNotAllowed>() {
            return "address_not_allowed";
        }
        cause = inner.source();
    }
    if error.is_connect() { "not_connected" } else { "not_sent" }
}
