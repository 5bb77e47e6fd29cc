//! What each key is for: the page `docs/reference/redis-keys.md`. Every builder of `keys.rs` has an entry.

use super::*;
use auction_app::ports::people::TokenHash;
use auction_app::projector::views;
use auction_testkit::reference_page::ReferencePage;
use uuid::Uuid;

/// Keys that differ only in ids.
struct KeyFamily {
    /// Name of the function or constant in `keys.rs`.
    builder: &'static str,
    /// Key with a placeholder for each id.
    pattern: &'static str,
    /// Key of partition 7, as the builder makes it.
    example: String,
    /// Type of the value, or `channel`.
    kind: &'static str,
    content: &'static str,
    writers: &'static str,
    readers: &'static str,
    lifetime: &'static str,
    /// Arguments of redis-cli that show it; `KEY` stands for the key.
    look: &'static str,
}

/// Entries of the table: the builder and its example, then `pattern, kind; content; writers, readers; lifetime;
/// look`.
macro_rules! families {
    ($($builder:ident = $example:expr => $pattern:literal, $kind:literal; $content:literal;
       $writers:literal, $readers:literal; $lifetime:literal; $look:literal)+) => {
        vec![$(KeyFamily {
            builder: stringify!($builder), pattern: $pattern, example: $example, kind: $kind,
            content: $content, writers: $writers, readers: $readers, lifetime: $lifetime, look: $look,
        },)+]
    };
}

const P: PartitionId = PartitionId(7);
const USER: UserId = UserId(Uuid::from_u128(1));
const ADDRESS: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn families() -> Vec<KeyFamily> {
    [streams(), processes_and_limits(), inboxes(), read_models(), channels()].into_iter().flatten().collect()
}

fn streams() -> Vec<KeyFamily> {
    families! {
        commands = commands(P, Channel::Bid) => "ap:{<partition>}:cmd:<channel>", "stream";
            "Commands. Channels: `user`, `auction`, `bid`.";
            "ingress, auctioneer, promoter", "writer";
            "Undecided commands stay. Decided ones stay for `retention.commands_seconds`.";
            "FCALL_RO ap_tail 1 KEY 5"
        repaired_commands = repaired_commands(P, Channel::Bid) => "ap:{<partition>}:repair:<channel>", "stream";
            "Copy of a command stream, until it replaces the stream.";
            "`portal streams repair`", "`portal streams repair`";
            "Until the repair ends. The next one deletes what an interrupted one has left.";
            "FCALL_RO ap_tail 1 KEY 5"
        events = events(P) => "ap:{<partition>}:evt", "stream";
            "Events. The entry id is `<position>-0`.";
            "writer", "projector, auctioneer, notifier, promoter, ingress";
            "`retention.events_seconds`; the newest event stays. Postgres keeps all events.";
            "FCALL_RO ap_tail 1 KEY 5"
        dead = dead(P) => "ap:{<partition>}:dead", "stream";
            "Dead letters: commands that cannot be processed, and entries that are no commands.";
            "writer", "`portal dead-letters`, ingress";
            "Until an operator requeues or drops them.";
            "FCALL_RO ap_tail 1 KEY 5"
    }
}

