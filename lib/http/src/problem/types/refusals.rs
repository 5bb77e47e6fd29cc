//! Refusals: a command was decided, and a business rule refused it. Nothing changed. The portal keeps the
//! refusal as long as every outcome and returns it for each repetition. Codes and members are defined by the
//! domain.

use super::{Member, MemberType, ProblemType, member, problem_types};

const NO_MEMBERS: &[Member] = &[];

/// Resolution of refusals that no client can cause or fix.
const INTERNAL_COMMAND: &str = "Only the portal sends this command. No action is needed.";

const ENDS_AT: Member = member("ends_at", MemberType::Time, "end of bidding, including extensions");

problem_types! {
    UNKNOWN_USER = refusal("unknown_user", 404, "Unknown user", "The user does not exist.", NO_MEMBERS,
        "Check the id. An account that was just created may not be visible yet: send the Consistency-Token \
         of the command.");
    USER_EXISTS = refusal("user_exists", 409, "User exists", "A user with this id already exists.",
        NO_MEMBERS, "Send the request with a new Idempotency-Key.");
    USER_DELETED = refusal("user_deleted", 409, "User deleted", "The account is deleted.", NO_MEMBERS,
        "Do not repeat the request: deletion is permanent.");
    USER_ALREADY_DELETED = refusal("user_already_deleted", 409, "User already deleted",
        "The account was already deleted.", NO_MEMBERS, "No action is needed.");
    UNKNOWN_SENDER = refusal("unknown_sender", 403, "Unknown sender",
        "The calling user has no account in this portal, or the account is deleted.", NO_MEMBERS,
        "Create an account and wait for the outcome of that command before you send others.");
    ID_IN_USE = refusal("id_in_use", 409, "Id in use",
        "The id belongs to another kind of object, for example to a user instead of an auction.", NO_MEMBERS,
        "Check the id.");
    UNKNOWN_AUCTION = refusal("unknown_auction", 404, "Unknown auction", "The auction does not exist.",
        NO_MEMBERS, "Check the id. An auction that was just created may not be visible yet: send the \
                     Consistency-Token of the command.");
    VERSION_CONFLICT = refusal("version_conflict", 412, "Version conflict",
        "The auction is not at the version that If-Match requires.", &[
            member("expected_version", MemberType::Count, "version required by If-Match"),
            member("actual_version", MemberType::Count, "version of the auction at the decision"),
        ],
        "Read the auction again and send the command with its new ETag if you still want it. Both members \
         are absent if If-Match does not contain the version of an auction.");
    AUCTION_EXISTS = refusal("auction_exists", 409, "Auction exists",
        "An auction with this id already exists.", NO_MEMBERS,
        "Send the request with a new Idempotency-Key.");
    ENDS_BEFORE_IT_STARTS = refusal("ends_before_it_starts", 422, "Ends before it starts",
        "The end of the auction is not after its start.", &[
            member("starts_at", MemberType::Time, "requested start of bidding"),
            member("ends_at", MemberType::Time, "requested end of bidding"),
        ], "Choose a later end.");
    ENDS_IN_THE_PAST = refusal("ends_in_the_past", 422, "Ends in the past",
        "The end of the auction is in the past.", &[
            member("ends_at", MemberType::Time, "requested end of bidding"),
            member("now", MemberType::Time, "time of the portal when the command was decided"),
        ], "Choose a later end. Check your clock if the end should be in the future.");
    RESERVE_BELOW_OPENING_BID = refusal("reserve_below_opening_bid", 422, "Reserve below opening bid",
        "The reserve is not above the opening bid, so that every bid would meet it.",
        &[member("opening_bid", MemberType::Money, "smallest amount of the first bid")],
        "Omit the reserve, or choose one above the opening bid.");
    AUCTION_NOT_STARTED = refusal("auction_not_started", 409, "Auction not started",
        "Bidding has not started yet.", &[member("starts_at", MemberType::Time, "start of bidding")],
        "Send the command again after `starts_at`.");
    AUCTION_ENDED = refusal("auction_ended", 409, "Auction ended", "Bidding has ended.", &[ENDS_AT],
        "Read the auction. Its result is declared shortly after the end.");
    AUCTION_CLOSED = refusal("auction_closed", 409, "Auction closed",
        "The auction is closed and its result is final.", NO_MEMBERS, "Read the auction for its result.");
    AUCTION_CANCELLED = refusal("auction_cancelled", 409, "Auction cancelled", "The auction is cancelled.",
        NO_MEMBERS, "Do not repeat the request.");
    NOT_YOUR_AUCTION = refusal("not_your_auction", 403, "Not your auction",
        "Only the seller of the auction or an operator can send this command.", NO_MEMBERS,
        "Do not repeat the request. Check that you act as the seller of this auction.");
    SELLER_MAY_NOT_BID = refusal("seller_may_not_bid", 403, "Seller may not bid",
        "Sellers cannot bid in their own auctions.", NO_MEMBERS, "Do not repeat the request.");
    BELOW_OPENING_BID = refusal("below_opening_bid", 409, "Below opening bid",
        "The bid is below the opening bid.",
        &[member("minimum", MemberType::Money, "smallest amount that is accepted")],
        "Bid `minimum` or more.");
    NOT_ABOVE_YOUR_LATEST = refusal("not_above_your_latest", 409, "Not above your latest",
        "The bid is not above the latest active bid of the same bidder. It may be below the bids of \
         others.", &[
            member("your_latest", MemberType::Money, "amount of the bidder's latest active bid"),
            member("minimum", MemberType::Money, "smallest amount that is accepted"),
        ], "Bid `minimum` or more, or delete the latest bid first.");
    BID_EXISTS = refusal("bid_exists", 409, "Bid exists", "A bid with this id already exists.", NO_MEMBERS,
        "Send the request with a new Idempotency-Key.");
    UNKNOWN_BID = refusal("unknown_bid", 404, "Unknown bid", "The bid does not exist in this auction.",
        NO_MEMBERS, "Check the ids of the auction and of the bid.");
    NOT_YOUR_BID = refusal("not_your_bid", 403, "Not your bid", "Only the bidder of a bid can delete it.",
        NO_MEMBERS, "Do not repeat the request.");
    BID_NOT_LIVE = refusal("bid_not_live", 409, "Bid not live",
        "The bid is not active any more: it was deleted, voided or retracted.", NO_MEMBERS,
        "No action is needed.");
    TOO_LATE_TO_DELETE = refusal("too_late_to_delete", 409, "Too late to delete",
        "Bids in this auction cannot be deleted this shortly before its end.",
        &[member("locked_since", MemberType::Time, "time from which bids could not be deleted"), ENDS_AT],
        "Do not repeat the request: the bid stays active.");
    ALREADY_DOUBLED = refusal("already_doubled", 409, "Already doubled", "The bid is already doubled.",
        NO_MEMBERS, INTERNAL_COMMAND);
    TOO_EARLY_TO_CLOSE = refusal("too_early_to_close", 409, "Too early to close",
        "The end of the auction is not reached.", &[ENDS_AT], INTERNAL_COMMAND);
    NO_LIVE_BID = refusal("no_live_bid", 409, "No live bid",
        "The user has no active bid in this auction.", NO_MEMBERS, INTERNAL_COMMAND);
    NOT_PROMOTED = refusal("not_promoted", 409, "Not promoted", "The auction has no draws.",
        NO_MEMBERS, INTERNAL_COMMAND);
    DRAW_TOO_EARLY = refusal("draw_too_early", 409, "Draw too early", "The draw is not due yet.",
        &[member("due_at", MemberType::Time, "time at which the draw is due")], INTERNAL_COMMAND);
    DRAW_TOO_LATE = refusal("draw_too_late", 409, "Draw too late", "The next draw is already due.",
        &[member("due", MemberType::Count, "number of the draw that is due")], INTERNAL_COMMAND);
    DRAW_ALREADY_HELD = refusal("draw_already_held", 409, "Draw already held", "This draw was already held.",
        NO_MEMBERS, INTERNAL_COMMAND);
    DRAW_OF_ANOTHER_VERSION = refusal("draw_of_another_version", 409, "Draw of another version",
        "The draw was not made from the version that the auction had when the draw was due.", &[
            member("at_version", MemberType::Count, "version that the draw was made from"),
            member("due_at_version", MemberType::Count, "version that the draw must be made from"),
        ], INTERNAL_COMMAND);
    AUCTION_NOT_OVER = refusal("auction_not_over", 409, "Auction not over",
        "The seed of the draws is revealed only after the auction is closed or cancelled.", NO_MEMBERS,
        INTERNAL_COMMAND);
    SEED_ALREADY_REVEALED = refusal("seed_already_revealed", 409, "Seed already revealed",
        "The seed of the draws was already revealed.", NO_MEMBERS, INTERNAL_COMMAND);
    SEED_MISMATCH = refusal("seed_mismatch", 409, "Seed mismatch",
        "The seed does not match the commitment that the auction was created with.", NO_MEMBERS,
        INTERNAL_COMMAND);
}

const fn refusal(
    code: &'static str,
    status: u16,
    title: &'static str,
    summary: &'static str,
    members: &'static [Member],
    resolution: &'static str,
) -> ProblemType {
    ProblemType { code, status, title, summary, members, resolution }
}
