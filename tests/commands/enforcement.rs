//! `enforcement`: dates set, moved, taken away and released, and what is refused.

use super::sample::Sample;

/// A third company, with people of every sort in several zones.
const INITECH: &str = r"
INSERT INTO companies (id, external_id, name, time_zone) VALUES
    ('01980000-0000-7000-8000-00000000c003', 'initech', 'Initech', 'Europe/Berlin');
INSERT INTO users (id, email, name, time_zone, kind, active, sso, mfa_enrolled_at) VALUES
    ('01980000-0000-7000-8000-00000000e101', 'a@example.org', 'A', NULL, 'person', 1, 0, NULL),
    ('01980000-0000-7000-8000-00000000e102', 'b@example.org', 'B', 'Asia/Tokyo', 'person', 1, 0, NULL),
    ('01980000-0000-7000-8000-00000000e103', 'c@example.org', 'C', 'America/New_York', 'person', 1, 0, NULL),
    ('01980000-0000-7000-8000-00000000e104', 'd@example.org', 'D', NULL, 'person', 1, 0, '2026-11-01T08:00:00.000000Z'),
    ('01980000-0000-7000-8000-00000000e105', 'e@example.org', 'E', NULL, 'person', 1, 1, NULL),
    ('01980000-0000-7000-8000-00000000e106', 'f@example.org', 'F', NULL, 'person', 0, 0, NULL),
    ('01980000-0000-7000-8000-00000000e107', 'g@example.org', 'G', NULL, 'service', 1, 0, NULL),
    ('01980000-0000-7000-8000-00000000e108', 'h@example.org', 'H', NULL, 'person', 1, 0, NULL);
INSERT INTO memberships (company_id, user_id) SELECT '01980000-0000-7000-8000-00000000c003', id FROM users WHERE email LIKE '_@example.org';
UPDATE memberships SET exempt_until = '2027-02-01T23:00:00.000000Z', exempt_reason = 'Leave', exempt_by = 'Jo'
    WHERE user_id = '01980000-0000-7000-8000-00000000e108';
";

/// The sample with that company.
pub(super) async fn with_initech() -> Sample {
    let sample = Sample::new().await;
    sample.db.execute(INITECH).await;
    sample
}