fn processes_and_limits() -> Vec<KeyFamily> {
    families! {
        lease = lease(P, "writer") => "ap:{<partition>}:lease:<component>", "string";
            "Process that holds the partition for a component.";
            "writer, projector, auctioneer, notifier, promoter", "the same, `portal streams`";
            "`lease_seconds` of the component after the last renewal.";
            "GET KEY"
        PORTAL = PORTAL.to_owned() => "ap:portal", "string";
            "Id of the portal that this Redis belongs to, the row `portal_id` of the table `secrets`.";
            "every process, once", "every process, on each new connection";
            "Forever.";
            "GET KEY"
        members = members("writer") => "ap:members:<component>", "sorted set";
            "Processes of a component, by the time of their last registration.";
            "writer, projector, auctioneer, notifier, promoter", "the same";
            "A process: `lease_seconds` after its last registration. The key: ten times as long.";
            "ZRANGE KEY 0 -1 WITHSCORES"
        crash_marks = crash_marks(P) => "ap:{<partition>}:crash-marks", "hash";
            "Process → command that it handles and that may crash it.";
            "writer", "writer";
            "Ten minutes after the last mark.";
            "HGETALL KEY"
        reply = reply(P, "i1") => "ap:{<partition>}:reply:<ingress>", "stream";
            "Outcomes for one ingress process.";
            "writer", "ingress";
            "60 seconds after the ingress renewed it last.";
            "FCALL_RO ap_tail 1 KEY 5"
        rate_limit = rate_limit(RateLimitKey::User(USER)) => "ap:limit:user:<user>", "string";
            "Rate limit of a user: time at which the whole burst is available again, in µs since 1970.";
            "ingress", "ingress";
            "Until that time.";
            "GET KEY"
        rate_limit = rate_limit(RateLimitKey::Service(TokenHash([7; 32]))) => "ap:limit:service:<hash>", "string";
            "Rate limit of an API key; first half of its SHA-256.";
            "ingress", "ingress";
            "Until that time.";
            "GET KEY"
        rate_limit = rate_limit(RateLimitKey::Address(ADDRESS)) => "ap:limit:address:<address>", "string";
            "Rate limit of an IPv4 address, or of an IPv6 network of 64 bits.";
            "ingress", "ingress";
            "Until that time.";
            "GET KEY"
    }
}

fn inboxes() -> Vec<KeyFamily> {
    families! {
        inbox = inbox(P, USER) => "ap:{<partition>}:inbox:<user>", "hash";
            "Cached inbox: sequence number → notification as JSON, and the range that is complete.";
            "notifier, ingress", "ingress";
            "Ten minutes after it was filled.";
            "HGETALL KEY"
        inbox_epoch = inbox_epoch(P) => "ap:{<partition>}:inbox-epoch", "string";
            "Epoch of the cached inboxes. Those of an older epoch are filled again.";
            "notifier", "ingress";
            "Forever.";
            "GET KEY"
    }
}

fn read_models() -> Vec<KeyFamily> {
    let view_keys = ViewKeys::new(P, Generation(3));
    families! {
        current_generation = current_generation(P) => "ap:{<partition>}:read-model:current", "string";
            "Current generation of the read models; 1 if the key is missing.";
            "`portal rebuild`", "projector, ingress, `portal verify`";
            "Forever.";
            "GET KEY"
        newest_generation = newest_generation(P) => "ap:{<partition>}:read-model:newest", "string";
            "Newest generation that a rebuild began.";
            "`portal rebuild`", "`portal rebuild`";
            "Forever.";
            "GET KEY"
        checkpoint = view_keys.checkpoint() => "ap:{<partition>}:read-model:<generation>:checkpoint", "string";
            "Position of the last event that the read models of the generation include.";
            "projector, `portal rebuild`", "projector, ingress, `portal verify`";
            "Until a rebuild replaces the generation.";
            "GET KEY"
        key = view_keys.key(views::user::name(USER)) => "ap:{<partition>}:read-model:<generation>:<view>", "string, hash or sorted set";
            "View: a document, a set of entries or a list. See below.";
            "projector, `portal rebuild`", "ingress, `portal verify`";
            "Until a rebuild replaces the generation.";
            "TYPE KEY"
    }
}

