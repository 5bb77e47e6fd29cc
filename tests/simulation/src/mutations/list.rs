//! The list.

use super::Detector::{Simulation, Test};
use super::{Detector, Edit, Mutation};

const fn edit(file: &'static str, text: &'static str, replacement: &'static str) -> Edit {
    Edit { file, text, replacement }
}

const fn off(
    name: &'static str,
    step: &'static str,
    edits: &'static [Edit],
    noticed_by: Detector,
) -> Mutation {
    Mutation { name, step, edits, noticed_by }
}

const SETTLER: &str = "lib/redis/src/command_stream/settler.rs";
const CONSUMER: &str = "lib/stream-worker/src/consumer.rs";
const GROUP: &str = "lib/stream-worker/src/consumer/group.rs";
const STORING: &str = "lib/app/src/writer/append_stage.rs";
const STAGES: &str = "lib/app/src/writer/stages.rs";
const TAKE_OVER: &str = "lib/app/src/writer/takeover.rs";
const DECIDE: &str = "lib/app/src/writer/decider.rs";
const HISTORY: &str = "lib/app/src/consume/stream_divergence.rs";
const FOLLOW: &str = "lib/app/src/consume.rs";
const VIEWS: &str = "lib/redis/src/views/write.rs";
const APPEND: &str = "sql/migrations/V12__append_batch.sql";
const NOTHING: &str = r#"commands.cmd("XRANGE").arg("nothing").arg("-").arg("+").arg("COUNT").arg(1)"#;

