//! Fills an event store with SQL statements. The rows equal those that a writer would store if all auctions
//! were created and received nine bids each.

use crate::Failure;
use crate::bench::backlog::{auction, partitions};
use crate::bench::environment::{BenchEnvironment, sync_disks};
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_domain::auction::AuctionEvent;
use auction_domain::{Amount, BidId, Currency, Detail, UserId};
use auction_redis::keys;
use auction_wire::{Event, OutcomeResult};
use uuid::Uuid;

/// Events of each auction: its creation and nine bids.
const EVENTS: u64 = 10;

/// Bids of 1 to 9 by different bidders, none of whom bids later on the same auction.
const FILL: &str = "
    CREATE TEMPORARY TABLE made AS
        SELECT n, k, auction, CASE WHEN k = 0 THEN auction ELSE bid_id(n, k) END AS command,
               CASE WHEN k > 0 THEN user_id((n + 500 + k) % $users$) END AS bidder,
               (n % $partitions$)::smallint AS partition,
               before.head + (n / $partitions$ - (n % $partitions$ = 0)::int) * 10 + k + 1 AS position,
               first.at + k AS at
        FROM generate_series(1, $auctions$ - 1) AS n
        CROSS JOIN generate_series(0, 9) AS k
        CROSS JOIN LATERAL auction_id(n) AS auction
        CROSS JOIN (SELECT at FROM events WHERE kind = 'auction_created') AS first
        JOIN partitions AS before ON before.id = n % $partitions$;
    INSERT INTO events (partition, position, aggregate, version, kind, schema, at, command_id, actor, body)
        SELECT partition, position, auction, k + 1, CASE WHEN k = 0 THEN 'auction_created' ELSE 'bid_placed' END, 1, at,
               command, bidder,
               CASE WHEN k = 0 THEN created.body
                    ELSE placed.before || convert_to(command::text, 'UTF8') || placed.between
                         || convert_to(bidder::text, 'UTF8') || placed.suffix || set_byte('\\x00', 0, k) END
        FROM made, placed, (SELECT body FROM events WHERE kind = 'auction_created') AS created
        ORDER BY n, k;
    INSERT INTO command_outcomes (command_id, kind, key, fingerprint, partition, position, at, outcome)
        SELECT command, CASE WHEN k = 0 THEN 'create_auction' ELSE 'place_bid' END, auction, 7, partition, position, at,
               CASE WHEN k = 0 THEN created.outcome ELSE placed.outcomes[k] END
        FROM made, placed, (SELECT outcome FROM command_outcomes WHERE kind = 'create_auction') AS created
        ORDER BY n, k;
    INSERT INTO auctions (id, partition, seller, status, ends_at, seed_pending)
        SELECT made.auction, made.partition, seller, status, ends_at, seed_pending FROM made, auctions WHERE k = 0;
    INSERT INTO bids (id, auction, bidder, amount, doubled, state)
        SELECT command, auction, bidder, k, false, 'live' FROM made WHERE k > 0 ORDER BY n, k;
    UPDATE partitions SET head = made.head
        FROM (SELECT partition, max(position) AS head FROM made GROUP BY partition) AS made WHERE id = made.partition;
    UPDATE notifier_checkpoints SET position = head FROM partitions WHERE id = partition;
    DROP TABLE made";

/// Returns the number of auctions that have this many events.
pub(super) fn auctions(events: u64) -> usize {
    usize::try_from(events / EVENTS).unwrap_or(usize::MAX)
}

/// Fills servers that contain some users and one auction, up to about this many events.
pub(super) async fn fill(bench: &BenchEnvironment, events: u64, users: usize) -> Result<(), Failure> {
    let (database, count) = (bench.database(), partitions()?);
    database.batch_execute(&helpers()?).await?;
    let template = Template::make()?;
    let outcomes = template.outcomes;
    database
        .execute(
            "INSERT INTO placed VALUES ($1, $2, $3, $4)",
            &[&template.before, &template.between, &template.suffix, &outcomes],
        )
        .await?;
    let fill = FILL
        .replace("$users$", &users.to_string())
        .replace("$partitions$", &count.get().to_string())
        .replace("$auctions$", &auctions(events).to_string());
    database.batch_execute(&fill).await?;
    // Maintenance that the database would otherwise run during the measurement.
    database.batch_execute("VACUUM ANALYZE").await?;
    database.batch_execute("CHECKPOINT").await?;
    publish(bench).await?;
    sync_disks()
}

