//! The contracts of the ports as tests: each check is named after the guarantee that it protects and
//! takes an adapter to try.
//!
//! `contract_tests!(command_lane, bench().await)` makes a test of each check in that suite.

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

/// Makes a test of each check of a suite; the expression makes the adapter anew for each.
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

/// All checks of [`contract::event_store`](event_store).
#[macro_export]
macro_rules! event_store {
    ($adapter:expr) => {
        $crate::contract_tests! { event_store, $adapter,
            positions_are_dense_and_events_come_back_as_they_were_written
            a_moved_head_writes_nothing
            a_version_that_is_there_writes_nothing
            a_command_that_was_decided_before_writes_nothing
            a_bid_that_was_decided_before_and_deleted_since_is_decided_before
            a_batch_of_refusals_alone_checks_the_head_too
            content_that_cannot_be_stored_is_rejected_and_writes_nothing
            an_outcome_comes_back_as_it_was_written
            unknown_deletions_write_nothing_until_they_are_known
            open_auctions_are_those_without_a_result
            unrevealed_auctions_are_promoted_ones_until_their_seed_is_revealed
            of_two_appends_at_once_one_wins
            partitions_have_heads_of_their_own
            history_is_by_key_and_version_up_to_a_position
        }
    };
}

/// All checks of [`contract::snapshots`](snapshots).
#[macro_export]
macro_rules! snapshots {
    ($adapter:expr) => {
        $crate::contract_tests! { snapshots, $adapter,
            a_snapshot_comes_back_with_the_events_behind_it
            a_snapshot_of_later_events_than_asked_for_is_not_used
            a_snapshot_gives_way_to_a_newer_one_only
            a_snapshot_of_another_format_is_as_good_as_none
        }
    };
}

/// All checks of [`contract::command_lane`](command_lane).
#[macro_export]
macro_rules! command_lane {
    ($adapter:expr) => {
        $crate::contract_tests! { command_stream, $adapter,
            creations_come_before_bids_that_came_after_them
            creations_come_first_also_when_their_channel_is_full
            what_is_pending_with_others_comes_before_what_is_newer
            what_was_delivered_to_a_lost_lane_is_delivered_again_in_order
            what_others_are_handed_meanwhile_is_taken_over_before_what_is_newer
            what_was_read_and_is_not_settled_yet_does_not_come_again
            taking_over_hands_out_again_what_is_not_settled
            a_wait_ends_when_something_comes_and_hands_out_nothing
            a_batch_is_settled_whole
            nothing_is_settled_when_the_stream_moved
            publishing_passes_only_from_the_end_of_the_stream
            what_cannot_be_read_is_put_away_and_acknowledged
            leaving_takes_the_lane_out_of_the_group
        }
    };
}

/// All checks of [`contract::view_store`](view_store).
#[macro_export]
macro_rules! view_store {
    ($adapter:expr) => {
        $crate::contract_tests! { read_models, $adapter,
            views_are_written_with_their_checkpoint
            bids_are_paged_the_newest_first_all_and_by_one_user
            what_a_user_has_bid_is_paged_the_newest_auction_first
            nothing_is_written_from_another_checkpoint
            a_paused_writer_cannot_write_over_its_successor
            auctions_are_listed_by_status_and_end
            every_read_says_how_fresh_it_is
        }
    };
}

/// All checks of [`contract::auction_events`](auction_events).
#[macro_export]
macro_rules! auction_events {
    ($adapter:expr) => {
        $crate::contract_tests! { auction_event_reader, $adapter,
            an_auctions_events_come_by_version_and_in_pages
        }
    };
}

/// All checks of [`contract::heads`](heads).
#[macro_export]
macro_rules! heads {
    ($adapter:expr) => {
        $crate::contract_tests! { heads, $adapter,
            heads_are_as_far_as_what_was_appended
        }
    };
}

/// All checks of [`contract::event_feed`](event_feed).
#[macro_export]
macro_rules! event_feed {
    ($adapter:expr) => {
        $crate::contract_tests! { event_stream, $adapter,
            events_come_in_order_and_once
            what_a_lost_feed_was_handed_is_a_hole_for_the_next
            every_service_gets_every_event
            a_feed_knows_what_its_stream_ended_in_when_it_was_opened
            a_feed_that_has_read_everything_says_so
        }
    };
}

