//! Whose time it is: the settings, `--at` and what the database remembers must agree.

use super::sample::Sample;

const REAL: (&str, &str) = ("MFA_ENFORCER__CLOCK__SIMULATED", "false");

async fn marked(clock: &str) -> Sample {
    let sample = Sample::new().await;
    sample.db.execute(&format!("UPDATE daemon_state SET value = '{clock}' WHERE key = 'clock'")).await;
    sample
}

#[tokio::test]
async fn a_database_is_driven_by_one_kind_of_clock() {
    let sample = marked("simulated").await;
    let before = sample.db.dump().await;
    let mut text = sample.shell("mfa-enforcer company set acme --locale de", &[REAL]).shown(&sample);
    assert_eq!(sample.db.dump().await, before);

    let sample = marked("real").await;
    let before = sample.db.dump().await;
    text += &sample.shell("mfa-enforcer company set acme --locale de", &[]).shown(&sample);
    assert_eq!(sample.db.dump().await, before);
    insta::assert_snapshot!(text);
    assert_eq!(sample.shell("mfa-enforcer company set acme --locale de", &[REAL]).code, 0);
}

#[tokio::test]
async fn an_instant_needs_a_simulated_clock() {
    let sample = marked("real").await;
    let before = sample.db.dump().await;
    let text = sample.shell("mfa-enforcer company list --at 2026-12-02T10:00:00Z", &[REAL]).shown(&sample)
        + &sample.shell("mfa-enforcer --at 2026-12-02T10:00:00Z migrate", &[REAL]).shown(&sample)
        + &sample.shell("mfa-enforcer --at 2026-12-02 company list", &[]).shown(&sample)
        + &sample.shell("mfa-enforcer --at yesterday company list", &[]).shown(&sample);
    assert_eq!(sample.db.dump().await, before);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_simulated_clock_needs_a_first_instant_and_remembers_the_last() {
    let sample = Sample::new().await;
    sample.db.execute("DELETE FROM daemon_state").await;
    let text = sample.shell("mfa-enforcer company list", &[]).shown(&sample);
    insta::assert_snapshot!(text);
    let remembered = "SELECT key, value FROM daemon_state ORDER BY key";
    let set = |locale: &str, at: &str| {
        sample.shell(&format!("mfa-enforcer company set acme --locale {locale} {at}"), &[]).code
    };

    assert_eq!(sample.shell("mfa-enforcer company list --at 2026-12-05T10:00:00Z", &[]).code, 0);
    assert_eq!(sample.db.rows(remembered).await.len(), 0, "looking leaves no trace");
    assert_eq!(set("de", "--at 2026-12-05T10:00:00Z"), 0);
    let expected = [["clock", "simulated"], ["last_instant", "2026-12-05T10:00:00.000000Z"]];
    assert_eq!(sample.db.rows(remembered).await, expected);
    assert_eq!((set("es", "--at 2026-12-04T10:00:00Z"), set("fr", "")), (0, 0));
    assert_eq!(sample.db.rows(remembered).await, expected, "the latest one");
    let at = "SELECT at FROM audit_events ORDER BY seq";
    let days = ["2026-12-05T10:00:00.000000Z", "2026-12-04T10:00:00.000000Z", "2026-12-05T10:00:00.000000Z"];
    assert_eq!(sample.db.rows(at).await.concat(), days);
}

#[tokio::test]
async fn the_real_clock_leaves_an_undecided_database_undecided() {
    let sample = Sample::new().await;
    sample.db.execute("DELETE FROM daemon_state").await;
    assert_eq!(sample.shell("mfa-enforcer company set acme --locale de", &[REAL]).code, 0);
    assert_eq!(sample.db.value("SELECT count(*) FROM daemon_state").await, "0");
}
