//! `[safety]`: what speaks against a date, as `forecast`, `status` and `enforcement show` tell it.

use std::fmt::Write as _;

use super::enforcement::{run_at, with_initech};
use super::sample::Sample;

/// What is seen of commands where too few enrolled people hold a date.
fn with_holds(sample: &Sample, commands: &[&str]) -> String {
    let mut text = String::new();
    for command in commands {
        let line = format!("mfa-enforcer {command}");
        let seen = sample.shell(&line, &[("MFA_ENFORCER__SAFETY__NOT_ENROLLED", "hold")]);
        writeln!(text, "$ {line}\n{}", seen.shown(sample)).unwrap();
    }
    text
}

#[tokio::test]
async fn a_date_at_risk_is_told_while_it_is() {
    let sample = with_initech().await;
    sample.db.execute("UPDATE memberships SET role = 'admin' WHERE user_id LIKE '%e101'").await;
    sample.transcript(&["enforcement set initech --date 2027-01-15 --yes"]);
    run_at(&sample, "2026-12-02T10:00:00Z");
    run_at(&sample, "2027-01-08T10:00:00Z");
    insta::assert_snapshot!("at_risk", sample.transcript(&["status", "enforcement show initech"]));
    sample
        .db
        .execute("UPDATE users SET mfa_enrolled_at = '2027-01-08T09:00:00.000000Z' WHERE email LIKE '_@example.org'")
        .await;
    let seen = sample.shell("mfa-enforcer status", &[]);
    assert!(!seen.stdout.contains("Initech"), "{}", seen.stdout);
}

#[tokio::test]
async fn a_date_that_is_held_for_safety_is_foretold_and_released() {
    let sample = with_initech().await;
    insta::assert_snapshot!(
        "foretold",
        with_holds(&sample, &["enforcement set initech --date 2026-12-20 --yes", "forecast initech --json"])
    );
    for at in ["2026-12-02T10:00:00Z", "2026-12-20T10:00:00Z"] {
        let seen = sample
            .shell(&format!("mfa-enforcer run --once --at {at}"), &[("MFA_ENFORCER__SAFETY__NOT_ENROLLED", "hold")]);
        assert_eq!(seen.code, 0, "{}", seen.stderr);
    }
    insta::assert_snapshot!(
        "held_for_safety",
        with_holds(
            &sample,
            &[
                "status",
                "enforcement release initech --yes",
                "enforcement release initech --override-notice --reason 'we go ahead' --yes",
                "enforcement show initech",
            ]
        )
    );
}
