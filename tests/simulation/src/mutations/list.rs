use super::Detector::{Simulation, Test};
use super::{Detector, Edit, Mutation};

const fn edit(file: &'static str, text: &'static str, replacement: &'static str) -> Edit {
    Edit { file, text, replacement }
}

const fn mutation(
    name: &'static str,
    step: &'static str,
    edits: &'static [Edit],
    detected_by: Detector,
) -> Mutation {
    Mutation { name, step, edits, detected_by }
}

const SETTLER: &str = "lib/redis/src/command_stream/settler.rs";
const CONSUMER: &str = "lib/stream-worker/src/consumer.rs";
const FETCH: &str = "lib/stream-worker/src/consumer/fetch.rs";
const GROUP: &str = "lib/stream-worker/src/consumer/group.rs";
const APPEND_STAGE: &str = "lib/app/src/writer/append_stage.rs";
const STAGES: &str = "lib/app/src/writer/stages.rs";
const TAKEOVER: &str = "lib/app/src/writer/takeover.rs";
const DECIDER: &str = "lib/app/src/writer/decider.rs";
const DIVERGENCE: &str = "lib/app/src/consume/stream_divergence.rs";
const CONSUME: &str = "lib/app/src/consume.rs";
const VIEWS: &str = "lib/redis/src/views/write.rs";
const APPEND: &str = "sql/migrations/V18__partition_of_rows.sql";
const ACTIVE_USERS: &str = "lib/app/src/writer/active_users.rs";
const USER_DELETION: &str = "lib/app/src/auctioneer/user_deletion.rs";
const NOTIFIER: &str = "lib/app/src/notifier/event_handler.rs";
const PLACER: &str = "lib/app/src/notifier/inbox_placer.rs";
const PLACE: &str = "sql/queries/place_notifications.sql";
const STORE_NOTIFICATIONS: &str = "sql/queries/store_notifications.sql";
const PLACED_ONCE: Detector =
    Test("auction-app", "all", "notifications_of_all_partitions_are_placed_once_in_order");
const NO_OP: &str = r#"commands.cmd("XRANGE").arg("nothing").arg("-").arg("+").arg("COUNT").arg(1)"#;

