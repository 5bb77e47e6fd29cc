//! Refusals: a command was sent, and decided with a no. Nothing happened, and the same answer is kept for the
//! retention of outcomes. Codes and members are those of the domain.

use super::{Member, MemberType, ProblemType, kinds, member};

const NO_MEMBERS: &[Member] = &[];

/// What nobody outside can cause, and nobody outside can mend.
const INTERNAL_COMMAND: &str = "Nothing to do: the house sends this command itself, and it does no harm.";

const ENDS_AT: Member = member("ends_at", MemberType::Time, "when bidding ends, extensions included");

kinds! {
    UNKNOWN_USER = refusal("unknown_user", 404, "Unknown user", "There is no such user.", NO_MEMBERS,
        "Check the id. An account that was opened a moment ago may not be shown yet.");
    USER_EXISTS = refusal("user_exists", 409, "User exists", "A user of this id exists already.", NO_MEMBERS,
        "Use another Idempotency-Key.");
    USER_DELETED = refusal("user_deleted", 409, "User deleted", "The account was deleted.", NO_MEMBERS,
        "Do not repeat it: an account is deleted for good.");
    USER_ALREADY_DELETED = refusal("user_already_deleted", 409, "User already deleted",
        "The account was deleted before.", NO_MEMBERS, "Nothing is left to do.");
    UNKNOWN_SENDER = refusal("unknown_sender", 403, "Unknown sender",
        "Whoever calls has no account here, or has it no more.", NO_MEMBERS,
        "Open an account first, and wait for its outcome.");
    ID_IN_USE = refusal("id_in_use", 409, "Id in use", "This id is in use for something else.", NO_MEMBERS,
        "Check the id: a user is no auction.");
    UNKNOWN_AUCTION = refusal("unknown_auction", 404, "Unknown auction", "There is no such auction.",
        NO_MEMBERS, "Check the id. An auction that was created a moment ago may not be shown yet.");
    VERSION_MOVED = refusal("version_moved", 412, "Version moved",
        "The auction is not at the version that If-Match insists on.", &[
            member("expected_version", MemberType::Count, "the version that was insisted on"),
            member("actual_version", MemberType::Count, "the version it has"),
        ],
        "Read the auction again, look at what has changed, and decide anew. Both numbers are absent if \
         If-Match names no version that an auction can have.");
    AUCTION_EXISTS = refusal("auction_exists", 409, "Auction exists",
        "An auction of this id exists already.", NO_MEMBERS, "Use another Idempotency-Key.");
    ENDS_BEFORE_IT_STARTS = refusal("ends_before_it_starts", 422, "Ends before it starts",
        "The auction would be over before it starts.", &[
            member("starts_at", MemberType::Time, "when it would start"),
            member("ends_at", MemberType::Time, "when it would end"),
        ], "Choose a later end.");
    ENDS_IN_THE_PAST = refusal("ends_in_the_past", 422, "Ends in the past",
        "The auction would be over already.", &[
            member("ends_at", MemberType::Time, "when it would end"),
            member("now", MemberType::Time, "the portal's time when it decided"),
        ], "Choose a later end; check your clock.");
    RESERVE_BELOW_OPENING_BID = refusal("reserve_below_opening_bid", 422, "Reserve below opening bid",
        "Any bid would meet the reserve.",
        &[member("opening_bid", MemberType::Money, "the least a first bid must be")],
        "Leave the reserve out, or choose it above the opening bid.");
    AUCTION_NOT_STARTED = refusal("auction_not_started", 409, "Auction not started",
        "Bidding has not begun.", &[member("starts_at", MemberType::Time, "when it begins")],
        "Come back at `starts_at`.");
    AUCTION_ENDED = refusal("auction_ended", 409, "Auction ended", "Bidding has ended.", &[ENDS_AT],
        "Wait for the result, which is declared a moment later.");
    AUCTION_CLOSED = refusal("auction_closed", 409, "Auction closed", "The result is declared, and final.",
        NO_MEMBERS, "Look at the auction for its result.");
    AUCTION_CANCELLED = refusal("auction_cancelled", 409, "Auction cancelled", "The auction was called off.",
        NO_MEMBERS, "Do not repeat it.");
    NOT_YOUR_AUCTION = refusal("not_your_auction", 403, "Not your auction",
        "Only its seller or the house may do this.", NO_MEMBERS, "Do not repeat it.");
    SELLER_MAY_NOT_BID = refusal("seller_may_not_bid", 403, "Seller may not bid",
        "Whoever sells may not bid in his own auction.", NO_MEMBERS, "Do not repeat it.");
    BELOW_OPENING_BID = refusal("below_opening_bid", 409, "Below opening bid",
        "The bid is below the opening bid.", &[member("minimum", MemberType::Money, "the least that would do")],
        "Bid `minimum` or more.");
    NOT_ABOVE_YOUR_LATEST = refusal("not_above_your_latest", 409, "Not above your latest",
        "The bid is not above what the same bidder bid last. It may be below what others bid.", &[
            member("your_latest", MemberType::Money, "the bidder's latest bid that counts"),
            member("minimum", MemberType::Money, "the least that would do"),
        ], "Bid `minimum` or more, or delete the latest bid first.");
    BID_EXISTS = refusal("bid_exists", 409, "Bid exists", "A bid of this id exists already.", NO_MEMBERS,
        "Use another Idempotency-Key.");
    UNKNOWN_BID = refusal("unknown_bid", 404, "Unknown bid", "There is no such bid in this auction.",
        NO_MEMBERS, "Check both ids.");
    NOT_YOUR_BID = refusal("not_your_bid", 403, "Not your bid", "Only its bidder may delete a bid.",
        NO_MEMBERS, "Do not repeat it.");
    BID_NOT_LIVE = refusal("bid_not_live", 409, "Bid not live",
        "The bid does not count any more: it was deleted, voided or retracted.", NO_MEMBERS,
        "Nothing is left to do.");
    TOO_LATE_TO_DELETE = refusal("too_late_to_delete", 409, "Too late to delete",
        "So shortly before the end no bid can be deleted in this auction.",
        &[member("locked_since", MemberType::Time, "since when"), ENDS_AT],
        "Do not repeat it: the bid stays.");
    ALREADY_DOUBLED = refusal("already_doubled", 409, "Already doubled", "The bid counts twice already.",
        NO_MEMBERS, INTERNAL_COMMAND);
    TOO_EARLY_TO_CLOSE = refusal("too_early_to_close", 409, "Too early to close",
        "The end has not come.", &[ENDS_AT], INTERNAL_COMMAND);
    NO_LIVE_BID = refusal("no_live_bid", 409, "No live bid",
        "The user has no bid in this auction that counts.", NO_MEMBERS, INTERNAL_COMMAND);
    NOT_PROMOTED = refusal("not_promoted", 409, "Not promoted", "There are no draws in this auction.",
        NO_MEMBERS, INTERNAL_COMMAND);
    DRAW_TOO_EARLY = refusal("draw_too_early", 409, "Draw too early", "The draw is not due yet.",
        &[member("due_at", MemberType::Time, "when it is")], INTERNAL_COMMAND);
    DRAW_TOO_LATE = refusal("draw_too_late", 409, "Draw too late", "The next draw is due already.",
        &[member("due", MemberType::Count, "the number of the one that is due")], INTERNAL_COMMAND);
    DRAW_ALREADY_HELD = refusal("draw_already_held", 409, "Draw already held", "This draw was held before.",
        NO_MEMBERS, INTERNAL_COMMAND);
    DRAW_OF_ANOTHER_VERSION = refusal("draw_of_another_version", 409, "Draw of another version",
        "The draw looked at another version of the auction than that when it was due.", &[
            member("at_version", MemberType::Count, "what it looked at"),
            member("due_at_version", MemberType::Count, "what it has to look at"),
        ], INTERNAL_COMMAND);
    AUCTION_NOT_OVER = refusal("auction_not_over", 409, "Auction not over",
        "The seed of draws is shown when the auction is over.", NO_MEMBERS, INTERNAL_COMMAND);
    SEED_ALREADY_REVEALED = refusal("seed_already_revealed", 409, "Seed already revealed",
        "The seed was shown before.", NO_MEMBERS, INTERNAL_COMMAND);
    OTHER_SEED = refusal("other_seed", 409, "Other seed",
        "This is not the seed that the auction was created with.", NO_MEMBERS, INTERNAL_COMMAND);
}

const fn refusal(
    code: &'static str,
    status: u16,
    title: &'static str,
    happened: &'static str,
    members: &'static [Member],
    advice: &'static str,
) -> ProblemType {
    ProblemType { code, status, title, happened, members, advice }
}
