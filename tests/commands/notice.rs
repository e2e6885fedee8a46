//! `notice`: the list, one notice, and what is refused.

use super::sample::Sample;

#[tokio::test]
async fn notices_are_listed_and_shown() {
    let sample = Sample::new().await;
    insta::assert_snapshot!(sample.transcript(&[
        "notice list",
        "notice list --company acme --user u-1 --kind announcement --state sent --json",
        "notice list --limit 1",
        "notice list --company globex",
        "notice list --company globex --json",
        "notice show 01980000-0000-7000-8000-000000000001",
        "notice show 01980000-0000-7000-8000-000000000003 --json",
    ]));
}

#[tokio::test]
async fn what_failed_is_tried_again_on_a_persons_word() {
    let sample = Sample::new().await;
    sample
        .db
        .execute(
            "UPDATE notices SET state = 'failed' WHERE id = '01980000-0000-7000-8000-000000000001';
             UPDATE mails SET state = 'failed', maybe_received = 0, bounced_at = '2026-12-01T10:00:00.000000Z';
             INSERT INTO mail_history (id, mail_id, at, attempt, outcome, reply)
             SELECT '01980000-0000-7000-8000-00000000d001', id, '2026-12-01T09:50:00.000000Z', 1, 'deferred', '451 4.3.0 later' FROM mails
             UNION ALL
             SELECT '01980000-0000-7000-8000-00000000d002', id, '2026-12-01T10:00:00.000000Z', NULL, 'no_such_address', '550 5.1.1 unknown' FROM mails;
             UPDATE users SET email_status = 'bounced' WHERE external_id = 'u-1'",
        )
        .await;
    insta::assert_snapshot!(sample.transcript(&[
        "notice show 01980000-0000-7000-8000-000000000001",
        "notice retry --company acme",
        "notice retry --user u-1 --anyway --json",
        "notice retry --company acme",
        "audit list --action notice_retried --json",
    ]));
    let failed = [
        "notice retry 01980000-0000-7000-8000-000000000002",
        "notice retry 01980000-0000-7000-8000-000000000003",
        "notice retry 01980000-0000-7000-8000-00000000ffff",
    ];
    let usage = ["notice retry", "notice retry 1", "notice retry 01980000-0000-7000-8000-000000000001 --company acme"];
    let refused = sample.refusals(1, &failed).await + &sample.refusals(2, &usage).await;
    insta::assert_snapshot!("retries_that_are_refused", refused);
}

#[tokio::test]
async fn a_list_of_all_notices_is_one_array_whatever_its_length() {
    let sample = Sample::new().await;
    sample
        .db
        .execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1200)
             INSERT INTO notices (id, kind, milestone_id, enforcement_id, user_id, due_at, next_attempt_at)
             SELECT printf('01990000-0000-7000-8000-%012d', n), 'reminder', printf('01990000-0000-7000-8000-%012d', n),
                 '01980000-0000-7000-8000-00000000f001', '01980000-0000-7000-8000-00000000e001',
                 '2026-12-16T08:00:00.000000Z', '2026-12-16T08:00:00.000000Z'
             FROM numbers",
        )
        .await;
    let listed =
        |line: &str| -> Vec<serde_json::Value> { serde_json::from_str(&sample.shell(line, &[]).stdout).unwrap() };
    assert_eq!(listed("mfa-enforcer notice list --json").len(), 1203);
    assert_eq!(listed("mfa-enforcer notice list --json --limit 501").len(), 501);
    let ids: std::collections::BTreeSet<String> =
        listed("mfa-enforcer notice list --json").iter().map(|notice| notice["id"].to_string()).collect();
    assert_eq!(ids.len(), 1203, "none twice");
}

#[tokio::test]
async fn rubbish_about_notices_is_refused() {
    let sample = Sample::new().await;
    let usage = [
        "notice list --kind gossip",
        "notice list --state lost",
        "notice list --limit 0",
        "notice show 1",
        "notice show",
    ];
    let failed = [
        "notice list --company nobody",
        "notice list --user nobody",
        "notice show 01980000-0000-7000-8000-00000000ffff",
    ];
    let text = sample.refusals(2, &usage).await + &sample.refusals(1, &failed).await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_preview_says_what_keeps_a_notice_from_the_user() {
    let sample = Sample::new().await;
    let noted = |kind: &str| {
        let seen = sample.shell(&format!("mfa-enforcer notice preview --user u-1 --company acme --kind {kind}"), &[]);
        assert_eq!(seen.code, 0, "{}", seen.stderr);
        seen.stderr.lines().find_map(|line| Some(line.split_once("would not get ")?.1.to_owned()))
    };
    for kind in ["reminder", "cancelled", "now_required"] {
        assert_eq!(noted(kind), None);
    }
    sample.db.execute("UPDATE users SET mfa_enrolled_at = '2026-12-01T10:00:00.000000Z'").await;
    assert_eq!(noted("cancelled").unwrap(), "cancelled: enrolled");
}
