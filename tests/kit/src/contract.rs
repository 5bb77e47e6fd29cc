//! Contract suites: one per port, run against every adapter of the port.
//!
//! Each check of a suite is a function that takes an adapter and is named after the guarantee that it tests.
//! `contract_tests!(command_stream, harness().await)` generates one test per check of that suite.

pub mod auction_event_reader;
pub mod command_queue;
pub mod command_stream;
pub mod event_store;
pub mod event_stream;
pub mod event_tail;
pub mod generations;
pub mod heads;
pub mod inbox;
pub mod notification_store;
pub mod outbox;
pub mod parked_events;
pub mod partition_lock;
pub mod read_models;
pub mod snapshots;
pub mod user_deletions;

/// Generates one test per check of a suite. The expression is evaluated once per test and makes its adapter.
#[macro_export]
macro_rules! contract_tests {
    ($suite:ident, $adapter:expr) => {
        $crate::$suite! { $adapter }
    };
    ($suite:ident, $adapter:expr, $($check:ident)+) => {
        $(
            #[tokio::test]
            async fn $check() {
                $crate::contract::$suite::$check(&$adapter).await;
            }
        )+
    };
}

#[macro_export]
macro_rules! event_store {
    ($adapter:expr) => {
        $crate::contract_tests! { event_store, $adapter,
            store_assigns_gap_free_positions_and_events_round_trip
            append_writes_nothing_when_the_head_moved
            append_writes_nothing_when_the_version_exists
            append_writes_nothing_for_a_duplicate_command
            append_detects_a_duplicate_of_a_deleted_bid
            append_of_refusals_only_checks_the_head
            append_rejects_content_that_cannot_be_stored
            outcomes_round_trip
            active_users_excludes_deleted_and_barred_users
            open_auctions_excludes_auctions_with_a_result
            unrevealed_auctions_lists_promoted_auctions_until_reveal
            concurrent_appends_commit_exactly_one
            partitions_have_independent_heads
            history_is_ordered_by_key_and_version_up_to_a_position
        }
    };
}

#[macro_export]
macro_rules! snapshots {
    ($adapter:expr) => {
        $crate::contract_tests! { snapshots, $adapter,
            history_contains_the_snapshot_and_later_events
            history_ignores_snapshots_after_the_requested_position
            snapshot_is_replaced_only_by_a_newer_one
            history_ignores_snapshots_of_another_format
        }
    };
}

#[macro_export]
macro_rules! command_stream {
    ($adapter:expr) => {
        $crate::contract_tests! { command_stream, $adapter,
            creations_precede_bids_added_later
            creations_precede_bids_when_their_channel_is_full
            entries_pending_elsewhere_precede_newer_entries
            entries_of_a_lost_reader_are_redelivered_in_order
            entries_delivered_elsewhere_are_claimed_before_newer_ones
            unsettled_entries_are_delivered_once_to_a_reader
            takeover_redelivers_unsettled_entries
            wait_ends_on_new_entries_and_delivers_none
            settle_is_atomic
            settle_changes_nothing_when_the_stream_moved
            publish_succeeds_only_at_the_end_of_the_stream
            unreadable_entries_are_dead_lettered_and_acknowledged
            leave_group_removes_the_consumer
            entry_is_acknowledged_once_it_and_earlier_ones_are_settled
        }
    };
}

#[macro_export]
macro_rules! read_models {
    ($adapter:expr) => {
        $crate::contract_tests! { read_models, $adapter,
            commit_writes_views_with_their_checkpoint
            bids_are_paged_newest_first_for_all_and_one_user
            bidder_auctions_are_paged_newest_first
            commit_writes_nothing_from_another_checkpoint
            paused_writer_cannot_overwrite_its_successor
            auctions_are_listed_by_status_and_end
            reads_include_their_position
        }
    };
}

#[macro_export]
macro_rules! auction_event_reader {
    ($adapter:expr) => {
        $crate::contract_tests! { auction_event_reader, $adapter,
            auction_events_are_paged_by_version
        }
    };
}