/// Writes the last event of each partition to its event stream, as if the others had been trimmed.
async fn publish(bench: &BenchEnvironment) -> Result<(), Failure> {
    let (mut store, mut redis) = (bench.stores()?.open().await?, bench.redis().await?);
    for partition in partitions()?.all() {
        let head = store.head(partition).await?;
        let stream = keys::events(partition);
        for record in store.events_after(partition, head.saturating_sub(1), 1).await? {
            let mut publish = redis::pipe();
            let id = format!("{}-0", record.position);
            let add = publish.cmd("XADD").arg(&stream).arg("MAXLEN").arg(1).arg(id);
            for (name, value) in record.to_fields() {
                add.arg(name).arg(value);
            }
            publish.ignore().query_async::<()>(&mut redis).await?;
        }
    }
    Ok(())
}

/// SQL functions for the ids of [`crate::bench::backlog`] and for ids of the stored bids, and a table for the
/// parts of encoded bids.
fn helpers() -> Result<String, Failure> {
    let first_half = |id: Uuid| id.simple().to_string()[..16].to_owned();
    let (of_auctions, of_users) = (first_half(auction(0).0), first_half(crate::bench::backlog::user(0).0));
    let function = |name: &str, first_half: &str, number: &str, arguments: &str| {
        format!(
            "CREATE FUNCTION {name}({arguments}) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ \
             SELECT ('{first_half}8' || lpad(to_hex({number}), 15, '0'))::uuid $$;"
        )
    };
    let of_bids = first_half(Uuid::from_u64_pair(auction(0).0.as_u64_pair().0 + 100, 0));
    Ok([
        function("auction_id", &of_auctions, "n", "n integer"),
        function("user_id", &of_users, "n", "n integer"),
        function("bid_id", &of_bids, "n::bigint * 10 + k", "n integer, k integer"),
        "CREATE TABLE placed (before bytea, between bytea, suffix bytea, outcomes bytea[])".to_owned(),
    ]
    .concat())
}

/// The constant parts of an encoded bid around its ids, and the outcomes of bids of 1 to 9.
struct Template {
    before: Vec<u8>,
    between: Vec<u8>,
    suffix: Vec<u8>,
    outcomes: Vec<Vec<u8>>,
}

impl Template {
    fn make() -> Result<Template, Failure> {
        let (bid, bidder) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let placed = |amount| {
            Ok::<_, Failure>(AuctionEvent::BidPlaced {
                bid: BidId(bid),
                bidder: UserId(bidder),
                amount: Amount::new(amount)?,
            })
        };
        let body = Event::Auction(placed(1)?).encode();
        let at = |id: Uuid| {
            let text = id.to_string();
            body.windows(text.len())
                .position(|part| part == text.as_bytes())
                .ok_or("the encoded bid does not contain its ids as text")
        };
        let (bid_at, bidder_at) = (at(bid)?, at(bidder)?);
        let length = bid.to_string().len();
        // A small amount is encoded as the last byte.
        let mut outcomes = Vec::new();
        for amount in 1..EVENTS {
            if Event::Auction(placed(amount)?).encode().split_last()
                != Some((&(amount as u8), &body[..body.len() - 1]))
            {
                return Err("the amount is not the last byte of an encoded bid".into());
            }
            let details = vec![
                ("amount", Detail::Amount(Amount::new(amount)?)),
                ("rank", Detail::Count(1)),
                ("leads", Detail::Flag(true)),
                ("highest", Detail::Amount(Amount::new(amount)?)),
            ];
            let accepted = OutcomeResult::accepted(amount + 1, Some(Currency::new("USD")?), details);
            outcomes.push(accepted.encode());
        }
        Ok(Template {
            before: body[..bid_at].to_vec(),
            between: body[bid_at + length..bidder_at].to_vec(),
            suffix: body[bidder_at + length..body.len() - 1].to_vec(),
            outcomes,
        })
    }
}
