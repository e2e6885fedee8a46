//! The database and the settings that name it: made, brought up to date, or refused with what to do.

use super::sample::Sample;

const URL: &str = "MFA_ENFORCER__DATABASE__URL";
const REAL: (&str, &str) = ("MFA_ENFORCER__CLOCK__SIMULATED", "false");

#[tokio::test]
async fn migrate_makes_a_database_and_may_run_again() {
    let sample = Sample::new().await;
    let new = [(URL, "sqlite://new.db"), REAL];
    let text = sample.shell("mfa-enforcer company list", &new).shown(&sample)
        + &sample.shell("mfa-enforcer migrate", &new).shown(&sample)
        + &sample.shell("mfa-enforcer migrate --json", &new).shown(&sample)
        + &sample.shell("mfa-enforcer company list", &new).shown(&sample);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let sample = Sample::new().await;
    sample
        .db
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'from the future', 1, x'00', 0)",
        )
        .await;
    let before = sample.db.dump().await;
    insta::assert_snapshot!(sample.transcript(&["company list", "migrate"]));
    assert_eq!(sample.db.dump().await, before);
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_all_told_at_once() {
    let sample = Sample::new().await;
    sample.write("bad.toml", "[database]\nmax_connections = 0\n\n[clock]\nsimulatd = true\n");
    insta::assert_snapshot!(
        sample.transcript(&["company list --config bad.toml", "--config missing.toml company list"])
    );
}
