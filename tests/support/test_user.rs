//! A user of the ingress.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A caller of the HTTP API: anonymous, or with a user id or a token.
pub struct TestUser {
    client: Client,
    base: String,
    /// User id that is sent as `X-User-Id`.
    pub id: Option<String>,
    /// Token that is sent as `Authorization: Bearer`.
    pub token: Option<String>,
}

/// A response with its body read to the end.
#[derive(Debug)]
pub struct HttpResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl HttpResponse {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Asserts that the response is a problem with this status and code.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> &HttpResponse {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], json!(format!("/problems/{}", code.replace('_', "-"))));
        assert_eq!(self.body["status"], json!(status));
        assert!(!self.body["detail"].as_str().unwrap().is_empty());
        self
    }

    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &HttpResponse {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    pub fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}")).to_owned()
    }
}

impl TestUser {
    /// Returns an anonymous caller of the portal at this URL.
    pub fn anonymous(url: &str) -> TestUser {
        let redirect = reqwest::redirect::Policy::none();
        TestUser {
            client: Client::builder().redirect(redirect).build().unwrap(),
            base: url.to_owned(),
            id: None,
            token: None,
        }
    }

    /// Returns a caller with this token; without one, an anonymous caller.
    pub fn with_token(url: &str, token: Option<String>) -> TestUser {
        TestUser { token, ..TestUser::anonymous(url) }
    }

    /// Creates a user and returns it as the caller.
    pub async fn new(url: &str) -> TestUser {
        let mut user = TestUser::anonymous(url);
        let created = user.post("/users", json!({}), &[("prefer", "wait=30")]).await;
        user.id = Some(created.assert_status(201).text("user"));
        user
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        headers: &[(&str, &str)],
    ) -> HttpResponse {
        let mut request = self.client.request(method, self.url(path));
        if let Some(id) = &self.id {
            request = request.header("x-user-id", id);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        HttpResponse { status, headers, body }
    }

    /// Returns the URL of a path of the portal.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> HttpResponse {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.send(method, path, Some(body.to_string().into_bytes()), &all).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
        self.send(Method::GET, path, None, headers).await
    }

    pub async fn post(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> HttpResponse {
        self.send_json(Method::POST, path, body, headers).await
    }

    pub async fn put(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> HttpResponse {
        self.send_json(Method::PUT, path, body, headers).await
    }

    /// Places a bid and waits for its outcome.
    pub async fn bid(&self, auction: &str, amount: u64) -> HttpResponse {
        self.put(&format!("/auction/{auction}/bid"), json!({"amount": amount}), &[("prefer", "wait=30")])
            .await
    }

    /// Creates an auction that ends in the year 2099, with more or other members of the request, and returns
    /// its id.
    pub async fn create_auction(&self, more: Value) -> String {
        let mut auction = json!({"title": "Cartier wristwatch", "currency": "USD", "opening_bid": 9900,
            "ends_at": "2099-01-01T00:00:00Z"});
        auction.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/auctions", auction, &[("prefer", "wait=30")]).await.assert_status(201).text("auction")
    }
}
