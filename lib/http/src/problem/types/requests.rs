//! Problems that the ingress finds in a request itself. Except for `internal_error`, `request_timeout` and
//! `temporarily_unavailable`, no command was sent.

use super::{ProblemType, member, problem, problem_types, refusal};
use auction_domain::Refusal;
use auction_domain::promoter::OperatorRoleRequired;
use auction_domain::refusal::ValueType;

problem_types! {
    INVALID_REQUEST = problem("invalid_request", 400,
        "The request is invalid. `errors` lists every invalid field of the body, the headers and the \
         query, each with `at` and `problem`.",
        "Correct every field that `errors` lists. The same request is refused again.", &[]);
    UNKNOWN_ROUTE = problem("unknown_route", 404,
        "No endpoint has this path.",
        "See /docs or /openapi.json for the available endpoints.", &[]);
    WRONG_METHOD = problem("wrong_method", 405,
        "The endpoint does not support this method.",
        "Use one of the methods that the Allow header lists.", &[]);
    UNSUPPORTED_MEDIA_TYPE = problem("unsupported_media_type", 415,
        "The Content-Type of the request is not application/json.",
        "Send JSON in UTF-8 with Content-Type: application/json.", &[]);
    BODY_TOO_LARGE = problem("body_too_large", 413,
        "The body exceeds the size limit.",
        "Send at most `limit_bytes` bytes. The rest of the body was not read.", &[
            member("limit_bytes", ValueType::Count, "maximum size of the body in bytes"),
        ]);
    BODY_TIMEOUT = problem("body_timeout", 408,
        "The body did not arrive completely before the timeout.",
        "Send the request again. It had no effect.", &[
            member("timeout_seconds", ValueType::Count, "timeout for the body in seconds"),
        ]);
    REQUEST_TIMEOUT = problem("request_timeout", 503,
        "The request was not answered before its timeout.",
        "Retry after the number of seconds in Retry-After. A command may have been accepted: send it with \
         the same Idempotency-Key, so that it has one effect.", &[
            member("timeout_seconds", ValueType::Count, "timeout for the request in seconds"),
        ]);
    TOO_MANY_REQUESTS = problem("too_many_requests", 429,
        "The rate limit of this user, API key or IP address is exceeded.",
        "Retry after the number of seconds in Retry-After. The request had no effect. Read the RateLimit \
         header of earlier responses to stay below the limit.", &[
            member("burst", ValueType::Count, "maximum number of requests in a burst"),
            member("per_second", ValueType::Count, "sustained number of requests per second"),
        ]);
    OVERLOADED = problem("overloaded", 503,
        "The portal accepts no new commands at the moment, because the command backlog or the memory usage \
         of Redis is too high.",
        "Retry after the number of seconds in Retry-After, with increasing pauses. The command was not \
         accepted.", &[
            member("undecided", ValueType::Count, "command backlog; absent if memory is the reason"),
            member("limit", ValueType::Count, "maximum command backlog; absent if memory is the reason"),
        ]);
    TOO_MANY_LISTENERS = problem("too_many_listeners", 503,
        "This ingress has reached its maximum number of live subscribers, in total or for the IP address.",
        "Retry after the number of seconds in Retry-After, or poll instead.", &[
            member("limit", ValueType::Count, "maximum number of live subscribers that is reached"),
        ]);
    INTERNAL_ERROR = problem("internal_error", 500,
        "An unexpected error occurred in the portal.",
        "The error is logged. A command may have been accepted: send it with the same Idempotency-Key, so \
         that it has one effect.", &[]);
    AUTHENTICATION_REQUIRED = problem("authentication_required", 401,
        "This endpoint requires authentication.",
        "Sign in and send the token as Authorization: Bearer. With an API key, or through a trusted \
         gateway, also send the id of the user in X-User-Id.", &[]);
    UNTRUSTED_IDENTITY_HEADER = problem("untrusted_identity_header", 401,
        "The request contains X-User-Id or X-User-Role, and this ingress does not trust the header.",
        "Send a token without these headers. Behind a gateway that authenticates users and writes the \
         headers itself, an operator can set ingress.trust_gateway_user_header.", &[]);
    INVALID_TOKEN = problem("invalid_token", 401,
        "The token was not issued by this portal, has expired or was revoked.",
        "Sign in again.", &[]);
    INVALID_CREDENTIALS = problem("invalid_credentials", 401,
        "No account has this e-mail address and password.",
        "Correct the address or the password. You can sign in to a new account after the command that \
         creates its user is accepted.", &[]);
    ROLE_NOT_GRANTED = problem("role_not_granted", 403,
        "X-User-Role requests a role that the token does not have.",
        "Omit X-User-Role, or ask an operator to grant the role.", &[]);
    SELLER_ROLE_REQUIRED = problem("seller_role_required", 403,
        "This endpoint requires the role seller.",
        "Sign up as a seller, or ask an operator to grant the role.", &[]);
    OPERATOR_ROLE_REQUIRED = refusal(OperatorRoleRequired::TYPE);
    SERVICE_ROLE_REQUIRED = problem("service_role_required", 403,
        "This endpoint requires an API key, a trusted gateway or the role operator.",
        "Use an API key. To create an account for yourself, use POST /sign-up.", &[]);
    NO_ACCOUNT = problem("no_account", 404,
        "This user was created by a gateway or service and has no account in this portal.",
        "Ask the system that created the user.", &[]);
    NOT_YOUR_ACCOUNT = problem("not_your_account", 403,
        "The path contains the id of another user. Only that user or an operator can access the account.",
        "Use your own user id.", &[]);
    UNKNOWN_WEBHOOK = problem("unknown_webhook", 404,
        "The user has no webhook with this id.",
        "List the webhooks of the user and use one of their ids.", &[]);
    UNKNOWN_DELIVERY = problem("unknown_delivery", 404,
        "The webhook has no delivery with this id, or its retention period is over.",
        "List the deliveries of the webhook and use one of their ids.", &[]);
    URL_NOT_ALLOWED = problem("url_not_allowed", 422,
        "The portal does not send webhooks to this URL.",
        "Use an https:// URL with a public address and without credentials.", &[]);
    TOO_MANY_WEBHOOKS = problem("too_many_webhooks", 409,
        "The user already has the maximum number of webhooks.",
        "Delete a webhook first.", &[
            member("limit", ValueType::Count, "maximum number of webhooks per user"),
        ]);
    WEBHOOK_DISABLED = problem("webhook_disabled", 409,
        "The webhook is disabled because its endpoint returned 410.",
        "Delete the webhook and create a new one.", &[]);
    UNKNOWN_DEAD_LETTER = problem("unknown_dead_letter", 404,
        "The dead letter does not exist. It may have been requeued or deleted.",
        "List the dead letters and use one of their names.", &[]);
    COMMAND_ALREADY_DECIDED = problem("command_already_decided", 409,
        "The command of this dead letter has been decided in the meantime.",
        "Delete the dead letter.", &[]);
    NOT_PARKED = problem("not_parked", 404,
        "The component has no parked events for this user or auction.",
        "List the parked events. If the events were handled in the meantime, no action is needed.", &[]);
    UNKNOWN_COMMAND = problem("unknown_command", 404,
        "The command handle was not issued by this portal.",
        "Use the URL from the Location header of the response to the command, unchanged.", &[]);
    OUTCOME_EXPIRED = problem("outcome_expired", 410,
        "The retention period of the outcome of this command is over.",
        "Read the user or the auction to find out whether the command had an effect. Do not send the \
         command again without this check: its Idempotency-Key has expired as well.", &[
            member("received_at", ValueType::Time, "time at which the command was received"),
            member("kept_seconds", ValueType::Count, "retention period of outcomes in seconds"),
        ]);
    COMMAND_LOST = problem("command_lost", 410,
        "The command is not known any more: all later commands are decided, and it has no outcome. It was lost \
         with a backend.",
        "Send the request again with the same Idempotency-Key. Without a key, first read the user or the auction \
         to find out whether the command had an effect.", &[
            member("received_at", ValueType::Time, "time at which the command was received"),
        ]);
    IDEMPOTENCY_KEY_REUSED = problem("idempotency_key_reused", 422,
        "The same caller used this Idempotency-Key for a different request with the same method and path.",
        "Use a new key for a new request. To repeat a request, send it unchanged.", &[]);
    INVALID_DRAW_OPTIONS = problem("invalid_draw_options", 422,
        "The draw options are well-formed but contradict each other or have values outside their limits.",
        "Correct the option that `detail` names.", &[]);
    UNKNOWN_VERSION = problem("unknown_version", 404,
        "The auction has not reached the requested version.",
        "Request a version up to `current`.", &[
            member("current", ValueType::Count, "current version of the auction"),
        ]);
    TOKEN_AHEAD_OF_STORE = problem("token_ahead_of_store", 412,
        "The Consistency-Token names a position that the database does not have. The database was restored \
         from a backup after the token was issued.",
        "Discard the token and the data that was read with it.", &[
            member("partition", ValueType::Count, "partition of the positions"),
            member("required", ValueType::Count, "position in the token"),
            member("stored", ValueType::Count, "newest stored position"),
        ]);
    READ_MODEL_BEHIND = problem("read_model_behind", 503,
        "The read model did not reach the required position before the timeout.",
        "Retry after the number of seconds in Retry-After, or read without waiting with \
         ?consistency=stale-ok.", &[
            member("partition", ValueType::Count, "partition with the largest lag"),
            member("required", ValueType::Count, "position that the read requires"),
            member("available", ValueType::Count, "position that the read model has reached"),
            member("lag", ValueType::Count, "number of events between the two positions"),
        ]);
    TEMPORARILY_UNAVAILABLE = problem("temporarily_unavailable", 503,
        "A backend that this request needs is unavailable.",
        "Retry after the number of seconds in Retry-After. A command may have been accepted: send it with \
         the same Idempotency-Key, so that it has one effect.", &[]);
}