#[macro_export]
macro_rules! heads {
    ($adapter:expr) => {
        $crate::contract_tests! { heads, $adapter,
            heads_equal_the_last_appended_position
        }
    };
}

#[macro_export]
macro_rules! event_stream {
    ($adapter:expr) => {
        $crate::contract_tests! { event_stream, $adapter,
            events_are_delivered_once_in_order
            events_delivered_to_a_lost_reader_are_not_redelivered
            every_component_receives_every_event
            stream_reports_the_last_event_at_open
            read_returns_nothing_at_the_end_of_the_stream
        }
    };
}

#[macro_export]
macro_rules! event_tail {
    ($adapter:expr) => {
        $crate::contract_tests! { event_tail, $adapter,
            tail_delivers_events_published_after_open
            tails_are_independent
        }
    };
}

#[macro_export]
macro_rules! partition_lock {
    ($adapter:expr) => {
        $crate::contract_tests! { partition_lock, $adapter,
            lock_has_one_holder_at_a_time
            partitions_have_independent_locks
            lock_is_released_when_its_holder_ends
        }
    };
}

#[macro_export]
macro_rules! parked_events {
    ($adapter:expr) => {
        $crate::contract_tests! { parked_events, $adapter,
            parked_events_are_listed_by_component_and_partition
            parking_again_replaces_the_event_and_clears_the_action
            requested_action_is_visible_to_the_component
            unpark_removes_only_the_event_at_the_position
        }
    };
}

#[macro_export]
macro_rules! notification_store {
    ($adapter:expr) => {
        $crate::contract_tests! { notification_store, $adapter,
            commit_stores_notifications_with_their_checkpoint
            commit_stores_nothing_from_another_checkpoint
            commit_omits_unwanted_notifications
            inbox_keeps_the_newest_notifications
            sequence_numbers_are_gap_free_across_notifiers
            inbox_of_a_deleted_user_is_empty
            read_position_never_decreases
            outgoing_notifications_stay_until_they_are_placed
            place_stores_nothing_from_another_version
            placement_from_before_a_deletion_stores_nothing
            groups_to_many_users_keep_each_user_in_order
        }
    };
}

#[macro_export]
macro_rules! outbox {
    ($adapter:expr) => {
        $crate::contract_tests! { outbox, $adapter,
            notifications_are_due_at_every_webhook_of_their_user
            claims_are_exclusive_until_they_expire
            claims_are_limited_per_endpoint
            retried_message_is_due_after_its_delay
            webhook_is_disabled_when_its_endpoint_is_gone
            previous_secret_signs_for_a_while_after_rotation
            deliveries_are_listed_and_can_be_replayed
            webhooks_are_accessible_only_to_their_user
            webhooks_per_user_are_limited
            user_deletion_removes_webhooks_and_messages
        }
    };
}

#[macro_export]
macro_rules! inbox {
    ($adapter:expr) => {
        $crate::contract_tests! { inbox, $adapter,
            delivery_without_a_copy_creates_none
            deliveries_appear_once_in_order
            inbox_hides_notifications_after_a_gap
            copy_includes_deliveries_during_its_fill
            copies_are_invalidated_when_a_notifier_starts
            fill_with_a_stale_mark_is_ignored
            copy_keeps_the_newest_notifications
            copy_read_position_never_decreases
            page_starts_after_its_cursor
        }
    };
}

#[macro_export]
macro_rules! user_deletions {
    ($adapter:expr) => {
        $crate::contract_tests! { user_deletions, $adapter,
            deletion_is_listed_until_finished
            sent_bars_count_once_and_move_the_deletion_to_the_end
            sent_removals_count_once_and_bars_finish
            open_interests_are_active_bids_and_unfinished_sales
        }
    };
}

#[macro_export]
macro_rules! generations {
    ($adapter:expr) => {
        $crate::contract_tests! { generations, $adapter,
            generation_is_invisible_until_the_switch
            switch_rejects_a_generation_that_is_behind
            writer_of_the_current_generation_detects_a_switch
            drop_old_removes_only_superseded_generations
            comparison_separates_differing_from_moved_auctions
        }
    };
}
