//! Pages of lists, merged over all partitions, and whole sets of entries.

use super::{Reading, Replies, Source};
use crate::client_error;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, ListRange, Member, Order, Page, PageQuery, ViewName};
use auction_wire::{PartitionId, Positions};
use redis::{Pipeline, Value, cmd, pipe};
use std::collections::BTreeMap;
use std::vec::IntoIter;

/// Number of entries read in one step.
const STEP: usize = 1000;

/// Members of a page, each with the partition of its list, before their entries are read.
struct Members {
    positions: Positions,
    exists: bool,
    count: u64,
    members: Vec<(String, PartitionId)>,
    next: Option<String>,
}

impl Source {
    pub(super) async fn page(&self, query: &PageQuery) -> Result<AsOf<Option<Page>>, Unavailable> {
        let partitions = self.partitions.all();
        let partitions: Vec<PartitionId> =
            partitions.filter(|of| query.partition.is_none_or(|only| only == *of)).collect();
        loop {
            let mut reading = self.begin(partitions.iter().copied()).await?;
            let found = reading.members(query, &partitions).await?;
            let Some(members) = reading.entries(query, found.members).await? else { continue };
            let page = Page { count: found.count, members, next: found.next };
            return Ok(AsOf { positions: found.positions, value: found.exists.then_some(page) });
        }
    }

    /// Reads all fields with a command such as `HSCAN`.
    pub(super) async fn scan(
        &self,
        command: &str,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<BTreeMap<String, Vec<u8>>, Unavailable> {
        loop {
            let mut reading = self.begin(std::iter::once(partition)).await?;
            let (mut entries, mut cursor) = (BTreeMap::new(), "0".to_owned());
            loop {
                let mut scan = cmd(command);
                scan.arg(reading.keys(partition).key(name)).arg(&cursor).arg("COUNT").arg(STEP);
                let (next, found): (String, Vec<(String, Vec<u8>)>) =
                    scan.query_async(&mut reading.connection).await.map_err(client_error)?;
                entries.extend(found);
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
            if reading.finish(pipe()).await?.is_some() {
                return Ok(entries);
            }
        }
    }
}

impl Reading<'_> {
    /// Reads the members of a page: the first round trip.
    async fn members(
        &mut self,
        query: &PageQuery,
        partitions: &[PartitionId],
    ) -> Result<Members, Unavailable> {
        let mut commands = self.checkpoints();
        for partition in partitions {
            let keys = self.keys(*partition);
            if let Some(owner) = query.owner {
                commands.cmd("EXISTS").arg(keys.key(owner));
            }
            match &query.list {
                ListRange::Numbers { of, .. } => drop(commands.cmd("HLEN").arg(keys.key(*of))),
                ListRange::Members { list, prefix, order, after } => {
                    add_range(&mut commands, &keys.key(*list), prefix, *order, after.as_deref(), query.limit);
                }
            }
        }
        let mut replies = Replies(self.query::<Vec<Value>>(&commands).await?.into_iter());
        let positions = self.positions(&mut replies)?;
        let (mut exists, mut count, mut members) = (query.owner.is_none(), 0, Vec::new());
        for partition in partitions {
            exists |= query.owner.is_some() && replies.next::<bool>()?;
            let here: u64 = replies.next()?;
            count += here;
            let found = match &query.list {
                ListRange::Numbers { before, .. } => {
                    let highest = before.map_or(here, |before| here.min(before.saturating_sub(1)));
                    (1..=highest).rev().take(query.limit + 1).map(|number| number.to_string()).collect()
                }
                ListRange::Members { .. } => replies.next::<Vec<String>>()?,
            };
            members.extend(found.into_iter().map(|member| (member, *partition)));
        }
        if let ListRange::Members { order, .. } = query.list {
            members.sort_unstable();
            if order == Order::Descending {
                members.reverse();
            }
        }
        // One more than requested shows whether there is another page.
        let next = (members.len() > query.limit).then(|| members[query.limit - 1].0.clone());
        members.truncate(query.limit);
        Ok(Members { positions, exists, count, members, next })
    }

    /// Reads the entries of the members: the last round trip.
    async fn entries(
        &mut self,
        query: &PageQuery,
        members: Vec<(String, PartitionId)>,
    ) -> Result<Option<Vec<Member>>, Unavailable> {
        let mut commands = pipe();
        let mut fields: BTreeMap<PartitionId, Vec<String>> = BTreeMap::new();
        for (member, partition) in &members {
            fields.entry(*partition).or_default().push((query.field)(member));
        }
        for (partition, fields) in &fields {
            for part in &query.parts {
                commands.cmd("HMGET").arg(self.keys(*partition).key(*part)).arg(fields);
            }
        }
        let Some(replies) = self.finish(commands).await? else { return Ok(None) };
        let mut replies = Replies(replies.into_iter());
        let mut entries: BTreeMap<PartitionId, Vec<IntoIter<Option<Vec<u8>>>>> = BTreeMap::new();
        for partition in fields.keys() {
            let of_parts = query.parts.iter().map(|_| Ok(replies.next::<Vec<_>>()?.into_iter()));
            entries.insert(*partition, of_parts.collect::<Result<_, Unavailable>>()?);
        }
        let with_parts = |(text, partition): (String, PartitionId)| {
            let parts: Vec<Option<Vec<u8>>> =
                entries.get_mut(&partition)?.iter_mut().map(|part| part.next().flatten()).collect();
            Some(Member { text, parts: parts.into_iter().collect::<Option<_>>()? })
        };
        Ok(Some(members.into_iter().filter_map(with_parts).collect()))
    }
}

/// Adds the commands that count the members with a prefix, and read those of a page.
fn add_range(
    commands: &mut Pipeline,
    key: &str,
    prefix: &str,
    order: Order,
    after: Option<&str>,
    limit: usize,
) {
    let (first, last) = (format!("[{prefix}"), format!("({prefix}~"));
    commands.cmd("ZLEXCOUNT").arg(key).arg(&first).arg(&last);
    let after = after.map(|after| format!("({after}"));
    match order {
        Order::Ascending => commands.cmd("ZRANGEBYLEX").arg(key).arg(after.unwrap_or(first)).arg(last),
        Order::Descending => commands.cmd("ZREVRANGEBYLEX").arg(key).arg(after.unwrap_or(last)).arg(first),
    };
    commands.arg("LIMIT").arg(0).arg(limit + 1);
}
