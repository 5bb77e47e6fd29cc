//! The tests of the whole path, through real processes: each file is a guarantee. They are one program, since each program
//! more takes longer to build than its tests take to run, and while one of them waits for something another one runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod a_client_is_answered;
mod a_deleted_user_leaves_no_live_bid;
mod a_replay_gives_the_same_figures_every_time;
mod a_restored_backup_is_never_mixed_in;
mod a_status_can_be_waited_for;
mod callers_are_limited;
mod dead_letters_are_sent_again;
mod dependencies_point_inward;
mod draws_can_be_checked;
mod e_mail_reaches_who_asked;
mod each_role_starts_by_itself;
mod every_promise_holds_whoever_is_killed;
mod everybody_is_told_once;
mod everybody_may_do_what_the_table_says;
mod everybody_sees_how_an_auction_stands;
mod followers_come_and_go;
mod listeners_miss_nothing;
mod no_test_is_left_out;
mod nothing_is_lost_or_doubled_by_kill_nine;
mod old_things_go;
mod operators_find_what_they_look_for;
mod operators_see_how_a_process_is;
mod outages_end_by_themselves;
mod parked_events_are_handled_later;
mod people_sign_up_and_in;
mod reads_are_as_fresh_as_asked;
mod reads_speak_http;
mod requests_are_answered_in_time;
mod servers_that_forget_are_not_used;
mod the_description_is_the_truth;
mod the_readme_is_true;
mod too_much_is_refused_in_time;
mod users_are_told;
mod views_are_made_anew;
mod webhooks_reach_who_asked;
mod what_redis_loses_comes_back;
mod writers_come_and_go;

mod support;
