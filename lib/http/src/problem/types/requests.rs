//! Problems that the ingress finds in a request itself. Except for `internal_error`, `request_timeout` and
//! `temporarily_unavailable`, no command was sent.

use super::{MemberType, ProblemType, member, problem_types};

problem_types! {
    INVALID_REQUEST = ProblemType {
        code: "invalid_request",
        status: 400,
        title: "Invalid request",
        summary: "The request is invalid. `errors` lists every invalid field of the body, the headers and \
                  the query.",
        members: &[member("errors", MemberType::Errors, "invalid fields")],
        resolution: "Correct every field that `errors` lists. The same request is refused again.",
    };
    UNKNOWN_ROUTE = ProblemType {
        code: "unknown_route",
        status: 404,
        title: "Unknown route",
        summary: "No endpoint has this path.",
        members: &[],
        resolution: "See /docs or /openapi.json for the available endpoints.",
    };
    WRONG_METHOD = ProblemType {
        code: "wrong_method",
        status: 405,
        title: "Wrong method",
        summary: "The endpoint does not support this method.",
        members: &[],
        resolution: "Use one of the methods that the Allow header lists.",
    };
    UNSUPPORTED_MEDIA_TYPE = ProblemType {
        code: "unsupported_media_type",
        status: 415,
        title: "Unsupported media type",
        summary: "The Content-Type of the request is not application/json.",
        members: &[],
        resolution: "Send JSON in UTF-8 with Content-Type: application/json.",
    };
    BODY_TOO_LARGE = ProblemType {
        code: "body_too_large",
        status: 413,
        title: "Body too large",
        summary: "The body exceeds the size limit.",
        members: &[member("limit_bytes", MemberType::Count, "maximum size of the body in bytes")],
        resolution: "Send at most `limit_bytes` bytes. The rest of the body was not read.",
    };
    BODY_TIMEOUT = ProblemType {
        code: "body_timeout",
        status: 408,
        title: "Body timeout",
        summary: "The body did not arrive completely before the timeout.",
        members: &[member("timeout_seconds", MemberType::Count, "timeout for the body in seconds")],
        resolution: "Send the request again. It had no effect.",
    };
    REQUEST_TIMEOUT = ProblemType {
        code: "request_timeout",
        status: 503,
        title: "Request timeout",
        summary: "The request was not answered before its timeout.",
        members: &[member("timeout_seconds", MemberType::Count, "timeout for the request in seconds")],
        resolution: "Retry after the number of seconds in Retry-After. A command may have been accepted: \
                     send it with the same Idempotency-Key, so that it has one effect.",
    };
    TOO_MANY_REQUESTS = ProblemType {
        code: "too_many_requests",
        status: 429,
        title: "Too many requests",
        summary: "The rate limit of this user, API key or IP address is exceeded.",
        members: &[
            member("burst", MemberType::Count, "maximum number of requests in a burst"),
            member("per_second", MemberType::Count, "sustained number of requests per second"),
        ],
        resolution: "Retry after the number of seconds in Retry-After. The request had no effect. Read the \
                     RateLimit header of earlier responses to stay below the limit.",
    };
    OVERLOADED = ProblemType {
        code: "overloaded",
        status: 503,
        title: "Overloaded",
        summary: "The portal accepts no new commands at the moment, because the command backlog or the \
                  memory usage of Redis is too high.",
        members: &[
            member("undecided", MemberType::Count, "command backlog; absent if memory is the reason"),
            member("limit", MemberType::Count, "maximum command backlog; absent if memory is the reason"),
        ],
        resolution: "Retry after the number of seconds in Retry-After, with increasing pauses. The command \
                     was not accepted.",
    };
    TOO_MANY_LISTENERS = ProblemType {
        code: "too_many_listeners",
        status: 503,
        title: "Too many listeners",
        summary: "This ingress has reached its maximum number of live subscribers.",
        members: &[member("limit", MemberType::Count, "maximum number of live subscribers of this ingress")],
        resolution: "Retry after the number of seconds in Retry-After, or poll instead.",
    };
    INTERNAL_ERROR = ProblemType {
        code: "internal_error",
        status: 500,
        title: "Internal error",
        summary: "An unexpected error occurred in the portal.",
        members: &[],
        resolution: "The error is logged. A command may have been accepted: send it with the same \
                     Idempotency-Key, so that it has one effect.",
    };
    AUTHENTICATION_REQUIRED = ProblemType {
        code: "authentication_required",
        status: 401,
        title: "Authentication required",
        summary: "This endpoint requires authentication.",
        members: &[],
        resolution: "Sign in and send the token as Authorization: Bearer. With an API key, or through a \
                     trusted gateway, also send the id of the user in X-User-Id.",
    };
    UNTRUSTED_IDENTITY_HEADER = ProblemType {
        code: "untrusted_identity_header",
        status: 401,
        title: "Untrusted identity header",
        summary: "The request contains X-User-Id or X-User-Role, and this ingress does not trust the header.",
        members: &[],
        resolution: "Send a token without these headers. Behind a gateway that authenticates users and \
                     writes the headers itself, an operator can set ingress.trust_gateway_user_header.",
    };
    INVALID_TOKEN = ProblemType {
        code: "invalid_token",
        status: 401,
        title: "Invalid token",
        summary: "The token was not issued by this portal, has expired or was revoked.",
        members: &[],
        resolution: "Sign in again.",
    };
    INVALID_CREDENTIALS = ProblemType {
        code: "invalid_credentials",
        status: 401,
        title: "Invalid credentials",
        summary: "No account has this e-mail address and password.",
        members: &[],
        resolution: "Correct the address or the password. You can sign in to a new account after the \
                     command that creates its user is accepted.",
    };
    ROLE_NOT_GRANTED = ProblemType {
        code: "role_not_granted",
        status: 403,
        title: "Role not granted",
        summary: "X-User-Role requests a role that the token does not have.",
        members: &[],
        resolution: "Omit X-User-Role, or ask an operator to grant the role.",
    };
    SELLER_ROLE_REQUIRED = ProblemType {
        code: "seller_role_required",
        status: 403,
        title: "Seller role required",
        summary: "This endpoint requires the role seller.",
        members: &[],
        resolution: "Sign up as a seller, or ask an operator to grant the role.",
    };
    OPERATOR_ROLE_REQUIRED = ProblemType {
        code: "operator_role_required",
        status: 403,
        title: "Operator role required",
        summary: "This endpoint requires the role operator.",
        members: &[],
        resolution: "Use the token of an operator. Through a trusted gateway, send X-User-Role: operator.",
    };
    SERVICE_ROLE_REQUIRED = ProblemType {
        code: "service_role_required",
        status: 403,
        title: "Service role required",
        summary: "This endpoint requires an API key, a trusted gateway or the role operator.",
        members: &[],
        resolution: "Use an API key. To create an account for yourself, use POST /sign-up.",
    };
    NO_ACCOUNT = ProblemType {
        code: "no_account",
        status: 404,
        title: "No account",
        summary: "This user was created by a gateway or service and has no account in this portal.",
        members: &[],
        resolution: "Ask the system that created the user.",
    };
    NOT_YOUR_ACCOUNT = ProblemType {
        code: "not_your_account",
        status: 403,
        title: "Not your account",
        summary: "The path contains the id of another user. Only that user or an operator can access the \
                  account.",
        members: &[],
        resolution: "Use your own user id.",
    };
    UNKNOWN_WEBHOOK = ProblemType {
        code: "unknown_webhook",
        status: 404,
        title: "Unknown webhook",
        summary: "The user has no webhook with this id.",
        members: &[],
        resolution: "List the webhooks of the user and use one of their ids.",
    };
    UNKNOWN_DELIVERY = ProblemType {
        code: "unknown_delivery",
        status: 404,
        title: "Unknown delivery",
        summary: "The webhook has no delivery with this id, or its retention period is over.",
        members: &[],
        resolution: "List the deliveries of the webhook and use one of their ids.",
    };
    URL_NOT_ALLOWED = ProblemType {
        code: "url_not_allowed",
        status: 422,
        title: "URL not allowed",
        summary: "The portal does not send webhooks to this URL.",
        members: &[],
        resolution: "Use an https:// URL with a public address and without credentials.",
    };
    TOO_MANY_WEBHOOKS = ProblemType {
        code: "too_many_webhooks",
        status: 409,
        title: "Too many webhooks",
        summary: "The user already has the maximum number of webhooks.",
        members: &[member("limit", MemberType::Count, "maximum number of webhooks per user")],
        resolution: "Delete a webhook first.",
    };
    WEBHOOK_DISABLED = ProblemType {
        code: "webhook_disabled",
        status: 409,
        title: "Webhook disabled",
        summary: "The webhook is disabled because its endpoint returned 410.",
        members: &[],
        resolution: "Delete the webhook and create a new one.",
    };
    UNKNOWN_DEAD_LETTER = ProblemType {
        code: "unknown_dead_letter",
        status: 404,
        title: "Unknown dead letter",
        summary: "The dead letter does not exist. It may have been requeued or deleted.",
        members: &[],
        resolution: "List the dead letters and use one of their names.",
    };
    COMMAND_ALREADY_DECIDED = ProblemType {
        code: "command_already_decided",
        status: 409,
        title: "Command already decided",
        summary: "The command of this dead letter has been decided in the meantime.",
        members: &[],
        resolution: "Delete the dead letter.",
    };
    NOT_PARKED = ProblemType {
        code: "not_parked",
        status: 404,
        title: "Not parked",
        summary: "The component has no parked events for this user or auction.",
        members: &[],
        resolution: "List the parked events. If the events were handled in the meantime, no action is \
                     needed.",
    };
    UNKNOWN_COMMAND = ProblemType {
        code: "unknown_command",
        status: 404,
        title: "Unknown command",
        summary: "The command handle was not issued by this portal.",
        members: &[],
        resolution: "Use the URL from the Location header of the response to the command, unchanged.",
    };
    OUTCOME_EXPIRED = ProblemType {
        code: "outcome_expired",
        status: 410,
        title: "Outcome expired",
        summary: "The retention period of the outcome of this command is over.",
        members: &[
            member("received_at", MemberType::Time, "time at which the command was received"),
            member("kept_seconds", MemberType::Count, "retention period of outcomes in seconds"),
        ],
        resolution: "Read the user or the auction to find out whether the command had an effect. Do not \
                     send the command again without this check: its Idempotency-Key has expired as well.",
    };
    IDEMPOTENCY_KEY_REUSED = ProblemType {
        code: "idempotency_key_reused",
        status: 422,
        title: "Idempotency key reused",
        summary: "The same caller used this Idempotency-Key for a different request with the same method \
                  and path.",
        members: &[],
        resolution: "Use a new key for a new request. To repeat a request, send it unchanged.",
    };
    INVALID_DRAW_OPTIONS = ProblemType {
        code: "invalid_draw_options",
        status: 422,
        title: "Invalid draw options",
        summary: "The draw options are well-formed but contradict each other or have values outside their \
                  limits.",
        members: &[],
        resolution: "Correct the option that `detail` names.",
    };
    UNKNOWN_VERSION = ProblemType {
        code: "unknown_version",
        status: 404,
        title: "Unknown version",
        summary: "The auction has not reached the requested version.",
        members: &[member("current", MemberType::Count, "current version of the auction")],
        resolution: "Request a version up to `current`.",
    };
    TOKEN_AHEAD_OF_STORE = ProblemType {
        code: "token_ahead_of_store",
        status: 412,
        title: "Token ahead of store",
        summary: "The Consistency-Token names a position that the database does not have. The database was \
                  restored from a backup after the token was issued.",
        members: &[
            member("partition", MemberType::Count, "partition of the positions"),
            member("required", MemberType::Count, "position in the token"),
            member("stored", MemberType::Count, "newest stored position"),
        ],
        resolution: "Discard the token and the data that was read with it.",
    };
    READ_MODEL_BEHIND = ProblemType {
        code: "read_model_behind",
        status: 503,
        title: "Read model behind",
        summary: "The read model did not reach the required position before the timeout.",
        members: &[
            member("partition", MemberType::Count, "partition with the largest lag"),
            member("required", MemberType::Count, "position that the read requires"),
            member("available", MemberType::Count, "position that the read model has reached"),
            member("lag", MemberType::Count, "number of events between the two positions"),
        ],
        resolution: "Retry after the number of seconds in Retry-After, or read without waiting with \
                     ?consistency=stale-ok.",
    };
    TEMPORARILY_UNAVAILABLE = ProblemType {
        code: "temporarily_unavailable",
        status: 503,
        title: "Temporarily unavailable",
        summary: "A backend that this request needs is unavailable.",
        members: &[],
        resolution: "Retry after the number of seconds in Retry-After. A command may have been accepted: \
                     send it with the same Idempotency-Key, so that it has one effect.",
    };
}