/// Runs every task at an instant. Its logs differ from run to run and are not shown.
pub(super) fn run_at(sample: &Sample, at: &str) {
    let seen = sample.shell(&format!("mfa-enforcer run --once --at {at}"), &[]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
}

/// Who did what to the company, in order.
async fn trail(sample: &Sample) -> String {
    let sql = "SELECT at, actor, action, json_remove(detail, '$.sha256') FROM audit_events WHERE action LIKE 'enforcement%' OR action LIKE 'company%' ORDER BY seq";
    let lines: Vec<String> = sample.db.rows(sql).await.iter().map(|row| row.join("  ")).collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_date_is_set_moved_and_taken_away() {
    let sample = with_initech().await;
    insta::assert_snapshot!(
        "set",
        sample.transcript(&[
            "enforcement show initech",
            "enforcement set initech --date 2027-01-15 --by 'Zoë Diaz' --yes",
            "enforcement set initech --date 2027-01-15 --yes",
        ])
    );
    run_at(&sample, "2026-12-01T10:00:00Z");
    run_at(&sample, "2026-12-16T12:00:00Z");
    insta::assert_snapshot!(
        "move",
        sample.transcript(&[
            "enforcement set initech --date 2027-03-01 --by 'Zoë Diaz' --at 2026-12-17T12:00:00Z --yes",
        ])
    );
    run_at(&sample, "2026-12-18T12:00:00Z");
    insta::assert_snapshot!(
        "cancel",
        sample.transcript(&[
            "enforcement show initech",
            "enforcement cancel initech --by 'Zoë Diaz' --reason 'merger postponed' --yes",
            "enforcement cancel initech --yes",
            "enforcement cancel initech --yes --json",
        ])
    );
    run_at(&sample, "2026-12-19T12:00:00Z");
    insta::assert_snapshot!(
        "after",
        sample.transcript(&["enforcement show initech", "enforcement show initech --json"])
    );
    insta::assert_snapshot!("trail", trail(&sample).await);
    assert_eq!(sample.shell("mfa-enforcer audit verify", &[]).code, 0);
}

#[tokio::test]
async fn a_date_may_follow_one_in_force() {
    let sample = with_initech().await;
    sample.transcript(&["enforcement set initech --date 2026-12-01 --override-notice --reason 'an audit' --yes"]);
    run_at(&sample, "2026-12-01T10:00:00Z");
    insta::assert_snapshot!(sample.transcript(&[
        "enforcement set initech --date 2027-03-01 --yes",
        "enforcement set initech --date 2026-12-01 --at 2026-12-02T10:00:00Z --yes",
        "enforcement set initech --date 2027-03-01 --at 2026-12-03T10:00:00Z --yes",
        "enforcement cancel initech --at 2026-12-04T10:00:00Z --yes",
        "enforcement show initech",
    ]));
    insta::assert_snapshot!("in_force_trail", trail(&sample).await);
}

#[tokio::test]
async fn what_is_held_is_released() {
    let sample = with_initech().await;
    sample
        .db
        .execute(
            "UPDATE companies SET enforcement_date = '2027-01-15', mfa_available = 0 WHERE external_id = 'initech'",
        )
        .await;
    run_at(&sample, "2026-12-01T10:00:00Z");
    insta::assert_snapshot!("held", sample.refusals(1, &["enforcement release initech --yes"]).await);
    sample.transcript(&["company set initech --mfa-available true"]);
    let late = "enforcement release initech --at 2027-01-12T08:00:00Z --yes";
    insta::assert_snapshot!("late", sample.refusals(1, &[late]).await);
    insta::assert_snapshot!(
        "released",
        sample.transcript(&[
            "enforcement set initech --date 2027-01-15 --yes",
            "enforcement release initech --at 2027-01-12T08:00:00Z --by Jo --override-notice --reason agreed --yes",
            "enforcement release initech --yes",
            "enforcement show initech",
        ])
    );
    insta::assert_snapshot!("released_trail", trail(&sample).await);
}

#[tokio::test]
async fn what_is_to_come_is_held() {
    let sample = with_initech().await;
    sample.transcript(&["enforcement set initech --date 2027-01-15 --yes"]);
    run_at(&sample, "2026-12-02T10:00:00Z");
    insta::assert_snapshot!(
        "hold",
        sample.transcript(&[
            "enforcement hold initech --reason 'the help desk is not ready' --by 'Zoë Diaz' --yes",
            "enforcement hold initech --yes",
            "forecast initech",
            "status",
            "enforcement release initech --at 2026-12-05T10:00:00Z --by Jo --yes",
            "enforcement hold initech --yes --json",
            "enforcement show initech",
        ])
    );
    insta::assert_snapshot!("hold_trail", trail(&sample).await);
}

#[tokio::test]
async fn what_has_come_is_reverted() {
    let sample = with_initech().await;
    sample
        .db
        .execute(
            "UPDATE users SET payee = 1 WHERE email = 'b@example.org';
             INSERT INTO memberships (company_id, user_id)
                 SELECT '01980000-0000-7000-8000-00000000c002', id FROM users WHERE email = 'c@example.org'",
        )
        .await;
    let set = "--date 2026-12-01 --override-notice --reason 'an audit' --yes";
    sample.transcript(&[&format!("enforcement set initech {set}"), &format!("enforcement set globex {set}")]);
    run_at(&sample, "2026-12-02T10:00:00Z");
    let before = sample.db.dump().await;
    let asked = sample.transcript(&["enforcement revert initech < /dev/null"]);
    assert_eq!(sample.db.dump().await, before);
    insta::assert_snapshot!("revert_asks", asked);
    insta::assert_snapshot!(
        "revert",
        sample.transcript(&[
            "enforcement revert initech --reason 'locked out by mistake' --by 'Zoë Diaz' --yes",
            "enforcement revert initech --yes",
            "forecast initech",
            "enforcement show initech",
            "enforcement revert initech --yes --json",
        ])
    );
    run_at(&sample, "2026-12-03T10:00:00Z");
    sample.db.execute("DELETE FROM companies WHERE external_id = 'globex'").await;
    insta::assert_snapshot!(
        "revert_deleted",
        sample.transcript(&[
            "enforcement revert globex --yes",
            "enforcement revert 01980000-0000-7000-8000-00000000c002 < /dev/null",
            "enforcement revert 01980000-0000-7000-8000-00000000c002 --yes",
            "enforcement revert 01980000-0000-7000-8000-00000000c002 --yes --json",
        ])
    );
    insta::assert_snapshot!("revert_trail", trail(&sample).await);
    assert_eq!(sample.shell("mfa-enforcer audit verify", &[]).code, 0);
}

#[tokio::test]
async fn rubbish_about_dates_is_wrong_usage() {
    let sample = with_initech().await;
    let refused = [
        "enforcement set initech",
        "enforcement set initech --date 15/01/2027",
        "enforcement set initech --date 2027-02-30",
        "enforcement set initech --date 2027-01-15 --override-notice",
        "enforcement set initech --date 2027-01-15 --override-notice --reason ''",
        "enforcement set initech --date 2027-01-15 --by ''",
        "enforcement release initech --override-notice --yes",
        "enforcement cancel",
        "enforcement hold",
        "enforcement hold initech --override-notice --yes",
        "enforcement revert initech --reason ''",
    ];
    insta::assert_snapshot!(sample.refusals(2, &refused).await);
}

#[tokio::test]
async fn a_date_that_breaks_a_rule_is_refused() {
    let sample = with_initech().await;
    sample
        .db
        .execute(
            "INSERT INTO companies (id, external_id, name, time_zone, mfa_available) VALUES
                 ('01980000-0000-7000-8000-00000000c004', 'marsco', 'Mars Co', 'Mars/Base', 1),
                 ('01980000-0000-7000-8000-00000000c005', 'later', 'Later', 'Europe/Paris', 0)",
        )
        .await;
    let refused = [
        "enforcement set nobody --date 2027-01-15 --yes",
        "enforcement set initech --date 2026-12-07 --yes",
        "enforcement set initech --date 2026-11-30 --yes",
        "enforcement set initech --date 2026-11-30 --override-notice --reason late --yes",
        "enforcement set marsco --date 2027-01-15 --yes",
        "enforcement set marsco --date 2027-01-15 --override-notice --reason late --yes",
        "enforcement set later --date 2027-01-15 --yes",
        "enforcement set later --date 2027-01-15 --override-notice --reason late --yes --json",
        "enforcement cancel nobody --yes",
        "enforcement release nobody --yes",
        "enforcement hold nobody --yes",
        "enforcement hold initech --yes",
        "enforcement hold acme --reason too_few_told --yes",
        "enforcement revert nobody --yes",
        "enforcement revert 01980000-0000-7000-8000-00000000cfff --yes",
        "enforcement revert initech --yes",
        "enforcement revert acme --yes --json",
        "enforcement show nobody",
    ];
    insta::assert_snapshot!(sample.refusals(1, &refused).await);
}

#[tokio::test]
async fn nothing_happens_without_a_terminal_or_a_yes() {
    let sample = with_initech().await;
    let before = sample.db.dump().await;
    let seen = sample.transcript(&[
        "enforcement set initech --date 2027-01-15 < /dev/null",
        "enforcement set initech --date 2027-01-15 --json < /dev/null",
        "enforcement cancel acme < /dev/null",
        "enforcement hold acme < /dev/null",
    ]);
    assert_eq!(sample.db.dump().await, before);
    insta::assert_snapshot!(seen);
}

#[tokio::test]
async fn a_person_at_a_terminal_is_asked() {
    let sample = with_initech().await;
    let before = sample.db.dump().await;
    // `script` gives the program a terminal.
    let ask = |answer: &str| {
        let line = "mfa-enforcer enforcement set initech --date 2027-01-15";
        sample.shell(&format!("echo {answer} | script -qec '{line}' /dev/null"), &[("TERM", "dumb")])
    };
    let no = ask("n");
    assert!(no.stdout.contains("Go ahead? [y/N]") && no.stdout.contains("nothing was changed"), "{}", no.stdout);
    assert_eq!((no.code, sample.db.dump().await), (1, before));
    let yes = ask("y");
    assert!(yes.stdout.contains("Set: Initech (initech) has the date 2027-01-15."), "{}", yes.stdout);
    assert_eq!(yes.code, 0);
}

/// The word of a release says how to go ahead, and a result says what is so afterwards.
#[tokio::test]
async fn a_date_in_the_past_is_released_with_an_override() {
    let sample = with_initech().await;
    sample.db.execute("UPDATE companies SET enforcement_date = '2026-11-15' WHERE external_id = 'initech'").await;
    sample.shell("mfa-enforcer run --once", &[]);
    let text = sample.transcript(&[
        "enforcement release initech --yes",
        "enforcement release initech --override-notice --reason agreed --yes",
    ]);
    sample.shell("mfa-enforcer run --once", &[]);
    insta::assert_snapshot!(text);
    let seen = sample.shell("mfa-enforcer --json enforcement set initech --date 2027-03-01 --yes", &[]);
    let acted: serde_json::Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(acted["company"]["enforcement_date"], "2027-03-01");
    sample.db.execute("UPDATE memberships SET exempt_until = '2027-01-15T12:00:00Z', exempt_reason = 'leave'").await;
    let seen = sample.shell("mfa-enforcer forecast initech", &[]);
    assert!(seen.stdout.contains("exempt until Fri 15 Jan 2027"), "{}", seen.stdout);
    assert!(seen.stdout.contains(": required already, and stays so"), "{}", seen.stdout);
}
