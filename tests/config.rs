//! What a person sees whose settings are wrong: which one, where it stands, and what to write instead.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::path::Path;

use mfa_enforcer::config::database::DatabaseKind;
use mfa_enforcer::config::{Config, ConfigError, Purpose};

/// Loads `file` as `settings.toml`, with `variables`.
fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("settings.toml");
    std::fs::write(&path, file).unwrap();
    Config::load(Some(&path), owned(variables))
}

/// What the person sees, with the temporary folder left out.
fn seen(file: &str, variables: &[(&str, &str)]) -> String {
    let text = load(file, variables).unwrap_err().to_string();
    let folder_end = |line: &str| line.find("/settings.toml").map(|at| at + 1);
    let without = |line: &str| folder_end(line).map_or(line.to_owned(), |at| format!("  {}", &line[at..]));
    text.lines().map(without).collect::<Vec<_>>().join("\n")
}

fn owned(variables: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
}

#[test]
fn unknown_settings_in_a_file() {
    insta::assert_snapshot!(seen(
        r#"
color = "red"
listen = "127.0.0.1:80"

[smpt]
url = "file:mails"

[smtp]
pasword = "hush"
retry_first = "1m"
colour = "red"

[retention]
days = 30

[weather]
"#,
        &[]
    ));
}

#[test]
fn unknown_settings_in_the_environment() {
    insta::assert_snapshot!(seen(
        "",
        &[
            ("MFA_ENFORCER__SMTP__URI", "smtp://mail.acme.com"),
            ("MFA_ENFORCER__SMTP_URL", "smtp://mail.acme.com"),
            ("MFA_ENFORCER__WEATHER", "fine"),
            ("MFA_ENFORCER__schedule__tick", "1s"),
        ]
    ));
}

#[test]
fn malformed_values_in_a_file() {
    insta::assert_snapshot!(seen(
        r#"
[database]
url = "mysql://root:hush@db/mfa"
max_connections = "many"
connect_timeout = "10 sec"
[clock]
simulated = "yes"
[schedule]
tick = "0s"
lease = 300
claim_batch = 0
chunk = 1000000
retry_first = ""
retry_for = "0s"
[enforcement]
minimum_notice_days = -1
sso_users = "leave"
[notices]
days_before = [30, "two weeks"]
menu_path = "Settings"
[smtp]
password = 12345
max_per_minute = -1
max_per_minute_per_domain = 1000001
[http]
listen = "localhost:8080"
[methods]
sms_countries = ["US", "Germany"]
[safety]
no_enrolled_admin = "stop"
not_enrolled = true
not_enrolled_percent = 101
not_told_percent = -1
[telemetry]
log = "info,mfa_enforcer=loud"
log_format = "xml"
"#,
        &[]
    ));
}

#[test]
fn malformed_values_in_the_environment() {
    insta::assert_snapshot!(seen(
        "",
        &[
            ("MFA_ENFORCER__DATABASE__MAX_CONNECTIONS", "8 or so"),
            ("MFA_ENFORCER__DATABASE__URL", "postgres:/u:hush@db"),
            ("MFA_ENFORCER__CLOCK__SIMULATED", "1"),
            ("MFA_ENFORCER__NOTICES__DAYS_BEFORE", "30, soon"),
            ("MFA_ENFORCER__METHODS__SMS_COUNTRIES", "[US, CA]"),
            ("MFA_ENFORCER__SCHEDULE__TICK", "often"),
            ("MFA_ENFORCER__SMTP__PASSWORD", "h\u{fffd}sh"),
        ]
    ));
}

#[test]
fn a_file_that_is_not_toml() {
    insta::assert_snapshot!(seen("[http]\nlisten = 127.0.0.1:8080\n\n[smtp]\nurl = \"file:mails\nurl = 'hush'\n", &[]));
    insta::assert_snapshot!(seen("[smtp]\ntls = 'auto'\ntls = 'none'\n", &[]));
}

#[test]
fn a_file_that_is_not_there() {
    let error = Config::load(Some(Path::new("no-such.toml")), std::iter::empty()).unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn a_secret_given_twice_or_in_a_file_that_cannot_be_read() {
    insta::assert_snapshot!(seen(
        "[smtp]\nurl = 'file:mails'\nurl_file = '/run/secrets/url'\npassword_file = 'no-such-file'\n",
        &[("MFA_ENFORCER__DATABASE__URL", "sqlite://a.db"), ("MFA_ENFORCER__DATABASE__URL_FILE", "/dev/null")]
    ));
}

#[test]
fn an_empty_secret_file() {
    insta::assert_snapshot!(seen("[smtp]\npassword_file = '/dev/null'\n", &[]));
}

#[test]
fn values_that_contradict_each_other() {
    insta::assert_snapshot!(seen(
        r#"
[notices]
announce_from = "20:00"
announce_until = "08:00"
[schedule]
lease = "30s"
retry_first = "2h"
[bounces]
webhook_token = "hush-token-of-hooks"
[http]
listen = ""
"#,
        &[]
    ));
}

/// What keeps these settings from being used.
fn refused(file: &str, purpose: Purpose) -> String {
    let problems = load(file, &[]).unwrap().problems(purpose);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_defaults_alone_cannot_run() {
    insta::assert_snapshot!(refused("", Purpose::Run));
}

#[test]
fn values_made_for_examples_fail_the_check_and_a_run_that_really_sends() {
    let file = |url| {
        format!(
            "[notices]\nfrom = 'Acme <no-reply@example.com>'\nproduct_name = 'Acme'\nreply_to = 'help@acme.test'\n\
             [smtp]\nurl = '{url}'\n"
        )
    };
    insta::assert_snapshot!(refused(&file("smtps://mail.example.com"), Purpose::Run));
    assert_eq!(refused(&file("file:mails"), Purpose::Check), refused(&file("smtps://mail.acme.com"), Purpose::Run));
    assert_eq!(refused(&file("file:mails"), Purpose::Run), "");
}

#[test]
fn a_simulated_clock_sends_no_mail_beyond_this_machine() {
    let file = |url| format!("[clock]\nsimulated = true\n[smtp]\nurl = '{url}'\n");
    insta::assert_snapshot!(refused(&file("smtp://mail.acme.com:587"), Purpose::Run));
    let one_of_several = refused(&file("smtp://localhost:2525 smtp://mail.acme.com:587"), Purpose::Run);
    assert_eq!(one_of_several, refused(&file("smtp://mail.acme.com:587"), Purpose::Run));
    for here in [
        "file:mails",
        "smtp://localhost:2525",
        "smtp://127.0.0.1:2525",
        "smtp://[::1]:2525",
        "smtp://[::1]:2525 smtp://localhost",
    ] {
        assert_eq!(refused(&file(here), Purpose::Run), "", "{here}");
    }
}

#[test]
fn the_example_for_production_passes_the_check_once_its_secrets_are_there() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("database-url"), "postgres://mfa_enforcer:hush@db.internal/ledger\n").unwrap();
    std::fs::write(dir.path().join("smtp-password"), "hush\n").unwrap();
    let example = include_str!("../config/example.production.toml");
    let config = load(&example.replace("/etc/mfa-enforcer", dir.path().to_str().unwrap()), &[]).unwrap();
    assert_eq!(config.problems(Purpose::Check), []);
    assert!(config.warnings().is_empty());
    assert_eq!(config.database.kind(), DatabaseKind::Postgres);

    insta::assert_snapshot!(seen(&example.replace("/etc/mfa-enforcer", "no-such-folder"), &[]));
}
