//! Where results go: nothing is lost without a word, and a reader who has had enough is no error.

use std::process::{Command, Stdio};

use super::sample::{PROGRAM, Sample};

#[tokio::test]
async fn a_closed_pipe_is_no_error() {
    let sample = Sample::new().await;
    for command in ["company list", "company list --json", "notice list", "user show u-1", "audit verify", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(PROGRAM)
            .args(command.split(' '))
            .env_clear()
            .env("MFA_ENFORCER__DATABASE__URL", sample.db.url())
            .env("MFA_ENFORCER__CLOCK__SIMULATED", "true")
            .stdout(Stdio::from(writer))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{command}");
        assert!(output.status.success(), "{command}: {}", output.status);
    }
}

#[tokio::test]
async fn a_full_disk_is_an_error() {
    let sample = Sample::new().await;
    for command in
        ["company list", "company list --json", "notice list", "user show u-1", "audit export --to /dev/full"]
    {
        let seen = sample.shell(&format!("mfa-enforcer {command} > /dev/full"), &[]);
        assert_eq!(seen.code, 1, "{command}");
        assert!(seen.stderr.starts_with("mfa-enforcer: cannot write"), "{command}: {}", seen.stderr);
    }
}

#[tokio::test]
async fn options_for_all_commands_stand_before_or_after_the_command() {
    let sample = Sample::new().await;
    let before = sample.shell("mfa-enforcer --json --config mfa-enforcer.toml company list", &[]);
    let after = sample.shell("mfa-enforcer company list --json --config mfa-enforcer.toml", &[]);
    assert_eq!((before.code, &before.stdout), (0, &after.stdout));
    assert!(before.stdout.starts_with('['));
}

/// Pasted, a command that is named is about the same database, and is nothing but that command.
#[tokio::test]
async fn commands_are_named_as_they_have_to_be_called() {
    let sample = Sample::new().await;
    sample
        .db
        .execute(
            "UPDATE companies SET enforcement_date = '2026-01-15';
             UPDATE companies SET external_id = '$(touch pwned)' WHERE external_id IS NOT 'globex'",
        )
        .await;
    sample.write("my settings.toml", "");
    let seen = sample.shell("mfa-enforcer run --once; mfa-enforcer --config 'my settings.toml' status", &[]);
    assert_eq!(seen.code, 1, "{}", seen.stdout);
    let named: Vec<&str> = seen.stdout.lines().filter(|line| line.starts_with("  mfa-enforcer ")).collect();
    assert_eq!(named.len(), 2, "{}", seen.stdout);
    assert!(named.iter().all(|line| line.starts_with("  mfa-enforcer --config 'my settings.toml' enforcement set ")));
    assert!(named.iter().any(|line| line.contains("enforcement set globex ")), "{named:?}");
    assert!(named.iter().any(|line| line.contains("enforcement set 01980000-")), "{named:?}");
    assert!(!seen.stdout.contains("touch pwned"), "{}", seen.stdout);
    let seen = sample.shell("mfa-enforcer --config 'my settings.toml' company show nobody", &[]);
    assert!(seen.stderr.contains("`mfa-enforcer --config 'my settings.toml' company list`"), "{}", seen.stderr);
}