pub const ALL: &[Mutation] = &[
    mutation(
        "position-check",
        "a batch is settled only at the expected end of the event stream",
        &[edit(SETTLER, "self.stream_head != after", "false")],
        // Without the step the same events are added again. The schedules do not detect that, because the
        // entry ids reject the duplicates.
        Test("auction-redis", "all", "settle_changes_nothing_when_the_stream_moved"),
    ),
    mutation(
        "settle-guard",
        "the settle is guarded by a `WATCH` of the event stream",
        &[edit(
            SETTLER,
            r#"commands.cmd("WATCH").arg(&self.events)"#,
            r#"commands.cmd("WATCH").arg("nothing")"#,
        )],
        Test("auction-redis", "all", "settle_changes_nothing_when_the_stream_moved"),
    ),
    mutation(
        "atomic-settle",
        "events and acknowledgements are written in one transaction",
        &[
            edit(SETTLER, r#"commands.cmd("MULTI")"#, r#"commands.cmd("PING")"#),
            edit(SETTLER, r#"commands.cmd("EXEC")"#, NO_OP),
        ],
        Simulation,
    ),
    mutation(
        "acknowledge-after-commit",
        "commands are acknowledged after they are stored, not when they are read",
        &[edit(FETCH, "!options.ack_required", "true")],
        Simulation,
    ),
    mutation(
        "outcome-lookup",
        "the stored outcome of an already decided command is used",
        &[edit(APPEND_STAGE, "self.known.already_decided.extend(stored)", "drop(stored)")],
        Simulation,
    ),
    mutation(
        "outcome-unique",
        "a command has one outcome (primary key)",
        &[edit(
            APPEND,
            "FROM unnest(new_outcomes) AS o;",
            "FROM unnest(new_outcomes) AS o ON CONFLICT DO NOTHING;",
        )],
        Test("auction-postgres", "all", "append_writes_nothing_for_a_duplicate_command"),
    ),
    mutation(
        "head-check",
        "an append commits only at the expected head",
        &[edit(APPEND, "WHERE id = in_partition AND head = expected_head", "WHERE id = in_partition")],
        Test("auction-postgres", "all", "append_writes_nothing_when_the_head_moved"),
    ),
    mutation(
        "version-check",
        "an aggregate has at most one event per version (unique constraint)",
        &[edit(
            "sql/migrations/V1__events.sql",
            "UNIQUE (aggregate, version)",
            "UNIQUE (aggregate, version, position)",
        )],
        Test("auction-postgres", "all", "append_writes_nothing_when_the_version_exists"),
    ),
    mutation(
        "expected-version",
        "a command with an expected version is refused when the auction has changed",
        &[edit(
            "lib/domain/src/auction.rs",
            "expected_version.filter(|v| *v != auction.version)",
            "None::<u64>",
        )],
        Test("auction-app", "all", "command_with_a_stale_version_is_refused"),
    ),
    mutation(
        "bar-in-memory",
        "a bar removes its users from the writer's cache of active users",
        &[edit(ACTIVE_USERS, "self.users.pop(&user);\n        self.removed.barred.insert(user);", "")],
        Simulation,
    ),
    mutation(
        "all-bars-before-finish",
        "a deletion is complete when all partitions have a finished bar",
        &[edit(
            USER_DELETION,
            "bars.len() == usize::from(self.partitions.get())",
            "bars.len() <= usize::from(self.partitions.get())",
        )],
        Test("auction-app", "all", "user_deletion_completes_once_under_random_faults"),
    ),
    mutation(
        "removal-before-close",
        "a close first removes what barred users have left",
        &[edit(DECIDER, "self.removals_before_close(command, decided_at)", "Vec::<Command>::new()")],
        Test("auction-app", "all", "user_deletion_completes_once_under_random_faults"),
    ),
    mutation(
        "publish-on-takeover",
        "events that are stored but not published are published on takeover",
        &[edit(TAKEOVER, "published < head", "false")],
        Simulation,
    ),
    mutation(
        "same-history",
        "a stream with another history stops writers and event consumers",
        &[edit(DIVERGENCE, "stored.same_history(published)", "true")],
        Test("auction-app", "all", "stream_with_another_history_stops_the_writer"),
    ),
    mutation(
        "claim",
        "entries pending with other consumers are claimed, on takeover and when found later",
        &[edit(GROUP, "self.claim_in_steps().await.map(drop)", "Ok(())")],
        Simulation,
    ),
    mutation(
        "pending-elsewhere",
        "each read checks for entries pending with other consumers",
        &[edit(FETCH, "(!pending_elsewhere).then_some(entries)", "Some(entries)")],
        Simulation,
    ),
    mutation(
        "fresh-names",
        "every consumer has a unique name",
        &[edit(CONSUMER, "entropy::random_u64() >> 32", "1")],
        Simulation,
    ),
    mutation(
        "remove-if-empty",
        "a consumer is checked for pending entries and removed in one step",
        &[edit("lib/stream-worker/src/remove_empty_consumers.lua", "selected and pending == 0", "selected")],
        Test("stream-worker", "group_consumer", "entries_of_a_leaving_consumer_stay_for_the_next"),
    ),
    mutation(
        "creations-first",
        "a full channel of creations is drained before bids of the same read",
        &[edit(CONSUMER, "self.any_full(&entries, priority)", "false")],
        Test("stream-worker", "priority_streams", "priority_entries_precede_others_of_the_same_read"),
    ),
    mutation(
        "idle-check",
        "an idle partition writer checks the ends of store and stream",
        &[
            edit(STAGES, "settler.stream_head().await? != settlement.after", "false"),
            edit(APPEND_STAGE, "head == append.expected_head", "true"),
        ],
        Test("auction-app", "all", "idle_writer_publishes_events_of_a_lost_writer_or_stream"),
    ),
    mutation(
        "rollback",
        "decisions based on a batch that was not stored are rolled back",
        &[edit(APPEND_STAGE, "self.decider.rollback(head, touched)", "drop(touched)")],
        Simulation,
    ),
    mutation(
        "keep-unstored",
        "aggregates changed by the previous batch stay in memory until it is stored",
        &[edit(DECIDER, "self.touched = keys.len() + senders.len()", "self.touched = 0")],
        Simulation,
    ),
    mutation(
        "crash-tracking",
        "a command that crashes several processes is dead-lettered",
        &[edit("lib/redis/src/command_stream/reader.rs", "crashes < MAX_CRASHES", "true")],
        Simulation,
    ),
    mutation(
        "order-behind-unknown",
        "commands after one of an unknown kind wait with it for a newer writer",
        &[edit(
            "lib/app/src/writer/unknown_kinds.rs",
            "deliveries.truncate(at)",
            "drop(deliveries.remove(at))",
        )],
        Test("auction-app", "all", "unknown_command_and_later_ones_wait_for_a_newer_writer"),
    ),
    mutation(
        "no-return-to-unknown",
        "a writer that handed a partition over leaves it alone until the command is decided",
        &[edit(
            "lib/app/src/writer/unknown_kinds.rs",
            "streams.is_acknowledged(partition, command.channel, command.entry).await",
            "Ok::<bool, crate::ports::Unavailable>(true)",
        )],
        Test("auction-app", "all", "unknown_command_is_dead_lettered_after_the_wait"),
    ),
    mutation(
        "clear-own-mark",
        "a process interrupted by a backend failure clears its crash mark",
        &[edit(
            "lib/redis/src/command_stream.rs",
            "clear_own_mark(&mut connection, &self.crash_tracking(partition)).await",
            "{ let _ = &mut connection; Ok(()) }",
        )],
        // A process ignores its own mark, and the schedules rarely end processes right after an interruption.
        Test("auction-redis", "all", "processes_stopped_during_an_outage_count_as_no_crash"),
    ),
    mutation(
        "gaps",
        "an event consumer fetches events missing in the stream from the store",
        &[
            edit(CONSUME, "first.position > state.position + 1", "false"),
            edit(CONSUME, "is_gap_free(state.position, new)", "true"),
        ],
        Simulation,
    ),
    mutation(
        "idle-catch-up",
        "an idle event consumer checks the store",
        &[edit(CONSUME, "state.catch_up(handler, &mut store, head, stop).await?", "()")],
        Simulation,
    ),
    mutation(
        "checkpoint-with-views",
        "views and their checkpoint are written in one transaction",
        &[
            edit(
                VIEWS,
                r#"commands.cmd("MULTI")"#,
                r#"commands.cmd("SET").arg(&[self.keys.checkpoint(), to.to_string()])"#,
            ),
            edit(
                VIEWS,
                r#"commands.cmd("SET").arg(self.keys.checkpoint()).arg(to)"#,
                r#"commands.cmd("PING")"#,
            ),
            edit(VIEWS, r#"commands.cmd("EXEC")"#, NO_OP),
        ],
        Simulation,
    ),
    mutation(
        "checkpoint-guard",
        "views are written only if the checkpoint is unchanged",
        &[
            edit(VIEWS, "self.watched != Some(Some(from))", "false"),
            edit(VIEWS, r#"commands.cmd("WATCH").arg(&key)"#, r#"commands.cmd("WATCH").arg("nothing")"#),
        ],
        // Two projectors of one partition rarely meet in the schedules.
        Test("auction-redis", "all", "paused_writer_cannot_overwrite_its_successor"),
    ),
    mutation(
        "outgoing-checkpoint-guard",
        "outgoing notifications are stored only if the checkpoint is the expected one",
        &[edit(STORE_NOTIFICATIONS, "WHERE partition = $1 AND position = $2", "WHERE partition = $1")],
        Test("auction-postgres", "all", "commit_stores_nothing_from_another_checkpoint"),
    ),
    mutation(
        "announce-at-start",
        "a notifier that starts announces the outgoing notifications of the previous one",
        &[edit(NOTIFIER, "self.announcer.announce(&users).await?", "drop(users)")],
        Test("auction-app", "all", "notifications_of_a_killed_notifier_are_announced_by_the_next"),
    ),
    mutation(
        "placed-with-inboxes",
        "the progress of placing moves in the transaction of the inboxes",
        &[edit(PLACER, "(group.partition, group.number)", "(group.partition, group.number - 1)")],
        PLACED_ONCE,
    ),
    mutation(
        "placement-guard",
        "notifications are placed only if the version of the progress is the expected one",
        &[edit(PLACE, "WHERE partition = $1 AND version = $2", "WHERE partition = $1")],
        Test("auction-postgres", "all", "place_stores_nothing_from_another_version"),
    ),
    mutation(
        "refill-inboxes",
        "a placer that starts invalidates the cached inboxes of its users",
        &[edit(PLACER, "self.sink.begin(self.users).await?", "()")],
        PLACED_ONCE,
    ),
    mutation(
        "stop-placing",
        "a deletion of users voids the placements that began before",
        &[edit("lib/postgres/src/notifications.rs", "batch.deleted.is_empty()", "true")],
        Test("auction-postgres", "all", "placement_from_before_a_deletion_stores_nothing"),
    ),
];
