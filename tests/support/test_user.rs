//! A person at the ingress.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A user, or nobody.
pub struct TestUser {
    client: Client,
    base: String,
    pub id: Option<String>,
    /// What he sends along, if he has signed in.
    pub token: Option<String>,
}

/// An answer that was read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer is a problem of that status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> &Answer {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], json!(format!("/problems/{}", code.replace('_', "-"))));
        assert_eq!(self.body["status"], json!(status));
        assert!(!self.body["detail"].as_str().unwrap().is_empty());
        self
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Answer {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    pub fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}")).to_owned()
    }
}

impl TestUser {
    /// Somebody without an account, at the portal of that URL.
    pub fn nobody(url: &str) -> TestUser {
        let redirect = reqwest::redirect::Policy::none();
        TestUser {
            client: Client::builder().redirect(redirect).build().unwrap(),
            base: url.to_owned(),
            id: None,
            token: None,
        }
    }

    /// Whoever has that token, if there is one.
    pub fn with_token(url: &str, token: Option<String>) -> TestUser {
        TestUser { token, ..TestUser::nobody(url) }
    }

    /// Somebody with a new account.
    pub async fn new(url: &str) -> TestUser {
        let mut person = TestUser::nobody(url);
        let created = person.post("/users", json!({}), &[("prefer", "wait=30")]).await;
        person.id = Some(created.is(201).text("user"));
        person
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        headers: &[(&str, &str)],
    ) -> Answer {
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
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// A path of the portal, as a URL.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.send(method, path, Some(body.to_string().into_bytes()), &all).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, None, headers).await
    }

    pub async fn post(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        self.send_json(Method::POST, path, body, headers).await
    }

    pub async fn put(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        self.send_json(Method::PUT, path, body, headers).await
    }

    /// Bids, and waits for the outcome.
    pub async fn bid(&self, auction: &str, amount: u64) -> Answer {
        self.put(&format!("/auction/{auction}/bid"), json!({"amount": amount}), &[("prefer", "wait=30")])
            .await
    }

    /// Offers something until the year 2099; returns its id.
    pub async fn offer(&self, more: Value) -> String {
        let mut offer = json!({"title": "Cartier wristwatch", "currency": "USD", "opening_bid": 9900,
            "ends_at": "2099-01-01T00:00:00Z"});
        offer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("/auctions", offer, &[("prefer", "wait=30")]).await.is(201).text("auction")
    }
}