fn channels() -> Vec<KeyFamily> {
    families! {
        decided = decided(P) => "ap:{<partition>}:decided", "channel";
            "Ids of decided commands, 16 bytes each.";
            "writer", "ingress";
            "Not stored.";
            "SUBSCRIBE KEY"
        NOTIFIED = NOTIFIED.to_owned() => "ap:notified", "channel";
            "Ids of users with new notifications, 16 bytes each.";
            "notifier", "ingress";
            "Not stored.";
            "SUBSCRIBE KEY"
        OUTGOING = OUTGOING.to_owned() => "ap:outgoing", "channel";
            "User partitions with outgoing notifications, 2 bytes each.";
            "notifier", "notifier";
            "Not stored.";
            "SUBSCRIBE KEY"
        REVOKED = REVOKED.to_owned() => "ap:revoked", "channel";
            "A revoked token, or a user whose tokens are revoked.";
            "ingress, auctioneer, `portal accounts`, `portal api-keys`", "ingress";
            "Not stored.";
            "SUBSCRIBE KEY"
    }
}

/// Returns whether a key has the form of a pattern.
fn matches(pattern: &str, example: &str) -> bool {
    let Some((fixed, rest)) = pattern.split_once('<') else { return pattern == example };
    let Some(example) = example.strip_prefix(fixed) else { return false };
    let Some((_, rest)) = rest.split_once('>') else { return false };
    // The text of a placeholder ends where the rest of the pattern matches.
    (1..=example.len()).any(|end| example.is_char_boundary(end) && matches(rest, &example[end..]))
}

#[test]
fn every_key_builder_has_a_family() {
    let source = include_str!("../keys.rs").split("#[cfg(test)]\nmod tests").next().unwrap();
    let after = |start: &str| {
        let names = source.split(start).skip(1).map(|rest| rest.split(['(', ':']).next().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let no_keys = ["new", "read_view_key", "ALL_VIEWS", "FORMER_VIEWS"];
    let builders = [after("pub fn "), after("pub const ")].concat();
    let families = families();
    assert!(builders.len() > 15, "{builders:?}");
    for builder in builders.iter().filter(|builder| !no_keys.contains(&builder.as_str())) {
        assert!(families.iter().any(|family| family.builder == builder), "{builder} has no family");
    }
    for KeyFamily { pattern, example, .. } in families {
        assert!(matches(pattern, &example), "{example} does not match {pattern}");
    }
}

#[test]
fn redis_keys_reference_page_is_current() {
    let mut page = ReferencePage::new(
        "redis-keys.md",
        "Redis keys",
        "Which keys and channels does the portal use in Redis, and how do you look at them?",
        "`lib/redis/src/keys.rs` and `lib/redis/src/keys/families.rs`",
    );
    page.paragraph(
        "`<partition>` is two digits. The braces around it are part of the key: all keys of a partition share this \
         hash tag, so they are in one slot of a cluster. Pass the commands to `redis-cli --raw`. \
         [Inspect the streams](../how-to/inspect-streams.md) explains the functions `ap_tail` and `ap_find`.",
    );
    let families = families();
    for (title, channels) in [("Keys", false), ("Channels", true)] {
        page.heading(2, title);
        for family in families.iter().filter(|family| (family.kind == "channel") == channels) {
            let KeyFamily { pattern, example, kind, content, writers, readers, lifetime, look, .. } = family;
            page.heading(3, &format!("`{pattern}`"));
            page.list([
                format!("Type: {kind}"),
                format!("Content: {content}"),
                format!("Written by: {writers}"),
                format!("Read by: {readers}"),
                format!("Lifetime: {lifetime}"),
                format!("Show: `redis-cli --raw {}`", look.replace("KEY", &format!("\"{example}\""))),
            ]);
        }
    }
    page.heading(2, "Views");
    page.paragraph(
        "A document is a string with the body of a response. Entries are a hash (`HGETALL`). A list is a sorted set \
         without scores (`ZRANGE KEY 0 -1`).",
    );
    let source = include_str!("../../../app/src/projector/views.rs");
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! | `"));
    page.table(
        ["view", "form", "content"],
        rows.map(|row| {
            let mut cells = row.trim_end_matches(" |").split(" | ");
            let mut cell = || cells.next().unwrap_or_default().to_owned();
            [format!("`{}", cell()), cell(), cell()]
        }),
    );
    page.assert_current();
}
