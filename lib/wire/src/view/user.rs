//! User in `GET /user/{id}`.

use crate::time::JsonTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Answer to `GET /user/{id}`. Only that user can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    pub id: Uuid,
    pub created_at: JsonTime,
    /// Whether the user was deleted.
    pub deleted: bool,
}
