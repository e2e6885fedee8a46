//! The same seed, size, days and start give the same bytes; others give others.

use std::fmt::Write as _;

use super::stage::Stage;

#[tokio::test]
async fn twice_the_same() {
    let (one, other) = (Stage::new(), Stage::new());
    let shown = one.done("mfa-enforcer demo");
    // The second one comes upon the leftovers of another.
    other.done("mfa-enforcer demo --seed 9 --users 3");
    assert_eq!(other.done("mfa-enforcer demo"), shown);
    assert!(one.mails("mfa-enforcer-demo") == other.mails("mfa-enforcer-demo"), "the mails differ");
    assert_eq!(one.dump("mfa-enforcer-demo").await, other.dump("mfa-enforcer-demo").await);

    insta::assert_snapshot!("default", shown);
    let timeline = shown.split_once("DAY ").unwrap().1.split_once("\nOne of the mails").unwrap().0;
    assert!(timeline.lines().count() < 80, "{timeline}");
    assert!(shown.lines().all(|line| line.chars().count() <= 105), "{shown}");
}

/// Gives a demonstration for each wish, and finds that all are whole and no two are the same.
fn rollouts(common: &str, wishes: &[&str]) {
    let stage = Stage::new();
    let mut seen = Vec::new();
    for wish in wishes {
        let shown = stage.done(&format!("mfa-enforcer demo {common} {wish}"));
        assert!(shown.contains("MFA REQUIRED") && shown.contains("date moved"), "{shown}");
        assert!(shown.contains("an unbroken chain of hashes"), "{shown}");
        assert!(!shown.contains("failed ") && !shown.contains("to be sent"), "{shown}");
        seen.push(shown);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), wishes.len(), "two of them are the same");
}

#[test]
fn of_any_size() {
    rollouts("", &["--users 1", "--users 5", "--users 400"]);
}

#[test]
fn of_any_seed() {
    rollouts("", &["--seed 0", "--seed 2", "--seed 18446744073709551615"]);
}

#[test]
fn of_any_length() {
    rollouts("--users 12", &["--days 7", "--days 8", "--days 10", "--days 16", "--days 31", "--days 60", "--days 365"]);
}

#[test]
fn from_any_day() {
    // Both changes of the clocks; a day that Samoa did not have; a leap day; the end of what is allowed.
    let starts = ["--start 2027-10-20", "--start 2011-12-01", "--start 2028-02-29", "--start 2199-12-31"];
    rollouts("--users 12", &starts);
}

#[test]
fn wishes_that_cannot_be_had_are_refused() {
    let stage = Stage::new();
    let mut text = String::new();
    for wish in [
        "--days 6",
        "--users 0",
        "--start 23/02/2027",
        "--start 1999-12-31",
        "--seed -1",
        "--config mine.toml",
        "--at 2027-01-01T00:00:00Z",
        "--dir ''",
        "--dir 'so?so'",
    ] {
        let seen = stage.shell(&format!("mfa-enforcer demo {wish}"), &[]);
        assert_eq!(seen.stdout, "", "{wish}");
        let first = seen.stderr.lines().next().unwrap_or_default();
        writeln!(text, "$ mfa-enforcer demo {wish}\n{first}\nexit {}\n", seen.code).unwrap();
    }
    assert_eq!(std::fs::read_dir(stage.path()).unwrap().count(), 0, "nothing was made");
    insta::assert_snapshot!(text);
}
