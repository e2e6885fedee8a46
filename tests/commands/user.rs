//! `user`: the dossier, enrollment, exemptions, and what is refused.

use super::sample::Sample;

#[tokio::test]
async fn a_dossier_tells_all_that_is_known() {
    let sample = Sample::new().await;
    insta::assert_snapshot!(sample.transcript(&[
        "user show jo@example.org",
        "user show u-1 --json",
        "user show u-3",
        "user show u-5",
    ]));
}

#[tokio::test]
async fn a_deleted_user_is_shown_by_id() {
    let sample = Sample::new().await;
    sample.db.execute("DELETE FROM users WHERE external_id = 'u-1'").await;
    insta::assert_snapshot!(sample.transcript(&["user show 01980000-0000-7000-8000-00000000e001"]));
}

#[tokio::test]
async fn users_enroll_and_are_exempt() {
    let sample = Sample::new().await;
    insta::assert_snapshot!(sample.transcript(&[
        "user enroll JO@example.org --method sms --by Support",
        "user enroll u-1 --method sms",
        "user enroll u-1 --method authenticator --at 2026-12-02T10:00:00Z --json",
        "user enroll u-1 --undo",
        "user enroll u-1 --undo",
        "user exempt u-1 --company acme --until 2026-12-02 --reason 'Parental leave' --by 'Zoe Diaz'",
        "user exempt u-3 --company acme --end --json",
        "audit list",
    ]));
    let last = sample.db.value("SELECT value FROM daemon_state WHERE key = 'last_instant'").await;
    assert_eq!(last, "2026-12-02T10:00:00.000000Z", "the latest instant that something was done at");
}

#[tokio::test]
async fn rubbish_about_users_is_wrong_usage() {
    let sample = Sample::new().await;
    let refused = [
        "user enroll u-1",
        "user enroll u-1 --method fax",
        "user enroll u-1 --method sms --undo",
        "user exempt u-1 --company acme",
        "user exempt u-1 --company acme --until 2027-01-15",
        "user exempt u-1 --company acme --until 2027-01-15 --reason ' '",
        "user exempt u-1 --company acme --until 15/01/2027 --reason leave",
        "user exempt u-1 --company acme --until 2027-02-30 --reason leave",
        "user exempt u-1 --company acme --until 9999-12-31 --reason leave",
        "user exempt u-1 --company acme --until 2027-01-15 --end",
        "user exempt u-1 --until 2027-01-15 --reason leave",
    ];
    insta::assert_snapshot!(sample.refusals(2, &refused).await);
}

#[tokio::test]
async fn what_makes_no_sense_for_a_user_is_refused() {
    let sample = Sample::new().await;
    sample.db.execute("UPDATE companies SET time_zone = 'Mars/Olympus' WHERE external_id = 'globex'").await;
    let refused = [
        "user show nobody@example.org",
        "user show same@example.org",
        "user show 01980000-0000-7000-8000-00000000efff",
        "user enroll u-3 --method sms",
        "user enroll same@example.org --method authenticator",
        "user exempt u-4 --company acme --until 2027-01-15 --reason leave",
        "user exempt u-1 --company nobody --until 2027-01-15 --reason leave",
        "user exempt u-1 --company acme --until 2026-11-30 --reason leave",
        "user exempt u-1 --company globex --until 2027-01-15 --reason leave",
        "user exempt u-1 --company acme --end",
    ];
    insta::assert_snapshot!(sample.refusals(1, &refused).await);
}
