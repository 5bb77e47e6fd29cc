//! Problems of requests: the ingress itself finds them, and no command was sent.

use super::{MemberType, ProblemType, kinds, member};

kinds! {
    INVALID_REQUEST = ProblemType {
        code: "invalid_request",
        status: 400,
        title: "Invalid request",
        happened: "Something in the request makes no sense: a member of its body, a header, or its query.",
        members: &[member("errors", MemberType::Errors, "everything that was found, and where")],
        advice: "Mend what `errors` names. The same request will be refused again.",
    };
    UNKNOWN_ROUTE = ProblemType {
        code: "unknown_route",
        status: 404,
        title: "Unknown route",
        happened: "There is nothing at this path.",
        members: &[],
        advice: "Look into /openapi.json, or at /docs, for what there is.",
    };
    WRONG_METHOD = ProblemType {
        code: "wrong_method",
        status: 405,
        title: "Wrong method",
        happened: "This method is not possible at this path.",
        members: &[],
        advice: "Use one of the methods that the header Allow names.",
    };
    UNSUPPORTED_MEDIA_TYPE = ProblemType {
        code: "unsupported_media_type",
        status: 415,
        title: "Unsupported media type",
        happened: "The body is not said to be JSON.",
        members: &[],
        advice: "Send JSON in UTF-8, and Content-Type: application/json.",
    };
    TOO_LARGE = ProblemType {
        code: "too_large",
        status: 413,
        title: "Too large",
        happened: "The body is longer than any request needs to be.",
        members: &[member("at_most_bytes", MemberType::Count, "how long it may be")],
        advice: "Send less. The body was not read to its end.",
    };
    BODY_TOO_SLOW = ProblemType {
        code: "body_too_slow",
        status: 408,
        title: "Body too slow",
        happened: "The body did not come whole in time.",
        members: &[member("within_seconds", MemberType::Count, "how long is waited for it")],
        advice: "Send it again, in one go. Nothing was done.",
    };
    TOOK_TOO_LONG = ProblemType {
        code: "took_too_long",
        status: 503,
        title: "Took too long",
        happened: "The request was not answered within its deadline.",
        members: &[member("within_seconds", MemberType::Count, "the deadline")],
        advice: "Try again after the seconds that Retry-After says. Whether a command was taken is not known: \
                 repeat it with the same Idempotency-Key, and it has one effect.",
    };
    TOO_MANY_REQUESTS = ProblemType {
        code: "too_many_requests",
        status: 429,
        title: "Too many requests",
        happened: "So many requests came from this caller, or from his address, that he is to wait.",
        members: &[
            member("at_once", MemberType::Count, "so many may come at once"),
            member("per_second", MemberType::Count, "and then so many in a second"),
        ],
        advice: "Nothing was done. Repeat it after the seconds that Retry-After says; RateLimit says how it stands \
                 before it comes to that.",
    };
    OVERLOADED = ProblemType {
        code: "overloaded",
        status: 503,
        title: "Overloaded",
        happened: "More commands are on their way than can be decided soon, so no new ones are taken for now.",
        members: &[
            member("undecided", MemberType::Count, "how many are on their way, if that is the reason"),
            member("at_most", MemberType::Count, "how many are too many"),
        ],
        advice: "Nothing was done. Try again after the seconds that Retry-After says, and ever less often.",
    };
    TOO_MANY_LISTENERS = ProblemType {
        code: "too_many_listeners",
        status: 503,
        title: "Too many listeners",
        happened: "As many listen already as this ingress has room for.",
        members: &[member("at_most", MemberType::Count, "so many may listen")],
        advice: "Try again after the seconds that Retry-After says, or read now and then instead.",
    };
    INTERNAL_ERROR = ProblemType {
        code: "internal_error",
        status: 500,
        title: "Internal error",
        happened: "A mistake of the portal, not of the request.",
        members: &[],
        advice: "It is in the log of the house. Whether a command was taken is not known: repeat it with the same \
                 Idempotency-Key, and it has one effect.",
    };
    CALLER_UNKNOWN = ProblemType {
        code: "caller_unknown",
        status: 401,
        title: "Caller unknown",
        happened: "Nobody says who is calling, and the request needs somebody.",
        members: &[],
        advice: "Sign in, and send the token: Authorization: Bearer. With a service key, or through a gateway, name \
                 the user in X-User-Id.",
    };
    CALLER_NOT_TRUSTED = ProblemType {
        code: "caller_not_trusted",
        status: 401,
        title: "Caller not trusted",
        happened: "A header says who is calling, and this ingress does not believe it.",
        members: &[],
        advice: "Send a token instead. An operator can set trust_gateway_user_header, behind a gateway that \
                 authenticates callers and writes the header itself.",
    };
    INVALID_TOKEN = ProblemType {
        code: "invalid_token",
        status: 401,
        title: "Invalid token",
        happened: "The token is none of this portal, or it has expired, or was revoked.",
        members: &[],
        advice: "Sign in again.",
    };
    WRONG_CREDENTIALS = ProblemType {
        code: "wrong_credentials",
        status: 401,
        title: "Wrong credentials",
        happened: "There is no account with that address and that password.",
        members: &[],
        advice: "Mend what was mistyped. A new account is there when the command that makes its user is done.",
    };
    ROLE_NOT_GRANTED = ProblemType {
        code: "role_not_granted",
        status: 403,
        title: "Role not granted",
        happened: "X-User-Role asks for more than the token is good for.",
        members: &[],
        advice: "Leave X-User-Role out, or have an operator grant the role.",
    };
    SELLERS_ONLY = ProblemType {
        code: "sellers_only",
        status: 403,
        title: "Sellers only",
        happened: "Only who has the role of a seller may do this.",
        members: &[],
        advice: "Sign up as a seller, or have an operator grant the role.",
    };
    OPERATORS_ONLY = ProblemType {
        code: "operators_only",
        status: 403,
        title: "Operators only",
        happened: "Only an operator of the house may do this.",
        members: &[],
        advice: "Do not repeat it. Where a gateway says who calls, it says who is an operator by X-User-Role: operator.",
    };
    SERVICES_ONLY = ProblemType {
        code: "services_only",
        status: 403,
        title: "Services only",
        happened: "Only who may act for users may do this: a service, or an operator.",
        members: &[],
        advice: "Do not repeat it. People open accounts by POST /sign-up.",
    };
    NO_ACCOUNT = ProblemType {
        code: "no_account",
        status: 404,
        title: "No account",
        happened: "Nothing is known of this user but his id: he did not sign up here.",
        members: &[],
        advice: "Ask whoever opened the account.",
    };
    NOT_YOUR_ACCOUNT = ProblemType {
        code: "not_your_account",
        status: 403,
        title: "Not your account",
        happened: "An account is the business of its user, and of the house.",
        members: &[],
        advice: "Do not repeat it.",
    };
    UNKNOWN_WEBHOOK = ProblemType {
        code: "unknown_webhook",
        status: 404,
        title: "Unknown webhook",
        happened: "The user has no such webhook.",
        members: &[],
        advice: "Look at the list of them.",
    };
    UNKNOWN_DELIVERY = ProblemType {
        code: "unknown_delivery",
        status: 404,
        title: "Unknown delivery",
        happened: "Nothing of this id was sent to this webhook, or it is not kept any more.",
        members: &[],
        advice: "Look at the list of what was sent.",
    };
    URL_NOT_ALLOWED = ProblemType {
        code: "url_not_allowed",
        status: 422,
        title: "URL not allowed",
        happened: "The portal does not call this URL.",
        members: &[],
        advice: "Give an address that begins with https://, has no credentials in it, and is public.",
    };
    TOO_MANY_WEBHOOKS = ProblemType {
        code: "too_many_webhooks",
        status: 409,
        title: "Too many webhooks",
        happened: "The user has as many webhooks as he may have.",
        members: &[member("at_most", MemberType::Count, "so many")],
        advice: "Delete one first.",
    };
    WEBHOOK_DISABLED = ProblemType {
        code: "webhook_disabled",
        status: 409,
        title: "Webhook disabled",
        happened: "The webhook answered 410, so nothing is sent there any more.",
        members: &[],
        advice: "Delete it, and create another one.",
    };
    UNKNOWN_DEAD_LETTER = ProblemType {
        code: "unknown_dead_letter",
        status: 404,
        title: "Unknown dead letter",
        happened: "There is no such dead letter: it was sent again, or dropped, or never was.",
        members: &[],
        advice: "Look at the list of them.",
    };
    COMMAND_DECIDED = ProblemType {
        code: "command_decided",
        status: 409,
        title: "Command decided",
        happened: "The command of this dead letter was decided since.",
        members: &[],
        advice: "Drop the letter: there is nothing left to do.",
    };
    NOT_PARKED = ProblemType {
        code: "not_parked",
        status: 404,
        title: "Not parked",
        happened: "This service does not hold back events of this user or auction.",
        members: &[],
        advice: "Nothing is left to do, or look at the list of what is parked.",
    };
    UNKNOWN_COMMAND = ProblemType {
        code: "unknown_command",
        status: 404,
        title: "Unknown command",
        happened: "This portal never gave out such a handle.",
        members: &[],
        advice: "Take the address from Location, as it is.",
    };
    OUTCOME_EXPIRED = ProblemType {
        code: "outcome_expired",
        status: 410,
        title: "Outcome expired",
        happened: "What became of this command is not kept any more.",
        members: &[
            member("received_at", MemberType::Time, "when the command came in"),
            member("kept_seconds", MemberType::Count, "how long outcomes are kept"),
        ],
        advice: "Look at the thing itself. Do not send the command again as if it had not happened.",
    };
    IDEMPOTENCY_KEY_REUSED = ProblemType {
        code: "idempotency_key_reused",
        status: 422,
        title: "Idempotency key reused",
        happened: "This Idempotency-Key belongs to another request of the same caller, method and path.",
        members: &[],
        advice: "Use a new key for a new request. To repeat a request, send it unchanged.",
    };
    OPTIONS_MAKE_NO_SENSE = ProblemType {
        code: "options_make_no_sense",
        status: 422,
        title: "Options make no sense",
        happened: "The options of draws are well-formed and do not go together.",
        members: &[],
        advice: "Mend what `detail` says.",
    };
    UNKNOWN_VERSION = ProblemType {
        code: "unknown_version",
        status: 404,
        title: "Unknown version",
        happened: "The auction has not come to this version.",
        members: &[member("current", MemberType::Count, "the version that it is at")],
        advice: "Ask for an earlier one.",
    };
    TOKEN_AHEAD_OF_STORE = ProblemType {
        code: "token_ahead_of_store",
        status: 412,
        title: "Token ahead of store",
        happened: "The Consistency-Token is of events that the portal does not have: it was restored to an earlier \
                   state since.",
        members: &[
            member("partition", MemberType::Count, "where"),
            member("wanted", MemberType::Count, "the position that the token names"),
            member("stored", MemberType::Count, "the newest position that there is"),
        ],
        advice: "Forget the token, and whatever was read with it.",
    };
    PROJECTION_BEHIND = ProblemType {
        code: "projection_behind",
        status: 503,
        title: "Projection behind",
        happened: "What is shown is not as fresh as it shall be, and did not become so in time.",
        members: &[
            member("partition", MemberType::Count, "where it is the furthest behind"),
            member("wanted", MemberType::Count, "the position that shall be shown at least"),
            member("shown", MemberType::Count, "the position that is shown"),
            member("behind", MemberType::Count, "how many events lie between"),
        ],
        advice: "Ask again after the seconds that Retry-After says, or take it as it is with ?consistency=stale-ok.",
    };
    TEMPORARILY_UNAVAILABLE = ProblemType {
        code: "temporarily_unavailable",
        status: 503,
        title: "Temporarily unavailable",
        happened: "The portal cannot serve this right now.",
        members: &[],
        advice: "Try again after the seconds that Retry-After says. Whether a command was taken is not known: \
                 repeat it with the same Idempotency-Key, and it has one effect.",
    };
}
