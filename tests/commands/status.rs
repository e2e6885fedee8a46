//! `status`: what an operator sees when all is well, and when something needs a person.

use super::enforcement::{run_at, with_initech};
use super::sample::Sample;

#[tokio::test]
async fn a_fresh_database_is_well() {
    let sample = Sample::empty().await;
    insta::assert_snapshot!(sample.transcript(&["status", "status --json"]));
}

#[tokio::test]
async fn a_rollout_that_goes_well() {
    let sample = with_initech().await;
    sample.transcript(&["enforcement set initech --date 2027-01-15 --yes"]);
    run_at(&sample, "2026-12-01T10:00:00Z");
    insta::assert_snapshot!(sample.transcript(&["status"]));
}

#[tokio::test]
async fn what_needs_a_person_is_told_with_the_command_that_helps() {
    let sample = with_initech().await;
    sample
        .db
        .execute(
            "UPDATE companies SET mfa_available = 0, enforcement_date = '2027-01-15' WHERE external_id = 'initech';
             UPDATE companies SET enforcement_date = '2026-12-03' WHERE external_id = 'globex';
             INSERT INTO companies (id, external_id, name, time_zone, enforcement_date) VALUES
                 ('01980000-0000-7000-8000-00000000c004', 'marsco', 'Mars Co', 'Mars/Base', '2027-01-15'),
                 ('01980000-0000-7000-8000-00000000c005', 'past', 'Past Ltd', 'Europe/Paris', '2026-01-01')",
        )
        .await;
    run_at(&sample, "2026-12-01T10:00:00Z");
    sample
        .db
        .execute(
            "UPDATE task_runs SET errors = 3, last_error = 'the database failed: disk full' WHERE task = 'expand';
             UPDATE notices SET attempts = 4, next_attempt_at = '2027-01-16T09:00:00.000000Z', state = 'pending'
                 WHERE id = '01980000-0000-7000-8000-000000000003'",
        )
        .await;
    insta::assert_snapshot!(sample.transcript(&["status", "status --at 2027-01-15T12:00:00Z"]));
}

#[tokio::test]
async fn a_silent_daemon_is_told_on_the_real_clock() {
    let sample = Sample::empty().await;
    sample
        .db
        .execute(
            "UPDATE daemon_state SET value = 'real' WHERE key = 'clock';
             DELETE FROM daemon_state WHERE key = 'last_instant';
             INSERT INTO daemon_state (key, value) VALUES ('first_run', '2020-01-01T00:00:00.000000Z');
             INSERT INTO task_runs (task, started_at, finished_at, last_success_at, report)
                 SELECT value, '2020-01-01T00:00:00.000000Z', '2020-01-01T00:00:00.000000Z', '2020-01-01T00:00:00.000000Z', '{}'
                 FROM json_each('[\"reconcile\", \"warn\", \"enforce\", \"bounces\", \"expand\", \"deliver\", \"digest\"]')",
        )
        .await;
    let seen = sample.shell("mfa-enforcer status", &[("MFA_ENFORCER__CLOCK__SIMULATED", "false")]);
    assert_eq!(seen.code, 1, "{}", seen.stdout);
    let text = "the daemon is silent: no task has succeeded since 2020-01-01T00:00:00Z";
    assert!(seen.stdout.contains(text), "{}", seen.stdout);
}