/// All checks of [`contract::event_tail`](event_tail).
#[macro_export]
macro_rules! event_tail {
    ($adapter:expr) => {
        $crate::contract_tests! { event_tail, $adapter,
            a_tail_has_what_comes_after_it_was_opened
            everybody_has_a_tail_of_his_own
        }
    };
}

/// All checks of [`contract::partition_lock`](partition_lock).
#[macro_export]
macro_rules! partition_lock {
    ($adapter:expr) => {
        $crate::contract_tests! { partition_lock, $adapter,
            one_holds_it_at_a_time
            partitions_are_locked_each_by_itself
            a_holder_that_is_gone_holds_nothing
        }
    };
}

/// All checks of [`contract::parked_events`](parked_events).
#[macro_export]
macro_rules! parked_events {
    ($adapter:expr) => {
        $crate::contract_tests! { parked_events, $adapter,
            what_is_parked_comes_back_as_it_was_by_service_and_partition
            parked_anew_it_is_there_once_and_nothing_is_asked
            what_an_operator_asks_for_is_seen_by_the_service
            only_what_is_parked_at_that_position_is_taken_away
        }
    };
}

/// All checks of [`contract::notification_store`](notification_store).
#[macro_export]
macro_rules! notification_store {
    ($adapter:expr) => {
        $crate::contract_tests! { notification_store, $adapter,
            what_is_told_is_stored_with_its_checkpoint
            nothing_is_stored_from_another_checkpoint
            what_is_not_wanted_is_left_out
            an_inbox_keeps_the_newest
            places_have_no_holes_whoever_tells
            the_inbox_of_a_deleted_user_is_empty
            what_was_read_stays_read
        }
    };
}

/// All checks of [`contract::outbox`](outbox).
#[macro_export]
macro_rules! outbox {
    ($adapter:expr) => {
        $crate::contract_tests! { outbox, $adapter,
            what_is_told_is_due_at_each_webhook_of_its_user
            what_is_claimed_is_nobody_elses_until_the_claim_ends
            an_endpoint_with_much_to_send_leaves_the_others_their_turn
            what_is_not_taken_is_due_again_after_its_wait
            a_webhook_that_wants_nothing_more_gets_nothing_more
            after_a_rotation_the_secret_before_signs_for_a_while
            what_was_sent_is_listed_and_can_be_sent_again
            a_webhook_is_its_users_own
            a_user_has_so_many_webhooks
            nothing_is_left_of_a_deleted_user
        }
    };
}

/// All checks of [`contract::inbox`](inbox).
#[macro_export]
macro_rules! inbox {
    ($adapter:expr) => {
        $crate::contract_tests! { inbox, $adapter,
            nobody_is_delivered_to_who_did_not_ask
            what_is_delivered_shows_once_and_in_order
            what_is_behind_a_hole_waits_for_it
            what_is_delivered_while_a_copy_is_made_is_in_it
            a_copy_is_made_anew_when_a_notifier_begins
            a_copy_that_is_no_longer_wanted_is_not_made
            a_copy_keeps_the_newest
            what_was_read_stays_read_in_a_copy
            a_page_begins_behind_its_place
        }
    };
}

/// All checks of [`contract::deletions`](deletions).
#[macro_export]
macro_rules! deletions {
    ($adapter:expr) => {
        $crate::contract_tests! { user_deletions, $adapter,
            a_deletion_is_unfinished_until_it_is_finished
            what_was_sent_is_noted_once_and_comes_behind_what_was_not
            stakes_are_live_bids_and_sales_in_auctions_without_a_result
        }
    };
}

/// All checks of [`contract::generations`](generations).
#[macro_export]
macro_rules! generations {
    ($adapter:expr) => {
        $crate::contract_tests! { generations, $adapter,
            a_new_generation_is_not_seen_until_it_is_switched_to
            a_generation_that_is_behind_is_not_switched_to
            whoever_writes_to_the_live_views_notices_a_switch
            what_is_older_than_the_live_generation_is_dropped_and_nothing_else
            a_comparison_tells_what_differs_from_what_moved
        }
    };
}
