//! End-to-end tests with real processes; each file tests one feature or guarantee. All files form one test
//! program: further programs would take longer to build than their tests take to run, and tests of one
//! program run in parallel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod accepted_commands_survive_kill_9;
mod accounts_and_sessions;
mod backend_limits;
mod backend_outages;
mod blocked_parts;
mod command_outcomes;
mod components_start_independently;
mod conditional_reads;
mod connection_pooler;
mod dead_letters;
mod dependencies_point_inward;
mod documented_commands;
mod draw_verification;
mod email_delivery;
mod failover;
mod health_and_metrics;
mod live_updates;
mod load_shedding;
mod log_output;
mod markdown;
mod no_test_is_left_out;
mod notification_inbox;
mod notifiers_survive_kill_9;
mod openapi_matches_the_server;
mod parked_events;
mod partitions_are_shared;
mod permissions_match_the_table;
mod rate_limits;
mod read_consistency;
mod read_models;
mod read_models_rebuild_without_downtime;
mod redis_data_loss_is_recovered;
mod redis_ownership;
mod reference_pages;
mod released_data_is_readable;
mod replay_is_reproducible;
mod request_timeouts;
mod restored_backup_is_refused;
mod retention;
mod stream_inspection;
mod two_versions;
mod unsafe_backend_settings_are_refused;
mod user_deletion;
mod vocabulary;
mod waiting_for_outcomes;
mod webhook_delivery;

mod support;
