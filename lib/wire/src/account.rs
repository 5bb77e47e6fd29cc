//! The JSON of sign-up, sign-in, sign-out and accounts.
//!
//! These types carry personal data and secrets. Such data passes between client and ingress only and never
//! enters a command. Types that hold it do not derive `Debug`, so that it cannot reach a log.

use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Body of `POST /sign-up`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpRequest {
    /// E-mail address in ASCII, not used by another account.
    #[schema(min_length = 3, max_length = 254, pattern = r"^[!-?A-~]+@[!-?A-~]+$")]
    pub email: String,
    /// Name of the user: one line, 1 to 100 characters, not blank.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub name: String,
    /// Password: 12 to 200 characters of any kind.
    #[schema(min_length = 12, max_length = 200)]
    pub password: String,
    /// Role of the account; `bidder` by default.
    #[serde(default)]
    pub role: SignUpRole,
}

/// Roles that can be chosen at sign-up. Only an operator can grant the role `operator`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUpRole {
    /// May place bids only.
    #[default]
    Bidder,
    /// May place bids and create auctions.
    Seller,
}

/// Body of `POST /sign-in`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// E-mail address of the account, case-insensitive.
    #[schema(min_length = 3, max_length = 254, pattern = r"^[!-?A-~]+@[!-?A-~]+$")]
    pub email: String,
    #[schema(max_length = 200)]
    pub password: String,
}

/// Answer to `POST /sign-in`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    /// Token to send as `Authorization: Bearer` with every request. Shown only here; the portal stores its
    /// hash.
    pub token: String,
    /// Time at which the token expires.
    pub expires_at: JsonTime,
    /// Id of the user.
    pub user: Uuid,
    /// Role of the account: `bidder`, `seller` or `operator`.
    pub role: String,
}

/// Body of `POST /sign-out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOutRequest {
    /// `true` revokes all tokens of the user, `false` only the token of this request.
    #[serde(default)]
    pub all_sessions: bool,
}

/// Answer to `GET /account`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountView {
    /// Id of the user.
    pub user: Uuid,
    /// E-mail address, in the case in which it was entered.
    pub email: String,
    pub name: String,
    /// Role of the account: `bidder`, `seller` or `operator`.
    pub role: String,
    pub created_at: JsonTime,
}
