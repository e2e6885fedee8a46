//! The rules R1 to R11: each is a file in `tests/rules/`, with tests that drive the daemon's own tasks on both databases.
//! `tests/rules/README.md` says which test fails when which guard is taken out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails panics, and the lints know only the functions marked #[test] as tests"
)]

mod support;

mod rules {
    mod admin_mail;
    mod calendars;
    mod every_zone;
    mod hard_calendars;
    mod holds;
    mod invariants;
    mod own_days;
    mod planted;
    mod r10_notice_given;
    mod r11_provable;
    mod r1_bounced;
    mod r1_eligible_only;
    mod r2_in_flight;
    mod r2_once;
    mod r2_whole_again;
    mod r3_not_early;
    mod r4_not_late;
    mod r4_whoever;
    mod r5_cancelled;
    mod r5_exemptions;
    mod r5_moved;
    mod r5_put_off;
    mod r5_released;
    mod r6_after_all;
    mod r6_nothing_lost;
    mod r6_outcomes;
    mod r7_latest_only;
    mod r8_others_stand;
    mod r9_one_bad_row;
    mod reverts;
    mod safety_holds;
    mod sending_well;
    mod touched_rows;
    mod world;
}