/// All of them.
pub const ALL: &[Mutation] = &[
    off(
        "position-check",
        "a batch is settled only where the event stream ends",
        &[edit(SETTLER, "self.stream_head != after", "false")],
        // What goes wrong is the same history once more, which the schedules do not mind.
        Test("auction-redis", "all", "nothing_is_settled_when_the_stream_moved"),
    ),
    off(
        "settle-guard",
        "the settle is guarded by a `WATCH` of the event stream",
        &[edit(
            SETTLER,
            r#"commands.cmd("WATCH").arg(&self.events)"#,
            r#"commands.cmd("WATCH").arg("nothing")"#,
        )],
        Test("auction-redis", "all", "nothing_is_settled_when_the_stream_moved"),
    ),
    off(
        "settle-whole",
        "events and acknowledgements go in one transaction",
        &[
            edit(SETTLER, r#"commands.cmd("MULTI")"#, r#"commands.cmd("PING")"#),
            edit(SETTLER, r#"commands.cmd("EXEC")"#, NOTHING),
        ],
        Simulation,
    ),
    off(
        "acknowledge-after-commit",
        "commands are acknowledged when they are stored, not when they are read",
        &[edit(CONSUMER, "!options.ack_required", "true")],
        Simulation,
    ),
    off(
        "outcome-lookup",
        "the stored outcome of a command that was decided before is taken",
        &[edit(STORING, "self.verdicts.already_decided.extend(known)", "drop(known)")],
        Simulation,
    ),
    off(
        "outcome-unique",
        "a command has one outcome (primary key)",
        &[edit(
            APPEND,
            "AS o (command_id, kind, key, fingerprint, position, at, outcome);",
            "AS o (command_id, kind, key, fingerprint, position, at, outcome) ON CONFLICT DO NOTHING;",
        )],
        Test("auction-postgres", "all", "a_command_that_was_decided_before_writes_nothing"),
    ),
    off(
        "head-check",
        "an append passes only at the expected head",
        &[edit(APPEND, "WHERE id = in_partition AND head = expected_head", "WHERE id = in_partition")],
        Test("auction-postgres", "all", "a_moved_head_writes_nothing"),
    ),
    off(
        "version-check",
        "an aggregate has one event of each version (unique)",
        &[edit(
            "sql/migrations/V1__events.sql",
            "UNIQUE (aggregate, version)",
            "UNIQUE (aggregate, version, position)",
        )],
        Test("auction-postgres", "all", "a_version_that_is_there_writes_nothing"),
    ),
    off(
        "expected-version",
        "a command that insists on a version is refused when the auction has moved on",
        &[edit("lib/domain/src/auction.rs", "expected.filter(|v| *v != auction.version)", "None::<u64>")],
        Test("auction-app", "all", "a_version_that_moved_on_is_refused"),
    ),
    off(
        "shared-lock",
        "appends that put something at stake and deletions exclude each other (advisory lock)",
        &[edit(APPEND, "PERFORM pg_advisory_xact_lock_shared(stakes_and_deletions);", "NULL;")],
        Test("auction-postgres", "all", "an_append_of_bids_waits_for_a_deletion_and_then_sees_it"),
    ),
    off(
        "deletions-in-store",
        "an append that does not know the newest deletion writes nothing",
        &[edit(
            APPEND,
            "\n        AND (SELECT coalesce(max(seq), 0) FROM deletions) <= known_deletions;",
            ";",
        )],
        Test("auction-postgres", "all", "unknown_deletions_write_nothing_until_they_are_known"),
    ),
    off(
        "known-deletions",
        "a lane says which deletions it knows",
        &[edit(DECIDE, "desk.bidders.known_deletions()", "u64::MAX")],
        Simulation,
    ),
    off(
        "publish-on-take-over",
        "what is stored and not published is published on take-over",
        &[edit(TAKE_OVER, "published < head", "false")],
        Simulation,
    ),
    off(
        "same-history",
        "a stream of another history stops whoever writes or follows",
        &[edit(HISTORY, "stored.same_history(published)", "true")],
        Test("auction-app", "all", "a_stream_with_another_history_stops_the_lane"),
    ),
    off(
        "claim",
        "what is pending with others is claimed, on take-over and when it is met",
        &[edit(GROUP, "self.claim_in_steps().await.map(drop)", "Ok(())")],
        Simulation,
    ),
    off(
        "pending-elsewhere",
        "with every read it is looked whether anybody else has entries pending",
        &[edit(CONSUMER, "(!foreign).then_some(entries)", "Some(entries)")],
        Simulation,
    ),
    off(
        "fresh-names",
        "every consumer has a name of its own",
        &[edit(CONSUMER, "entropy::random_u64() >> 32", "1")],
        Simulation,
    ),
    off(
        "remove-if-empty",
        "a consumer is removed in the step that sees that it has nothing",
        &[edit("lib/stream-worker/src/remove_empty_consumers.lua", "meant and pending == 0", "meant")],
        Test("stream-worker", "group_consumer", "leaving_with_something_pending_keeps_it_for_the_next"),
    ),
    off(
        "creations-first",
        "a full channel of creations is drained before the bids that were read with it",
        &[edit(CONSUMER, "self.any_full(&entries, first)", "false")],
        Test(
            "stream-worker",
            "first_streams",
            "what_fills_a_read_of_the_first_streams_comes_before_the_others_that_were_read_with_it",
        ),
    ),
    off(
        "idle-check",
        "a lane without work looks whether store and stream end where it thinks",
        &[
            edit(STAGES, "settler.stream_head().await? != settlement.after", "false"),
            edit(STORING, "head == append.expected_head", "true"),
        ],
        Test(
            "auction-app",
            "all",
            "an_idle_lane_publishes_what_a_lost_writer_stored_and_mends_a_deleted_stream",
        ),
    ),
    off(
        "roll-back",
        "what was decided on a batch that is not stored is forgotten",
        &[edit(STORING, "self.desk.rollback(head, touched)", "drop(touched)")],
        Simulation,
    ),
    off(
        "unstored-stays",
        "what the batch before touched stays in memory until it is stored",
        &[edit(DECIDE, "self.touched = keys.len() + senders.len()", "self.touched = 0")],
        Simulation,
    ),
    off(
        "suspects",
        "a command that ends one process after another is put away",
        &[edit("lib/redis/src/command_stream/reader.rs", "deaths < DEATHS", "true")],
        Simulation,
    ),
    off(
        "absolve",
        "a process that a server interrupts says that no command is to blame",
        &[edit(
            "lib/redis/src/command_stream.rs",
            "clear_own_mark(&mut connection, &self.suspects(partition)).await.map(drop)",
            "{ let _ = &mut connection; Ok(()) }",
        )],
        // Its own name accuses nobody of itself; the schedules do not end processes often enough after they were interrupted.
        Test("auction-redis", "all", "a_process_that_is_ended_while_it_waits_for_a_server_does_not_count"),
    ),
    off(
        "holes",
        "who follows fetches from the store what the stream does not have (it reads without acknowledging)",
        &[
            edit(FOLLOW, "first.position > course.position + 1", "false"),
            edit(FOLLOW, "is_dense(course.position, new)", "true"),
        ],
        Simulation,
    ),
    off(
        "idle-catch-up",
        "who follows and is handed nothing looks into the store",
        &[edit(FOLLOW, "course.catch_up(follower, &mut store, head, stop).await?", "()")],
        Simulation,
    ),
    off(
        "checkpoint-with-views",
        "views and their checkpoint go in one transaction",
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
            edit(VIEWS, r#"commands.cmd("EXEC")"#, NOTHING),
        ],
        Simulation,
    ),
    off(
        "checkpoint-guard",
        "views are written only on the checkpoint that they follow",
        &[
            edit(VIEWS, "self.watched != Some(Some(from))", "false"),
            edit(VIEWS, r#"commands.cmd("WATCH").arg(&key)"#, r#"commands.cmd("WATCH").arg("nothing")"#),
        ],
        Simulation,
    ),
];
