//! The JSON of signing up, in and out, and of one's account. What is in here is personal data or a secret: it goes
//! from the client to the ingress and back, and into no command. None of it derives `Debug`.

use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /sign-up`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpRequest {
    /// An e-mail address in ASCII, which is nobody else's.
    #[schema(min_length = 3, max_length = 254, pattern = r"^[!-?A-~]+@[!-?A-~]+$")]
    pub email: String,
    /// One line, 1 to 100 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub name: String,
    /// 12 to 200 characters, of any kind.
    #[schema(min_length = 12, max_length = 200)]
    pub password: String,
    /// What the account is for; bidding, unless said otherwise.
    #[serde(default)]
    pub role: SignUpRole,
}

/// What one can sign up as. Who is an operator, operators decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUpRole {
    /// Bids.
    #[default]
    Bidder,
    /// Bids and offers things.
    Seller,
}

/// `POST /sign-in`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The e-mail address of the account, in whatever case.
    #[schema(min_length = 3, max_length = 254, pattern = r"^[!-?A-~]+@[!-?A-~]+$")]
    pub email: String,
    /// Its password.
    #[schema(max_length = 200)]
    pub password: String,
}

/// The answer to `POST /sign-in`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// To be sent with every request: `Authorization: Bearer`. It is shown once, and stored nowhere.
    pub token: String,
    /// Until when it is good.
    pub expires_at: JsonTime,
    /// Who signed in.
    pub user: Uuid,
    /// `bidder`, `seller` or `operator`.
    pub role: String,
}

/// `POST /sign-out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOutRequest {
    /// All tokens of the user, not only the one that is sent.
    #[serde(default)]
    pub everywhere: bool,
}

/// `GET /account`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// Whose account it is.
    pub user: Uuid,
    /// His e-mail address, as he wrote it.
    pub email: String,
    /// What he is called.
    pub name: String,
    /// `bidder`, `seller` or `operator`.
    pub role: String,
    /// Since when it is there.
    pub created_at: JsonTime,
}
